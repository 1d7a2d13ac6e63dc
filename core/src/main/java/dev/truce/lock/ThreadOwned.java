package dev.truce.lock;

import dev.truce.TruceException;
import dev.truce.lock.NamedLock.Mode;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import org.jspecify.annotations.Nullable;

/// The JDK's view of a lock: see [NamedLock#asReadWriteLock()].
///
/// Each thread has one grant at most, and counts how often it entered; what it may do next depends
/// on its own counts alone.
final class ThreadOwned implements ReadWriteLock {
  private static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);

  private final ThreadLocal<Holding> holdings = ThreadLocal.withInitial(Holding::new);
  private final View reading;
  private final View writing;

  ThreadOwned(NamedLock lock) {
    reading = new View(lock.read());
    writing = new View(lock.write());
  }

  @Override
  public Lock readLock() {
    return reading;
  }

  @Override
  public Lock writeLock() {
    return writing;
  }

  @Override
  public String toString() {
    return writing.toString();
  }

  /// What one thread has.
  private static final class Holding {
    private @Nullable Grant grant;
    private int reads;
    private int writes;

    /// The grant that a further entry goes through: a writer may read, a reader may not write.
    @Nullable Grant covering(Mode mode) {
      return mode == Mode.READ || writes > 0 ? grant : null;
    }

    int count(Mode mode) {
      return mode == Mode.READ ? reads : writes;
    }

    void enter(Mode mode, Grant by) {
      grant = by;
      if (mode == Mode.READ) {
        reads = Math.incrementExact(reads);
      } else {
        writes = Math.incrementExact(writes);
      }
    }

    /// Leaves once, and answers by what it was entered.
    Grant leave(Mode mode) {
      Grant by = Objects.requireNonNull(grant);
      if (mode == Mode.READ) {
        reads--;
      } else {
        writes--;
      }
      if (isOut()) {
        grant = null;
      }
      return by;
    }

    boolean isOut() {
      return reads + writes == 0;
    }
  }

  private final class View implements Lock {
    private final NamedLock lock;
    private final NamedLock heedless;

    View(NamedLock lock) {
      this.lock = lock;
      this.heedless = lock.heedless();
    }

    @Override
    public void lock() {
      if (!reentered()) {
        entered(uninterruptibly());
      }
    }

    private Grant uninterruptibly() {
      boolean interrupted = false;
      try {
        while (true) {
          try {
            return heedless.acquire(FOREVER);
          } catch (InterruptedException before) {
            interrupted = true;
          }
        }
      } finally {
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }

    @Override
    public void lockInterruptibly() throws InterruptedException {
      checkInterrupt();
      if (!reentered()) {
        entered(lock.acquire(FOREVER));
      }
    }

    @Override
    public boolean tryLock() {
      if (reentered()) {
        return true;
      }
      Optional<Grant> grant = lock.tryAcquire();
      grant.ifPresent(this::entered);
      return grant.isPresent();
    }

    @Override
    public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
      checkInterrupt();
      if (reentered()) {
        return true;
      }
      try {
        entered(lock.acquire(Duration.ofNanos(unit.toNanos(time))));
        return true;
      } catch (NotAcquiredException refused) {
        return false;
      }
    }

    private void checkInterrupt() throws InterruptedException {
      if (Thread.interrupted()) {
        throw new InterruptedException("before waiting for " + lock);
      }
    }

    /// Enters by the grant that this thread has, if it has one for that.
    private boolean reentered() {
      Grant grant = holdings.get().covering(lock.mode());
      if (grant == null) {
        return false;
      }
      checkStands(grant);
      entered(grant);
      return true;
    }

    private void entered(Grant grant) {
      holdings.get().enter(lock.mode(), grant);
    }

    @Override
    public void unlock() {
      Holding mine = holdings.get();
      if (mine.count(lock.mode()) == 0) {
        throw new IllegalMonitorStateException(
            Thread.currentThread() + " does not hold " + lock + " by this view");
      }
      Grant grant = mine.leave(lock.mode());
      if (mine.isOut()) {
        giveBack(grant);
      } else if (lock.mode() == Mode.WRITE && mine.count(Mode.WRITE) == 0) {
        readOn(grant);
      }
    }

    private void giveBack(Grant grant) {
      try (grant) {
        checkStands(grant);
      } catch (LockLostException lost) {
        throw lost;
      } catch (TruceException unreachable) {
        Log.LOG.log(Level.DEBUG, "cannot tell whether " + grant + " stood", unreachable);
      }
    }

    /// A writer that reads on lets other readers in; where it cannot, it is safe alone.
    private void readOn(Grant grant) {
      try {
        grant.downgrade();
      } catch (LockLostException lost) {
        throw lost;
      } catch (TruceException | IllegalStateException notNow) {
        Log.LOG.log(Level.WARNING, "reads on alone: " + grant, notNow);
      }
    }

    private static void checkStands(Grant grant) {
      if (!grant.isValid()) {
        throw new LockLostException(grant.lock(), grant.token());
      }
    }

    @Override
    public Condition newCondition() {
      throw new UnsupportedOperationException(
          "a lock that other processes share has no conditions: " + lock);
    }

    @Override
    public String toString() {
      return lock.toString();
    }
  }
}
