package dev.truce.store;

import dev.truce.EngineException;
import dev.truce.spi.Journal;
import java.lang.System.Logger.Level;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/// Has the journal let old records go, beside the commits: a checkpoint with what they came to
/// takes their place.
///
/// **Threads.** Safe for any number of them; one checkpoint at a time is on its way. One that is
/// killed in between leaves the one before.
final class Checkpointer {
  private static final System.Logger LOG = System.getLogger("dev.truce.store");

  private final Journal journal;
  private final Replica replica;
  private final Executor aside;
  private final Telling.@Nullable OfCheckpoints telling;
  private final Semaphore turn = new Semaphore(1);
  private final AtomicBoolean takingUp = new AtomicBoolean();

  /// The newest that was begun. What failed is begun again with the next step, and not with the
  /// next commit. Written by whose turn it is.
  private volatile long begun;

  private volatile boolean closing;

  private volatile @Nullable AutoCloseable watch;

  /// @param aside where checkpoints are taken
  /// @param telling `null` where nobody listens
  Checkpointer(
      Journal journal, Replica replica, Executor aside, Telling.@Nullable OfCheckpoints telling) {
    this.journal = journal;
    this.replica = replica;
    this.aside = aside;
    this.telling = telling;
  }

  // ---- taking them

  /// Begins one, if it is time.
  void look() {
    long upTo = replica.due();
    if (upTo > begun && turn.tryAcquire()) {
      begin(upTo);
    }
  }

  /// Whose turn it is may find that there is nothing left to do.
  private void begin(long upTo) {
    if (upTo <= begun || closing) {
      turn.release();
    } else {
      begun = upTo;
      aside(new Turn(() -> take(upTo), turn::release));
    }
  }

  /// Work, and what has to come behind it in any case.
  private record Turn(Runnable work, Runnable behind) implements Runnable {
    @Override
    public void run() {
      try {
        work.run();
      } catch (RuntimeException notNow) {
        complain(notNow);
      } finally {
        behind.run();
      }
    }
  }

  /// Whatever becomes of it, no commit fails for it.
  private void aside(Turn work) {
    try {
      aside.execute(work);
    } catch (RejectedExecutionException | OutOfMemoryError noThread) {
      work.behind.run();
      complain(noThread);
    }
  }

  private static void complain(Throwable why) {
    LOG.log(Level.WARNING, "the records of stores stay for now", why);
  }

  private void take(long upTo) {
    try {
      long began = telling == null ? 0 : telling.now();
      boolean taken = journal.checkpoint(upTo, new Standing(upTo));
      replica.takeUp();
      if (taken && telling != null) {
        telling.taken(upTo, began);
      }
    } catch (TooOldException overtaken) {
      LOG.log(Level.DEBUG, "somebody else has let those records go", overtaken);
    }
  }

  /// What stores hold at a revision; given up by who closes while it waits for its turn, as
  /// somebody else takes one.
  private final class Standing implements Journal.State {
    private final long upTo;

    Standing(long upTo) {
      this.upTo = upTo;
    }

    @Override
    public void writeTo(Journal.Sink sink) {
      try (Reading reading = replica.reading()) {
        RunWriter.write(upTo, reading.at(upTo).kept(), sink);
      }
    }

    @Override
    public boolean isWanted() {
      return !closing;
    }
  }

  // ---- taking up those of others

  /// From now on takes up what others put in the place of the checkpoint that is read from here:
  /// who holds a snapshot and does nothing else keeps that snapshot on the disk, and no more.
  void attend() {
    if (watch == null && replica.hasRun()) {
      beginToAttend();
    }
  }

  private synchronized void beginToAttend() {
    if (watch == null && !closing) {
      watch = journal.watch(this::hinted);
    }
  }

  private void hinted() {
    if (isOvertaken() && takingUp.compareAndSet(false, true)) {
      aside(new Turn(replica::takeUp, () -> takingUp.set(false)));
    }
  }

  private boolean isOvertaken() {
    try {
      return replica.isOvertaken();
    } catch (EngineException notNow) {
      LOG.log(Level.DEBUG, "the next commit is a reason to look again", notNow);
      return false;
    }
  }

  /// Waits for the one that is being written; there will be no other. Idempotent.
  synchronized void close() {
    closing = true;
    turn.acquireUninterruptibly();
    turn.release();
    AutoCloseable watched = watch;
    if (watched != null) {
      try {
        watched.close();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
