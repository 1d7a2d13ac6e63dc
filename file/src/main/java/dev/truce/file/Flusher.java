package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import dev.truce.spi.Ticker;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// Brings records to disk: one flush serves all that were appended before it, in all processes.
///
/// Of the threads of a process that wait, one *leads*; of the processes, the one that has the flush
/// byte. It announces in its slot up to where it flushes, flushes, raises the durable word, and
/// clears the announcement. Whoever waits for another process looks at the durable word, and when
/// that takes longer than [#patience()] it flushes by itself: the other may be stopped.
///
/// **When a flush fails** the kernel forgets what it could not write and reports it once to each
/// descriptor. So the first to be told poisons the durable word, and nobody flushes again or
/// believes a later flush. If a flusher dies, or stops, before it could do that, its announcement
/// tells: a descriptor that is older than the announced flush would be told of its failure too, so
/// its process may flush and vouch for the range. A younger one may not; its process writes the
/// records from the durable place on once more, into a fresh segment.
final class Flusher {
  /// A flush of another process is waited for at least so long.
  private static final long LEAST_PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private static final int USUAL_FLUSHES = 4;
  private static final int SMOOTHING = 8;

  private final JournalFiles files;
  private final JournalLocks locks;
  private final Control control;
  private final Segments segments;
  private final Flushes flushes;
  private final Tail tail;
  private final Ticker ticker;
  private final int slot;
  private final Appender appender;
  private final Chime even;
  private final Chime odd;
  private final AtomicBoolean leading = new AtomicBoolean();
  private final Queue<Thread> waiting = new ConcurrentLinkedQueue<>();
  private volatile long usualNanos;

  /// Whether the flush byte was taken while going to sleep: for who leads.
  private boolean taken;

  private volatile boolean closed;

  /// Whoever has the flush byte was waited for in vain, and has it still.
  private volatile boolean stopped;

  Flusher(
      JournalFiles files,
      JournalLocks locks,
      Control control,
      Segments segments,
      Flushes flushes,
      Tail tail,
      Ticker ticker,
      int slot,
      Appender appender) {
    this.files = files;
    this.locks = locks;
    this.control = control;
    this.segments = segments;
    this.flushes = flushes;
    this.tail = tail;
    this.ticker = ticker;
    this.slot = slot;
    this.appender = appender;
    this.even = new Chime(control, Control.Bell.EVEN, ticker);
    this.odd = new Chime(control, Control.Bell.ODD, ticker);
  }

  /// Waits until all below `place`, which was appended, is on disk; false if it is not at the
  /// deadline.
  ///
  /// @throws EngineException if a flush has failed, so that nobody can tell
  boolean await(long place, long deadline) {
    if (control.durable() >= place) {
      return true;
    }
    Thread me = Thread.currentThread();
    waiting.add(me);
    try {
      while (control.durable() < place) {
        if (control.poisoned()) {
          throw failStop(files, control);
        }
        if (closed) {
          throw Faults.closed(files.path(files.control()));
        }
        if (Thread.currentThread().isInterrupted() || ticker.nanos() >= deadline) {
          return false;
        }
        if (leading.compareAndSet(false, true)) {
          try {
            lead(place, deadline);
          } finally {
            leading.set(false);
            waiting.forEach(LockSupport::unpark);
          }
        } else {
          ticker.park(this, Math.min(deadline, ticker.nanos() + LEAST_PATIENCE_NANOS));
        }
      }
      return true;
    } finally {
      waiting.remove(me);
    }
  }

  /// Flushes, or waits for another process that does.
  private void lead(long place, long deadline) {
    Patience patience = new Patience(ticker);
    while (taken || (control.durable() < place && !control.poisoned())) {
      if (taken || locks.tryFlush()) {
        taken = false;
        stopped = false;
        try {
          flush(place);
        } finally {
          locks.releaseFlush();
          tell();
        }
        return;
      }
      if (stopped || patience.spentNanos() > patience()) {
        stopped = true;
        flush(place);
        return;
      }
      if (Thread.currentThread().isInterrupted() || ticker.nanos() >= deadline) {
        return;
      }
      sleep(place, patience, deadline);
    }
  }

