package dev.truce.store;

import dev.truce.spi.Journal;
import dev.truce.store.CommitRecord.Named;
import dev.truce.store.CommitRecord.Write;
import dev.truce.store.ConflictException.Kind;
import dev.truce.store.Footprint.Range;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// All decisions about stores: pure functions, without a clock, a thread or an effect.
///
/// The content of a root at revision r is what [#apply] makes of the commits up to r, whoever does
/// it. A commit that has read revision S lands at c only if nothing that it rests on was changed in
/// between: up to a revision that the writer knows that is told by the content ([#check]), and the
/// last few commits before c are looked at one by one, where it lands ([#decide]).
final class StoreMachine {
  private StoreMachine() {}

  /// What keeps a commit from landing.
  ///
  /// @param key the store's row where the store is not what it was
  /// @param expected the revision of the key that the commit rests on, or that it read
  /// @param found its revision now, 0 where it is not there
  /// @param by the commit that put it there or removed it, 0 where none is known
  record Clash(Kind kind, byte[] key, long expected, long found, long by) {
    boolean isOfStore() {
      return Root.isRow(key);
    }
  }

  /// How much is looked at where a commit lands: so many records, of so many bytes together.
  ///
  /// A commit that was behind looks at twice as much the next time, so that one that takes long to
  /// write lands, too, however many small or large ones come meanwhile.
  record Window(int records, int bytes) {
    private static final int MOST_DOUBLINGS = 12;

    static Window after(int timesBehind) {
      int doublings = Math.min(timesBehind, MOST_DOUBLINGS);
      return new Window(1 << (6 + doublings), 1 << (18 + doublings));
    }
  }

  /// What is done about clashes.
  enum Remedy {
    /// It would clash for ever, or a resolver wants it so.
    REFUSE,
    /// It is put aside for a person.
    PARK,
    /// The body runs again.
    RUN,
    /// The resolvers are asked, key by key.
    ASK,
    /// It is tried with what the resolvers have made of it.
    LAND
  }

  /// What a decider says.
  sealed interface Answer {
    /// Nothing that it rests on was changed.
    record Land() implements Answer {}

    /// Too much was appended to be looked at here: the writer has to catch up.
    record Behind() implements Answer {}

    record Clashing(Clash clash) implements Answer {}
  }

  // ---- what a commit makes of the content

  static Root apply(Root before, long revision, CommitRecord commit) {
    return new Root(before.run(), before.delta().with(rows(revision, commit)), revision);
  }

  /// What a commit makes of which keys, to be put one after the other.
  static List<Delta.Row> rows(long revision, CommitRecord commit) {
    List<Delta.Row> rows = new ArrayList<>(commit.writes().size() + 1);
    for (int i = 0; i < commit.stores().size(); i++) {
      Named store = commit.stores().get(i);
      if (store.isNew()) {
        byte[] number = ByteBuffer.allocate(8).putLong(commit.number(i, revision)).array();
        rows.add(new Delta.Row(Root.row(store.name()), Item.of(revision, number)));
      }
    }
    for (Write write : commit.writes()) {
      rows.add(new Delta.Row(commit.key(write, revision), commit.item(write, revision)));
    }
    return rows;
  }

  // ---- whether it may land

  /// What of this has changed behind its base, up to the revision of `at`.
  static List<Clash> check(Root at, Footprint mine) {
    List<Clash> clashes = storesChanged(at, mine);
    addStale(clashes, at, mine);
    addNewer(clashes, at, mine, mine.written(), Kind.WRITE_WRITE);
    addNewer(clashes, at, mine, mine.read(), Kind.READ_WRITE);
    for (Range range : mine.ranges()) {
      Delta.Row newer = at.delta().newer(range.from(), range.to(), mine.base());
      if (newer != null) {
        clashes.add(clash(Kind.READ_WRITE, newer.key(), mine.base(), newer.item()));
      }
    }
    return clashes;
  }

  private static List<Clash> storesChanged(Root at, Footprint mine) {
    List<Clash> clashes = new ArrayList<>();
    for (Map.Entry<String, Long> store : mine.stores().entrySet()) {
      if (at.number(store.getKey()) != store.getValue()) {
        long by = at.changed(Root.row(store.getKey()));
        clashes.add(storeChanged(mine, store.getKey(), by));
      }
    }
    return clashes;
  }

