package dev.truce.lock;

import dev.truce.lock.LockState.Claim;
import java.util.Optional;

/// A claim as text: 128 bits in 26 characters of Crockford's base 32, so that it can be read aloud
/// and pasted anywhere.
final class LeaseId {
  /// Crockford's, of which none is taken for another.
  static final String DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

  private static final int LENGTH = 26;

  private LeaseId() {}

  static String write(Claim claim) {
    char[] text = new char[LENGTH];
    long high = claim.member();
    long low = claim.number();
    for (int i = LENGTH - 1; i >= 0; i--) {
      text[i] = DIGITS.charAt((int) (low & 31));
      low = (low >>> 5) | (high << 59);
      high >>>= 5;
    }
    return new String(text);
  }

  /// The claim, or empty when the text is not an id.
  static Optional<Claim> read(String text) {
    if (text.length() != LENGTH) {
      return Optional.empty();
    }
    long high = 0;
    long low = 0;
    for (int i = 0; i < LENGTH; i++) {
      int digit = DIGITS.indexOf(text.charAt(i));
      if (digit < 0 || (i == 0 && digit > 7)) {
        return Optional.empty();
      }
      high = (high << 5) | (low >>> 59);
      low = (low << 5) | digit;
    }
    return Optional.of(new Claim(high, low));
  }
}
