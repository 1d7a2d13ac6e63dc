package dev.truce.store;

import dev.truce.Durability;
import dev.truce.EngineException;
import dev.truce.Fence;
import dev.truce.FencedException;
import dev.truce.OutcomeUnknownException;
import dev.truce.Owner;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import dev.truce.store.StoreMachine.Answer;
import dev.truce.store.StoreMachine.Clash;
import dev.truce.store.StoreMachine.Remedy;
import dev.truce.store.StoreMachine.Window;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Carries commits to their end: runs the body, has the journal decide, runs it again.
///
/// Bodies and codecs run here, with nothing locked; inside the journal runs [StoreMachine#decide]
/// alone.
///
/// **Threads.** Safe for any number of them.
final class Committer {
  /// How long a commit may take to become safe.
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /// How often others may be so much faster that there is more to look at than fits where a commit
  /// lands.
  private static final int CATCH_UPS = 1_000;

  /// How often a commit of unknown outcome is appended again, under the same id.
  private static final int UNKNOWN_REPEATS = 16;

  /// How many rounds are not counted because others were faster with making a store.
  private static final int FREE_ROUNDS = 64;

  private final Engine engine;
  private final Journal journal;
  private final Replica replica;
  private final Owner writer;
  private final Consumer<Fence> binder;
  private final Supplier<UUID> ids;
  private final InstantSource clock;
  private final Durability best;
  private final Aside aside;
  private volatile boolean closed;

  /// A record on its way, as the journal asks about it.
  private static final class Attempt implements Journal.Decider {
    private final Root base;
    private final Footprint footprint;
    private final byte[] record;
    private long validated;

    private Window window = Window.after(0);
    private @Nullable Answer answer;

    Attempt(Root base, Footprint footprint, byte[] record) {
      this.base = base;
      this.footprint = footprint;
      this.record = record;
      this.validated = footprint.base();
    }

    @Override
    public Optional<byte[]> decide(Journal.Past past) {
      try {
        answer = StoreMachine.decide(footprint, validated, window, past);
      } catch (CommitRecord.Unreadable strange) {
        answer = new Answer.Behind(); // whoever catches up says so
      }
      return answer instanceof Answer.Land ? Optional.of(record) : Optional.empty();
    }
  }

  /// What came of an attempt.
  private sealed interface Outcome {
    /// @param record empty where there was nothing to write
    record Landed(long revision, byte[] record) implements Outcome {}

    /// @param at where it was looked for
    record Clashes(List<Clash> clashes, Root at) implements Outcome {}
  }

  Committer(
      Engine engine,
      Journal journal,
      Replica replica,
      Owner writer,
      Consumer<Fence> binder,
      Supplier<UUID> ids,
      InstantSource clock) {
    this.engine = engine;
    this.journal = journal;
    this.replica = replica;
    this.writer = writer;
    this.binder = binder;
    this.ids = ids;
    this.clock = clock;
    this.best = engine.durability();
    this.aside = new Aside(replica, writer, clock);
  }

  void checkOpen() {
    if (closed) {
      throw new EngineException(
          EngineException.Kind.CLOSED, "this Truce is closed: open another one");
    }
  }

  void close() {
    closed = true;
  }

  /// What was put aside for a person.
  Aside aside() {
    return aside;
  }

  Commit commit(Store.Settings settings, Consumer<Writes> body) {
    return safe(settings, land(settings, body));
  }

  /// Lands each by itself, in this order, and then has all of them made safe by one flush.
  List<Store.Outcome> commitEach(Store.Settings settings, List<Consumer<Writes>> bodies) {
    List<Landing> landings = new ArrayList<>();
    List<Store.Outcome> outcomes = new ArrayList<>();
    for (Consumer<Writes> body : bodies) {
      try {
        Landing landing = land(settings, body);
        landings.add(landing);
        outcomes.add(new Store.Outcome.Done(landing.commit));
      } catch (RuntimeException failure) {
        outcomes.add(new Store.Outcome.Failed(failure));
      }
    }
    if (!landings.isEmpty()) {
      outcomes.replaceAll(safeTogether(settings, landings));
    }
    return List.copyOf(outcomes);
  }

