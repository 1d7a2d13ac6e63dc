package dev.truce.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.benchmarks.Comparison.Goal;
import dev.truce.benchmarks.Comparison.Peer;
import dev.truce.benchmarks.Comparison.Unit;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReportTest {

  private static final Conditions CONDITIONS =
      new Conditions(
          "Fast One",
          2,
          "Linux 6",
          "Server VM 25",
          "ext4",
          "0.10 0.20 0.30",
          Instant.parse("2026-01-02T03:04:05Z"));

  private static final Comparison SLOW =
      new Comparison(
          "in memory",
          "acquire+release",
          Unit.NANOS,
          Series.of(60, 80, 100),
          new Peer("StampedLock", Series.of(10, 10, 10)),
          Goal.ratio(5));

  private static final Comparison ALONE =
      Comparison.alone("after a kill", "to next holder", Unit.MILLIS, Series.of(3), Goal.figure(5));

  private static Report report(boolean quick, Map<String, String> failures) {
    return new Report(
        "locks", CONDITIONS, "1.00 0.50 0.40", quick, 61_234, List.of(SLOW, ALONE), failures);
  }

  @Test
  void table_beginsWithTheConditionsAndNamesMissedGoals() {
    assertThat(report(false, Map.of()).table())
        .isEqualTo(
            """
            cpu          Fast One
            cores        2
            kernel       Linux 6
            jdk          Server VM 25
            file system  ext4
            load before  0.10 0.20 0.30
            measured at  2026-01-02T03:04:05Z
            load after   1.00 0.50 0.40
            took         61 s
            figures: medians; in brackets the middle half of the rounds, or of their pairs

            in memory
              acquire+release  80 ns  10 ns  StampedLock  8x (7 to 9)  goal 5x: missed

            after a kill
              to next holder    3 ms  (3 to 3)                         goal 5: met
            """);
  }

  @Test
  void table_saysWhatWasNotMeasured_andThatQuickFiguresAreNone() {
    assertThat(report(true, Map.of("commands", "it ended with 64")).table())
        .contains("took         61 s, quick: no figure to quote\n")
        .endsWith("\ncommands\n  not measured: it ended with 64\n");
  }

  @Test
  void json_holdsEveryFigureAndTheConditions() {
    assertThat(report(false, Map.of("commands", "\"run\" is\nmissing")).json())
        .isEqualTo(
            """
            {"schema":"truce.bench.locks/1","quick":false,"wall_ms":61234,\
            "conditions":{"cpu":"Fast One","cores":2,"kernel":"Linux 6","jdk":"Server VM 25",\
            "file_system":"ext4","load_before":"0.10 0.20 0.30",\
            "measured_at":"2026-01-02T03:04:05Z","load_after":"1.00 0.50 0.40"},\
            "lines":[{"row":"in memory","what":"acquire+release","unit":"ns",\
            "truce":{"min":60.0000,"low":70.0000,"median":80.0000,"high":90.0000,"max":100.000,\
            "rounds":3},"peer":"StampedLock",\
            "peer_figures":{"min":10.0000,"low":10.0000,"median":10.0000,"high":10.0000,\
            "max":10.0000,"rounds":3},\
            "ratio":{"min":6.00000,"low":7.00000,"median":8.00000,"high":9.00000,"max":10.0000,\
            "rounds":3},"goal_ratio":5.00000,"met":false},\
            {"row":"after a kill","what":"to next holder","unit":"ms",\
            "truce":{"min":3.00000,"low":3.00000,"median":3.00000,"high":3.00000,"max":3.00000,\
            "rounds":1},"goal":5.00000,"met":true}],\
            "failures":{"commands":"\\"run\\" is\\u000amissing"}}\
            """);
  }

  @ParameterizedTest
  @CsvSource({
    "12345.6, 12346",
    "100,     100",
    "99.96,   100",
    "12.34,   12.3",
    "10,      10",
    "1.234,   1.23",
    "0.12345, 0.123",
    "0.01234, 0.0123",
    "0,       0",
  })
  void figures_haveThreeDigitsThatCount(double value, String shown) {
    assertThat(Report.figure(value)).isEqualTo(shown);
  }

  @Test
  void json_refusesWhatIsNoNumber() {
    assertThatThrownBy(() -> Json.write(List.of(Double.NaN)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(Json.write(Map.of())).isEqualTo("{}");
    assertThat(Json.write(List.of())).isEqualTo("[]");
  }

  @Test
  void aRatioWithoutPeer_isNoGoal() {
    assertThatThrownBy(
            () -> Comparison.alone("row", "what", Unit.NANOS, Series.of(1), Goal.ratio(2)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
