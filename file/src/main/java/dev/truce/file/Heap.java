package dev.truce.file;

import dev.truce.EngineException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReferenceArray;

/// The memory that all processes share: blocks in the files `cells`, `cells.1`, ...
///
/// An *address* counts bytes from the beginning of `cells` on through the growth files; a *block*
/// counts units of 128 bytes the same way. Files consist of *windows* of 1 MiB, windows of *chunks*
/// of 64 KiB; all blocks of a chunk are of one [Shape]. Files are only ever added, never moved or
/// cut.
///
/// ```
/// cells      0  page, see [Header]
///         4096  counter      the last number drawn, checked
///         4160  reserved     no number above it may be drawn yet, checked
///         5120  cursors      a line for each kind: {chunk:.. | used:10}, checked
///         8192  shelves      64 words for each kind: a free block, checked, or 0
///        32768  kinds        a word for each chunk of the file: its kind, checked, or 0 for free
///        65536  heads        4096 lines, the roots of the [Trie]
///       327680  chunks
/// cells.n    0  page, 32768 kinds, 65536 chunks
/// ```
///
/// ## Whose is a block?
///
/// At any time a block is in exactly one of these places, and only who took it out by a swap of one
/// word may write to it: below its cursor's mark (never used), on a shelf, in one process's hands,
/// or published in one head. So no two processes ever write to one block, and a process that stops
/// anywhere stops with what is in its own hands: it harms nobody, for however long, and when it
/// wakes up nobody has touched what it holds. A process that is killed loses what it held; those
/// blocks are found when somebody opens the root alone. There is no list that several processes
/// relink: a shelf is a bag of single words, so there is no address to confuse with a recycled one.
final class Heap {
  static final int UNIT_BITS = 7;
  static final int CHUNK_BYTES = 1 << 16;
  static final int WINDOW_BYTES = 1 << 20;
  static final int COUNTER = 4096;
  static final int RESERVED = 4160;
  static final int HEADS = CHUNK_BYTES;
  static final int HEAD_COUNT = 4096;

  /// Blocks have 24 bits: 2^24 units are 2 GiB.
  static final int MAX_WINDOWS = 2048;

  /// As many windows as the table of kinds of one file has room for.
  static final int MAX_FIRST_WINDOWS = 256;

  static final int CHUNKS_PER_WINDOW = WINDOW_BYTES / CHUNK_BYTES;
  static final int FIXED_CHUNKS = 1 + HEAD_COUNT * Head.BYTES / CHUNK_BYTES;

  private static final int WINDOW_BITS = 20;
  private static final int CHUNK_BITS = 16;
  private static final int CURSORS = 5120;
  private static final int CURSOR_BYTES = 64;
  private static final int USED_BITS = 10;
  private static final int SHELVES = 8192;
  static final int SHELF_WORDS = 64;
  private static final int SHELF_BYTES = SHELF_WORDS * Words.BYTES;
  private static final int KINDS = 32768;

  /// Free blocks of each kind that a process keeps at hand: enough for as many threads at once.
  private static final int HAND = 16;

  private final Directory directory;
  private final Header header;
  private final boolean growable;
  private final AtomicReferenceArray<ByteBuffer> windows = new AtomicReferenceArray<>(MAX_WINDOWS);
  private final AtomicIntegerArray hand = new AtomicIntegerArray(Shape.COUNT * HAND);

  /// The kind of each chunk that has blocks in use, which never changes again; 0 where not asked.
  private final byte[] kinds = new byte[MAX_WINDOWS * CHUNKS_PER_WINDOW];

  private volatile Header last;
  private volatile int searchFrom = FIXED_CHUNKS;

  private Heap(Directory directory, Header header, boolean growable) {
    this.directory = directory;
    this.header = header;
    this.growable = growable;
    this.last = header;
  }

  /// Maps the file `cells`; its growth files follow as they are needed.
  static Heap open(Directory directory, Header header) {
    Heap heap = new Heap(directory, header, true);
    heap.map(directory.cells(0), header);
    return heap;
  }

  /// Maps a file that is to become `cells`, and is all there is.
  static Heap draft(Directory directory, Path file, Header header) {
    Heap heap = new Heap(directory, header, false);
    heap.map(file, header);
    return heap;
  }

