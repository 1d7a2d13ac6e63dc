package dev.truce.file;

import dev.truce.EngineException;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Goes through all cells while nobody is inside: is everything where it should be, and how much of
/// it is in use?
///
/// Every word that a later swap would believe is looked at, every leaf's checksum is computed, and
/// no block may be in two places. What is found wrong is described once and ends the count.
final class Census {
  private final Heap heap;
  private final Consumer<Leaf> visitor;
  private final BitSet units = new BitSet();
  private long leafBytes;
  private int keys;
  private int chunks;
  private int usedChunks;

  private Census(Heap heap, Consumer<Leaf> visitor) {
    this.heap = heap;
    this.visitor = visitor;
  }

  /// What was counted.
  ///
  /// @param problem what is wrong, or `null` if the rest can be believed
  record Count(@Nullable String problem, int keys, long leafBytes, int usedChunks, int chunks) {
    boolean sound() {
      return problem == null;
    }

    int windows() {
      return chunks / Heap.CHUNKS_PER_WINDOW;
    }
  }

  private static final class Wrong extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Wrong(String what) {
      super(what, null, false, false);
    }
  }

  /// Counts, and shows each leaf that has entries.
  static Count of(Heap heap, long ceiling, Consumer<Leaf> visitor) {
    Census census = new Census(heap, visitor);
    try {
      census.counters(ceiling);
      census.kinds();
      census.cursors();
      census.heads();
      census.shelves();
      return census.count(null);
    } catch (Wrong | EngineException e) {
      return census.count(e.getMessage());
    } catch (RuntimeException e) {
      return census.count("a cell cannot be read: " + e);
    }
  }

  private Count count(@Nullable String problem) {
    return new Count(problem, keys, leafBytes, usedChunks, chunks);
  }

  private void counters(long ceiling) {
    long counter = checked(Heap.COUNTER, "the counter");
    long reserved = checked(Heap.RESERVED, "the reserve");
    require(counter <= reserved && reserved <= ceiling, "the counter is above the ceiling");
  }

  private void kinds() {
    chunks = heap.mapAll() * Heap.CHUNKS_PER_WINDOW;
    for (int chunk = 0; chunk < chunks; chunk++) {
      long word = heap.plain(heap.kindAddress(chunk));
      if (word != 0) {
        usedChunks++;
        require(Checked.valid(word), "a chunk's kind");
        int kind = (int) Checked.value(word);
        require(heap.isFixed(chunk) ? kind == Shape.FIXED : Shape.known(kind), "a chunk's kind");
      } else {
        require(!heap.isFixed(chunk), "a chunk's kind");
      }
    }
  }

  private void cursors() {
    for (int kind = 0; kind < Shape.COUNT; kind++) {
      long word = heap.plain(Heap.cursor(kind));
      if (word != 0) {
        require(Checked.valid(word), "a cursor");
        int used = Heap.cursorUsed(word);
        require(
            kindOf(Heap.cursorChunk(word)) == kind && used <= Heap.CHUNK_BYTES / Shape.bytes(kind),
            "a cursor");
      }
    }
  }

  private int kindOf(int chunk) {
    return chunk < chunks ? (int) Checked.value(heap.plain(heap.kindAddress(chunk))) : 0;
  }

  private void shelves() {
    for (int kind = 0; kind < Shape.COUNT; kind++) {
      boolean used = heap.plain(Heap.cursor(kind)) != 0;
      for (int i = 0; used && i < Heap.SHELF_WORDS; i++) {
        long word = heap.plain(Heap.shelf(kind, i));
        if (word != 0) {
          require(Checked.valid(word), "a shelf");
          claim((int) Checked.value(word), kind);
        }
      }
    }
  }

  private void heads() {
    long[] words = heap.plainHeads();
    long base = heap.header().base();
    long unwritten = Head.leaf(base, 0);
    for (int i = 0; i < Heap.HEAD_COUNT; i++) {
      long word = words[i * (Head.BYTES / Words.BYTES)];
      if (word != unwritten) {
        head(Heap.HEADS + i * Head.BYTES, word, base, 0);
      }
    }
  }

  private void head(int head, long word, long unwritten, int depth) {
    int block = Head.block(word);
    if (Head.isBranch(word)) {
      branch(head, block, depth);
    } else if (block == 0) {
      require(Head.matches(word, unwritten), "a head");
    } else {
      leaf(head, word, block);
    }
  }

  private void branch(int head, int block, int depth) {
    claim(block, Shape.BRANCH);
    int branch = Heap.address(block);
    require(depth < Branch.MAX_DEPTH && heap.plain(branch + Branch.PARENT) == head, "a branch");
    long version = heap.plain(branch + Branch.VERSION);
    for (int i = 0; i < Branch.CHILDREN; i++) {
      int child = branch + i * Head.BYTES;
      head(child, heap.plain(child), version, depth + 1);
    }
  }

  private void leaf(int head, long word, int block) {
    int kind = kindOf(Heap.chunk(block));
    claim(block, kind);
    int address = Heap.address(block);
    ByteBuffer window = heap.window(address);
    int length = window.getInt(Heap.offset(address));
    require(length >= Leaf.HEADER_BYTES && length <= Shape.bytes(kind), "a leaf's length");
    byte[] image = new byte[length];
    window.get(Heap.offset(address), image);
    Leaf leaf = Leaf.copied(image);
    require(leaf.intact(head) && Head.matches(word, leaf.version()), "a leaf");
    if (leaf.hasEntries()) {
      leafBytes += Shape.bytes(kind);
      keys += leaf.count();
      visitor.accept(leaf);
    }
  }

  /// Nobody else may name this block, and no cursor may give it out again.
  private void claim(int block, int kind) {
    int chunk = Heap.chunk(block);
    require(Shape.known(kind) && kindOf(chunk) == kind, "a block's place");
    int size = Shape.bytes(kind) >>> Heap.UNIT_BITS;
    int inChunk = block - Heap.firstBlock(chunk);
    require(inChunk % size == 0, "a block's place");
    long cursor = heap.plain(Heap.cursor(kind));
    require(
        Heap.cursorChunk(cursor) != chunk || inChunk / size < Heap.cursorUsed(cursor),
        "a block beyond its cursor");
    require(!units.get(block), "a block in two places");
    units.set(block);
  }

  private long checked(int address, String what) {
    long word = heap.plain(address);
    require(Checked.valid(word), what);
    return Checked.value(word);
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new Wrong(what + " fails its check");
    }
  }
}
