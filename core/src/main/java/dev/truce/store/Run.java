package dev.truce.store;

import static java.nio.ByteOrder.BIG_ENDIAN;

import dev.truce.EngineException;
import dev.truce.spi.Journal;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// All stores of a root at the revision of a checkpoint, as the checkpoint has them: sorted, read
/// where they lie, nothing of them in the heap.
///
/// ```
/// rows     in the order of the keys, each:
///          revision 8 | bytes of the value 4 | bytes of the key 2 | key | value
/// places   of every 16th row 8, from a multiple of 8 on
/// slots    8 each: upper 24 bits of the hash of a key | 40 bits place of its row + 1, in the order
///          of the hashes; 0 is empty. A word lies in its home or behind it, with nothing empty
///          between; there are as many behind the last home as that takes, and an empty one
/// sums     CRC32C of each 4 KiB before them, the last one shorter: 4 each
/// footer   "TRUCERUN" | revision 8 | rows 8 | end of the rows 8 | slots at 8 | homes 8 | sums at 8 |
///          CRC32C of the sums 4 | CRC32C of the footer until here 4
/// ```
///
/// Numbers are big endian. A page is checked when it is looked at for the first time.
///
/// **Threads.** Safe for any number of them.
final class Run {
  static final long MAGIC = 0x5452554345_52554eL; // TRUCERUN
  static final int FOOTER = 64;
  static final int PAGE = 4096;

  /// The bytes of a row before its key.
  static final int HEADER = 14;

  /// Of so many rows the place of one is noted.
  static final int STRIDE = 16;