  /// The bytes that a fresh file `cells` begins with.
  static byte[] fresh(Header header, long counter, long reserved) {
    ByteBuffer head =
        ByteBuffer.allocate(FIXED_CHUNKS * CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    head.put(header.page());
    head.putLong(COUNTER, Checked.of(counter)).putLong(RESERVED, Checked.of(reserved));
    for (int chunk = 0; chunk < FIXED_CHUNKS; chunk++) {
      head.putLong(KINDS + chunk * Words.BYTES, Checked.of(Shape.FIXED));
    }
    for (int i = 0; i < HEAD_COUNT; i++) {
      head.putLong(HEADS + i * Head.BYTES, Head.leaf(header.base(), 0));
    }
    return head.array();
  }

  private static byte[] freshGrowth(Header header) {
    ByteBuffer head = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    head.put(header.page()).putLong(KINDS, Checked.of(Shape.FIXED));
    return head.array();
  }

  Header header() {
    return header;
  }

  // ---- words and bytes --------------------------------------------------------------------------

  long word(int address) {
    return Words.get(window(address), address & (WINDOW_BYTES - 1));
  }

  boolean swap(int address, long expected, long next) {
    return Words.swap(window(address), address & (WINDOW_BYTES - 1), expected, next);
  }

  /// The window of an address, to be used with the address modulo a window.
  ByteBuffer window(int address) {
    ByteBuffer window = windows.getAcquire(address >>> WINDOW_BITS);
    return window != null ? window : load(address >>> WINDOW_BITS);
  }

  static int address(int block) {
    return block << UNIT_BITS;
  }

  static int offset(int address) {
    return address & (WINDOW_BYTES - 1);
  }

  static int chunk(int block) {
    return block >>> (CHUNK_BITS - UNIT_BITS);
  }

  /// A word while nobody is inside.
  long plain(int address) {
    return window(address).getLong(offset(address));
  }

  /// Moves the counter up to a ceiling that these cells did not know of: another file was put in
  /// their place, or a process was killed between raising the ceiling and saying so.
  void raiseCounters(long ceiling) {
    if (Checked.value(plain(RESERVED)) < ceiling) {
      Words.set(window(COUNTER), COUNTER, Checked.of(ceiling));
      Words.set(window(RESERVED), RESERVED, Checked.of(ceiling));
    }
  }

  /// The words of the root's heads while nobody is inside, one a line.
  long[] plainHeads() {
    long[] words = new long[HEAD_COUNT * Head.BYTES / Words.BYTES];
    window(HEADS)
        .slice(HEADS, HEAD_COUNT * Head.BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asLongBuffer()
        .get(words);
    return words;
  }

  static int firstBlock(int chunk) {
    return chunk << (CHUNK_BITS - UNIT_BITS);
  }

  /// Whether this chunk is a table at the beginning of a file.
  boolean isFixed(int chunk) {
    return chunk < FIXED_CHUNKS
        || chunk == firstWindowOf(chunk / CHUNKS_PER_WINDOW) * CHUNKS_PER_WINDOW;
  }

  // ---- taking and giving blocks -----------------------------------------------------------------

  /// A block of this kind that is nobody else's.
  int take(int kind) {
    int block = fromHand(kind);
    if (block == 0) {
      block = fromShelf(kind);
    }
    return block != 0 ? block : allocate(kind);
  }

  /// Gives back a block that is this process's.
  void give(int kind, int block) {
    int first = kind * HAND;
    int start = (int) Thread.currentThread().threadId();
    for (int i = 0; i < HAND; i++) {
      if (hand.compareAndSet(first + ((start + i) & (HAND - 1)), 0, block)) {
        return;
      }
    }
    shelve(kind, block);
  }

  /// Puts what this process holds where others find it.
  void shelveAll() {
    for (int kind = 0; kind < Shape.COUNT; kind++) {
      for (int i = 0; i < HAND; i++) {
        int block = hand.getAndSet(kind * HAND + i, 0);
        if (block != 0) {
          shelve(kind, block);
        }
      }
    }
  }

  private int fromHand(int kind) {
    int first = kind * HAND;
    int start = (int) Thread.currentThread().threadId();
    for (int i = 0; i < HAND; i++) {
      int at = first + ((start + i) & (HAND - 1));
      int block = hand.getPlain(at);
      if (block != 0 && hand.compareAndSet(at, block, 0)) {
        return block;
      }
    }
    return 0;
  }

  private int fromShelf(int kind) {
    for (int i = 0; i < SHELF_WORDS; i++) {
      int address = shelf(kind, i);
      long word = word(address);
      if (word != 0 && swap(address, word, 0) && Checked.valid(word)) {
        return (int) Checked.value(word);
      }
    }
    return 0;
  }

  /// A full shelf forgets the block until somebody opens the root alone.
  private void shelve(int kind, int block) {
    for (int i = 0; i < SHELF_WORDS; i++) {
      int address = shelf(kind, i);
      if (word(address) == 0 && swap(address, 0, Checked.of(block))) {
        return;
      }
    }
  }

  static int shelf(int kind, int index) {
    return SHELVES + kind * SHELF_BYTES + index * Words.BYTES;
  }

  static int cursor(int kind) {
    return CURSORS + kind * CURSOR_BYTES;
  }

  static int cursorChunk(long cursor) {
    return (int) (Checked.value(cursor) >>> USED_BITS);
  }

  static int cursorUsed(long cursor) {
    return (int) (Checked.value(cursor) & ((1 << USED_BITS) - 1));
  }

  private static long cursorWord(int chunk, int used) {
    return Checked.of((long) chunk << USED_BITS | used);
  }

  /// Takes the next block of the chunk that the kind allocates from. A cursor never shows a value
  /// twice: within a chunk it only rises, and a chunk is given to a cursor once.
  private int allocate(int kind) {
    int perChunk = CHUNK_BYTES / Shape.bytes(kind);
    for (; ; ) {
      long word = word(cursor(kind));
      if (word != 0 && !Checked.valid(word)) {
        throw Faults.damaged(directory.cells(0), "a cursor fails its check", Root.REOPEN);
      }
      int chunk = cursorChunk(word);
      int used = cursorUsed(word);
      if (word != 0 && used < perChunk) {
        if (swap(cursor(kind), word, cursorWord(chunk, used + 1))) {
          return block(chunk, used, kind);
        }
        continue;
      }
      int fresh = takeChunk(kind);
      Yield.at(Yield.CHUNK_TAKEN);
      if (swap(cursor(kind), word, cursorWord(fresh, 1))) {
        return block(fresh, 0, kind);
      }
      releaseChunk(fresh, kind);
    }
  }

  private static int block(int chunk, int index, int kind) {
    return firstBlock(chunk) + index * (Shape.bytes(kind) >>> UNIT_BITS);
  }

  // ---- chunks -----------------------------------------------------------------------------------

  /// The kind of a block that is published or in this process's hands.
  int kind(int block) {
    int chunk = chunk(block);
    int kind = kinds[chunk];
    if (kind == 0) {
      long word = word(kindAddress(chunk));
      kind = Checked.valid(word) ? (int) Checked.value(word) : 0;
      kinds[chunk] = (byte) kind;
    }
    return kind;
  }

  private int takeChunk(int kind) {
    int from = searchFrom;
    for (; ; ) {
      Header known = last;
      int end = (known.firstWindow() + known.windows()) * CHUNKS_PER_WINDOW;
      for (int chunk = from; chunk < end; chunk++) {
        int address = kindAddress(chunk);
        if (word(address) == 0 && swap(address, 0, Checked.of(kind))) {
          searchFrom = chunk + 1;
          return chunk;
        }
      }
      if (from > FIXED_CHUNKS) {
        from = FIXED_CHUNKS;
      } else {
        grow(known);
        from = end;
      }
    }
  }

  /// Nobody has seen a block of this chunk.
  private void releaseChunk(int chunk, int kind) {
    swap(kindAddress(chunk), Checked.of(kind), 0);
    searchFrom = Math.min(searchFrom, chunk);
  }

  int kindAddress(int chunk) {
    int window = chunk / CHUNKS_PER_WINDOW;
    int first = firstWindowOf(window);
    return (first << WINDOW_BITS) + KINDS + (chunk - first * CHUNKS_PER_WINDOW) * Words.BYTES;
  }

  private int firstWindowOf(int window) {
    Header at = header;
    while (window >= at.firstWindow() + at.windows()) {
      at = at.next();
    }
    return at.firstWindow();
  }

  // ---- files ------------------------------------------------------------------------------------

  /// Adds a file, or finds that somebody did.
  private synchronized void grow(Header known) {
    if (last.index() > known.index()) {
      return;
    }
    Header next = last.next();
    if (!growable || next.firstWindow() + next.windows() > MAX_WINDOWS) {
      throw new EngineException(
          EngineException.Kind.IO,
          directory.path()
              + ": the cells hold 2 GiB, which is all they can; delete some, or close"
              + " all handles, so that the next to open gathers what is free");
    }
    Path file = directory.cells(next.index());
    if (!directory.has(file)) {
      Path temporary =
          directory.temporary(file, freshGrowth(next), (long) next.windows() * WINDOW_BYTES);
      Yield.at(Yield.GROW_WRITTEN);
      directory.linkOrDrop(temporary, file);
    }
    map(file, next);
    last = next;
  }

  /// Maps every growth file there is, and answers how many windows there are.
  synchronized int mapAll() {
    for (; ; ) {
      Header next = last.next();
      Path file = directory.cells(next.index());
      if (next.firstWindow() + next.windows() > MAX_WINDOWS || !directory.has(file)) {
        return next.firstWindow();
      }
      map(file, next);
      last = next;
    }
  }

  private synchronized ByteBuffer load(int window) {
    while (windows.get(window) == null) {
      Header next = last.next();
      map(directory.cells(next.index()), next);
      last = next;
    }
    return windows.get(window);
  }

  private void map(Path file, Header expected) {
    long bytes = (long) expected.windows() * WINDOW_BYTES;
    if (!directory.has(file) || directory.attributes(file).size() != bytes) {
      throw Faults.damaged(file, "it is missing or cut short", Root.REOPEN);
    }
    ByteBuffer memory = directory.map(file, bytes);
    byte[] page = new byte[Page.BYTES];
    memory.get(0, page);
    if (!Arrays.equals(page, expected.page())) {
      throw Faults.damaged(file, "it does not belong to the cells beside it", Root.REOPEN);
    }
    for (int i = 0; i < expected.windows(); i++) {
      windows.setRelease(
          expected.firstWindow() + i,
          memory.slice(i * WINDOW_BYTES, WINDOW_BYTES).order(ByteOrder.LITTLE_ENDIAN));
    }
  }
}
