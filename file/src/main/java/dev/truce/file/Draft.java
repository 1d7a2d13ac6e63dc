package dev.truce.file;

import dev.truce.Fence;
import dev.truce.spi.Journal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// What is known at the very place where the next record would lie: a ledger, and what the same
/// write puts before it.
final class Draft implements Journal.Past {
  private final Ledger ledger;
  private final Before before;
  private final List<Journal.Entry> own = new ArrayList<>();
  private final Map<UUID, Long> landed = new HashMap<>();
  private final Set<UUID> givenUp = new HashSet<>();
  private final Set<Note.End> ended = new HashSet<>();
  private long last;
  private long below;
  private boolean marked;

  /// Reads the units of the ledger behind a position once more; `null` if they are more than so
  /// many bytes, or were let go.
  @FunctionalInterface
  interface Before {
    @Nullable List<Journal.Entry> after(long position, int bytes);
  }

  Draft(Ledger ledger, Before before) {
    this.ledger = ledger;
    this.before = before;
    this.last = ledger.last();
    this.below = ledger.below();
    this.marked = ledger.marked();
  }

  void add(Note note) {
    marked = note instanceof Note.Mark;
    switch (note) {
      case Note.Landed(long position, UUID id, byte[] record) -> {
        last = position;
        landed.put(id, position);
        own.add(new Journal.Entry(position, id, record));
      }
      case Note.End end -> ended.add(end);
      case Note.GivenUp(UUID id) -> givenUp.add(id);
      case Note.Mark() -> {
        // it says nothing that others decide by
      }
      case Note.Checkpoint(long upTo, UUID _) -> below = Math.max(below, upTo);
    }
  }

  @Override
  public long last() {
    return last;
  }

  @Override
  public Optional<List<Journal.Entry>> since(long position, int most, int bytes) {
    if (last - position > most || position < below) {
      return Optional.empty();
    }
    List<Journal.Entry> known =
        position < ledger.last() ? before.after(position, bytes) : List.of();
    if (known == null) {
      return Optional.empty();
    }
    List<Journal.Entry> entries = new ArrayList<>(known);
    own.stream().filter(entry -> entry.position() > position).forEach(entries::add);
    long sum = entries.stream().mapToLong(entry -> entry.record().length).sum();
    return sum > bytes ? Optional.empty() : Optional.of(List.copyOf(entries));
  }

  // ---- what is known

  /// Whether nothing follows the last mark.
  boolean marked() {
    return marked;
  }

  /// The position up to which the newest checkpoint stands.
  long below() {
    return below;
  }

  /// Where the record with a position that is above the newest checkpoint lies: not always where it
  /// lay before, for records are written once more.
  long start(long position) {
    return ledger.start(position);
  }

  @Nullable Long landed(UUID id) {
    Long here = landed.get(id);
    return here == null ? ledger.landed(id) : here;
  }

  boolean givenUp(UUID id) {
    return givenUp.contains(id) || ledger.givenUp(id);
  }

  boolean ended(String lock, long token) {
    return ended.contains(new Note.End(lock, token)) || ledger.ended(lock, token);
  }

  /// What of a fence has ended, or `null`.
  @Nullable Fence endedOf(Fence fence) {
    SortedMap<String, Long> over = new TreeMap<>(fence.tokens());
    over.entrySet().removeIf(entry -> !ended(entry.getKey(), entry.getValue()));
    return over.isEmpty() ? null : new Fence(over);
  }
}
