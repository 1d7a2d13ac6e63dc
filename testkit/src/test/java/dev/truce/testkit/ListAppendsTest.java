package dev.truce.testkit;

import static dev.truce.store.Isolation.SERIALIZABLE;
import static dev.truce.store.Isolation.SNAPSHOT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.truce.store.Isolation;
import dev.truce.testkit.ListAppends.Fate;
import dev.truce.testkit.ListAppends.Op;
import dev.truce.testkit.ListAppends.Op.Append;
import dev.truce.testkit.ListAppends.Op.Read;
import dev.truce.testkit.ListAppends.Transaction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Broken histories are caught and named, sound ones pass; and of stores that are wrong in one way
/// the histories that chance makes are caught, too.
final class ListAppendsTest {
  // ---- by hand: all at once, so that nothing but what they saw orders them

  private static Transaction at(String process, long called, long returned, Op... ops) {
    return new Transaction(process, called, returned, Fate.LANDED, List.of(ops));
  }

  private static Transaction txn(String process, Op... ops) {
    return at(process, 0, 100, ops);
  }

  private static Transaction ended(Fate fate, Op... ops) {
    return new Transaction(
        "x", 0, fate == Fate.UNKNOWN ? ListAppends.NEVER : 100, fate, List.of(ops));
  }

  private static Op append(String key, long element) {
    return new Append(key, element);
  }

  private static Op read(String key, long... seen) {
    return new Read(key, Arrays.stream(seen).boxed().toList());
  }

  private static Optional<String> refute(Isolation isolation, Transaction... history) {
    return ListAppends.refute(List.of(history), isolation);
  }

  private static void isCaught(Isolation isolation, String as, Transaction... history) {
    assertThat(refute(isolation, history))
        .hasValueSatisfying(why -> assertThat(why).startsWith(as));
  }

  private static void passes(Isolation isolation, Transaction... history) {
    assertThat(refute(isolation, history)).isEmpty();
  }

  @Test
  void history_oneAfterTheOther_passes() {
    passes(
        SERIALIZABLE,
        at("a", 0, 1, append("x", 1), read("x", 1)),
        at("b", 2, 3, read("x", 1), append("x", 2), append("x", 3), read("x", 1, 2, 3)),
        at("a", 4, 5, read("x", 1, 2, 3), read("y")));
  }

  @Test
  void history_ofNothing_passes() {
    passes(SERIALIZABLE);
  }

  @Test
  void twoWriters_inDifferentOrders_areG0() {
    isCaught(
        SNAPSHOT,
        "G0",
        txn("a", append("x", 1), append("y", 1)),
        txn("b", append("x", 2), append("y", 2)),
        txn("c", read("x", 1, 2)),
        txn("d", read("y", 2, 1)));
  }

  @Test
  void writer_beforeOneThatHadReturned_isG0() {
    isCaught(
        SNAPSHOT,
        "G0",
        at("a", 0, 1, append("x", 1)),
        at("b", 2, 3, append("x", 2)),
        at("c", 0, 9, read("x", 2, 1)));
  }

  @Test
  void readOfWhatWasRefused_isG1a() {
    isCaught(SNAPSHOT, "G1a", ended(Fate.REFUSED, append("x", 1)), txn("b", read("x", 1)));
  }

  @Test
  void readOfWhatIsUnknown_passes() {
    passes(SERIALIZABLE, ended(Fate.UNKNOWN, append("x", 1)), at("b", 200, 201, read("x", 1)));
    passes(SERIALIZABLE, ended(Fate.UNKNOWN, append("x", 1)), at("b", 200, 201, read("x")));
  }

  @Test
  void readOfAPart_isG1b() {
    isCaught(
        SNAPSHOT,
        "G1b",
        txn("a", append("x", 1), append("x", 2)),
        txn("b", read("x", 1)),
        txn("c", read("x", 1, 2)));
  }

  @Test
  void twoWhoSawEachOther_areG1c() {
    isCaught(
        SNAPSHOT,
        "G1c",
        txn("a", append("x", 1), read("y", 1)),
        txn("b", append("y", 1), read("x", 1)));
  }

  @Test
  void readOfOneThatWasCalledLater_isG1c() {
    isCaught(SNAPSHOT, "G1c", at("a", 0, 1, read("x", 1)), at("b", 2, 3, append("x", 1)));
  }

  @Test
  void readSkew_isGSingle() {
    isCaught(
        SNAPSHOT,
        "G-single",
        txn("a", append("x", 1), append("y", 1)),
        txn("b", read("x"), read("y", 1)),
        txn("c", read("x", 1), read("y", 1)));
  }

