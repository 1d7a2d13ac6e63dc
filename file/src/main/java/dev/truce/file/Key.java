package dev.truce.file;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/// Keys as bytes, and their hash.
final class Key {
  static final int MAX_BYTES = 300;

  private Key() {}

  /// @throws IllegalArgumentException if the key is too long, or no well-formed text: two keys must
  ///   never have the same bytes
  static byte[] bytes(String key) {
    byte[] bytes = encode(key);
    if (bytes.length > MAX_BYTES) {
      throw new IllegalArgumentException(
          "a key of " + bytes.length + " bytes, at most " + MAX_BYTES + " are allowed");
    }
    return bytes;
  }

  private static byte[] encode(String key) {
    try {
      ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(key));
      byte[] bytes = new byte[encoded.remaining()];
      encoded.get(bytes);
      return bytes;
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("a key with half a surrogate pair is no text", e);
    }
  }

  static String text(byte[] image, int from, int length) {
    return new String(image, from, length, StandardCharsets.UTF_8);
  }

  /// SipHash-2-4 (Aumasson and Bernstein 2012): names come from anybody, the seed does not, so that
  /// nobody can choose names that meet.
  static long hash(byte[] image, int from, int length, long seed0, long seed1) {
    long v0 = seed0 ^ 0x736f6d6570736575L;
    long v1 = seed1 ^ 0x646f72616e646f6dL;
    long v2 = seed0 ^ 0x6c7967656e657261L;
    long v3 = seed1 ^ 0x7465646279746573L;
    int last = length / Words.BYTES + 1;
    for (int i = 0; i <= last; i++) {
      boolean finish = i == last;
      long word = finish ? 0 : word(image, from, length, i);
      int rounds = finish ? 4 : 2;
      v2 ^= finish ? 0xff : 0;
      v3 ^= word;
      for (int round = 0; round < rounds; round++) {
        v0 += v1;
        v2 += v3;
        v1 = Long.rotateLeft(v1, 13) ^ v0;
        v3 = Long.rotateLeft(v3, 16) ^ v2;
        v0 = Long.rotateLeft(v0, 32);
        v2 += v1;
        v0 += v3;
        v1 = Long.rotateLeft(v1, 17) ^ v2;
        v3 = Long.rotateLeft(v3, 21) ^ v0;
        v2 = Long.rotateLeft(v2, 32);
      }
      v0 ^= word;
    }
    return v0 ^ v1 ^ v2 ^ v3;
  }

  private static long word(byte[] image, int from, int length, int index) {
    int at = index * Words.BYTES;
    int end = Math.min(length, at + Words.BYTES);
    long word = end - at < Words.BYTES ? (long) length << 56 : 0;
    for (int i = at; i < end; i++) {
      word |= (image[from + i] & 0xffL) << ((i - at) * Byte.SIZE);
    }
    return word;
  }
}
