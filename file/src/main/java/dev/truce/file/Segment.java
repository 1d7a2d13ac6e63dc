package dev.truce.file;

import dev.truce.spi.Storage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A segment that this process has open, by a descriptor that it keeps as long as it may have to
/// flush it.
///
/// @param birth the [epoch][Control#epoch] of flushes when it was open already: a flush of a later
///   epoch that failed would have been reported to this descriptor too
record Segment(int number, Storage.File file, long size, long birth) {
  /// How large segments are, and what of a base is done at a time.
  record Sizes(long smallest, long largest) {
    /// A journal that few use takes a megabyte or two; a large one changes segments, which costs
    /// some milliseconds, every 64.
    static final Sizes USUAL = new Sizes(1 << 20, 64 << 20);

    /// For a segment that follows so many bytes of records since the checkpoint.
    long after(long bytes) {
      return Math.clamp(Long.highestOneBit(Math.max(1, bytes)), smallest, largest);
    }

    /// What of a base is written at once.
    int piece() {
      return (int) (smallest >> 4);
    }

    /// What of a base is flushed at once.
    long stretch() {
      return smallest << 3;
    }
  }

  /// The page as it is on disk now, or `null` when it says nothing of this segment.
  @Nullable SegmentPage page(JournalFiles files) throws IOException {
    return SegmentPage.of(
        files.path(files.segment(number)), files.digest(), number, JournalFiles.page(file));
  }

  /// Whether nobody has begun it.
  boolean isUnused() throws IOException {
    return Arrays.equals(JournalFiles.page(file), new byte[Page.BYTES]);
  }

  /// What a segment begins with.
  ///
  /// @param end where the next record goes
  record Filling(List<ByteBuffer> content, long end) {}

  /// A page and records behind it, for a file that is on disk whole before it has its name. So a
  /// mark says that all before it is on disk: what a later crash leaves behind the end of an older
  /// segment is never taken for acknowledged.
  ///
  /// @param copies whether all but marks are copies
  static Filling filled(SegmentPage page, List<Note> notes, boolean copies, long hint) {
    List<ByteBuffer> content = new ArrayList<>(List.of(page.bytes()));
    long end = page.first();
    int previous = page.crc();
    for (Note note : notes) {
      ByteBuffer frame = Frame.buffer(Frame.bytes(note));
      boolean copy = copies && !(note instanceof Note.Mark);
      long known = note instanceof Note.Mark ? end : hint;
      previous = Frame.put(frame, note, copy, end, new Frame.Context(page.salt(), previous), known);
      content.add(frame.flip());
      end += frame.limit();
    }
    return new Filling(content, end);
  }

  /// Makes the file of a segment, with an empty page or with content; false if there is one.
  static boolean create(JournalFiles files, int number, List<ByteBuffer> content, long size)
      throws IOException {
    return files.create(
        files.segment(number),
        size,
        fresh -> {
          long at = 0;
          for (ByteBuffer part : content) {
            int length = part.remaining();
            fresh.write(part, at);
            at += length;
          }
        },
        Yield.JOURNAL_SEGMENT_WRITTEN);
  }
}
