package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.testkit.Crashes.Report;
import dev.truce.testkit.PlainLog.Flaw;
import java.io.IOException;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The explorer finds nothing wrong with a log that is right, and what is wrong with each that is
/// not.
class CrashesTest {
  @Test
  void aRightLogOfOneProcess_isFoundRight() {
    Report report = LogCrashes.alone(EnumSet.noneOf(Flaw.class)).thorough(true).explore().orThrow();
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
    Seed seed = new Seed(1);
    Report one = LogCrashes.alone(EnumSet.of(flaw)).seed(seed).explore();
    Report report =
        one.violation() != null
            ? one
            : LogCrashes.together(EnumSet.of(flaw)).seed(seed).chances(100).explore();
    assertThat(report.violation()).as(report.toString()).contains("to repeat it: -Dtruce.seed=");
  }

  @Test
  void aRightLog_underAnyFlippedBit_showsABeginningOrSaysWhatIsWrong() throws Exception {
    assertThat(harms(EnumSet.noneOf(Flaw.class))).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(
      value = Flaw.class,
      names = {"NO_CHECKSUM", "LENGTH_TRUSTED", "BAD_RECORDS_SKIPPED"})
  void aFlawThatDamageShows_isFoundByFlippingEachBit(Flaw flaw) throws Exception {
    assertThat(harms(EnumSet.of(flaw)).findFirst()).isPresent();
  }

  /// What goes wrong with a closed log of which one bit is flipped, for each that does harm.
  private static Stream<String> harms(Set<Flaw> flaws) throws Exception {
    DiskState closed =
        new SimulatedMachine<>(DiskState.EMPTY, new Account<Integer>())
            .process("a", me -> LogCrashes.appends(me, flaws, 1, 2, 4))
            .run(Schedule.PLAIN)
            .orThrow()
            .disk();
    return LongStream.range(0, Byte.SIZE * 1024L)
        .mapToObj(bit -> harm(closed, flaws, bit))
        .flatMap(Optional::stream);
  }

  private static Optional<String> harm(DiskState closed, Set<Flaw> flaws, long bit) {
    Throwable failure =
        new SimulatedMachine<>(closed.withBitFlipped("log.0", bit), new Account<Integer>())
            .process("b", me -> readsABeginning(me, flaws))
            .run(Schedule.PLAIN)
            .failure();
    return failure == null || failure instanceof IOException
        ? Optional.empty()
        : Optional.of("bit " + bit + ": " + failure);
  }

  private static void readsABeginning(SimulatedMachine<Integer>.Worker me, Set<Flaw> flaws)
      throws Exception {
    try (PlainLog log = PlainLog.open(me, flaws)) {
      List<Integer> entries = log.read();
      assertThat(entries).isEqualTo(List.of(1, 2, 4).subList(0, entries.size()));
    }
  }

  /// Several threads explore, and what one of them has seen the others leave out.
  @Test
  void anExploration_findsTheSameWhicheverThreadIsFaster() {
    Set<Long> states = new HashSet<>();
    for (int round = 0; round < 10; round++) {
      Report right = LogCrashes.alone(EnumSet.noneOf(Flaw.class)).seed(new Seed(1)).explore();
      states.add(right.orThrow().states());
      Set<Flaw> flaw = EnumSet.of(Flaw.OPENING_BELIEVES_THE_NEXT_FLUSH);
      Report wrong = LogCrashes.alone(flaw).seed(new Seed(1)).explore();
      assertThat(wrong.violation()).as(wrong.toString()).isNotNull();
    }
    assertThat(states).hasSize(1);
  }

  @Test
  void aViolation_isRepeatedByItsLineAlone() {
    Seed seed = new Seed(1);
    Set<Flaw> flaw = EnumSet.of(Flaw.OPENING_BELIEVES_THE_NEXT_FLUSH);
    String found = LogCrashes.alone(flaw).seed(seed).explore().violation();
    Matcher line = Pattern.compile("-Dtruce.crash=([^\"]+)").matcher(found);
    assertThat(line.find()).isTrue();
    Report again = LogCrashes.alone(flaw).seed(seed).replay(line.group(1)).explore();
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
}
