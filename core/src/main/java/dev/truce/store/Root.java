package dev.truce.store;

import java.nio.ByteBuffer;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// All stores of a root at one revision: what a checkpoint has, under what was committed since.
/// Immutable.
///
/// Store number 0 is the root's own: the row `n/NAME` has the number of the store of that name.
///
/// @param run what was there at the checkpoint
/// @param delta what was changed behind it
/// @param revision up to which commits are in it
record Root(Run run, Delta delta, long revision) {
  static final Root EMPTY = new Root(Run.NONE, Delta.EMPTY, 0);

  private static final String NAMES = "n/";

  static Root of(Run run) {
    return new Root(run, Delta.EMPTY, run.upTo());
  }

  static byte[] row(String store) {
    return SpaceKey.of(0, rowKey(store));
  }

  /// The key of a store's row among those of store number 0.
  static byte[] rowKey(String store) {
    return SpaceKey.utf8(NAMES + store);
  }

  /// Whether a key is that of a store's row.
  static boolean isRow(byte[] key) {
    return SpaceKey.store(key) == 0 && SpaceKey.key(key).startsWith(NAMES);
  }

  /// The name of the store with this row.
  static String store(byte[] row) {
    return SpaceKey.key(row).substring(NAMES.length());
  }

  /// The same with a later checkpoint below it.
  Root over(Run later) {
    return new Root(later, delta.since(later.upTo()), revision);
  }

  /// The number of the store of this name, 0 if there is none.
  long number(String store) {
    return numberOf(row(store));
  }

  /// The number of the store with this row, 0 if there is none.
  long numberOf(byte[] row) {
    Item item = live(row);
    return item == null ? 0 : number(item);
  }

  /// The number that a store's row has.
  static long number(Item item) {
    return ByteBuffer.wrap(item.value()).getLong();
  }

  /// What is known of a key: its removal, too, if that is not too long ago.
  @Nullable Item item(byte[] key) {
    Item item = delta.get(key);
    return item == null ? run.get(key) : item;
  }

  /// The item of a key that is there.
  @Nullable Item live(byte[] key) {
    Item item = item(key);
    return item == null || !item.live() ? null : item;
  }

  /// The revision of the commit that put this key, 0 if it is not there.
  long revisionOf(byte[] key) {
    Item item = delta.get(key);
    if (item == null) {
      return run.revisionOf(key);
    }
    return item.live() ? item.revision() : 0;
  }

  /// The name of the store with this number, empty if there is none.
  Optional<String> name(long number) {
    for (Iterator<Delta.Row> rows = own(NAMES); rows.hasNext(); ) {
      Delta.Row row = rows.next();
      if (number(row.item()) == number) {
        return Optional.of(store(row.key()));
      }
    }
    return Optional.empty();
  }

  /// The revision of the commit that put or removed this key last, 0 where none is known.
  long changed(byte[] key) {
    Item item = item(key);
    return item == null ? 0 : item.revision();
  }

  /// The value of this key, if it is there.
  Optional<byte[]> value(byte[] key) {
    return Optional.ofNullable(live(key)).map(Item::value);
  }

  /// The keys from `from` on and below `to`; of removed ones those of the delta.
  Iterator<Delta.Row> rows(byte[] from, byte[] to) {
    Iterator<Delta.Row> changed = delta.rows(from, to);
    Iterator<Delta.Row> stood = run.rows(from, to);
    return stood.hasNext() ? new Over(changed, stood) : changed;
  }

  /// The same without those that were removed.
  Iterator<Delta.Row> present(byte[] from, byte[] to) {
    return new Kept(rows(from, to), _ -> true);
  }

  /// The root's own rows with this prefix that are there.
  Iterator<Delta.Row> own(String prefix) {
    byte[] from = SpaceKey.of(0, prefix);
    return present(from, Objects.requireNonNull(SpaceKey.behindAllWith(from)));
  }

  /// What there is of each store, by name.
  List<StoreStatus.Named> stores() {
    Map<Long, String> names = new HashMap<>();
    Map<Long, long[]> figures = new HashMap<>();
    for (Iterator<Delta.Row> rows = kept(); rows.hasNext(); ) {
      Delta.Row row = rows.next();
      if (isRow(row.key())) {
        names.put(number(row.item()), store(row.key()));
      } else {
        long[] of = figures.computeIfAbsent(SpaceKey.store(row.key()), _ -> new long[3]);
        of[0]++;
        of[1] += row.item().length();
        of[2] = Math.max(of[2], row.item().revision());
      }
    }
    return names.entrySet().stream()
        .map(name -> named(name.getValue(), figures.getOrDefault(name.getKey(), new long[3])))
        .sorted(Comparator.comparing(StoreStatus.Named::name))
        .toList();
  }

  private static StoreStatus.Named named(String name, long[] figures) {
    return new StoreStatus.Named(name, figures[0], figures[1], figures[2]);
  }

  /// What a checkpoint keeps: the keys that are there, of stores that have a name.
  Iterator<Delta.Row> kept() {
    return new Kept(rows(Delta.FIRST, Delta.BEHIND_ALL), new Named());
  }

  /// Keys of stores that have a name. The names come before all else, for their store has the
  /// lowest number.
  private static final class Named implements Predicate<Delta.Row> {
    private final Set<Long> stores = new HashSet<>(Set.of(0L));

    @Override
    public boolean test(Delta.Row row) {
      if (isRow(row.key())) {
        stores.add(number(row.item()));
      }
      return stores.contains(SpaceKey.store(row.key()));
    }
  }

  /// Those of rows that are there and wanted.
  private static final class Kept implements Iterator<Delta.Row> {
    private final Iterator<Delta.Row> rows;
    private final Predicate<Delta.Row> wanted;
    private Delta.@Nullable Row next;

    Kept(Iterator<Delta.Row> rows, Predicate<Delta.Row> wanted) {
      this.rows = rows;
      this.wanted = wanted;
    }

    @Override
    public boolean hasNext() {
      while (next == null && rows.hasNext()) {
        Delta.Row row = rows.next();
        if (row.item().live() && wanted.test(row)) {
          next = row;
        }
      }
      return next != null;
    }

    @Override
    public Delta.Row next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      Delta.Row row = Objects.requireNonNull(next);
      next = null;
      return row;
    }
  }
}
