package dev.truce.lock;

import dev.truce.spi.Ticker;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/// Time that stands still until a test moves it.
public final class TestTicker implements Ticker {
  private final Map<Thread, Long> parked = new ConcurrentHashMap<>();
  private volatile long now = 1_000_000_000L;

  @Override
  public long nanos() {
    return now;
  }

  @Override
  public void park(Object blocker, long deadline) {
    Thread thread = Thread.currentThread();
    parked.put(thread, deadline);
    if (deadline > now) {
      LockSupport.park(blocker);
    }
    parked.remove(thread);
  }

  public synchronized void advance(long nanos) {
    now += nanos;
    parked.forEach((thread, deadline) -> {
      if (deadline <= now) {
        LockSupport.unpark(thread);
      }
    });
  }
}
