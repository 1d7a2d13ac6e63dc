package dev.truce.store;

import dev.truce.store.CommitRecord.Change;
import dev.truce.store.CommitRecord.Named;
import dev.truce.store.Footprint.Range;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// What one run of a commit's body has read and wants to write, in however many stores.
///
/// **Threads.** The one that runs the body.
final class Writes {
  static final Comparator<byte[]> ORDER = Arrays::compareUnsigned;

  /// What the body reads.
  private final Root root;

  /// What this rests on: what the body has read, or what resolvers have seen since.
  private Root base;

  private final boolean serializable;
  private final Thread thread = Thread.currentThread();
  private final Map<String, Part> parts = new LinkedHashMap<>();
  private final List<View> views = new ArrayList<>();
  private boolean open = true;

  /// What others have put and a resolver has kept.
  private final SortedMap<byte[], byte[]> theirs = new TreeMap<>(ORDER);

  /// What it has to do with one store.
  ///
  /// @param number of the store, 0 where it is still to be made
  /// @param space in which its keys lie; where it is still to be made one in which nothing is
  /// @param changes what it wants to write, by the keys' bytes
  /// @param blind those of them that rest on nothing
  /// @param resolvers who is asked when others have written them
  /// @param settled what came of that
  record Part(
      long number,
      long space,
      SortedMap<byte[], Change> changes,
      SortedSet<byte[]> blind,
      SortedSet<byte[]> read,
      SortedMap<byte[], Long> required,
      SortedMap<byte[], Resolver<byte[]>> resolvers,
      SortedMap<byte[], Resolution<byte[]>> settled) {
    Part(long number, long space) {
      this(
          number,
          space,
          new TreeMap<>(ORDER),
          keys(),
          keys(),
          new TreeMap<>(ORDER),
          new TreeMap<>(ORDER),
          new TreeMap<>(ORDER));
    }

    boolean isRootsOwn() {
      return space == 0;
    }

    /// What it wants to write by now.
    SortedMap<byte[], Change> proposed() {
      if (settled.isEmpty()) {
        return changes;
      }
      SortedMap<byte[], Change> proposed = new TreeMap<>(changes);
      settled.forEach((key, how) -> {
        if (how instanceof Resolution.Use<byte[]>(byte[] value)) {
          proposed.put(key, new Change(key, value, true));
        } else if (how instanceof Resolution.Remove<byte[]>) {
          proposed.put(key, new Change(key, null, true));
        } else {
          proposed.remove(key);
        }
      });
      return proposed;
    }
  }

  private static SortedSet<byte[]> keys() {
    return new TreeSet<>(ORDER);
  }

  /// @param serializable whether what is read counts
  Writes(Root root, boolean serializable) {
    this.root = root;
    this.base = root;
    this.serializable = serializable;
  }

  Root root() {
    return root;
  }

  Root base() {
    return base;
  }

  /// @throws IllegalStateException outside of the body
  Part part(String store) {
    checkOpen();
    Part known = parts.get(store);
    if (known == null) {
      long number = root.number(store);
      known = new Part(number, number == 0 ? -1L - parts.size() : number);
      parts.put(store, known);
    }
    return known;
  }

  /// What it has to do with the root's own store, in which the others' rows are.
  Part rows() {
    checkOpen();
    return parts.computeIfAbsent(Named.ROOTS_OWN.name(), _ -> new Part(0, 0));
  }

  /// @throws IllegalStateException outside of the body
  void checkOpen() {
    if (!open || !thread.equals(Thread.currentThread())) {
      throw new IllegalStateException("a draft is of use to its body alone, while that runs");
    }
  }

  void close() {
    open = false;
  }

  /// What it would find under this key.
  @Nullable Item find(Part part, byte[] key) {
    Change own = part.changes.get(key);
    if (own != null) {
      return own.value() == null ? null : Item.of(0, own.value());
    }
    if (serializable) {
      part.read.add(key);
    }
    return root.live(SpaceKey.of(part.space, key));
  }

  /// What it would find in this range.
  ///
  /// @param changes those of this range
  View view(Part part, Range range, SortedMap<byte[], Change> changes) {
    View view =
        new View(
            root.rows(range.from(), range.to()),
            List.copyOf(changes.values()),
            part.space(),
            range,
            this::checkOpen);
    if (serializable) {
      views.add(view);
    }
    return view;
  }

  void change(Part part, byte[] key, byte @Nullable [] value, boolean blindly) {
    part.changes.put(key, new Change(key, value, false));
    if (blindly) {
      part.blind.add(key);
    }
  }

  /// Has the store of one name have another one, if there is a store of the first and none of the
  /// other.
  void rename(String store, String to) {
    Item row = find(rows(), Root.rowKey(store));
    if (row == null) {
      require(rows(), Root.rowKey(store), Math.max(1, root.revision()));
    } else {
      require(rows(), Root.rowKey(to), 0);
      change(rows(), Root.rowKey(store), null, false);
      change(rows(), Root.rowKey(to), row.value(), false);
    }
  }

  /// Has there be no store of this name.
  void drop(String store) {
    if (find(rows(), Root.rowKey(store)) != null) {
      change(rows(), Root.rowKey(store), null, false);
    }
  }

