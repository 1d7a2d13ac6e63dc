package dev.truce.store;

import dev.truce.EngineException;
import dev.truce.spi.Journal;
import dev.truce.spi.Journal.Page;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The content of a root as one process knows it, kept up with the journal by whoever asks.
///
/// **Threads.** Safe for any number of them; one at a time catches up.
final class Replica {
  private static final int PAGE = 256;

  /// How many roots that are not safe yet are kept.
  private static final int REMEMBERED = 1_024;

  private final Journal journal;
  private final Supplier<String> place;
  private final ReentrantLock turn = new ReentrantLock(true);

  /// All that is known.
  private volatile Root applied = Root.EMPTY;

  /// The newest that is safe.
  private volatile Root safe = Root.EMPTY;

  /// The newest of what lies between the two, oldest first. Guarded by `turn`.
  private final ArrayDeque<Root> window = new ArrayDeque<>();

  /// Up to where this process was told that its commits have landed.
  private final AtomicLong acknowledged = new AtomicLong();

  Replica(Journal journal, Supplier<String> place) {
    this.journal = journal;
    this.place = place;
  }

  /// All that can be read now.
  Root applied() {
    long appended = journal.appended();
    Root known = applied;
    return known.revision() >= appended ? known : upTo(appended);
  }

  /// All that is safe now, and what this process was told has landed.
  Root safe() {
    long durable = Math.max(journal.durable(), acknowledged.get());
    Root known = safe;
    return known.revision() >= durable ? known : safeUpTo(durable);
  }

  void acknowledge(long revision) {
    acknowledged.accumulateAndGet(revision, Math::max);
  }

  private Root upTo(long revision) {
    turn.lock();
    try {
      catchUp(revision);
      return applied;
    } finally {
      turn.unlock();
    }
  }

  private Root safeUpTo(long durable) {
    turn.lock();
    try {
      catchUp(durable);
      settle(durable);
      safe = from(safe, durable);
      return safe;
    } finally {
      turn.unlock();
    }
  }

  /// Goes on to the newest that is safe, as far as it is remembered.
  private void settle(long durable) {
    for (Root next = window.peek();
        next != null && next.revision() <= durable;
        next = window.peek()) {
      safe = next;
      window.remove();
    }
  }

  private void catchUp(long revision) {
    while (applied.revision() < revision) {
      for (Journal.Entry entry : newPage()) {
        Root next = taken(applied, entry);
        applied = next;
        window.add(next);
        if (window.size() > REMEMBERED) {
          window.remove(); // what was between is made of the records again
        }
      }
      settle(Math.max(journal.durable(), acknowledged.get()));
    }
  }

  /// The root of a later revision that has been reached.
  private Root from(Root earlier, long revision) {
    Root at = earlier;
    while (at.revision() < revision) {
      int missing = (int) Math.min(PAGE, revision - at.revision());
      for (Journal.Entry entry : page(at.revision() + 1, missing)) {
        at = taken(at, entry);
      }
    }
    return at;
  }

  /// What comes behind all that is known. A base from which to go on is none of this release's.
  private List<Journal.Entry> newPage() {
    try {
      return page(applied.revision() + 1, PAGE);
    } catch (TooOldException letGo) {
      throw new EngineException(
          EngineException.Kind.CONFIGURATION,
          "the stores of " + place.get() + " were written by a newer release",
          letGo);
    }
  }

  /// @throws TooOldException if it is not kept any more
  private List<Journal.Entry> page(long from, int most) {
    return switch (journal.read(from, most)) {
      case Page.Records(var entries) -> entries;
      case Page.TooOld(long lowest) -> throw new TooOldException(place.get(), from, lowest - 1);
    };
  }

  private Root taken(Root before, Journal.Entry entry) {
    CommitRecord commit = read(entry);
    return commit == null
        ? new Root(before.delta(), entry.position())
        : StoreMachine.apply(before, entry.position(), commit);
  }

  private @Nullable CommitRecord read(Journal.Entry entry) {
    try {
      return CommitRecord.read(entry);
    } catch (CommitRecord.Unreadable strange) {
      throw new EngineException(
          EngineException.Kind.CONFIGURATION,
          "revision " + entry.position() + " of " + place.get() + " " + strange.getMessage(),
          strange);
    }
  }

  /// What was there at a revision that has been reached.
  ///
  /// @throws TooOldException if it is not kept any more
  Root at(long revision) {
    Root known = safe;
    Root all = applied();
    if (revision > all.revision() || revision < 0) {
      throw new IllegalArgumentException(
          "no revision " + revision + ": the last one of " + place.get() + " is " + all.revision());
    }
    return from(known.revision() <= revision ? known : Root.EMPTY, revision);
  }

  /// The record of a revision that has been reached.
  byte[] record(long revision) {
    return entry(revision).record();
  }

  /// The commit of a revision that has been reached, `null` if it is none of a store.
  @Nullable CommitRecord commit(long revision) {
    return read(entry(revision));
  }

  private Journal.Entry entry(long revision) {
    return page(revision, 1).getFirst();
  }
}
