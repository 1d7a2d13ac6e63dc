package dev.truce.memory;

import dev.truce.Fence;
import dev.truce.spi.Cells;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/// Cells in a hash table of slots.
@SuppressWarnings("ReferenceEquality") // What makes two revisions the same is that they are one.
final class MemoryCells implements Cells {
  /*
   * A key in use has a slot, and the slot holds the present Cell. A swap is one compare-and-set on
   * its slot, which the expected revision points to, so that it does not look the key up again.
   * Revisions are compared by identity: whoever compares one keeps it alive, so it cannot repeat.
   *
   * Deleting. A delete leaves the slot where it is, holding an empty cell with a revision of its
   * own: creating the name again is as cheap as any other swap. Such slots queue up, and once there
   * are more than `lingering` of them each further delete retires two from the front: the slot becomes
   * GONE for good and leaves the table.
   *
   * Absence without a slot. Its revision is the present one of the key's stripe, and it is renewed
   * before a slot of that stripe retires. Retiring and creating run under the table's lock for the
   * key, so a creation that finds the stripe's revision unchanged knows that the key was not
   * created, deleted and retired since it was read. The price: retiring one name makes a creation of
   * another in the same stripe lose once, with nothing to blame but the neighbour.
   */

  /// How many deleted names keep their slots.
  static final int LINGERING = 1024;

  private static final int STRIPES = 1024;
  private static final int MAX_KEY_BYTES = 300;
  private static final byte[] EMPTY = new byte[0];
  private static final Cell GONE = new Cell(EMPTY, new Object());

  /// The revision of a cell that has a slot.
  private record Revision(Slot slot) {
    // Identity is the whole point: no two revisions are equal.
    @Override
    public boolean equals(@Nullable Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(this);
    }
  }

  /// Where a key's present cell is kept.
  private static final class Slot extends AtomicReference<Cell> {
    private static final long serialVersionUID = 1L;

    final transient MemoryCells home;
    final String key;

    /// In the queue of deleted slots, or about to be.
    volatile boolean lingering;

    Slot(MemoryCells home, String key, byte[] bytes) {
      this.home = home;
      this.key = key;
      setPlain(new Cell(bytes, new Revision(this)));
    }
  }

  private final int maxCell;
  private final int lingering;
  private final ConcurrentHashMap<String, Slot> slots = new ConcurrentHashMap<>();
  private final AtomicReferenceArray<Cell> absences = new AtomicReferenceArray<>(STRIPES);
  private final ConcurrentLinkedQueue<Slot> deleted = new ConcurrentLinkedQueue<>();
  private final AtomicInteger deletedSize = new AtomicInteger();
  private final AtomicLong drawn = new AtomicLong();

  MemoryCells(int maxCell) {
    this(maxCell, LINGERING);
  }

  /// Cells that keep the slots of so many deleted names.
  MemoryCells(int maxCell, int lingering) {
    this.maxCell = maxCell;
    this.lingering = lingering;
    for (int stripe = 0; stripe < STRIPES; stripe++) {
      absences.setPlain(stripe, absence());
    }
  }

  @Override
  public Cell read(String key) {
    Slot slot = slots.get(key);
    if (slot != null) {
      Cell cell = slot.get();
      if (cell != GONE) {
        return cell;
      }
    }
    return absences.get(stripe(key));
  }

  @Override
  public Swap swap(String key, Cell expected, byte[] next) {
    if (next.length > maxCell) {
      throw new IllegalArgumentException(
          "a cell holds at most " + maxCell + " bytes, not " + next.length);
    }
    return expected.revision() instanceof Revision revision
        ? replace(key, revision, next)
        : create(key, expected.revision(), next);
  }

  private Swap replace(String key, Revision expected, byte[] next) {
    Slot slot = expected.slot();
    if (slot.home != this || !slot.key.equals(key)) {
      throw new IllegalArgumentException("the expected cell was not read from this key");
    }
    Cell seen = slot.get();
    if (seen.revision() == expected) {
      Cell cell = new Cell(next, new Revision(slot));
      if (slot.compareAndSet(seen, cell)) {
        if (next.length == 0) {
          linger(slot);
        }
        return new Swap.Won(cell);
      }
    }
    return new Swap.Lost(read(key));
  }

  private Swap create(String key, Object expected, byte[] next) {
    check(key);
    int stripe = stripe(key);
    Slot mine = new Slot(this, key, next);
    Cell created = mine.getPlain();
    @Nullable Slot slot =
        slots.computeIfAbsent(key, _ -> absences.get(stripe).revision() == expected ? mine : null);
    if (slot != mine) {
      return new Swap.Lost(read(key));
    }
    if (next.length == 0) {
      linger(mine);
    }
    return new Swap.Won(created);
  }

  /// Notes that a slot was emptied, and retires others whose turn has come.
  private void linger(Slot slot) {
    if (slot.lingering) {
      return;
    }
    slot.lingering = true;
    deleted.add(slot);
    int size = deletedSize.incrementAndGet();
    for (int retired = 0; retired < 2 && size > lingering; retired++) {
      Slot oldest = deleted.poll();
      if (oldest == null) {
        return;
      }
      size = deletedSize.decrementAndGet();
      retire(oldest);
    }
  }

  private void retire(Slot slot) {
    // Before its state is looked at: a delete that comes later than that look queues it again.
    slot.lingering = false;
    if (!slot.get().absent()) {
      return;
    }
    slots.computeIfPresent(
        slot.key,
        (key, present) -> {
          Cell seen = present.get();
          if (present != slot || !seen.absent()) {
            return present;
          }
          // First the stripe: whoever sees the slot gone reads the new absence.
          absences.set(stripe(key), absence());
          return present.compareAndSet(seen, GONE) ? null : present;
        });
  }

  @Override
  public List<String> keys(String prefix) {
    List<String> keys = new ArrayList<>();
    for (Slot slot : slots.values()) {
      if (slot.key.startsWith(prefix) && !slot.get().absent()) {
        keys.add(slot.key);
      }
    }
    return keys;
  }

  @Override
  public long draw(int count) {
    if (count <= 0) {
      throw new IllegalArgumentException("not a number of numbers: " + count);
    }
    long last = drawn.addAndGet(count);
    if (last > Fence.MAX_TOKEN) {
      throw new IllegalStateException("all numbers below 2^53 are drawn");
    }
    return last - count + 1;
  }

  /// How many names have a slot, for the test that they are forgotten.
  int slots() {
    return slots.size();
  }

  private static Cell absence() {
    return new Cell(EMPTY, new Object());
  }

  private static int stripe(String key) {
    int hash = key.hashCode();
    return (hash ^ hash >>> 16) & STRIPES - 1;
  }

  private static void check(String key) {
    try {
      ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(key));
      if (bytes.remaining() > MAX_KEY_BYTES) {
        throw new IllegalArgumentException("a key has at most " + MAX_KEY_BYTES + " bytes: " + key);
      }
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("a key is well-formed Unicode text", e);
    }
  }
}
