package dev.truce.lock;

import dev.truce.lock.LockStatistics.Spread;
import java.time.Duration;
import java.util.Arrays;

/// How often each duration was seen. Count, sum, least and most are exact; between them a duration
/// is known to a thirty-second part, for each power of two has sixteen buckets.
///
/// Not for several threads at once.
final class Histogram {
  private static final int PARTS_BITS = 4;
  private static final int PARTS = 1 << PARTS_BITS;

  /// As many buckets as the longest duration needs.
  static final int BUCKETS = (64 - PARTS_BITS) * PARTS;

  /// More are not counted: that would take ten thousand a second some thousand years.
  private static final long MOST = 1L << 53;

  private static final long[] NONE = {};

  /// The bucket that the array begins with: most locks see a few durations close together.
  private int first;

  private long[] buckets = NONE;
  private long count;
  private long sum;
  private long least = Long.MAX_VALUE;
  private long most;

  boolean isEmpty() {
    return count == 0;
  }

  /// @param times for how many that were not measured this one stands, itself included
  void add(long nanos, long times) {
    long value = Math.max(0, nanos);
    put(bucket(value), times);
    count += times;
    sum += value * times;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }

  void add(Histogram other) {
    for (int i = 0; i < other.buckets.length; i++) {
      if (other.buckets[i] != 0) {
        put(other.first + i, other.buckets[i]);
      }
    }
    count += other.count;
    sum += other.sum;
    least = Math.min(least, other.least);
    most = Math.max(most, other.most);
  }

  private void put(int bucket, long times) {
    if (buckets.length == 0) {
      first = bucket;
      buckets = new long[1];
    } else if (bucket < first) {
      long[] wider = new long[first + buckets.length - bucket];
      System.arraycopy(buckets, 0, wider, first - bucket, buckets.length);
      buckets = wider;
      first = bucket;
    } else if (bucket >= first + buckets.length) {
      buckets = Arrays.copyOf(buckets, bucket - first + 1);
    }
    buckets[bucket - first] += times;
  }

  // ---- buckets

  /// The first sixteen buckets hold one number each, the next sixteen too, then two, four, eight...
  static int bucket(long value) {
    if (value < PARTS) {
      return (int) value;
    }
    int shift = 63 - PARTS_BITS - Long.numberOfLeadingZeros(value);
    return (shift << PARTS_BITS) + (int) (value >>> shift);
  }

  /// The number in the middle of a bucket.
  static long middle(int bucket) {
    int shift = Math.max(0, (bucket >>> PARTS_BITS) - 1);
    long low = (long) (bucket - (shift << PARTS_BITS)) << shift;
    return low + ((1L << shift) - 1) / 2;
  }

  // ---- what they come to

  Spread spread() {
    return count == 0
        ? spread(0, 0, 0, 0, 0)
        : spread(least, sum / count, atPercent(50), atPercent(95), atPercent(99));
  }

  private Spread spread(long min, long mean, long p50, long p95, long p99) {
    return new Spread(
        count,
        Duration.ofNanos(sum),
        Duration.ofNanos(min),
        Duration.ofNanos(mean),
        Duration.ofNanos(p50),
        Duration.ofNanos(p95),
        Duration.ofNanos(p99),
        Duration.ofNanos(most));
  }

  private long atPercent(int percent) {
    long rank = Math.max(1, Math.ceilDiv(count * percent, 100));
    long seen = 0;
    for (int i = 0; i < buckets.length; i++) {
      seen += buckets[i];
      if (seen >= rank) {
        return Math.clamp(middle(first + i), least, most);
      }
    }
    throw new IllegalStateException("the buckets hold " + seen + " of " + count);
  }

  // ---- as bytes

  /// ```
  ///   number of buckets that are not empty | each: distance from the one before | count less 1
  ///   and if there is any: sum | least | most less least
  /// ```
  void write(Varints.Writer out) {
    out.number(Arrays.stream(buckets).filter(times -> times != 0).count());
    int last = 0;
    for (int i = 0; i < buckets.length; i++) {
      if (buckets[i] != 0) {
        out.number(first + i - last).number(buckets[i] - 1);
        last = first + i;
      }
    }
    if (count != 0) {
      out.number(sum).number(least).number(most - least);
    }
  }

  static Histogram read(Varints.Reader in) {
    Histogram read = new Histogram();
    int bucket = 0;
    for (int left = in.count(BUCKETS); left > 0; left--) {
      bucket += in.count(BUCKETS - 1 - bucket);
      long times = 1 + in.upTo(MOST - read.count - 1);
      read.put(bucket, times);
      read.count += times;
    }
    if (read.count != 0) {
      read.sum = in.number();
      read.least = in.upTo(Long.MAX_VALUE);
      read.most = read.least + in.upTo(Long.MAX_VALUE - read.least);
    }
    return read;
  }
}
