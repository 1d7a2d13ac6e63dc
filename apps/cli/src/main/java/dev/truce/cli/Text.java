package dev.truce.cli;

import dev.truce.Owner;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/// Words as they are printed for people.
final class Text {
  private static final String DIGITS = "0123456789abcdef";

  private Text() {}

  /// `text` with everything escaped that could move a cursor, colour a terminal or turn the reading
  /// direction, and with each backslash doubled: two texts are never shown alike.
  static String shown(String text) {
    StringBuilder shown = null;
    for (int i = 0; i < text.length(); ) {
      int point = text.codePointAt(i);
      int next = i + Character.charCount(point);
      if (isPrintable(point)) {
        if (shown != null) {
          shown.appendCodePoint(point);
        }
      } else {
        if (shown == null) {
          shown = new StringBuilder(text.substring(0, i));
        }
        escape(shown, point);
      }
      i = next;
    }
    return shown == null ? text : shown.toString();
  }

  private static boolean isPrintable(int point) {
    if (point < 0x7f) {
      return point >= 0x20 && point != '\\';
    }
    return switch (Character.getType(point)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE,
          Character.UNASSIGNED ->
          false;
      default -> true;
    };
  }

  private static void escape(StringBuilder to, int point) {
    switch (point) {
      case '\\' -> to.append("\\\\");
      case '\n' -> to.append("\\n");
      case '\r' -> to.append("\\r");
      case '\t' -> to.append("\\t");
      default -> {
        if (point <= 0xff) {
          to.append("\\x").append(hex(point, 2));
        } else {
          to.append("\\u{").append(hex(point, 4)).append('}');
        }
      }
    }
  }

  /// As the bytes of the two in UTF-8 compare, which is how their code points do.
  static int compareUtf8(String one, String other) {
    int i = 0;
    int least = Math.min(one.length(), other.length());
    while (i < least && one.charAt(i) == other.charAt(i)) {
      i++;
    }
    if (i == least) {
      return Integer.compare(one.length(), other.length());
    }
    char a = one.charAt(i);
    char b = other.charAt(i);
    // A surrogate stands for what is behind all that one unit can stand for.
    return Character.isSurrogate(a) == Character.isSurrogate(b)
        ? Character.compare(a, b)
        : Character.isSurrogate(a) ? 1 : -1;
  }

  /// The number in hexadecimal, with at least so many digits.
  static String hex(int number, int digits) {
    StringBuilder hex = new StringBuilder();
    for (int shift = 28; shift >= 0; shift -= 4) {
      int digit = (number >>> shift) & 15;
      if (digit != 0 || !hex.isEmpty() || shift < 4 * digits) {
        hex.append(DIGITS.charAt(digit));
      }
    }
    return hex.toString();
  }

  /// How long, in at most two units: `0s`, `4m12s`, `12m`, `3d4h`.
  static String span(Duration duration) {
    long seconds = Math.max(0, duration.toSeconds());
    if (seconds < 60) {
      return seconds + "s";
    }
    if (seconds < 3_600) {
      return two(seconds / 60, "m", seconds % 60, "s");
    }
    if (seconds < 86_400) {
      return two(seconds / 3_600, "h", seconds % 3_600 / 60, "m");
    }
    return two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h");
  }

  /// How long, to three digits, however short: `0s`, `85ns`, `1.25ms`, `4m12s`.
  static String fine(Duration duration) {
    long nanos = Math.max(0, duration.toNanos());
    if (nanos == 0 || nanos >= 60_000_000_000L) {
      return span(duration);
    }
    if (nanos < 1_000) {
      return nanos + "ns";
    }
    if (nanos < 1_000_000) {
      return threeDigits(nanos, 1_000) + "us";
    }
    return nanos < 1_000_000_000
        ? threeDigits(nanos, 1_000_000) + "ms"
        : threeDigits(nanos, 1_000_000_000) + "s";
  }

  private static String threeDigits(long nanos, long unit) {
    long whole = nanos / unit;
    int places = whole >= 100 ? 0 : whole >= 10 ? 1 : 2;
    long scale = places == 0 ? 1 : places == 1 ? 10 : 100;
    long scaled = nanos / (unit / scale);
    if (scaled % scale == 0) {
      return Long.toString(whole);
    }
    String rest = Long.toString(scaled % scale);
    String digits = "0".repeat(places - rest.length()) + rest;
    return whole + "." + (digits.endsWith("0") ? digits.substring(0, places - 1) : digits);
  }

  /// A duration that somebody chose, as it may have been typed.
  static String exact(Duration duration) {
    long millis = duration.toMillis();
    if (millis % 1000 == 0) {
      return span(duration);
    }
    return millis < 1000 ? millis + "ms" : millis / 1000.0 + "s";
  }

  private static String two(long large, String unit, long small, String smallUnit) {
    return small == 0 ? large + unit : large + unit + small + smallUnit;
  }

  /// `text` as one word of a line for bash or zsh that is shown to people: quoted where it must be,
  /// and as `$'...'` where it holds what [#shown] escapes.
  static String word(String text) {
    boolean plain = !text.isEmpty();
    boolean printable = true;
    for (int i = 0; i < text.length(); ) {
      int point = text.codePointAt(i);
      plain &= Character.isLetterOrDigit(point) || "_-./:@%+=,".indexOf(point) >= 0;
      printable &= point == '\\' || isPrintable(point);
      i += Character.charCount(point);
    }
    if (!printable) {
      return escaped(text);
    }
    return plain ? text : quoted(text);
  }

  /// Bytes, and not code points, which a shell would take for others in another locale.
  private static String escaped(String text) {
    StringBuilder word = new StringBuilder("$'");
    text.codePoints()
        .forEach(point -> {
          if (point == '\\' || point == '\'') {
            word.append('\\').appendCodePoint(point);
          } else if (isPrintable(point)) {
            word.appendCodePoint(point);
          } else {
            for (byte unit : Character.toString(point).getBytes(StandardCharsets.UTF_8)) {
              word.append("\\x").append(hex(unit & 0xff, 2));
            }
          }
        });
    return word.append('\'').toString();
  }

  /// `text` in quotes, as one word of a line for any shell, whatever it holds: for a shell to read,
  /// not for a terminal.
  static String quoted(String text) {
    return "'" + text.replace("'", "'\\''") + "'";
  }

  /// `ci@build-3 (pid 8112)`.
  static String who(Owner owner) {
    return shown(owner.toString());
  }
}
