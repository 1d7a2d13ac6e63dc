package dev.truce.file;

import dev.truce.spi.Journal;
import dev.truce.spi.Storage;
import dev.truce.spi.Ticker;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// How a base takes the place of records: one process after the other writes one, and the record of
/// its checkpoint is the switch.
///
/// A large state takes its time, so whose turn it is comes before the state is asked for; a turn
/// ends with its process, and when nothing was written for a while.
final class Checkpoints {
  /// How long somebody who takes a checkpoint is waited for while nothing comes of it.
  private static final long STOPPED_NANOS = TimeUnit.SECONDS.toNanos(10);

  /// Appends what is wished, or throws and says so.
  interface Writer {
    void write(Wish wish, String otherwise);
  }

  private final JournalFiles files;
  private final JournalLocks locks;
  private final Control control;
  private final Tail tail;
  private final Ticker ticker;
  private final Writer writer;
  private final LongConsumer settled;
  private final ReentrantLock turn = new ReentrantLock();

  /// @param settled waits until all below a place is on disk
  Checkpoints(
      JournalFiles files,
      JournalLocks locks,
      Control control,
      Tail tail,
      Ticker ticker,
      Writer writer,
      LongConsumer settled) {
    this.files = files;
    this.locks = locks;
    this.control = control;
    this.tail = tail;
    this.ticker = ticker;
    this.writer = writer;
    this.settled = settled;
  }

  // ---- reading ----------------------------------------------------------------------------------

  Optional<Journal.Base> newest() {
    return tail.now(ledger -> {
      Note.Checkpoint newest = ledger.base();
      return newest == null ? Optional.empty() : Optional.of(view(newest));
    });
  }

  private Journal.Base view(Note.Checkpoint newest) throws IOException {
    JournalFiles.BaseFile file = files.baseFile(newest.upTo(), newest.base());
    Journal.Base base = Bases.view(files, file);
    if (base == null) {
      throw Faults.damaged(files.path(file.file()), "it fails its check", Recovery.NEXT);
    }
    return base;
  }

  // ---- taking -----------------------------------------------------------------------------------

  /// Has a state stand for all up to a position; false if a newer base does.
  boolean take(long upTo, Journal.State state) {
    turn.lock();
    try {
      boolean taken = takeTurn(upTo, state);
      try {
        if (!taken && !state.isWanted()) {
          return false;
        }
        Boolean replaced;
        do {
          settled.accept(
              tail.now(ledger -> upTo <= ledger.below() ? 0 : ledger.start(upTo) + Words.BYTES));
          replaced = replace(upTo, state);
        } while (replaced == null);
        return replaced;
      } finally {
        if (taken) {
          locks.releaseCheckpoint();
        }
      }
    } finally {
      turn.unlock();
    }
  }

  /// Waits for somebody else's checkpoint, if it does not take too long; answers whether the byte
  /// is ours.
  private boolean takeTurn(long upTo, Journal.State state) {
    Patience patience = new Patience(ticker);
    long seen = -1;
    while (tail.below() < upTo && state.isWanted()) {
      if (locks.tryCheckpoint()) {
        return true;
      }
      if (seen < 0 || patience.spentNanos() >= STOPPED_NANOS) {
        long written = unfinishedBytes();
        if (written == seen) {
          return false;
        }
        seen = written;
        patience = new Patience(ticker);
      }
      patience.wait(this);
    }
    return false;
  }

  /// How much of bases has been written that are not finished.
  private long unfinishedBytes() {
    return files.io(
        files.control(),
        () -> {
          long bytes = 0;
          for (String unfinished : files.unfinishedBases(Long.MAX_VALUE)) {
            try (Storage.File file = files.storage().open(unfinished)) {
              bytes += file.size();
            } catch (NoSuchFileException finished) {
              // that shows, too
            }
          }
          return bytes;
        });
  }

  /// Whether the base counts now; `null` if the record it ends with was written once more
  /// meanwhile, or what was called durable was its former place: then it has to begin elsewhere.
  private @Nullable Boolean replace(long upTo, Journal.State state) {
    if (upTo <= tail.below()) {
      return false;
    }
    JournalFiles.BaseFile file = files.baseFile(upTo, files.unique());
    Replacement replacement = written(file, state);
    if (replacement == null) {
      return false;
    }
    Yield.at(Yield.JOURNAL_BASE_NAMED);
    Base base = replacement.base;
    Wish.ToRest wish =
        new Wish.ToRest(
            new Note.Checkpoint(upTo, base.id()),
            replacement.start,
            () -> control.durable() >= base.start());
    writer.write(
        wish, "the checkpoint at " + upTo + " may or may not stand; taking it again is safe");
    if (!wish.taken()) {
      delete(file.file());
      return wish.newer() ? null : false;
    }
    Yield.at(Yield.JOURNAL_CHECKPOINT_APPENDED);
    settled.accept(control.tail());
    retire(base);
    return true;
  }

  /// A base that may count.
  ///
  /// @param start where the record lies that it ends with
  private record Replacement(Base base, long start) {}

  /// Writes a base; `null` when a newer one came meanwhile, and may have removed this one.
  private @Nullable Replacement written(JournalFiles.BaseFile file, Journal.State state) {
    return files.io(
        file.file(),
        () -> {
          List<Replacement> written = new ArrayList<>(1);
          try {
            Bases.write(
                files,
                file,
                state,
                () -> {
                  written.add(replacement(file));
                  return written.getFirst().base;
                });
            return written.getFirst();
          } catch (NoSuchFileException removed) {
            if (tail.below() < file.upTo()) {
              throw removed;
            }
            return null;
          }
        });
  }

  private Replacement replacement(JournalFiles.BaseFile file) throws IOException {
    Replacement replacement =
        tail.now(ledger -> file.upTo() <= ledger.below() ? null : replacement(ledger, file));
    if (replacement == null) {
      throw new NoSuchFileException(file.file(), null, "a newer one counts");
    }
    return replacement;
  }

  private Replacement replacement(Ledger ledger, JournalFiles.BaseFile file) throws IOException {
    List<Frame> unit = new ArrayList<>(1);
    tail.walk(
        ledger,
        ledger.start(file.upTo()),
        frame -> {
          unit.add(frame);
          return false;
        });
    Frame last = unit.getFirst();
    return new Replacement(
        ledger.base(last, file.upTo(), file.id(), control.lineage()), last.place());
  }

  // ---- letting go -------------------------------------------------------------------------------

  /// Removes what the base stands for: first older bases, then, once that lasts, segments. So
  /// wherever a crash comes, a base that is left has its records. Whoever had still to read those
  /// segments goes on from the base: nobody who stands still keeps them. Bases that were never
  /// finished go as well: whoever still writes one is told.
  private void retire(Base base) {
    files.<@Nullable Void>io(
        files.control(),
        () -> {
          for (JournalFiles.BaseFile other : files.bases()) {
            if (other.upTo() < base.upTo()) {
              files.storage().delete(other.file());
            }
          }
          for (String unfinished : files.unfinishedBases(base.upTo())) {
            files.storage().delete(unfinished);
          }
          files.storage().sync();
          Yield.at(Yield.JOURNAL_BASES_RETIRED);
          for (int number : files.segments().stream().sorted().toList()) {
            if (number < Place.segment(base.start())) {
              files.storage().delete(files.segment(number));
            }
          }
          files.storage().sync();
          return null;
        });
  }

  private void delete(String file) {
    files.<@Nullable Void>io(
        file,
        () -> {
          files.storage().delete(file);
          return null;
        });
  }
}
