package dev.truce.store;

import dev.truce.Durability;
import dev.truce.Fence;
import dev.truce.Owner;
import dev.truce.spi.Journal;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// What a commit is in the journal.
///
/// ```
///   room: 1 | format: 1 | kind: 1 | flags: 1 | base: 8 | ms since 1970: 8 | pid: 8
///   | owner's name and host, each with its length: 2
///   | tokens: 2, of each: length of the lock's name: 2, name, token: 8
///   | stores: 2, of each: number: 8, length of its name: 2, name
///   | writes: 4, of each: store's index: 2, what: 1, length of the key: 2, key,
///                         and of a value: length: 4, value
/// ```
///
/// All numbers big endian. A store that this commit makes has number 0 here; from then on its
/// number is the commit's revision and, in the lower 16 bits, which of the commit's stores it was.
/// The root's own store, number 0, has the empty name.
///
/// @param base the revision that the writer read
/// @param millis by the writer's clock, for people
/// @param bytes the whole of it
record CommitRecord(
    long base,
    long millis,
    Owner writer,
    SortedMap<String, Long> tokens,
    List<Named> stores,
    List<Write> writes,
    byte[] bytes) {
  /// The first byte of each record of a store: locks have others in their journals.
  static final byte ROOM = 2;

  /// The longest key in UTF-8.
  static final int MAX_KEY = 4096;

  /// The most that a commit may weigh.
  static final int MAX_BYTES = 32 << 20;

  private static final byte FORMAT = 1;
  private static final byte COMMIT = 1;
  private static final byte PUT = 1;
  private static final byte REMOVE = 2;
  private static final byte WHAT = 0x0f;
  private static final byte RESOLVED = 0x20;

  /// The bytes of all that every commit says.
  private static final long FIXED = 4 + 3 * 8 + 2 * 2 + 2 + 2 + 4;

  private static final int INDEX_BITS = 16;
  private static final int SHORT = (1 << INDEX_BITS) - 1;

  /// A store that it writes to.
  record Named(long number, String name) {
    static final Named ROOTS_OWN = new Named(0, "");

    boolean isRootsOwn() {
      return name.isEmpty();
    }

    /// Whether this commit makes it.
    boolean isNew() {
      return number == 0 && !isRootsOwn();
    }
  }

  /// One key.
  ///
  /// @param store which of [CommitRecord#stores]
  /// @param key in UTF-8
  /// @param offset where the value lies in the record
  /// @param length of the value, -1 where the key is removed
  /// @param resolved whether a resolver decided it
  record Write(int store, byte[] key, int offset, int length, boolean resolved) {}

  /// A record that cannot be read: not damage, which the journal would have seen.
  static final class Unreadable extends Exception {
    private static final long serialVersionUID = 1L;

    Unreadable(String what) {
      super(what);
    }
  }

  /// The number of one of its stores after this commit has landed at a revision.
  long number(int store, long revision) {
    Named known = stores.get(store);
    return known.isNew() ? revision << INDEX_BITS | store : known.number();
  }

  /// The revision of the commit that made the store of a number.
  static long madeAt(long store) {
    return store >>> INDEX_BITS;
  }

  byte[] key(Write write, long revision) {
    return SpaceKey.of(number(write.store, revision), write.key);
  }

  /// What it makes of a key. A value that is most of its record stays in it, any other is copied: a
  /// small one would keep all of a large record.
  Item item(Write write, long revision) {
    if (write.length < 0) {
      return Item.removed(revision);
    }
    return write.length > bytes.length / 2
        ? new Item(revision, bytes, write.offset, write.length)
        : Item.of(revision, Arrays.copyOfRange(bytes, write.offset, write.offset + write.length));
  }

  /// How many keys of stores it writes.
  int changed() {
    return (int) writes.stream().filter(write -> !stores.get(write.store).isRootsOwn()).count();
  }

  /// The commit that this puts aside, with its id; empty where it puts none aside.
  Optional<Map.Entry<String, ParkedRow>> parks() {
    return writes.stream()
        .filter(write -> stores.get(write.store).isRootsOwn())
        .filter(write -> ParkedRow.isOpen(write.key) && write.length >= 0)
        .findFirst()
        .map(write ->
            Map.entry(
                ParkedRow.id(SpaceKey.of(0, write.key)),
                ParkedRow.of(
                    Arrays.copyOfRange(bytes, write.offset, write.offset + write.length))));
  }

  /// Whether it drops or renames the store of a name, or gives another store that name.
  boolean replaces(String store) {
    byte[] row = Root.rowKey(store);
    return writes.stream()
        .anyMatch(write -> stores.get(write.store).isRootsOwn() && Arrays.equals(write.key, row));
  }

  /// A store that this gives another name, as it was called before; empty where it renames none.
  Optional<Named> renames() {
    Optional<Write> row = rows().filter(write -> write.length == Long.BYTES).findFirst();
    Optional<Write> was = rows().filter(write -> write.length < 0).findFirst();
    return row.isEmpty() || was.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Named(
                ByteBuffer.wrap(bytes).getLong(row.get().offset),
                Root.store(SpaceKey.of(0, was.get().key))));
  }

  /// What it writes of rows of stores.
  private Stream<Write> rows() {
    return writes.stream()
        .filter(write -> stores.get(write.store).isRootsOwn())
        .filter(write -> Root.isRow(SpaceKey.of(0, write.key)));
  }

  /// What it writes to the store of a name.
  List<Write> writesTo(String store) {
    return writes.stream().filter(write -> stores.get(write.store).name().equals(store)).toList();
  }

  /// The commit that this is, where it has landed.
  Commit landed(long revision, UUID id, Durability durability, boolean repeated) {
    return new Commit(
        revision,
        durability,
        id,
        tokens.isEmpty() ? Optional.empty() : Optional.of(new Fence(tokens)),
        writer,
        Instant.ofEpochMilli(millis),
        changed(),
        (int) writes.stream().filter(Write::resolved).count(),
        repeated);
  }

  // ---- writing

  /// What is to be written of a key; no value where it is to be removed.
  record Change(byte[] key, byte @Nullable [] value, boolean resolved) {}

  /// @param changes of each of `stores`, in the order of the keys
  static byte[] write(
      long base,
      long millis,
      Owner writer,
      SortedMap<String, Long> tokens,
      List<Named> stores,
      List<List<Change>> changes) {
    byte[] name = writer.name().getBytes(StandardCharsets.UTF_8);
    byte[] host = writer.host().getBytes(StandardCharsets.UTF_8);
    List<byte[]> locks = tokens.keySet().stream().map(SpaceKey::utf8).toList();
    List<byte[]> names = stores.stream().map(store -> SpaceKey.utf8(store.name())).toList();
    long size = FIXED + name.length + host.length;
    size += locks.stream().mapToLong(lock -> 10L + lock.length).sum();
    size += names.stream().mapToLong(store -> 10L + store.length).sum();
    size += changes.stream().flatMap(List::stream).mapToLong(CommitRecord::size).sum();
    if (size > MAX_BYTES) {
      throw new IllegalArgumentException(
          "a commit of " + size + " bytes, at most " + MAX_BYTES + " are allowed: write in parts");
    }
    ByteBuffer out = ByteBuffer.allocate((int) size);
    out.put(ROOM).put(FORMAT).put(COMMIT).put((byte) 0).putLong(base).putLong(millis);
    out.putLong(writer.pid());
    text(out, name);
    text(out, host);
    count(out, locks.size());
    int lock = 0;
    for (long token : tokens.values()) {
      text(out, locks.get(lock++));
      out.putLong(token);
    }
    count(out, names.size());
    for (int i = 0; i < names.size(); i++) {
      out.putLong(stores.get(i).number());
      text(out, names.get(i));
    }
    out.putInt(changes.stream().mapToInt(List::size).sum());
    for (int i = 0; i < changes.size(); i++) {
      for (Change change : changes.get(i)) {
        write(out, i, change);
      }
    }
    return out.array();
  }

  private static long size(Change change) {
    return 5L + change.key.length + (change.value == null ? 0 : 4L + change.value.length);
  }

  private static void write(ByteBuffer out, int store, Change change) {
    byte what = change.value == null ? REMOVE : PUT;
    out.putShort((short) store).put((byte) (what | (change.resolved ? RESOLVED : 0)));
    text(out, change.key);
    if (change.value != null) {
      out.putInt(change.value.length).put(change.value);
    }
  }

  private static void text(ByteBuffer out, byte[] utf8) {
    count(out, utf8.length);
    out.put(utf8);
  }

  private static void count(ByteBuffer out, int count) {
    if (count > SHORT) {
      throw new IllegalArgumentException(
          "a commit has room for "
              + SHORT
              + " of its stores, tokens, and bytes of a name: "
              + count);
    }
    out.putShort((short) count);
  }

  // ---- reading

  /// The commit in this record, `null` if it is none.
  static @Nullable CommitRecord read(Journal.Entry entry) throws Unreadable {
    byte[] bytes = entry.record();
    if (bytes.length == 0 || bytes[0] != ROOM) {
      return null;
    }
    try {
      return read(bytes);
    } catch (BufferUnderflowException | IndexOutOfBoundsException cutOff) {
      throw new Unreadable("is cut off");
    }
  }

  private static CommitRecord read(byte[] bytes) throws Unreadable {
    ByteBuffer in = ByteBuffer.wrap(bytes, 1, bytes.length - 1);
    if (in.get() != FORMAT || in.get() != COMMIT) {
      throw new Unreadable("was written by a newer release");
    }
    in.get(); // flags, of which this release has none
    long base = in.getLong();
    long millis = in.getLong();
    long pid = in.getLong();
    Owner writer = new Owner(text(in), text(in), pid);
    SortedMap<String, Long> tokens = new TreeMap<>();
    for (int left = in.getShort() & SHORT; left > 0; left--) {
      tokens.put(text(in), in.getLong());
    }
    List<Named> stores = new ArrayList<>();
    for (int left = in.getShort() & SHORT; left > 0; left--) {
      stores.add(new Named(in.getLong(), text(in)));
    }
    int count = in.getInt();
    List<Write> writes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      writes.add(write(in, stores.size()));
    }
    if (count < 0 || in.hasRemaining()) {
      throw new Unreadable("says more than a commit says");
    }
    return new CommitRecord(base, millis, writer, tokens, stores, writes, bytes);
  }

  private static Write write(ByteBuffer in, int stores) throws Unreadable {
    int store = in.getShort() & SHORT;
    byte what = in.get();
    byte[] key = utf8(in);
    boolean puts = (what & WHAT) == PUT;
    if (store >= stores || (!puts && (what & WHAT) != REMOVE)) {
      throw new Unreadable("holds a write that no release has made");
    }
    int length = puts ? in.getInt() : -1;
    int offset = in.position();
    if (puts) {
      if (length < 0 || length > in.remaining()) {
        throw new Unreadable("is cut off");
      }
      in.position(offset + length);
    }
    return new Write(store, key, offset, length, (what & RESOLVED) != 0);
  }

  private static byte[] utf8(ByteBuffer in) {
    byte[] bytes = new byte[in.getShort() & SHORT];
    in.get(bytes);
    return bytes;
  }

  private static String text(ByteBuffer in) {
    return new String(utf8(in), StandardCharsets.UTF_8);
  }
}
