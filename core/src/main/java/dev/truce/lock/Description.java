package dev.truce.lock;

import dev.truce.Owner;
import dev.truce.lock.LockState.Claim;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// What a member says of itself: who it is, and the grant it was started under.
///
/// ```
///   member of the parent: 8 | claim of the parent: 8 | pid: 8 | length: 1 | name | length: 1 | host
/// ```
record Description(Owner owner, Claim parent) {
  private static final int MAX_TEXT = 200;

  static byte[] write(Owner owner, Claim parent) {
    byte[] name = text(owner.name());
    byte[] host = text(owner.host());
    return ByteBuffer.allocate(26 + name.length + host.length)
        .putLong(parent.member())
        .putLong(parent.number())
        .putLong(owner.pid())
        .put((byte) name.length)
        .put(name)
        .put((byte) host.length)
        .put(host)
        .array();
  }

  static Description read(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    try {
      Claim parent = new Claim(in.getLong(), in.getLong());
      long pid = in.getLong();
      return new Description(new Owner(readText(in), readText(in), pid), parent);
    } catch (BufferUnderflowException tooShort) {
      return new Description(new Owner("somebody", "unknown", 0), Claim.NONE);
    }
  }

  private static byte[] text(String value) {
    byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
    return utf8.length <= MAX_TEXT ? utf8 : Arrays.copyOf(utf8, MAX_TEXT);
  }

  private static String readText(ByteBuffer in) {
    byte[] utf8 = new byte[in.get() & 0xff];
    in.get(utf8);
    return new String(utf8, StandardCharsets.UTF_8);
  }
}
