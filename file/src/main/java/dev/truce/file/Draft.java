package dev.truce.file;

import dev.truce.Fence;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// What is known at the very place where the next record would lie: a ledger, and what the same
/// write puts before it.
final class Draft {
  private final Ledger ledger;
  private final Map<UUID, Long> landed = new HashMap<>();
  private final Set<UUID> givenUp = new HashSet<>();
  private final Set<Note.End> ended = new HashSet<>();
  private long last;
  private long below;
  private boolean marked;

  Draft(Ledger ledger) {
    this.ledger = ledger;
    this.last = ledger.last();
    this.below = ledger.below();
    this.marked = ledger.marked();
  }

  void add(Note note) {
    marked = note instanceof Note.Mark;
    switch (note) {
      case Note.Landed(long position, UUID id, byte[] _) -> {
        last = position;
        landed.put(id, position);
      }
      case Note.End end -> ended.add(end);
      case Note.GivenUp(UUID id) -> givenUp.add(id);
      case Note.Mark() -> {
        // it says nothing that others decide by
      }
      case Note.Checkpoint(long upTo, UUID _) -> below = Math.max(below, upTo);
    }
  }

  long last() {
    return last;
  }

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