  @Test
  void twoUpdatesOfTheSameVersion_areGSingle() {
    isCaught(
        SNAPSHOT,
        "G-single",
        txn("a", read("x"), append("x", 1)),
        txn("b", read("x"), append("x", 2)),
        txn("c", read("x", 1, 2)));
  }

  @Test
  void readOfWhatWasOld_whenItWasCalled_isGSingle() {
    isCaught(
        SNAPSHOT,
        "G-single",
        at("a", 0, 1, append("x", 1)),
        at("b", 2, 3, read("x")),
        at("c", 0, 9, read("x", 1)));
  }

  @Test
  void writeSkew_isG2UnderSerializable_andPassesUnderSnapshot() {
    Transaction[] skew = {
      txn("a", read("x"), append("y", 1)),
      txn("b", read("y"), append("x", 1)),
      txn("c", read("x", 1), read("y", 1))
    };
    isCaught(SERIALIZABLE, "G2", skew);
    passes(SNAPSHOT, skew);
  }

  @Test
  void twoReadersWhoDisagree_areCaughtUnderSnapshot_thoughTwoRwAreInTheCycle() {
    isCaught(
        SNAPSHOT,
        "G2",
        txn("a", append("x", 1)),
        txn("b", append("y", 1)),
        txn("c", read("x", 1), read("y")),
        txn("d", read("x"), read("y", 1)));
  }

  @Test
  void appendThatIsNotThereLater_isLost() {
    isCaught(SNAPSHOT, "lost append", at("a", 0, 1, append("x", 1)), at("b", 2, 3, read("x")));
  }

  @Test
  void appendThatNobodySaw_isNotLostWithoutALaterRead() {
    passes(SERIALIZABLE, at("a", 0, 5, append("x", 1)), at("b", 2, 3, read("x")));
  }

  @Test
  void elementThatIsGoneAgain_isAnIncompatibleOrder() {
    isCaught(
        SNAPSHOT,
        "incompatible order",
        txn("a", append("x", 1)),
        txn("b", append("x", 2)),
        txn("c", read("x", 1)),
        txn("d", read("x", 2)));
  }

  @Test
  void elementThatIsThereTwice_isADuplicate() {
    isCaught(SNAPSHOT, "duplicate", txn("a", append("x", 1)), txn("b", read("x", 1, 1)));
  }

  @Test
  void elementOfNobody_isGarbage() {
    isCaught(SNAPSHOT, "garbage", txn("b", read("x", 1)));
  }

  @Test
  void ownAppendThatIsNotSeen_isInternal() {
    isCaught(SNAPSHOT, "internal", txn("a", append("x", 1), read("x")));
    isCaught(SNAPSHOT, "internal", txn("a", read("x"), append("x", 1), read("x", 2, 1)));
  }

