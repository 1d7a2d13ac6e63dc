package dev.truce.store;

import dev.truce.EngineException;
import dev.truce.Owner;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/// A commit that was put aside, as it lies in store number 0: in the row `c/ID` while it waits, in
/// `r/ID` once it was decided.
///
/// ```
///   format: 1 | decided: 1 | commit id: 16 | ms since 1970: 8 | base: 8 | rounds: 4 | writer
///   | of a decided one: ms since 1970: 8 | writer | how, with its length: 2
///   | writes: 4, of each: number of the store: 8, name of the store and key, each with its length: 2,
///                         the key's revision at the base: 8, base and ours, each: there or not: 1,
///                         and if so its length: 4, value
///   writer: pid: 8 | name and host, each with its length: 2
/// ```
///
/// All numbers big endian.
///
/// @param base the revision that it rested on
/// @param rounds how often it had tried to land
record ParkedRow(
    UUID commitId,
    Instant at,
    Owner by,
    long base,
    int rounds,
    Optional<Parked.Decision> decision,
    List<Wish> wishes) {
  private static final byte FORMAT = 1;
  private static final String OPEN = "c/";
  private static final String DECIDED = "r/";

  /// How many wait at most, beside those that are put aside in the same moment, and of how many
  /// bytes together.
  static final int MOST_OPEN = 10_000;

  static final long MOST_BYTES = 64 << 20;

  /// The most bytes of one: the commit of a decision holds it and all that it writes.
  static final int MOST_EACH = 15 << 20;

  /// How many that were decided are kept, of [#MOST_BYTES] together.
  static final int MOST_DECIDED = 1_000;

  /// A key that it wants to write.
  ///
  /// @param store its number, 0 where it was still to be made
  /// @param revision of the key at the base, 0 where it was not there
  /// @param ours empty where it wants it removed
  record Wish(
      long store,
      String name,
      byte[] key,
      long revision,
      Optional<byte[]> base,
      Optional<byte[]> ours) {}

  ParkedRow decided(Parked.Decision how) {
    return new ParkedRow(commitId, at, by, base, rounds, Optional.of(how), wishes);
  }

  // ---- where it lies

  static byte[] open(String id) {
    return SpaceKey.utf8(OPEN + id);
  }

  static byte[] decided(String id) {
    return SpaceKey.utf8(DECIDED + id);
  }

  /// Those of a root that wait, the oldest first.
  static List<Delta.Row> open(Root root) {
    return rows(root, OPEN);
  }

  /// Those of a root that were decided, by when they were put aside, the oldest first.
  static List<Delta.Row> decided(Root root) {
    return rows(root, DECIDED);
  }

  private static List<Delta.Row> rows(Root root, String prefix) {
    List<Delta.Row> rows = new ArrayList<>();
    root.own(prefix).forEachRemaining(rows::add);
    return rows;
  }

  /// The id in the key of such a row.
  static String id(byte[] spaceKey) {
    return SpaceKey.key(spaceKey).substring(OPEN.length());
  }

  /// Whether this is the key, in store number 0, of one that waits.
  static boolean isOpen(byte[] key) {
    return new String(key, StandardCharsets.UTF_8).startsWith(OPEN);
  }

  /// Why a root has no room for one more of so many bytes, empty if it has.
  static Optional<String> noRoom(Root root, long bytes) {
    if (bytes > MOST_EACH) {
      return Optional.of("it was not put aside, for it has " + bytes + " bytes of " + MOST_EACH);
    }
    List<Delta.Row> open = open(root);
    if (open.size() >= MOST_OPEN) {
      return Optional.of("it was not put aside, for " + open.size() + " wait already: decide some");
    }
    long all = bytes + open.stream().mapToLong(row -> row.item().length()).sum();
    return all <= MOST_BYTES
        ? Optional.empty()
        : Optional.of(
            "it was not put aside, for with it " + all + " bytes of " + MOST_BYTES + " would wait");
  }

  /// The keys of those that were decided and are not kept any more when one of so many bytes is.
  static List<byte[]> forgotten(Root root, long bytes) {
    List<byte[]> forgotten = new ArrayList<>();
    int kept = 1;
    long sum = bytes;
    for (Delta.Row row : decided(root).reversed()) {
      sum += row.item().length();
      if (++kept > MOST_DECIDED || sum > MOST_BYTES) {
        forgotten.add(row.key());
      }
    }
    return forgotten;
  }

  // ---- to and from bytes

  byte[] bytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeByte(FORMAT);
      out.writeBoolean(decision.isPresent());
      out.writeLong(commitId.getMostSignificantBits());
      out.writeLong(commitId.getLeastSignificantBits());
      out.writeLong(at.toEpochMilli());
      out.writeLong(base);
      out.writeInt(rounds);
      write(out, by);
      if (decision.isPresent()) {
        out.writeLong(decision.get().at().toEpochMilli());
        write(out, decision.get().by());
        write(out, SpaceKey.utf8(decision.get().how()));
      }
      out.writeInt(wishes.size());
      for (Wish wish : wishes) {
        out.writeLong(wish.store);
        write(out, SpaceKey.utf8(wish.name));
        write(out, wish.key);
        out.writeLong(wish.revision);
        write(out, wish.base);
        write(out, wish.ours);
      }
    } catch (IOException inMemory) {
      throw new UncheckedIOException(inMemory);
    }
    return bytes.toByteArray();
  }

  private static void write(DataOutputStream out, Owner writer) throws IOException {
    out.writeLong(writer.pid());
    write(out, writer.name().getBytes(StandardCharsets.UTF_8));
    write(out, writer.host().getBytes(StandardCharsets.UTF_8));
  }

  private static void write(DataOutputStream out, byte[] utf8) throws IOException {
    out.writeShort(utf8.length);
    out.write(utf8);
  }

  private static void write(DataOutputStream out, Optional<byte[]> value) throws IOException {
    out.writeBoolean(value.isPresent());
    if (value.isPresent()) {
      out.writeInt(value.get().length);
      out.write(value.get());
    }
  }

  /// @throws EngineException if no release that is known here has written this
  static ParkedRow of(byte[] bytes) {
    if (bytes.length == 0 || bytes[0] != FORMAT) {
      throw new EngineException(
          EngineException.Kind.CONFIGURATION,
          "a commit was put aside by a newer release: decide about it with that");
    }
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      return read(in);
    } catch (IOException | IllegalArgumentException damaged) {
      throw new EngineException(
          EngineException.Kind.DAMAGED, "a commit that was put aside cannot be read", damaged);
    }
  }

  private static ParkedRow read(DataInputStream in) throws IOException {
    in.readByte();
    boolean isDecided = in.readBoolean();
    UUID commitId = new UUID(in.readLong(), in.readLong());
    Instant at = Instant.ofEpochMilli(in.readLong());
    long base = in.readLong();
    int rounds = in.readInt();
    Owner by = writer(in);
    Optional<Parked.Decision> decision = isDecided ? Optional.of(decision(in)) : Optional.empty();
    List<Wish> wishes = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      wishes.add(new Wish(in.readLong(), text(in), utf8(in), in.readLong(), value(in), value(in)));
    }
    return new ParkedRow(commitId, at, by, base, rounds, decision, List.copyOf(wishes));
  }

  private static Parked.Decision decision(DataInputStream in) throws IOException {
    Instant at = Instant.ofEpochMilli(in.readLong());
    return new Parked.Decision(writer(in), at, text(in));
  }

  private static Owner writer(DataInputStream in) throws IOException {
    long pid = in.readLong();
    return new Owner(text(in), text(in), pid);
  }

  private static String text(DataInputStream in) throws IOException {
    return new String(utf8(in), StandardCharsets.UTF_8);
  }

  private static byte[] utf8(DataInputStream in) throws IOException {
    return exactly(in, in.readUnsignedShort());
  }

  private static Optional<byte[]> value(DataInputStream in) throws IOException {
    return in.readBoolean() ? Optional.of(exactly(in, in.readInt())) : Optional.empty();
  }

  private static byte[] exactly(DataInputStream in, int length) throws IOException {
    if (length < 0 || length > in.available()) {
      throw new EOFException();
    }
    return in.readNBytes(length);
  }

  // ---- its name

  private static final int CHANCE_BITS = 80;
  private static final String DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

  /// A name of 26 letters and digits, those of a moment before those of a later one: 48 bits of
  /// time, 80 of chance.
  static String name(Instant at, UUID chance) {
    BigInteger bits =
        BigInteger.valueOf(at.toEpochMilli())
            .shiftLeft(CHANCE_BITS)
            .or(low(chance.getMostSignificantBits(), CHANCE_BITS - Long.SIZE).shiftLeft(Long.SIZE))
            .or(low(chance.getLeastSignificantBits(), Long.SIZE));
    StringBuilder name = new StringBuilder();
    for (int digit = 25; digit >= 0; digit--) {
      name.append(DIGITS.charAt(bits.shiftRight(5 * digit).intValue() & 31));
    }
    return name.toString();
  }

  private static BigInteger low(long word, int bits) {
    return BigInteger.valueOf(word).and(BigInteger.ONE.shiftLeft(bits).subtract(BigInteger.ONE));
  }
}
