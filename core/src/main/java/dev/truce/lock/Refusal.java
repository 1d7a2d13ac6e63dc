package dev.truce.lock;

import dev.truce.lock.NamedLock.Mode;
import java.util.Optional;
import java.util.OptionalInt;

/// Why a lock was not had: what [NotAcquiredException] knows.
///
/// @param holder who stands in the way, if anybody could be seen
/// @param position how many were served before this waiter, itself included: 1 is next; empty when
///   it did not queue
/// @param ticket what keeps the place for [NamedLock#withTicket(String)], where one was asked for
public record Refusal(
    Kind kind,
    String lock,
    Mode mode,
    Optional<LockStatus.Holder> holder,
    OptionalInt position,
    Optional<String> ticket) {

  /// The causes.
  public enum Kind {
    /// Somebody has it, or waits for it, and the caller did not want to wait.
    HELD,
    /// The time was over.
    TIMEOUT,
    /// Too many wait already.
    QUEUE_FULL,
    /// Waiting could never have ended: the caller waits for itself, or was chosen to give way.
    DEADLOCK
  }

  /// One line for people.
  @Override
  public String toString() {
    String held =
        holder
            .map(h -> " is held by " + h.owner() + " for " + LockStatus.brief(h.heldFor()))
            .orElse(" is waited for by others");
    return switch (kind) {
      case HELD -> lock + held;
      case TIMEOUT ->
          lock
              + held
              + (position.isPresent() ? ", number " + position.getAsInt() + " in the queue" : "")
              + "; the time to wait is over";
      case QUEUE_FULL -> lock + held + " and its queue is full: try again later";
      case DEADLOCK -> lock + held + ", which waits for this very caller: give back what you hold";
    };
  }
}
