package dev.truce.file;

import dev.truce.spi.Ticker;
import java.util.concurrent.TimeUnit;

/// Waiting for something that can only be looked at: often at first, then ever more rarely.
final class Patience {
  private static final long FIRST_NANOS = TimeUnit.MICROSECONDS.toNanos(20);
  private static final long LONGEST_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

  private final Ticker ticker;
  private final long start;
  private long nap = FIRST_NANOS;

  Patience(Ticker ticker) {
    this.ticker = ticker;
    this.start = ticker.nanos();
  }

  long spentNanos() {
    return ticker.nanos() - start;
  }

  /// Naps, a little longer than before.
  void wait(Object blocker) {
    wait(blocker, Long.MAX_VALUE);
  }

  /// The same, at most until a deadline.
  void wait(Object blocker, long deadline) {
    ticker.park(blocker, Math.min(deadline, ticker.nanos() + nap));
    nap = Math.min(nap + nap / 4, LONGEST_NANOS);
  }
}