  /// What becomes of those that landed, now that they are made safe or cannot be.
  private UnaryOperator<Store.Outcome> safeTogether(
      Store.Settings settings, List<Landing> landings) {
    Commit last =
        landings.stream()
            .map(Landing::commit)
            .max(Comparator.comparingLong(Commit::revision))
            .orElseThrow();
    try {
      Durability reached = settle(settings.durability(), last.id(), last.revision());
      landings.forEach(this::acknowledge);
      return outcome ->
          outcome instanceof Store.Outcome.Done(Commit commit)
              ? new Store.Outcome.Done(commit.reaching(reached))
              : outcome;
    } catch (OutcomeUnknownException failure) {
      return outcome ->
          outcome instanceof Store.Outcome.Done(Commit commit)
              ? new Store.Outcome.Failed(unknown(commit.id(), failure.getMessage(), failure))
              : outcome;
    }
  }

  /// A commit that has a place, and may not be safe yet.
  ///
  /// @param written whether anything was
  private record Landing(Commit commit, boolean written) {}

  private Landing land(Store.Settings settings, Consumer<Writes> body) {
    checkOpen();
    UUID named = settings.id();
    return named == null ? land(settings, ids.get(), body) : landNamed(settings, named, body);
  }

  private Commit safe(Store.Settings settings, Landing landing) {
    Commit commit = landing.commit;
    Durability reached = settle(settings.durability(), commit.id(), commit.revision());
    acknowledge(landing);
    return commit.reaching(reached);
  }

  private void acknowledge(Landing landing) {
    if (landing.written) {
      replica.acknowledge(landing.commit.revision());
    }
  }

  /// Whatever keeps a commit under a caller's id from landing, what may have landed under it
  /// elsewhere is its outcome; if nothing has, then it is made sure that nothing will.
  private Landing landNamed(Store.Settings settings, UUID id, Consumer<Writes> body) {
    try {
      long before = landedBefore(id);
      if (before > 0) {
        return repeated(settings, id, before);
      }
    } catch (EngineException failure) {
      throw unknown(id, failure.getMessage(), failure);
    }
    try {
      return land(settings, id, body);
    } catch (OutcomeUnknownException unknown) {
      throw unknown;
    } catch (RuntimeException | Error refusal) {
      return settled(settings, id, refusal);
    }
  }

  private Landing settled(Store.Settings settings, UUID id, Throwable refusal) {
    if (refusal instanceof ConflictException parked && parked.parked().isPresent()) {
      throw parked;
    }
    try {
      Optional<Result.Appended> found = journal.find(id);
      if (found.isPresent()) {
        return repeated(settings, id, found.get().position());
      }
    } catch (EngineException failure) {
      failure.addSuppressed(refusal);
      throw unknown(id, failure.getMessage(), failure);
    }
    switch (refusal) {
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException(refusal);
    }
  }

  private Landing land(Store.Settings settings, UUID id, Consumer<Writes> body) {
    if (settings.fence() != null) {
      binder.accept(settings.fence());
    }
    try (Reading reading = replica.reading()) {
      return commit(settings, id, body, reading);
    }
  }

  private Landing commit(Store.Settings settings, UUID id, Consumer<Writes> body, Reading reading) {
    Instant at = Instant.ofEpochMilli(clock.millis());
    Writes writes = run(settings, body, reading);
    int round = 1;
    for (int free = 0; ; ) {
      switch (outcome(settings, id, at, writes, reading)) {
        case Outcome.Landed landed -> {
          return isOf(settings, landed)
              ? new Landing(landed(settings, id, at, writes, landed.revision), !writes.isEmpty())
              : repeated(settings, id, landed.revision);
        }
        case Outcome.Clashes clashes -> {
          Remedy remedy = remedied(writes, clashes);
          if (remedy == Remedy.REFUSE) {
            throw conflict(writes, clashes, round, "read it again and decide anew");
          }
          if (remedy == Remedy.PARK) {
            return park(settings, id, at, writes, clashes, round, reading);
          }
          boolean counts = StoreMachine.counts(clashes.clashes);
          if (counts ? round == settings.rounds() : free == FREE_ROUNDS) {
            throw conflict(writes, clashes, round, "others were faster each time, of " + round);
          }
          if (counts) {
            round++;
          } else {
            free++;
          }
          if (remedy != Remedy.LAND) {
            writes = run(settings, body, reading);
          }
        }
      }
    }
  }

