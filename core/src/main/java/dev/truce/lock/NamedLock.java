package dev.truce.lock;

import dev.truce.TruceException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/// A name and a mode: what is to be locked, and how. Immutable and free to make; nothing exists in
/// the engine before the first acquire, and idle names are forgotten.
///
/// Many readers or one writer, served in the order of their arrival across all threads and
/// processes; a reader that comes after a waiting writer waits behind it. Every acquire is a new
/// owner: nothing re-enters by accident, and a thread that would wait for its own grant gets
/// [DeadlockException] at once.
///
/// **Timeouts** bound everything, an engine that does not answer included. Zero or less does not
/// wait. **Interruption** leaves nothing behind: no claim, no place in the queue. **Death** of the
/// process frees what it holds and its place in the queue, at once where the engine [proves
/// deaths][dev.truce.spi.Capabilities#proofOfDeath].
///
/// Holding a grant is not exclusion, for a holder that was paused does not know that it lost: hand
/// [Grant#fence()] to the write that must not happen late.
public final class NamedLock {
  /// The longest name, in bytes of UTF-8.
  public static final int MAX_NAME = 255;

  /// How a lock is held.
  public enum Mode {
    /// Beside other readers.
    READ,
    /// Alone.
    WRITE
  }

  private final Locks room;
  private final String name;
  private final Mode mode;
  private final String reason;

  NamedLock(Locks room, String name, Mode mode, String reason) {
    this.room = room;
    this.name = name;
    this.mode = mode;
    this.reason = reason;
  }

  public String name() {
    return name;
  }

  public Mode mode() {
    return mode;
  }

  /// The same lock for reading.
  public NamedLock read() {
    return new NamedLock(room, name, Mode.READ, reason);
  }

  /// The same lock for writing, which is what a lock is for unless told otherwise.
  public NamedLock write() {
    return new NamedLock(room, name, Mode.WRITE, reason);
  }

  /// The same lock with a word on what for, shown to those who wait.
  ///
  /// @throws IllegalArgumentException if it is longer than 200 characters
  public NamedLock withReason(String newReason) {
    if (newReason.length() > 200) {
      throw new IllegalArgumentException(
          "a reason has at most 200 characters, this one has " + newReason.length());
    }
    return new NamedLock(room, name, mode, newReason);
  }

  /// Waits at most so long for the lock.
  ///
  /// @throws NotAcquiredException if it could not be had in that time; it says who holds it and how
  ///   many are ahead. A [DeadlockException] if waiting could never have ended.
  /// @throws InterruptedException if the thread was interrupted before or while waiting
  /// @throws dev.truce.EngineException if the engine cannot answer
  public Grant acquire(Duration wait) throws InterruptedException {
    return room.acquire(this, wait, room.newClaim());
  }

  /// The lock, if nobody holds it in the way and nobody waits for it.
  public Optional<Grant> tryAcquire() {
    return room.tryAcquire(this);
  }

  /// Runs `body` under the lock.
  ///
  /// @throws LockLostException if the grant was lost while the body ran; what the body threw comes
  ///   first, the loss is then added to it
  public void run(Duration wait, Consumer<Grant> body) throws InterruptedException {
    call(
        wait,
        grant -> {
          body.accept(grant);
          return true;
        });
  }

  /// Runs `body` under the lock and returns what it returns.
  ///
  /// @throws LockLostException as [#run]
  public <T> T call(Duration wait, Function<Grant, T> body) throws InterruptedException {
    try (Grant grant = acquire(wait)) {
      T value = bodyUnder(grant, body);
      if (!grant.isValid()) {
        throw new LockLostException(name, grant.token());
      }
      return value;
    }
  }

  private <T> T bodyUnder(Grant grant, Function<Grant, T> body) {
    try {
      return body.apply(grant);
    } catch (RuntimeException | Error failure) {
      addLoss(grant, failure);
      throw failure;
    }
  }

  private void addLoss(Grant grant, Throwable failure) {
    try {
      if (!grant.isValid()) {
        failure.addSuppressed(new LockLostException(name, grant.token()));
      }
    } catch (TruceException unreadable) {
      failure.addSuppressed(unreadable);
    }
  }

  /// Who holds the lock and who waits for it, at one moment.
  public LockStatus status() {
    return room.status(List.of(name)).getFirst();
  }

  String reason() {
    return reason;
  }

  boolean in(Locks other) {
    return room == other;
  }

  /// `index` or `index (read)`.
  @Override
  public String toString() {
    return mode == Mode.READ ? name + " (read)" : name;
  }
}
