package dev.truce.store;

import dev.truce.EngineException;
import dev.truce.spi.Journal;
import dev.truce.spi.Journal.Page;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The content of a root as one process knows it, kept up with the journal by whoever asks.
///
/// It begins with the newest checkpoint and goes on with the records behind it. When somebody has
/// taken a later checkpoint, that one is put below what is known: what the heap holds are the
/// changes behind it, and nothing else.
///
/// **Threads.** Safe for any number of them; one at a time catches up.
final class Replica {
  private static final int PAGE = 256;

  /// How many roots that are not safe yet are kept, and with how many bytes of records.
  private static final int REMEMBERED = 1_024;

  private static final long REMEMBERED_BYTES = 16 << 20;

  private final Journal journal;
  private final Supplier<String> place;
  private final Pins pins;
  private final ReentrantLock turn = new ReentrantLock(true);

  /// All that is known.
  private volatile Root applied = Root.EMPTY;

  /// The newest that is safe.
  private volatile Root safe = Root.EMPTY;

  /// The newest of what lies between the two, oldest first, and their records' bytes. Guarded by
  /// `turn`.
  private final ArrayDeque<Remembered> window = new ArrayDeque<>();

  private long windowBytes;

  /// Guarded by `turn`.
  private final Retention retention;

  /// Up to where records may be let go.
  private volatile long due;

  /// Up to where this process was told that its commits have landed.
  private final AtomicLong acknowledged = new AtomicLong();

  private record Remembered(Root root, int bytes) {}