  private Writes run(Store.Settings settings, Consumer<Writes> body, Reading reading) {
    Writes writes = new Writes(reading.applied(), settings.isolation() == Isolation.SERIALIZABLE);
    try {
      body.accept(writes);
    } finally {
      writes.close();
    }
    return writes;
  }

  /// What is to be done about clashes, once the resolvers were asked that have to be.
  private Remedy remedied(Writes writes, Outcome.Clashes clashes) {
    Remedy first = StoreMachine.remedy(clashes.clashes, key -> writes.resolver(key) != null);
    if (first != Remedy.ASK) {
      return first;
    }
    SortedMap<byte[], Resolution<byte[]>> answers = new TreeMap<>(Writes.ORDER);
    Sides sides = new Sides(writes, clashes.at);
    for (Clash clash : clashes.clashes) {
      Resolver<byte[]> resolver = Objects.requireNonNull(writes.resolver(clash.key()));
      answers.put(clash.key(), resolver.resolve(sides.conflict(clash)));
    }
    Remedy ruling = StoreMachine.ruling(answers.values());
    if (ruling == Remedy.LAND) {
      writes.settle(clashes.at, answers);
    }
    return ruling;
  }

  /// Keeps a commit for a person, as a commit under the same id and fence that writes a row of the
  /// root's own, and nothing else.
  ///
  /// @return what has landed under this id elsewhere
  private Landing park(
      Store.Settings settings,
      UUID id,
      Instant at,
      Writes writes,
      Outcome.Clashes clashes,
      int rounds,
      Reading reading) {
    ParkedRow row =
        new ParkedRow(
            id, at, writer, writes.root().revision(), rounds, Optional.empty(), writes.wishes());
    byte[] bytes = row.bytes();
    Optional<String> noRoom = ParkedRow.noRoom(clashes.at, bytes.length);
    if (noRoom.isPresent()) {
      throw conflict(writes, clashes, rounds, noRoom.get());
    }
    String name = ParkedRow.name(at, ids.get());
    Writes aside = new Writes(clashes.at, false);
    aside.change(aside.rows(), ParkedRow.open(name), bytes, true);
    aside.close();
    if (!(outcome(settings, id, at, aside, reading) instanceof Outcome.Landed landed)) {
      throw new IllegalStateException("something is in the way of what rests on nothing");
    }
    if (!isOf(settings, landed)) {
      return repeated(settings, id, landed.revision);
    }
    Commit _ = safe(settings, new Landing(landed(settings, id, at, aside, landed.revision), true));
    Sides sides = new Sides(writes, clashes.at);
    throw parked(clashes.clashes.stream().map(sides::clash).toList(), rounds, name);
  }

  private static ConflictException parked(
      List<ConflictException.Clash> clashes, int rounds, String name) {
    return new ConflictException(
        clashes, rounds, name, "it was put aside as " + name + " for a person to decide");
  }

  /// Whether what landed is this very record: under a caller's id it may be somebody else's, also
  /// at the place for which this one was tried. Where that is not kept any more, nobody can tell.
  private boolean isOf(Store.Settings settings, Outcome.Landed landed) {
    try {
      return settings.id() == null
          || landed.record.length == 0
          || Arrays.equals(replica.record(landed.revision), landed.record);
    } catch (TooOldException letGo) {
      return false;
    }
  }

