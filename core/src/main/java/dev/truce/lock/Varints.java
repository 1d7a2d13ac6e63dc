package dev.truce.lock;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/// Numbers that are mostly small, seven bits a byte, low ones first, the high bit saying that more
/// follow; and texts, after their length.
final class Varints {
  private Varints() {}

  static final class Writer {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream(256);

    Writer number(long value) {
      long rest = value;
      for (; (rest & ~0x7fL) != 0; rest >>>= 7) {
        out.write((int) (rest & 0x7f) | 0x80);
      }
      out.write((int) rest);
      return this;
    }

    Writer text(String value) {
      byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
      number(utf8.length);
      out.writeBytes(utf8);
      return this;
    }

    byte[] bytes() {
      return out.toByteArray();
    }
  }

  /// Throws [Unreadable] at bytes that no writer wrote.
  static final class Reader {
    private final byte[] bytes;
    private int at;

    Reader(byte[] bytes) {
      this.bytes = bytes;
    }

    long number() {
      long value = 0;
      for (int shift = 0; shift < 64; shift += 7) {
        if (at == bytes.length) {
          throw new Unreadable();
        }
        byte next = bytes[at++];
        value |= (next & 0x7fL) << shift;
        if (next >= 0) {
          return value;
        }
      }
      throw new Unreadable();
    }

    /// A number from 0 to `most`.
    long upTo(long most) {
      long value = number();
      if (value < 0 || value > most) {
        throw new Unreadable();
      }
      return value;
    }

    /// A number from 0 to `most`.
    int count(int most) {
      return (int) upTo(most);
    }

    String text() {
      int length = count(bytes.length);
      if (length > bytes.length - at) {
        throw new Unreadable();
      }
      at += length;
      return new String(bytes, at - length, length, StandardCharsets.UTF_8);
    }
  }

  /// The bytes are of somebody else, or damaged.
  static final class Unreadable extends RuntimeException {
    private static final long serialVersionUID = 1;

    Unreadable() {
      super("bytes that no release wrote", null, false, false);
    }
  }
}
