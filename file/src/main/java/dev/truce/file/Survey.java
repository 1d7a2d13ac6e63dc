package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.spi.Storage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.NavigableSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// What the segments and bases of a journal say, without its control file. It changes nothing.
///
/// **Which segments count.** A segment counts when it holds a record that is no copy, for such are
/// only written once the control word has moved there; so do the first segment and the one where
/// the base ends. The control word only moves to higher numbers, so the highest that counts was
/// present last, and from it the pages lead back, each to the segment before it and to the place
/// where that ends.
///
/// **Torn or damaged.** The chain is read from the base on, to the first place T where no record is
/// that is whole and follows. Each record carries the place that was durable when it was written;
/// the highest of these in any record of any segment, before T or behind it, is D. Above D nothing
/// was acknowledged. So T at or above D is a torn end, as a crash leaves it; T below D means that
/// an acknowledged record is damaged.
final class Survey {
  private final JournalFiles files;
  private final Looking looking;
  private final String next;
  private final TreeMap<Integer, Part> parts = new TreeMap<>();
  private final TreeSet<Integer> unreadable = new TreeSet<>();
  private final List<Base> bases = new ArrayList<>();
  private final List<JournalFiles.BaseFile> damagedBases = new ArrayList<>();
  private long hint;
  private final int highest;
  private final boolean empty;

  /// A segment by itself.
  ///
  /// @param counts whether it holds a record that is no copy
  private record Part(SegmentPage page, long size, boolean counts) {}

  /// What a journal is.
  ///
  /// @param damage what is wrong, or `null`
  /// @param last its last position
  /// @param base the base it begins with, or `null` for its beginning
  /// @param below the position up to which its newest base stands
  /// @param durable the place up to which all is known to be on disk
  /// @param chain the checksum of the record that ends there
  /// @param behind the records behind that, or behind an earlier place that was asked for
  /// @param end where the last whole record ends
  /// @param ending why there is none behind it
  /// @param segments the numbers of the segments that hold it
  /// @param highest the highest number of any segment
  record Finding(
      UUID lineage,
      @Nullable EngineException damage,
      @Nullable Base base,
      long last,
      long below,
      long durable,
      int chain,
      List<Note> behind,
      long end,
      String ending,
      NavigableSet<Integer> segments,
      long weight,
      int highest) {}

  private Survey(JournalFiles files, Looking looking, String next) throws IOException {
    this.looking = looking;
    this.next = next;
    this.files = files;
    List<Integer> numbers = files.segments();
    List<JournalFiles.BaseFile> baseFiles = files.bases();
    this.empty = numbers.isEmpty() && baseFiles.isEmpty();
    this.highest = numbers.isEmpty() ? 0 : Collections.max(numbers);
    for (JournalFiles.BaseFile file : baseFiles) {
      Base base = looking.at(files, file);
      if (base == null) {
        damagedBases.add(file);
      } else {
        bases.add(base);
      }
    }
    bases.sort(Comparator.comparingLong(Base::upTo).reversed());
    for (int number : numbers) {
      examine(number);
    }
  }

  /// What an opener has to know.
  static Survey of(JournalFiles files) throws IOException {
    return new Survey(files, Bases::read, Recovery.NEXT);
  }

  /// The same when every byte was looked at, those of states too.
  ///
  /// @param next what to do about damage
  static Survey ofAll(JournalFiles files, String next) throws IOException {
    return new Survey(files, Bases::readWhole, next);
  }

  /// How a base is read; it is `null` when it is damaged or gone.
  private interface Looking {
    @Nullable Base at(JournalFiles files, JournalFiles.BaseFile file) throws IOException;
  }

  /// Whether there is nothing.
  boolean empty() {
    return empty;
  }

