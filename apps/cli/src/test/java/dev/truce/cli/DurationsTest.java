package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DurationsTest {
  @ParameterizedTest
  @CsvSource({
    "250ms, 250000000",
    "5s, 5000000000",
    "2m, 120000000000",
    "1h, 3600000000000",
    "1d, 86400000000000",
    "1.5, 1500000000",
    "1.5h, 5400000000000",
    ".5, 500000000",
    "3., 3000000000",
    "10, 10000000000",
    "0, 0",
    "0ms, 0",
    "0.0, 0",
    "0.000000000001, 1",
    "0.123456789123, 123456789",
    "36500d, 3153600000000000000"
  })
  void parse_readsUnitsAndDecimals(String text, long nanos) {
    assertThat(Durations.parse(text)).isEqualTo(Duration.ofNanos(nanos));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ".",
        "s",
        "-1",
        "+1",
        "1w",
        "1 s",
        "1e3",
        "0x1",
        "1.2.3",
        "36501d",
        "36500.1d",
        "9999999999999999",
        "99999999999999d",
        "1S",
        "NaN",
        "١s",
        "1ms2",
        "1m30s"
      })
  void parse_refusesEverythingElse(String text) {
    assertThat(Durations.parse(text)).isNull();
  }
}
