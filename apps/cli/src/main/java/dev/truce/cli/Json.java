package dev.truce.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// One JSON object in the making: all that the commands write.
final class Json {
  private final StringBuilder text = new StringBuilder("{");

  private Json() {}

  static Json object() {
    return new Json();
  }

  Json put(String key, @Nullable String value) {
    key(key);
    if (value == null) {
      text.append("null");
    } else {
      quote(text, value);
    }
    return this;
  }

  Json put(String key, long value) {
    key(key);
    text.append(value);
    return this;
  }

  /// Four places behind the point.
  Json putRounded(String key, double value) {
    key(key);
    text.append(Math.round(value * 10_000) / 10_000.0);
    return this;
  }

  Json put(String key, boolean value) {
    key(key);
    text.append(value);
    return this;
  }

  Json put(String key, Json value) {
    key(key);
    text.append(value);
    return this;
  }

  Json put(String key, List<Json> values) {
    key(key);
    text.append('[');
    String comma = "";
    for (Json value : values) {
      text.append(comma).append(value);
      comma = ",";
    }
    text.append(']');
    return this;
  }

  Json putTexts(String key, List<String> values) {
    key(key);
    text.append('[');
    String comma = "";
    for (String value : values) {
      text.append(comma);
      quote(text, value);
      comma = ",";
    }
    text.append(']');
    return this;
  }

  Json putNull(String key) {
    key(key);
    text.append("null");
    return this;
  }

  private void key(String key) {
    if (text.length() > 1) {
      text.append(',');
    }
    quote(text, key);
    text.append(':');
  }

  /// `value` as a JSON string. Control characters are escaped, and so are lone surrogates, which no
  /// UTF-8 can hold.
  static void quote(StringBuilder to, String value) {
    to.append('"');
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      switch (c) {
        case '"' -> to.append("\\\"");
        case '\\' -> to.append("\\\\");
        case '\n' -> to.append("\\n");
        case '\r' -> to.append("\\r");
        case '\t' -> to.append("\\t");
        default -> {
          if (c < 0x20 || (c >= 0x7f && c < 0xa0) || isLone(value, i)) {
            to.append("\\u").append(Text.hex(c, 4));
          } else {
            to.append(c);
          }
        }
      }
    }
    to.append('"');
  }

  private static boolean isLone(String value, int i) {
    char c = value.charAt(i);
    if (Character.isHighSurrogate(c)) {
      return i + 1 == value.length() || !Character.isLowSurrogate(value.charAt(i + 1));
    }
    return Character.isLowSurrogate(c)
        && (i == 0 || !Character.isHighSurrogate(value.charAt(i - 1)));
  }

  /// The whole object, in one line.
  @Override
  public String toString() {
    return text + "}";
  }
}
