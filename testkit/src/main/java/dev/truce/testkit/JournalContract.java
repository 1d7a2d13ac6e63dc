package dev.truce.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.truce.Fence;
import dev.truce.spi.Journal;
import dev.truce.spi.Journal.Base;
import dev.truce.spi.Journal.Entry;
import dev.truce.spi.Journal.Page;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.State;
import dev.truce.spi.Journal.Unit;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What every engine's [Journal] keeps, between two handles that share nothing but the place.
public abstract class JournalContract extends EngineContract {
  private static final String NAME = "docs";

  private @Nullable Journal mine;
  private @Nullable Journal theirs;

  /// For a subclass, which names the engine.
  protected JournalContract() {}

  @BeforeEach
  void openJournals() {
    mine = journal();
    theirs = journal();
  }

  /// A journal through a handle of its own.
  protected Journal journal() {
    return place().open().journal(NAME);
  }

  private Journal mine() {
    return Objects.requireNonNull(mine);
  }

  private Journal theirs() {
    return Objects.requireNonNull(theirs);
  }

  private static Unit unit(String record) {
    return unit(UUID.randomUUID(), null, record);
  }

  private static Unit unit(UUID id, @Nullable Fence fence, String record) {
    return new Unit(id, fence, _ -> Optional.of(bytes(record)));
  }

  private static long append(Journal journal, Unit unit) {
    return assertInstanceOf(Result.Appended.class, journal.append(List.of(unit)).getFirst())
        .position();
  }

  private static Result.Refused refused(Journal journal, Unit unit) {
    return assertInstanceOf(Result.Refused.class, journal.append(List.of(unit)).getFirst());
  }

  private static List<String> texts(Journal journal, long from, int max) {
    return texts(entries(journal, from, max));
  }

  private static List<String> texts(List<Entry> entries) {
    return entries.stream()
        .map(entry -> new String(entry.record(), StandardCharsets.UTF_8))
        .toList();
  }

  private static List<Entry> entries(Journal journal, long from, int max) {
    return assertInstanceOf(Page.Records.class, journal.read(from, max)).entries();
  }

  @Test
  void journal_new_isEmpty() {
    assertEquals(0, mine().appended());
    assertEquals(0, mine().durable());
    assertEquals(List.of(), entries(mine(), 1, 10));
    assertEquals(0, mine().floor());
    assertEquals(Optional.empty(), mine().checkpoint());
  }

  @Test
  void append_severalAtOnce_answersInTheirOrder() {
    List<Result> results = mine().append(List.of(unit("a"), unit("b"), unit("c")));

    assertEquals(
        List.of(new Result.Appended(1), new Result.Appended(2), new Result.Appended(3)), results);
    assertEquals(List.of("a", "b", "c"), texts(theirs(), 1, 10));
  }

  /// Ends of tokens and failed searches may take room; positions do not show it.
  @Test
  void append_afterOtherThingsHappened_leavesNoGap() {
    assertEquals(1, append(mine(), unit("a")));
    theirs().end("index", 7);
    assertEquals(Optional.empty(), mine().find(UUID.randomUUID()));
    assertEquals(2, append(theirs(), unit("b")));
    mine().end("index", 8);
    assertEquals(3, append(mine(), unit("c")));

    assertEquals(List.of("a", "b", "c"), texts(theirs(), 1, 10));
    assertEquals(
        List.of(1L, 2L, 3L), entries(mine(), 1, 10).stream().map(Entry::position).toList());
  }

  @Test
  void append_emptyRecord_isARecord() {
    assertEquals(1, append(mine(), unit("")));
    assertEquals(List.of(""), texts(theirs(), 1, 10));
  }

  @Test
  void append_byOthersMeanwhile_theDeciderSeesTheVeryTailAtWhichItLands() {
    append(mine(), unit("a"));
    append(theirs(), unit("b"));

    List<Long> tails = new ArrayList<>();
    long position =
        append(
            mine(),
            new Unit(
                UUID.randomUUID(),
                null,
                past -> {
                  tails.add(past.last());
                  return Optional.of(bytes("after " + past.last()));
                }));

    assertEquals(3, position);
    assertEquals(2, tails.getLast());
    assertEquals(List.of("after 2"), texts(theirs(), 3, 1));
  }

