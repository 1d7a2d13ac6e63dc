package dev.truce.file;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.CRC32C;

/// All keys of one head and what they hold: an immutable image, as it lies in a block.
///
/// ```
///  0  length    4  of the image
///  4  crc       4  CRC32C of [8,length)
///  8  version   8  of this image; its lower part is in the head
/// 16  head      8  address of the head that publishes it
/// 24  epoch     8  the version that last deleted a key here
/// 32  entries      { version 8 | key bytes 2 | - 2 | value bytes 4 | key | value | to a multiple of 8 }
/// ```
///
/// An entry's version is that of the image it was first in: the *revision* of its key. The revision
/// of an absent key is the epoch. Versions of a head only rise, a split hands them down, so neither
/// ever comes back for a key.
final class Leaf {
  static final int HEADER_BYTES = 32;
  static final int MAX_BYTES = 1 << 16;

  /// The largest value, so that it fits a block beside its key.
  static final int MAX_VALUE = MAX_BYTES - 512;

  private static final int CRC = 4;
  static final int VERSION = 8;
  private static final int HEAD = 16;
  private static final int EPOCH = 24;
  private static final int KEY_BYTES = 8;
  private static final int VALUE_BYTES = 12;
  private static final int ENTRY_BYTES = 16;
  private static final byte[] NOTHING = {};

  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle SHORT =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

  private final byte[] image;

  private Leaf(byte[] image) {
    this.image = image;
  }

  /// The image of a head that was never written.
  static Leaf empty(int head, long version, long epoch) {
    byte[] image = new byte[HEADER_BYTES];
    LONG.set(image, VERSION, version);
    LONG.set(image, HEAD, (long) head);
    LONG.set(image, EPOCH, epoch);
    return new Leaf(image).sealed();
  }

  /// A copied image, unchecked.
  static Leaf copied(byte[] image) {
    return new Leaf(image);
  }

  byte[] image() {
    return image;
  }

  int length() {
    return image.length;
  }

  long version() {
    return (long) LONG.get(image, VERSION);
  }

  long epoch() {
    return (long) LONG.get(image, EPOCH);
  }

  /// Whether this is what the head of this address published, whole.
  boolean intact(int head) {
    return (int) INT.get(image, 0) == image.length
        && (long) LONG.get(image, HEAD) == head
        && (int) INT.get(image, CRC) == crc(image);
  }

  boolean hasEntries() {
    return image.length > HEADER_BYTES;
  }

  // ---- entries ----------------------------------------------------------------------------------

  int first() {
    return HEADER_BYTES;
  }

  boolean isEntry(int at) {
    return at < image.length;
  }

  int next(int at) {
    return at + entryBytes(keyBytes(at), valueBytes(at));
  }

  /// Where the entry of this key begins, or the image's length.
  int find(byte[] key) {
    int at = first();
    while (isEntry(at) && !is(at, key)) {
      at = next(at);
    }
    return at;
  }

  private boolean is(int at, byte[] key) {
    int from = at + ENTRY_BYTES;
    return keyBytes(at) == key.length
        && Arrays.equals(image, from, from + key.length, key, 0, key.length);
  }

  int count() {
    int count = 0;
    for (int at = first(); isEntry(at); at = next(at)) {
      count++;
    }
    return count;
  }

  long version(int at) {
    return (long) LONG.get(image, at);
  }

  byte[] key(int at) {
    int from = at + ENTRY_BYTES;
    return Arrays.copyOfRange(image, from, from + keyBytes(at));
  }

  String keyText(int at) {
    return Key.text(image, at + ENTRY_BYTES, keyBytes(at));
  }

  long hash(int at, Header header) {
    return Key.hash(image, at + ENTRY_BYTES, keyBytes(at), header.seed0(), header.seed1());
  }

  byte[] value(int at) {
    int from = at + ENTRY_BYTES + keyBytes(at);
    return Arrays.copyOfRange(image, from, from + valueBytes(at));
  }

  /// Nothing, when there is no entry.
  byte[] valueOrNothing(int at) {
    return isEntry(at) ? value(at) : NOTHING;
  }

  long revision(int at) {
    return isEntry(at) ? version(at) : epoch();
  }

  private int keyBytes(int at) {
    return (short) SHORT.get(image, at + KEY_BYTES) & 0xffff;
  }

  private int valueBytes(int at) {
    return (int) INT.get(image, at + VALUE_BYTES);
  }

  private static int entryBytes(int key, int value) {
    return (ENTRY_BYTES + key + value + Words.BYTES - 1) & -Words.BYTES;
  }

  // ---- successors -------------------------------------------------------------------------------

  /// The bytes of an image in which `key` holds `value` instead of the entry at `at`.
  int lengthWith(int at, byte[] key, byte[] value) {
    return image.length
        - oldBytes(at)
        + (value.length == 0 ? 0 : entryBytes(key.length, value.length));
  }

  private int oldBytes(int at) {
    return isEntry(at) ? next(at) - at : 0;
  }

  /// The image after this one, in which `key` holds `value`, or is absent if that is empty.
  Leaf with(int at, byte[] key, byte[] value) {
    int old = oldBytes(at);
    long version = Head.next(version());
    byte[] next = new byte[lengthWith(at, key, value)];
    System.arraycopy(image, 0, next, 0, at);
    System.arraycopy(image, at + old, next, at, image.length - at - old);
    LONG.set(next, VERSION, version);
    if (value.length == 0) {
      LONG.set(next, EPOCH, version);
    } else {
      put(next, image.length - old, version, key, value);
    }
    return new Leaf(next).sealed();
  }

  /// Where the entry begins that [#with] has put last, or the image's length when it put none.
  int last(byte[] key, byte[] value) {
    return image.length - (value.length == 0 ? 0 : entryBytes(key.length, value.length));
  }

  private static void put(byte[] image, int at, long version, byte[] key, byte[] value) {
    LONG.set(image, at, version);
    SHORT.set(image, at + KEY_BYTES, (short) key.length);
    INT.set(image, at + VALUE_BYTES, value.length);
    System.arraycopy(key, 0, image, at + ENTRY_BYTES, key.length);
    System.arraycopy(value, 0, image, at + ENTRY_BYTES + key.length, value.length);
  }

  /// The image of one child of a split: the entries whose hash says so, with their revisions.
  Leaf child(int head, long version, int depth, int index, Header header) {
    byte[] part = Arrays.copyOf(image, image.length);
    int length = HEADER_BYTES;
    for (int at = first(); isEntry(at); at = next(at)) {
      if (Branch.child(hash(at, header), depth) == index) {
        int bytes = next(at) - at;
        System.arraycopy(image, at, part, length, bytes);
        length += bytes;
      }
    }
    byte[] exact = Arrays.copyOf(part, length);
    LONG.set(exact, VERSION, version);
    LONG.set(exact, HEAD, (long) head);
    return new Leaf(exact).sealed();
  }

  private Leaf sealed() {
    INT.set(image, 0, image.length);
    INT.set(image, CRC, crc(image));
    return this;
  }

  private static int crc(byte[] image) {
    CRC32C crc = new CRC32C();
    crc.update(image, VERSION, image.length - VERSION);
    return (int) crc.getValue();
  }
}
