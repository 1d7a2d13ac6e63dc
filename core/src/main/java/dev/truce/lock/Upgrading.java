package dev.truce.lock;

import dev.truce.EngineException;
import dev.truce.OutcomeUnknownException;
import dev.truce.TruceException;
import dev.truce.lock.LockMachine.Answer;
import dev.truce.lock.LockMachine.Command;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.LockState.Hold;
import dev.truce.lock.LockState.Phase;
import dev.truce.lock.NamedLock.Mode;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// How a grant of this process becomes a writer's and a reader's again: the part of a [Gate] that
/// changes what stands.
///
/// An upgrade is asked for once and comes about by whoever's step removes the last other reader, so
/// the gate has it [taken up][#takeUp()] whenever it has read the cell.
///
/// **Threads.** One at a time, under the gate's mutex, but for [#upgrade], [#downgrade] and
/// [#hint()].
final class Upgrading {
  private final Locks room;
  private final Gate gate;
  private final ReentrantLock mutex;
  private final LockCell cell;
  private final Map<Long, Held> holds;

  /// The reader of this process that becomes a writer, if one does.
  private volatile @Nullable Upgrade upgrade;

  /// A thread that waits for the other readers to leave.
  private final class Upgrade {
    private final Held held;
    private final long since = room.ticker().nanos();
    private final Thread thread = Thread.currentThread();

    /// Whether the thread has gone, and the engine could not be told.
    private boolean givenUp;

    Upgrade(Held held) {
      this.held = held;
    }
  }

  /// @param holds the gate's, by token
  Upgrading(Locks room, Gate gate, ReentrantLock mutex, LockCell cell, Map<Long, Held> holds) {
    this.room = room;
    this.gate = gate;
    this.mutex = mutex;
    this.cell = cell;
    this.holds = holds;
  }

  /// Something may have changed.
  void hint() {
    Upgrade one = upgrade;
    if (one != null) {
      LockSupport.unpark(one.thread);
    }
  }

  // ---- to a writer

  void upgrade(Held held, Duration wait) throws InterruptedException {
    long token = held.token();
    long began = room.ticker().nanos();
    try {
      upgrade(held, began, wait);
    } catch (TruceException | InterruptedException why) {
      gate.meter().notUpgraded(token, began, why);
      throw why;
    }
  }

  private void upgrade(Held held, long began, Duration wait) throws InterruptedException {
    String writing = "while waiting to write " + gate.name();
    if (Thread.interrupted()) {
      throw new InterruptedException(writing);
    }
    if (begin(held)) {
      return;
    }
    Jfr.Waited recorded = gate.meter().waits(Mode.WRITE, held.token());
    Vigil.@Nullable End end = null;
    List<Refusal.Link> ring = List.of();
    try (Vigil vigil = new Alone(held, began)) {
      end = vigil.keep(Locks.deadline(began, wait));
      ring = vigil.struck();
    } finally {
      end(held, end == Vigil.End.INTERRUPTED);
      gate.meter().waited(recorded, Mode.WRITE, held.mode() == Mode.WRITE ? held.token() : 0);
    }
    if (end == Vigil.End.INTERRUPTED) {
      throw Vigil.interrupted(writing);
    }
    if (held.mode() == Mode.READ) {
      throw (end == Vigil.End.STRUCK
              ? refused(Refusal.Kind.DEADLOCK).inRing(ring)
              : refused(Locks.waits(wait) ? Refusal.Kind.TIMEOUT : Refusal.Kind.HELD))
          .exception();
    }
  }

  /// The wait until no other reads.
  private final class Alone extends Vigil {
    private final Held held;
    private final long since;

    Alone(Held held, long since) {
      super(room, gate, false);
      this.held = held;
      this.since = since;
    }

    @Override
    Waits.@Nullable Told tell() {
      return room.waits().tellUpgrade(gate.name(), held);
    }

    /// @throws LockLostException if the grant has ended meanwhile
    @Override
    boolean isServed() {
      if (held.mode() == Mode.READ && !held.valid()) {
        throw lost(held);
      }
      return held.mode() == Mode.WRITE;
    }

    @Override
    long look() {
      mutex.lock();
      try {
        long now = room.ticker().nanos(); // from before the look, as of all that wait
        LockState state = gate.settled();
        return held.mode() == Mode.WRITE
            ? Long.MIN_VALUE
            : Math.min(now + room.recheck(now - since), LockMachine.nextSettling(state));
      } finally {
        mutex.unlock();
      }
    }
  }

  /// Asks to write; true if that is so at once.
  private boolean begin(Held held) {
    mutex.lock();
    try {
      gate.settleAlone(held);
      if (held.isUnsaid()) {
        // Not looked up: a swap of unknown outcome could make it a reader's after that.
        boolean _ = say(held);
      }
      if (held.mode() == Mode.WRITE) {
        held.wanted(true);
        return true;
      }
      checkHeld(held);
      if (upgrade != null || holdsAnother(Thread.currentThread(), held)) {
        throw refused(Refusal.Kind.DEADLOCK).exception();
      }
      upgrade = new Upgrade(held);
      Claim claim = room.newClaim();
      held.changing(claim);
      boolean asked = false;
      try {
        Answer answer = gate.apply(new Command.Upgrade(held.token(), claim)).answer();
        if (answer instanceof Answer.Refused) {
          throw refused(Refusal.Kind.DEADLOCK).exception();
        }
        if (!(answer instanceof Answer.Done)) {
          throw lost(held);
        }
        asked = true;
      } finally {
        if (!asked) {
          abandon(held);
        }
      }
      return held.mode() == Mode.WRITE;
    } finally {
      mutex.unlock();
    }
  }

