package dev.truce.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.truce.lock.LockStatistics.Spread;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class HistogramTest {
  @Test
  void spread_ofNothing_isZero() {
    Spread none = new Histogram().spread();
    assertThat(none.count()).isZero();
    assertThat(none.max()).isZero();
    assertThat(none.p99()).isZero();
  }

  @Test
  void spread_ofOne_isThatOne() {
    Histogram one = new Histogram();
    one.add(1_234_567, 1);
    Duration it = Duration.ofNanos(1_234_567);
    assertThat(one.spread()).isEqualTo(new Spread(1, it, it, it, it, it, it, it));
  }

  @Test
  void bucket_everyMagnitude_holdsItsMiddleAndIsNarrow() {
    int last = -1;
    for (long value = 0; value >= 0; value = value < 40 ? value + 1 : value + value / 37) {
      int bucket = Histogram.bucket(value);
      assertThat(bucket).isGreaterThanOrEqualTo(last).isLessThan(Histogram.BUCKETS);
      long middle = Histogram.middle(bucket);
      assertThat(Histogram.bucket(middle)).isEqualTo(bucket);
      assertThat(Math.abs(middle - value)).isLessThanOrEqualTo(value / 32);
      last = bucket;
      if (value > Long.MAX_VALUE - value / 37) {
        break;
      }
    }
    assertThat(Histogram.bucket(Long.MAX_VALUE)).isEqualTo(Histogram.BUCKETS - 1);
  }

  @Test
  void spread_ofManyValues_isTheirSortedRanks() {
    Random random = new Random(7);
    long[] values = new long[10_000];
    Histogram all = new Histogram();
    for (int i = 0; i < values.length; i++) {
      values[i] = (long) Math.exp(random.nextDouble() * 25);
      all.add(values[i], 1);
    }
    Arrays.sort(values);
    Spread spread = all.spread();
    assertThat(spread.count()).isEqualTo(values.length);
    assertThat(spread.total()).isEqualTo(Duration.ofNanos(Arrays.stream(values).sum()));
    assertThat(spread.mean()).isEqualTo(spread.total().dividedBy(values.length));
    assertThat(spread.min()).isEqualTo(Duration.ofNanos(values[0]));
    assertThat(spread.max()).isEqualTo(Duration.ofNanos(values[values.length - 1]));
    isNear(spread.p50(), values[4_999]);
    isNear(spread.p95(), values[9_499]);
    isNear(spread.p99(), values[9_899]);
  }

  private static void isNear(Duration shown, long exact) {
    assertThat(shown.toNanos()).isCloseTo(exact, within(exact / 32 + 1));
  }

  @Test
  void add_oneThatStandsForMany_countsAsSoMany() {
    Histogram sampled = new Histogram();
    Histogram every = new Histogram();
    sampled.add(500, 64);
    for (int i = 0; i < 64; i++) {
      every.add(500, 1);
    }
    assertThat(sampled.spread()).isEqualTo(every.spread());
  }

  @Test
  void add_ofAnother_isAsIfAllWereAddedToOne() {
    Histogram low = new Histogram();
    Histogram high = new Histogram();
    Histogram all = new Histogram();
    for (long value = 1; value < 1L << 40; value *= 3) {
      (value < 1 << 20 ? low : high).add(value, 2);
      all.add(value, 2);
    }
    high.add(low);
    high.add(new Histogram());
    assertThat(high.spread()).isEqualTo(all.spread());
  }

  @Test
  void read_ofWhatWasWritten_isTheSame() {
    Histogram some = new Histogram();
    some.add(0, 3);
    some.add(Long.MAX_VALUE / 4, 1);
    some.add(17, 5);
    Varints.Writer out = new Varints.Writer();
    some.write(out);
    new Histogram().write(out);
    Varints.Reader in = new Varints.Reader(out.bytes());
    assertThat(Histogram.read(in).spread()).isEqualTo(some.spread());
    assertThat(Histogram.read(in).isEmpty()).isTrue();
  }

  @Test
  void add_aMomentBeforeItBegan_isZero() {
    Histogram some = new Histogram();
    some.add(-5, 1);
    assertThat(some.spread().max()).isZero();
    assertThat(some.spread().count()).isEqualTo(1);
  }
}
