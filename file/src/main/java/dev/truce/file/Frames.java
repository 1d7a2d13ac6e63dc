package dev.truce.file;

import dev.truce.spi.Storage;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// The records of one segment, read one after another as long as each is whole and follows.
final class Frames {
  private static final int WINDOW_BYTES = 1 << 16;
  private static final String CUT = "the file is cut off";

  private final Storage.File file;
  private final SegmentPage page;
  private final long end;
  private long place;
  private int previous;
  private String fault = "";

  private ByteBuffer window = Frame.buffer(0);
  private long windowAt;

  /// Reads from `place`, whose record follows one with the checksum `previous`, up to `end`.
  Frames(Storage.File file, SegmentPage page, long place, int previous, long end) {
    this.file = file;
    this.page = page;
    this.place = place;
    this.previous = previous;
    this.end = end;
  }

  /// All of a segment of this size.
  static Frames all(Storage.File file, SegmentPage page, long size) {
    return new Frames(file, page, page.first(), page.crc(), Place.of(page.number(), size));
  }

  /// The next record, or `null` at the end or at one that [cannot be read][#fault].
  @Nullable Frame next() throws IOException {
    int length = claimed();
    if (length == 0) {
      return null;
    }
    int at = load(length);
    String wrong =
        at < 0 ? CUT : Frame.fault(window, at, place, new Frame.Context(page.salt(), previous));
    if (wrong != null) {
      fault = wrong;
      return null;
    }
    Frame frame = Frame.of(window, at, place);
    place = frame.end();
    previous = frame.crc();
    return frame;
  }

  private int claimed() throws IOException {
    if (end - place < Frame.HEADER) {
      fault = "the segment ends";
      return 0;
    }
    int at = load(Frame.HEADER);
    if (at < 0) {
      fault = CUT;
      return 0;
    }
    int length = Frame.claimed(window, at);
    if (length == 0 || length > end - place) {
      fault = length == 0 ? "there is no record" : "it is longer than what is left";
      return 0;
    }
    return length;
  }

  /// The highest hint of any whole record that lies somewhere behind, whether it follows and counts
  /// or not: whoever wrote it told the truth.
  long highestHintBehind() throws IOException {
    long highest = 0;
    for (long at = place; end - at >= Frame.HEADER; at += Words.BYTES) {
      place = at;
      int offset = load(Frame.HEADER);
      if (offset < 0) {
        break;
      }
      int length = Frame.claimed(window, offset);
      if (length == 0 || length > end - at || Frame.place(window, offset) != at) {
        continue;
      }
      offset = load(length);
      if (offset >= 0 && Frame.whole(window, offset, at)) {
        highest = Math.max(highest, Frame.hint(window, offset));
      }
    }
    return highest;
  }

  /// Where the next record would be.
  long place() {
    return place;
  }

  /// The checksum of the last one.
  int previous() {
    return previous;
  }

  /// Why there was no next record.
  String fault() {
    return fault;
  }

  /// The index in the window of the next `bytes` bytes, or -1 when the file ends before.
  private int load(int bytes) throws IOException {
    long at = Place.offset(place);
    if (at < windowAt || at + bytes > windowAt + window.limit()) {
      long left = end - place;
      window = JournalFiles.read(file, at, (int) Math.min(left, Math.max(bytes, WINDOW_BYTES)));
      windowAt = at;
      if (window.limit() < bytes) {
        return -1;
      }
    }
    return (int) (at - windowAt);
  }
}
