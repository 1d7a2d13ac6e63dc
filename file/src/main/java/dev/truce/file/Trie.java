package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import dev.truce.spi.Cells.Cell;
import dev.truce.spi.Cells.Swap;
import dev.truce.spi.Ticker;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// Named cells in shared memory, without a lock.
///
/// A key's hash chooses one of 4096 heads. A [Head] names a [Leaf]: an immutable image of *all*
/// keys of that head and their values. To change a key is to write the next image into a block of
/// one's own and to swap the head; to delete it is the same; to create it, too. When more keys meet
/// in one leaf than it should hold, the next image is a [Branch] of sixteen heads instead. So every
/// change of every key, creation and deletion included, is one swap of one word, and a deleted key
/// leaves nothing behind but a version number: a million names used once cost what the most names
/// at one time cost.
///
/// ## Why a read is never torn
///
/// A reader loads the head, copies the leaf's block, and loads the head again. A block is written
/// only by who owns it, and a published block is owned by nobody; it is given to a writer by the
/// swap that replaces it in its head. So when a reader copied a byte that was written later, that
/// swap came before the byte, and the reader's second look, which comes after its copy, sees
/// another head than its first. Fences keep both sides in this order.
///
/// The same head could show again when the same block comes back to the same head with the same 40
/// bits of version. Versions count swaps of one head: a reader or writer must sleep between two
/// loads through exactly 2^40 swaps of that head (12 days at a million a second, without a pause)
/// and the block must happen to be the same. Both compare all 62 bits of the version, in the block,
/// as late as they can.
///
/// ## Who stops anywhere harms nobody
///
/// * *Before its swap* it holds blocks that nobody else can name. It may go on writing to them
///   after an hour. Its swap then compares with a head that has moved on, and loses.
/// * *After its swap* its change is there, whole. It holds the old block, which is no longer
///   published.
/// * *Killed*, it loses these blocks; see [Heap].
/// * Nobody waits for it: a loser reads again and goes on. Among losers, one that has lost too
///   often takes the head's *turn*, a word beside it, and the others let it go first, for a
///   millisecond at most. That is advice: no outcome depends on it.
///
/// Freezing a head into a branch is a swap like any other: a sleeper that holds the leaf's old head
/// loses against the branch, looks again, and finds the child.
final class Trie {
  /// More keys than this in one leaf are spread, so that they do not disturb each other.
  private static final int CROWD = 4;

  /// A leaf of several keys is spread when it is larger than this, so that none copies much of
  /// others.
  private static final int BULK = 4096;

  /// The address of each key's head is remembered for at most this many keys.
  private static final int REMEMBERED = 1 << 14;

  /// Leaves up to this size are remembered with them: 16 MiB at most.
  private static final int REMEMBERED_BYTES = 1 << 10;

  /// After this many losses in a row a writer asks for the turn.
  private static final int PATIENCE = 32;

  private static final int TURN = 8;
  private static final int TURN_WHO_BITS = 20;
  private static final int TURN_UNIT_BITS = 10;

  /// The longest turn, in units of 1024 ns: one millisecond.
  private static final long LONGEST_TURN = 1_000_000 >> TURN_UNIT_BITS;

  private static final long TURN_NAP_NANOS = 20_000;

  private final Directory directory;
  private final Heap heap;
  private final Header header;
  private final Ticker ticker;
  private final long me = ThreadLocalRandom.current().nextLong(1, 1L << TURN_WHO_BITS);
  private final ConcurrentHashMap<String, Spot> spots = new ConcurrentHashMap<>();

  Trie(Directory directory, Heap heap, Ticker ticker) {
    this.directory = directory;
    this.heap = heap;
    this.header = heap.header();
    this.ticker = ticker;
  }

  /// Where a key's head is, as far as it is known: below `depth` branches, the last of which says
  /// what a head there stands for that was never written.
  private static final class Spot {
    final byte[] key;
    final long hash;
    final int depth;
    final int head;
    final long version;
    final long epoch;

    /// Losses in a row: advice, hence unguarded.
    int losses;

    /// What was seen here last, if it is small: unguarded, for all its parts are final.
    @Nullable View seen;

