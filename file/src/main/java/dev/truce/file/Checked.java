package dev.truce.file;

/// A word in a file that proves itself: `{value:52 | check:12}`.
///
/// A word that processes swap cannot be covered by a checksum beside it, because nothing changes
/// two words at once. The check is the value modulo a prime, plus one: any change within one byte
/// and the all-zero word fail it. Zero stands for "nothing here yet" where a file says so.
final class Checked {
  static final long MAX = (1L << 52) - 1;

  /// The largest prime below 2^12: no power of two and no byte's difference is a multiple of it.
  private static final int PRIME = 4093;

  private static final int CHECK_BITS = 12;

  private Checked() {}

  static long of(long value) {
    return value << CHECK_BITS | (value % PRIME + 1);
  }

  static boolean valid(long word) {
    return word == of(value(word));
  }

  static long value(long word) {
    return word >>> CHECK_BITS;
  }
}
