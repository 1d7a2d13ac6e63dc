package dev.truce.store;

import dev.truce.TruceException;
import dev.truce.spi.Ticker;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// One object that many threads of this JVM read and write: readers never wait, and writers follow
/// one another in the order in which they asked.
///
/// What was committed never changes; a write works on a draft, and its commit puts the draft in the
/// place of what was there. So whoever has read an object has a snapshot, for as long as it keeps
/// it. An object that is made anew for every change needs nothing more:
///
///     Shared<Map<String, Doc>> index = Shared.of(Map.of());
///     index.update(limit, docs -> with(docs, id, doc));
///
/// Of one that is changed in place, such as a `HashMap`, say how it is [copied][#of(Object,
/// UnaryOperator)].
///
/// **Limits.** A write has one limit, which counts twice: for the wait until its turn has come, and
/// anew for its body, which runs on the caller's thread and is never interrupted. A body that
/// commits when its time is over is refused, and nothing has changed. Zero or less is refused at
/// once, and does not run the body: it could never commit. What the body does besides takes as long
/// as it takes, and the others wait for it.
///
/// **Interruption** leaves nothing behind. Who is interrupted after its turn has come goes on, and
/// stays interrupted.
///
/// **Threads.** Any. A body that writes to the object that it is writing to already is an
/// [IllegalStateException]. Two objects that are written to under one another, in either order,
/// wait for each other until a limit is over.
///
/// **Memory.** What a thread did before it committed happened before what another does after it has
/// read what was committed, or that [epoch][#epoch()].
///
/// Nothing of it survives the process.
public final class Shared<T> {
  /// How many writers wait at most. One more would wait for long, and to be told so at once is
  /// worth more to it.
  public static final int MAX_WAITING = 100;

  /// What stands since a commit.
  private record Version<T>(T value, long epoch) {}

  private final UnaryOperator<T> copy;
  private final Ticker ticker;
  private final Turns turns;

  /// Apart, so that readers on many processors do not contend for one counter.
  private final LongAdder readersCame = new LongAdder();

  private final LongAdder readersLeft = new LongAdder();

  /// Written by who has the turn, alone.
  private volatile Version<T> current;

  Shared(T first, UnaryOperator<T> copy, Ticker ticker) {
    this.current = new Version<>(Objects.requireNonNull(first), 0);
    this.copy = Objects.requireNonNull(copy);
    this.ticker = ticker;
    this.turns = new Turns(ticker);
  }

  /// Holds an object that does not change, nor will any that is committed.
  public static <T> Shared<T> of(T first) {
    return of(first, UnaryOperator.identity());
  }

  /// Holds an object that writers change in place: each works on a copy, made when its body first
  /// asks for the [value][Writer#value()], and within its limit.
  ///
  /// @param first not to be changed any more
  /// @param copy gives an object that shares nothing with its argument that anybody changes
  public static <T> Shared<T> of(T first, UnaryOperator<T> copy) {
    return new Shared<>(first, copy, Ticker.system());
  }

  // ---- readers

  /// What was committed last: one load, which waits for nobody.
  public T get() {
    return current.value;
  }

  /// How often something was committed. Nothing else moves it.
  public long epoch() {
    return current.epoch;
  }

  /// Reads what was committed last, and is [counted][Stats#readers] among the readers until the
  /// body has ended, whatever it throws. Waits for nobody.
  public <R extends @Nullable Object> R read(Function<? super T, ? extends R> body) {
    Objects.requireNonNull(body);
    readersCame.increment();
    try {
      return body.apply(get());
    } finally {
      readersLeft.increment();
    }
  }

  // ---- writers

  /// Commits what the body makes of the present value, and answers that. What the body throws comes
  /// through, and nothing has changed.
  ///
  /// @throws RefusedException if nothing was written, for the turn did not come, or the body was
  ///   late
  /// @throws InterruptedException if the thread was interrupted before its turn came
  public T update(Duration limit, UnaryOperator<T> body) throws InterruptedException {
    Objects.requireNonNull(body);
    return write(
        limit,
        writer -> {
          T next = body.apply(writer.value());
          writer.set(next);
          writer.commit();
          return next;
        });
  }

  /// Runs the body when its turn has come, and answers what it answers. Nothing has changed unless
  /// it [commits][Writer#commit()]; what it throws comes through, and takes back no commit.
  ///
  /// @throws RefusedException if the turn did not come, or, unless the body catches it, if the body
  ///   was late: nothing was written
  /// @throws InterruptedException if the thread was interrupted before its turn came
  public <R extends @Nullable Object> R write(
      Duration limit, Function<? super Writer<T>, ? extends R> body) throws InterruptedException {
    Objects.requireNonNull(body);
    Writer<T> writer = new Writer<>(this, limit);
    turns.take(limit);
    try {
      return body.apply(writer.begin());
    } finally {
      turns.pass(writer.end());
    }
  }

  private void publish(T value) {
    current = new Version<>(value, current.epoch + 1);
  }

  /// What has been done until now, and who is at it.
  public Stats stats() {
    long left = readersLeft.sum(); // first: who left had come
    return turns.stats(Math.toIntExact(readersCame.sum() - left), this::epoch);
  }