    Spot(byte[] key, long hash, int depth, int head, long version, long epoch) {
      this.key = key;
      this.hash = hash;
      this.depth = depth;
      this.head = head;
      this.version = version;
      this.epoch = epoch;
    }
  }

  /// A leaf as a head named it, and in it the cell of the spot's key, whose entry begins at `at`.
  private record View(long head, Leaf leaf, int at, Cell cell) {}

  // ---- the operations ---------------------------------------------------------------------------

  Cell read(String key) {
    for (Spot spot = spot(key); ; ) {
      long head = heap.word(spot.head);
      if (Head.isBranch(head)) {
        spot = descend(key, spot, head);
        continue;
      }
      View view = view(spot, head);
      if (view != null) {
        return view.cell();
      }
    }
  }

  Swap swap(String key, Cell expected, byte[] next) {
    if (next.length > Leaf.MAX_VALUE) {
      throw new IllegalArgumentException(
          "a value of " + next.length + " bytes, at most " + Leaf.MAX_VALUE + " are allowed");
    }
    for (Spot spot = spot(key); ; ) {
      long head = heap.word(spot.head);
      if (Head.isBranch(head)) {
        spot = descend(key, spot, head);
        continue;
      }
      View view = view(spot, head);
      if (view == null) {
        continue;
      }
      Yield.at(Yield.SWAP_READ);
      if (!isCurrent(expected, view.cell())) {
        lost(spot);
        return new Swap.Lost(view.cell());
      }
      awaitTurn(spot);
      if (crowded(spot, view, next)) {
        split(spot, view);
      } else {
        View published = publish(spot, view, next);
        if (published != null) {
          return new Swap.Won(published.cell());
        }
      }
    }
  }

  List<String> keys(String prefix) {
    List<String> keys = new ArrayList<>();
    for (int i = 0; i < Heap.HEAD_COUNT; i++) {
      collect(rootSpot(i), prefix, keys);
    }
    return keys;
  }

  private void collect(Spot spot, String prefix, List<String> keys) {
    for (; ; ) {
      long head = heap.word(spot.head);
      if (Head.isBranch(head)) {
        for (int i = 0; i < Branch.CHILDREN; i++) {
          collect(childSpot(spot, head, i), prefix, keys);
        }
        return;
      }
      if (Head.block(head) == 0) {
        return;
      }
      View view = view(spot, head);
      if (view != null) {
        Leaf leaf = view.leaf();
        for (int at = leaf.first(); leaf.isEntry(at); at = leaf.next(at)) {
          String key = leaf.keyText(at);
          if (key.startsWith(prefix)) {
            keys.add(key);
          }
        }
        return;
      }
    }
  }

  @SuppressWarnings("ReferenceEquality") // the very object that was handed out is the common case
  private static boolean isCurrent(Cell expected, Cell current) {
    return expected == current
        || (expected.absent() == current.absent()
            && expected.revision().equals(current.revision()));
  }

  private static View view(Spot spot, long head, Leaf leaf) {
    int at = leaf.find(spot.key);
    return new View(head, leaf, at, new Cell(leaf.valueOrNothing(at), leaf.revision(at)));
  }

  // ---- finding ----------------------------------------------------------------------------------

  private Spot spot(String key) {
    Spot known = spots.get(key);
    return known != null ? known : firstSpot(key);
  }

  private Spot firstSpot(String key) {
    byte[] bytes = Key.bytes(key);
    long hash = Key.hash(bytes, 0, bytes.length, header.seed0(), header.seed1());
    return remember(
        key, new Spot(bytes, hash, 0, rootHead(Branch.root(hash)), header.base(), header.base()));
  }

  private static int rootHead(int index) {
    return Heap.HEADS + index * Head.BYTES;
  }

  private Spot rootSpot(int index) {
    return new Spot(new byte[0], 0, 0, rootHead(index), header.base(), header.base());
  }

  private Spot remember(String key, Spot spot) {
    if (spots.size() >= REMEMBERED) {
      spots.clear();
    }
    spots.put(key, spot);
    return spot;
  }

