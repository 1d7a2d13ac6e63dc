package dev.truce.lock;

import dev.truce.Owner;
import dev.truce.event.LockEvent;
import dev.truce.lock.LockState.Hold;
import dev.truce.lock.LockStatistics.End;
import dev.truce.lock.LockStatistics.Operation;
import dev.truce.lock.NamedLock.Mode;
import dev.truce.lock.Traffic.What;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;

/// What becomes of one lock's operations in this process, as its [Gate] tells it: measured here, in
/// memory, and added to the [Bookkeeper]'s cell now and then; told to listeners, to a flight
/// recording and to the [Recorder], where there are any or where the lock's traffic is recorded.
///
/// A look at the clock when a grant ends costs a fifth of an acquire. So where grants follow one
/// another within [#CLOSE_NANOS], one in [#SAMPLE] is measured and counts for all of them; one that
/// waited longer than that is always measured.
///
/// **Threads.** Safe for any number of them. That two of them spoil each other's [#before] costs a
/// sample, no more.
final class Meter {
  private static final long CLOSE_NANOS = 20_000;

  /// How often it is looked at whether the lock's traffic is recorded.
  private static final long LOOK_NANOS = 1_000_000_000L;

  /// A power of two.
  private static final int SAMPLE = 64;

  private final Locks room;
  private final String name;
  private final boolean listening;
  private final boolean measuring;

  /// What is known of a grant when it begins.
  ///
  /// @param waited for how long its holder had waited
  /// @param weight for how many grants it is measured, itself included; 0 if for none
  /// @param recorded what a flight recording is told of it in the end
  record Begun(long at, long waited, int weight, Jfr.@Nullable LockHold recorded) {}

  private long before = Long.MIN_VALUE;
  private int closely;

  /// Whether the lock's traffic is recorded.
  private boolean recording;

  /// When that was last known. Set behind it, so that whoever sees this one sees that one, too:
  /// those that come at the same time look, each of them.
  private volatile long looked = Long.MIN_VALUE / 2;

  private final ReentrantLock adding = new ReentrantLock();

  /// What was measured and not added yet. Guarded by this.
  private @Nullable Figures pending;

  Meter(Locks room, String name) {
    this.room = room;
    this.name = name;
    this.listening = room.isListening();
    this.measuring = room.isMeasuring();
  }

  // ---- what the gate tells

  /// Somebody is about to ask for the lock. Whether its traffic is recorded is looked at now and
  /// then, before anything is had: somebody else may have switched that about a second ago.
  void asking(long now) {
    if (now - looked >= LOOK_NANOS) {
      room.recorder().isOn(name).ifPresent(this::record);
      looked = now;
    }
  }

  /// A grant began at once.
  void began(Held held, long now) {
    int weight = weight(now);
    if (weight != 0 || isWatched()) {
      noted(held, now, 0, weight);
    }
  }

  /// A grant began after a wait.
  void began(Held held, long now, long asked) {
    long waited = now - asked;
    int weight = waited > CLOSE_NANOS && measuring ? 1 : weight(now);
    if (weight != 0 || isWatched()) {
      noted(held, now, waited, weight);
    }
  }

  /// Whether somebody wants to hear of each one.
  private boolean isWatched() {
    return listening || recording || isRecorded();
  }

  /// Called anew, it changes nothing.
  private synchronized void record(boolean on) {
    if (on && !recording) {
      room.recorder().begin();
    }
    if (!on && recording) {
      room.recorder().end();
    }
    recording = on;
  }

  /// Nothing is told to this one any more.
  void stop() {
    record(false);
  }

  /// Whether a flight recorder was ever started in this JVM.
  private static boolean isRecorded() {
    return FlightRecorder.isInitialized();
  }

  private void noted(Held held, long now, long waited, int weight) {
    held.begun(new Begun(now, waited, weight, isRecorded() ? Jfr.hold() : null));
    if (recording) {
      note(What.GRANTED, held.mode(), held.token(), Instant.now(), Duration.ofNanos(waited), null);
    }
    if (listening) {
      room.tell(
          new LockEvent.Acquired(
              Instant.now(),
              name,
              held.mode() == Mode.WRITE,
              held.token(),
              Duration.ofNanos(waited)));
    }
  }

