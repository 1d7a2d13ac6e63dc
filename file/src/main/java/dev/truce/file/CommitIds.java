package dev.truce.file;

import java.nio.ByteBuffer;
import java.util.Arrays;
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
  private static final int ID_BYTES = 16;

  /// The position before the first one.
  private long before;

  private int count;

  /// Two words for each position.
  private long[] ids = new long[2 * LEAST];

  /// Which of them hashed to a place, counted from 1; 0 for none. Less than half of it is used. It
  /// is made when somebody asks: who only reads a journal never does.
  private int @Nullable [] index;

  CommitIds() {}

  /// The next `count` ids in the buffer, of the positions up to `last`.
  static CommitIds read(ByteBuffer in, int count, long last) {
    CommitIds read = new CommitIds();
    read.before = last - count;
    read.count = count;
    read.ids = new long[2 * Math.max(count, LEAST)];
    in.asLongBuffer().get(read.ids, 0, 2 * count);
    in.position(in.position() + count * ID_BYTES);
    return read;
  }

  /// Puts them, oldest first.
  void put(ByteBuffer out) {
    out.asLongBuffer().put(ids, 0, 2 * count);
    out.position(out.position() + count * ID_BYTES);
  }

  int count() {
    return count;
  }

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
    count++;
    if (index != null) {
      link(index, count - 1);
    }
  }

  private void makeRoom(int wanted) {
    if (2 * wanted > ids.length) {
      ids = Arrays.copyOf(ids, Math.max(2 * wanted, 2 * ids.length));
    }
    if (index != null && 2 * wanted >= index.length) {
      index = indexed(wanted);
    }
  }

  /// An index of all, with room for so many.
  private int[] indexed(int wanted) {
    int[] fresh = new int[4 * Integer.highestOneBit(Math.max(wanted, LEAST))];
    for (int at = 0; at < count; at++) {
      link(fresh, at);
    }
    return fresh;
  }

  private void link(int[] index, int at) {
    int place = place(index, ids[2 * at], ids[2 * at + 1]);
    if (index[place] == 0) {
      index[place] = at + 1;
    }
  }

  /// Where an id is in the index, or would be.
  private int place(int[] index, long high, long low) {
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
    int[] all = index;
    if (all == null) {
      all = indexed(count);
      index = all;
    }
    int found = all[place(all, id.getMostSignificantBits(), id.getLeastSignificantBits())];
    return found == 0 ? null : before + found;
  }

  /// Forgets the positions up to this one.
  void forget(long upTo) {
    int dropped = Math.clamp(upTo - before, 0, count);
    if (dropped > 0) {
      int left = count - dropped;
      ids = Arrays.copyOfRange(ids, 2 * dropped, 2 * (dropped + Math.max(left, LEAST)));
      index = null;
      count = left;
      before += dropped;
    }
  }

  /// Those above one position and up to another, by themselves.
  CommitIds between(long above, long upTo) {
    int from = Math.clamp(above - before, 0, count);
    int to = Math.clamp(upTo - before, from, count);
    CommitIds between = new CommitIds();
    between.before = before + from;
    between.count = to - from;
    between.ids = Arrays.copyOfRange(ids, 2 * from, 2 * Math.max(to, from + LEAST));
    return between;
  }

  /// All of them, by themselves.
  CommitIds copy() {
    return between(before, Long.MAX_VALUE);
  }
}