  /// The texts of the records that a decider is shown behind a position, and how many records it
  /// wanted at most; `null` if they are too many.
  private static @Nullable List<String> shown(
      Journal journal, long position, int most, int bytes, Unit... before) {
    List<List<String>> seen = new ArrayList<>();
    Unit looks =
        new Unit(
            UUID.randomUUID(),
            null,
            past -> {
              seen.add(past.since(position, most, bytes).map(JournalContract::texts).orElse(null));
              return Optional.empty();
            });
    List<Unit> units = new ArrayList<>(List.of(before));
    units.add(looks);
    assertInstanceOf(Result.Refused.class, journal.append(units).getLast());
    return seen.getLast();
  }

  @Test
  void append_afterOthers_theDeciderSeesTheirRecords() {
    append(mine(), unit("a"));
    append(theirs(), unit("b"));
    append(theirs(), unit("c"));
    assertEquals(List.of("b", "c"), shown(mine(), 1, 2, 2));
    assertEquals(List.of(), shown(mine(), 3, 2, 2));
    assertEquals(List.of("a", "b", "c"), shown(journal(), 0, 64, 1 << 18));
  }

  @Test
  void append_behindAnotherOfTheSameCall_theDeciderSeesItsRecord() {
    append(theirs(), unit("a"));
    assertEquals(List.of("a", "b", "c"), shown(mine(), 0, 3, 3, unit("b"), unit("c")));
    assertEquals(List.of("e"), shown(mine(), 4, 3, 3, unit("d"), unit("e")));
  }

  @Test
  void append_moreThanTheDeciderWants_isShownNone() {
    append(mine(), unit("a"));
    append(theirs(), unit("bb"));
    assertNull(shown(mine(), 0, 1, 10));
    assertNull(shown(mine(), 0, 2, 2));
    assertNull(shown(mine(), 0, 2, 10, unit("c")));
    assertEquals(List.of("c", "d"), shown(mine(), 2, 2, 2, unit("d")));
  }

  @Test
  void append_recordsBehindACheckpoint_areShown_thoseBelowAreNot() {
    append(mine(), unit("a"));
    append(mine(), unit("b"));
    append(mine(), unit("c"));
    assertTrue(theirs().checkpoint(2, State.of(bytes("ab"))));
    assertEquals(List.of("c"), shown(mine(), 2, 64, 64));
    assertNull(shown(mine(), 1, 64, 64));
  }

  @Test
  void append_oneRefusedByItsDecider_refusesNoOther() {
    Unit unwilling = new Unit(UUID.randomUUID(), null, _ -> Optional.empty());

    List<Result> results = mine().append(List.of(unit("a"), unwilling, unit("c")));

    assertEquals(new Result.Appended(1), results.get(0));
    assertNull(assertInstanceOf(Result.Refused.class, results.get(1)).fenced());
    assertEquals(new Result.Appended(2), results.get(2));
    assertEquals(List.of("a", "c"), texts(theirs(), 1, 10));
  }

  @Test
  void append_sameCommitIdAgain_answersTheFirstPosition() {
    UUID id = UUID.randomUUID();
    long first = append(mine(), unit(id, null, "a"));
    append(mine(), unit("b"));

    assertEquals(first, append(mine(), unit(id, null, "again")));
    assertEquals(first, append(theirs(), unit(id, null, "again")));
    assertEquals(first, append(journal(), unit(id, null, "again")));
    assertEquals(List.of("a", "b"), texts(mine(), 1, 10));
  }

  @Test
  void append_sameCommitIdTwiceInOneCall_landsOnce() {
    UUID id = UUID.randomUUID();

    List<Result> results = mine().append(List.of(unit(id, null, "a"), unit(id, null, "b")));

    assertEquals(List.of(new Result.Appended(1), new Result.Appended(1)), results);
    assertEquals(List.of("a"), texts(theirs(), 1, 10));
  }

  @Test
  void append_sameCommitIdAfterItsTokenEnded_stillAnswersTheFirstPosition() {
    UUID id = UUID.randomUUID();
    Unit unit = unit(id, Fence.of("index", 5), "a");
    long first = append(mine(), unit);
    theirs().end("index", 5);

    assertEquals(first, append(mine(), unit));
  }

  @Test
  void append_tokenHasEnded_isRefusedByName() {
    theirs().end("index", 5);

    Result.Refused refused = refused(mine(), unit(UUID.randomUUID(), Fence.of("index", 5), "late"));

    assertEquals(Fence.of("index", 5), refused.fenced());
    assertEquals(0, mine().appended());
  }