  /// What has changed of this between its base and `at`, of which `validated` was checked before.
  ///
  /// A checkpoint has no removals, so what has changed behind a base that lies before it is not
  /// told by revisions any more, and the contents themselves are compared: a key that is as it was
  /// may be rested on, whatever it was in between.
  static List<Clash> changed(Root base, Root at, Footprint mine, long validated) {
    if (base.revision() < at.run().upTo()) {
      return compared(base, at, mine);
    }
    return validated == mine.base() ? check(at, mine) : check(at, mine, validated);
  }

  private static List<Clash> compared(Root base, Root at, Footprint mine) {
    List<Clash> clashes = storesChanged(at, mine);
    addStale(clashes, at, mine);
    addDifferent(clashes, base, at, mine, mine.written(), Kind.WRITE_WRITE);
    addDifferent(clashes, base, at, mine, mine.read(), Kind.READ_WRITE);
    for (Range range : mine.ranges()) {
      byte[] different = firstDifferent(base, at, range);
      if (different != null) {
        clashes.add(clash(Kind.READ_WRITE, different, mine.base(), at.item(different)));
      }
    }
    return clashes;
  }

  private static void addStale(List<Clash> clashes, Root at, Footprint mine) {
    mine.required()
        .forEach((key, revision) -> {
          if (at.revisionOf(key) != revision) {
            clashes.add(clash(Kind.STALE, key, revision, at.item(key)));
          }
        });
  }

  private static void addDifferent(
      List<Clash> clashes, Root base, Root at, Footprint mine, Iterable<byte[]> keys, Kind kind) {
    for (byte[] key : keys) {
      if (base.revisionOf(key) != at.revisionOf(key)) {
        clashes.add(clash(kind, key, mine.base(), at.item(key)));
      }
    }
  }

  /// The first key of a range that one has and the other has not, or has of another revision.
  private static byte @Nullable [] firstDifferent(Root one, Root other, Range range) {
    Iterator<Delta.Row> here = one.present(range.from(), range.to());
    Iterator<Delta.Row> there = other.present(range.from(), range.to());
    while (here.hasNext() && there.hasNext()) {
      Delta.Row mine = here.next();
      Delta.Row theirs = there.next();
      int order = Arrays.compareUnsigned(mine.key(), theirs.key());
      if (order != 0 || mine.item().revision() != theirs.item().revision()) {
        return order <= 0 ? mine.key() : theirs.key();
      }
    }
    if (here.hasNext()) {
      return here.next().key();
    }
    return there.hasNext() ? there.next().key() : null;
  }

  private static void addNewer(
      List<Clash> clashes, Root at, Footprint mine, Iterable<byte[]> keys, Kind kind) {
    for (byte[] key : keys) {
      Item item = at.delta().get(key);
      if (item != null && item.revision() > mine.base()) {
        clashes.add(clash(kind, key, mine.base(), item));
      }
    }
  }

  private static long found(@Nullable Item item) {
    return item != null && item.live() ? item.revision() : 0;
  }

  private static Clash clash(Kind kind, byte[] key, long expected, @Nullable Item now) {
    return new Clash(kind, key, expected, found(now), now == null ? 0 : now.revision());
  }

  private static Clash storeChanged(Footprint mine, String store, long by) {
    return new Clash(Kind.READ_WRITE, Root.row(store), mine.base(), 0, by);
  }

  /// The same for one that was checked up to `validated` without a clash: looks at what is newer,
  /// and not at all that the commit rests on.
  static List<Clash> check(Root at, Footprint mine, long validated) {
    List<Clash> clashes = storesChanged(at, mine);
    Iterator<Delta.Row> newer = at.delta().newer(validated);
    while (newer.hasNext()) {
      Delta.Row row = newer.next();
      Long required = mine.required().get(row.key());
      if (required != null && required != found(row.item())) {
        clashes.add(clash(Kind.STALE, row.key(), required, row.item()));
      }
      if (mine.written().contains(row.key())) {
        clashes.add(clash(Kind.WRITE_WRITE, row.key(), mine.base(), row.item()));
      }
      if (mine.read().contains(row.key()) || mine.wentThrough(row.key())) {
        clashes.add(clash(Kind.READ_WRITE, row.key(), mine.base(), row.item()));
      }
    }
    return clashes;
  }

