package dev.truce.lock;

import dev.truce.Owner;
import dev.truce.lock.NamedLock.Mode;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What one lock has done until one moment, since its name was last forgotten or its statistics
/// were [reset][NamedLock#resetStatistics()].
///
/// The **counters** are exact: each moves in the very swap that does what it counts. At any moment,
/// whoever was killed, [#acquired] is [#released] and [#lost] and [#held] together, and [#queued]
/// is those who were granted after they had waited, [#left] and [#waiting] together.
///
/// **Everything else** is best effort: each process measures what it does itself and adds it about
/// once a second, and when it closes its handle. A killed process takes with it what it had not
/// added. Where grants follow one another within 20 µs in one process, one in 64 is measured and
/// stands for all of them.
///
/// @param status who holds it and who waits, at the same moment
/// @param acquired grants that began
/// @param released grants that their holder gave back
/// @param lost grants that ended in any other way: holder dead, term over, force
/// @param held grants that stand now
/// @param queued those who had to stand in the queue
/// @param left those who went from the queue without a grant: timed out, interrupted, gave way,
///   dead
/// @param waiting those who wait now
/// @param ends how the [operations][Operation] ended, as far as that was measured; a kind that
///   never occurred is missing
/// @param waits from asking to the grant; of those who had the lock at once, zero
/// @param holds from the grant to its end
/// @param last the last [#LAST] operations that were measured, the newest last
/// @param resetAt when the statistics were reset, if ever
public record LockStatistics(
    LockStatus status,
    long acquired,
    long released,
    long lost,
    long held,
    long queued,
    long left,
    long waiting,
    Map<End, Long> ends,
    Spread waits,
    Spread holds,
    List<Operation> last,
    Optional<Instant> resetAt) {

  /// How many operations are remembered.
  public static final int LAST = 100;

  /// How durations spread.
  ///
  /// @param count how many there were; all else is zero when there were none
  /// @param total all of them together
  /// @param p50 half of them took no longer; like the next two within 1/32 of the true one
  public record Spread(
      long count,
      Duration total,
      Duration min,
      Duration mean,
      Duration p50,
      Duration p95,
      Duration p99,
      Duration max) {}

  /// One call that asked for the lock, from asking to its end; of a lease, which outlives its call,
  /// the beginning and the end apart.
  ///
  /// @param at when it ended, by the wall clock of the process that saw that
  /// @param owner who asked
  /// @param token the grant's, 0 when there was none
  /// @param waited how long it waited; empty when this process did not see it
  /// @param held how long the grant stood; empty when there was none, or it still stands
  /// @param times for how many like it this one stands, itself included
  public record Operation(
      Instant at,
      End end,
      Mode mode,
      Owner owner,
      long token,
      Optional<Duration> waited,
      Optional<Duration> held,
      long times) {}

  /// What the operations come to that ended at or after one moment.
  ///
  /// @param complete whether these are all that were measured, and none was let go of
  public record Window(
      Instant since,
      boolean complete,
      Map<End, Long> ends,
      Spread waits,
      Spread holds,
      List<Operation> operations) {}

  /// How an operation ended. What the application's own code throws is none of them.
  public enum End {
    /// The holder gave the lock back.
    RELEASED,
    /// The holder is dead.
    DIED,
    /// The term of the lease was over.
    EXPIRED,
    /// Somebody ended it by force.
    REVOKED,
    /// The grant became a lease, which stands on its own from now on.
    LEASED,
    /// The time to wait was over.
    TIMED_OUT,
    /// The lock was held, its queue was full, or it has another limit of permits.
    REFUSED,
    /// Waiting could never have ended.
    DEADLOCK,
    /// The caller was interrupted while it waited.
    CANCELLED,
    /// The engine could not answer.
    FAILED
  }

  /// The name of the lock.
  public String lock() {
    return status.lock();
  }

  /// Who has held it longest of those who hold it.
  public Optional<LockStatus.Holder> oldestHolder() {
    return status.holders().stream().max(Comparator.comparing(LockStatus.Holder::heldFor));
  }

  /// Who has waited longest of those who wait.
  public Optional<LockStatus.Waiter> oldestWaiter() {
    return status.queue().stream().max(Comparator.comparing(LockStatus.Waiter::waitedFor));
  }

  /// What was measured from a moment on, as far as the [#last] operations reach.
  public Window since(Instant moment) {
    Figures figures = new Figures();
    last.stream().filter(one -> !one.at().isBefore(moment)).forEach(figures::add);
    boolean complete = last.size() < LAST || last.getFirst().at().isBefore(moment);
    return new Window(
        moment,
        complete && resetAt.filter(moment::isBefore).isEmpty(),
        figures.ends(),
        figures.waits().spread(),
        figures.holds().spread(),
        figures.last());
  }

  /// What part of those who asked had to wait, 0 to 1: of all who were granted the lock, left the
  /// queue without it, or still stand there.
  public double contention() {
    return part(queued);
  }

  /// What part of those who asked left the queue without the lock, 0 to 1.
  public double abandonment() {
    return part(left);
  }

  private double part(long some) {
    long asked = acquired + left + waiting;
    return asked == 0 ? 0 : (double) some / asked;
  }
}