  /// Sleeps until the flush has ended that brings this place to disk: the present one, or the next
  /// if that is behind its end. Who waits for the next one may be woken to make it.
  private void sleep(long place, Patience patience, long deadline) {
    long ended = control.flushed();
    long mine = place <= control.target() ? ended + 1 : ended + 2;
    of(mine).await(() -> control.flushed() != ended || takes(), patience, this, deadline);
    if (!taken && control.durable() >= place && control.flushed() < mine) {
      of(mine).ring(false); // it came sooner than expected: somebody else is to make the next one
    }
  }

  private Chime of(long flush) {
    return flush % 2 == 0 ? even : odd;
  }

  /// Wakes whom the flush has served, and one who makes the next.
  private void tell() {
    control.flushEnded();
    long ended = control.flushed();
    of(ended).ring(true);
    of(ended + 1).ring(false);
  }

  /// The byte is given back after the word has moved, and no ring is heard by who is not asleep
  /// yet: so whoever is about to sleep tries once more.
  private boolean takes() {
    taken = locks.tryFlush();
    return taken;
  }

  private long patience() {
    return Math.max(LEAST_PATIENCE_NANOS, USUAL_FLUSHES * usualNanos);
  }

  private void flush(long place) {
    files.<@Nullable Void>io(
        files.control(),
        () -> {
          if (control.durable() >= place || control.poisoned()) {
            return null;
          }
          long end = countingEnd();
          try {
            List<Segment> range = range(end);
            if (range.isEmpty()) {
              return null; // others have brought all of it to disk meanwhile
            }
            if (mayVouch(range)) {
              flush(range, end);
            } else {
              rewrite();
            }
          } finally {
            segments.done(Segments.Use.FLUSHING);
          }
          return null;
        });
  }

  private void flush(List<Segment> range, long end) throws IOException {
    long start = ticker.nanos();
    control.target(end);
    flushes.raise(range, end);
    long took = ticker.nanos() - start;
    usualNanos = usualNanos == 0 ? took : usualNanos + (took - usualNanos) / SMOOTHING;
  }

  /// The end of the journal, in a segment that counts: a place in another one must never be called
  /// durable, for after a crash the segment might not be found.
  private long countingEnd() {
    for (; ; ) {
      long end = control.tail();
      if (tail.at(end, ledger -> ledger.place() == end && ledger.counting())) {
        return end;
      }
      if (control.tail() == end) {
        appender.append(List.of(new Wish.ToMark()));
      }
    }
  }

  private void rewrite() throws IOException {
    try {
      appender.rewrite();
    } catch (EngineException e) {
      if (e.kind() == Kind.DAMAGED) {
        control.poison();
      }
      throw e;
    }
  }

  /// Waits for a flush that is under way, and lets nobody begin another one.
  void close() {
    closed = true;
    while (!leading.compareAndSet(false, true)) {
      ticker.park(this, ticker.nanos() + LEAST_PATIENCE_NANOS);
    }
  }

  /// The segments that hold what is between the durable place and `end`.
  private List<Segment> range(long end) throws IOException {
    long durable = control.durable();
    return tail.at(
        end,
        ledger -> {
          List<Segment> range = new ArrayList<>();
          for (int number : ledger.segments().headSet(Place.segment(end), true)) {
            Integer next = ledger.segments().higher(number);
            if (next == null || segments.page(next).predecessor() > durable) {
              if (range.isEmpty()) {
                segments.keep(Segments.Use.FLUSHING, number);
              }
              range.add(segments.open(number));
            }
          }
          return range;
        });
  }

  /// Whether a flush by our descriptors says something about the whole range. What was announced by
  /// others and is not on disk yet may have failed unheard.
  private boolean mayVouch(List<Segment> range) {
    long durable = control.durable();
    for (int other = 0; other < control.used(); other++) {
      long announced = control.flushing(other);
      long epoch = control.flushEpoch(other);
      if (other != slot
          && announced > durable
          && range.stream()
              .anyMatch(segment ->
                  segment.number() <= Place.segment(announced) && segment.birth() >= epoch)) {
        return false;
      }
    }
    return true;
  }

  /// What everybody is told once a flush has failed.
  static EngineException failStop(JournalFiles files, Control control) {
    long durable = control.durable();
    return new EngineException(
        Kind.IO,
        files.path(files.segment(Place.segment(durable)))
            + ": a flush failed, so nobody knows what is on disk behind byte "
            + Place.offset(durable)
            + "; nothing more is written to this journal. Look after the disk, stop every process"
            + " that uses the directory, and open it again: what can be read is then written anew");
  }
}
