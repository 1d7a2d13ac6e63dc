package dev.truce.store;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;

/// What a commit rests on.
///
/// @param base the revision that it read
/// @param stores the number under which it knows each store that it writes to, 0 where it makes it
/// @param written the keys that it writes, in the order of their bytes; none of those that it
///   writes whatever is there
/// @param read the keys that it looked for, where that counts
/// @param ranges what it went through, where that counts; [merged][#merged]
/// @param required the revision that a key must have, 0 where it must not be there
record Footprint(
    long base,
    Map<String, Long> stores,
    SortedSet<byte[]> written,
    SortedSet<byte[]> read,
    List<Range> ranges,
    SortedMap<byte[], Long> required) {
  /// Keys from `from` on and below `to`.
  record Range(byte[] from, byte[] to) {}

  /// Those of ranges that have something between them, in order.
  static List<Range> merged(List<Range> ranges) {
    List<Range> sorted = new ArrayList<>(ranges);
    sorted.sort((one, other) -> Arrays.compareUnsigned(one.from, other.from));
    List<Range> merged = new ArrayList<>();
    for (Range range : sorted) {
      Range last = merged.isEmpty() ? null : merged.getLast();
      if (last == null || Arrays.compareUnsigned(last.to, range.from) < 0) {
        merged.add(range);
      } else if (Arrays.compareUnsigned(last.to, range.to) < 0) {
        merged.set(merged.size() - 1, new Range(last.from, range.to));
      }
    }
    return merged;
  }

  /// Whether a key lies in one of the ranges.
  boolean wentThrough(byte[] key) {
    int low = 0;
    int high = ranges.size() - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      Range range = ranges.get(middle);
      if (Arrays.compareUnsigned(key, range.from) < 0) {
        high = middle - 1;
      } else if (Arrays.compareUnsigned(key, range.to) >= 0) {
        low = middle + 1;
      } else {
        return true;
      }
    }
    return false;
  }
}