  /// Two readers hold one lock. One of them being dead says nothing of the other, older or younger.
  @Test
  void append_anotherTokenOfTheLockHasEnded_goesThrough() {
    mine().end("index", 6);

    assertEquals(1, append(mine(), unit(UUID.randomUUID(), Fence.of("index", 5), "older")));
    assertEquals(2, append(theirs(), unit(UUID.randomUUID(), Fence.of("index", 7), "younger")));
    assertEquals(3, append(theirs(), unit(UUID.randomUUID(), Fence.of("inde", 6), "other lock")));
  }

  @Test
  void append_oneOfTwoTokensHasEnded_isRefusedForThatOne() {
    mine().end("b", 2);
    Fence both = Fence.of("a", 1).and(Fence.of("b", 2));

    assertEquals(Fence.of("b", 2), refused(mine(), unit(UUID.randomUUID(), both, "x")).fenced());
  }

  @Test
  void append_oneFencedAmongSeveral_refusesNoOther() {
    mine().end("index", 5);

    List<Result> results =
        theirs()
            .append(
                List.of(unit("a"), unit(UUID.randomUUID(), Fence.of("index", 5), "x"), unit("b")));

    assertEquals(new Result.Appended(1), results.get(0));
    assertInstanceOf(Result.Refused.class, results.get(1));
    assertEquals(new Result.Appended(2), results.get(2));
  }

  @Test
  void end_twiceAndByBoth_isTheSameAsOnce() {
    mine().end("index", 5);
    theirs().end("index", 5);
    mine().end("index", 5);

    refused(journal(), unit(UUID.randomUUID(), Fence.of("index", 5), "late"));
    assertEquals(1, append(mine(), unit("a")));
  }

  @Test
  void find_appended_answersItsPosition() {
    UUID id = UUID.randomUUID();
    append(mine(), unit("a"));
    append(mine(), unit(id, null, "b"));

    assertEquals(Optional.of(new Result.Appended(2)), mine().find(id));
    assertEquals(Optional.of(new Result.Appended(2)), theirs().find(id));
  }

  /// An empty answer is final, or a caller that asked could not act on it.
  @Test
  void find_neverAppended_isEmptyForEver() {
    UUID id = UUID.randomUUID();

    assertEquals(Optional.empty(), theirs().find(id));

    refused(mine(), unit(id, null, "too late"));
    refused(theirs(), unit(id, null, "too late"));
    assertEquals(Optional.empty(), mine().find(id));
    assertEquals(0, journal().appended());
  }

  @Test
  void read_fromTheMiddle_answersAtMostSoMany() {
    for (String record : List.of("a", "b", "c", "d")) {
      append(mine(), unit(record));
    }

    assertEquals(List.of("b", "c"), texts(theirs(), 2, 2));
    assertEquals(List.of("d"), texts(theirs(), 4, 10));
    assertEquals(List.of(), texts(theirs(), 5, 10));
  }

  @Test
  void read_entries_carryTheirCommitIds() {
    UUID id = UUID.randomUUID();
    append(mine(), unit(id, null, "a"));

    Entry entry = entries(theirs(), 1, 1).getFirst();

    assertEquals(id, entry.commitId());
    assertEquals(1, entry.position());
  }

  @Test
  void read_nothingOrFromBeforeTheFirst_isRefused() {
    assertThrows(IllegalArgumentException.class, () -> mine().read(0, 1));
    assertThrows(IllegalArgumentException.class, () -> mine().read(1, 0));
  }

  @Test
  void checkpoint_taken_standsForWhatWasBelow() {
    for (String record : List.of("a", "b", "c")) {
      append(mine(), unit(record));
    }

    assertTrue(mine().checkpoint(2, State.of(bytes("a+b"))));

    assertArrayEquals(bytes("a+b"), theirs().checkpoint().orElseThrow().all());
    assertEquals(new Page.TooOld(3), theirs().read(1, 10));
    assertEquals(new Page.TooOld(3), theirs().read(2, 10));
    assertEquals(List.of("c"), texts(theirs(), 3, 10));
    assertEquals(3, journal().appended());
    assertEquals(4, append(journal(), unit("d")));
  }

  @Test
  void checkpoint_ofEverything_leavesNothingToRead() {
    append(mine(), unit("a"));

    assertTrue(mine().checkpoint(1, State.of(bytes(""))));

    assertArrayEquals(bytes(""), theirs().checkpoint().orElseThrow().all());
    assertEquals(new Page.TooOld(2), theirs().read(1, 1));
    assertEquals(List.of(), entries(theirs(), 2, 1));
  }