  @Test
  void sameElementTwice_cannotBeJudged() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> refute(SNAPSHOT, txn("a", append("x", 1)), txn("b", append("x", 1))));
  }

  @Test
  void cycle_isToldWithItsTransactionsAndReasons() {
    assertThat(
            refute(
                SERIALIZABLE,
                txn("a", read("x"), append("y", 1)),
                txn("b", read("y"), append("x", 1)),
                txn("c", read("x", 1), read("y", 1))))
        .hasValueSatisfying(why ->
            assertThat(why)
                .contains("a [0, 100]", "b [0, 100]")
                .contains("rw: the version of x", "rw: the version of y")
                .doesNotContain("c ["));
  }

  // ---- by chance: a store of versions, right or wrong in one way

  enum Defect {
    NONE,
    BASE_UNCHECKED,
    REMOVED_WHEN_TWO_APPEND,
    READS_ITS_KEYS_AT_DIFFERENT_MOMENTS,
    READS_WHAT_DID_NOT_LAND,
    SNAPSHOT_OF_LONG_AGO,
    HALF_A_COMMIT
  }

  private static final int TRIES = 200;

  @ParameterizedTest
  @EnumSource(Isolation.class)
  void historiesOfASoundStore_pass(Isolation isolation) {
    for (int seed = 0; seed < TRIES; seed++) {
      List<Transaction> history = new World(isolation, Defect.NONE, seed).history();
      assertThat(history).anyMatch(one -> one.fate() == Fate.REFUSED);
      assertThat(ListAppends.refute(history, isolation)).as("seed %d", seed).isEmpty();
    }
  }

  @Test
  void historiesOfASnapshotStore_areRefutedUnderSerializable() {
    assertThat(caught(SNAPSHOT, Defect.NONE, SERIALIZABLE)).isPositive();
  }

  @ParameterizedTest
  @EnumSource(value = Defect.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
  void historiesOfABrokenStore_areCaught(Defect defect) {
    int caught = caught(SNAPSHOT, defect, SNAPSHOT);
    System.out.println(defect + ": " + caught + " of " + TRIES);
    assertThat(caught).isGreaterThan(TRIES / 4);
  }

  private static int caught(Isolation kept, Defect defect, Isolation promised) {
    int caught = 0;
    for (int seed = 0; seed < TRIES; seed++) {
      List<Transaction> history = new World(kept, defect, seed).history();
      caught += ListAppends.refute(history, promised).isPresent() ? 1 : 0;
    }
    return caught;
  }

  /// Some processes on a store that keeps all versions, one step of one of them at a time.
  private static final class World {
    private static final int PROCESSES = 4;
    private static final int TRANSACTIONS = 40;
    private static final List<String> KEYS = List.of("x", "y", "z");

    private final Isolation isolation;
    private final Defect defect;
    private final SplittableRandom random;
    private final List<Map<String, List<Long>>> versions = new ArrayList<>(List.of(Map.of()));
    private final Map<String, List<Long>> refused = new HashMap<>();
    private final Map<String, List<Long>> late = new HashMap<>();
    private final List<Transaction> history = new ArrayList<>();
    private long now;
    private long element;

    private final class Running {
      private final String process;
      private final long called = now++;
      private final int base =
          defect == Defect.SNAPSHOT_OF_LONG_AGO
              ? Math.max(0, versions.size() - 4)
              : versions.size() - 1;
      private final List<Op> ops = new ArrayList<>();
      private final Map<String, List<Long>> written = new TreeMap<>();

      Running(int process) {
        this.process = "p" + process;
      }

      void step() {
        String key = KEYS.get(random.nextInt(KEYS.size()));
        if (random.nextBoolean()) {
          ops.add(new Read(key, List.copyOf(written.getOrDefault(key, seen(key)))));
        } else {
          List<Long> longer = new ArrayList<>(written.getOrDefault(key, seen(key)));
          longer.add(++element);
          written.put(key, longer);
          ops.add(new Append(key, element));
        }
      }

      private List<Long> seen(String key) {
        int at = defect == Defect.READS_ITS_KEYS_AT_DIFFERENT_MOMENTS ? versions.size() - 1 : base;
        List<Long> there = versions.get(at).getOrDefault(key, List.of());
        List<Long> dirty = refused.getOrDefault(key, List.of());
        return defect == Defect.READS_WHAT_DID_NOT_LAND && !dirty.isEmpty() && written.isEmpty()
            ? dirty
            : there;
      }

      void end() {
        boolean lands =
            defect == Defect.BASE_UNCHECKED
                || ops.stream().noneMatch(this::isChanged)
                || (written.isEmpty() && isolation == Isolation.SNAPSHOT);
        if (lands) {
          Map<String, List<Long>> next = new HashMap<>(versions.getLast());
          written.forEach((key, list) -> {
            if (defect != Defect.REMOVED_WHEN_TWO_APPEND || versions.size() % 5 != 0) {
              (defect == Defect.HALF_A_COMMIT && next.size() > 1 ? late : next).put(key, list);
            }
          });
          versions.add(next);
        } else {
          refused.putAll(written);
        }
        Fate fate = lands ? Fate.LANDED : Fate.REFUSED;
        history.add(new Transaction(process, called, now++, fate, List.copyOf(ops)));
      }

      private boolean isChanged(Op op) {
        boolean counts = op instanceof Append || isolation == Isolation.SERIALIZABLE;
        List<Long> before = versions.get(base).getOrDefault(op.key(), List.of());
        return counts && !versions.getLast().getOrDefault(op.key(), List.of()).equals(before);
      }
    }

    World(Isolation isolation, Defect defect, long seed) {
      this.isolation = isolation;
      this.defect = defect;
      this.random = new SplittableRandom(seed);
    }

    List<Transaction> history() {
      Running[] running = new Running[PROCESSES];
      Arrays.setAll(running, Running::new);
      while (history.size() < TRANSACTIONS) {
        int process = random.nextInt(PROCESSES);
        if (random.nextInt(5) == 0 && !late.isEmpty()) {
          Map<String, List<Long>> next = new HashMap<>(versions.getLast());
          next.putAll(late);
          versions.add(next);
          late.clear();
        }
        if (random.nextInt(3) > 0) {
          running[process].step();
        } else {
          running[process].end();
          running[process] = new Running(process);
        }
      }
      Running last = new Running(PROCESSES);
      KEYS.forEach(key -> last.ops.add(new Read(key, last.seen(key))));
      last.end();
      return history;
    }
  }
}
