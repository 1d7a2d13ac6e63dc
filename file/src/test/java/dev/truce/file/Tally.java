package dev.truce.file;

import dev.truce.spi.Cells;
import dev.truce.spi.Cells.Cell;
import dev.truce.spi.Cells.Swap;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// A counter with a place for each worker, in one cell: `{token | one count a worker | their sum}`.
///
/// Nothing can be lost, doubled or torn in it without showing: each worker knows how often it was
/// told that it won, the sum must be the sum, and the token of each state is above the one before.
record Tally(long token, long[] counts) {
  static final int WORKERS = 16;
  private static final int BYTES = (WORKERS + 2) * Long.BYTES;

  static Tally of(byte[] bytes) {
    long[] counts = new long[WORKERS];
    if (bytes.length == 0) {
      return new Tally(0, counts);
    }
    if (bytes.length != BYTES) {
      throw new AssertionError("torn: " + bytes.length + " bytes");
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    long token = buffer.getLong();
    long sum = 0;
    for (int i = 0; i < WORKERS; i++) {
      counts[i] = buffer.getLong();
      sum += counts[i];
    }
    if (sum != buffer.getLong()) {
      throw new AssertionError("torn: the sum is wrong");
    }
    return new Tally(token, counts);
  }

  private byte[] bytes() {
    ByteBuffer buffer = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(token);
    long sum = 0;
    for (long count : counts) {
      buffer.putLong(count);
      sum += count;
    }
    return buffer.putLong(sum).array();
  }

  /// Adds one for this worker, however often that takes, and answers the worker's count.
  static long increment(Cells cells, String key, int worker) {
    for (Cell cell = cells.read(key); ; ) {
      Tally before = of(cell.bytes());
      long token = cells.draw(1);
      if (token <= before.token) {
        throw new AssertionError("token " + token + " after " + before.token);
      }
      long[] counts = before.counts.clone();
      counts[worker]++;
      switch (cells.swap(key, cell, new Tally(token, counts).bytes())) {
        case Swap.Won _ -> {
          return counts[worker];
        }
        case Swap.Lost lost -> cell = lost.current();
        case Swap.Unknown unknown -> throw new AssertionError(unknown.why());
      }
    }
  }
}
