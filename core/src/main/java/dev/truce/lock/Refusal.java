package dev.truce.lock;

import dev.truce.Owner;
import dev.truce.lock.NamedLock.Mode;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/// Why a lock was not had: what [NotAcquiredException] knows.
///
/// @param holder who stands in the way, if anybody could be seen
/// @param position how many were served before this waiter, itself included: 1 is next; empty when
///   it did not queue
/// @param ticket what keeps the place for [NamedLock#withTicket(String)], where one was asked for
/// @param limit how many permits there are, where another number was asked for
/// @param cycle who waits for whom, this caller first; empty when it waits for itself alone, or the
///   cause is another one
public record Refusal(
    Kind kind,
    String lock,
    Mode mode,
    Optional<LockStatus.Holder> holder,
    OptionalInt position,
    Optional<String> ticket,
    OptionalInt limit,
    List<Link> cycle) {

  /// One who waits for ever.
  ///
  /// @param owner who it says it is
  /// @param holds what it holds that the one before it in the cycle waits for
  /// @param waitsFor what it waits for, which the next one holds, or the first one after the last
  /// @param mode how it wants that
  public record Link(Owner owner, String holds, String waitsFor, Mode mode) {
    /// `ci@build-3 (pid 8112) holds a and waits for b`.
    @Override
    public String toString() {
      return owner + " holds " + holds + " and waits for " + waitsFor;
    }
  }

  /// One that says no more than who stands in the way.
  static Refusal of(Kind kind, String lock, Mode mode, Optional<LockStatus.Holder> holder) {
    return new Refusal(
        kind,
        lock,
        mode,
        holder,
        OptionalInt.empty(),
        Optional.empty(),
        OptionalInt.empty(),
        List.of());
  }

  Refusal at(OptionalInt place) {
    return new Refusal(kind, lock, mode, holder, place, ticket, limit, cycle);
  }

  Refusal leaving(Handle place) {
    return new Refusal(kind, lock, mode, holder, position, Optional.of(place.text()), limit, cycle);
  }

  Refusal limitedTo(int permits) {
    return new Refusal(kind, lock, mode, holder, position, ticket, OptionalInt.of(permits), cycle);
  }

  Refusal inRing(List<Link> ring) {
    return new Refusal(kind, lock, mode, holder, position, ticket, limit, ring);
  }

  NotAcquiredException exception() {
    return kind == Kind.DEADLOCK ? new DeadlockException(this) : new NotAcquiredException(this);
  }

  /// The causes.
  public enum Kind {
    /// Somebody has it, or waits for it, and the caller did not want to wait.
    HELD,
    /// The time was over.
    TIMEOUT,
    /// Too many wait already.
    QUEUE_FULL,
    /// Waiting could never have ended: the caller waits for itself, or was chosen to give way.
    DEADLOCK,
    /// There is another number of permits than the one that was asked for. Waiting does not help.
    OTHER_LIMIT
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
      case OTHER_LIMIT ->
          lock
              + " has "
              + permits(limit.orElseThrow())
              + ", another number than was asked for; to change it: Permits.resize";
      case DEADLOCK ->
          cycle.isEmpty()
              ? lock + held + ", which is this very caller or waits for it: give back what you hold"
              : lock + " would never be had: " + ring() + ": give back what you hold";
    };
  }

  private String ring() {
    return cycle.stream().map(Link::toString).collect(Collectors.joining(", "));
  }

  private static String permits(int limit) {
    return limit == 1 ? "one permit, as a lock has" : limit + " permits";
  }
}