  /// Whether a commit that was checked up to `validated` may be written behind `past`.
  static Answer decide(Footprint mine, long validated, Window window, Journal.Past past)
      throws CommitRecord.Unreadable {
    Optional<List<Journal.Entry>> since = past.since(validated, window.records(), window.bytes());
    if (since.isEmpty()) {
      return new Answer.Behind();
    }
    for (Journal.Entry entry : since.get()) {
      CommitRecord later = CommitRecord.read(entry);
      Optional<Clash> clash =
          later == null ? Optional.empty() : meets(mine, entry.position(), later);
      if (clash.isPresent()) {
        return new Answer.Clashing(clash.get());
      }
    }
    return new Answer.Land();
  }

  /// What a later commit changes of what this one rests on.
  static Optional<Clash> meets(Footprint mine, long revision, CommitRecord later) {
    for (Named store : later.stores()) {
      Optional<Clash> clash =
          store.isNew()
              ? meets(mine, revision, Root.row(store.name()), revision)
              : Optional.empty();
      if (clash.isPresent()) {
        return clash;
      }
    }
    for (Write write : later.writes()) {
      long found = write.length() < 0 ? 0 : revision;
      Optional<Clash> clash = meets(mine, revision, later.key(write, revision), found);
      if (clash.isPresent()) {
        return clash;
      }
    }
    return Optional.empty();
  }

  /// The same of one key.
  ///
  /// @param found its revision from then on, 0 where it was removed
  private static Optional<Clash> meets(Footprint mine, long revision, byte[] key, long found) {
    if (Root.isRow(key) && mine.stores().containsKey(Root.store(key))) {
      return Optional.of(storeChanged(mine, Root.store(key), revision));
    }
    Long required = mine.required().get(key);
    if (required != null && required != found) {
      return Optional.of(new Clash(Kind.STALE, key, required, found, revision));
    }
    if (mine.written().contains(key)) {
      return Optional.of(new Clash(Kind.WRITE_WRITE, key, mine.base(), found, revision));
    }
    if (mine.read().contains(key) || mine.wentThrough(key)) {
      return Optional.of(new Clash(Kind.READ_WRITE, key, mine.base(), found, revision));
    }
    return Optional.empty();
  }

  // ---- what is done about it

  /// What a round does that met clashes. A resolver is not asked about what the body read: it would
  /// decide on a value that was made of something else.
  ///
  /// @param resolvable the written keys that have a resolver
  static Remedy remedy(List<Clash> clashes, Predicate<byte[]> resolvable) {
    if (clashes.stream().anyMatch(clash -> clash.kind() == Kind.STALE)) {
      return Remedy.REFUSE;
    }
    return clashes.stream()
            .allMatch(clash -> clash.kind() == Kind.WRITE_WRITE && resolvable.test(clash.key()))
        ? Remedy.ASK
        : Remedy.RUN;
  }

  /// What the answers of resolvers come to.
  static Remedy ruling(Collection<Resolution<byte[]>> answers) {
    return answers.stream().map(StoreMachine::ruling).min(Remedy::compareTo).orElse(Remedy.RUN);
  }

  private static Remedy ruling(Resolution<byte[]> answer) {
    return switch (answer) {
      case Resolution.Refuse<byte[]> _ -> Remedy.REFUSE;
      case Resolution.Park<byte[]> _ -> Remedy.PARK;
      case Resolution.Rerun<byte[]> _ -> Remedy.RUN;
      case Resolution.Use<byte[]> _, Resolution.Remove<byte[]> _, Resolution.KeepTheirs<byte[]> _ ->
          Remedy.LAND;
    };
  }

  /// Whether a round counts that met these. A store is made once: that others were faster with it
  /// says nothing about whether the commit will get through.
  static boolean counts(List<Clash> clashes) {
    return clashes.stream().noneMatch(Clash::isOfStore);
  }
}
