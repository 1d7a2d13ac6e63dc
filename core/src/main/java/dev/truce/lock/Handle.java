package dev.truce.lock;

import dev.truce.lock.LockState.Claim;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.zip.CRC32C;

/// What entitles to a lease or to a ticket's place: whoever has its text may renew it, give it back
/// or take it up.
///
/// ```
///   text     tl_ or tk_, then in Crockford's base 32:
///            secret: 16 | token, 0 for a ticket: 8 | the lock's name | CRC32C of all that: 4
/// ```
///
/// The claim that it stands for is made of the secret by a one-way function, so that the id, which
/// everybody may see, entitles to nothing.
record Handle(Kind kind, long high, long low, long token, String lock) {
  /// What a handle is for.
  enum Kind {
    LEASE("tl_", "lease", "it can be renewed and given back"),
    TICKET("tk_", "ticket", "take it up when you acquire its lock");

    private final String prefix;
    private final String word;
    private final String use;

    Kind(String prefix, String word, String use) {
      this.prefix = prefix;
      this.word = word;
      this.use = use;
    }

    private IllegalArgumentException notOne(String text) {
      for (Kind other : values()) {
        if (text.startsWith(other.prefix)) {
          return new IllegalArgumentException(
              "this is a " + other.word + ", not a " + word + ": " + other.use);
        }
      }
      return new IllegalArgumentException("not a " + word + ": one begins with " + prefix);
    }
  }

  private static final int FIXED = 16 + 8 + 4;

  /// A new one, that nobody can guess.
  static Handle fresh(Kind kind, String lock) {
    SecureRandom random = new SecureRandom();
    return new Handle(kind, random.nextLong(), random.nextLong(), 0, lock);
  }

  /// The lease that this lease or ticket has become, with its token.
  Handle leased(long newToken) {
    return new Handle(Kind.LEASE, high, low, newToken, lock);
  }

  /// @throws IllegalArgumentException if nobody can have been given this text, which is a mistyped
  ///   one
  static Handle read(Kind kind, String text) {
    if (!text.startsWith(kind.prefix)) {
      throw kind.notOne(text);
    }
    byte[] bytes = bytes(kind, text.substring(kind.prefix.length()));
    ByteBuffer in = ByteBuffer.wrap(bytes);
    if (bytes.length <= FIXED || in.getInt(bytes.length - 4) != crc(bytes)) {
      throw mistyped(kind);
    }
    long high = in.getLong();
    long low = in.getLong();
    long token = in.getLong();
    byte[] name = new byte[bytes.length - FIXED];
    in.get(name);
    return new Handle(kind, high, low, token, new String(name, StandardCharsets.UTF_8));
  }

  /// The claim that it entitles to: 63 bits of the secret's SHA-256.
  Claim claim() {
    byte[] secret = ByteBuffer.allocate(16).putLong(high).putLong(low).array();
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(secret);
      return new Claim(0, Math.max(1, ByteBuffer.wrap(hash).getLong() & Long.MAX_VALUE));
    } catch (NoSuchAlgorithmException everyPlatformHasIt) {
      throw new IllegalStateException(everyPlatformHasIt);
    }
  }

  /// The text that entitles; to be kept from those who may only look.
  String text() {
    byte[] name = lock.getBytes(StandardCharsets.UTF_8);
    byte[] bytes =
        ByteBuffer.allocate(FIXED + name.length)
            .putLong(high)
            .putLong(low)
            .putLong(token)
            .put(name)
            .array();
    ByteBuffer.wrap(bytes).putInt(bytes.length - 4, crc(bytes));
    return kind.prefix + digits(bytes);
  }

  private static int crc(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, bytes.length - 4);
    return (int) crc.getValue();
  }

  private static String digits(byte[] bytes) {
    StringBuilder text = new StringBuilder((bytes.length * 8 + 4) / 5);
    int kept = 0;
    int bits = 0;
    for (byte next : bytes) {
      kept = (kept << 8 | (next & 0xff)) & 0xffff;
      for (bits += 8; bits >= 5; bits -= 5) {
        text.append(LeaseId.DIGITS.charAt(kept >>> (bits - 5) & 31));
      }
    }
    return bits == 0
        ? text.toString()
        : text.append(LeaseId.DIGITS.charAt(kept << (5 - bits) & 31)).toString();
  }

  private static byte[] bytes(Kind kind, String digits) {
    ByteBuffer out = ByteBuffer.allocate(digits.length() * 5 / 8);
    int kept = 0;
    int bits = 0;
    for (int i = 0; i < digits.length(); i++) {
      int digit = LeaseId.DIGITS.indexOf(Character.toUpperCase(digits.charAt(i)));
      if (digit < 0) {
        throw mistyped(kind);
      }
      kept = (kept << 5 | digit) & 0xffff;
      bits += 5;
      if (bits >= 8) {
        bits -= 8;
        out.put((byte) (kept >>> bits));
      }
    }
    if (out.hasRemaining() || !digits(out.array()).equalsIgnoreCase(digits)) {
      throw mistyped(kind);
    }
    return out.array();
  }

  private static IllegalArgumentException mistyped(Kind kind) {
    return new IllegalArgumentException(
        "this "
            + kind.word
            + " was mistyped or cut, its checksum does not match: copy the whole of it");
  }

  /// Not the text: a message must not entitle.
  @Override
  public String toString() {
    return kind.word + " " + LeaseId.write(claim());
  }
}
