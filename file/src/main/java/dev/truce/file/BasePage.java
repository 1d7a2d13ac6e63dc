package dev.truce.file;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// What a base begins with: what it stands for, and where in the file its two parts lie.
///
/// ```
///    0  page "TRUCEJB1", format 2: lineage 16 | name 16 | id 16 | position 8 | start 8 | previous 4 |
///       knowledge: crc 4, bytes 8 | state: at 8, bytes 8, crc 4
/// 4096  state
///       knowledge, to the end of the file
/// ```
///
/// The state comes first, because it may be large: what the journal itself knows is written when
/// the state is done, as it is then.
///
/// @param name what tells the files of its journal from those of others
/// @param upTo the position up to which it stands for the records
/// @param start where the first record that it does not stand for may lie
/// @param previous the checksum of the record before that
record BasePage(
    UUID name,
    UUID lineage,
    UUID id,
    long upTo,
    long start,
    int previous,
    Part state,
    Part knowledge) {
  private static final String MAGIC = "TRUCEJB1";
  private static final int FORMAT = 2;

  /// A part of a file, and the CRC32C of its bytes.
  record Part(long at, long bytes, int crc) {
    /// Where the next part begins.
    long end() {
      return at + bytes;
    }
  }

  byte[] bytes() {
    return Page.seal(
        MAGIC,
        FORMAT,
        Checked.of(0),
        body -> {
          Page.put(body, lineage, name, id);
          body.putLong(upTo).putLong(start).putInt(previous);
          body.putInt(knowledge.crc).putLong(knowledge.bytes);
          body.putLong(state.at).putLong(state.bytes).putInt(state.crc);
        });
  }

  /// What a file of so many bytes begins with, or `null` when it is damaged.
  static @Nullable BasePage of(Path file, byte[] bytes, long size) {
    ByteBuffer page = Page.open(file, MAGIC, FORMAT, bytes);
    if (page == null || page.getLong(Page.WORD) != Checked.of(0)) {
      return null;
    }
    UUID lineage = Page.uuid(page);
    UUID name = Page.uuid(page);
    UUID id = Page.uuid(page);
    long upTo = page.getLong();
    long start = page.getLong();
    int previous = page.getInt();
    int crc = page.getInt();
    long length = page.getLong();
    Part state = new Part(page.getLong(), page.getLong(), page.getInt());
    Part knowledge = new Part(state.end(), length, crc);
    return state.at == Page.BYTES && knowledge.end() == size
        ? new BasePage(name, lineage, id, upTo, start, previous, state, knowledge)
        : null;
  }
}
