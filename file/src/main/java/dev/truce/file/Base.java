package dev.truce.file;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// What stands for all records up to a position: the state that somebody gave, and what of the
/// journal's own knowledge must outlive the records.
///
/// ```
///    0  page "TRUCEJB1": lineage 16 | name 16 | id 16 | position 8 | start 8 | previous 4 |
///       crc of the rest 4 | bytes of the rest 8
/// 4096  commit ids   count 4, each {id 16 | position 8}
///       given up     count 4, each {id 16}
///       ended        count 4, each {length 4 | lock | floor 8 | count 4 | tokens of 8}
///       state        length 4 | state
/// ```
///
/// A base is written once, whole, before it has its name; it counts from its checkpoint record on.
///
/// @param start where the first record that it does not stand for may lie
/// @param previous the checksum of the record before that
record Base(
    UUID id,
    UUID lineage,
    long upTo,
    long start,
    int previous,
    Map<UUID, Long> landed,
    Set<UUID> givenUp,
    Map<String, Ends> ended,
    byte[] state) {
  private static final String MAGIC = "TRUCEJB1";

  /// The file's first page and the rest.
  ByteBuffer bytes(UUID name) {
    ByteBuffer file = ByteBuffer.allocate(Page.BYTES + bodyBytes()).order(ByteOrder.LITTLE_ENDIAN);
    putBody(file.position(Page.BYTES));
    ByteBuffer body = file.slice(Page.BYTES, file.capacity() - Page.BYTES);
    file.put(0, page(name, crc(body), body.capacity()));
    return file.clear();
  }

  private int bodyBytes() {
    long bytes = 16L + landed.size() * 24L + givenUp.size() * 16L + state.length;
    for (Map.Entry<String, Ends> entry : ended.entrySet()) {
      bytes += 16L + utf8(entry.getKey()).length + entry.getValue().tokens().size() * 8L;
    }
    if (bytes > Integer.MAX_VALUE - Page.BYTES) {
      throw new IllegalArgumentException("a base of " + bytes + " bytes is more than a file holds");
    }
    return (int) bytes;
  }

  private void putBody(ByteBuffer out) {
    out.putInt(landed.size());
    landed.forEach((commit, position) -> Page.put(out, commit).putLong(position));
    out.putInt(givenUp.size());
    givenUp.forEach(commit -> Page.put(out, commit));
    out.putInt(ended.size());
    ended.forEach((lock, ends) -> {
      byte[] name = utf8(lock);
      out.putInt(name.length).put(name).putLong(ends.floor()).putInt(ends.tokens().size());
      ends.tokens().forEach(out::putLong);
    });
    out.putInt(state.length).put(state);
  }

  private byte[] page(UUID name, int crc, long bytes) {
    return Page.seal(
        MAGIC,
        Checked.of(0),
        body -> {
          Page.put(body, lineage, name, id);
          body.putLong(upTo).putLong(start).putInt(previous).putInt(crc).putLong(bytes);
        });
  }

  /// What a file says, or `null` when it is damaged or of something else.
  static @Nullable Base of(Path file, UUID name, byte[] bytes) {
    ByteBuffer page = Page.open(file, MAGIC, bytes);
    if (page == null || page.getLong(Page.WORD) != Checked.of(0)) {
      return null;
    }
    UUID lineage = Page.uuid(page);
    UUID named = Page.uuid(page);
    UUID id = Page.uuid(page);
    long upTo = page.getLong();
    long start = page.getLong();
    int previous = page.getInt();
    int crc = page.getInt();
    if (page.getLong() != bytes.length - Page.BYTES || !named.equals(name)) {
      return null;
    }
    ByteBuffer body =
        ByteBuffer.wrap(bytes, Page.BYTES, bytes.length - Page.BYTES)
            .slice()
            .order(ByteOrder.LITTLE_ENDIAN);
    return crc(body) == crc ? of(body, id, lineage, upTo, start, previous) : null;
  }

  private static Base of(
      ByteBuffer body, UUID id, UUID lineage, long upTo, long start, int previous) {
    Map<UUID, Long> landed = new LinkedHashMap<>();
    for (int left = body.getInt(); left > 0; left--) {
      landed.put(Page.uuid(body), body.getLong());
    }
    Set<UUID> givenUp = new LinkedHashSet<>();
    for (int left = body.getInt(); left > 0; left--) {
      givenUp.add(Page.uuid(body));
    }
    Map<String, Ends> ended = new TreeMap<>();
    for (int left = body.getInt(); left > 0; left--) {
      String lock = new String(bytes(body), StandardCharsets.UTF_8);
      Ends ends = ended.computeIfAbsent(lock, _ -> new Ends());
      ends.raise(body.getLong());
      for (int tokens = body.getInt(); tokens > 0; tokens--) {
        ends.add(body.getLong());
      }
    }
    return new Base(id, lineage, upTo, start, previous, landed, givenUp, ended, bytes(body));
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] bytes(ByteBuffer in) {
    byte[] bytes = new byte[in.getInt()];
    in.get(bytes);
    return bytes;
  }

  private static int crc(ByteBuffer body) {
    CRC32C crc = new CRC32C();
    crc.update(body.duplicate());
    return (int) crc.getValue();
  }
}
