package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// The first 4096 bytes of every file, and all bytes of `id`: what it is, written once.
///
/// ```
///  0  magic      8 letters
///  8  format     4
/// 12  crc        4   CRC32C of [0,12) and [24,4096)
/// 16  word       8   swapped in place, checks itself, not covered
/// 24  body
/// ```
final class Page {
  static final int BYTES = 4096;
  static final int WORD = 16;
  static final int BODY = 24;
  static final int FORMAT = 1;

  private static final int FORMAT_AT = 8;
  private static final int CRC_AT = 12;

  private Page() {}

  /// A page of this kind; `magic` has eight letters.
  static byte[] seal(String magic, long word, Consumer<ByteBuffer> body) {
    return seal(magic, FORMAT, word, body);
  }

  /// The same of a kind whose format has changed since the first.
  static byte[] seal(String magic, int format, long word, Consumer<ByteBuffer> body) {
    ByteBuffer page = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    page.put(magic.getBytes(StandardCharsets.US_ASCII)).putInt(FORMAT_AT, format);
    page.putLong(WORD, word);
    body.accept(page.position(BODY));
    page.putInt(CRC_AT, crc(page.array()));
    return page.array();
  }

  /// The body of a page that is whole and of a format that this release reads, or `null` when it is
  /// damaged.
  ///
  /// @throws EngineException of kind CONFIGURATION if it is whole and newer
  static @Nullable ByteBuffer open(Path file, String magic, byte[] bytes) {
    return open(file, magic, FORMAT, bytes);
  }

  /// The same of a kind whose format has changed since the first; those before are read no more.
  static @Nullable ByteBuffer open(Path file, String magic, int format, byte[] bytes) {
    if (bytes.length < BYTES
        || !Arrays.equals(
            bytes, 0, FORMAT_AT, magic.getBytes(StandardCharsets.US_ASCII), 0, FORMAT_AT)) {
      return null;
    }
    ByteBuffer page = ByteBuffer.wrap(bytes, 0, BYTES).order(ByteOrder.LITTLE_ENDIAN);
    if (page.getInt(CRC_AT) != crc(bytes)) {
      return null;
    }
    int found = page.getInt(FORMAT_AT);
    if (found > format) {
      throw unread(
          file, found, "up to " + format + ": use the release that wrote it, or a newer one");
    }
    if (found < format) {
      throw unread(file, found, "none below " + format + ": use the release that wrote it");
    }
    return page.position(BODY);
  }

  private static EngineException unread(Path file, int found, String instead) {
    return new EngineException(
        Kind.CONFIGURATION, file + " has format " + found + ", this release reads " + instead);
  }

  /// Puts ids, sixteen bytes each.
  static ByteBuffer put(ByteBuffer out, UUID... ids) {
    for (UUID id : ids) {
      out.putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits());
    }
    return out;
  }

  /// The id in the next sixteen bytes.
  static UUID uuid(ByteBuffer in) {
    return new UUID(in.getLong(), in.getLong());
  }

  private static int crc(byte[] page) {
    CRC32C crc = new CRC32C();
    crc.update(page, 0, CRC_AT);
    crc.update(page, BODY, BYTES - BODY);
    return (int) crc.getValue();
  }
}