  private Outcome outcome(
      Store.Settings settings, UUID id, Instant at, Writes writes, Reading reading) {
    Footprint footprint = writes.footprint();
    if (writes.isEmpty()) {
      List<Clash> clashes = StoreMachine.check(writes.base(), footprint);
      return clashes.isEmpty()
          ? new Outcome.Landed(writes.base().revision(), NOTHING)
          : new Outcome.Clashes(clashes, writes.base());
    }
    byte[] record =
        CommitRecord.write(
            writes.base().revision(),
            at.toEpochMilli(),
            writer,
            tokens(settings),
            writes.stores(),
            writes.changes());
    return land(
        new Attempt(writes.base(), footprint, record), new Wanted(id, settings.fence()), reading);
  }

  private static SortedMap<String, Long> tokens(Store.Settings settings) {
    Fence fence = settings.fence();
    return fence == null ? new TreeMap<>() : fence.tokens();
  }

  /// Under which name and condition something is to land.
  private record Wanted(UUID id, @Nullable Fence fence) {}

  private Outcome land(Attempt attempt, Wanted wanted, Reading reading) {
    for (int behind = 0; behind < CATCH_UPS; behind++) {
      Root now = reading.applied();
      if (now.revision() > attempt.validated || behind == 0) {
        List<Clash> clashes =
            StoreMachine.changed(attempt.base, now, attempt.footprint, attempt.validated);
        if (!clashes.isEmpty()) {
          return new Outcome.Clashes(clashes, now);
        }
        attempt.validated = now.revision();
      }
      attempt.answer = null;
      attempt.window = Window.after(behind);
      switch (append(new Unit(wanted.id, wanted.fence, attempt))) {
        case Result.Appended(long position) -> {
          return new Outcome.Landed(position, attempt.record);
        }
        case Result.Refused refused -> {
          if (refused.fenced() != null) {
            throw new FencedException(refused.fenced(), "not written: " + refused.why());
          }
          // Behind or clashing: the next look outside says what has changed, and all of it.
          if (attempt.answer == null) {
            throw new IllegalArgumentException(
                "a commit under the id "
                    + wanted.id
                    + " was refused, and none lands under it any more: take another id");
          }
        }
        case Result.Unknown(String why) -> throw unknown(wanted.id, why, null);
      }
    }
    throw new EngineException(
        EngineException.Kind.UNREACHABLE,
        engine.place() + " moves on faster than this process can follow; nothing was written");
  }

  /// Appends it until the outcome is known: the same id never lands twice. A refusal tells that no
  /// earlier try of unknown outcome has landed, nor will: it was for a place that is taken.
  private Result append(Unit unit) {
    Result result = appendOnce(unit);
    for (int again = 0; again < UNKNOWN_REPEATS && result instanceof Result.Unknown; again++) {
      try {
        result = appendOnce(unit);
      } catch (EngineException failure) {
        throw unknown(unit.commitId(), failure.getMessage(), failure);
      }
    }
    return result;
  }

  /// Memory that runs out behind an append does not take it back.
  private Result appendOnce(Unit unit) {
    try {
      return journal.append(List.of(unit)).getFirst();
    } catch (VirtualMachineError failure) {
      throw unknown(unit.commitId(), failure.toString(), failure);
    }
  }

  // ---- what landed

  private Commit landed(
      Store.Settings settings, UUID id, Instant at, Writes writes, long revision) {
    return new Commit(
        revision,
        Durability.NONE,
        id,
        Optional.ofNullable(settings.fence()),
        writer,
        at,
        writes.changed(),
        writes.resolved(),
        false);
  }

  /// Waits until it is as safe as was asked for, and answers how safe it is. An interrupt is left
  /// for later.
  private Durability settle(Durability atLeast, UUID id, long revision) {
    if (atLeast != Durability.FSYNC) {
      return best == Durability.FSYNC ? Durability.OS : best;
    }
    try {
      awaitSafe(revision);
      return best;
    } catch (EngineException | VirtualMachineError failure) {
      throw unknown(id, failure.getMessage(), failure);
    }
  }