  @Test
  void checkpoint_notNewer_replacesNothing() {
    append(mine(), unit("a"));
    append(mine(), unit("b"));
    append(mine(), unit("c"));
    assertTrue(mine().checkpoint(2, State.of(bytes("a+b"))));

    assertFalse(theirs().checkpoint(2, State.of(bytes("other"))));
    assertFalse(theirs().checkpoint(1, State.of(bytes("older"))));

    assertArrayEquals(bytes("a+b"), mine().checkpoint().orElseThrow().all());
    assertTrue(theirs().checkpoint(3, State.of(bytes("a+b+c"))));
    assertArrayEquals(bytes("a+b+c"), mine().checkpoint().orElseThrow().all());
  }

  @Test
  void floor_anywhere_isWhatTheNewestCheckpointStandsFor() {
    for (String record : List.of("a", "b", "c")) {
      append(mine(), unit(record));
    }
    assertEquals(0, theirs().floor());

    for (long upTo = 1; upTo <= 3; upTo++) {
      assertTrue(mine().checkpoint(upTo, State.of(bytes("up to " + upTo))));

      for (Journal journal : List.of(mine(), theirs(), journal())) {
        assertEquals(upTo, journal.floor());
        assertEquals(upTo, journal.checkpoint().orElseThrow().upTo());
      }
    }
  }

  @Test
  void checkpoint_notNewer_asksTheStateForNothing() {
    append(mine(), unit("a"));
    append(mine(), unit("b"));
    assertTrue(mine().checkpoint(2, State.of(bytes("a+b"))));
    State unasked =
        _ -> {
          throw new AssertionError("it was asked");
        };

    assertFalse(theirs().checkpoint(1, unasked));
    assertFalse(theirs().checkpoint(2, unasked));
    assertFalse(mine().checkpoint(2, unasked));
    assertThrows(IllegalArgumentException.class, () -> mine().checkpoint(3, unasked));
  }

  @Test
  void checkpoint_whoseStateFails_leavesWhatWasThere() {
    append(mine(), unit("a"));
    append(mine(), unit("b"));
    assertTrue(mine().checkpoint(1, State.of(bytes("a"))));
    State failing =
        sink -> {
          sink.write(ByteBuffer.wrap(bytes("half of it")));
          throw new IllegalStateException("it went wrong");
        };

    assertThrows(IllegalStateException.class, () -> mine().checkpoint(2, failing));

    for (Journal journal : List.of(mine(), theirs(), journal())) {
      assertEquals(1, journal.floor());
      assertArrayEquals(bytes("a"), journal.checkpoint().orElseThrow().all());
      assertEquals(List.of("b"), texts(journal, 2, 1));
    }
    assertTrue(theirs().checkpoint(2, State.of(bytes("a+b"))));
  }

  /// The state is given in many parts out of one buffer, which it uses again.
  @Test
  void checkpoint_writtenInParts_isAllOfThemInTheirOrder() {
    append(mine(), unit("a"));
    State counting =
        sink -> {
          ByteBuffer part = ByteBuffer.allocateDirect(2 * Integer.BYTES);
          for (int number = 0; number < 2000; number += 2) {
            sink.write(part.clear().putInt(number).putInt(number + 1).flip());
          }
        };

    assertTrue(mine().checkpoint(1, counting));

    Base base = theirs().checkpoint().orElseThrow();
    ByteBuffer read = ByteBuffer.wrap(base.all());
    assertEquals(2000 * Integer.BYTES, base.bytes().byteSize());
    for (int number = 0; number < 2000; number++) {
      assertEquals(number, read.getInt());
    }
  }

  /// More than most engines have room for in one piece.
  @Test
  void checkpoint_ofALargeState_isReadAsItWasWritten() {
    append(mine(), unit("a"));
    append(mine(), unit("b"));
    append(mine(), unit("c"));
    byte[] large = pattern(3 << 20);
    State inParts =
        sink -> {
          for (int at = 0; at < large.length; at += 1000) {
            sink.write(ByteBuffer.wrap(large, at, Math.min(1000, large.length - at)));
          }
        };

    assertTrue(mine().checkpoint(1, inParts));
    Base first = theirs().checkpoint().orElseThrow();
    assertTrue(theirs().checkpoint(2, State.of(bytes("small"))));
    assertTrue(mine().checkpoint(3, State.of(large)));

    assertArrayEquals(large, first.all());
    assertArrayEquals(large, journal().checkpoint().orElseThrow().all());
  }