  /// The holder is about to give it back: what follows is not under the lock.
  void leaving(Held held) {
    if (recording && held.leftAt() == null) {
      held.leaves(Instant.now());
    }
  }

  /// The holder gave it back.
  void released(Held held) {
    Begun begun = held.begun();
    if (begun != null) {
      released(held, begun);
    }
    Instant left = held.leftAt();
    if (left != null) {
      note(
          What.RELEASED,
          held.mode(),
          held.token(),
          left,
          null,
          begun == null ? null : since(begun.at()));
    }
  }

  private void released(Held held, Begun begun) {
    Duration stood = since(begun.at());
    if (begun.weight() != 0) {
      measured(held, begun, End.RELEASED, Optional.of(stood));
    }
    if (begun.recorded() != null) {
      Jfr.commit(begun.recorded(), name, held.mode(), held.token());
    }
    if (listening) {
      room.tell(
          new LockEvent.Released(
              Instant.now(), name, held.mode() == Mode.WRITE, held.token(), stood));
    }
  }

  /// It ended without the holder's doing.
  void lost(Held held, String cause) {
    Begun begun = held.begun();
    if (begun != null && begun.recorded() != null) {
      Jfr.commit(begun.recorded(), name, held.mode(), held.token());
    }
    if (isRecorded()) {
      Jfr.lost(name, held.mode(), held.token(), room.owner(), cause);
    }
    if (listening) {
      room.tell(
          new LockEvent.Lost(Instant.now(), name, held.mode() == Mode.WRITE, held.token(), cause));
    }
  }

  /// A reader has become a writer. The one ends with it and the other begins, for they have two
  /// tokens.
  ///
  /// @param token the reader's
  void upgraded(Held held, long token, long asked) {
    long now = room.ticker().nanos();
    long waited = Math.max(0, now - asked);
    Begun begun = held.begun();
    if (begun != null) {
      endsReading(begun, token);
      int weight = waited > CLOSE_NANOS && measuring ? 1 : begun.weight();
      held.begun(new Begun(now, waited, weight, isRecorded() ? Jfr.hold() : null));
    }
    if (recording) {
      Instant at = Instant.now();
      Duration stood = begun == null ? null : since(begun.at());
      note(What.RELEASED, Mode.READ, token, at, null, stood);
      note(What.UPGRADED, Mode.WRITE, held.token(), at, Duration.ofNanos(waited), null);
    }
    if (listening) {
      Duration after = Duration.ofNanos(waited);
      room.tell(new LockEvent.Upgraded(Instant.now(), name, token, held.token(), after));
    }
  }

  private void endsReading(Begun begun, long token) {
    if (begun.weight() != 0) {
      measured(
          End.RELEASED,
          Mode.READ,
          room.owner(),
          token,
          Optional.of(Duration.ofNanos(begun.waited())),
          Optional.of(since(begun.at())),
          begun.weight());
    }
    if (begun.recorded() != null) {
      Jfr.commit(begun.recorded(), name, Mode.READ, token);
    }
  }

  /// A writer has become a reader, whose token is the same.
  ///
  /// @param since from when on it counts as one
  void downgraded(Held held, Instant since) {
    Begun begun = held.begun();
    if (begun != null && begun.recorded() != null) {
      Jfr.commit(begun.recorded(), name, Mode.WRITE, held.token());
      held.begun(new Begun(begun.at(), begun.waited(), begun.weight(), Jfr.hold()));
    }
    if (recording) {
      note(What.DOWNGRADED, Mode.READ, held.token(), since, null, null);
    }
    if (listening) {
      room.tell(new LockEvent.Downgraded(since, name, held.token()));
    }
  }

  /// It goes on as a lease.
  void leased(Held held) {
    Begun begun = held.begun();
    if (begun != null && begun.weight() != 0) {
      measured(held, begun, End.LEASED, Optional.empty());
    }
    if (begun != null && begun.recorded() != null) {
      Jfr.commit(begun.recorded(), name, held.mode(), held.token());
    }
    if (recording) {
      note(What.LEASED, held.mode(), held.token(), Instant.now(), null, null);
    }
  }

