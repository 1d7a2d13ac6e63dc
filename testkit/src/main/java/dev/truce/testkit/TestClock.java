package dev.truce.testkit;

import dev.truce.spi.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/// A clock that stands still until it is told to [advance][#advance].
///
/// A test lets its threads run until they are [parked][#awaitParked], moves time, and looks at what
/// they do: no sleeping, and no result that depends on how busy the machine is.
///
/// **Threads.** Safe for any number of them.
public final class TestClock implements Ticker {
  /// How long, in real time, a test waits for threads to get where they must.
  public static final Duration LIVENESS = Duration.ofSeconds(10);

  private static final long LOOK_AGAIN_NANOS = 1_000_000;

  private record Parked(Thread thread, Object blocker, long deadline) {}

  private final ReentrantLock turn = new ReentrantLock();
  private final Condition changed = turn.newCondition();
  private final List<Parked> parked = new ArrayList<>();
  private volatile long nanos = Duration.ofDays(3).toNanos();

  /// A clock that stands at some moment long after the start of the host.
  public TestClock() {}

  @Override
  public long nanos() {
    return nanos;
  }

  @Override
  public void park(Object blocker, long deadline) {
    Parked mine = new Parked(Thread.currentThread(), blocker, deadline);
    turn.lock();
    try {
      if (deadline != Long.MAX_VALUE && deadline - nanos <= 0) {
        return;
      }
      parked.add(mine);
      changed.signalAll();
    } finally {
      turn.unlock();
    }
    // Between these two an unpark is not lost: the thread then keeps its permit.
    LockSupport.park(blocker);
    turn.lock();
    try {
      parked.remove(mine);
      changed.signalAll();
    } finally {
      turn.unlock();
    }
  }

  /// Moves time on, and unparks the threads whose deadline has come. Returns at once; see
  /// [#awaitParked(Thread...)] for knowing when they are done with it.
  public void advance(Duration by) {
    if (by.isNegative()) {
      throw new IllegalArgumentException("this clock never steps back: " + by);
    }
    turn.lock();
    try {
      long now = nanos + by.toNanos();
      nanos = now;
      for (Parked one : parked) {
        if (!waiting(one)) {
          LockSupport.unpark(one.thread);
        }
      }
    } finally {
      turn.unlock();
    }
  }

  /// Waits until at least so many threads are parked on this clock for later than now, background
  /// threads such as a heartbeat included.
  ///
  /// @throws AssertionError if they are not within [#LIVENESS] of real time
  public void awaitParked(int threads) {
    await(
        now -> now.stream().filter(this::waiting).count() >= threads,
        threads + " threads parked on the clock");
  }

  /// Waits until each of these threads is parked on this clock for later than now.
  ///
  /// @throws AssertionError if they are not within [#LIVENESS] of real time
  public void awaitParked(Thread... threads) {
    await(
        now -> Arrays.stream(threads).allMatch(thread -> waits(thread, now)),
        Arrays.toString(threads) + " parked on the clock");
  }

  /// Waits until each of these threads is parked on this clock for later than now, or has ended:
  /// for background threads that a test did not start itself.
  ///
  /// @throws AssertionError if they are not within [#LIVENESS] of real time
  public void awaitSettled(Collection<Thread> threads) {
    await(
        now -> threads.stream().allMatch(thread -> !thread.isAlive() || waits(thread, now)),
        threads + " parked on the clock or ended");
  }

  private boolean waits(Thread thread, List<Parked> now) {
    return now.stream().anyMatch(one -> one.thread.equals(thread) && waiting(one));
  }

  private boolean waiting(Parked one) {
    return one.deadline == Long.MAX_VALUE || one.deadline - nanos > 0;
  }

  private void await(Predicate<List<Parked>> condition, String what) {
    turn.lock();
    try {
      long left = LIVENESS.toNanos();
      while (!condition.test(parked)) {
        if (left <= 0) {
          throw new AssertionError(
              "not within " + LIVENESS.toSeconds() + " s: " + what + "; parked are " + parked);
        }
        // A thread that ends signals nobody, so look again now and then.
        left -= LOOK_AGAIN_NANOS - Math.max(0, changed.awaitNanos(LOOK_AGAIN_NANOS));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while waiting for " + what, e);
    } finally {
      turn.unlock();
    }
  }

  @Override
  public String toString() {
    return "test clock at " + Duration.ofNanos(nanos);
  }
}
