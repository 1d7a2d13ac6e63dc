package dev.truce.store;

import dev.truce.spi.Journal;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;

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
  private final Semaphore turn = new Semaphore(1);

  /// The newest that was begun. What failed is begun again with the next step, and not with the
  /// next commit.
  private volatile long begun; // written by whose turn it is

  /// @param aside where checkpoints are taken
  Checkpointer(Journal journal, Replica replica, Executor aside) {
    this.journal = journal;
    this.replica = replica;
    this.aside = aside;
  }

  /// Begins one, if it is time.
  void look() {
    long upTo = replica.due();
    if (upTo > begun && turn.tryAcquire()) {
      begin(upTo);
    }
  }

  /// Whose turn it is may find that there is nothing left to do.
  private void begin(long upTo) {
    if (upTo <= begun) {
      turn.release();
    } else {
      begun = upTo;
      try {
        aside.execute(() -> take(upTo));
      } catch (RejectedExecutionException | OutOfMemoryError noThread) {
        turn.release();
        complain(upTo, noThread);
      }
    }
  }

  /// Whatever becomes of it, no commit fails for it.
  private void take(long upTo) {
    try {
      journal.checkpoint(upTo, sink -> RunWriter.write(upTo, replica.at(upTo).kept(), sink));
      replica.takeUp();
    } catch (TooOldException overtaken) {
      LOG.log(System.Logger.Level.DEBUG, "somebody else has let those records go", overtaken);
    } catch (RuntimeException notNow) {
      complain(upTo, notNow);
    } finally {
      turn.release();
    }
  }

  private static void complain(long upTo, Throwable why) {
    LOG.log(
        System.Logger.Level.WARNING,
        "the records of stores up to revision "
            + upTo
            + " stay for now: a checkpoint in their place could not be taken",
        why);
  }

  /// Waits for the one on its way; there will be no other. Idempotent.
  void close() {
    turn.acquireUninterruptibly();
    begun = Long.MAX_VALUE;
    turn.release();
  }
}
