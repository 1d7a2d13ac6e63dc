package dev.truce.file;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// One member's ear for wakes: a daemon thread that watches a word in the member's slot.
///
/// It looks often at first and ever more rarely; when nothing has come for some 50 ms it sleeps in
/// the kernel, if this JVM may call it, and says so in the slot, so that a waker knows whether
/// there is somebody to wake. A waker that has no native access, or has not loaded it, rings and
/// leaves it to the sleeper, who looks by himself while such a member takes part: every
/// [#RECHECK_NANOS] at first, and more rarely the longer he has waited already; a process that
/// meets sleepers repeatedly loads it for the next time. So processes with and without native
/// access share one root, and no short-lived process pays for loading.
///
/// A member of this very JVM is told on the waker's thread.
final class Bell implements AutoCloseable {
  /// What a sleeper can lose when nobody could wake him, in his first third of a second.
  static final long RECHECK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  /// A sleeper whom everybody can wake looks by himself all the same: somebody may have joined who
  /// cannot. Nobody looks more rarely.
  private static final long LONG_RECHECK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private static final long FIRST_NAP_NANOS = TimeUnit.MICROSECONDS.toNanos(50);

  /// A nap is longer than the one before by an eighth, so it lasts an eighth of all before it: 50
  /// ms of naps from the first to those of [#RECHECK_NANOS]. Later ones last a 64th of all before
  /// them.
  private static final int SLOWER = 8;

  private static final int MUCH_SLOWER = 64;

  /// Loading native access costs half of this, so most waits are over before it would have paid.
  private static final long NAPPING_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  /// How often this process may fail to wake a sleeper before it loads what it takes.
  private static final int UNHEARD = 8;

  private static final AtomicInteger UNHEARD_SO_FAR = new AtomicInteger();

  /// How long a bell outlives the last wish to hear it.
  private static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Root root;
  private final Slots slots;
  private final int slot;
  private final Predicate<Bell> mayEnd;
  private volatile @Nullable Runnable hint;
  private volatile long unwantedSince;
  private final Thread thread;
  private final Futex.Limit limit = new Futex.Limit();
  private volatile boolean open = true;
  private volatile boolean asleep;

  /// Nothing came during the last sleep, and everybody could have woken it: for its thread alone.
  private boolean calm;

  private Bell(Root root, long member, Runnable hint, Predicate<Bell> mayEnd) {
    this.root = root;
    this.slots = root.slots();
    this.slot = Slots.slot(member);
    this.hint = hint;
    this.mayEnd = mayEnd;
    long seen = slots.bell(slot);
    this.thread =
        Thread.ofPlatform().daemon().name("truce-bell-" + member).unstarted(() -> listen(seen));
  }

  /// Begins to listen.
  ///
  /// @param mayEnd asked when nobody has wanted the bell for a while: whether it shall end
  static Bell listen(Root root, long member, Runnable hint, Predicate<Bell> mayEnd) {
    Bell bell = new Bell(root, member, hint, mayEnd);
    bell.slots.ear(bell.slot, Slots.AWAKE);
    bell.thread.start();
    return bell;
  }

  /// Asks a member to look.
  static void ring(Root root, long member) {
    int slot = Slots.slot(member);
    FileMembership here = root.memberships().get(slot);
    if (here != null && here.member() == member) {
      here.hint();
    } else if (root.slots().ring(slot) == Slots.ASLEEP) {
      wake(root, root.slots().bellAddress(slot));
    }
  }

  private static void wake(Root root, long address) {
    Futex futex = Futex.loaded();
    if (futex != null) {
      futex.wake(address);
    } else if (UNHEARD_SO_FAR.incrementAndGet() == UNHEARD) {
      Thread.ofPlatform().daemon().name("truce-futex").start(() -> load(root));
    }
  }

  /// Loads native access, and says so in the slots of this process.
  private static @Nullable Futex load(Root root) {
    Futex futex = Futex.load();
    if (futex != null) {
      root.memberships().values().forEach(FileMembership::speak);
    }
    return futex;
  }

  /// Who is to be told from now on, or nobody.
  void want(@Nullable Runnable newHint) {
    unwantedSince = System.nanoTime();
    hint = newHint;
  }

  boolean wanted() {
    return hint != null;
  }

  /// Runs the hint on the calling thread.
  void hint() {
    Runnable told = hint;
    if (told != null) {
      told.run();
    }
  }

  private void listen(long before) {
    long seen = before;
    long nap = FIRST_NAP_NANOS;
    long napUntil = System.nanoTime() + (Futex.loaded() == null ? NAPPING_NANOS : 0);
    Futex futex = null;
    while (open) {
      long now = slots.bell(slot);
      if (now != seen) {
        seen = now;
        nap = FIRST_NAP_NANOS;
        hint();
        continue;
      }
      if (!wanted() && System.nanoTime() - unwantedSince > LINGER_NANOS && mayEnd.test(this)) {
        slots.ear(slot, Slots.AWAKE);
        return;
      }
      if (futex == null && System.nanoTime() - napUntil >= 0) {
        futex = load(root);
      }
      if (futex == null) {
        LockSupport.parkNanos(this, nap);
      } else if (!sleep(futex, seen, calm ? LONG_RECHECK_NANOS : nap)) {
        napUntil = System.nanoTime() + NAPPING_NANOS;
        futex = null;
      }
      nap = Math.min(nap + nap / (nap < RECHECK_NANOS ? SLOWER : MUCH_SLOWER), LONG_RECHECK_NANOS);
    }
  }

  /// Says that it sleeps, looks once more, and sleeps. False when it overslept: it was rung, and
  /// nobody could wake it.
  private boolean sleep(Futex futex, long seen, long nanos) {
    asleep = true;
    slots.ear(slot, Slots.ASLEEP);
    long begin = System.nanoTime();
    if (open && slots.bell(slot) == seen) {
      futex.sleep(slots.bellAddress(slot), (int) seen, limit.of(nanos));
    }
    asleep = false;
    if (open) {
      slots.ear(slot, Slots.AWAKE);
    }
    boolean rung = slots.bell(slot) != seen;
    boolean timedOut = System.nanoTime() - begin >= nanos;
    calm = !rung && timedOut && !slots.anyMute();
    return !rung || !timedOut;
  }

  @Override
  public void close() {
    open = false;
    LockSupport.unpark(thread);
    Futex futex = Futex.loaded();
    if (asleep && futex != null) {
      futex.wake(slots.bellAddress(slot));
    }
  }
}
