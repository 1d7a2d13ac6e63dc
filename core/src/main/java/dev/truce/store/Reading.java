package dev.truce.store;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Roots that can be read until this is closed, whatever checkpoints are taken meanwhile. Whoever
/// reads a root got it from here.
///
/// One that is not closed keeps its runs, and the disk that they take, until nobody refers to it.
///
/// **Threads.** One at a time; what it handed out may be read by any. [#close()] may be called by
/// any, and by several at once.
final class Reading implements AutoCloseable {
  private final Replica replica;
  private @Nullable Entered entered;

  /// A run whose reader this is.
  private record Entered(Run run, int reader, @Nullable Entered before) {}

  Reading(Replica replica) {
    this.replica = replica;
  }

  /// What is [there][Replica#applied()] now.
  Root applied() {
    return readable(replica::applied);
  }

  /// What is [safe][Replica#safe()] now.
  Root safe() {
    return readable(replica::safe);
  }

  /// What was [there][Replica#at] at a revision.
  Root at(long revision) {
    return readable(() -> replica.at(revision));
  }

  /// Between the look and the entry another checkpoint may have taken the run's place.
  private Root readable(Supplier<Root> look) {
    Root root = look.get();
    while (!enter(root.run())) {
      root = look.get();
    }
    return root;
  }

  private boolean enter(Run run) {
    Entered last = entered;
    if (last != null && last.run == run) {
      return true;
    }
    int reader = run.enter();
    if (reader == Run.NO_READER) {
      return false;
    }
    entered = new Entered(run, reader, last);
    return true;
  }

  /// Another one of the one root that this one has handed out.
  synchronized Reading with() {
    Reading other = new Reading(replica);
    Entered mine = entered;
    if (mine != null) {
      mine.run.enterAgain(mine.reader);
      other.entered = new Entered(mine.run, mine.reader, null);
    }
    return other;
  }

  /// Idempotent.
  @Override
  public synchronized void close() {
    for (Entered one = entered; one != null; one = one.before) {
      one.run.leave(one.reader);
    }
    entered = null;
  }
}