  /// Has a resolver be asked about this key; `null` has nobody be asked.
  void resolve(Part part, byte[] key, @Nullable Resolver<byte[]> resolver) {
    if (resolver != null) {
      part.resolvers.put(key, resolver);
    } else {
      part.resolvers.remove(key);
    }
  }

  /// @throws IllegalArgumentException if another one is required already
  void require(Part part, byte[] key, long revision) {
    Long other = part.required.putIfAbsent(key, revision);
    if (other != null && other != revision) {
      throw new IllegalArgumentException(
          "no key is at revision " + other + " and at " + revision + " at once");
    }
  }

  boolean isEmpty() {
    return parts.values().stream().allMatch(part -> part.proposed().isEmpty());
  }

  /// How many keys of stores it writes.
  int changed() {
    return parts.values().stream()
        .filter(part -> !part.isRootsOwn())
        .mapToInt(part -> part.proposed().size())
        .sum();
  }

  /// How many keys it writes as a resolver, or a person, wants it.
  int resolved() {
    return (int)
        parts.values().stream()
            .flatMap(part -> part.proposed().values().stream())
            .filter(Change::resolved)
            .count();
  }

  // ---- what becomes of it

  List<Named> stores() {
    return parts.entrySet().stream()
        .filter(part -> !part.getValue().proposed().isEmpty())
        .map(part -> new Named(part.getValue().number, part.getKey()))
        .toList();
  }

  /// What is written in each of [#stores()].
  List<List<Change>> changes() {
    return parts.values().stream()
        .map(Part::proposed)
        .filter(changes -> !changes.isEmpty())
        .map(changes -> List.copyOf(changes.values()))
        .toList();
  }

  /// Of a store that is still to be made it rests on nothing but that.
  Footprint footprint() {
    Map<String, Long> stores = new TreeMap<>();
    SortedSet<byte[]> written = keys();
    SortedSet<byte[]> read = keys();
    SortedMap<byte[], Long> required = new TreeMap<>(ORDER);
    parts.forEach((name, part) -> {
      if (!part.isRootsOwn()
          && (serializable || !part.changes.isEmpty() || !part.required.isEmpty())) {
        stores.put(name, part.number);
      }
      part.changes.keySet().stream()
          .filter(key -> !part.blind.contains(key))
          .forEach(key -> written.add(SpaceKey.of(part.space, key)));
      part.read.forEach(key -> read.add(SpaceKey.of(part.space, key)));
      part.required.forEach(
          (key, revision) -> required.put(SpaceKey.of(part.space, key), revision));
    });
    List<Range> ranges =
        Footprint.merged(views.stream().map(View::seen).filter(Objects::nonNull).toList());
    return new Footprint(base.revision(), stores, written, read, ranges, required);
  }

  // ---- what becomes of it when others have written the same

  @Nullable Resolver<byte[]> resolver(byte[] spaceKey) {
    Part part = partOf(spaceKey);
    return part == null ? null : part.resolvers.get(SpaceKey.inStore(spaceKey));
  }

  /// What its body wants a key to hold, empty where it removes it or does not write it.
  Optional<byte[]> wanted(byte[] spaceKey) {
    Part part = partOf(spaceKey);
    Change change = part == null ? null : part.changes.get(SpaceKey.inStore(spaceKey));
    return change == null ? Optional.empty() : Optional.ofNullable(change.value());
  }

  /// Has these keys be what resolvers have made of them, who have seen `now`. Nothing else that it
  /// rests on may have changed until then.
  void settle(Root now, SortedMap<byte[], Resolution<byte[]>> answers) {
    base = now;
    answers.forEach((key, how) -> {
      Part part = partOf(key);
      if (part != null) {
        part.settled.put(SpaceKey.inStore(key), how);
      }
      if (how instanceof Resolution.KeepTheirs<byte[]>) {
        now.value(key).ifPresent(value -> theirs.put(key, value));
      }
    });
  }

  /// All that its body wants to write, as it is kept for a person.
  List<ParkedRow.Wish> wishes() {
    List<ParkedRow.Wish> wishes = new ArrayList<>();
    parts.forEach((name, part) ->
        part.changes.forEach((key, change) -> {
          byte[] spaceKey = SpaceKey.of(part.space, key);
          wishes.add(
              new ParkedRow.Wish(
                  part.number,
                  name,
                  key,
                  root.revisionOf(spaceKey),
                  root.value(spaceKey),
                  Optional.ofNullable(change.value())));
        }));
    return wishes;
  }

  /// The value that a resolver has left this key with; `null` if none was asked about it, or it is
  /// gone.
  byte @Nullable [] settled(String store, byte[] key) {
    Part part = parts.get(store);
    return part == null
        ? null
        : switch (part.settled.get(key)) {
          case Resolution.Use<byte[]>(byte[] value) -> value;
          case Resolution.KeepTheirs<byte[]> _ -> theirs.get(SpaceKey.of(part.space, key));
          case null, default -> null;
        };
  }

  private @Nullable Part partOf(byte[] spaceKey) {
    long store = SpaceKey.store(spaceKey);
    return parts.values().stream().filter(part -> part.space == store).findFirst().orElse(null);
  }

  /// The name of the store with this number.
  String name(long space) {
    return parts.entrySet().stream()
        .filter(part -> part.getValue().space == space)
        .map(Map.Entry::getKey)
        .findFirst()
        .orElse("");
  }
}
