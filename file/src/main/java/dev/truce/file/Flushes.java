package dev.truce.file;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/// The flushes of segments that this process makes, one at a time: its slot announces one.
///
/// Each is announced before it is made, whatever it is made for. Its failure is told once, and is
/// about everything in the segment, records of others too: if the process dies before it could
/// poison the journal, the announcement says that nobody else may be told.
final class Flushes {
  private final JournalFiles files;
  private final Control control;
  private final int slot;
  private final ReentrantLock one = new ReentrantLock();

  Flushes(JournalFiles files, Control control, int slot) {
    this.files = files;
    this.control = control;
    this.slot = slot;
  }

  /// Brings to disk what the segments have up to a place, and raises the durable word to it.
  ///
  /// @throws IOException if a flush failed; the journal is poisoned then
  void raise(List<Segment> range, long end) throws IOException {
    make(range, end, true);
  }

  /// Brings a segment to disk for what lies behind its end, and vouches for nothing.
  ///
  /// @throws IOException if that failed; the journal is poisoned then
  void only(Segment segment) throws IOException {
    long end = Math.min(control.tail(), Place.of(segment.number(), segment.size()));
    make(List.of(segment), end, false);
  }

  private void make(List<Segment> range, long end, boolean vouch) throws IOException {
    one.lock();
    try {
      if (control.poisoned()) {
        throw Flusher.failStop(files, control);
      }
      control.announce(slot, end);
      Yield.at(Yield.JOURNAL_FLUSH_ANNOUNCED);
      flush(range);
      Yield.at(Yield.JOURNAL_FLUSHED);
      if (vouch) {
        control.raise(end);
        Yield.at(Yield.JOURNAL_FLUSH_RAISED);
      }
      control.done(slot);
    } finally {
      one.unlock();
    }
  }

  private void flush(List<Segment> range) throws IOException {
    Segment current = range.getFirst();
    try {
      for (Segment segment : range) {
        current = segment;
        segment.file().flush();
      }
    } catch (IOException e) {
      control.poison();
      control.done(slot);
      throw new IOException(
          files.path(files.segment(current.number()))
              + " could not be flushed ("
              + e.getMessage()
              + ")",
          e);
    }
  }
}
