package dev.truce.spi;

import dev.truce.EngineException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// Bytes that are too many for one cell, in cells of their own: `journal/part/ID/0`, `/1` and so
/// on.
///
/// They are there before anything refers to them, and go once nothing does. A process that is
/// killed in between, or whose engine fails there, leaves them behind for good: nobody else knows
/// of them.
final class Parts {
  static final byte KIND = 8;

  private static final int TRIES = 16;

  private final Cells cells;
  private final int maxCell;

  /// Where such bytes are.
  record Where(UUID id, int count, int bytes) {
    private static final int BYTES = 24;

    byte[] toBytes() {
      return ByteBuffer.allocate(BYTES)
          .putLong(id.getMostSignificantBits())
          .putLong(id.getLeastSignificantBits())
          .putInt(count)
          .putInt(bytes)
          .array();
    }

    static Where of(String key, byte[] bytes) {
      if (bytes.length != BYTES) {
        throw SealedCell.damaged(key, "does not say where its parts are");
      }
      ByteBuffer in = ByteBuffer.wrap(bytes);
      return new Where(new UUID(in.getLong(), in.getLong()), in.getInt(), in.getInt());
    }

    private String key(int part) {
      return "journal/part/" + id + "/" + part;
    }
  }

  Parts(Cells cells, int maxCell) {
    this.cells = cells;
    this.maxCell = maxCell;
  }

  /// Whether so many bytes are too many for a sealed cell.
  boolean needed(int bytes) {
    return bytes > maxCell - SealedCell.HEADER;
  }

  /// Writes all of them.
  ///
  /// @throws EngineException if that failed; then as many as possible are gone again
  Where write(byte[] bytes) {
    int room = maxCell - SealedCell.HEADER;
    Where where = new Where(UUID.randomUUID(), (bytes.length + room - 1) / room, bytes.length);
    boolean whole = false;
    try {
      for (int part = 0; part < where.count; part++) {
        int at = part * room;
        byte[] rest = Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + room));
        put(where.key(part), new SealedCell(KIND, part, where.id, rest).toBytes());
      }
      whole = true;
    } finally {
      if (!whole) {
        delete(where);
      }
    }
    return where;
  }

  private void put(String key, byte[] bytes) {
    for (int tries = 0; tries < TRIES; tries++) {
      Cells.Cell cell = cells.read(key);
      if (Arrays.equals(cell.bytes(), bytes)
          || cells.swap(key, cell, bytes) instanceof Cells.Swap.Won) {
        return;
      }
    }
    throw new EngineException(
        EngineException.Kind.UNREACHABLE, "cell " + key + " may not have been written; try again");
  }

  /// All of them, or `null` if some are gone: then nothing refers to them any more.
  byte @Nullable [] read(Where where) {
    ByteBuffer all = ByteBuffer.allocate(where.bytes);
    for (int part = 0; part < where.count; part++) {
      String key = where.key(part);
      Cells.Cell cell = cells.read(key);
      if (cell.absent()) {
        return null;
      }
      SealedCell sealed = SealedCell.of(key, cell.bytes());
      if (sealed.kind() != KIND
          || sealed.number() != part
          || !sealed.id().equals(where.id)
          || sealed.rest().length > all.remaining()) {
        throw SealedCell.damaged(key, "is another part than it should be");
      }
      all.put(sealed.rest());
    }
    if (all.hasRemaining()) {
      throw SealedCell.damaged(where.key(where.count - 1), "is not the last part");
    }
    return all.array();
  }

  /// Lets go of them. What the engine does not delete now stays: it is in nobody's way.
  void delete(Where where) {
    try {
      for (int part = 0; part < where.count; part++) {
        delete(where.key(part));
      }
    } catch (EngineException stays) {
      // as it would if this process had been killed
    }
  }

  private void delete(String key) {
    for (int tries = 0; tries < TRIES; tries++) {
      Cells.Cell cell = cells.read(key);
      if (cell.absent() || cells.swap(key, cell, new byte[0]) instanceof Cells.Swap.Won) {
        return;
      }
    }
  }
}
