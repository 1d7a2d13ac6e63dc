package dev.truce.store;

import dev.truce.Owner;
import dev.truce.store.CommitRecord.Change;
import dev.truce.store.ConflictException.Kind;
import dev.truce.store.ParkedRow.Wish;
import dev.truce.store.Writes.Part;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Commits that were put aside for a person: how they look now, and what deciding about one writes.
///
/// **Threads.** Safe for any number of them.
final class Aside {
  /// In which no key is.
  private static final long NO_STORE = -1;

  private final Replica replica;
  private final Owner writer;
  private final InstantSource clock;

  /// What of a conflict somebody was shown who decides about it.
  record Shown(String store, String key, long revision) {
    static Shown of(Conflict<?> conflict) {
      return new Shown(conflict.store(), conflict.key(), conflict.theirRevision());
    }
  }

  Aside(Replica replica, Owner writer, InstantSource clock) {
    this.replica = replica;
    this.writer = writer;
    this.clock = clock;
  }

  /// All that are kept, those that wait first.
  List<Parked<byte[]>> all(Root now) {
    List<Parked<byte[]>> all = new ArrayList<>();
    kept(now).forEach(row -> all.add(parked(now, row, _ -> true)));
    return List.copyOf(all);
  }

  /// Those among them that want to write to this store, with what is in their way there.
  List<Parked<byte[]>> of(String store, Root now) {
    List<Parked<byte[]>> some = new ArrayList<>();
    for (Delta.Row row : kept(now)) {
      Parked<byte[]> parked = parked(now, row, wish -> name(now, wish).equals(store));
      if (!parked.conflicts().isEmpty() || !parked.others().isEmpty()) {
        some.add(parked);
      }
    }
    return List.copyOf(some);
  }

  private static List<Delta.Row> kept(Root now) {
    List<Delta.Row> kept = new ArrayList<>(ParkedRow.open(now));
    kept.addAll(ParkedRow.decided(now));
    return kept;
  }

  private Parked<byte[]> parked(Root now, Delta.Row row, Predicate<Wish> asked) {
    ParkedRow parked = ParkedRow.of(row.item().value());
    Map<Boolean, List<Conflict<byte[]>>> contested =
        parked.wishes().stream()
            .filter(asked)
            .collect(
                Collectors.partitioningBy(
                    wish -> isContested(now, wish),
                    Collectors.mapping(
                        wish -> question(now, parked, wish).conflict, Collectors.toList())));
    return new Parked<>(
        ParkedRow.id(row.key()),
        parked.at(),
        parked.by(),
        contested.getOrDefault(true, List.of()),
        contested.getOrDefault(false, List.of()),
        parked.decision());
  }

  /// The id of what was put aside under a commit id, empty if nothing is kept of it.
  static Optional<String> of(UUID commitId, Root now) {
    return kept(now).stream()
        .filter(row -> ParkedRow.of(row.item().value()).commitId().equals(commitId))
        .map(row -> ParkedRow.id(row.key()))
        .findFirst();
  }

  /// A key that it wants to write, and what is there now.
  private record Question(Wish wish, Conflict<byte[]> conflict) {}

  /// The keys that were written since it read them.
  private List<Question> contested(Root now, ParkedRow parked) {
    return parked.wishes().stream()
        .filter(wish -> isContested(now, wish))
        .map(wish -> question(now, parked, wish))
        .toList();
  }

  private static boolean isContested(Root now, Wish wish) {
    return now.revisionOf(key(now, wish)) != wish.revision();
  }

  private Question question(Root now, ParkedRow parked, Wish wish) {
    byte[] key = key(now, wish);
    Author theirs = Author.of(replica, now.changed(key));
    Conflict<byte[]> conflict =
        new Conflict<>(
            name(now, wish),
            SpaceKey.key(key),
            wish.base(),
            wish.ours(),
            now.value(key),
            wish.revision(),
            now.revisionOf(key),
            parked.by(),
            theirs.owner(),
            theirs.at());
    return new Question(wish, conflict);
  }

  private static byte[] key(Root now, Wish wish) {
    long number = now.number(name(now, wish));
    return SpaceKey.of(number == 0 ? NO_STORE : number, wish.key());
  }

  /// What is in its way now.
  List<ConflictException.Clash> clashes(Root now, ParkedRow parked) {
    return contested(now, parked).stream()
        .map(one -> clash(one.conflict, Kind.WRITE_WRITE, parked.base(), parked.by()))
        .toList();
  }

  private static ConflictException.Clash clash(
      Conflict<byte[]> conflict, Kind kind, long base, Owner ours) {
    return new ConflictException.Clash(
        conflict.store(),
        conflict.key(),
        kind,
        base,
        conflict.theirRevision(),
        ours,
        conflict.theirWriter(),
        conflict.theirsAt(),
        conflict.ours(),
        conflict.theirs());
  }

  /// What the store is called by now: one that was dropped means that which has its name.
  private static String name(Root now, Wish wish) {
    return wish.store() == 0 ? wish.name() : now.name(wish.store()).orElse(wish.name());
  }

  // ---- deciding

