package dev.truce.examples;

import dev.truce.Truce;
import dev.truce.lock.Grant;
import dev.truce.lock.Lease;
import dev.truce.lock.NamedLock;
import dev.truce.lock.NotAcquiredException;
import java.time.Duration;
import java.util.ConcurrentModificationException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import org.jspecify.annotations.Nullable;
import org.springframework.integration.support.locks.DistributedLock;
import org.springframework.integration.support.locks.ExpirableLockRegistry;
import org.springframework.integration.support.locks.RenewableLockRegistry;

/// Spring Integration's lock registry over Truce.
///
/// Who is interrupted in `lock()` goes on waiting, as that interface wants it, from the end of the
/// queue.
///
/// A lock without a time to live is a grant: it ends with its process, and no time ends it. One
/// with a time to live is a lease. Both are owned by threads and re-entrant, as that interface
/// wants them; who has lost one is told by [ConcurrentModificationException], as by the other
/// registries of Spring.
///
/// **Threads.** Safe for any number of them.
final class TruceLockRegistry
    implements ExpirableLockRegistry<DistributedLock>, RenewableLockRegistry<DistributedLock> {
  private static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);

  private final Truce truce;
  private final Duration renewal;
  private final int capacity;

  /// In the order of their last use. Guarded by itself.
  private final Map<String, Owned> locks = new LinkedHashMap<>(16, 0.75f, true);

  /// @param renewal for how long a lock is renewed when nothing else is said
  /// @param capacity how many locks are kept in mind; one that is held is never let go
  TruceLockRegistry(Truce truce, Duration renewal, int capacity) {
    this.truce = truce;
    this.renewal = renewal;
    this.capacity = capacity;
  }

  @Override
  public DistributedLock obtain(Object key) {
    synchronized (locks) {
      Owned lock = locks.computeIfAbsent(String.valueOf(key), name -> new Owned(truce.lock(name)));
      lock.used = System.nanoTime();
      letGo(lock);
      return lock;
    }
  }

  /// The least recently used, but none that somebody holds: its owner could not enter it again.
  private void letGo(Owned wanted) {
    Iterator<Owned> eldest = locks.values().iterator();
    while (locks.size() > capacity && eldest.hasNext()) {
      Owned lock = eldest.next();
      if (lock != wanted && lock.holds.isEmpty()) {
        eldest.remove();
      }
    }
  }

  @Override
  public void expireUnusedOlderThan(long ageMillis) {
    long now = System.nanoTime();
    synchronized (locks) {
      locks
          .values()
          .removeIf(lock ->
              lock.holds.isEmpty() && now - lock.used > TimeUnit.MILLISECONDS.toNanos(ageMillis));
    }
  }

  @Override
  public void renewLock(Object key) {
    renewLock(key, renewal);
  }

  @Override
  public void renewLock(Object key, Duration ttl) {
    Owned lock;
    synchronized (locks) {
      lock = locks.get(String.valueOf(key));
    }
    if (lock == null) {
      throw new IllegalStateException("nobody here holds " + key);
    }
    lock.renew(ttl);
  }

  /// What a thread holds a lock by.
  private sealed interface Hold {
    record ByGrant(Grant grant) implements Hold {}

    record ByLease(Lease lease) implements Hold {}

    default boolean stands() {
      return switch (this) {
        case ByGrant(Grant grant) -> grant.isValid();
        case ByLease(Lease lease) -> lease.isValid();
      };
    }

    default void giveBack() {
      switch (this) {
        case ByGrant(Grant grant) -> grant.close();
        case ByLease(Lease lease) -> lease.release();
      }
    }
  }

  /// How often the thread has entered by it.
  private record Entered(Hold hold, int times) {}

  private static final class Owned implements DistributedLock {
    private final NamedLock lock;
    private final Map<Thread, Entered> holds = new ConcurrentHashMap<>();
    private volatile long used;

    Owned(NamedLock lock) {
      this.lock = lock;
    }

    @Override
    public void lock() {
      uninterruptibly(null);
    }

    @Override
    public void lock(Duration ttl) {
      uninterruptibly(ttl);
    }

    private void uninterruptibly(@Nullable Duration ttl) {
      boolean interrupted = false;
      try {
        while (true) {
          try {
            enter(FOREVER, ttl);
            return;
          } catch (InterruptedException later) {
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
      enter(FOREVER, null);
    }

    @Override
    public boolean tryLock() {
      if (reentered()) {
        return true;
      }
      Optional<Grant> grant = lock.tryAcquire();
      grant.ifPresent(mine -> entered(new Hold.ByGrant(mine), 1));
      return grant.isPresent();
    }

    @Override
    public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
      return tried(Duration.of(time, unit.toChronoUnit()), null);
    }

    @Override
    public boolean tryLock(Duration wait, Duration ttl) throws InterruptedException {
      return tried(wait, ttl);
    }

    private boolean tried(Duration wait, @Nullable Duration ttl) throws InterruptedException {
      try {
        enter(wait, ttl);
        return true;
      } catch (NotAcquiredException refused) {
        return false;
      }
    }

    private void enter(Duration wait, @Nullable Duration ttl) throws InterruptedException {
      if (Thread.interrupted()) {
        throw new InterruptedException("before waiting for " + lock);
      }
      if (!reentered()) {
        entered(
            ttl == null
                ? new Hold.ByGrant(lock.acquire(wait))
                : new Hold.ByLease(lock.lease(ttl, wait)),
            1);
      }
    }

    private boolean reentered() {
      Entered mine = holds.get(Thread.currentThread());
      if (mine == null) {
        return false;
      }
      checkStands(mine.hold);
      entered(mine.hold, mine.times + 1);
      return true;
    }

    private void entered(Hold hold, int times) {
      holds.put(Thread.currentThread(), new Entered(hold, times));
    }

    @Override
    public void unlock() {
      Entered mine = mine();
      if (mine.times > 1) {
        entered(mine.hold, mine.times - 1);
        return;
      }
      holds.remove(Thread.currentThread());
      checkStands(mine.hold);
      mine.hold.giveBack();
    }

    void renew(Duration ttl) {
      Entered mine = mine();
      checkStands(mine.hold);
      if (mine.hold instanceof Hold.ByLease(Lease lease)) {
        lease.renew(ttl);
      }
    }

    private Entered mine() {
      Entered mine = holds.get(Thread.currentThread());
      if (mine == null) {
        throw new IllegalMonitorStateException(Thread.currentThread() + " does not hold " + lock);
      }
      return mine;
    }

    private void checkStands(Hold hold) {
      if (!hold.stands()) {
        throw new ConcurrentModificationException(
            lock + " was lost: somebody else may have changed what it guards");
      }
    }

    @Override
    public Condition newCondition() {
      throw new UnsupportedOperationException("locks between processes have no conditions");
    }

    @Override
    public String toString() {
      return lock.toString();
    }
  }
}
