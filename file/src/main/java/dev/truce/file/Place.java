package dev.truce.file;

/// Where something stands in a journal: `{segment:32 | offset:32}` in one word.
///
/// Later is greater: segments are only ever added with higher numbers. Records begin at multiples
/// of eight, so the lowest three bits of a place are zero.
final class Place {
  private static final int OFFSET_BITS = 32;

  private Place() {}

  static long of(int segment, long offset) {
    return (long) segment << OFFSET_BITS | offset;
  }

  static int segment(long place) {
    return (int) (place >>> OFFSET_BITS);
  }

  static int offset(long place) {
    return (int) place;
  }

  static String text(long place) {
    return segment(place) + ":" + offset(place);
  }
}
