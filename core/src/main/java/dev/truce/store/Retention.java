package dev.truce.store;

import java.util.ArrayDeque;
import java.util.Deque;

/// Decides which records a checkpoint is to stand for.
///
/// Records behind a checkpoint are let grow by a *step*, a quarter of what the checkpoint takes: so
/// all of it is written again only when so much was added. What has come behind a step is let go
/// when there is enough behind that, for those who look back. Where a step ends is told by the
/// records alone, so all processes propose the same checkpoint, and one of them takes it.
///
/// **Threads.** One at a time.
final class Retention {
  /// What a record takes besides its own bytes, about.
  private static final int FRAME_BYTES = 64;

  /// @param kept how many bytes of records are not let go, at least
  /// @param least the shortest step
  /// @param most the longest step
  /// @param grain of so many bytes of records the last one is noted
  record Sizes(long kept, long least, long most, long grain) {
    static final Sizes USUAL = new Sizes(4 << 20, 4 << 20, 32 << 20, 64 << 10);

    private long step(Run run) {
      return Math.clamp(run.size() / 4, least, most);
    }
  }

  /// A record, and how many bytes there are up to it.
  private record Mark(long position, long bytes) {}

  private final Sizes sizes;
  private final Deque<Mark> marks = new ArrayDeque<>();
  private long step;
  private long bytes;

  Retention(Sizes sizes) {
    this.sizes = sizes;
    this.step = sizes.step(Run.NONE);
  }

  /// Begins with a checkpoint behind which no record was added.
  void begin(Run run) {
    step = sizes.step(run);
    bytes = 0;
    marks.clear();
  }

  /// Goes on with a checkpoint that stands for some of what was added.
  void goOn(Run run) {
    step = sizes.step(run);
    long gone = 0;
    for (Mark mark = marks.peek(); mark != null && mark.position <= run.upTo(); ) {
      gone = mark.bytes;
      marks.remove();
      mark = marks.peek();
    }
    bytes -= gone;
    int left = marks.size();
    for (int i = 0; i < left; i++) {
      Mark mark = marks.remove();
      marks.add(new Mark(mark.position, mark.bytes - gone));
    }
  }

  /// The next record.
  void add(long position, int length) {
    bytes += length + FRAME_BYTES;
    long marked = marks.isEmpty() ? 0 : marks.getLast().bytes;
    if (bytes - marked >= sizes.grain) {
      marks.add(new Mark(position, bytes));
    }
  }

  /// How many bytes of records there are behind the checkpoint.
  long bytes() {
    return bytes;
  }

  /// Up to where records may be let go, 0 as long as there are too few.
  ///
  /// @param durable up to where they may at most
  long due(long durable) {
    if (bytes < step + sizes.kept) {
      return 0;
    }
    long due = 0;
    long steps = 0;
    for (Mark mark : marks) {
      boolean ends = mark.bytes / step > steps;
      steps = mark.bytes / step;
      if (ends && bytes - mark.bytes >= sizes.kept && mark.position <= durable) {
        due = mark.position;
      }
    }
    return due;
  }
}
