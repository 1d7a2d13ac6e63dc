package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.spi.Journal;
import dev.truce.spi.Storage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// What this process knows of a journal, kept up with the records that others append.
///
/// As long as nothing was appended, asking costs one look at the control word. What is between the
/// known place and the control word was written whole before the word moved there, so a record that
/// cannot be read there is damage.
final class Tail {
  /// How often the records may slip away below a reader before that is called damage: each time
  /// somebody else's checkpoint has retired them.
  private static final int TRIES = 16;

  private final JournalFiles files;
  private final Control control;
  private final Segments segments;
  private final ReentrantLock lock = new ReentrantLock();
  private Ledger ledger;

  private volatile Seen seen;

  /// What was known when the control word was this.
  private record Seen(long word, long last, long below) {}

  /// Work with what is known.
  @FunctionalInterface
  interface Work<T extends @Nullable Object> {
    T run(Ledger ledger) throws IOException;
  }

  Tail(JournalFiles files, Control control, Segments segments) {
    this.files = files;
    this.control = control;
    this.segments = segments;
    this.ledger = files.io(files.control(), this::load);
    this.seen = new Seen(0, 0, 0);
  }

  /// The last position that can be read.
  long last() {
    Seen known = seen;
    return known.word == control.tail() ? known.last : at(control.tail(), Ledger::last);
  }

  /// The position up to which the newest checkpoint stands.
  long below() {
    Seen known = seen;
    return known.word == control.tail() ? known.below : at(control.tail(), Ledger::below);
  }

  /// Does work with what is known up to `word`, a place the control word has been at, or beyond.
  /// When records were retired that it needs, it is done again from a newer base on.
  <T extends @Nullable Object> T at(long word, Work<T> work) {
    lock.lock();
    try {
      return files.io(
          files.control(),
          () -> {
            for (int tries = 0; ; tries++) {
              try {
                catchUp(word);
                return work.run(ledger);
              } catch (NoSuchFileException retired) {
                if (tries == TRIES) {
                  throw missing(retired);
                }
                ledger = load();
              }
            }
          });
    } finally {
      lock.unlock();
    }
  }

  private EngineException missing(NoSuchFileException file) {
    return Faults.damaged(
        files.path(String.valueOf(file.getFile())), "it is missing", Recovery.NEXT);
  }

  /// Does work with all that can be known now.
  <T extends @Nullable Object> T now(Work<T> work) {
    return at(control.tail(), work);
  }

  /// Takes up what this process itself has appended at a place, unless it was read already.
  void take(long word, List<Frame> frames) {
    lock.lock();
    try {
      if (ledger.place() == word) {
        frames.forEach(ledger::take);
        seen = new Seen(ledger.place(), ledger.last(), ledger.below());
      }
    } finally {
      lock.unlock();
    }
  }

  private void catchUp(long word) throws IOException {
    if (ledger.place() < word) {
      follow(word);
    }
    if (seen.word != ledger.place()) {
      seen = new Seen(ledger.place(), ledger.last(), ledger.below());
      segments.closeBelow(ledger.segments().first());
    }
  }

  /// Reads on to a place, through all the segments between.
  private void follow(long word) throws IOException {
    Deque<SegmentPage> pages = new ArrayDeque<>();
    int known = Place.segment(ledger.place());
    for (int number = Place.segment(word); number > known; ) {
      SegmentPage page = segments.page(number);
      pages.push(page);
      number = Place.segment(page.predecessor());
    }
    for (SegmentPage page : pages) {
      if (page.predecessor() >= ledger.place()) {
        read(page.predecessor());
        if (ledger.previous() != page.chain()) {
          throw damaged(page.predecessor(), "the next segment follows another record");
        }
      }
      ledger.enter(page);
    }
    read(word);
  }

  /// Reads on in the present segment.
  private void read(long end) throws IOException {
    int number = Place.segment(ledger.place());
    Frames frames =
        new Frames(
            segments.open(number).file(),
            segments.page(number),
            ledger.place(),
            ledger.previous(),
            end);
    while (ledger.place() < end) {
      Frame frame = frames.next();
      String wrong = frame == null ? frames.fault() : ledger.take(frame);
      if (wrong != null) {
        throw damaged(ledger.place(), wrong);
      }
    }
  }

  // ---- reading again ----------------------------------------------------------------------------

