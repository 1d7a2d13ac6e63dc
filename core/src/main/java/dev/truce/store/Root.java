package dev.truce.store;

import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// All stores of a root at one revision. Immutable.
///
/// Store number 0 is the root's own: the row `n/NAME` has the number of the store of that name.
///
/// @param revision up to which commits are in it
record Root(Delta delta, long revision) {
  static final Root EMPTY = new Root(Delta.EMPTY, 0);

  private static final String NAMES = "n/";

  static byte[] row(String store) {
    return SpaceKey.of(0, NAMES + store);
  }

  /// The name of the store with this row.
  static String store(byte[] row) {
    return SpaceKey.key(row).substring(NAMES.length());
  }

  /// The number of the store of this name, 0 if there is none.
  long number(String store) {
    Item item = live(row(store));
    return item == null ? 0 : ByteBuffer.wrap(item.value()).getLong();
  }

  /// The item of a key that is there.
  @Nullable Item live(byte[] key) {
    Item item = delta.get(key);
    return item == null || !item.live() ? null : item;
  }

  /// The revision of the commit that put this key, 0 if it is not there.
  long revisionOf(byte[] key) {
    Item item = live(key);
    return item == null ? 0 : item.revision();
  }

  /// The value of this key, if it is there.
  Optional<byte[]> value(byte[] key) {
    return Optional.ofNullable(live(key)).map(Item::value);
  }

  Iterator<Delta.Row> rows(byte[] from, byte[] to) {
    return delta.rows(from, to);
  }
}