  /// Waits until a revision is safe. An interrupt is left for later.
  ///
  /// @throws EngineException if that takes too long, or is not to be had
  void awaitSafe(long revision) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          if (journal.awaitDurable(revision, PATIENCE)) {
            return;
          }
          throw new EngineException(
              EngineException.Kind.UNREACHABLE,
              "it was not safe within " + PATIENCE.toSeconds() + "s");
        } catch (InterruptedException later) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private OutcomeUnknownException unknown(
      UUID id, @Nullable String why, @Nullable Throwable cause) {
    return new OutcomeUnknownException(
        "nobody can tell whether commit "
            + id
            + " is in "
            + engine.place()
            + ": "
            + why
            + "; repeating it under this id tells",
        cause,
        id);
  }

  /// Where a commit of this id has landed, 0 if it has not.
  private long landedBefore(UUID id) {
    return switch (append(new Unit(id, null, _ -> Optional.empty()))) {
      case Result.Appended(long position) -> position;
      case Result.Refused _ -> 0;
      case Result.Unknown(String why) -> throw unknown(id, why, null);
    };
  }

  private Landing repeated(Store.Settings settings, UUID id, long revision) {
    try (Reading reading = replica.reading()) {
      return repeated(settings, id, revision, reading);
    }
  }

  private Landing repeated(Store.Settings settings, UUID id, long revision, Reading reading) {
    Durability reached = settle(settings.durability(), id, revision);
    replica.acknowledge(revision);
    CommitRecord commit;
    try {
      commit = replica.commit(revision);
    } catch (TooOldException letGo) {
      Optional<String> aside = Aside.of(id, reading.applied());
      if (aside.isPresent()) {
        throw parked(List.of(), 1, aside.get());
      }
      return new Landing(
          new Commit(
              revision,
              reached,
              id,
              Optional.empty(),
              Author.UNKNOWN.owner(),
              Author.UNKNOWN.at(),
              0,
              0,
              true),
          true);
    }
    if (commit == null) {
      throw new IllegalArgumentException(id + " is the id of something that is no commit");
    }
    Optional<Map.Entry<String, ParkedRow>> aside = commit.parks();
    if (aside.isPresent()) {
      ParkedRow row = aside.get().getValue();
      throw parked(this.aside.clashes(reading.applied(), row), row.rounds(), aside.get().getKey());
    }
    return new Landing(commit.landed(revision, id, reached, true), true);
  }

  // ---- what is in the way

  private ConflictException conflict(
      Writes writes, Outcome.Clashes clashes, int rounds, String next) {
    Sides sides = new Sides(writes, clashes.at);
    return new ConflictException(
        clashes.clashes.stream().map(sides::clash).toList(), rounds, null, next);
  }

  private static final byte[] NOTHING = new byte[0];

  /// Shows clashes from both sides.
  private final class Sides {
    private final Writes ours;
    private final Root now;
    private final Map<Long, Author> authors = new HashMap<>();

    Sides(Writes ours, Root now) {
      this.ours = ours;
      this.now = now;
    }

    private Author theirs(Clash clash) {
      return authors.computeIfAbsent(clash.by(), by -> Author.of(replica, by));
    }

    private String store(Clash clash) {
      return clash.isOfStore() ? Root.store(clash.key()) : ours.name(SpaceKey.store(clash.key()));
    }

    ConflictException.Clash clash(Clash clash) {
      return new ConflictException.Clash(
          store(clash),
          clash.isOfStore() ? "" : SpaceKey.key(clash.key()),
          clash.kind(),
          clash.expected(),
          clash.found(),
          writer,
          theirs(clash).owner(),
          theirs(clash).at(),
          ours.wanted(clash.key()),
          clash.isOfStore() ? Optional.empty() : now.value(clash.key()));
    }

    Conflict<byte[]> conflict(Clash clash) {
      byte[] key = clash.key();
      return new Conflict<>(
          store(clash),
          SpaceKey.key(key),
          ours.root().value(key),
          ours.wanted(key),
          now.value(key),
          ours.root().revisionOf(key),
          clash.found(),
          writer,
          theirs(clash).owner(),
          theirs(clash).at());
    }
  }
}