  /// Reads the records from a place where one begins up to where this process knows them, until
  /// `wanted` has enough; answers the checksum that the first one follows.
  ///
  /// @throws NoSuchFileException if they were retired meanwhile
  int walk(Ledger known, long from, Predicate<Frame> wanted) throws IOException {
    Integer chain = null;
    for (int number : known.segments().tailSet(Place.segment(from))) {
      SegmentPage page = segments.page(number);
      long start = number == Place.segment(from) ? from : page.first();
      Integer next = known.segments().higher(number);
      long end = next == null ? known.place() : segments.page(next).predecessor();
      int previous = start < end ? previous(page, start) : endOf(known, next);
      chain = chain == null ? previous : chain;
      Frames frames = new Frames(segments.open(number).file(), page, start, previous, end);
      while (frames.place() < end) {
        Frame frame = frames.next();
        if (frame == null) {
          throw damaged(frames.place(), frames.fault());
        }
        if (!wanted.test(frame)) {
          return chain;
        }
      }
    }
    return chain == null ? known.previous() : chain;
  }

  /// The units behind a position, to the last that is known; `null` if they are more than so many
  /// bytes, or were retired meanwhile.
  @Nullable List<Journal.Entry> after(Ledger known, long position, int bytes) {
    List<Journal.Entry> entries = new ArrayList<>();
    long[] sum = {0};
    return files.io(
        files.control(),
        () -> {
          try {
            int _ =
                walk(
                    known,
                    known.start(position + 1),
                    frame -> {
                      if (frame.note() instanceof Note.Landed(long at, UUID id, byte[] record)) {
                        entries.add(new Journal.Entry(at, id, record));
                        sum[0] += record.length;
                      }
                      return sum[0] <= bytes;
                    });
          } catch (NoSuchFileException retired) {
            return null;
          }
          return sum[0] <= bytes ? entries : null;
        });
  }

  /// What the way that is known has of all below a durable place. Whoever was slow to flush may
  /// have called a place durable in a segment that was given up meanwhile for a later one: what
  /// lies there is on disk and counts after a crash, unless its copies in the later one do; but the
  /// way leads past it.
  long reached(Ledger known, long durable) throws IOException {
    Integer next = known.segments().higher(Place.segment(durable));
    return next == null ? durable : Math.min(durable, segments.page(next).predecessor());
  }

  /// The checksum that the record at `start` follows.
  private int previous(SegmentPage page, long start) throws IOException {
    if (start == page.first()) {
      return page.crc();
    }
    Storage.File file = segments.open(page.number()).file();
    ByteBuffer header = JournalFiles.read(file, Place.offset(start), Frame.HEADER);
    if (header.limit() < Frame.HEADER) {
      throw damaged(start, "the file is cut off");
    }
    return Frame.previous(header, 0);
  }

  /// The checksum of the last record before a segment, or of all.
  private int endOf(Ledger known, @Nullable Integer next) throws IOException {
    return next == null ? known.previous() : segments.page(next).chain();
  }

  private EngineException damaged(long place, String what) {
    return Faults.damaged(
        files.path(files.segment(Place.segment(place))),
        "record at " + Place.offset(place) + ": " + what,
        Recovery.NEXT);
  }

  // ---- beginning --------------------------------------------------------------------------------

  /// Begins with the newest base that counts, or with the first segment. A base counts when its
  /// checkpoint was appended, so that is looked for; one that does not count has an older one, or
  /// the first segment, below it.
  private Ledger load() throws IOException {
    for (int tries = 0; tries < TRIES; tries++) {
      for (JournalFiles.BaseFile file : newestFirst()) {
        Base base = Bases.read(files, file);
        Ledger known =
            base == null || !base.lineage().equals(control.lineage())
                ? null
                : confirmed(Ledger.from(base));
        if (known != null) {
          return known;
        }
      }
      Ledger known = fromTheBeginning();
      if (known != null) {
        return known;
      }
    }
    throw Faults.damaged(
        files.path(files.segment(1)),
        "neither it nor a base that stands for it is there",
        Recovery.NEXT);
  }

  private List<JournalFiles.BaseFile> newestFirst() {
    return files.bases().stream()
        .sorted(Comparator.comparingLong(JournalFiles.BaseFile::upTo).reversed())
        .toList();
  }

  private @Nullable Ledger fromTheBeginning() throws IOException {
    try {
      return confirmed(Ledger.beginning(segments.page(1)));
    } catch (NoSuchFileException retired) {
      return null;
    }
  }

  private @Nullable Ledger confirmed(Ledger from) throws IOException {
    ledger = from;
    try {
      follow(control.tail());
      return ledger.confirmed() ? ledger : null;
    } catch (NoSuchFileException retired) {
      return null;
    }
  }
}
