package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.testkit.Crashes.Report;
import dev.truce.testkit.PlainLog.Flaw;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The explorer finds nothing wrong with a log that is right, and what is wrong with each that is
/// not.
class CrashesTest {
  private static final boolean FULL = Boolean.getBoolean("truce.full");

  private static Crashes<Integer> alone(Set<Flaw> flaws) {
    return Crashes.<Integer>of("a log of one process")
        .process("a", me -> appends(me, flaws, 1, 2, 3, 6))
        .recovery(me -> recovers(me, flaws));
  }

  private static Crashes<Integer> together(Set<Flaw> flaws) {
    return Crashes.<Integer>of("a log of two processes")
        .setUp(me -> PlainLog.open(me, flaws).close())
        .process("a", me -> appends(me, flaws, 1, 2, 4))
        .process("b", me -> appends(me, flaws, 11, 12, 14))
        .recovery(me -> recovers(me, flaws))
        .depth(2);
  }

  /// Appends the first two together, then each of the others.
  private static void appends(
      SimulatedMachine<Integer>.Worker me, Set<Flaw> flaws, int one, int two, int... others)
      throws Exception {
    try (PlainLog log = PlainLog.open(me, flaws)) {
      append(me, log, one, two);
      for (int entry : others) {
        append(me, log, entry);
      }
    }
  }

  private static void append(SimulatedMachine<Integer>.Worker me, PlainLog log, int... entries)
      throws Exception {
    IntStream.of(entries).forEach(me.account()::attempt);
    log.append(entries);
    IntStream.of(entries).forEach(me.account()::acknowledge);
  }

  private static void recovers(SimulatedMachine<Integer>.Worker me, Set<Flaw> flaws)
      throws Exception {
    try (PlainLog log = PlainLog.open(me, flaws)) {
      me.account().settle(log.read());
      append(me, log, 100 + me.account().attempted().size());
      me.account().check(log.read());
    }
  }

  @Test
  void aRightLogOfOneProcess_isFoundRight() {
    Report report = alone(EnumSet.noneOf(Flaw.class)).thorough(true).explore().orThrow();
    System.out.println(report);
    assertThat(report.complete()).isTrue();
    assertThat(report.states()).isGreaterThan(1_000);
  }

  /// With `truce.full` some hundred thousand states of a log that changes its segment over and
  /// over.
  @Test
  void aLongRightLog_isFoundRight() {
    int[] others = IntStream.range(3, FULL ? 60 : 12).toArray();
    Report report =
        Crashes.<Integer>of("a long log")
            .process("a", me -> appends(me, EnumSet.noneOf(Flaw.class), 1, 2, others))
            .recovery(me -> recovers(me, EnumSet.noneOf(Flaw.class)))
            .explore()
            .orThrow();
    System.out.println(report);
    assertThat(report.states()).isGreaterThan(FULL ? 100_000 : 5_000);
  }

  @Test
  void aRightLogOfTwoProcesses_isFoundRight() {
    Report report =
        together(EnumSet.noneOf(Flaw.class))
            .thorough(true)
            .preemptions(FULL ? 2 : 1)
            .chances(FULL ? 5_000 : 200)
            .explore()
            .orThrow();
    System.out.println(report);
    assertThat(report.complete()).isTrue();
    assertThat(report.states()).isGreaterThan(1_000);
  }

  @ParameterizedTest
  @EnumSource(
      value = Flaw.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"LENGTH_TRUSTED", "BAD_RECORDS_SKIPPED"})
  void aFlawThatACrashShows_isFound(Flaw flaw) {
    Report one = alone(EnumSet.of(flaw)).explore();
    Report report =
        one.violation() != null ? one : together(EnumSet.of(flaw)).chances(100).explore();
    assertThat(report.violation()).as(report.toString()).contains("to repeat it: -Dtruce.seed=");
  }

  @Test
  void aRightLog_underAnyFlippedBit_showsABeginningOrSaysWhatIsWrong() throws Exception {
    assertThat(flipped(EnumSet.noneOf(Flaw.class))).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(
      value = Flaw.class,
      names = {"NO_CHECKSUM", "LENGTH_TRUSTED", "BAD_RECORDS_SKIPPED"})
  void aFlawThatDamageShows_isFoundByFlippingEachBit(Flaw flaw) throws Exception {
    assertThat(flipped(EnumSet.of(flaw))).isNotEmpty();
  }

  /// What goes wrong with a closed log of which one bit is flipped, for each that does harm.
  private static List<String> flipped(Set<Flaw> flaws) {
    DiskState closed =
        new SimulatedMachine<>(DiskState.EMPTY, new Account<Integer>())
            .process("a", me -> appends(me, flaws, 1, 2, 4))
            .run(Schedule.PLAIN)
            .orThrow()
            .disk();
    List<String> harm = new ArrayList<>();
    for (long bit = 0; bit < Byte.SIZE * 1024L; bit++) {
      Throwable failure =
          new SimulatedMachine<>(closed.withBitFlipped("log.0", bit), new Account<Integer>())
              .process("b", me -> readsABeginning(me, flaws))
              .run(Schedule.PLAIN)
              .failure();
      if (failure != null && !(failure instanceof IOException)) {
        harm.add("bit " + bit + ": " + failure);
      }
    }
    return harm;
  }

  private static void readsABeginning(SimulatedMachine<Integer>.Worker me, Set<Flaw> flaws)
      throws Exception {
    try (PlainLog log = PlainLog.open(me, flaws)) {
      List<Integer> entries = log.read();
      assertThat(entries).isEqualTo(List.of(1, 2, 4).subList(0, entries.size()));
    }
  }

  @Test
  void aViolation_isRepeatedByItsLineAlone() {
    Seed seed = new Seed(1);
    Set<Flaw> flaw = EnumSet.of(Flaw.OPENING_BELIEVES_THE_NEXT_FLUSH);
    String found = alone(flaw).seed(seed).explore().violation();
    Matcher line = Pattern.compile("-Dtruce.crash=([^\"]+)").matcher(found);
    assertThat(line.find()).isTrue();
    Report again = alone(flaw).seed(seed).replay(line.group(1)).explore();
    assertThat(again.violation()).isEqualTo(found);
    assertThat(again.runs()).isLessThan(10);
  }

  @Test
  void aRunThatNeverEnds_isAViolation() {
    Report report =
        Crashes.<Integer>of("endless")
            .process(
                "a",
                me -> {
                  while (me.ticker().nanos() > 0) {}
                })
            .explore();
    assertThat(report.violation()).contains("does not come to an end");
  }

  @Test
  void aLimit_leavesASampleOfTheStates() {
    Report all = alone(EnumSet.noneOf(Flaw.class)).explore().orThrow();
    Report some = alone(EnumSet.noneOf(Flaw.class)).limit(50).explore().orThrow();
    assertThat(some.complete()).isFalse();
    assertThat(some.states()).isBetween(50L, all.states() / 2);
  }
}