  /// What one write is to change. Of the thread that runs its body, until that commits, discards or
  /// ends: after that, and on any other thread, everything is an [IllegalStateException].
  public static final class Writer<T> {
    private final Shared<T> shared;
    private final Duration limit;
    private final Thread thread = Thread.currentThread();
    private long began;
    private @Nullable T draft;
    private Turns.@Nullable End end;

    private Writer(Shared<T> shared, Duration limit) {
      this.shared = shared;
      this.limit = Objects.requireNonNull(limit);
    }

    private Writer<T> begin() {
      began = shared.ticker.nanos();
      return this;
    }

    /// The value with what this body has changed so far: its own copy, if values are copied.
    public T value() {
      checkOpen();
      if (draft == null) {
        draft = Objects.requireNonNull(shared.copy.apply(shared.get()));
      }
      return draft;
    }

    /// Puts another value in the place of what this body has so far.
    public void set(T value) {
      checkOpen();
      draft = Objects.requireNonNull(value);
    }

    /// Has all readers from now on see what this body made of the value, whatever it throws later:
    /// that must not be changed any more.
    ///
    /// @throws RefusedException if the body began longer ago than its limit allows: it has
    ///   discarded then
    public void commit() {
      checkOpen();
      Duration took = Duration.ofNanos(shared.ticker.nanos() - began);
      if (took.compareTo(limit) >= 0) {
        end = Turns.End.LATE;
        throw RefusedException.late(took, limit);
      }
      shared.publish(draft == null ? shared.get() : draft);
      end = Turns.End.COMMITTED;
    }

    /// Changes nothing, as if the body ended here.
    public void discard() {
      checkOpen();
      end = Turns.End.DISCARDED;
    }

    private Turns.End end() {
      if (end == null) {
        end = Turns.End.DISCARDED;
      }
      draft = null;
      return end;
    }

    private void checkOpen() {
      if (end != null) {
        throw new IllegalStateException("this write has ended");
      }
      if (!thread.equals(Thread.currentThread())) {
        throw new IllegalStateException("this write is " + thread + "'s");
      }
    }
  }

  /// What has been done until one moment. All but the readers, who are not held up by counting, are
  /// exact and of the very same moment.
  ///
  /// Everybody who asked to write is [#waiting], has the turn, or counts as one of [#epoch],
  /// [#discarded], [#late], [#refused] and [#interrupted]. Who has the turn counts when its body
  /// has ended, but for the epoch, which is counted at the commit.
  ///
  /// @param readers bodies in [Shared#read], and nobody who came and went during the look is
  ///   missing
  /// @param writing whether somebody has the turn
  /// @param waiting who waits for it
  /// @param epoch commits
  /// @param asked who asked for the turn
  /// @param discarded bodies that ended without asking for a commit, whatever they threw
  /// @param late bodies whose commit came too late
  /// @param refused those whose turn did not come: their time was over, or too many waited
  /// @param interrupted those who were interrupted before their turn
  /// @param contended of those who asked, who found that somebody else had the turn
  /// @param waited how long they waited, all together, without those who still do
  /// @param longestWait the longest of these waits
  public record Stats(
      int readers,
      boolean writing,
      int waiting,
      long epoch,
      long asked,
      long discarded,
      long late,
      long refused,
      long interrupted,
      long contended,
      Duration waited,
      Duration longestWait) {

    /// What part of those who asked found that somebody else had the turn, 0 to 1.
    public double contention() {
      return asked == 0 ? 0 : (double) contended / asked;
    }
  }

  /// Nothing was written, and nothing is left behind.
  public static final class RefusedException extends TruceException {
    private static final long serialVersionUID = 1L;

    /// Why.
    public enum Kind {
      /// The turn did not come in time. Another try can help.
      WAIT,
      /// The body took too long. It will do so again, unless it has less to do or more time.
      BODY,
      /// Too many wait already. Another try can help.
      FULL
    }

    private final Kind kind;

    private RefusedException(Kind kind, String message) {
      super(message);
      this.kind = kind;
    }

    static RefusedException waited(Duration limit, int ahead) {
      return new RefusedException(
          Kind.WAIT,
          "not written: the turn did not come within "
              + brief(limit)
              + ", with "
              + ahead
              + " ahead; try again, or wait longer");
    }

    static RefusedException full() {
      return new RefusedException(
          Kind.FULL, "not written: " + MAX_WAITING + " writers wait already; try again later");
    }

    private static RefusedException late(Duration took, Duration limit) {
      return new RefusedException(
          Kind.BODY,
          "not written: the body took "
              + brief(took)
              + " until its commit, and may take less than "
              + brief(limit)
              + "; do less in it, or allow more");
    }

    private static String brief(Duration time) {
      if (!time.isPositive()) {
        return "no time";
      }
      return time.compareTo(Duration.ofDays(1)) > 0
          ? time.toDays() + " days"
          : time.toNanos() / 1e6 + " ms";
    }

    public Kind kind() {
      return kind;
    }

    @Override
    public boolean retryable() {
      return kind != Kind.BODY;
    }
  }
}