  @Test
  void append_aLargeRecord_isReadAsItWasWritten() {
    byte[] large = pattern(5 << 19);
    UUID id = UUID.randomUUID();
    List<Unit> units =
        List.of(
            unit("a"),
            new Unit(id, null, _ -> Optional.of(large)),
            new Unit(
                UUID.randomUUID(),
                null,
                past ->
                    past.since(0, 2, 3 << 20)
                        .filter(before -> before.getLast().record().length == large.length)
                        .map(_ -> bytes("c"))));

    assertEquals(
        List.of(new Result.Appended(1), new Result.Appended(2), new Result.Appended(3)),
        mine().append(units));

    assertArrayEquals(large, entries(theirs(), 2, 1).getFirst().record());
    assertEquals(Optional.of(new Result.Appended(2)), theirs().find(id));
    assertEquals(2, append(journal(), new Unit(id, null, _ -> Optional.of(large))));
    assertTrue(theirs().checkpoint(2, State.of(bytes("a+b"))));
    assertEquals(List.of("c"), texts(mine(), 3, 9));
  }

  private static byte[] pattern(int length) {
    byte[] bytes = new byte[length];
    for (int at = 0; at < length; at++) {
      bytes[at] = (byte) (at * 31 + (at >>> 10));
    }
    return bytes;
  }

  @Test
  void checkpoint_whateverFollows_staysReadableForWhoHasIt() {
    for (String record : List.of("a", "b", "c")) {
      append(mine(), unit(record));
    }
    assertTrue(mine().checkpoint(1, State.of(bytes("a"))));
    Base first = theirs().checkpoint().orElseThrow();

    assertTrue(mine().checkpoint(2, State.of(bytes("a+b"))));
    assertTrue(theirs().checkpoint(3, State.of(bytes("a+b+c"))));

    assertEquals(1, first.upTo());
    assertArrayEquals(bytes("a"), first.all());
    assertTrue(first.bytes().isReadOnly());
    assertArrayEquals(bytes("a+b+c"), theirs().checkpoint().orElseThrow().all());
  }

  @Test
  void checkpoint_ofWhatIsNotThereYet_isRefused() {
    append(mine(), unit("a"));

    assertThrows(IllegalArgumentException.class, () -> mine().checkpoint(2, State.of(bytes("?"))));
    assertThrows(IllegalArgumentException.class, () -> mine().checkpoint(0, State.of(bytes("?"))));
    assertEquals(Optional.empty(), mine().checkpoint());
  }

  @Test
  void checkpoint_taken_forgetsNeitherCommitIdsNorEnds() {
    UUID landed = UUID.randomUUID();
    UUID givenUp = UUID.randomUUID();
    append(mine(), unit(landed, null, "a"));
    mine().end("index", 5);
    mine().find(givenUp);
    append(mine(), unit("b"));
    assertTrue(mine().checkpoint(2, State.of(bytes("a+b"))));

    for (Journal journal : List.of(mine(), theirs(), journal())) {
      assertEquals(1, append(journal, unit(landed, null, "again")));
      assertEquals(Optional.of(new Result.Appended(1)), journal.find(landed));
      refused(journal, unit(UUID.randomUUID(), Fence.of("index", 5), "late"));
      refused(journal, unit(givenUp, null, "late"));
    }
  }

  @Test
  void durable_whileOthersAppend_followsThemAndNeverGoesBack() throws Exception {
    long before = 0;
    for (int round = 0; round < 20; round++) {
      Journal writer = round % 2 == 0 ? theirs() : mine();
      long position = append(writer, unit("a" + round));
      assertTrue(mine().durable() <= position);
      assertTrue(writer.awaitDurable(position, TestClock.LIVENESS));

      for (Journal journal : List.of(mine(), theirs(), mine())) {
        assertEquals(position, journal.durable());
      }
      if (round % 5 == 4) {
        assertTrue(theirs().checkpoint(position, State.of(bytes("all"))));
        assertEquals(position, mine().durable());
      }
      assertTrue(before < position);
      before = position;
    }
  }

  @Test
  void durable_always_isAtMostAppended() {
    append(mine(), unit("a"));
    long durable = mine().durable();

    assertTrue(durable <= mine().appended());
  }

