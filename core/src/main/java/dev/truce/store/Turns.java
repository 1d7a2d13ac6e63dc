package dev.truce.store;

import dev.truce.spi.Ticker;
import dev.truce.store.Shared.RefusedException;
import dev.truce.store.Shared.Stats;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Whose turn it is to write to one object: one at a time, in the order in which they asked.
///
/// A turn is passed on and never put down while somebody waits, so nobody slips in between. Who
/// goes without its turn takes itself out of the line, so the turn never reaches somebody who has
/// gone; if it had come already, its owner does not go.
///
/// No wake is lost: that a turn has come is written down before its owner is woken, and nothing
/// between looking there and going to sleep waits for a mutex, which would use up a wake.
///
/// **Threads.** Any. The monitor is held for a few instructions, and never while anybody waits or a
/// body runs.
final class Turns {
  /// How a turn ended.
  enum End {
    COMMITTED,
    DISCARDED,
    LATE
  }

  private static final class Waiter {
    private final Thread thread;
    private final long since;
    private volatile boolean called;

    private Waiter(Thread thread, long since) {
      this.thread = thread;
      this.since = since;
    }
  }

  private final Ticker ticker;
  private final Deque<Waiter> line = new ArrayDeque<>();

  /// Who has the turn; `null` only while nobody waits.
  private @Nullable Thread writer;

  private long asked;
  private long discarded;
  private long late;
  private long refused;
  private long interrupted;
  private long contended;
  private long waitedNanos;
  private long longestNanos;

  Turns(Ticker ticker) {
    this.ticker = ticker;
  }

  /// Waits at most so long until it is the caller's turn.
  void take(Duration limit) throws InterruptedException {
    Waiter waiter = ask(limit);
    if (waiter != null) {
      await(waiter, limit, deadline(waiter.since, limit));
    }
  }

  /// Answers who waits from now on; `null` if it is the caller's turn at once.
  private synchronized @Nullable Waiter ask(Duration limit) throws InterruptedException {
    Thread me = Thread.currentThread();
    if (me.equals(writer)) {
      throw new IllegalStateException("this thread is writing to the same object already");
    }
    asked++;
    contended += writer == null ? 0 : 1;
    if (Thread.interrupted()) {
      interrupted++;
      throw new InterruptedException("interrupted before it asked for its turn");
    }
    if (!limit.isPositive()) {
      refused++;
      throw RefusedException.waited(limit, ahead(null));
    }
    if (writer == null) {
      writer = me;
      return null;
    }
    if (line.size() >= Shared.MAX_WAITING) {
      refused++;
      throw RefusedException.full();
    }
    Waiter waiter = new Waiter(me, ticker.nanos());
    line.add(waiter);
    return waiter;
  }

  private void await(Waiter me, Duration limit, long deadline) throws InterruptedException {
    while (!me.called) {
      boolean over = ticker.nanos() >= deadline;
      if (me.thread.isInterrupted()) {
        giveUp(me);
        return;
      }
      if (over) {
        goWithout(me, limit);
        return;
      }
      ticker.park(this, deadline);
    }
  }

  /// @throws InterruptedException unless its turn has come after all
  private synchronized void giveUp(Waiter me) throws InterruptedException {
    if (line.remove(me)) {
      interrupted++;
      count(me);
      var _ = Thread.interrupted();
      throw new InterruptedException("interrupted while it waited for its turn");
    }
  }

  /// @throws RefusedException unless its turn has come after all
  private synchronized void goWithout(Waiter me, Duration limit) {
    int ahead = ahead(me);
    if (line.remove(me)) {
      refused++;
      count(me);
      throw RefusedException.waited(limit, ahead);
    }
  }

  /// Ends the caller's turn: it is the next one's.
  synchronized void pass(End end) {
    discarded += end == End.DISCARDED ? 1 : 0;
    late += end == End.LATE ? 1 : 0;
    Waiter next = line.poll();
    writer = next == null ? null : next.thread;
    if (next != null) {
      count(next);
      next.called = true;
      LockSupport.unpark(next.thread);
    }
  }

  synchronized Stats stats(int readers, LongSupplier epoch) {
    return new Stats(
        readers,
        writer != null,
        line.size(),
        epoch.getAsLong(),
        asked,
        discarded,
        late,
        refused,
        interrupted,
        contended,
        Duration.ofNanos(waitedNanos),
        Duration.ofNanos(longestNanos));
  }

  /// How many are served before this one, or before one who comes now.
  private int ahead(@Nullable Waiter me) {
    int ahead = writer == null ? 0 : 1;
    for (Waiter waiter : line) {
      if (waiter == me) {
        break;
      }
      ahead++;
    }
    return ahead;
  }

  private void count(Waiter done) {
    long nanos = ticker.nanos() - done.since;
    waitedNanos += nanos;
    longestNanos = Math.max(longestNanos, nanos);
  }

  private static long deadline(long now, Duration limit) {
    long nanos;
    try {
      nanos = limit.toNanos();
    } catch (ArithmeticException veryLong) {
      return Long.MAX_VALUE;
    }
    return now + nanos < now ? Long.MAX_VALUE : now + nanos;
  }
}