  /// A ticket has become a lease, after so long a call.
  void taken(Hold lease, long waited) {
    Duration after = Duration.ofNanos(waited);
    measured(
        End.LEASED,
        lease.mode(),
        room.owner(),
        lease.token(),
        Optional.of(after),
        Optional.empty(),
        1);
    if (recording) {
      note(What.GRANTED, lease.mode(), lease.token(), Instant.now(), after, null);
      note(What.LEASED, lease.mode(), lease.token(), Instant.now(), null, null);
    }
    if (listening) {
      room.tell(
          new LockEvent.Acquired(
              Instant.now(), name, lease.mode() == Mode.WRITE, lease.token(), after));
    }
  }

  /// A thread waits. What is answered is to be given to [#waited].
  ///
  /// @param token of a reader that waits to be a writer, else 0
  Jfr.@Nullable Waited waits(Mode mode, long token) {
    if (listening) {
      room.tell(new LockEvent.Waiting(Instant.now(), name, mode == Mode.WRITE));
    }
    if (recording) {
      note(What.WAITING, mode, token, Instant.now(), null, null);
    }
    return isRecorded() ? Jfr.await() : null;
  }

  /// It waits no more.
  ///
  /// @param token of what it was granted, 0 if it was not
  void waited(Jfr.@Nullable Waited recorded, Mode mode, long token) {
    if (recorded != null) {
      Jfr.commit(recorded, name, mode, token);
    }
  }

  /// The lock was not had.
  void refused(Mode mode, long asked, Throwable cause) {
    refused(mode, 0, asked, cause);
  }

  /// A reader was not made a writer; that its grant was lost meanwhile is told as that.
  ///
  /// @param token the reader's
  void notUpgraded(long token, long asked, Throwable cause) {
    if (!(cause instanceof LockLostException)) {
      refused(Mode.WRITE, token, asked, cause);
    }
  }

  private void refused(Mode mode, long token, long asked, Throwable cause) {
    long now = room.ticker().nanos();
    End why = end(cause);
    Duration waited = Duration.ofNanos(Math.max(0, now - asked));
    int weight = now - asked > CLOSE_NANOS && measuring ? 1 : weight(now);
    if (weight != 0) {
      measured(why, mode, room.owner(), 0, Optional.of(waited), Optional.empty(), weight);
    }
    if (recording) {
      note(what(why), mode, token, Instant.now(), waited, null);
    }
    if (isRecorded()) {
      Jfr.refused(name, mode, token, why);
    }
    if (listening) {
      boolean writing = mode == Mode.WRITE;
      room.tell(new LockEvent.Refused(Instant.now(), name, writing, why(why), waited));
    }
  }

  private static LockEvent.Why why(End end) {
    return switch (end) {
      case TIMED_OUT -> LockEvent.Why.TIMED_OUT;
      case DEADLOCK -> LockEvent.Why.DEADLOCK;
      case CANCELLED -> LockEvent.Why.CANCELLED;
      case REFUSED -> LockEvent.Why.HELD;
      case FAILED, RELEASED, DIED, EXPIRED, REVOKED, LEASED -> LockEvent.Why.FAILED;
    };
  }

  /// An end was put down, whoever began it. What a holder of this process gave back itself it has
  /// [told][#released] before.
  ///
  /// @param at when: before anybody else was granted it for that
  void putDown(Hold ending, Owner owner, Instant at) {
    Ended.Kind kind = Ended.read(ending.reason()).kind();
    if (kind == Ended.Kind.RELEASED && ending.claim().member() != 0) {
      return;
    }
    asking(room.ticker().nanos()); // who only looks has not asked
    Duration stood = since(ending.since());
    measured(
        end(kind),
        ending.mode(),
        owner,
        ending.token(),
        Optional.empty(),
        Optional.of(stood),
        ending.count());
    if (recording) {
      note(what(end(kind)), ending.mode(), ending.token(), owner, at, null, stood);
    }
    if (isRecorded() && kind != Ended.Kind.RELEASED) {
      Jfr.lost(name, ending.mode(), ending.token(), owner, cause(kind));
    }
    if (listening) {
      boolean writing = ending.mode() == Mode.WRITE;
      room.tell(new LockEvent.Ended(at, name, writing, ending.token(), owner, how(kind), stood));
    }
  }

