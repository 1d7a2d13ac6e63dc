package dev.truce.testkit;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/// What a disk writes whole or not at all: 512 bytes that never change.
final class Sector {
  static final int BYTES = 512;

  private static final VarHandle WORD =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /// Nothing: every sector of zeros is this one.
  static final Sector ZERO = new Sector(new byte[BYTES]);

  private final byte[] bytes;
  private final long hash;

  /// @param bytes 512 of them, not to be changed any more
  Sector(byte[] bytes) {
    this.bytes = bytes;
    this.hash = hash(bytes);
  }

  long hash() {
    return hash;
  }

  /// The same with the bytes of `from` put in at `at`, as many as fit.
  Sector with(int at, ByteBuffer from) {
    byte[] next = bytes.clone();
    from.get(next, at, Math.min(from.remaining(), BYTES - at));
    return Arrays.equals(next, ZERO.bytes) ? ZERO : new Sector(next);
  }

  void copyTo(ByteBuffer into, int at, int count) {
    into.put(bytes, at, count);
  }

  /// One number out of two, each bit of either counting.
  static long mix(long a, long b) {
    long mixed = (a ^ Long.rotateLeft(b, 32)) * 0x9E3779B97F4A7C15L + b;
    mixed = (mixed ^ mixed >>> 29) * 0xBF58476D1CE4E5B9L;
    return mixed ^ mixed >>> 32;
  }

  private static long hash(byte[] bytes) {
    long hash = 0;
    for (int at = 0; at < BYTES; at += Long.BYTES) {
      hash = mix(hash, (long) WORD.get(bytes, at));
    }
    return hash;
  }
}
