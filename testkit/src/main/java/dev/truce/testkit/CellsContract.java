package dev.truce.testkit;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.truce.Fence;
import dev.truce.spi.Cells;
import dev.truce.spi.Cells.Cell;
import dev.truce.spi.Cells.Swap;
import dev.truce.testkit.RegisterChecker.Op;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// What every engine's [Cells] keep: each sentence of the interface, and the linearizability of one
/// cell under threads. Extend it, and answer [#engineUnderTest].
public abstract class CellsContract extends EngineContract {
  private static final int THREADS = 4;

  /// Names that trip up file names, queries, patterns and separators.
  static final List<String> HOSTILE_NAMES =
      List.of(
          "a:b",
          "a_b",
          "a/b",
          "a//b",
          "../../etc/passwd",
          ".",
          "..",
          "/",
          " ",
          "a b",
          "a\nb",
          "a\0b",
          "%00",
          "*",
          "a%",
          "a?",
          "'; DROP TABLE cells; --",
          "`id`",
          "$(id)",
          "\u00e9",
          "e\u0301",
          "\ud83d\udd12",
          "CON",
          "A",
          "a",
          "x".repeat(300),
          "\u20ac".repeat(100));

  /// For a subclass, which names the engine.
  protected CellsContract() {}

  private Cells cells() {
    return engine().cells();
  }

  @Test
  void ticker_deadlineLongPast_isNotWaitedFor() throws Exception {
    for (long past : new long[] {Long.MIN_VALUE, 0, engine().ticker().nanos()}) {
      Thread parking = Thread.ofPlatform().daemon().start(() -> engine().ticker().park(this, past));
      assertTrue(parking.join(TestClock.LIVENESS), () -> "parked for " + past);
    }
  }

  @Test
  void read_neverWritten_isAbsent() {
    assertTrue(cells().read("never").absent());
  }

  @Test
  void swap_fromAbsent_creates() {
    Cell made = win(cells(), "k", cells().read("k"), "one");

    assertEquals("one", text(made));
    assertEquals("one", text(cells().read("k")));
  }

  @Test
  void swap_fromTheCurrentCell_replaces() {
    put(cells(), "k", "one");

    win(cells(), "k", cells().read("k"), "two");

    assertEquals("two", text(cells().read("k")));
  }

  @Test
  void swap_fromTheCellThatAWonSwapAnswered_replaces() {
    Cell one = win(cells(), "k", cells().read("k"), "one");
    Cell two = win(cells(), "k", one, "two");
    win(cells(), "k", two, "three");

    assertEquals("three", text(cells().read("k")));
  }

  @Test
  void swap_fromTheCellThatALostSwapAnswered_replaces() {
    Cell stale = put(cells(), "k", "one");
    put(cells(), "k", "two");

    Cell current = lose("k", stale);

    assertEquals("two", text(current));
    win(cells(), "k", current, "three");
  }

  @Test
  void swap_fromAStaleCell_losesAndChangesNothing() {
    Cell stale = put(cells(), "k", "one");
    put(cells(), "k", "two");

    lose("k", stale);

    assertEquals("two", text(cells().read("k")));
  }

  @Test
  void swap_fromAbsentWhenAnotherCreatedIt_loses() {
    Cell absent = cells().read("k");
    put(cells(), "k", "one");

    assertEquals("one", text(lose("k", absent)));
  }

  @Test
  void swap_bytesCameBack_revisionDidNot() {
    Cell first = put(cells(), "k", "one");
    put(cells(), "k", "two");
    put(cells(), "k", "one");

    lose("k", first);
  }

  @Test
  void swap_ofEmptyBytes_deletes() {
    put(cells(), "k", "one");

    win(cells(), "k", cells().read("k"), "");

    assertTrue(cells().read("k").absent());
    assertFalse(cells().keys("").contains("k"));
  }