  private Spot descend(String key, Spot spot, long head) {
    return remember(key, childSpot(spot, head, Branch.child(spot.hash, spot.depth)));
  }

  private Spot childSpot(Spot spot, long head, int child) {
    int branch = Heap.address(Head.block(head));
    if (Head.block(head) == 0 || heap.word(branch + Branch.PARENT) != spot.head) {
      throw damaged("a branch is not where its head says");
    }
    return new Spot(
        spot.key,
        spot.hash,
        spot.depth + 1,
        branch + child * Head.BYTES,
        heap.word(branch + Branch.VERSION),
        heap.word(branch + Branch.EPOCH));
  }

  // ---- reading ----------------------------------------------------------------------------------

  /// What a head names, or `null` if it changed meanwhile.
  private @Nullable View view(Spot spot, long head) {
    int block = Head.block(head);
    if (block == 0) {
      if (!Head.matches(head, spot.version)) {
        throw damaged("a head that was never written shows a version");
      }
      return view(spot, head, Leaf.empty(spot.head, spot.version, spot.epoch));
    }
    View seen = spot.seen;
    if (seen != null && seen.head == head && version(block) == seen.leaf.version()) {
      return seen;
    }
    Leaf leaf = copy(block);
    VarHandle.loadLoadFence();
    if (heap.word(spot.head) != head) {
      return null;
    }
    if (leaf == null || !Head.matches(head, leaf.version()) || !leaf.intact(spot.head)) {
      throw damaged("a cell fails its check");
    }
    return see(spot, view(spot, head, leaf));
  }

  private static View see(Spot spot, View view) {
    spot.seen = view.leaf().length() <= REMEMBERED_BYTES ? view : null;
    return view;
  }

  /// All bits of the version in a block: what is seen of a head may be days old.
  private long version(int block) {
    return heap.word(Heap.address(block) + Leaf.VERSION);
  }

  /// Whatever the block holds now, or `null` if that can be no leaf.
  private @Nullable Leaf copy(int block) {
    int address = Heap.address(block);
    ByteBuffer window = heap.window(address);
    int from = Heap.offset(address);
    int length = window.getInt(from);
    if (length < Leaf.HEADER_BYTES || length > Heap.CHUNK_BYTES - from % Heap.CHUNK_BYTES) {
      return null;
    }
    byte[] image = new byte[length];
    window.get(from, image);
    return Leaf.copied(image);
  }

  private EngineException damaged(String what) {
    return Faults.damaged(directory.cells(0), what, Root.REOPEN);
  }

  // ---- writing ----------------------------------------------------------------------------------

  /// What is there now; `null` if somebody else was faster.
  private @Nullable View publish(Spot spot, View view, byte[] next) {
    Leaf image = view.leaf().with(view.at(), spot.key, next);
    int kind = Shape.of(image.length());
    int block = heap.take(kind);
    Yield.at(Yield.SWAP_SPARE);
    write(block, image);
    Yield.at(Yield.SWAP_WRITTEN);
    long won = Head.leaf(image.version(), block);
    if (heap.swap(spot.head, view.head(), won)) {
      Yield.at(Yield.SWAP_WON);
      tidy(spot, view.head());
      int at = image.last(spot.key, next);
      return see(spot, new View(won, image, at, new Cell(next, image.version())));
    }
    Yield.at(Yield.SWAP_LOST);
    heap.give(kind, block);
    return null;
  }

  /// Writes to a block of one's own. The swap that made it one's own comes first, for others too.
  private void write(int block, Leaf leaf) {
    VarHandle.storeStoreFence();
    int address = Heap.address(block);
    byte[] image = leaf.image();
    ByteBuffer window = heap.window(address);
    if (Yield.ON) {
      window.put(Heap.offset(address), image, 0, image.length / 2);
      Yield.at(Yield.SWAP_HALF_WRITTEN);
    }
    window.put(Heap.offset(address), image, 0, image.length);
  }

  /// What is left to do after a swap was won, which stands whatever happens here.
  private void tidy(Spot spot, long old) {
    try {
      giveOld(old);
      endTurn(spot);
    } catch (InternalError e) {
      // a page is gone; whoever comes next says so
    }
  }

