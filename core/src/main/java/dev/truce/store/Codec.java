package dev.truce.store;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/// How values become bytes and bytes values.
///
/// Whatever it throws comes through to the caller of the store, and nothing is written. It is
/// called by the threads that read and write, many at a time, and never while anything is locked.
public interface Codec<V> {
  byte[] encode(V value);

  V decode(byte[] bytes);

  /// Bytes as they are. They belong to the store once they were given, and are not to be changed.
  static Codec<byte[]> bytes() {
    return new Codec<>() {
      @Override
      public byte[] encode(byte[] value) {
        return value;
      }

      @Override
      public byte[] decode(byte[] bytes) {
        return bytes;
      }
    };
  }

  /// Text in UTF-8. What is not well-formed is an [IllegalArgumentException].
  static Codec<String> utf8() {
    return new Codec<>() {
      @Override
      public byte[] encode(String value) {
        return SpaceKey.utf8(value);
      }

      @Override
      public String decode(byte[] bytes) {
        try {
          CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
          return text.toString();
        } catch (CharacterCodingException malformed) {
          throw new IllegalArgumentException("these bytes are no UTF-8", malformed);
        }
      }
    };
  }

  /// Numbers as decimal text, which people can read.
  static Codec<Long> longs() {
    return new Codec<>() {
      @Override
      public byte[] encode(Long value) {
        return SpaceKey.utf8(value.toString());
      }

      @Override
      public Long decode(byte[] bytes) {
        return Long.valueOf(new String(bytes, StandardCharsets.UTF_8));
      }
    };
  }
}