  @Test
  void swap_deletedAndCreatedAgain_revisionDoesNotRepeat() {
    Cell first = put(cells(), "k", "one");
    put(cells(), "k", "");
    put(cells(), "k", "one");

    lose("k", first);
  }

  @Test
  void swap_createdAndDeletedSinceItWasReadAbsent_loses() {
    Cell absent = cells().read("k");
    put(cells(), "k", "one");
    put(cells(), "k", "");

    assertTrue(lose("k", absent).absent());
    assertTrue(cells().read("k").absent());
  }

  /// An engine forgets deleted cells some time. The revision must not come back with that.
  @Test
  void swap_manyNamesWereUsedAndForgottenMeanwhile_revisionDoesNotRepeat() {
    Cell absent = cells().read("k");
    Cell one = put(cells(), "k", "one");
    put(cells(), "k", "");
    for (int name = 0; name < 5_000; name++) {
      put(cells(), "passing " + name, "one");
      put(cells(), "passing " + name, "");
    }
    lose("k", absent);
    lose("k", one);

    put(cells(), "k", "one");

    lose("k", absent);
    lose("k", one);
    assertEquals("one", text(cells().read("k")));
  }

  @Test
  void swap_ofTheLargestValue_holdsEveryByte() {
    byte[] largest = new byte[engine().capabilities().maxCell()];
    new SplittableRandom(seed().value()).nextBytes(largest);

    Cell cell = cells().read("k");
    for (int tries = 0;
        tries < 100 && !Arrays.equals(cells().read("k").bytes(), largest);
        tries++) {
      cells().swap("k", cell, largest);
      cell = cells().read("k");
    }

    assertArrayEquals(largest, cells().read("k").bytes());
  }

  @Test
  void swap_ofMoreThanTheLargestValue_isRefused() {
    byte[] tooMuch = new byte[engine().capabilities().maxCell() + 1];
    Cell absent = cells().read("k");

    assertThrows(IllegalArgumentException.class, () -> cells().swap("k", absent, tooMuch));
    assertTrue(cells().read("k").absent());
  }

  @Test
  void cells_keysWithHostileNames_areHarmlessAndDistinct() {
    for (String name : HOSTILE_NAMES) {
      put(cells(), name, "value of " + name);
    }

    assertAll(
        HOSTILE_NAMES.stream()
            .map(name -> () -> assertEquals("value of " + name, text(cells().read(name)))));
    assertEquals(new TreeSet<>(HOSTILE_NAMES), new TreeSet<>(cells().keys("")));
  }

  @Test
  void swap_keyIsTooLongOrNoText_isRefused() {
    for (String key : List.of("x".repeat(301), "\u20ac".repeat(101), "\ud83d", "a\udd12b")) {
      assertThrows(
          IllegalArgumentException.class,
          () -> cells().swap(key, cells().read(key), bytes("one")),
          () -> "a key of " + key.length() + " chars");
    }
    assertEquals(List.of(), cells().keys(""));
  }

  @Test
  void keys_prefix_listsWhatIsThere() {
    for (String key :
        List.of(
            "lock/a", "lock/b", "locks", "lock", "a lock/c", "Lock/a", "member/1", "lock/gone")) {
      put(cells(), key, "one");
    }
    put(cells(), "lock/gone", "");

    assertEquals(Set.of("lock/a", "lock/b"), new HashSet<>(cells().keys("lock/")));
    assertEquals(7, cells().keys("").size());
    assertEquals(List.of(), cells().keys("nothing"));
  }

  @Test
  void draw_always_isAboveAllDrawnBefore() {
    Cells other = place().open().cells();
    long last = 0;
    for (int round = 1; round <= 100; round++) {
      int count = 1 + round % 7;
      long drawn = (round % 2 == 0 ? cells() : other).draw(count);
      assertTrue(drawn > last, last + " was drawn before " + drawn);
      last = drawn + count - 1;
    }
    assertTrue(last <= Fence.MAX_TOKEN);
  }

