package dev.truce.lock;

import dev.truce.EngineException;
import dev.truce.Fence;
import dev.truce.lock.LockMachine.Answer;
import dev.truce.lock.LockMachine.Command;
import dev.truce.lock.LockState.Hold;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Consumer;

/// A lock that was granted for a term, to whoever has its [handle][#handle()]: it outlives the
/// process that took it, and ends when its term is over, when it is [given back][#release()], or by
/// force. After its end nothing brings it back.
///
/// **States.** It *stands*, however often it is renewed and across restarts of the machine, until
/// it is *given back*, *over* or *ended by force*. These three are final: whatever is asked then is
/// refused with [LockLostException], which says what happened, or answered with no.
///
/// It is not closeable, for a `try` block must never give back what is meant to outlive it.
///
/// **Time.** Terms run on the host's time since boot, so nobody's setting of a clock ends a lease.
///
/// **Crash.** That it began, and that it ended, is safe where the engine is before the call that
/// did it returns. When the machine restarts, a lease that has not ended stands again with its
/// token, for its full term from the first opening on: it may last one term longer, and is never
/// held twice. Renewals are not kept.
///
/// **Threads.** Any thread of any process may use it.
public final class Lease {
  private final Locks room;
  private final Handle handle;

  /// Whether it was, or is being, given back by this object.
  private volatile boolean released;

  Lease(Locks room, Handle handle) {
    this.room = room;
    this.handle = handle;
  }

  /// The name of the lock.
  public String lock() {
    return handle.lock();
  }

  /// What entitles to this lease, for [dev.truce.Truce#lease(String)] in whatever process: `tl_`
  /// and 47 characters or more. Keep it from those who may only look.
  public String handle() {
    return handle.text();
  }

  /// What names this lease to those who look: 26 characters.
  public String id() {
    return LeaseId.write(handle.claim());
  }

  /// The grant's number, as [Grant#token()].
  public long token() {
    return handle.token();
  }

  /// The condition that this lease is current, for a write that must not happen late.
  public Fence fence() {
    return room.fence(lock(), token());
  }

  /// Makes it last for its [term][#term()] from now on, and answers until when.
  ///
  /// @throws LockLostException if it has ended
  /// @throws IllegalStateException if it was renewed [as often][NamedLock#withRenewals] as it may
  ///   be
  public Instant renew() {
    return renew(Terms.read(row().reason()).ttl());
  }

  /// Makes it last so long from now on, which may be shorter than it would have lasted, and answers
  /// until when.
  ///
  /// @throws LockLostException if it has ended
  /// @throws IllegalStateException if it was renewed [as often][NamedLock#withRenewals] as it may
  ///   be
  /// @throws IllegalArgumentException if that is not positive
  public Instant renew(Duration ttl) {
    Duration term = room.term(ttl);
    Instant end = Instant.now().plus(term);
    long until = room.ticker().nanos() + term.toNanos();
    return switch (room.command(lock(), new Command.Renew(row().token(), until)).answer()) {
      case Answer.Done _ -> end;
      case Answer.Refused _ ->
          throw new IllegalStateException(
              "the lease of "
                  + this
                  + " was renewed as often as it may be, and is over at "
                  + expiresAt()
                  + ": give it back, or take it anew after that");
      case Answer.Gone _, Answer.Queued _ -> throw room.lost(handle);
    };
  }

  /// Gives it back. That is safe when this returns.
  ///
  /// @throws LockLostException if it has ended before
  /// @throws dev.truce.OutcomeUnknownException if it has ended now, and that could not be made
  ///   safe: nobody is granted the lock before it is, which whoever comes next sees to; should the
  ///   machine stop before that, the lease stands again
  public void release() {
    Command release = new Command.Release(row().token(), handle.claim());
    released = true;
    boolean done = ended(release) instanceof Answer.Done;
    // It stood a moment ago: a swap of unknown outcome may have given it back already.
    if (!done && !room.givenBack(handle)) {
      released = false;
      throw room.lost(handle);
    }
  }

  private Answer ended(Command release) {
    try {
      return room.command(lock(), release).answer();
    } catch (EngineException failure) {
      if (isValid()) {
        released = false;
        throw failure;
      }
      throw Locks.notSafe("the lease of " + this + " is given back", failure);
    }
  }

  /// Whether it stands at this moment: a look, not a fence, for it may end right after.
  public boolean isValid() {
    return room.standing(handle).isPresent();
  }

  /// Calls `listener` once when it has ended without being [given back][#release()] by this object:
  /// a quarter of a second later at the latest, on a thread of Truce, which it must not block. Not
  /// any more once the Truce is closed, which the lease outlives.
  ///
  /// What must not be done by somebody who has lost it carries its [fence][#fence()] all the same:
  /// a process that was stopped is told when it goes on, and not before it does anything else.
  public void onLost(Consumer<Loss> listener) {
    room.watch(() -> {
      if (isValid()) {
        return false;
      }
      if (!released) {
        Held.tell(listener, new Loss(lock(), token(), room.howItEnded(handle)));
      }
      return true;
    });
  }

  /// For how long it lasts when it is renewed without saying for how long.
  ///
  /// @throws LockLostException if it has ended
  public Duration term() {
    return Terms.read(row().reason()).ttl();
  }

  /// Until when it lasts unless it is renewed, by this process's wall clock, for people.
  ///
  /// @throws LockLostException if it has ended
  public Instant expiresAt() {
    return Instant.now().plusNanos(Math.max(0, row().until() - room.ticker().nanos()));
  }

  private Hold row() {
    return room.standing(handle).orElseThrow(() -> room.lost(handle));
  }

  /// `build, token 118`.
  @Override
  public String toString() {
    return lock() + ", token " + token();
  }
}
