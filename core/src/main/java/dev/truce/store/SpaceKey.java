package dev.truce.store;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Keys of all stores of a root in one order: eight bytes for the store's number, then the key in
/// UTF-8, compared byte by byte without sign.
final class SpaceKey {
  private static final int NUMBER_BYTES = 8;

  private SpaceKey() {}

  static byte[] of(long store, byte[] key) {
    return ByteBuffer.allocate(NUMBER_BYTES + key.length).putLong(store).put(key).array();
  }

  static byte[] of(long store, String key) {
    return of(store, utf8(key));
  }

  /// The first key behind all of this store.
  static byte[] end(long store) {
    return of(store + 1, new byte[0]);
  }

  static long store(byte[] spaceKey) {
    return ByteBuffer.wrap(spaceKey).getLong();
  }

  /// The key without the store.
  static byte[] inStore(byte[] spaceKey) {
    return Arrays.copyOfRange(spaceKey, NUMBER_BYTES, spaceKey.length);
  }

  static String key(byte[] spaceKey) {
    return new String(
        spaceKey, NUMBER_BYTES, spaceKey.length - NUMBER_BYTES, StandardCharsets.UTF_8);
  }

  /// The first key that is behind all that begin with this one; `null` if there is none.
  static byte @Nullable [] behindAllWith(byte[] prefix) {
    int last = prefix.length - 1;
    while (last >= 0 && prefix[last] == (byte) 0xff) {
      last--;
    }
    if (last < 0) {
      return null;
    }
    byte[] next = Arrays.copyOf(prefix, last + 1);
    next[last]++;
    return next;
  }

  /// The very next key.
  static byte[] rightBehind(byte[] spaceKey) {
    return Arrays.copyOf(spaceKey, spaceKey.length + 1);
  }

  /// @throws IllegalArgumentException if it is not well-formed
  static byte[] utf8(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        return checked(text);
      }
    }
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] checked(String text) {
    try {
      ByteBuffer utf8 = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      byte[] bytes = new byte[utf8.remaining()];
      utf8.get(bytes);
      return bytes;
    } catch (CharacterCodingException malformed) {
      throw new IllegalArgumentException("text with half a character in it", malformed);
    }
  }
}
