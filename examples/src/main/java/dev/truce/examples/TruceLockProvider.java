package dev.truce.examples;

import dev.truce.Truce;
import dev.truce.lock.Lease;
import dev.truce.lock.LockLostException;
import dev.truce.lock.NotAcquiredException;
import java.time.Duration;
import java.util.Optional;
import net.javacrumbs.shedlock.core.AbstractSimpleLock;
import net.javacrumbs.shedlock.core.ExtensibleLockProvider;
import net.javacrumbs.shedlock.core.LockConfiguration;
import net.javacrumbs.shedlock.core.SimpleLock;

/// ShedLock over Truce: scheduled jobs that run on one machine, or in one process, at a time.
///
/// A job's lock is a lease: it is kept for `lockAtMostFor` though its process dies, and from
/// everybody for `lockAtLeastFor` though the job is done sooner. No wall clock decides about
/// either.
final class TruceLockProvider implements ExtensibleLockProvider {
  private final Truce truce;

  TruceLockProvider(Truce truce) {
    this.truce = truce;
  }

  @Override
  public Optional<SimpleLock> lock(LockConfiguration wanted) {
    try {
      Lease lease =
          truce
              .lock(wanted.getName())
              .withReason("shedlock")
              .withLeastHold(wanted.getLockAtLeastFor())
              .lease(wanted.getLockAtMostFor(), Duration.ZERO);
      return Optional.of(new Held(wanted, lease, Duration.ZERO));
    } catch (NotAcquiredException elsewhere) {
      return Optional.empty();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  private static final class Held extends AbstractSimpleLock {
    private final Lease lease;
    private final long leastEnd;

    /// @param least what an extension added to the least hold, which a lease has from its grant
    Held(LockConfiguration wanted, Lease lease, Duration least) {
      super(wanted);
      this.lease = lease;
      this.leastEnd = System.nanoTime() + least.toNanos();
    }

    @Override
    protected void doUnlock() {
      try {
        long rest = leastEnd - System.nanoTime();
        if (rest > 0) {
          lease.renew(Duration.ofNanos(rest));
        } else {
          lease.release();
        }
      } catch (LockLostException over) {
        // Its time was over: somebody else's by now, or nobody's, and not ours to give back.
      }
    }

    @Override
    protected Optional<SimpleLock> doExtend(LockConfiguration wanted) {
      try {
        lease.renew(wanted.getLockAtMostFor());
        return Optional.of(new Held(wanted, lease, wanted.getLockAtLeastFor()));
      } catch (LockLostException over) {
        return Optional.empty();
      }
    }
  }
}
