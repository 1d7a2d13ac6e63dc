package dev.truce.lock;

import dev.truce.Owner;
import dev.truce.lock.LockState.Hold;
import dev.truce.lock.LockStatistics.End;
import dev.truce.lock.LockStatistics.Operation;
import dev.truce.lock.NamedLock.Mode;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// What becomes of one lock's operations in this process, as its [Gate] tells it: measured here, in
/// memory, and added to the [Bookkeeper]'s cell now and then.
///
/// A look at the clock when a grant ends costs a fifth of an acquire. So where grants follow one
/// another within [#CLOSE_NANOS], one in [#SAMPLE] is measured and counts for all of them; one that
/// waited longer than that is always measured.
///
/// **Threads.** Safe for any number of them. That two of them spoil each other's [#before] costs a
/// sample, no more.
final class Meter {
  private static final long CLOSE_NANOS = 20_000;
  private static final int SAMPLE = 64;

  private final Locks room;
  private final String name;

  /// What was measured of a grant when it began.
  ///
  /// @param waited for how long its holder had waited
  /// @param weight for how many grants it is measured, itself included
  record Begun(long at, long waited, int weight) {}

  private long before = Long.MIN_VALUE;
  private int closely;

  private final ReentrantLock adding = new ReentrantLock();

  /// What was measured and not added yet. Guarded by this.
  private @Nullable Figures pending;

  Meter(Locks room, String name) {
    this.room = room;
    this.name = name;
  }

  // ---- what the gate tells

  /// A grant began at once.
  void began(Held held, long now) {
    int weight = weight(now);
    if (weight != 0) {
      held.begun(new Begun(now, 0, weight));
    }
  }

  /// A grant began after a wait.
  void began(Held held, long now, long asked) {
    long waited = now - asked;
    int weight = waited > CLOSE_NANOS ? 1 : weight(now);
    if (weight != 0) {
      held.begun(new Begun(now, waited, weight));
    }
  }

  /// The holder gave it back.
  void released(Held held) {
    Begun begun = held.begun();
    if (begun != null) {
      measured(held, begun, End.RELEASED, Optional.of(since(begun.at())));
    }
  }

  /// It goes on as a lease.
  void leased(Held held) {
    Begun begun = held.begun();
    if (begun != null) {
      measured(held, begun, End.LEASED, Optional.empty());
    }
  }

  /// A ticket has become a lease, after so long a call.
  void taken(Hold lease, long waited) {
    measured(
        End.LEASED,
        lease.mode(),
        room.owner(),
        lease.token(),
        Optional.of(Duration.ofNanos(waited)),
        Optional.empty(),
        1);
  }

  /// The lock was not had.
  void refused(NamedLock wanted, long asked, Throwable why) {
    long now = room.ticker().nanos();
    int weight = now - asked > CLOSE_NANOS ? 1 : weight(now);
    if (weight != 0) {
      Optional<Duration> waited = Optional.of(Duration.ofNanos(now - asked));
      measured(end(why), wanted.mode(), room.owner(), 0, waited, Optional.empty(), weight);
    }
  }

  /// An end was put down, whoever began it. What a holder of this process gave back itself it has
  /// [told][#released] before.
  void putDown(Hold ending, Owner owner) {
    Ended.Kind kind = Ended.read(ending.reason()).kind();
    if (kind != Ended.Kind.RELEASED || ending.claim().member() == 0) {
      Optional<Duration> stood = Optional.of(since(ending.since()));
      measured(
          end(kind), ending.mode(), owner, ending.token(), Optional.empty(), stood, ending.count());
    }
  }

  private static End end(Ended.Kind kind) {
    return switch (kind) {
      case RELEASED -> End.RELEASED;
      case EXPIRED -> End.EXPIRED;
      case DIED -> End.DIED;
      case REVOKED -> End.REVOKED;
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

  // ---- measuring

  /// For how many grants one that begins now is measured, itself included; 0 for not at all.
  private int weight(long now) {
    long since = now - before;
    before = now;
    if (since < 0 || since > CLOSE_NANOS) {
      return 1;
    }
    return ++closely % SAMPLE == 0 ? SAMPLE : 0;
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
