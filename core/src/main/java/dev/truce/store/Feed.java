package dev.truce.store;

import dev.truce.spi.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// What happens to the store of one name: each commit that touches it, whole, once, in their order,
/// and none before it survives as much as the engine can have it survive.
///
/// A feed keeps nothing anywhere: whoever remembers its [position][#position()] goes on
/// [there][Store#feed], in another process, too, and misses nothing and is told nothing twice.
/// Where what comes next is not kept any more, or the store of the name has become another one, it
/// is told the whole content instead, as a snapshot, and what comes behind that.
///
/// While somebody waits for the next commit, what was appended with less durability is made safe,
/// as it would be for whoever asked for that.
///
/// **Threads.** One at a time.
public final class Feed<V> implements AutoCloseable {
  /// After how long appends that nobody announced are found.
  private static final Duration LOOK_AGAIN = Duration.ofMillis(50);

  private final Store<V> store;
  private final Stores room;
  private final Trail trail;
  private @Nullable TooOldException tooOld;
  private @Nullable Snapshot<V> anew;
  private @Nullable AutoCloseable watch;
  private volatile @Nullable Thread waiter;
  private volatile boolean hinted;
  private boolean closed;

  /// What a feed tells.
  public sealed interface Step<V> {}

  /// One commit.
  ///
  /// @param changes what it did to this store, in the order of the keys; nothing where it dropped
  ///   or renamed the store itself
  public record Changes<V>(Commit commit, List<Change<V>> changes) implements Step<V> {
    public Changes {
      changes = List.copyOf(changes);
    }
  }

  /// What a commit did to a key.
  ///
  /// @param value which it put there; empty where it removed the key
  public record Change<V>(String key, Optional<V> value) {}

  /// The commit dropped or renamed the store, or gave another store its name.
  ///
  /// @param from what the store of this name holds from this commit on, which may be nothing; to be
  ///   closed by whoever is told
  public record Replaced<V>(Commit commit, Snapshot<V> from) implements Step<V> {}

  /// What came next is not kept any more.
  ///
  /// @param floor behind which commits are kept
  /// @param from what there is instead; the feed goes on behind it. To be closed by whoever is told
  public record TooOld<V>(long floor, Snapshot<V> from) implements Step<V> {}

  Feed(Store<V> store, Stores room, long after) {
    this.store = store;
    this.room = room;
    this.trail = room.trail(store.name(), after);
  }

  /// Up to where everything was told: a feed that begins behind it goes on with what this one would
  /// tell next.
  public long position() {
    return trail.position();
  }

  /// What happened next; empty if nothing has within this time. A time of zero or less does not
  /// wait.
  ///
  /// What it throws changes nothing: the next call is told the same. So whoever cannot read a value
  /// (see [Codec]) goes on behind that commit by another feed.
  ///
  /// @throws dev.truce.EngineException if the engine cannot tell, or this Truce was closed
  /// @throws IllegalStateException after [#close()]
  public Optional<Step<V>> next(Duration wait) throws InterruptedException {
    waiter = Thread.currentThread();
    Ticker ticker = room.ticker();
    long deadline = deadline(ticker.nanos(), wait);
    while (true) {
      if (Thread.interrupted()) {
        throw new InterruptedException("while waiting for what happens in " + store.name());
      }
      // Both from before the look: what comes during it is looked at once more.
      hinted = false;
      boolean over = ticker.nanos() >= deadline;
      Optional<Step<V>> step = look();
      if (step.isPresent() || over) {
        return step;
      }
      await(ticker, deadline);
    }
  }

  private static long deadline(long now, Duration wait) {
    if (!wait.isPositive()) {
      return Long.MIN_VALUE;
    }
    boolean ever = wait.compareTo(Duration.ofNanos(Long.MAX_VALUE - now)) >= 0;
    return ever ? Long.MAX_VALUE : now + wait.toNanos();
  }

  private void await(Ticker ticker, long deadline) throws InterruptedException {
    if (watch == null) {
      watch = room.journal().watch(this::hint); // and a look before the first sleep
      return;
    }
    long now = ticker.nanos();
    long wake = Math.min(deadline, now + LOOK_AGAIN.toNanos());
    long unsafe = anew == null ? trail.position() + 1 : anew.revision();
    if (room.journal().appended() >= unsafe) {
      boolean _ = room.journal().awaitDurable(unsafe, Duration.ofNanos(Math.max(0, wake - now)));
    } else if (!hinted) {
      ticker.park(this, wake);
    }
  }

  /// A hint that comes during a look may find a thread that waits for something else, and is
  /// remembered.
  private void hint() {
    hinted = true;
    Thread waiting = waiter;
    if (waiting != null) {
      LockSupport.unpark(waiting);
    }
  }

  // ---- looking

  private Optional<Step<V>> look() {
    room.checkOpen();
    if (closed) {
      throw new IllegalStateException("this feed of " + store.name() + " is closed");
    }
    if (anew == null) {
      try {
        return told();
      } catch (TooOldException letGo) {
        tooOld = letGo;
        anew = store.snapshot();
      }
    }
    return begunAnew();
  }

  private Optional<Step<V>> told() {
    Trail.Step next = trail.next();
    if (next == null) {
      return Optional.empty();
    }
    Step<V> step = step(next);
    trail.pass();
    return Optional.of(step);
  }

  private Step<V> step(Trail.Step next) {
    Commit commit = next.commit().landed(next.revision(), next.id(), room.durability(), false);
    return next.commit().replaces(store.name())
        ? new Replaced<>(commit, store.safeAt(next.revision()))
        : store.changes(commit, next.commit());
  }

  /// What there is instead of what was let go, once it is safe.
  private Optional<Step<V>> begunAnew() {
    TooOldException letGo = Objects.requireNonNull(tooOld);
    Snapshot<V> from = Objects.requireNonNull(anew);
    if (room.journal().durable() < from.revision()) {
      return Optional.empty();
    }
    trail.skipTo(from.revision());
    anew = null;
    tooOld = null;
    return Optional.of(new TooOld<>(letGo.floor(), from));
  }

  /// Idempotent, throws nothing. What the feed told stays as it is.
  @Override
  public void close() {
    closed = true;
    Snapshot<V> unseen = anew;
    if (unseen != null) {
      unseen.close();
    }
    AutoCloseable watching = watch;
    watch = null;
    if (watching != null) {
      try {
        watching.close();
      } catch (Exception failure) {
        throw new IllegalStateException(failure);
      }
    }
  }
}
