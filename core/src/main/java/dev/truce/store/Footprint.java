package dev.truce.store;

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
/// @param ranges what it went through, where that counts
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
}
