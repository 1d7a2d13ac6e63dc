package dev.truce.file;

import dev.truce.file.Note.Checkpoint;
import dev.truce.file.Note.End;
import dev.truce.file.Note.GivenUp;
import dev.truce.file.Note.Landed;
import dev.truce.file.Note.Mark;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// What the records of a journal up to some place say: nothing but a function of them, the same in
/// every process. Confined to who holds the lock of its [Tail].
///
/// It begins with a base and takes up one record after another. Records that were copied into a
/// later segment come twice, and only their new places count.
final class Ledger {
  /// How many commit ids below the newest checkpoint are still known, and how many that were looked
  /// for in vain.
  static final int REMEMBERED = 1 << 16;

  private final CommitIds landed;
  private final LinkedHashSet<UUID> givenUp = new LinkedHashSet<>();
  private final Map<String, Ends> ended = new TreeMap<>();
  private final TreeSet<Integer> segments = new TreeSet<>();
  private long place;
  private int previous;
  private long last;

  /// Where the records after `below` begin.
  private long[] starts = new long[16];

  private long below;
  private long weight;
  private boolean marked;
  private boolean counting = true;
  private @Nullable Checkpoint base;
  private boolean confirmed = true;

  private Ledger(long place, int previous, CommitIds landed) {
    this.place = place;
    this.previous = previous;
    this.landed = landed;
    segments.add(Place.segment(place));
  }

  /// Of a journal from its very beginning.
  static Ledger beginning(SegmentPage first) {
    Ledger ledger = new Ledger(first.first(), first.crc(), new CommitIds());
    ledger.marked = true;
    return ledger;
  }

  /// Of a journal from a base on, which counts once its checkpoint is met.
  static Ledger from(Base base) {
    Ledger ledger = new Ledger(base.start(), base.previous(), base.landed().copy());
    ledger.last = base.upTo();
    ledger.below = base.upTo();
    ledger.base = new Checkpoint(base.upTo(), base.id());
    ledger.confirmed = false;
    ledger.givenUp.addAll(base.givenUp());
    ledger.ended.putAll(copy(base.ended()));
    return ledger;
  }

  // ---- taking up --------------------------------------------------------------------------------

  /// Takes up the record that lies here; answers what is wrong with it, or `null`.
  @Nullable String take(Frame frame) {
    String wrong = take(frame.note(), frame.place());
    if (wrong == null) {
      place = frame.end();
      previous = frame.crc();
      weight += frame.end() - frame.place();
      marked = frame.note() instanceof Mark;
      counting |= !frame.copy();
    }
    return wrong;
  }

  private @Nullable String take(Note note, long at) {
    switch (note) {
      case Landed(long position, UUID id, byte[] _) -> {
        if (position > last + 1 || (position <= last && !known(position, id))) {
          return "it holds position " + position + " after " + last;
        }
        land(position, id, at);
      }
      case End(String lock, long token) -> ended.computeIfAbsent(lock, _ -> new Ends()).add(token);
      case GivenUp(UUID id) -> givenUp.add(id);
      case Mark() -> {
        // the hint was all it had to say
      }
      case Checkpoint checkpoint -> {
        if (checkpoint.upTo() > last) {
          return "it stands for " + checkpoint.upTo() + " records after " + last;
        }
        rest(checkpoint);
      }
    }
    return null;
  }

  private boolean known(long position, UUID id) {
    Long known = landed.get(id);
    return known != null && known == position;
  }

  private void land(long position, UUID id, long at) {
    int index = (int) (position - below - 1);
    if (index >= starts.length) {
      starts = Arrays.copyOf(starts, Math.max(index + 1, starts.length * 2));
    }
    if (index >= 0) {
      starts[index] = at;
    }
    if (position > last) {
      landed.add(id, position);
      last = position;
    }
  }

  /// Goes on at the beginning of a segment, wherever it was.
  void enter(SegmentPage page) {
    segments.tailSet(Place.segment(page.predecessor()), false).clear();
    segments.add(page.number());
    place = page.first();
    previous = page.crc();
    counting = false;
  }

  /// From a checkpoint on, what is below it is forgotten, but for what later units may ask for.
  private void rest(Checkpoint checkpoint) {
    if (checkpoint.equals(base)) {
      confirmed = true;
    }
    if (checkpoint.upTo() <= below) {
      return;
    }
    int dropped = (int) (checkpoint.upTo() - below);
    segments.headSet(Place.segment(starts[dropped - 1])).clear();
    starts = Arrays.copyOfRange(starts, dropped, Math.max(dropped + 16, starts.length));
    below = checkpoint.upTo();
    base = checkpoint;
    confirmed = true;
    weight = 0;
    trim();
  }

  /// Forgets what is beyond the bounds. All processes do so at the same records.
  private void trim() {
    landed.forget(below - REMEMBERED);
    while (givenUp.size() > REMEMBERED) {
      givenUp.removeFirst();
    }
    ended.values().forEach(Ends::fold);
  }

  // ---- what is known ----------------------------------------------------------------------------

  /// Up to here it has read.
  long place() {
    return place;
  }

  /// The checksum of the last record that it took up.
  int previous() {
    return previous;
  }

  /// The last position.
  long last() {
    return last;
  }

  /// The position up to which the base stands.
  long below() {
    return below;
  }

  @Nullable Checkpoint base() {
    return base;
  }

  /// Whether the present segment holds a record that is no copy, by which a [Survey] knows that it
  /// counts.
  boolean counting() {
    return counting;
  }

  /// Whether nothing follows the last mark.
  boolean marked() {
    return marked;
  }

  /// How many bytes of records it took up since the last checkpoint.
  long weight() {
    return weight;
  }

  /// Whether the base it began with was met as a checkpoint, or replaced by one.
  boolean confirmed() {
    return confirmed;
  }

  /// The segments from the first it read to the present one.
  NavigableSet<Integer> segments() {
    return segments;
  }

  /// Where the record with a position that is above the base lies.
  long start(long position) {
    return starts[(int) (position - below - 1)];
  }

  /// The last position below a place. What is at or below the base is safe in any case.
  long lastBelow(long limit) {
    int low = 0;
    int high = (int) (last - below);
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (starts[middle] < limit) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return below + low;
  }

  @Nullable Long landed(UUID id) {
    return landed.get(id);
  }

  boolean givenUp(UUID id) {
    return givenUp.contains(id);
  }

  boolean ended(String lock, long token) {
    Ends ends = ended.get(lock);
    return ends != null && ends.contains(token);
  }

  private static Map<String, Ends> copy(Map<String, Ends> ended) {
    Map<String, Ends> copies = new TreeMap<>();
    ended.forEach((lock, ends) -> copies.put(lock, ends.copy()));
    return copies;
  }

  /// The base that stands for all up to the unit in this record, which is above the present base.
  /// It ends there: what stands behind may not be on disk yet, and is read again.
  Base base(Frame frame, long upTo, UUID id, UUID lineage) {
    return new Base(
        id,
        lineage,
        upTo,
        frame.end(),
        frame.crc(),
        landed.between(upTo - REMEMBERED, upTo),
        new LinkedHashSet<>(givenUp),
        copy(ended));
  }
}