  private void examine(int number) throws IOException {
    try (Storage.File file = files.storage().open(files.segment(number))) {
      long size = file.size();
      Segment segment = new Segment(number, file, size, 0);
      SegmentPage page = segment.page(files);
      if (page == null) {
        examineWithout(segment);
        return;
      }
      boolean counts = false;
      Frames frames = Frames.all(file, page, size);
      for (Frame frame = frames.next(); frame != null; frame = frames.next()) {
        counts |= !frame.copy();
        hint = Math.max(hint, frame.hint());
      }
      hint = Math.max(hint, frames.highestHintBehind());
      parts.put(number, new Part(page, size, counts));
    }
  }

  /// A segment with an empty page was prepared, or its page did not get to disk before a crash, as
  /// its records may have. Records below a page that is neither whole nor empty tell of damage.
  private void examineWithout(Segment segment) throws IOException {
    SegmentPage none = new SegmentPage(Note.NOBODY, Note.NOBODY, segment.number(), 0, 0, 0, 0);
    long told = Frames.all(segment.file(), none, segment.size()).highestHintBehind();
    if (told > 0 && !segment.isUnused()) {
      unreadable.add(segment.number());
    }
    hint = Math.max(hint, told);
  }

  // ---- judging ----------------------------------------------------------------------------------

  /// What the journal is, from the newest base that counts, or from its beginning. Older bases and
  /// records go once the record of a checkpoint is on disk, so where nothing else is left that
  /// record is damaged or lies behind what is, and the newest base is where the journal begins.
  ///
  /// @param from the place from which on records are kept, if that is not durable anyway
  Finding judge(long from) throws IOException {
    List<Finding> uncertain = new ArrayList<>();
    for (Base base : bases) {
      Ledger ledger = Ledger.from(base);
      Finding finding = follow(base, ledger, base.lineage(), from);
      if (ledger.confirmed()) {
        return finding;
      }
      uncertain.add(finding);
    }
    Part first = parts.get(1);
    if (first != null) {
      return follow(null, Ledger.beginning(first.page), first.page.lineage(), from);
    }
    if (uncertain.isEmpty()) {
      throw nothingToBeginWith();
    }
    return uncertain.getFirst();
  }

  private EngineException nothingToBeginWith() {
    return damagedBases.stream()
        .max(Comparator.comparingLong(JournalFiles.BaseFile::upTo))
        .map(base -> Faults.damaged(files.path(base.file()), "it is gone or fails its check", next))
        .orElseGet(() ->
            Faults.damaged(
                path(1), "neither its beginning nor a base that stands for it is there", next));
  }

  /// Reads the chain from where a ledger stands.
  private Finding follow(@Nullable Base base, Ledger ledger, UUID lineage, long from)
      throws IOException {
    int first = Place.segment(ledger.place());
    List<Part> chain = chain(lineage, first);
    Reading reading = new Reading(ledger, Math.max(reached(chain), ledger.place()), from);
    String ending = read(chain, reading);
    return new Finding(
        lineage,
        damage(base, first, reading, ending),
        base,
        ledger.last(),
        ledger.below(),
        reading.durable,
        reading.chain == null ? 0 : reading.chain,
        reading.behind,
        ledger.place(),
        ending,
        new TreeSet<>(ledger.segments().headSet(Place.segment(reading.durable), true)),
        ledger.weight(),
        highest);
  }

  private @Nullable EngineException damage(
      @Nullable Base base, int first, Reading reading, String ending) throws IOException {
    Integer broken = parts.containsKey(first) ? unreadable.ceiling(first) : Integer.valueOf(first);
    if (broken != null) {
      return Faults.damaged(path(broken), "its first page fails its check", next);
    }
    Note.Checkpoint newest = reading.ledger.base();
    if (newest != null && !readable(newest)) {
      return Faults.damaged(
          files.path(files.base(newest.upTo(), newest.base())),
          "it is missing or fails its check",
          next);
    }
    if (reading.chain != null) {
      return base == null || reading.ledger.confirmed()
          ? null
          : Faults.damaged(
              files.path(files.base(base.upTo(), base.id())),
              "no record says that it counts, and nothing older is there",
              next);
    }
    long end = reading.ledger.place();
    return Faults.damaged(
        path(Place.segment(end)),
        "record at "
            + Place.offset(end)
            + ": "
            + ending
            + ", though all below "
            + Place.text(reading.durable)
            + " was on disk",
        next);
  }

