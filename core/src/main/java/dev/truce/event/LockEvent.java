package dev.truce.event;

import dev.truce.Owner;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/// Something that happened to a lock.
public non-sealed interface LockEvent extends TruceEvent {
  /// The name of the lock.
  String lock();

  /// A thread of this handle stands in the queue from now on, or in the place of a ticket, or has a
  /// grant for reading and waits to write.
  record Waiting(Instant at, String lock, boolean writing) implements LockEvent {}

  /// This handle was granted the lock.
  ///
  /// @param waited from asking to the grant, zero for who had it at once
  record Acquired(Instant at, String lock, boolean writing, long token, Duration waited)
      implements LockEvent {}

  /// This handle gave a grant back.
  record Released(Instant at, String lock, boolean writing, long token, Duration held)
      implements LockEvent {}

  /// A grant of this handle was for reading and is for writing.
  ///
  /// @param reading the token that has ended with that
  /// @param waited from asking to the grant
  record Upgraded(Instant at, String lock, long reading, long token, Duration waited)
      implements LockEvent {}

  /// A grant of this handle was for writing and is for reading, with the same token.
  record Downgraded(Instant at, String lock, long token) implements LockEvent {}

  /// This handle was not granted the lock, or, where it had it for reading, not for writing.
  record Refused(Instant at, String lock, boolean writing, Why why, Duration waited)
      implements LockEvent {}

  /// A grant of this handle has ended, and not by being given back.
  record Lost(Instant at, String lock, boolean writing, long token, String cause)
      implements LockEvent {}

  /// This handle put down for good that a grant has ended, whosever it was: a lease that was given
  /// back or whose term is over, a dead holder's grant, one that was ended by force.
  record Ended(
      Instant at, String lock, boolean writing, long token, Owner owner, How how, Duration held)
      implements LockEvent {}

  /// This handle found some that wait for each other in a ring.
  ///
  /// @param lock what the one waits for that gives way, or, where nobody does, the one that found
  ///   it
  /// @param ring who holds and waits for what, in a line for each
  /// @param resolved whether one was told to give way
  record Ring(Instant at, String lock, List<String> ring, boolean resolved) implements LockEvent {
    public Ring {
      ring = List.copyOf(ring);
    }
  }

  /// Why a lock was not granted.
  enum Why {
    /// Somebody has it and the caller did not wait, or its queue is full, or there is another
    /// number of permits.
    HELD,
    /// The time to wait was over.
    TIMED_OUT,
    /// Waiting could never have ended.
    DEADLOCK,
    /// The caller was interrupted.
    CANCELLED,
    /// The engine could not answer.
    FAILED
  }

  /// How a grant ended.
  enum How {
    /// It was given back.
    RELEASED,
    /// Its term was over.
    EXPIRED,
    /// Its holder is dead.
    DIED,
    /// Somebody ended it by force.
    REVOKED
  }
}