  private boolean holdsAnother(Thread thread, Held held) {
    return holds.values().stream()
        .anyMatch(other -> other != held && other.belongsTo(thread) && gate.holds(other));
  }

  /// The wait is over, in whatever way. One that was interrupted leaves nothing behind.
  private void end(Held held, boolean interrupted) {
    mutex.lock();
    try {
      if (held.mode() == Mode.READ) {
        abandon(held);
      }
      if (interrupted && held.mode() == Mode.WRITE && holds.containsKey(held.token())) {
        toReaderSoon(held);
      }
    } finally {
      mutex.unlock();
    }
  }

  /// Gives an upgrade up, unless it has come about. If the engine does not answer, that is done
  /// later.
  private void abandon(Held held) {
    Upgrade one = upgrade;
    if (one == null || one.held != held) {
      return;
    }
    try {
      gate.apply(new Command.Abandon(held.token()));
      endOf(one);
    } catch (EngineException | OutcomeUnknownException failure) {
      one.givenUp = true;
      room.later(() -> abandonLater(one));
    }
  }

  private boolean abandonLater(Upgrade one) {
    mutex.lock();
    try {
      if (upgrade == one) {
        gate.apply(new Command.Abandon(one.held.token()));
        endOf(one);
      }
      return true;
    } finally {
      mutex.unlock();
    }
  }

  private void endOf(Upgrade one) {
    if (upgrade == one) {
      upgrade = null;
      one.held.unchanged();
    }
  }

  /// Takes up what the upgrade of this process has become, by whoever's step.
  void takeUp() {
    Upgrade one = upgrade;
    if (one == null) {
      return;
    }
    for (Hold hold : cell.state().holds()) {
      if (hold.claim().member() != room.member() || hold.phase() == Phase.ENDING) {
        continue;
      }
      if (one.held.isNow(hold)) {
        written(one, hold);
        return;
      }
      if (hold.parent().equals(Claim.NONE) && hold.has(one.held.token())) {
        one.held.under(hold.claim());
      }
    }
  }

  private void written(Upgrade one, Hold hold) {
    long reading = one.held.token();
    if (holds.remove(reading, one.held)) {
      holds.put(hold.token(), one.held);
    }
    one.held.become(hold);
    upgrade = null;
    gate.meter().upgraded(one.held, reading, one.since);
    room.waits().heldChanged(one.held.party());
    if (one.givenUp) {
      one.held.wanted(false);
      room.later(() -> readAgain(one.held));
    }
    if (!one.thread.equals(Thread.currentThread())) {
      LockSupport.unpark(one.thread);
    }
  }

  // ---- to a reader

  void downgrade(Held held) {
    mutex.lock();
    try {
      gate.settleAlone(held);
      checkHeld(held);
      if (held.mode() == Mode.WRITE || held.isUnsaid()) {
        toReader(held);
      }
    } finally {
      mutex.unlock();
    }
  }

  /// The same where nobody is to be told that the engine did not answer.
  private void toReaderSoon(Held held) {
    try {
      toReader(held);
    } catch (EngineException | OutcomeUnknownException later) {
      Log.LOG.log(System.Logger.Level.DEBUG, "reads later: " + gate.name(), later);
    }
  }

  /// From before it is asked for it counts as a reader's: nobody can tell when others come in. If
  /// the engine does not answer, it is asked again until it does.
  private void toReader(Held held) {
    held.reads();
    try {
      if (!say(held)) {
        throw new IllegalStateException(
            gate.name() + " cannot be held for reading: a nested run writes, or it is a permit");
      }
    } catch (EngineException | OutcomeUnknownException failure) {
      room.later(() -> sayLater(held));
      throw failure;
    }
  }

  private boolean sayLater(Held held) {
    mutex.lock();
    try {
      if (held.isUnsaid() && holds.get(held.token()) == held) {
        boolean _ = say(held);
      }
      return true;
    } finally {
      mutex.unlock();
    }
  }

  /// Has the cell say that it is a reader's; false if it has to stay a writer's.
  private boolean say(Held held) {
    Instant since = Instant.now();
    Answer answer = gate.apply(new Command.Downgrade(held.token())).answer();
    if (answer instanceof Answer.Refused) {
      held.said(Mode.WRITE);
      return false;
    }
    if (!(answer instanceof Answer.Done)) {
      throw lost(held);
    }
    held.said(Mode.READ);
    gate.meter().downgraded(held, since);
    return true;
  }

  /// A grant that was made a writer's after its upgrade had failed is made a reader's again, unless
  /// somebody wants it so by now.
  private boolean readAgain(Held held) {
    mutex.lock();
    try {
      if (!held.wanted() && held.mode() == Mode.WRITE && holds.get(held.token()) == held) {
        toReader(held);
      }
      return true;
    } finally {
      mutex.unlock();
    }
  }

  // ---- refusals

  private void checkHeld(Held held) {
    if (holds.get(held.token()) != held) {
      throw lost(held);
    }
  }

  private LockLostException lost(Held held) {
    return new LockLostException(gate.name(), held.token());
  }

  /// Names a holder that is none of this process's grants, if one can be seen.
  private Refusal refused(Refusal.Kind kind) {
    Optional<LockStatus.Holder> other =
        room.describe(gate.name(), cell.state()).holders().stream()
            .filter(holder -> holds.values().stream().noneMatch(mine -> isOf(mine, holder)))
            .findFirst();
    return Refusal.of(kind, gate.name(), Mode.WRITE, other);
  }

  private static boolean isOf(Held mine, LockStatus.Holder holder) {
    return holder.grants() == 1 && holder.token() == mine.token();
  }
}