  @Test
  void awaitDurable_appended_becomesTrue() throws Exception {
    long position = append(mine(), unit("a"));

    assertTrue(theirs().awaitDurable(position, TestClock.LIVENESS));
    assertTrue(theirs().durable() >= position);
  }

  @Test
  void awaitDurable_noTimeGiven_doesNotWait() throws Exception {
    append(mine(), unit("a"));

    assertFalse(mine().awaitDurable(2, Duration.ZERO));
    assertFalse(mine().awaitDurable(2, Duration.ofSeconds(-1)));
  }

  @Test
  void awaitDurable_neverAppended_isFalseWhenTheTimeIsOver() throws Exception {
    FutureTask<Boolean> waiting =
        new FutureTask<>(() -> mine().awaitDurable(1, Duration.ofMillis(300)));
    Thread waiter = Thread.ofPlatform().daemon().start(waiting);

    passUntilOver(waiter, Duration.ofMillis(100));

    assertFalse(get(waiting));
  }

  @Test
  void awaitDurable_appendedByAnotherMeanwhile_becomesTrue() throws Exception {
    FutureTask<Boolean> waiting =
        new FutureTask<>(() -> mine().awaitDurable(1, Duration.ofDays(1)));
    Thread waiter = Thread.ofPlatform().daemon().start(waiting);
    append(theirs(), unit("a"));

    passUntilOver(waiter, Duration.ofMillis(100));

    assertTrue(get(waiting));
  }

  @Test
  void awaitDurable_interrupted_throws() throws Exception {
    FutureTask<Boolean> waiting =
        new FutureTask<>(() -> mine().awaitDurable(1, Duration.ofDays(1)));
    Thread waiter = Thread.ofPlatform().daemon().start(waiting);
    waiter.interrupt();

    assertThrows(InterruptedException.class, () -> get(waiting));
    assertEquals(1, append(mine(), unit("a")), "and nothing is held");
  }

  @Test
  void watch_afterAnAppend_isHinted() throws Exception {
    Semaphore hints = new Semaphore(0);
    try (AutoCloseable _ = mine().watch(hints::release)) {
      append(mine(), unit("a"));

      assertTrue(hints.tryAcquire(TestClock.LIVENESS.toSeconds(), TimeUnit.SECONDS));
    }
  }

  @Test
  void journals_ofOtherNames_areApart() {
    Journal other = place().open().journal(NAME + "/1");
    append(mine(), unit("a"));
    mine().end("index", 5);

    assertEquals(0, other.appended());
    assertEquals(1, append(other, unit(UUID.randomUUID(), Fence.of("index", 5), "b")));
    assertEquals(List.of("a"), texts(mine(), 1, 10));
  }

  /// Whatever was acknowledged is there once, where it was said to be, and the same for everybody.
  @Test
  void append_byManyThreads_isOneSequenceForAll() throws Exception {
    int each = 40;
    List<Callable<Map<UUID, Long>>> writers = new ArrayList<>();
    for (int writer = 0; writer < 4; writer++) {
      writers.add(() -> {
        Journal journal = journal();
        Map<UUID, Long> landed = new HashMap<>();
        for (int number = 0; number < each; number++) {
          UUID id = UUID.randomUUID();
          Unit unit = new Unit(id, null, past -> Optional.of(bytes("after " + past.last())));
          switch (journal.append(List.of(unit)).getFirst()) {
            case Result.Appended(long position) -> landed.put(id, position);
            case Result.Unknown _ ->
                journal.find(id).ifPresent(there -> landed.put(id, there.position()));
            case Result.Refused refused -> throw new AssertionError(refused.toString());
          }
        }
        return landed;
      });
    }

    Map<UUID, Long> landed = new HashMap<>();
    together(writers).forEach(landed::putAll);

    List<Entry> all = entries(mine(), 1, Integer.MAX_VALUE);
    assertEquals(
        LongStream.rangeClosed(1, mine().appended()).boxed().toList(),
        all.stream().map(Entry::position).toList());
    Map<UUID, Long> present = new HashMap<>();
    for (Entry entry : all) {
      assertNull(present.put(entry.commitId(), entry.position()), "a commit landed twice");
      assertArrayEquals(bytes("after " + (entry.position() - 1)), entry.record());
    }
    assertEquals(landed, present);
    assertEquals(
        all.stream().map(Entry::commitId).toList(),
        entries(theirs(), 1, Integer.MAX_VALUE).stream().map(Entry::commitId).toList());
  }
}
