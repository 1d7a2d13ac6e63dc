package dev.truce.testkit;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/// What one file holds, as a value: to change it is to make another, which shares the sectors.
final class Data {
  static final Data EMPTY = new Data(new Sector[0], 0);

  private final Sector[] sectors;
  private final long size;
  private long hash;

  private Data(Sector[] sectors, long size) {
    this.sectors = sectors;
    this.size = size;
  }

  static Data of(byte[] bytes) {
    return EMPTY.grown(bytes.length).written(ByteBuffer.wrap(bytes), 0).appliedTo(EMPTY);
  }

  long size() {
    return size;
  }

  /// With zeros up to `newSize`, unless it is that long.
  Data grown(long newSize) {
    if (newSize <= size) {
      return this;
    }
    Sector[] more = Arrays.copyOf(sectors, sectorsOf(newSize));
    Arrays.fill(more, sectors.length, more.length, Sector.ZERO);
    return new Data(more, newSize);
  }

  /// Some neighbouring sectors as they are after a write.
  ///
  /// A sector is written with all that it held in memory: an earlier write to the same one that is
  /// not on the disk yet comes along.
  ///
  /// @param first the number of the first sector
  /// @param end the size that the file has at least when one of them is on the disk
  record Extent(int first, Sector[] images, long end) {
    Data appliedTo(Data data) {
      return appliedTo(data, null);
    }

    /// @param chosen which of the sectors reach the disk, or `null` for all
    Data appliedTo(Data data, @Nullable BitSet chosen) {
      if (chosen != null && chosen.isEmpty()) {
        return data;
      }
      Data grown = data.grown(end);
      Sector[] next = grown.sectors.clone();
      for (int i = 0; i < images.length; i++) {
        if (chosen == null || chosen.get(i)) {
          next[first + i] = images[i];
        }
      }
      return new Data(next, grown.size);
    }
  }

  /// The sectors that a write of `from` at `at` touches, as they are then. The file is that long.
  Extent written(ByteBuffer from, long at) {
    int first = (int) (at / Sector.BYTES);
    int last = (int) ((at + from.remaining() - 1) / Sector.BYTES);
    long end = at + from.remaining();
    Sector[] images = new Sector[Math.max(0, last - first + 1)];
    int offset = (int) (at % Sector.BYTES);
    for (int i = 0; i < images.length; i++) {
      images[i] = sectors[first + i].with(offset, from);
      offset = 0;
    }
    return new Extent(first, images, end);
  }

  /// Copies what is there from `at` on, as much as fits.
  int read(ByteBuffer into, long at) {
    int count = (int) Math.max(0, Math.min(into.remaining(), size - at));
    for (int done = 0; done < count; ) {
      int offset = (int) ((at + done) % Sector.BYTES);
      int step = Math.min(Sector.BYTES - offset, count - done);
      sectors[(int) ((at + done) / Sector.BYTES)].copyTo(into, offset, step);
      done += step;
    }
    return count;
  }

  /// The sectors that hold anything but zeros.
  BitSet used() {
    BitSet used = new BitSet();
    for (int i = 0; i < sectors.length; i++) {
      used.set(i, sectors[i] != Sector.ZERO);
    }
    return used;
  }

  byte[] bytes() {
    byte[] all = new byte[Math.toIntExact(size)];
    read(ByteBuffer.wrap(all), 0);
    return all;
  }

  /// Equal contents have equal hashes; zeros cost nothing.
  long hash() {
    if (hash == 0) {
      long sum = Sector.mix(size, 1);
      for (int i = 0; i < sectors.length; i++) {
        if (sectors[i] != Sector.ZERO) {
          sum += Sector.mix(i, sectors[i].hash());
        }
      }
      hash = sum;
    }
    return hash;
  }

  private static int sectorsOf(long size) {
    return Math.toIntExact((size + Sector.BYTES - 1) / Sector.BYTES);
  }
}
