package dev.truce.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class SeriesTest {

  @Test
  void oddRounds_haveOneInTheMiddle() {
    Series series = Series.of(9, 1, 5, 3, 7);
    assertThat(series.min()).isEqualTo(1);
    assertThat(series.low()).isEqualTo(3);
    assertThat(series.median()).isEqualTo(5);
    assertThat(series.high()).isEqualTo(7);
    assertThat(series.max()).isEqualTo(9);
  }

  @Test
  void evenRounds_haveTheirMiddleBetweenTwo() {
    Series series = Series.of(4, 1, 2, 10);
    assertThat(series.median()).isEqualTo(3);
    assertThat(series.low()).isEqualTo(1.75);
    assertThat(series.high()).isEqualTo(5.5);
  }

  @Test
  void oneRound_isAllOfThem() {
    Series series = Series.of(2);
    assertThat(List.of(series.min(), series.low(), series.median(), series.high(), series.max()))
        .containsOnly(2.0);
  }

  @Test
  void ratiosAreOfPairs_notOfMedians() {
    Series ratio = Series.of(10, 200, 30).over(Series.of(5, 100, 3));
    assertThat(ratio).isEqualTo(Series.of(2, 2, 10));
    assertThat(ratio.median()).isEqualTo(2);
  }

  @Test
  void whatCannotBePaired_isRefused() {
    assertThatThrownBy(() -> Series.of(1, 2).over(Series.of(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("2 rounds cannot be paired with 1");
    assertThatThrownBy(Series::of).isInstanceOf(IllegalArgumentException.class);
  }
}
