package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.testkit.Crashes.Report;
import dev.truce.testkit.PlainLog.Flaw;
import java.util.EnumSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// The explorer finds nothing wrong with a log that is right, wherever its world ends.
class CrashesIT {
  private static final boolean FULL = Boolean.getBoolean("truce.full");

  /// With `truce.full` some hundred thousand states of a log that changes its segment over and
  /// over.
  @Test
  void aLongRightLog_isFoundRight() {
    int[] others = IntStream.range(3, FULL ? 60 : 12).toArray();
    Report report =
        Crashes.<Integer>of("a long log")
            .process("a", me -> LogCrashes.appends(me, EnumSet.noneOf(Flaw.class), 1, 2, others))
            .recovery(me -> LogCrashes.recovers(me, EnumSet.noneOf(Flaw.class)))
            .thorough(true)
            .explore()
            .orThrow();
    System.out.println(report);
    assertThat(report.states()).isGreaterThan(FULL ? 100_000 : 15_000);
  }

  @Test
  void aRightLogOfTwoProcesses_isFoundRight() {
    Report report =
        LogCrashes.together(EnumSet.noneOf(Flaw.class))
            .thorough(true)
            .preemptions(FULL ? 2 : 1)
            .chances(FULL ? 5_000 : 200)
            .explore()
            .orThrow();
    System.out.println(report);
    assertThat(report.complete()).isTrue();
    assertThat(report.states()).isGreaterThan(1_000);
  }

  @Test
  void aLimit_leavesASampleOfTheStates() {
    Report all = LogCrashes.alone(EnumSet.noneOf(Flaw.class)).explore().orThrow();
    Report some = LogCrashes.alone(EnumSet.noneOf(Flaw.class)).limit(50).explore().orThrow();
    assertThat(some.complete()).isFalse();
    assertThat(some.states()).isBetween(50L, all.states() / 2);
  }
}
