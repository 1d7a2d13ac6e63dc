package dev.truce.cli;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// Durations as flags take them: `250ms 5s 2m 1h 1d`, and numbers without a unit as seconds.
final class Durations {
  /// The longest one taken, so that sums of two never overflow anywhere.
  private static final long MAX_NANOS = 36_500L * 86_400 * 1_000_000_000;

  /// Stands for a wait without end.
  static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);

  private Durations() {}

  /// The duration, or null when `text` is none.
  static @Nullable Duration parse(String text) {
    int digits = 0;
    while (digits < text.length() && isNumber(text.charAt(digits))) {
      digits++;
    }
    long unit = unit(text.substring(digits));
    long nanos = unit < 0 ? -1 : nanos(text.substring(0, digits), unit);
    return nanos < 0 ? null : Duration.ofNanos(nanos);
  }

  private static boolean isNumber(char c) {
    return (c >= '0' && c <= '9') || c == '.';
  }

  private static long unit(String name) {
    return switch (name) {
      case "ms" -> 1_000_000L;
      case "s", "" -> 1_000_000_000L;
      case "m" -> 60_000_000_000L;
      case "h" -> 3_600_000_000_000L;
      case "d" -> 86_400_000_000_000L;
      default -> -1;
    };
  }

  /// `number` times `unit`, or -1 when it is no number or too large. What is below a nanosecond is
  /// cut off, but never down to 0, which would mean something else.
  private static long nanos(String number, long unit) {
    int point = number.indexOf('.');
    String whole = point < 0 ? number : number.substring(0, point);
    String part = point < 0 ? "" : number.substring(point + 1);
    if (whole.length() + part.length() == 0 || part.indexOf('.') >= 0 || whole.length() > 15) {
      return -1;
    }
    long units = whole.isEmpty() ? 0 : Long.parseLong(whole);
    if (units > MAX_NANOS / unit) {
      return -1;
    }
    long rest = 0;
    long scale = unit;
    boolean nonZero = units > 0;
    for (int i = 0; i < part.length(); i++) {
      int digit = part.charAt(i) - '0';
      scale /= 10;
      rest += digit * scale;
      nonZero |= digit > 0;
    }
    long nanos = units * unit + rest;
    if (nanos > MAX_NANOS) {
      return -1;
    }
    return nanos == 0 && nonZero ? 1 : nanos;
  }
}
