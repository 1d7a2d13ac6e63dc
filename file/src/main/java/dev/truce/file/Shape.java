package dev.truce.file;

/// What the blocks of a chunk are: one size each, so that a chunk can be counted through.
final class Shape {
  static final int SMALLEST = 1;
  static final int LARGEST = 10;
  static final int BRANCH = 11;
  static final int COUNT = 12;

  /// A chunk of heads and tables.
  static final int FIXED = 15;

  private static final int SMALLEST_BYTES = 128;
  private static final int SMALLEST_BITS = 7;

  private Shape() {}

  /// The kind for a leaf of this many bytes.
  static int of(int bytes) {
    int bits = Integer.SIZE - Integer.numberOfLeadingZeros(bytes - 1);
    return Math.max(SMALLEST, bits - SMALLEST_BITS + SMALLEST);
  }

  static int bytes(int kind) {
    return kind == BRANCH ? Branch.BYTES : SMALLEST_BYTES << (kind - SMALLEST);
  }

  static boolean known(int kind) {
    return kind >= SMALLEST && kind < COUNT;
  }
}
