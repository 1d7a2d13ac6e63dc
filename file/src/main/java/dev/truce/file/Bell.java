package dev.truce.file;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// One member's ear for wakes: a daemon thread that looks at a word in the member's slot.
final class Bell implements AutoCloseable {
  private static final long FIRST_NAP_NANOS = TimeUnit.MICROSECONDS.toNanos(50);
  private static final long LONGEST_NAP_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  private final Slots slots;
  private final int slot;
  private final Runnable hint;
  private final Thread thread;
  private volatile boolean open = true;

  private Bell(Root root, long member, Runnable hint) {
    this.slots = root.slots();
    this.slot = Slots.slot(member);
    this.hint = hint;
    this.thread = Thread.ofPlatform().daemon().name("truce-bell-" + member).unstarted(this::listen);
  }

  static Bell listen(Root root, long member, Runnable hint) {
    Bell bell = new Bell(root, member, hint);
    bell.slots.ear(bell.slot, Slots.AWAKE);
    bell.thread.start();
    return bell;
  }

  static void ring(Root root, long member) {
    root.slots().ring(Slots.slot(member));
    FileMembership here = root.memberships().get(Slots.slot(member));
    Bell bell = here == null ? null : here.bell();
    if (bell != null) {
      LockSupport.unpark(bell.thread);
    }
  }

  private void listen() {
    long seen = slots.bell(slot);
    long nap = FIRST_NAP_NANOS;
    while (open) {
      long now = slots.bell(slot);
      if (now != seen) {
        seen = now;
        nap = FIRST_NAP_NANOS;
        hint.run();
      } else {
        LockSupport.parkNanos(this, nap);
        nap = Math.min(nap + nap / 8, LONGEST_NAP_NANOS);
      }
    }
  }

  @Override
  public void close() {
    open = false;
    LockSupport.unpark(thread);
  }
}
