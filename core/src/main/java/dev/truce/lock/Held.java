package dev.truce.lock;

import dev.truce.TruceException;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.LockState.Hold;
import dev.truce.lock.LockState.Phase;
import dev.truce.lock.NamedLock.Mode;
import dev.truce.spi.Cells.Cell;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// One token in this process, shared by the [Grant]s that re-entered it: the last one frees it.
final class Held implements Locks.Watched {
  private final Gate gate;
  private final long arrival;
  private volatile long token;
  private volatile Mode mode;
  private volatile Claim claim;

  /// Under which claim it may stand in a moment, because it is being upgraded.
  private volatile @Nullable Claim next;

  private boolean wanted = true;
  private boolean unsaid;

  private volatile @Nullable Thread party;
  private int grants = 1;
  private boolean ended;
  private @Nullable Cell left;
  private Meter.@Nullable Begun begun;
  private @Nullable Instant leftAt;
  private @Nullable Loss loss;
  private @Nullable List<Consumer<Loss>> listeners;

  Held(Gate gate, long token, Mode mode, Claim claim, long arrival, @Nullable Thread party) {
    this.gate = gate;
    this.token = token;
    this.mode = mode;
    this.claim = claim;
    this.arrival = arrival;
    this.party = party;
  }

  Gate gate() {
    return gate;
  }

  long token() {
    return token;
  }

  Mode mode() {
    return mode;
  }

  Claim claim() {
    return claim;
  }

  long arrival() {
    return arrival;
  }

  /// The cell as the short way left it. Unguarded: who does not see it takes the long way.
  @Nullable Cell left() {
    return left;
  }

  void left(Cell cell) {
    left = cell;
  }

  /// What was measured of its beginning. Unguarded: who does not see it measures nothing.
  Meter.@Nullable Begun begun() {
    return begun;
  }

  void begun(Meter.Begun how) {
    begun = how;
  }

  /// Since when nothing of its holder is under the lock, as far as that is recorded. Unguarded: it
  /// is for who gives it back.
  @Nullable Instant leftAt() {
    return leftAt;
  }

  void leaves(Instant moment) {
    leftAt = moment;
  }

  /// Whether this thread waited for it, and would wait for itself if it asked again.
  boolean belongsTo(Thread thread) {
    return thread.equals(party);
  }

  /// From now on it is nobody's in particular.
  void handOver() {
    Thread before = party;
    party = null;
    gate.handedOver(before);
  }

  /// It may get another token and this claim at any moment.
  void changing(Claim newClaim) {
    next = newClaim;
  }

  /// Under this claim it stands.
  void under(Claim present) {
    claim = present;
  }

  /// Whether a row of its member is the one that it has been upgraded to.
  boolean isNow(Hold hold) {
    return next != null
        && hold.mode() == Mode.WRITE
        && hold.phase() == Phase.HELD
        && (hold.claim().equals(next) || hold.claim().equals(claim));
  }

  /// It stands in another way.
  void become(Hold hold) {
    claim = hold.claim();
    token = hold.token();
    mode = hold.mode();
    next = null;
  }

  /// It counts as a reader's from now on; the cell does not say so yet.
  void reads() {
    mode = Mode.READ;
    wanted = true;
    unsaid = true;
  }

  /// The cell says what it is.
  void said(Mode there) {
    mode = there;
    unsaid = false;
  }

  /// Whether it is a reader's here, and perhaps a writer's in the cell. Guarded by the gate's
  /// mutex.
  boolean isUnsaid() {
    return unsaid;
  }

  /// Whether somebody wants it to be as it is. Guarded by the gate's mutex.
  boolean wanted() {
    return wanted;
  }

  void wanted(boolean now) {
    wanted = now;
  }

  @Nullable Thread party() {
    return party;
  }

  /// It stands as it stood.
  void unchanged() {
    next = null;
  }

  synchronized boolean reenter() {
    if (ended || loss != null) {
      return false;
    }
    grants++;
    return true;
  }

  void leave() {
    synchronized (this) {
      if (--grants > 0) {
        return;
      }
      ended = true;
    }
    gate.release(this);
  }

  boolean valid() {
    synchronized (this) {
      if (ended || loss != null) {
        return false;
      }
    }
    if (gate.holds(this)) {
      return true;
    }
    String cause = "its place was ended by somebody else, or this process was taken for dead";
    if (lose(cause)) {
      gate.meter().lost(this, cause);
    }
    return false;
  }

  @Override
  public boolean ended() {
    return !valid();
  }

  /// Whether the state still has it at `now`.
  boolean standsIn(LockState state, long now) {
    for (Hold hold : state.holds()) {
      if (hold.claim().member() == claim.member()
          && (hold.has(token) || isNow(hold))
          && (hold.parent().equals(Claim.NONE) || hold.claim().equals(claim))
          && hold.phase() != Phase.ENDING) {
        return hold.until() == 0 || now < hold.until();
      }
    }
    return false;
  }

  void onLost(Consumer<Loss> listener) {
    Loss known;
    synchronized (this) {
      known = loss;
      if (known == null && !ended) {
        listeners = listeners == null ? new ArrayList<>(1) : listeners;
        listeners.add(listener);
      }
    }
    if (known != null) {
      tell(listener, known);
    }
  }

  /// Tells its listeners that it is no more, once. True when this did.
  boolean lose(String cause) {
    List<Consumer<Loss>> told;
    Loss known = new Loss(gate.name(), token, cause);
    synchronized (this) {
      if (ended || loss != null) {
        return false;
      }
      loss = known;
      told = listeners == null ? List.of() : List.copyOf(listeners);
    }
    told.forEach(listener -> tell(listener, known));
    return true;
  }

  static void tell(Consumer<Loss> listener, Loss loss) {
    try {
      listener.accept(loss);
    } catch (RuntimeException | Error failure) {
      // Whoever tells of a loss has others to tell, and locks to give back.
      Log.LOG.log(
          System.Logger.Level.WARNING,
          "a listener for the loss of " + loss.lock() + " threw",
          failure);
    }
  }

  void releaseFailed(TruceException failure) {
    Log.LOG.log(
        System.Logger.Level.WARNING,
        gate.name()
            + " with token "
            + token
            + " could not be given back; it is free when this process ends",
        failure);
  }
}
