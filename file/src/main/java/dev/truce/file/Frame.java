package dev.truce.file;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// A record of a journal as it lies in a segment, padded with zeros to a multiple of eight bytes.
///
/// ```
///  0  length    4  without the padding
///  4  crc       4  CRC32C of all that follows, the padding included, and of the length
///  8  previous  4  crc of the record before, or of the segment's page
/// 12  kind      1
/// 13  flags     1  1: a copy of a record of an earlier segment
/// 14            2
/// 16  salt      8  of the segment
/// 24  place     8  where it lies
/// 32  number    8  position, token, or what the kind needs
/// 40  hint      8  the place that was durable when it was written
/// 48  id       16  commit id, or what the kind needs
/// 64  body
/// ```
///
/// Salt and place tell it from what was left by a segment that never counted; `previous` from what
/// a killed writer left at this very place.
///
/// @param end where the next one begins
record Frame(long place, long end, int crc, boolean copy, long hint, Note note) {
  static final int HEADER = 64;
  static final int MAX_BODY = 32 << 20;

  private static final int CRC_AT = 4;
  private static final int PREVIOUS_AT = 8;
  private static final int KIND_AT = 12;
  private static final int FLAGS_AT = 13;
  private static final int SALT_AT = 16;
  private static final int PLACE_AT = 24;
  private static final int NUMBER_AT = 32;
  private static final int HINT_AT = 40;
  private static final int ID_AT = 48;
  private static final byte COPY = 1;

  /// What a record belongs to.
  record Context(long salt, int previous) {}

  /// The room that a note takes.
  static int bytes(Note note) {
    return padded(HEADER + note.body().length);
  }

  static int padded(int length) {
    return (length + Words.BYTES - 1) & -Words.BYTES;
  }

  /// Writes a record at the buffer's position, and answers its checksum.
  static int put(ByteBuffer out, Note note, boolean copy, long place, Context context, long hint) {
    byte[] body = note.body();
    int at = out.position();
    out.putInt(HEADER + body.length).putInt(0).putInt(context.previous).put(note.kind());
    out.put(copy ? COPY : 0).putShort((short) 0).putLong(context.salt).putLong(place);
    out.putLong(note.number()).putLong(hint);
    Page.put(out, note.id()).put(body);
    while (out.position() % Words.BYTES != 0) {
      out.put((byte) 0);
    }
    int crc = crc(out, at, out.position() - at);
    out.putInt(at + CRC_AT, crc);
    return crc;
  }

  /// How long the record at `at` says it is, padded: 0 when it says nothing that can be.
  static int claimed(ByteBuffer in, int at) {
    int length = in.getInt(at);
    return length < HEADER || length > HEADER + MAX_BODY ? 0 : padded(length);
  }

  /// Whether the record at `at`, all of which is in the buffer, is whole and was meant for this
  /// place.
  static boolean whole(ByteBuffer in, int at, long place) {
    return place(in, at) == place
        && Note.known(in.get(at + KIND_AT))
        && in.getInt(at + CRC_AT) == crc(in, at, padded(in.getInt(at)));
  }

  /// What is wrong with the record at `at`, or `null` when it is whole and follows.
  static @Nullable String fault(ByteBuffer in, int at, long place, Context context) {
    if (in.getLong(at + SALT_AT) != context.salt || place(in, at) != place) {
      return "it does not belong here";
    }
    if (!whole(in, at, place)) {
      return "it fails its check";
    }
    return in.getInt(at + PREVIOUS_AT) == context.previous
        ? null
        : "it does not follow the one before";
  }

  /// The record at `at`, which is whole.
  static Frame of(ByteBuffer in, int at, long place) {
    int length = in.getInt(at);
    byte[] body = new byte[length - HEADER];
    in.get(at + HEADER, body);
    UUID id = new UUID(in.getLong(at + ID_AT), in.getLong(at + ID_AT + Long.BYTES));
    return new Frame(
        place,
        place + padded(length),
        in.getInt(at + CRC_AT),
        in.get(at + FLAGS_AT) == COPY,
        in.getLong(at + HINT_AT),
        Note.of(in.get(at + KIND_AT), in.getLong(at + NUMBER_AT), id, body));
  }

  static long place(ByteBuffer in, int at) {
    return in.getLong(at + PLACE_AT);
  }

  static long hint(ByteBuffer in, int at) {
    return in.getLong(at + HINT_AT);
  }

  static int previous(ByteBuffer in, int at) {
    return in.getInt(at + PREVIOUS_AT);
  }

  private static int crc(ByteBuffer in, int at, int bytes) {
    CRC32C crc = new CRC32C();
    crc.update(in.slice(at, CRC_AT));
    crc.update(in.slice(at + PREVIOUS_AT, bytes - PREVIOUS_AT));
    return (int) crc.getValue();
  }

  static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
