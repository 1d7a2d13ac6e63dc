package dev.truce.spi;

import java.util.concurrent.locks.LockSupport;

enum SystemTicker implements Ticker {
  INSTANCE;

  @Override
  public long nanos() {
    return System.nanoTime();
  }

  @Override
  public void park(Object blocker, long deadline) {
    if (deadline == Long.MAX_VALUE) {
      LockSupport.park(blocker);
    } else {
      long left = deadline - nanos();
      if (left > 0) {
        LockSupport.parkNanos(blocker, left);
      }
    }
  }
}