  @Test
  void draw_nothing_isRefused() {
    assertThrows(IllegalArgumentException.class, () -> cells().draw(0));
    assertThrows(IllegalArgumentException.class, () -> cells().draw(-1));
  }

  @Test
  void draw_byManyThreads_neverRepeats() throws Exception {
    Callable<List<Long>> drawer =
        () -> {
          Cells mine = place().open().cells();
          List<Long> drawn = new ArrayList<>();
          for (int round = 0; round < 500; round++) {
            long first = mine.draw(2);
            drawn.add(first);
            drawn.add(first + 1);
          }
          return drawn;
        };

    Set<Long> distinct = new HashSet<>();
    for (List<Long> drawn : together(times(THREADS, drawer))) {
      assertEquals(drawn.stream().sorted().toList(), drawn, "each thread's numbers rise");
      distinct.addAll(drawn);
    }

    assertEquals(THREADS * 1_000, distinct.size());
  }

  @Test
  void cells_ofAnotherHandle_areTheSame() {
    Cells other = place().open().cells();
    Cell mine = put(cells(), "k", "mine");
    assertEquals("mine", text(other.read("k")));

    put(other, "k", "theirs");

    assertEquals("theirs", text(cells().read("k")));
    lose("k", mine);
  }

  @Test
  void cells_interrupted_neitherAnswerNorClearIt() {
    Thread.currentThread().interrupt();
    try {
      win(cells(), "k", cells().read("k"), "one");
      assertEquals(List.of("k"), cells().keys("k"));
      assertTrue(cells().draw(1) > 0);
    } finally {
      assertTrue(Thread.interrupted(), "the interrupt is still there");
    }
    assertEquals("one", text(cells().read("k")), "and nothing was broken by it");
  }

  @Test
  void swap_noUnknownOutcomesDeclared_alwaysTells() {
    int unknown = 0;
    for (int round = 0; round < 2_000; round++) {
      if (cells().swap("k", cells().read("k"), bytes("n" + round)) instanceof Swap.Unknown) {
        unknown++;
      }
    }
    if (engine().capabilities().unknownOutcomes()) {
      // What is declared possible need not happen; that it may must not keep swaps from working.
      assertTrue(unknown < 1_000, unknown + " of 2000 outcomes unknown");
    } else {
      assertEquals(0, unknown);
    }
  }

  /// The acid test of mutual exclusion without a lock: each increment is counted exactly once, with
  /// unknown outcomes settled as the interface says, by the number of each writer's last command.
  @Test
  void swap_incrementsByManyThreads_areCountedExactlyOnce() throws Exception {
    int each = 1_000;
    int threads = 8;
    List<Callable<Boolean>> writers = new ArrayList<>();
    for (int writer = 0; writer < threads; writer++) {
      int me = writer;
      writers.add(() -> {
        Cells mine = place().open().cells();
        for (int number = 1; number <= each; number++) {
          increment(mine, me, number, threads);
        }
        return true;
      });
    }

    together(writers);

    long[] counted = counts(cells().read("counter"), threads);
    assertEquals((long) threads * each, counted[threads]);
    assertTrue(Arrays.stream(counted, 0, threads).allMatch(last -> last == each));
  }

  private static void increment(Cells cells, int writer, int number, int writers) {
    Cell cell = cells.read("counter");
    while (true) {
      long[] counts = counts(cell, writers);
      if (counts[writer] == number) {
        return;
      }
      assertEquals(number - 1, counts[writer], "a command landed twice or not at all");
      counts[writer] = number;
      counts[writers]++;
      String next = String.join(" ", Arrays.stream(counts).mapToObj(Long::toString).toList());
      switch (cells.swap("counter", cell, bytes(next))) {
        case Swap.Won _ -> {
          return;
        }
        case Swap.Lost(Cell current) -> cell = current;
        case Swap.Unknown _ -> cell = cells.read("counter");
      }
    }
  }

