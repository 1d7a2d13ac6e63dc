package dev.truce.lock;

import dev.truce.EngineException;
import dev.truce.TruceException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Collection;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// One candidate in an [Election], which leads again and again until it is closed.
///
/// Its body runs while it holds the lock, on one virtual thread that waits, leads and gives back:
/// two bodies of one candidacy never run side by side. How a term ends:
///
/// | what happens | and then |
/// |---|---|
/// | the body returns | the lock is given back, and the candidate stands again, behind those who wait |
/// | it throws | the same, after a pause that grows from failure to failure; the failure is logged |
/// | the lead is [lost][Loss] | the body is interrupted, and [#isLeading()] is false; the candidate stands again once the body has ended |
/// | the candidacy is closed | the body is interrupted, and the lock is given back when it has ended |
/// | the Truce is closed | the same; what has not ended [by then][#close()] is lost |
///
/// A body that does not heed its interrupt goes on, beside the next leader when the lead was lost:
/// what it writes must carry the grant's fence.
///
/// An engine that does not answer is asked again, after pauses that grow to ten seconds. Whose
/// engine took this process for dead stands no more, and that is logged: open another Truce.
///
/// **Threads.** Any thread may use it, the body's included.
public final class Candidacy implements AutoCloseable {
  /// How long closing waits for a body that was interrupted: those that heed it take less, and one
  /// that does not must not hold up a process that ends.
  static final Duration CLOSE_WAIT = Duration.ofSeconds(3);

  /// Between two terms, so that a body that returns at once keeps no processor busy.
  static final long SHORTEST_PAUSE_NANOS = 10_000_000L;

  static final long LONGEST_PAUSE_NANOS = 10_000_000_000L;
  private static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);

  private final Locks room;
  private final NamedLock lock;
  private final Election.Body body;
  private final Thread thread;

  /// Written under the monitor: nobody interrupts the thread for a term that is over.
  private volatile @Nullable Grant leading;

  private volatile boolean closed;

  Candidacy(Locks room, NamedLock lock, Election.Body body) {
    this.room = room;
    this.lock = lock;
    this.body = Objects.requireNonNull(body);
    this.thread = Thread.ofVirtual().name("truce-election " + lock).unstarted(this::campaign);
  }

  void begin() {
    room.checkOpen();
    thread.start();
  }

  /// Whether the body runs and its grant stands: a look, not a fence. False as soon as the lead is
  /// lost or the candidacy closed, though the body may still be about to end, and while the engine
  /// cannot say.
  public boolean isLeading() {
    Grant grant = leading;
    if (closed || grant == null) {
      return false;
    }
    try {
      return grant.isValid();
    } catch (TruceException unreachable) {
      Log.LOG.log(Level.DEBUG, "cannot tell who leads " + lock, unreachable);
      return false;
    }
  }

  /// Stands no more: leaves the queue, or interrupts the body and waits until it has ended, three
  /// seconds at most. The lock is free when the body has ended, and not before. Called by the body,
  /// it does not interrupt and does not wait. Idempotent; a thread that is interrupted does not
  /// wait, and stays interrupted.
  @Override
  public void close() {
    resign();
    awaitEnd(System.nanoTime() + CLOSE_WAIT.toNanos());
  }

  /// Closes all of these, whose bodies end beside each other.
  static void close(Collection<Candidacy> candidacies) {
    candidacies.forEach(Candidacy::resign);
    long deadline = System.nanoTime() + CLOSE_WAIT.toNanos();
    candidacies.forEach(each -> each.awaitEnd(deadline));
  }

  private void resign() {
    closed = true;
    if (!isMine()) {
      thread.interrupt();
    }
  }

  private boolean isMine() {
    return thread.equals(Thread.currentThread());
  }

  private void awaitEnd(long deadline) {
    try {
      if (!isMine() && !thread.join(Duration.ofNanos(deadline - System.nanoTime()))) {
        Log.LOG.log(
            Level.WARNING,
            "who led {0} does not heed its interrupt; the lock is free when it ends",
            lock);
      }
    } catch (InterruptedException hurried) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- the candidate's thread

  private void campaign() {
    room.candidacies().add(this);
    try {
      long pause = SHORTEST_PAUSE_NANOS;
      while (!closed) {
        long began = room.ticker().nanos();
        boolean failed = !stand();
        pause = pause(pause, room.ticker().nanos() - began, failed);
        rest(pause);
      }
    } finally {
      room.candidacies().remove(this);
    }
  }

  /// How long to rest after a round that lasted so long. Rests grow while one round after the other
  /// fails soon.
  static long pause(long before, long lasted, boolean failed) {
    return failed && lasted <= LONGEST_PAUSE_NANOS
        ? Math.min(2 * before, LONGEST_PAUSE_NANOS)
        : SHORTEST_PAUSE_NANOS;
  }

  private void rest(long pause) {
    long end = room.ticker().nanos() + pause;
    while (!closed && room.ticker().nanos() < end && !Thread.interrupted()) {
      room.ticker().park(this, end);
    }
  }

  /// One round: waits, leads, gives back. False if it failed.
  private boolean stand() {
    try (Grant grant = lock.acquire(FOREVER)) {
      return lead(grant);
    } catch (InterruptedException told) {
      return true; // to stand no more; or by somebody whose business it is not
    } catch (EngineException failure) {
      return failure.kind() == EngineException.Kind.CLOSED ? over(failure) : failed(failure);
    } catch (RuntimeException | Error failure) {
      return failed(failure);
    }
  }

  private boolean over(EngineException gone) {
    if (!closed && !room.closed()) {
      Log.LOG.log(Level.WARNING, "no candidate for " + lock + " any more", gone);
    }
    closed = true;
    return true;
  }

  private boolean failed(Throwable failure) {
    Log.LOG.log(Level.WARNING, "cannot stand for " + lock + " now", failure);
    return false;
  }

  private boolean lead(Grant grant) {
    enter(grant);
    try {
      if (leads(grant)) {
        body.lead(grant);
      }
      return true;
    } catch (Exception | Error failure) {
      return ended(grant, failure);
    } finally {
      leave();
    }
  }

  private boolean leads(Grant grant) {
    return !closed && leading == grant;
  }

  /// What a body throws that was told to end is no failure of the candidate.
  private boolean ended(Grant grant, Throwable failure) {
    boolean told = !leads(grant);
    if (!told || !(failure instanceof InterruptedException)) {
      Log.LOG.log(Level.WARNING, "who led " + lock + " threw", failure);
    }
    return told;
  }

  private void enter(Grant grant) {
    synchronized (this) {
      leading = grant;
    }
    grant.onLost(loss -> lost(grant, loss));
  }

  /// After this nobody interrupts the thread but who closes the candidacy.
  private synchronized void leave() {
    leading = null;
    var _ = Thread.interrupted();
  }

  private synchronized void lost(Grant grant, Loss loss) {
    if (leading == grant) {
      leading = null;
      Log.LOG.log(Level.INFO, "no longer leads {0}: {1}", lock, loss.cause());
      if (!closed || !isMine()) {
        thread.interrupt();
      }
    }
  }

  /// `scheduler, leading` or `scheduler`.
  @Override
  public String toString() {
    return isLeading() ? lock + ", leading" : lock.toString();
  }
}
