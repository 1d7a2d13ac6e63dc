package dev.truce.lock;

import dev.truce.Owner;
import dev.truce.lock.NamedLock.Mode;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// One lock at one moment.
///
/// @param token the last token it gave, 0 when it gave none since its name was last forgotten
/// @param permits how many [permits][Permits] there are; 1 for a lock
/// @param holders who holds it, in the order of the grants
/// @param queue who waits for it, in the order in which they will be served
public record LockStatus(
    String lock, State state, long token, int permits, List<Holder> holders, List<Waiter> queue) {

  /// What the lock is doing.
  public enum State {
    /// Nobody holds it.
    FREE,
    /// Somebody holds it.
    HELD,
    /// It is kept for a waiter that has not taken it up yet.
    OFFERED,
    /// A grant has ended and its token is being fenced.
    ENDING
  }

  /// Whether somebody is there.
  public enum Alive {
    YES,
    NO,
    UNKNOWN
  }

  /// Who holds.
  ///
  /// @param owner who it says it is
  /// @param token the newest
  /// @param tokens those that are current, in rising order: grants of one process may stand
  ///   together, and one that has ended stands until it is fenced
  /// @param grants how many grants share this hold
  /// @param expiresIn how long the grant lasts unless renewed; empty when it has no term
  /// @param evidence by what `alive` is known
  /// @param id the grant's id, as in `TRUCE_LEASE_ID`
  /// @param branch whether it goes through another holder's grant
  public record Holder(
      Owner owner,
      Mode mode,
      long token,
      List<Long> tokens,
      int grants,
      Duration heldFor,
      Optional<Duration> expiresIn,
      Alive alive,
      String evidence,
      String reason,
      String id,
      boolean branch) {}

  /// Who waits.
  ///
  /// @param position 1 is next
  /// @param waiters how many of one process stand here together
  /// @param absent it did not answer when its turn came, and is passed over until it does
  /// @param ticket the id of the ticket that keeps this place for a caller who is away, if one does
  public record Waiter(
      Owner owner,
      Mode mode,
      int position,
      int waiters,
      Duration waitedFor,
      boolean absent,
      Optional<String> ticket,
      String reason) {}

  /// Whether a grant with this token stands.
  public boolean isCurrent(long wanted) {
    return holders.stream().anyMatch(holder -> holder.tokens().contains(wanted));
  }

  /// Under which mode it is held, if it is.
  public Optional<Mode> mode() {
    return holders.isEmpty() ? Optional.empty() : Optional.of(holders.getFirst().mode());
  }

  /// How many wait.
  public int waiting() {
    return queue.stream().mapToInt(Waiter::waiters).sum();
  }

  /// A duration as people say it: `4m12s`.
  public static String brief(Duration duration) {
    long seconds = Math.max(0, duration.toSeconds());
    if (seconds >= 86_400) {
      return seconds / 86_400 + "d" + seconds % 86_400 / 3_600 + "h";
    }
    if (seconds >= 3_600) {
      return seconds / 3_600 + "h" + seconds % 3_600 / 60 + "m";
    }
    if (seconds >= 60) {
      return seconds / 60 + "m" + seconds % 60 + "s";
    }
    return seconds + "s";
  }
}
