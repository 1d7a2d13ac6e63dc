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
      long now = nanos();
      if (deadline > now) {
        LockSupport.parkNanos(blocker, deadline - now);
      }
    }
  }
}