  private void giveOld(long head) {
    int old = Head.block(head);
    if (old != 0) {
      heap.give(heap.kind(old), old);
    }
  }

  private static boolean crowded(Spot spot, View view, byte[] next) {
    Leaf leaf = view.leaf();
    int at = view.at();
    int length = leaf.lengthWith(at, spot.key, next);
    int others = leaf.count() - (leaf.isEntry(at) ? 1 : 0);
    if (others == 0) {
      return false;
    }
    if (spot.depth < Branch.MAX_DEPTH) {
      return others >= CROWD || length > BULK;
    }
    if (length > Leaf.MAX_BYTES) {
      throw new EngineException(Kind.IO, "keys of one hash hold more than a block");
    }
    return false;
  }

  /// Replaces a leaf by a branch that holds the same keys.
  private void split(Spot spot, View view) {
    Leaf leaf = view.leaf();
    long version = Head.next(leaf.version());
    int branch = heap.take(Shape.BRANCH);
    int[] blocks = writeBranch(spot, leaf, version, branch);
    Yield.at(Yield.SPLIT_WRITTEN);
    if (heap.swap(spot.head, view.head(), Head.branch(branch))) {
      Yield.at(Yield.SPLIT_WON);
      tidy(spot, view.head());
      return;
    }
    for (int block : blocks) {
      if (block != 0) {
        heap.give(heap.kind(block), block);
      }
    }
    heap.give(Shape.BRANCH, branch);
  }

  private int[] writeBranch(Spot spot, Leaf leaf, long version, int branch) {
    VarHandle.storeStoreFence();
    int address = Heap.address(branch);
    int[] blocks = new int[Branch.CHILDREN];
    for (int i = 0; i < Branch.CHILDREN; i++) {
      int child = address + i * Head.BYTES;
      Leaf part = leaf.child(child, version, spot.depth, i, header);
      if (part.hasEntries()) {
        blocks[i] = heap.take(Shape.of(part.length()));
        write(blocks[i], part);
      }
      put(child, Head.leaf(version, blocks[i]));
      put(child + TURN, 0);
    }
    put(address + Branch.VERSION, version);
    put(address + Branch.EPOCH, leaf.epoch());
    put(address + Branch.PARENT, spot.head);
    return blocks;
  }

  private void put(int address, long word) {
    Words.set(heap.window(address), Heap.offset(address), word);
  }

  // ---- turns ------------------------------------------------------------------------------------

  private void lost(Spot spot) {
    if (++spot.losses < PATIENCE) {
      return;
    }
    long turn = heap.word(spot.head + TURN);
    if (left(turn) == 0) {
      long until = (ticker.nanos() >> TURN_UNIT_BITS) + LONGEST_TURN;
      heap.swap(spot.head + TURN, turn, until << TURN_WHO_BITS | me);
    }
  }

  private void endTurn(Spot spot) {
    if (spot.losses == 0) {
      return;
    }
    spot.losses = 0;
    long turn = heap.word(spot.head + TURN);
    if (isMine(turn)) {
      heap.swap(spot.head + TURN, turn, 0);
    }
  }

  /// Lets another go first whose turn it is.
  private void awaitTurn(Spot spot) {
    long turn = heap.word(spot.head + TURN);
    if (turn == 0 || isMine(turn)) {
      return;
    }
    while (left(turn) > 0 && heap.word(spot.head + TURN) == turn) {
      Thread.onSpinWait();
      LockSupport.parkNanos(TURN_NAP_NANOS);
    }
  }

  private boolean isMine(long turn) {
    return (turn & ((1L << TURN_WHO_BITS) - 1)) == me;
  }

  /// How long a turn lasts, 0 if it is over or no turn can be that long.
  private long left(long turn) {
    long now = ticker.nanos() >> TURN_UNIT_BITS;
    long left = ((turn >>> TURN_WHO_BITS) - now) << TURN_WHO_BITS >> TURN_WHO_BITS;
    return left < 0 || left > LONGEST_TURN ? 0 : left;
  }
}
