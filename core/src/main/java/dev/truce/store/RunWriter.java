package dev.truce.store;

import dev.truce.spi.Journal;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Iterator;
import java.util.zip.CRC32C;

/// Writes a [Run] from beginning to end. Of each row it keeps eight bytes until then, of its value
/// nothing.
///
/// **Threads.** One.
final class RunWriter {
  /// A whole number of pages.
  private static final int BUFFER = 16 * Run.PAGE;

  private final Journal.Sink sink;
  private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
  private final Longs words = new Longs();
  private final Longs places = new Longs();
  private final Longs sums = new Longs();
  private long written;

  private RunWriter(Journal.Sink sink) {
    this.sink = sink;
  }

  /// @param rows of keys that are there, in their order
  static void write(long upTo, Iterator<Delta.Row> rows, Journal.Sink sink) {
    new RunWriter(sink).write(upTo, rows);
  }

  private void write(long upTo, Iterator<Delta.Row> rows) {
    long count = 0;
    for (; rows.hasNext(); count++) {
      if (count % Run.STRIDE == 0) {
        places.add(written);
      }
      row(rows.next());
    }
    long rowsEnd = written;
    put(ByteBuffer.allocate((int) (-written & Long.BYTES - 1)));
    for (int i = 0; i < places.size; i++) {
      put(places.all[i]);
    }
    long slotsAt = written;
    long homes = count + count / 2;
    slots(homes);
    Run.Footer footer = new Run.Footer(upTo, count, rowsEnd, slotsAt, homes, written);
    flush();
    sums(footer);
  }

  private void row(Delta.Row row) {
    Item item = row.item();
    words.add(Run.word(row.key(), written));
    put(item.revision());
    put(
        ByteBuffer.allocate(Integer.BYTES + Short.BYTES)
            .putInt(item.length())
            .putShort((short) row.key().length)
            .flip());
    put(ByteBuffer.wrap(row.key()));
    put(ByteBuffer.wrap(item.record(), item.offset(), item.length()));
  }

  /// Their order is that of their homes, so each goes to the first place that is free from its home
  /// on.
  private void slots(long homes) {
    words.sort();
    long slot = 0;
    for (int i = 0; i < words.size; i++) {
      long home = Run.home(Run.hashOf(words.all[i]), homes);
      for (; slot < home; slot++) {
        put(0);
      }
      put(words.all[i]);
      slot++;
    }
    for (; slot <= homes; slot++) {
      put(0);
    }
    put(0);
  }

  private void sums(Run.Footer footer) {
    CRC32C crc = new CRC32C();
    ByteBuffer out = ByteBuffer.allocate(sums.size * Integer.BYTES);
    for (int i = 0; i < sums.size; i++) {
      out.putInt((int) sums.all[i]);
    }
    crc.update(out.flip());
    sink.write(out.rewind());
    sink.write(ByteBuffer.wrap(Run.bytes(footer, (int) crc.getValue())));
  }

  // ---- bytes

  private void put(long value) {
    put(ByteBuffer.allocate(Long.BYTES).putLong(value).flip());
  }

  private void put(ByteBuffer bytes) {
    written += bytes.remaining();
    while (bytes.hasRemaining()) {
      int some = Math.min(bytes.remaining(), buffer.remaining());
      buffer.put(bytes.slice(bytes.position(), some));
      bytes.position(bytes.position() + some);
      if (!buffer.hasRemaining()) {
        flush();
      }
    }
  }

  private void flush() {
    buffer.flip();
    for (int at = 0; at < buffer.limit(); at += Run.PAGE) {
      CRC32C crc = new CRC32C();
      crc.update(buffer.array(), at, Math.min(Run.PAGE, buffer.limit() - at));
      sums.add(crc.getValue());
    }
    sink.write(buffer);
    buffer.clear();
  }

  /// Numbers without a box around each.
  private static final class Longs {
    private long[] all = new long[64];
    private int size;

    void add(long value) {
      if (size == all.length) {
        all = Arrays.copyOf(all, size * 2);
      }
      all[size++] = value;
    }

    /// As numbers without a sign.
    void sort() {
      for (int i = 0; i < size; i++) {
        all[i] ^= Long.MIN_VALUE;
      }
      Arrays.sort(all, 0, size);
      for (int i = 0; i < size; i++) {
        all[i] ^= Long.MIN_VALUE;
      }
    }
  }
}
