package dev.truce.lock;

import dev.truce.Owner;
import dev.truce.lock.NamedLock.Mode;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/// What was done with the locks whose traffic is [recorded][NamedLock#recordTraffic]: each wait,
/// grant, refusal and end, and where some of it is missing.
///
/// Each process notes what it does itself, in memory, and adds it about once a second and when it
/// closes its handle. That costs no acquire a disk, and it is best effort: what a machine that
/// stops had not written by itself is lost, and a lock never waits or fails for its record. What a
/// process that was killed, or was faster than it could add, has not told stands as a [gap][Gap].
/// At least the last [#KEPT] entries are kept, and at most twice as many and 256.
///
/// **Order.** By the moments, which are by the wall clock. A grant has the moment after it was had,
/// and giving it back the moment before: so grants that exclude each other do not overlap, unless
/// somebody sets the clock, and what several did at the same time stands in some order; the tokens
/// tell that of the grants. The end of a lease, and one that is put down for somebody else, has the
/// moment of that, which may be after the next grant.
///
/// @param recorded the locks whose traffic is recorded now, by name
/// @param letGo how many older entries were let go of
/// @param parts what happened and what is missing, the oldest first
public record Traffic(List<String> recorded, long letGo, List<Part> parts) {
  /// How many entries are kept at least.
  public static final int KEPT = 32_768;

  public Traffic {
    recorded = List.copyOf(recorded);
    parts = List.copyOf(parts);
  }

  /// One entry.
  public sealed interface Part {
    /// When, by the wall clock of whoever noted it; of a gap, from when on.
    Instant at();

    /// Whether it is about this lock, or may be.
    boolean concerns(String lock);
  }

  /// Something that happened.
  ///
  /// @param token the grant's, 0 where there is none; of an upgrade that waits or is refused, the
  ///   reader's
  /// @param owner whose doing it was; of an end that another one put down, whose grant it was
  /// @param waited from asking to the grant or the refusal; empty for anything else
  /// @param held how long the grant stood that has ended; empty for anything else
  public record Event(
      Instant at,
      What what,
      String lock,
      Mode mode,
      long token,
      Owner owner,
      Optional<Duration> waited,
      Optional<Duration> held)
      implements Part {
    @Override
    public boolean concerns(String name) {
      return lock.equals(name);
    }
  }

  /// What is missing of one process.
  ///
  /// @param until up to when; it was found at this moment, or told again from then on
  /// @param owner whose doing is missing
  /// @param lock of which lock; empty if it may be of any
  /// @param count how many entries, 0 if nobody can tell
  public record Gap(
      Instant at, Instant until, Cause cause, Owner owner, Optional<String> lock, long count)
      implements Part {
    @Override
    public boolean concerns(String name) {
      return lock.isEmpty() || lock.get().equals(name);
    }
  }

  /// What happened.
  public enum What {
    /// Somebody switched the record on.
    SWITCHED_ON,
    /// Somebody switched it off.
    SWITCHED_OFF,
    /// Somebody stands in the queue.
    WAITING,
    /// The lock was granted.
    GRANTED,
    /// A reader became a writer.
    UPGRADED,
    /// A writer became a reader.
    DOWNGRADED,
    /// The grant goes on as a lease.
    LEASED,
    /// It was given back.
    RELEASED,
    /// The holder was dead.
    DIED,
    /// The term of the lease was over.
    EXPIRED,
    /// Somebody ended it by force.
    REVOKED,
    /// Not granted: the time to wait was over.
    TIMED_OUT,
    /// Not granted: it was held, its queue was full, or it has another limit of permits.
    REFUSED,
    /// Not granted: waiting could never have ended.
    DEADLOCK,
    /// Not granted: the caller was interrupted.
    CANCELLED,
    /// Not granted: the engine could not answer.
    FAILED
  }

  /// Why something is missing.
  public enum Cause {
    /// The process ended without closing its handle, and took with it what it had not added.
    KILLED,
    /// It noted faster than it could add, or could not add at all for a while.
    DROPPED
  }

  /// What is known of one lock, gaps that may be of it included.
  public Traffic of(String lock) {
    return new Traffic(
        recorded.stream().filter(lock::equals).toList(),
        letGo,
        parts.stream().filter(part -> part.concerns(lock)).toList());
  }

  /// What happened at or after that moment, and the gaps that reach beyond it.
  public Traffic since(Instant moment) {
    return new Traffic(
        recorded, letGo, parts.stream().filter(part -> !end(part).isBefore(moment)).toList());
  }

  private static Instant end(Part part) {
    return switch (part) {
      case Event event -> event.at();
      case Gap gap -> gap.until();
    };
  }
}
