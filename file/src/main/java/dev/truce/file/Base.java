package dev.truce.file;

import dev.truce.file.BasePage.Part;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// What stands for all records up to a position, but for the state that somebody gave: what of the
/// journal's own knowledge must outlive the records.
///
/// ```
/// commit ids   count 4, ids of 16: those of the last positions, oldest first
/// given up     count 4, ids of 16
/// ended        count 4, each {length 4 | lock | floor 8 | count 4 | tokens of 8}
/// ```
///
/// A base is written once, whole, before it has its name; it counts from its checkpoint record on.
/// The [page][BasePage] says where in its file this lies.
///
/// @param start where the first record that it does not stand for may lie
/// @param previous the checksum of the record before that
record Base(
    UUID id,
    UUID lineage,
    long upTo,
    long start,
    int previous,
    CommitIds landed,
    Set<UUID> givenUp,
    Map<String, Ends> ended) {

  /// What its file begins with, when its parts lie here.
  BasePage page(UUID name, Part state, Part knowledge) {
    return new BasePage(name, lineage, id, upTo, start, previous, state, knowledge);
  }

  /// The same for records that lie elsewhere.
  Base at(long otherStart, int otherPrevious) {
    return new Base(id, lineage, upTo, otherStart, otherPrevious, landed, givenUp, ended);
  }

  ByteBuffer knowledge() {
    ByteBuffer out = ByteBuffer.allocate(bytes()).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(landed.count());
    landed.put(out);
    out.putInt(givenUp.size());
    givenUp.forEach(commit -> Page.put(out, commit));
    out.putInt(ended.size());
    ended.forEach((lock, ends) -> {
      byte[] name = utf8(lock);
      out.putInt(name.length).put(name).putLong(ends.floor()).putInt(ends.tokens().size());
      ends.tokens().forEach(out::putLong);
    });
    return out.flip();
  }

  private int bytes() {
    long bytes = 12L + landed.count() * 16L + givenUp.size() * 16L;
    for (Map.Entry<String, Ends> entry : ended.entrySet()) {
      bytes += 16L + utf8(entry.getKey()).length + entry.getValue().tokens().size() * 8L;
    }
    if (bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("a base knows " + bytes + " bytes, more than can be read");
    }
    return (int) bytes;
  }

  /// What a file says, or `null` when it is damaged.
  static @Nullable Base of(BasePage page, ByteBuffer knowledge) {
    return knowledge.remaining() == page.knowledge().bytes()
            && Bases.crc(knowledge) == page.knowledge().crc()
        ? read(page, knowledge.order(ByteOrder.LITTLE_ENDIAN))
        : null;
  }

  private static Base read(BasePage page, ByteBuffer in) {
    CommitIds landed = CommitIds.read(in, in.getInt(), page.upTo());
    Set<UUID> givenUp = new LinkedHashSet<>();
    for (int left = in.getInt(); left > 0; left--) {
      givenUp.add(Page.uuid(in));
    }
    Map<String, Ends> ended = new TreeMap<>();
    for (int left = in.getInt(); left > 0; left--) {
      String lock = text(in);
      Ends ends = ended.computeIfAbsent(lock, _ -> new Ends());
      ends.raise(in.getLong());
      for (int tokens = in.getInt(); tokens > 0; tokens--) {
        ends.add(in.getLong());
      }
    }
    return new Base(
        page.id(),
        page.lineage(),
        page.upTo(),
        page.start(),
        page.previous(),
        landed,
        givenUp,
        ended);
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(ByteBuffer in) {
    byte[] bytes = new byte[in.getInt()];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
