package dev.truce.store;

import dev.truce.store.CommitRecord.Change;
import dev.truce.store.Footprint.Range;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/// Goes through a range of one store: what a root has there, under what a draft has changed of it.
final class View implements Iterator<Delta.Row> {
  private final Iterator<Delta.Row> stored;
  private final Iterator<Change> changed;
  private final long store;
  private final Range range;
  private final Runnable check;

  private byte @Nullable [] last;
  private Delta.@Nullable Row storedNext;
  private @Nullable Change changedNext;
  private Delta.@Nullable Row next;
  private boolean over;

  /// Whether it went through all of it.
  private boolean ended;

  /// @param changes of keys of the range, in order
  /// @param check throws where nobody may go on
  View(Iterator<Delta.Row> stored, List<Change> changes, long store, Range range, Runnable check) {
    this.stored = stored;
    this.changed = changes.iterator();
    this.store = store;
    this.range = range;
    this.check = check;
  }

  /// How far it went, `null` if it never began.
  @Nullable Range seen() {
    if (ended) {
      return range;
    }
    return last == null ? null : new Range(range.from(), SpaceKey.rightBehind(last));
  }

  Stream<Delta.Row> stream() {
    return StreamSupport.stream(
            Spliterators.spliteratorUnknownSize(
                this, Spliterator.ORDERED | Spliterator.DISTINCT | Spliterator.NONNULL),
            false)
        .onClose(this::stop);
  }

  @Override
  public boolean hasNext() {
    check.run();
    if (next == null && !over) {
      next = step();
      over = next == null;
      ended = over;
    }
    return next != null;
  }

  @Override
  public Delta.Row next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    Delta.Row row = next;
    next = null;
    if (row == null) {
      throw new NoSuchElementException();
    }
    last = row.key();
    return row;
  }

  private void stop() {
    over = true;
  }

  /// The next key that is there; removals are passed over.
  private Delta.@Nullable Row step() {
    while (true) {
      if (storedNext == null && stored.hasNext()) {
        storedNext = stored.next();
      }
      if (changedNext == null && changed.hasNext()) {
        changedNext = changed.next();
      }
      Delta.Row row = first();
      if (row == null || row.item().live()) {
        return row;
      }
    }
  }

  private Delta.@Nullable Row first() {
    Delta.Row there = storedNext;
    Change own = changedNext;
    if (own == null) {
      storedNext = null;
      return there;
    }
    byte[] key = SpaceKey.of(store, own.key());
    int order = there == null ? 1 : Arrays.compareUnsigned(there.key(), key);
    if (order <= 0) {
      storedNext = null;
    }
    if (order < 0) {
      return there;
    }
    changedNext = null;
    byte[] value = own.value();
    return new Delta.Row(key, value == null ? Item.removed(0) : Item.of(0, value));
  }
}
