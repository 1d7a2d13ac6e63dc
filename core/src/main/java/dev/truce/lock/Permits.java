package dev.truce.lock;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/// A number of permits of one name: so many may hold one at a time, across all threads and
/// processes. Immutable and free to make.
///
/// A permit is a [Grant] like any other: with a token of its own, served in the order of arrival,
/// free when its process dies. Every acquire takes one more, also in a thread that has one; a
/// thread that waits for a permit while all of them are its own gets [DeadlockException].
///
/// **How many there are** is stored with the first acquire. Whoever asks with another number is
/// refused, and [#resize] changes it. It is forgotten with the name, when nobody has used that for
/// long.
///
/// Permits bound load. They guard nothing that only one may do.
public final class Permits {
  /// The most permits of one name.
  public static final int MAX = 200;

  private final Locks room;
  private final NamedLock one;

  /// How many permits are out.
  ///
  /// @param limit how many there are
  /// @param held how many are held; after they were made fewer, this may be more than there are
  /// @param waiting how many wait for one
  public record Utilisation(int limit, int held, int waiting) {
    /// The part that is held, from 0 to 1.
    public double ratio() {
      return Math.min(1, (double) held / limit);
    }
  }

  Permits(Locks room, NamedLock one) {
    this.room = room;
    this.one = one;
  }

  static void check(int limit) {
    if (limit < 1 || limit > MAX) {
      throw new IllegalArgumentException("there are 1 to " + MAX + " permits, not " + limit);
    }
  }

  public String name() {
    return one.name();
  }

  /// How many are asked for.
  public int limit() {
    return one.wish().limit();
  }

  /// One of them as a lock, for [a reason][NamedLock#withReason], [a priority]
  /// [NamedLock#withPriority], and together with [others][dev.truce.Truce#locks]. It cannot be
  /// read, leased, or taken by force.
  public NamedLock one() {
    return one;
  }

  /// Waits at most so long for one.
  ///
  /// @throws NotAcquiredException as [NamedLock#acquire]; and with [Refusal.Kind#OTHER_LIMIT] if
  ///   there is another number of them
  /// @throws InterruptedException if the thread was interrupted before or while waiting
  /// @throws dev.truce.EngineException if the engine cannot answer
  public Grant acquire(Duration wait) throws InterruptedException {
    return one.acquire(wait);
  }

  /// Waits for one on a virtual thread, as [NamedLock#acquireAsync].
  public CompletableFuture<Grant> acquireAsync(Duration wait) {
    return one.acquireAsync(wait);
  }

  /// One of them, if there is one left and nobody waits.
  ///
  /// @throws NotAcquiredException only with [Refusal.Kind#OTHER_LIMIT]
  public Optional<Grant> tryAcquire() {
    return one.tryAcquire();
  }

  /// From now on there are so many. More of them are handed out at once to those who wait; when
  /// there are fewer, those that are out beyond that go on, and nobody gets one until they are
  /// back. Answers the permits with the new number: this object asks with the old one.
  ///
  /// @throws IllegalArgumentException if there are not from 1 to [#MAX]
  /// @throws IllegalStateException if there is one, as a lock has, and somebody holds it or waits:
  ///   what one alone holds is not to be shared
  /// @throws dev.truce.EngineException if the engine cannot answer
  /// @throws dev.truce.OutcomeUnknownException if nobody can tell whether it is done; doing it once
  ///   more harms nobody
  public Permits resize(int limit) {
    check(limit);
    room.resize(name(), limit);
    return room.permits(name(), limit);
  }

  /// How many are out, and how many there really are, which may be another number than was asked
  /// for.
  ///
  /// @throws dev.truce.EngineException if the engine cannot answer
  public Utilisation utilisation() {
    return room.utilisation(name());
  }

  /// `licences (10)`.
  @Override
  public String toString() {
    return name() + " (" + limit() + ")";
  }
}
