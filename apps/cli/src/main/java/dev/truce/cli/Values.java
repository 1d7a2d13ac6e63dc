package dev.truce.cli;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/// Values as they are shown: they are bytes, and most often text.
final class Values {
  /// How much of a value stands in a message.
  private static final int BRIEF = 60;

  private Values() {}

  /// The text that these bytes are in UTF-8, null if they are none.
  static @Nullable String text(byte[] value) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(value)).toString();
    } catch (CharacterCodingException noText) {
      return null;
    }
  }

  /// As `value` where it is text, else as `value_base64`.
  static Json put(Json json, byte[] value) {
    String text = text(value);
    return text == null
        ? json.put("value_base64", Base64.getEncoder().encodeToString(value))
        : json.put("value", text);
  }

  /// The beginning of its first line; of what is no text, how long it is.
  static String brief(byte[] value) {
    String text = text(value);
    if (text == null) {
      return "(" + value.length + " bytes)";
    }
    int line = text.indexOf('\n');
    int end = line < 0 ? text.length() : line;
    boolean cut = line >= 0 && line < text.length() - 1;
    if (text.codePointCount(0, end) > BRIEF) {
      end = text.offsetByCodePoints(0, BRIEF);
      cut = true;
    }
    return Text.shown(text.substring(0, end)) + (cut ? "..." : "");
  }
}