  /// The last command of each writer, then the counter.
  private static long[] counts(Cell cell, int writers) {
    return cell.absent()
        ? new long[writers + 1]
        : Arrays.stream(text(cell).split(" ")).mapToLong(Long::parseLong).toArray();
  }

  @Test
  void cell_underThreads_isLinearizable() throws Exception {
    for (int round = 0; round < 30; round++) {
      String key = "round " + round;
      long roundSeed = seed().random(key).nextLong();
      List<Callable<List<Op>>> clients = new ArrayList<>();
      for (int client = 0; client < THREADS; client++) {
        int me = client;
        clients.add(() -> history(place().open().cells(), key, me, roundSeed + me));
      }
      Optional<String> refuted = RegisterChecker.refute(joined(together(clients)));
      assertEquals(Optional.empty(), refuted);
    }
  }

  /// A short life of one client with the cell. What it swaps in, nobody else does.
  private static List<Op> history(Cells cells, String key, int client, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<Integer, Cell> answers = new HashMap<>();
    List<Op> ops = new ArrayList<>();
    int latest = -1;
    for (int number = 1; number <= 24; number++) {
      int me = ops.size();
      int from = random.nextInt(8) == 0 && latest > 0 ? random.nextInt(latest) : latest;
      Cell expected = answers.get(from);
      long called = System.nanoTime();
      if (expected == null || random.nextInt(3) == 0) {
        Cell cell = cells.read(key);
        ops.add(new Op.Read(called, System.nanoTime(), value(cell)));
        answers.put(me, cell);
        latest = me;
        continue;
      }
      long next = random.nextInt(4) == 0 ? RegisterChecker.ABSENT : client * 1_000L + number;
      byte[] bytes = next == RegisterChecker.ABSENT ? new byte[0] : bytes(Long.toString(next));
      Swap swap = cells.swap(key, expected, bytes);
      long returned = System.nanoTime();
      switch (swap) {
        case Swap.Won(Cell cell) -> {
          ops.add(new Op.Won(called, returned, from, next));
          assertEquals(next, value(cell));
          answers.put(me, cell);
          latest = me;
        }
        case Swap.Lost(Cell current) -> {
          ops.add(new Op.Lost(called, returned, value(current)));
          answers.put(me, current);
          latest = me;
        }
        case Swap.Unknown _ -> ops.add(new Op.Unknown(called, from, next));
      }
    }
    return ops;
  }

  private static long value(Cell cell) {
    return cell.absent() ? RegisterChecker.ABSENT : Long.parseLong(text(cell));
  }

  /// One history of several, with the operations renumbered.
  private static List<Op> joined(List<List<Op>> histories) {
    List<Op> joined = new ArrayList<>();
    for (List<Op> history : histories) {
      int offset = joined.size();
      for (Op op : history) {
        joined.add(
            switch (op) {
              case Op.Won(long called, long returned, int from, long next) ->
                  new Op.Won(called, returned, from + offset, next);
              case Op.Unknown(long called, int from, long next) ->
                  new Op.Unknown(called, from + offset, next);
              case Op.Read read -> read;
              case Op.Lost lost -> lost;
            });
      }
    }
    return joined;
  }

  /// Swaps from a cell that is not current: whatever the engine answers, nothing must change, and
  /// it never claims to have won. Answers the current cell.
  private Cell lose(String key, Cell stale) {
    Cell before = cells().read(key);
    Swap swap = cells().swap(key, stale, bytes("never"));
    Cell after = cells().read(key);
    assertFalse(swap instanceof Swap.Won, "a swap from a revision that has passed was won");
    assertArrayEquals(before.bytes(), after.bytes());
    assertNotEquals("never", text(after));
    return swap instanceof Swap.Lost(Cell current) ? current : after;
  }

  private static <T> List<Callable<T>> times(int times, Callable<T> task) {
    return IntStream.range(0, times).mapToObj(_ -> task).toList();
  }
}