  Replica(Journal journal, Supplier<String> place, Pins pins, Retention.Sizes sizes) {
    this.journal = journal;
    this.place = place;
    this.pins = pins;
    this.retention = new Retention(sizes);
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

  /// For whoever wants to look into roots.
  Reading reading() {
    return new Reading(this);
  }

  /// Whether there is a checkpoint below what is known.
  boolean hasRun() {
    return applied.run().upTo() > 0;
  }

  /// Whether there is a later checkpoint than that.
  boolean isOvertaken() {
    long known = applied.run().upTo();
    return known > 0 && journal.floor() > known;
  }

  /// What commits take that no checkpoint stands for.
  long recordBytes() {
    turn.lock();
    try {
      return retention.bytes();
    } finally {
      turn.unlock();
    }
  }

  void acknowledge(long revision) {
    acknowledged.accumulateAndGet(revision, Math::max);
  }

  /// Up to where a checkpoint should stand for the records, 0 if none is due.
  long due() {
    return due;
  }

  // ---- keeping up

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
      while (safe.revision() < durable) {
        try {
          safe = from(safe, durable);
        } catch (TooOldException letGo) {
          takeUp(letGo);
        }
      }
      return safe;
    } finally {
      turn.unlock();
    }
  }

  private void catchUp(long revision) {
    takeUpNewer();
    while (applied.revision() < revision) {
      try {
        long safely = Math.min(revision, journal.durable());
        if (safe.revision() == applied.revision() && safely > applied.revision()) {
          takeAtOnce(safely);
        } else {
          takeAll(page(applied.revision() + 1, PAGE));
        }
      } catch (TooOldException letGo) {
        takeUp(letGo);
      }
    }
    due = retention.due(applied.revision());
  }

  /// A record, of which nothing is known any more but where it is and how long.
  private record Passed(long position, int length) {}

  /// Goes on to a safe revision, without the roots on the way: nobody goes back behind what is
  /// safe.
  private void takeAtOnce(long revision) {
    List<Delta.Row> rows = new ArrayList<>();
    List<Passed> passed = new ArrayList<>();
    for (long at = applied.revision(); at < revision; ) {
      for (Journal.Entry entry : page(at + 1, (int) Math.min(PAGE, revision - at))) {
        CommitRecord commit = read(entry);
        if (commit != null) {
          rows.addAll(StoreMachine.rows(entry.position(), commit));
        }
        passed.add(new Passed(entry.position(), entry.record().length));
        at = entry.position();
      }
    }
    Root next = new Root(applied.run(), applied.delta().with(rows), revision);
    passed.forEach(record -> retention.add(record.position, record.length));
    applied = next;
    safe = next;
  }

  private void takeAll(List<Journal.Entry> entries) {
    for (Journal.Entry entry : entries) {
      Root next = taken(applied, entry);
      applied = next;
      retention.add(entry.position(), entry.record().length);
      remember(new Remembered(next, entry.record().length));
    }
    settle(Math.max(journal.durable(), acknowledged.get()));
  }

  /// What is let go of here is made of the records again, should it be wanted.
  private void remember(Remembered next) {
    window.add(next);
    windowBytes += next.bytes;
    while (window.size() > REMEMBERED || (windowBytes > REMEMBERED_BYTES && window.size() > 1)) {
      windowBytes -= window.remove().bytes;
    }
  }

  /// Goes on to the newest that is safe, as far as it is remembered.
  private void settle(long durable) {
    for (Remembered next = window.peek();
        next != null && next.root.revision() <= durable;
        next = window.peek()) {
      safe = next.root;
      windowBytes -= next.bytes;
      window.remove();
    }
  }

  // ---- checkpoints

  /// Puts the newest checkpoint below what is known, if it is a later one.
  void takeUp() {
    turn.lock();
    try {
      takeUpNewer();
      due = retention.due(applied.revision());
    } finally {
      turn.unlock();
    }
  }

  /// @throws TooOldException if there is no later one
  private void takeUp(TooOldException letGo) {
    if (!takeUpNewer()) {
      throw letGo;
    }
  }

  private boolean takeUpNewer() {
    if (journal.floor() <= applied.run().upTo()) {
      return false;
    }
    Run run = journal.checkpoint().map(this::run).orElse(Run.NONE);
    if (run.upTo() <= applied.run().upTo()) {
      if (run != Run.NONE) {
        run.supersede(() -> {});
      }
      return false;
    }
    Run before = applied.run();
    Root newApplied = over(applied, run);
    Root newSafe = over(safe, run); // what a checkpoint stands for is safe
    if (applied.revision() >= run.upTo()) {
      retention.goOn(run);
    } else {
      retention.begin(run);
    }
    applied = newApplied;
    safe = newSafe;
    window.clear();
    windowBytes = 0;
    pins.superseded(before);
    return true;
  }

  private Run run(Journal.Base base) {
    return Run.open(base, place.get());
  }

  private static Root over(Root known, Run run) {
    return known.revision() >= run.upTo() ? known.over(run) : Root.of(run);
  }

  // ---- records

  /// The root of a later revision that has been reached.
  ///
  /// @throws TooOldException if records on the way were let go
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
        ? new Root(before.run(), before.delta(), entry.position())
        : StoreMachine.apply(before, entry.position(), commit);
  }

  /// The commit in a record, `null` if it is none of a store.
  @Nullable CommitRecord read(Journal.Entry entry) {
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
  /// @throws TooOldException if the records up to it were let go
  Root at(long revision) {
    Root all = applied();
    if (revision > all.revision() || revision < 0) {
      throw new IllegalArgumentException(
          "no revision " + revision + ": the last one of " + place.get() + " is " + all.revision());
    }
    while (true) {
      Root known = safe;
      Run run = applied.run();
      Root start = known.revision() <= revision ? known : Root.of(run);
      if (start.revision() > revision) {
        throw new TooOldException(place.get(), revision, start.revision());
      }
      try {
        return from(start, revision);
      } catch (TooOldException letGo) {
        takeUp();
        if (applied.run() == run && start.run() == run) {
          throw letGo;
        }
      }
    }
  }

  /// Some of the records behind a revision, oldest first, each of them safe for everybody; none
  /// where there are none yet.
  ///
  /// @throws TooOldException if one of them is not kept any more
  List<Journal.Entry> safeBehind(long revision) {
    long durable = journal.durable();
    return revision < durable
        ? page(revision + 1, (int) Math.min(PAGE, durable - revision))
        : List.of();
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
