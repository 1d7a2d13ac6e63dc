package dev.truce.file;

import dev.truce.spi.Storage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The segments that this process has open.
///
/// A descriptor is kept while its segment may have to be flushed: one that was closed and opened
/// again would not be told of what failed in between.
final class Segments implements AutoCloseable {
  private final JournalFiles files;
  private final Control control;
  private final NavigableMap<Integer, Segment> open = new TreeMap<>();
  private final Map<Integer, SegmentPage> pages = new HashMap<>();
  private final Map<Use, Integer> used = new EnumMap<>(Use.class);

  /// What a segment is used for, by one thread of this process each.
  enum Use {
    APPENDING,
    FLUSHING
  }

  Segments(JournalFiles files, Control control) {
    this.files = files;
    this.control = control;
  }

  /// Opens a segment.
  ///
  /// @throws NoSuchFileException if there is none, or none any more
  synchronized Segment open(int number) throws IOException {
    Segment known = open.get(number);
    if (known != null) {
      return known;
    }
    Storage.File file = files.storage().open(files.segment(number));
    // read after opening: whoever announces a flush later does so beside this descriptor
    Segment segment = new Segment(number, file, file.size(), control.epoch());
    open.put(number, segment);
    return segment;
  }

  /// The page of a segment that counts, which never changes.
  ///
  /// @throws NoSuchFileException if there is none any more; nor is there where somebody who stood
  ///   still for long has made one anew that nobody moves to
  synchronized SegmentPage page(int number) throws IOException {
    SegmentPage known = pages.get(number);
    if (known != null) {
      return known;
    }
    Segment segment = open(number);
    SegmentPage page = segment.page(files);
    if (page == null && segment.isUnused()) {
      open.remove(number);
      close(segment);
      throw new NoSuchFileException(files.segment(number), null, "it was made and never used");
    }
    if (page == null || !page.lineage().equals(control.lineage())) {
      throw Faults.damaged(
          files.path(files.segment(number)), "its first page fails its check", Recovery.NEXT);
    }
    pages.put(number, page);
    return page;
  }

  /// Whether a segment is there to be moved to.
  boolean prepared(int number) throws IOException {
    try {
      open(number);
      return true;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /// Makes a segment that can be moved to, unless there is one. Its name lasts then: whoever gave
  /// it may have died, or failed, before that.
  void prepare(int number, long size) throws IOException {
    if (prepared(number)) {
      files.storage().sync();
    } else {
      Segment.create(files, number, List.of(), size);
    }
  }

  /// Begins a prepared segment: for who has its byte of `locks`. It counts once the tail is moved
  /// there.
  SegmentPage begin(Segment segment, long predecessor, int chain) throws IOException {
    SegmentPage page =
        SegmentPage.fresh(files, control.lineage(), segment.number(), predecessor, chain);
    ByteBuffer bytes = page.bytes();
    segment.file().write(bytes, 0);
    return page;
  }

  /// Keeps a segment and all above it open, instead of what was kept for the same use before.
  synchronized void keep(Use use, int number) {
    used.put(use, number);
  }

  /// Keeps nothing any more for that use.
  synchronized void done(Use use) {
    used.remove(use);
  }

  /// Closes the segments below a number, but for those in use: an append or a flush that was held
  /// up there would take that for a failure of the disk.
  synchronized void closeBelow(int wanted) {
    int number = used.values().stream().reduce(wanted, Math::min);
    while (!open.isEmpty() && open.firstKey() < number) {
      Segment segment = open.pollFirstEntry().getValue();
      pages.remove(segment.number());
      close(segment);
    }
  }

  @Override
  public synchronized void close() {
    open.values().forEach(this::close);
    open.clear();
  }

  private void close(Segment segment) {
    files.<@Nullable Void>io(
        files.segment(segment.number()),
        () -> {
          segment.file().close();
          return null;
        });
  }
}