  /// Whether its base is there: if not among those that were listed, then by now, for somebody may
  /// be using the journal.
  private boolean readable(Note.Checkpoint checkpoint) throws IOException {
    return bases.stream().anyMatch(base -> base.id().equals(checkpoint.base()))
        || looking.at(files, files.baseFile(checkpoint.upTo(), checkpoint.base())) != null;
  }

  /// The segments from the one after `first` to the last one that counts and leads back to it,
  /// oldest first. Where a page on the way is lost, so is all behind it, and an earlier one is the
  /// last: unless that was on disk, it was never acknowledged.
  private List<Part> chain(UUID lineage, int first) {
    for (Part last : parts.tailMap(first, false).descendingMap().values()) {
      List<Part> chain = new ArrayList<>();
      Part part = last;
      while (last.counts && part != null && part.page.number() > first) {
        chain.addFirst(part);
        part = parts.get(Place.segment(part.page.predecessor()));
      }
      boolean leadsBack = part != null && part.page.number() == first;
      if (last.counts && leadsBack && last.page.lineage().equals(lineage)) {
        return chain;
      }
    }
    return List.of();
  }

  /// What a chain has of all below the hint, which may lie in a segment that was given up for one
  /// of the chain's: see [Tail#reached].
  private long reached(List<Part> chain) {
    return chain.stream()
        .filter(part -> part.page.number() > Place.segment(hint))
        .findFirst()
        .map(next -> Math.min(hint, next.page.predecessor()))
        .orElse(hint);
  }

  /// What is known while the chain is read.
  private static final class Reading {
    final Ledger ledger;
    final long durable;
    final long from;
    final List<Note> behind = new ArrayList<>();
    @Nullable Integer chain;

    Reading(Ledger ledger, long durable, long from) {
      this.ledger = ledger;
      this.from = Math.min(durable, from);
      this.durable = durable;
      look();
    }

    /// Notes the checksum where the durable part ends.
    void look() {
      if (ledger.place() == durable) {
        chain = ledger.previous();
      }
    }

    @Nullable String take(Frame frame) {
      String wrong = ledger.take(frame);
      if (wrong == null && frame.place() >= from) {
        behind.add(frame.note());
      }
      look();
      return wrong;
    }
  }

  /// Reads as far as possible, and answers why not farther.
  private String read(List<Part> chain, Reading reading) throws IOException {
    Ledger ledger = reading.ledger;
    for (Part part : chain) {
      long end = part.page.predecessor();
      String wrong = read(reading, end);
      if (wrong != null) {
        return wrong;
      }
      if (ledger.place() != end || ledger.previous() != part.page.chain()) {
        return "segment " + part.page.number() + " follows another record";
      }
      ledger.enter(part.page);
      reading.look();
    }
    String wrong = read(reading, Long.MAX_VALUE);
    return wrong == null ? "the segment ends" : wrong;
  }

  /// Reads in the present segment up to `end`, or as far as possible; answers why not farther.
  private @Nullable String read(Reading reading, long end) throws IOException {
    Ledger ledger = reading.ledger;
    int number = Place.segment(ledger.place());
    Part part = parts.get(number);
    if (part == null) {
      return "its first page cannot be read";
    }
    try (Storage.File file = files.storage().open(files.segment(number))) {
      Frames frames =
          new Frames(
              file,
              part.page,
              ledger.place(),
              ledger.previous(),
              Math.min(end, Place.of(number, part.size)));
      for (Frame frame = frames.next(); frame != null; frame = frames.next()) {
        String wrong = reading.take(frame);
        if (wrong != null) {
          return wrong;
        }
      }
      return ledger.place() == end ? null : frames.fault();
    }
  }

  private Path path(int segment) {
    return files.path(files.segment(segment));
  }
}
