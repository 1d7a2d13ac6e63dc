package dev.truce.file;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// The first page of a segment, which also says where the segment before it ends.
///
/// ```
/// 24  lineage      16  uuid of the journal, from its first segment on
/// 40  name         16  digest of its name
/// 56  number        4
/// 60  -             4
/// 64  salt          8  in each record of the segment, another each time the page is written
/// 72  predecessor   8  the place where the segment before ends; 0 for none
/// 80  chain         4  crc of the record that ends there
/// ```
///
/// A segment that was prepared has an empty page. What lies in the predecessor behind its end was
/// written by somebody who came too late, and is never read.
///
/// @param crc of the page, which the first record follows
record SegmentPage(
    UUID lineage, UUID name, int number, long salt, long predecessor, int chain, int crc) {
  private static final String MAGIC = "TRUCEJS1";
  private static final int CRC_AT = 12;

  /// A page with a salt of its own.
  static SegmentPage fresh(
      JournalFiles files, UUID lineage, int number, long predecessor, int chain) {
    UUID name = files.digest();
    long salt = files.unique().getLeastSignificantBits();
    SegmentPage page = new SegmentPage(lineage, name, number, salt, predecessor, chain, 0);
    int crc = page.bytes().getInt(CRC_AT);
    return new SegmentPage(lineage, name, number, salt, predecessor, chain, crc);
  }

  /// Where its first record lies.
  long first() {
    return Place.of(number, Page.BYTES);
  }

  ByteBuffer bytes() {
    byte[] page =
        Page.seal(
            MAGIC,
            Checked.of(0),
            body ->
                Page.put(body, lineage, name)
                    .putInt(number)
                    .putInt(0)
                    .putLong(salt)
                    .putLong(predecessor)
                    .putInt(chain));
    return ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN);
  }

  /// What a page says, or `null` when it says nothing of this segment.
  static @Nullable SegmentPage of(Path file, UUID name, int number, byte[] bytes) {
    ByteBuffer body = Page.open(file, MAGIC, bytes);
    if (body == null || body.getLong(Page.WORD) != Checked.of(0)) {
      return null;
    }
    UUID lineage = Page.uuid(body);
    UUID named = Page.uuid(body);
    int numbered = body.getInt();
    body.getInt();
    SegmentPage page =
        new SegmentPage(
            lineage,
            named,
            numbered,
            body.getLong(),
            body.getLong(),
            body.getInt(),
            body.getInt(CRC_AT));
    return named.equals(name) && numbered == number ? page : null;
  }
}
