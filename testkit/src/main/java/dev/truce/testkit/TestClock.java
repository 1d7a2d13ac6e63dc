package dev.truce.testkit;

import dev.truce.spi.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
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

  private static final long LOOK_AGAIN_MILLIS = 1;

  private record Parked(Thread thread, Object blocker, long deadline) {}

  /*
   * The monitor of this list guards it. It has to be a monitor: a j.u.c. lock parks the thread that
   * waits for it, and would use up the very unpark that the thread is about to park for.
   */
  private final List<Parked> parked = new ArrayList<>();

  /// Everybody who ever asked for the time or parked. Asked before it is added to: nothing may wait
  /// for a lock right before it parks.
  private final Set<Thread> users = ConcurrentHashMap.newKeySet();

  private volatile long nanos = Duration.ofDays(3).toNanos();

  /// A clock that stands at some moment long after the start of the host.
  public TestClock() {}

  @Override
  public long nanos() {
    know(Thread.currentThread());
    return nanos;
  }

  private void know(Thread user) {
    if (!users.contains(user)) {
      users.add(user);
    }
  }

  @Override
  public void park(Object blocker, long deadline) {
    Parked mine = new Parked(Thread.currentThread(), blocker, deadline);
    know(mine.thread);
    synchronized (parked) {
      if (!waiting(mine)) {
        return;
      }
      parked.add(mine);
      parked.notifyAll();
    }
    // An unpark that comes before this is not lost: the thread has its permit.
    LockSupport.park(blocker);
    synchronized (parked) {
      parked.remove(mine);
      parked.notifyAll();
    }
  }

  /// Moves time on, and unparks the threads whose deadline has come. Returns at once; see
  /// [#awaitParked(Thread...)] for knowing when they are done with it.
  public void advance(Duration by) {
    if (by.isNegative()) {
      throw new IllegalArgumentException("this clock never steps back: " + by);
    }
    synchronized (parked) {
      long now = nanos + by.toNanos();
      nanos = now;
      for (Parked one : parked) {
        if (!waiting(one)) {
          LockSupport.unpark(one.thread);
        }
      }
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

  /// Whether nothing is left to happen until time moves on, as far as can be seen from outside: of
  /// those who ever asked for the time or parked here, except the caller, each one is parked for
  /// later than now, waits for another thread without a bound, or has ended.
  ///
  /// A thread that was woken and has not been given a processor yet looks like one that sleeps,
  /// unless its time has come here. So look twice, with a little real time between.
  public boolean isAtRest() {
    synchronized (parked) {
      Set<Thread> due = new HashSet<>();
      for (Parked one : parked) {
        if (!waiting(one)) {
          due.add(one.thread);
        }
      }
      users.removeIf(user -> !user.isAlive());
      return users.stream().allMatch(user -> rests(user) && !due.contains(user));
    }
  }

  private static boolean rests(Thread thread) {
    return thread.equals(Thread.currentThread())
        || thread.getState() == Thread.State.WAITING
        || thread.getState() == Thread.State.TERMINATED;
  }

  private boolean waits(Thread thread, List<Parked> now) {
    return now.stream().anyMatch(one -> one.thread.equals(thread) && waiting(one));
  }

  private boolean waiting(Parked one) {
    return one.deadline > nanos;
  }

  private void await(Predicate<List<Parked>> condition, String what) {
    long deadline = System.nanoTime() + LIVENESS.toNanos();
    synchronized (parked) {
      try {
        while (!condition.test(parked)) {
          if (System.nanoTime() > deadline) {
            throw new AssertionError(
                "not within " + LIVENESS.toSeconds() + " s: " + what + "; parked are " + parked);
          }
          // A thread that ends notifies nobody, so look again now and then.
          parked.wait(LOOK_AGAIN_MILLIS);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted while waiting for " + what, e);
      }
    }
  }

  @Override
  public String toString() {
    return "test clock at " + Duration.ofNanos(nanos);
  }
}
