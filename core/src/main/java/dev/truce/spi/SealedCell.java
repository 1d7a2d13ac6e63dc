package dev.truce.spi;

import dev.truce.EngineException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.UUID;
import java.util.zip.CRC32C;

/// What any cell of a [CellJournal] holds, so that damage is told from what was written.
///
/// ```
///  0  format  1
///  1  kind    1
///  2  crc     4   CRC32C of all the rest
///  6  number  8
/// 14  id     16
/// 30  rest
/// ```
///
/// @param number a position, a token, the end of a checkpoint, or which part
record SealedCell(byte kind, long number, UUID id, byte[] rest) {
  static final int HEADER = 30;

  private static final byte FORMAT = 1;
  private static final int CRC_AT = 2;

  byte[] toBytes() {
    ByteBuffer bytes =
        ByteBuffer.allocate(HEADER + rest.length)
            .put(FORMAT)
            .put(kind)
            .putInt(0)
            .putLong(number)
            .putLong(id.getMostSignificantBits())
            .putLong(id.getLeastSignificantBits())
            .put(rest);
    return bytes.putInt(CRC_AT, crc(bytes.array())).array();
  }

  static SealedCell of(String key, byte[] bytes) {
    if (bytes.length < HEADER) {
      throw damaged(key, "is cut short");
    }
    byte[] zeroed = bytes.clone();
    ByteBuffer.wrap(zeroed).putInt(CRC_AT, 0);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    byte format = in.get();
    byte kind = in.get();
    if (in.getInt() != crc(zeroed)) {
      throw damaged(key, "does not match its checksum");
    }
    if (format != FORMAT) {
      throw new EngineException(
          EngineException.Kind.CONFIGURATION,
          "cell " + key + " is of format " + format + ", written by a newer release");
    }
    long number = in.getLong();
    UUID id = new UUID(in.getLong(), in.getLong());
    return new SealedCell(kind, number, id, Arrays.copyOfRange(bytes, HEADER, bytes.length));
  }

  private static int crc(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return (int) crc.getValue();
  }

  static EngineException damaged(String key, String how) {
    return new EngineException(EngineException.Kind.DAMAGED, "cell " + key + " " + how);
  }
}
