package dev.truce.file;

/// The word that a swap swaps: `{version:40 | block:24}`, alone in its cache line.
///
/// `block` is where the leaf lies, in units of 128 bytes; 0 is a leaf that was never written. The
/// version is the lower part of the leaf's own, which has 62 bits. A version of all ones marks a
/// branch: `block` is where it lies, and such a head never changes again.
final class Head {
  /// One head a cache line; the line's second word is the [turn][Trie].
  static final int BYTES = 64;

  private static final int BLOCK_BITS = 24;
  private static final long BLOCK_MASK = (1L << BLOCK_BITS) - 1;
  private static final long VERSION_MASK = (1L << 40) - 1;
  private static final long BRANCH = VERSION_MASK;

  private Head() {}

  static long leaf(long version, int block) {
    return version << BLOCK_BITS | block;
  }

  static long branch(int block) {
    return leaf(BRANCH, block);
  }

  static boolean isBranch(long head) {
    return head >>> BLOCK_BITS == BRANCH;
  }

  static int block(long head) {
    return (int) (head & BLOCK_MASK);
  }

  static boolean matches(long head, long version) {
    return head >>> BLOCK_BITS == (version & VERSION_MASK);
  }

  /// The version after this one whose lower part is no mark.
  static long next(long version) {
    long next = version + 1;
    return (next & VERSION_MASK) == BRANCH ? next + 1 : next;
  }
}
