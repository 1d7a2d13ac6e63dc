package dev.truce.file;

import dev.truce.spi.Members.Membership;
import org.jspecify.annotations.Nullable;

/// One slot of this process, until it is closed.
final class FileMembership implements Membership {
  private final Root root;
  private final long member;
  private volatile boolean current = true;
  private @Nullable Bell bell;

  FileMembership(Root root, long member) {
    this.root = root;
    this.member = member;
    root.memberships().put(Slots.slot(member), this);
    if (Futex.loaded() != null) {
      root.slots().voice(Slots.slot(member));
    }
  }

  @Override
  public long member() {
    return member;
  }

  @Override
  public boolean current() {
    return current;
  }

  /// A bell that nobody needs any more stays for a while: whoever waits often must not start a
  /// thread each time.
  @Override
  public synchronized void listen(boolean on, Runnable hint) {
    if (bell != null) {
      bell.want(on ? hint : null);
    } else if (on && current) {
      bell = Bell.listen(root, member, hint, this::quiet);
    }
  }

  /// Lets a bell end that nobody has wanted for a while; false when somebody does now.
  private synchronized boolean quiet(Bell unwanted) {
    if (unwanted.wanted()) {
      return false;
    }
    if (unwanted.equals(bell)) {
      bell = null;
    }
    return true;
  }

  @Override
  public synchronized void close() {
    if (!current) {
      return;
    }
    current = false;
    if (bell != null) {
      bell.close();
      bell = null;
    }
    int slot = Slots.slot(member);
    root.memberships().remove(slot, this);
    root.slots().clear(slot);
    Yield.at(Yield.LEAVE_CLEARED);
    root.locks().releaseSlot(slot);
  }

  /// Says that this process can wake who sleeps in the kernel.
  synchronized void speak() {
    if (current) {
      root.slots().voice(Slots.slot(member));
    }
  }

  /// Tells the listener, if there is one, on the calling thread.
  void hint() {
    Bell listening;
    synchronized (this) {
      listening = bell;
    }
    if (listening != null) {
      listening.hint();
    }
  }
}