  /// Has `writes` be what comes of a decision.
  ///
  /// @param shown what the person has seen, of all that is in its way
  /// @param only the store of which somebody decides, `null` for all
  /// @throws ConflictException if it is not so any more, or was decided
  void decide(
      Writes writes, String id, List<Shown> shown, @Nullable String only, Resolver<byte[]> how) {
    Root now = writes.root();
    Item row = now.live(SpaceKey.of(0, ParkedRow.open(id)));
    if (row == null) {
      throw new ConflictException(over(now, id), "look at what is there now");
    }
    ParkedRow parked = ParkedRow.of(row.value());
    List<Question> contested = contested(now, parked);
    checkShown(contested.stream().map(Question::conflict).toList(), shown);
    Map<Wish, Resolution<byte[]>> answers = new HashMap<>();
    SortedSet<String> hows = new TreeSet<>();
    for (Question one : contested.isEmpty() ? all(now, parked, only) : contested) {
      Resolution<byte[]> answer = how.resolve(one.conflict);
      answers.put(one.wish, answer);
      hows.add(said(one.conflict, answer));
    }
    boolean dropped = answers.values().stream().anyMatch(Resolution.Refuse.class::isInstance);
    if (!dropped) {
      checkDifferent(now, parked);
      parked.wishes().forEach(wish -> write(writes, now, wish, answers.get(wish)));
    }
    String said = dropped ? "dropped" : String.join(", ", hows);
    byte[] decided = parked.decided(new Parked.Decision(writer, clock.instant(), said)).bytes();
    Part rows = writes.rows();
    writes.change(rows, ParkedRow.open(id), null, false);
    writes.change(rows, ParkedRow.decided(id), decided, true);
    ParkedRow.forgotten(now, decided.length)
        .forEach(old -> writes.change(rows, SpaceKey.inStore(old), null, true));
  }

  /// Where nobody is in the way any more the decision is about all that it wants.
  private List<Question> all(Root now, ParkedRow parked, @Nullable String only) {
    List<Question> all =
        parked.wishes().stream()
            .filter(wish -> only == null || only.equals(name(now, wish)))
            .map(wish -> question(now, parked, wish))
            .toList();
    if (all.isEmpty()) {
      throw new ConflictException(
          "it wants to write nothing in " + only + " any more", "look at what it wants");
    }
    return all;
  }

  /// A store may have the name of another by now that it wants to write to, too.
  private static void checkDifferent(Root now, ParkedRow parked) {
    Set<String> keys = new HashSet<>();
    for (Wish wish : parked.wishes()) {
      String key = name(now, wish) + ": " + SpaceKey.key(SpaceKey.of(0, wish.key()));
      if (!keys.add(key)) {
        throw new ConflictException(
            "it wants " + key + " to be two values, since stores were renamed", "have it dropped");
      }
    }
  }

  private static String over(Root now, String id) {
    Item row = now.live(SpaceKey.of(0, ParkedRow.decided(id)));
    Optional<Parked.Decision> decision =
        row == null ? Optional.empty() : ParkedRow.of(row.value()).decision();
    return decision
        .map(was -> id + " was decided by " + was.by() + " at " + was.at() + ": " + was.how())
        .orElse("nothing is kept under " + id);
  }

  private void checkShown(List<Conflict<byte[]>> now, List<Shown> shown) {
    List<Shown> left = new ArrayList<>(shown);
    List<ConflictException.Clash> changed = new ArrayList<>();
    for (Conflict<byte[]> conflict : now) {
      if (!left.remove(Shown.of(conflict))) {
        long seen =
            shown.stream()
                .filter(one -> one.store.equals(conflict.store()) && one.key.equals(conflict.key()))
                .mapToLong(Shown::revision)
                .findFirst()
                .orElse(conflict.baseRevision());
        changed.add(clash(conflict, Kind.STALE, seen, writer));
      }
    }
    if (!changed.isEmpty()) {
      throw new ConflictException(changed, 1, null, "look at both sides again");
    }
    if (!left.isEmpty()) {
      String key = left.getFirst().store + ": " + left.getFirst().key;
      throw new ConflictException(
          "nobody is in the way at " + key + " any more", "look at both sides again");
    }
  }

  private static void write(
      Writes writes, Root now, Wish wish, @Nullable Resolution<byte[]> answer) {
    Part part = writes.part(name(now, wish));
    byte[] key = wish.key();
    switch (answer) {
      case null -> writes.change(part, key, wish.ours().orElse(null), false);
      case Resolution.Use<byte[]>(byte[] value) ->
          part.changes().put(key, new Change(key, value, true));
      case Resolution.Remove<byte[]> _ -> part.changes().put(key, new Change(key, null, true));
      case Resolution.KeepTheirs<byte[]> _ ->
          writes.require(part, key, now.revisionOf(SpaceKey.of(part.space(), key)));
      case Resolution.Rerun<byte[]> _, Resolution.Refuse<byte[]> _, Resolution.Park<byte[]> _ ->
          throw new IllegalArgumentException(
              "nothing can run again or be put aside here: use, remove, keepTheirs or refuse");
    }
  }

  private static String said(Conflict<byte[]> conflict, Resolution<byte[]> answer) {
    return switch (answer) {
      case Resolution.KeepTheirs<byte[]> _ -> "theirs";
      case Resolution.Use<byte[]>(byte[] value) ->
          is(value, conflict.ours()) ? "ours" : is(value, conflict.base()) ? "base" : "value";
      case Resolution.Remove<byte[]> _ ->
          conflict.ours().isEmpty() ? "ours" : conflict.base().isEmpty() ? "base" : "removed";
      case Resolution.Rerun<byte[]> _, Resolution.Refuse<byte[]> _, Resolution.Park<byte[]> _ ->
          "dropped";
    };
  }

  private static boolean is(byte[] value, Optional<byte[]> other) {
    return other.isPresent() && Arrays.equals(value, other.get());
  }
}