  private static String cause(Ended.Kind kind) {
    return switch (kind) {
      case RELEASED -> "given back";
      case EXPIRED -> "its term is over";
      case DIED -> "its holder is dead";
      case REVOKED -> "ended by force";
    };
  }

  private static LockEvent.How how(Ended.Kind kind) {
    return switch (kind) {
      case RELEASED -> LockEvent.How.RELEASED;
      case EXPIRED -> LockEvent.How.EXPIRED;
      case DIED -> LockEvent.How.DIED;
      case REVOKED -> LockEvent.How.REVOKED;
    };
  }

  private static End end(Ended.Kind kind) {
    return switch (kind) {
      case RELEASED -> End.RELEASED;
      case EXPIRED -> End.EXPIRED;
      case DIED -> End.DIED;
      case REVOKED -> End.REVOKED;
    };
  }

  private static What what(End end) {
    return switch (end) {
      case RELEASED -> What.RELEASED;
      case DIED -> What.DIED;
      case EXPIRED -> What.EXPIRED;
      case REVOKED -> What.REVOKED;
      case LEASED -> What.LEASED;
      case TIMED_OUT -> What.TIMED_OUT;
      case REFUSED -> What.REFUSED;
      case DEADLOCK -> What.DEADLOCK;
      case CANCELLED -> What.CANCELLED;
      case FAILED -> What.FAILED;
    };
  }

  private static End end(Throwable why) {
    return switch (why) {
      case NotAcquiredException refused ->
          switch (refused.refusal().kind()) {
            case TIMEOUT -> End.TIMED_OUT;
            case HELD, QUEUE_FULL, OTHER_LIMIT -> End.REFUSED;
            case DEADLOCK -> End.DEADLOCK;
          };
      case InterruptedException interrupted -> End.CANCELLED;
      default -> End.FAILED;
    };
  }

  // ---- recording

  private void note(
      What what,
      Mode mode,
      long token,
      Instant at,
      @Nullable Duration waited,
      @Nullable Duration stood) {
    note(what, mode, token, room.owner(), at, waited, stood);
  }

  private void note(
      What what,
      Mode mode,
      long token,
      Owner owner,
      Instant at,
      @Nullable Duration waited,
      @Nullable Duration stood) {
    room.recorder()
        .note(
            new Traffic.Event(
                at,
                what,
                name,
                mode,
                token,
                owner,
                Optional.ofNullable(waited),
                Optional.ofNullable(stood)));
  }

  // ---- measuring

  /// For how many grants one that begins now is measured, itself included; 0 for not at all.
  private int weight(long now) {
    if (!measuring) {
      return 0;
    }
    long since = now - before;
    before = now;
    if (since < 0 || since > CLOSE_NANOS) {
      return 1;
    }
    return (++closely & (SAMPLE - 1)) == 0 ? SAMPLE : 0;
  }

  private Duration since(long moment) {
    return Duration.ofNanos(Math.max(0, room.ticker().nanos() - moment));
  }

  private void measured(Held held, Begun begun, End end, Optional<Duration> stood) {
    Optional<Duration> waited = Optional.of(Duration.ofNanos(begun.waited()));
    measured(end, held.mode(), room.owner(), held.token(), waited, stood, begun.weight());
  }

  private void measured(
      End end,
      Mode mode,
      Owner owner,
      long token,
      Optional<Duration> waited,
      Optional<Duration> stood,
      int weight) {
    if (!measuring) {
      return;
    }
    Instant at = Instant.ofEpochMilli(System.currentTimeMillis());
    Operation one = new Operation(at, end, mode, owner, token, waited, stood, weight);
    synchronized (this) {
      Figures figures = pending == null ? new Figures() : pending;
      figures.add(one);
      pending = figures;
    }
    room.book().due();
  }

  /// Adds to the cell what was measured until now. True if there was anything that nobody else was
  /// about to add; when this returns, that is done, too.
  boolean add() {
    adding.lock();
    try {
      Figures measured = taken();
      if (measured != null) {
        room.book().add(name, measured);
      }
      return measured != null;
    } finally {
      adding.unlock();
    }
  }

  private synchronized @Nullable Figures taken() {
    Figures measured = pending;
    pending = null;
    return measured;
  }
}