  private static final int HASH_BITS = 24;
  private static final int PLACE_BITS = Long.SIZE - HASH_BITS;
  private static final long PLACES = (1L << PLACE_BITS) - 1;
  private static final long MOST_BYTES = PLACES - 1;
  private static final int SUM_BYTES = Integer.BYTES;
  private static final int KEY_LENGTH = 0xffff;

  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(BIG_ENDIAN);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(BIG_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(BIG_ENDIAN);

  /// What was before the first checkpoint: nothing.
  static final Run NONE = new Run(new Nothing(), "", new Footer(0, 0, 0, 0, 0, 0));

  private record Nothing() implements Journal.Base {
    @Override
    public long upTo() {
      return 0;
    }

    @Override
    public MemorySegment bytes() {
      return MemorySegment.NULL;
    }
  }

  /// Whoever enters is one of so many, so that threads do not meet.
  private static final int STRIPES = 16;

  /// Counters are so far from each other that no two share a line of a cache.
  private static final int APART = 16;

  static final int NO_READER = -1;

  private final Journal.Base base;
  private final MemorySegment bytes;
  private final String place;
  private final Footer footer;

  private final AtomicIntegerArray readers = new AtomicIntegerArray(STRIPES * APART);
  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile boolean superseded;
  private Runnable behind = () -> {};

  /// A bit for each page that was checked. Threads that lose each other's bits check once more.
  private final long[] checked;

  /// Where what lies.
  record Footer(long upTo, long rows, long rowsEnd, long slotsAt, long homes, long sumsAt) {
    long placesAt() {
      return rowsEnd + (-rowsEnd & Long.BYTES - 1);
    }

    long end() {
      return sumsAt + pages() * SUM_BYTES;
    }

    long pages() {
      return (sumsAt + PAGE - 1) / PAGE;
    }

    boolean isSound() {
      return 0 <= rowsEnd
          && placesAt() <= slotsAt
          && slotsAt <= sumsAt
          && sumsAt <= MOST_BYTES
          && 0 <= homes
          && homes <= (sumsAt - slotsAt) / Long.BYTES
          && 0 <= rows
          && (rows + STRIDE - 1) / STRIDE == (slotsAt - placesAt()) / Long.BYTES;
    }
  }

  private Run(Journal.Base base, String place, Footer footer) {
    this.base = base;
    this.bytes = base.bytes();
    this.place = place;
    this.footer = footer;
    this.checked = new long[(int) (footer.pages() / Long.SIZE) + 1];
  }

  /// Looks at the footer and the sums alone.
  ///
  /// @param place for messages
  /// @throws EngineException if it is damaged
  static Run open(Journal.Base base, String place) {
    Run run = openDamaged(base, place);
    Footer footer = run.footer;
    long sums = footer.pages() * SUM_BYTES;
    if (crc(run.bytes, footer.sumsAt, sums) != run.bytes.get(INT, footer.end() + 56)) {
      throw damaged(place, "has damaged sums");
    }
    return run;
  }

  /// Looks at the footer alone. All else may be damaged: each page is held to its sum by itself.
  ///
  /// @throws EngineException if the footer is damaged
  static Run openDamaged(Journal.Base base, String place) {
    MemorySegment bytes = base.bytes();
    long at = bytes.byteSize() - FOOTER;
    if (at < 0 || bytes.get(LONG, at) != MAGIC) {
      throw damaged(place, "is no content of stores");
    }
    if (crc(bytes, at, FOOTER - SUM_BYTES) != bytes.get(INT, at + FOOTER - SUM_BYTES)) {
      throw damaged(place, "has a damaged end");
    }
    Footer footer =
        new Footer(
            bytes.get(LONG, at + 8),
            bytes.get(LONG, at + 16),
            bytes.get(LONG, at + 24),
            bytes.get(LONG, at + 32),
            bytes.get(LONG, at + 40),
            bytes.get(LONG, at + 48));
    if (footer.upTo != base.upTo() || !footer.isSound() || footer.end() != at) {
      throw damaged(place, "does not fit together");
    }
    return new Run(base, place, footer);
  }

  /// The revision up to which commits are in it.
  long upTo() {
    return footer.upTo;
  }

  /// How much disk it takes.
  long size() {
    return bytes.byteSize();
  }

  /// How many keys it has.
  long count() {
    return footer.rows;
  }

  // ---- who reads

  /// Lets somebody read until he [leaves][#leave]; answers as which reader, or [#NO_READER] if
  /// another run has taken its place.
  int enter() {
    int reader = (int) (Thread.currentThread().threadId() % STRIPES) * APART;
    enterAgain(reader);
    if (superseded) {
      leave(reader);
      return NO_READER;
    }
    return reader;
  }

  /// Lets one more read who is counted with a reader that has not left.
  void enterAgain(int reader) {
    readers.getAndIncrement(reader);
  }

  void leave(int reader) {
    readers.getAndDecrement(reader);
    closeIfUnread();
  }

  /// Another one has taken its place: nobody enters any more, and when the last one has left its
  /// memory is given back.
  ///
  /// @param then is run behind that
  void supersede(Runnable then) {
    behind = then;
    superseded = true;
    closeIfUnread();
  }

  /// Whether its memory was given back.
  boolean isClosed() {
    return closed.get();
  }

  private void closeIfUnread() {
    if (superseded && !isRead() && closed.compareAndSet(false, true)) {
      base.close();
      behind.run();
    }
  }

  private boolean isRead() {
    for (int reader = 0; reader < readers.length(); reader += APART) {
      if (readers.get(reader) != 0) {
        return true;
      }
    }
    return false;
  }

  // ---- one key

  @Nullable Item get(byte[] key) {
    try {
      long row = find(key);
      return row < 0 ? null : item(row);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /// The revision of a key that is there, 0 of any other.
  long revisionOf(byte[] key) {
    try {
      long row = find(key);
      return row < 0 ? 0 : bytes.get(LONG, row);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /// Where the row of a key begins, -1 if there is none.
  private long find(byte[] key) {
    if (footer.homes == 0) {
      return -1;
    }
    long hash = hash(key) >>> PLACE_BITS;
    for (long at = footer.slotsAt + home(hash, footer.homes) * Long.BYTES; ; at += Long.BYTES) {
      check(at, Long.BYTES);
      long word = bytes.get(LONG, at);
      if (word == 0 || word >>> PLACE_BITS > hash) {
        return -1;
      }
      long row = rowOf(word);
      if (word >>> PLACE_BITS == hash && compareAt(row, key) == 0) {
        return row;
      }
    }
  }

  /// The slot at which to look first.
  static long home(long hash, long homes) {
    return (hash * homes) >>> HASH_BITS;
  }

  /// The word of a slot.
  static long word(byte[] key, long row) {
    return hash(key) >>> PLACE_BITS << PLACE_BITS | (row + 1);
  }

  static long hashOf(long word) {
    return word >>> PLACE_BITS;
  }

  /// Where the row of a slot begins, -1 of an empty one.
  private static long rowOf(long word) {
    return (word & PLACES) - 1;
  }

  /// Eight bytes after the other, multiplied and folded; the last ones filled up with zeros.
  private static long hash(byte[] key) {
    ByteBuffer in = ByteBuffer.wrap(key);
    long hash = key.length;
    while (in.remaining() >= Long.BYTES) {
      hash = folded(hash ^ in.getLong());
    }
    long rest = 0;
    while (in.hasRemaining()) {
      rest = rest << Byte.SIZE | (in.get() & 0xff);
    }
    return folded(hash ^ rest);
  }

  private static long folded(long hash) {
    long product = hash * 0x9e3779b97f4a7c15L;
    return product ^ product >>> 32;
  }

  // ---- rows

  private Item item(long row) {
    byte[] value = new byte[valueLength(row)];
    MemorySegment.copy(
        bytes, ValueLayout.JAVA_BYTE, row + HEADER + keyLength(row), value, 0, value.length);
    return Item.of(bytes.get(LONG, row), value);
  }

  private byte[] key(long row) {
    byte[] key = new byte[keyLength(row)];
    MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, row + HEADER, key, 0, key.length);
    return key;
  }

  private int keyLength(long row) {
    return bytes.get(SHORT, row + 12) & KEY_LENGTH;
  }

  private int valueLength(long row) {
    return bytes.get(INT, row + 8);
  }

  private long behind(long row) {
    return row + HEADER + keyLength(row) + valueLength(row);
  }

  /// Checks a row, all of it.
  private void checkRow(long row) {
    check(row, HEADER);
    if (valueLength(row) < 0 || behind(row) > footer.rowsEnd) {
      throw damaged(place, "has a row without an end at " + row);
    }
    check(row, (int) (behind(row) - row));
  }

  /// Compares the key of a row, which is checked, with another one.
  private int compareAt(long row, byte[] key) {
    checkRow(row);
    MemorySegment other = MemorySegment.ofArray(key);
    int length = keyLength(row);
    long from = row + HEADER;
    long same = MemorySegment.mismatch(bytes, from, from + length, other, 0, key.length);
    if (same < 0) {
      return 0;
    }
    return same < Math.min(length, key.length)
        ? Byte.compareUnsigned(bytes.get(ValueLayout.JAVA_BYTE, from + same), key[(int) same])
        : Integer.compare(length, key.length);
  }

  // ---- ranges

  /// The keys from `from` on and below `to`.
  Iterator<Delta.Row> rows(byte[] from, byte[] to) {
    return new Rows(from, to);
  }

  /// The first row from this key on, or where rows end.
  private long seek(byte[] key) {
    long row = noted(key);
    while (row < footer.rowsEnd && compareAt(row, key) < 0) {
      row = behind(row);
    }
    return row;
  }

  /// The last noted row that lies before a key, or the first row.
  private long noted(byte[] key) {
    long low = 0;
    long high = (footer.slotsAt - footer.placesAt()) / Long.BYTES;
    while (low + 1 < high) {
      long middle = (low + high) >>> 1;
      if (compareAt(noted(middle), key) < 0) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return high == 0 ? footer.rowsEnd : noted(low);
  }

  private long noted(long number) {
    long at = footer.placesAt() + number * Long.BYTES;
    check(at, Long.BYTES);
    return bytes.get(LONG, at);
  }

  private final class Rows implements Iterator<Delta.Row> {
    private final long end;
    private long row;

    Rows(byte[] from, byte[] to) {
      try {
        this.row = seek(from);
        this.end = seek(to);
      } finally {
        Reference.reachabilityFence(Run.this);
      }
    }

    @Override
    public boolean hasNext() {
      return row < end;
    }

    @Override
    public Delta.Row next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      try {
        checkRow(row);
        Delta.Row next = new Delta.Row(key(row), item(row));
        row = behind(row);
        return next;
      } finally {
        Reference.reachabilityFence(Run.this);
      }
    }
  }

  // ---- what is left of it when it is damaged

  /// The rows that lie in pages that are what was written, in their order.
  Iterator<Delta.Row> provable() {
    return new Provable();
  }

  /// Goes from row to row; where the beginning of one is damaged, on to the next that a page behind
  /// the rows tells of.
  private final class Provable implements Iterator<Delta.Row> {
    private long row;
    private Delta.@Nullable Row next;

    @Override
    public boolean hasNext() {
      while (next == null && row < footer.rowsEnd) {
        look();
      }
      return next != null;
    }

    @Override
    public Delta.Row next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      Delta.Row found = Objects.requireNonNull(next);
      next = null;
      return found;
    }

    private void look() {
      if (!isWhole(row, HEADER) || valueLength(row) < 0) {
        row = firstRowFrom(behindDamage(row));
        return;
      }
      long end = behind(row);
      if (end <= footer.rowsEnd && isWhole(row, (int) (end - row))) {
        next = new Delta.Row(key(row), item(row));
      }
      row = end;
    }

    /// Where the pages end that are damaged from here on, or from the next one on.
    private long behindDamage(long at) {
      long page = at / PAGE;
      do {
        page++;
      } while (page * PAGE < footer.rowsEnd && !isWhole(page * PAGE, 1));
      return page * PAGE;
    }

    private long firstRowFrom(long bound) {
      long first = footer.rowsEnd;
      for (long at = footer.placesAt(); at < footer.sumsAt; at += Long.BYTES) {
        if (isWhole(at, Long.BYTES)) {
          long start = at < footer.slotsAt ? bytes.get(LONG, at) : rowOf(bytes.get(LONG, at));
          first = start >= bound && start < first ? start : first;
        } else {
          at = (at / PAGE + 1) * PAGE - Long.BYTES;
        }
      }
      return first;
    }
  }

  private boolean isWhole(long at, int length) {
    try {
      check(at, length);
      return true;
    } catch (EngineException damaged) {
      return false;
    }
  }

  // ---- whether it is what was written

  /// @throws EngineException if these bytes are not what was written
  private void check(long at, int length) {
    long last = (at + length - 1) / PAGE;
    if (at < 0 || at + length > footer.sumsAt) {
      throw damaged(place, "leads to " + at + ", where nothing lies");
    }
    for (long page = at / PAGE; page <= last; page++) {
      int word = (int) (page / Long.SIZE);
      if ((checked[word] & 1L << page) == 0) {
        checkPage(page);
        checked[word] |= 1L << page;
      }
    }
  }

  private void checkPage(long page) {
    long from = page * PAGE;
    try {
      int sum = crc(bytes, from, Math.min(PAGE, footer.sumsAt - from));
      if (sum != bytes.get(INT, footer.sumsAt + page * SUM_BYTES)) {
        throw damaged(place, "is damaged between " + from + " and " + (from + PAGE));
      }
    } catch (InternalError unreadable) { // what a mapping answers where its file cannot be read
      throw damaged(place, "cannot be read behind " + from, unreadable);
    }
  }

  /// Of a copy: a buffer over the memory itself would keep it from being given back meanwhile.
  private static int crc(MemorySegment bytes, long from, long length) {
    CRC32C crc = new CRC32C();
    byte[] copy = new byte[(int) Math.min(length, PAGE)];
    for (long at = 0; at < length; at += copy.length) {
      int some = (int) Math.min(copy.length, length - at);
      MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, from + at, copy, 0, some);
      crc.update(copy, 0, some);
    }
    return (int) crc.getValue();
  }

  private static EngineException damaged(String place, String how) {
    return damaged(place, how, null);
  }

  private static EngineException damaged(String place, String how, @Nullable Throwable cause) {
    return new EngineException(
        EngineException.Kind.DAMAGED,
        "the checkpoint of the stores of " + place + " " + how + "; truce verify tells more",
        cause);
  }

  // ---- writing

  /// The bytes of the footer of what was written.
  static byte[] bytes(Footer footer, int sums) {
    ByteBuffer out = ByteBuffer.allocate(FOOTER).putLong(MAGIC).putLong(footer.upTo);
    out.putLong(footer.rows).putLong(footer.rowsEnd).putLong(footer.slotsAt);
    out.putLong(footer.homes).putLong(footer.sumsAt).putInt(sums);
    CRC32C crc = new CRC32C();
    crc.update(out.array(), 0, out.position());
    return out.putInt((int) crc.getValue()).array();
  }

  @Override
  public String toString() {
    return "run up to " + footer.upTo + " of " + place;
  }
}
