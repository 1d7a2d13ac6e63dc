package dev.truce.file;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// The commit ids of a row of positions, found by id. Every process of a journal keeps all of them
/// from the last checkpoint on, and some more: so they are words in arrays, some 30 bytes each,
/// that no collector has to walk.
///
/// Open addressing with linear probing (Knuth, The Art of Computer Programming, volume 3, section
/// 6.4, algorithm L); forgetting builds the index anew.
final class CommitIds {
  private static final int LEAST = 16;

  /// The position before the first one.
  private long before;

  private int count;

  /// Two words for each position.
  private long[] ids = new long[2 * LEAST];

  /// Which of them hashed to a place, counted from 1; 0 for none. Less than half of it is used.
  private int[] index = new int[4 * LEAST];

  /// Takes up the id of the next position, of any position to begin with. Of an id that comes twice
  /// the first position counts.
  void add(UUID id, long position) {
    if (count == 0) {
      before = position - 1;
    }
    if (position != before + count + 1) {
      throw new IllegalArgumentException(position + " does not follow " + (before + count));
    }
    makeRoom(count + 1);
    ids[2 * count] = id.getMostSignificantBits();
    ids[2 * count + 1] = id.getLeastSignificantBits();
    link(count);
    count++;
  }

  private void makeRoom(int wanted) {
    if (2 * wanted > ids.length) {
      ids = Arrays.copyOf(ids, Math.max(2 * wanted, 2 * ids.length));
    }
    if (2 * wanted >= index.length) {
      index(2 * Integer.highestOneBit(2 * wanted));
    }
  }

  private void index(int length) {
    index = new int[length];
    for (int at = 0; at < count; at++) {
      link(at);
    }
  }

  private void link(int at) {
    int place = place(ids[2 * at], ids[2 * at + 1]);
    if (index[place] == 0) {
      index[place] = at + 1;
    }
  }

  /// Where an id is in the index, or would be.
  private int place(long high, long low) {
    int mask = index.length - 1;
    int place = hash(high, low) & mask;
    while (index[place] != 0 && !is(index[place] - 1, high, low)) {
      place = place + 1 & mask;
    }
    return place;
  }

  private boolean is(int at, long high, long low) {
    return ids[2 * at] == high && ids[2 * at + 1] == low;
  }

  /// The finalizer of SplitMix64 (Steele, Lea, Flood, 2014): ids need not be random.
  private static int hash(long high, long low) {
    long mixed = high ^ Long.rotateLeft(low, 32);
    mixed = (mixed ^ mixed >>> 30) * 0xbf58476d1ce4e5b9L;
    mixed = (mixed ^ mixed >>> 27) * 0x94d049bb133111ebL;
    return (int) (mixed ^ mixed >>> 31);
  }

  /// The position of an id, or `null`.
  @Nullable Long get(UUID id) {
    int found = index[place(id.getMostSignificantBits(), id.getLeastSignificantBits())];
    return found == 0 ? null : before + found;
  }

  /// Forgets the positions up to this one.
  void forget(long upTo) {
    int dropped = Math.clamp(upTo - before, 0, count);
    if (dropped > 0) {
      count -= dropped;
      before += dropped;
      ids = Arrays.copyOfRange(ids, 2 * dropped, 2 * (dropped + Math.max(count, LEAST)));
      index(2 * Integer.highestOneBit(2 * Math.max(count, LEAST)));
    }
  }

  /// Those above one position and up to another, in their order.
  Map<UUID, Long> between(long above, long upTo) {
    Map<UUID, Long> between = new LinkedHashMap<>();
    for (int at = Math.clamp(above - before, 0, count); at < count; at++) {
      long position = before + at + 1;
      UUID id = new UUID(ids[2 * at], ids[2 * at + 1]);
      if (position <= upTo) {
        between.putIfAbsent(id, position);
      }
    }
    return between;
  }
}
