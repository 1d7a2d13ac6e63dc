package dev.truce.lock;

import dev.truce.Fence;
import dev.truce.lock.NamedLock.Mode;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/// A lock that was granted, until it is closed or its process dies. It is not bound to a thread:
/// any thread may use and close it.
///
/// A grant ends in one of these ways, and in no other: it is [closed][#close]; its process or its
/// [dev.truce.Truce] ends; somebody ends it by force; or its engine takes the process for dead,
/// which an engine with proof of death never does to a living one. After any end [#isValid()] is
/// false at its next call.
///
/// **Memory.** What a thread did before it closed a grant happened before what the next holder in
/// the same JVM does after it got its grant.
public final class Grant implements AutoCloseable {
  private final Held held;
  private final AtomicBoolean closed = new AtomicBoolean();

  Grant(Held held) {
    this.held = held;
  }

  /// The name of the lock.
  public String lock() {
    return held.gate().name();
  }

  public Mode mode() {
    return held.mode();
  }

  /// The grant's number: above that of every grant of this lock before it, across any crash. A
  /// [second grant][#reenter()] of it has the same, and so has a branch of it in a nested run. An
  /// [upgrade][#upgrade] gives it a new one.
  public long token() {
    return held.token();
  }

  /// The condition that this grant is current, for a write that must not happen late.
  public Fence fence() {
    return held.gate().fence(token());
  }

  /// The place in the order of arrival that it waited at: of two grants of one lock that both have
  /// one, the lower was served first. 0 when it did not have to wait, or let its turn pass.
  public long arrival() {
    return held.arrival();
  }

  /// What names this grant to processes that shall go through it as its branch: 26 characters. An
  /// [upgrade][#upgrade] may give it another.
  public String id() {
    return LeaseId.write(held.claim());
  }

  /// Whether the grant stands at this moment: a look, not a fence, for it may end right after.
  public boolean isValid() {
    return !closed.get() && held.valid();
  }

  /// Calls `listener` once when the grant ends without being closed; at once if it has. It runs on
  /// a thread of Truce or on the caller's and must not block.
  public void onLost(Consumer<Loss> listener) {
    held.gate().watch(held, listener);
  }

  /// A second grant with the same token; the lock is free when the last of them is closed.
  ///
  /// @throws LockLostException if this one has ended
  public Grant reenter() {
    if (closed.get() || !held.reenter()) {
      throw new LockLostException(lock(), token());
    }
    return new Grant(held);
  }

  /// Waits at most so long for all other readers to leave, and then this reader's grant is a
  /// writer's, with a new token; nobody writes in between. It goes before everybody who waits for
  /// the lock, and no new reader is admitted meanwhile. A writer's grant stays as it is.
  ///
  /// [Second grants][#reenter()] of it become the writer's too. What was told to go by its fence as
  /// a reader may go on until the grant ends.
  ///
  /// @throws NotAcquiredException if the others did not leave in that time: it reads on. A
  ///   [DeadlockException] at once if another reader upgrades already, or the thread has another
  ///   grant of the lock itself, or this grant is a branch; and when it is the one to give way in a
  ///   ring of waits.
  /// @throws LockLostException if this grant has ended
  /// @throws InterruptedException if the thread was interrupted before or while waiting: it reads
  ///   on
  public void upgrade(Duration wait) throws InterruptedException {
    checkOpen();
    held.gate().upgrade(held, wait);
  }

  /// Makes a writer's grant a reader's, with the same token; those who wait to read come in. A
  /// reader's grant stays as it is.
  ///
  /// @throws IllegalStateException if it cannot be one: a nested run writes under it, or it is one
  ///   of several permits
  /// @throws LockLostException if this grant has ended
  /// @throws dev.truce.EngineException if the engine cannot answer; it counts as a reader's then
  public void downgrade() {
    checkOpen();
    held.gate().downgrade(held);
  }

  /// From now on the grant is not the acquiring thread's: that thread may wait for the lock again
  /// without being taken for somebody who waits for itself, and what it waits for is no reason why
  /// the grant is not given back. For a grant that is handed to another thread; its [second
  /// grants][#reenter()] are handed over with it.
  public void handOver() {
    held.handOver();
  }

  private void checkOpen() {
    if (closed.get()) {
      throw new LockLostException(lock(), token());
    }
  }

  /// Gives the grant back. Idempotent, and throws nothing; after a loss it returns quietly.
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      held.leave();
    }
  }

  /// `index, token 118`.
  @Override
  public String toString() {
    return lock() + ", token " + token();
  }
}
