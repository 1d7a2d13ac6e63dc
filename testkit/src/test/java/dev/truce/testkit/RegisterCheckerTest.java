package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.testkit.RegisterChecker.Op;
import dev.truce.testkit.RegisterChecker.Op.Lost;
import dev.truce.testkit.RegisterChecker.Op.Read;
import dev.truce.testkit.RegisterChecker.Op.Unknown;
import dev.truce.testkit.RegisterChecker.Op.Won;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/// A checker that accepts everything proves nothing, so most of these histories must be refused.
final class RegisterCheckerTest {
  private static void accepted(Op... history) {
    assertThat(RegisterChecker.refute(List.of(history))).isEmpty();
  }

  private static void refused(Op... history) {
    assertThat(RegisterChecker.refute(List.of(history))).isPresent();
  }

  @Test
  void refute_oneAfterTheOther_isAccepted() {
    accepted(
        new Read(0, 1, 0),
        new Won(2, 3, 0, 7),
        new Read(4, 5, 7),
        new Won(6, 7, 2, 8),
        new Read(8, 9, 8));
  }

  @Test
  void refute_emptyHistory_isAccepted() {
    accepted();
  }

  @Test
  void refute_staleRead_isRefused() {
    refused(new Read(0, 1, 0), new Won(2, 3, 0, 7), new Read(4, 5, 0));
  }

  @Test
  void refute_readDuringTheSwap_maySeeEither() {
    accepted(new Read(0, 1, 0), new Won(2, 9, 0, 7), new Read(4, 5, 0));
    accepted(new Read(0, 1, 0), new Won(2, 9, 0, 7), new Read(4, 5, 7));
  }

  /// Two reads during one swap, one after the other: the second may not see less than the first.
  @Test
  void refute_readsGoBack_isRefused() {
    accepted(new Read(0, 1, 0), new Won(2, 9, 0, 7), new Read(3, 4, 0), new Read(5, 6, 7));
    refused(new Read(0, 1, 0), new Won(2, 9, 0, 7), new Read(3, 4, 7), new Read(5, 6, 0));
  }

  @Test
  void refute_valueFromNowhere_isRefused() {
    refused(new Read(0, 1, 0), new Read(2, 3, 7));
  }

  @Test
  void refute_twoWinnersFromOneRevision_isRefused() {
    refused(new Read(0, 1, 0), new Won(2, 9, 0, 7), new Won(2, 9, 0, 8));
  }

  @Test
  void refute_lostUpdate_isRefused() {
    refused(
        new Read(0, 1, 0),
        new Won(2, 3, 0, 7),
        new Read(4, 5, 7),
        new Read(4, 5, 7),
        new Won(6, 9, 2, 8),
        new Won(6, 9, 3, 9),
        new Read(10, 11, 9));
  }

  /// The bytes came back, the revision must not: a swap from the first absence may not win.
  @Test
  void refute_absentAgainTakenForTheFirstAbsence_isRefused() {
    accepted(
        new Read(0, 1, 0),
        new Won(2, 3, 0, 7),
        new Won(4, 5, 1, 0),
        new Read(6, 7, 0),
        new Won(8, 9, 3, 8));
    refused(new Read(0, 1, 0), new Won(2, 3, 0, 7), new Won(4, 5, 1, 0), new Won(8, 9, 0, 8));
  }

  @Test
  void refute_lostSwapShowsWhatNeverWas_isRefused() {
    accepted(new Read(0, 1, 0), new Won(2, 3, 0, 7), new Lost(4, 5, 7));
    refused(new Read(0, 1, 0), new Won(2, 3, 0, 7), new Lost(4, 5, 0));
  }

  @Test
  void refute_lostSwapThatChangedSomething_isRefused() {
    refused(new Read(0, 1, 0), new Lost(2, 3, 0), new Read(4, 5, 8));
  }

  @Test
  void refute_unknownOutcome_mayLandAtOnceLateOrNever() {
    accepted(new Read(0, 1, 0), new Unknown(2, 0, 7), new Read(4, 5, 7));
    accepted(new Read(0, 1, 0), new Unknown(2, 0, 7), new Read(4, 5, 0), new Read(6, 7, 7));
    accepted(new Read(0, 1, 0), new Unknown(2, 0, 7), new Read(4, 5, 0), new Read(6, 7, 0));
  }

  @Test
  void refute_unknownOutcomeLandsTwiceOrTooLate_isRefused() {
    refused(
        new Read(0, 1, 0),
        new Unknown(2, 0, 7),
        new Read(3, 4, 7),
        new Won(5, 6, 2, 8),
        new Read(7, 8, 7));
    refused(
        new Read(0, 1, 0),
        new Unknown(2, 0, 7),
        new Read(3, 4, 0),
        new Won(5, 6, 2, 8),
        new Read(7, 8, 7));
  }

  @Test
  void refute_unknownOutcomeLandsBeforeItsCall_isRefused() {
    refused(new Read(0, 1, 0), new Read(2, 3, 7), new Unknown(4, 0, 7));
  }

  /// Long true histories are accepted, and refused as soon as one answer is falsified.
  @Test
  void refute_randomHistories_onlyTheTrueOnesPass() {
    Seed seed = Seed.choose();
    SplittableRandom random = seed.random("histories");
    for (int round = 0; round < 200; round++) {
      List<Op> history = trueHistory(random);
      assertThat(RegisterChecker.refute(history)).as("%s, round %s", seed, round).isEmpty();

      List<Op> falsified = new ArrayList<>(history);
      int at;
      do {
        at = random.nextInt(history.size());
      } while (history.get(at) instanceof Won);
      falsified.set(
          at,
          switch (history.get(at)) {
            case Read read -> new Read(read.called(), read.returned(), read.value() + 1_000_000);
            case Lost lost -> new Lost(lost.called(), lost.returned(), lost.current() + 1_000_000);
            case Won won -> won;
            case Unknown unknown -> unknown;
          });
      assertThat(RegisterChecker.refute(falsified).isPresent())
          .as("%s, round %s, falsified %s", seed, round, at)
          .isTrue();
    }
  }

  /// Operations that take effect one by one, with calls and returns spread around them.
  private static List<Op> trueHistory(SplittableRandom random) {
    List<Op> history = new ArrayList<>();
    List<Integer> versionSeen = new ArrayList<>();
    long value = 0;
    int version = 0;
    for (int op = 0; op < 60; op++) {
      long moment = op * 100L;
      long called = moment - random.nextInt(350);
      long returned = moment + random.nextInt(350);
      int from = op == 0 ? -1 : random.nextInt(Math.max(0, op - 3), op);
      boolean swap = op > 0 && random.nextInt(3) > 0 && returnedBefore(history, from, called);
      if (!swap) {
        history.add(new Read(called, returned, value));
      } else if (versionSeen.get(from) == version) {
        value = random.nextInt(5) == 0 ? 0 : op;
        version++;
        history.add(new Won(called, returned, from, value));
      } else {
        history.add(new Lost(called, returned, value));
      }
      versionSeen.add(version);
    }
    return history;
  }

  private static boolean returnedBefore(List<Op> history, int op, long called) {
    return history.get(op).returned() < called;
  }
}
