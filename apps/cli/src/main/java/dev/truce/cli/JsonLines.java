package dev.truce.cli;

import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/// Lines of which each is a JSON object that tells of a key. What it does not know it refuses: a
/// mistyped `if_revison` is not to be a condition that nobody checks.
///
/// | field | |
/// |---|---|
/// | `key` | text |
/// | `value` | text, which stands for its bytes in UTF-8; anything else for itself, as compact JSON |
/// | `value_base64` | bytes, in place of `value` |
/// | `op` | where lines are a batch: `put` or `rm` |
/// | `if_revision` | where lines are a batch: the revision that the key has to have, 0 for none |
final class JsonLines {
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .streamReadConstraints(
              StreamReadConstraints.builder().maxStringLength(Lines.LONGEST).build())
          .build();

  /// What a message of the parser says of the parser itself.
  private static final Pattern INTERNALS =
      Pattern.compile(" \\((start marker|for \\w+ starting) at \\[Source: .*]\\)|, from `[^`]*`");

  private JsonLines() {}

  /// What has been read of an object.
  private static final class Fields {
    private @Nullable String op;
    private @Nullable String key;
    private byte @Nullable [] value;
    private long ifRevision = -1;
  }

  /// One of a batch: a put or a removal, and its condition.
  ///
  /// @throws IllegalArgumentException if it is none, saying what the line does
  static Item change(byte[] line) {
    Fields fields = read(line, true);
    String op = fields.op == null ? "" : fields.op;
    return switch (op) {
      case "put" -> new Item(key(fields), value(fields), fields.ifRevision);
      case "rm" -> {
        if (fields.value != null) {
          throw new IllegalArgumentException("removes a key and has a value");
        }
        yield new Item(key(fields), null, fields.ifRevision);
      }
      default -> throw new IllegalArgumentException("has no op that is put or rm");
    };
  }

  /// One to be imported: a key and its value.
  ///
  /// @throws IllegalArgumentException if it is none, saying what the line does
  static Item entry(byte[] line) {
    Fields fields = read(line, false);
    return new Item(key(fields), value(fields), -1);
  }

  private static String key(Fields fields) {
    if (fields.key == null) {
      throw new IllegalArgumentException("has no key");
    }
    utf8(fields.key, "key"); // refuses half a character
    return fields.key;
  }

  private static byte[] value(Fields fields) {
    if (fields.value == null) {
      throw new IllegalArgumentException("has no value");
    }
    return fields.value;
  }

  private static Fields read(byte[] line, boolean batch) {
    String text = Values.text(line);
    if (text == null) {
      throw new IllegalArgumentException("is not UTF-8 text");
    }
    try (JsonParser json = JSON.createParser(ObjectReadContext.empty(), text)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw new IllegalArgumentException("is no JSON object");
      }
      Fields fields = new Fields();
      while (json.nextToken() == JsonToken.PROPERTY_NAME) {
        read(json, json.currentName(), fields, batch);
      }
      if (json.nextToken() != null) {
        throw new IllegalArgumentException("has something behind its JSON object");
      }
      return fields;
    } catch (JacksonException malformed) {
      throw new IllegalArgumentException(
          "is no JSON: "
              + INTERNALS.matcher(malformed.getOriginalMessage()).replaceAll("")
              + at(malformed),
          malformed);
    }
  }

  private static String at(JacksonException malformed) {
    return malformed.getLocation() == null
        ? ""
        : ", column " + malformed.getLocation().getColumnNr();
  }

  private static void read(JsonParser json, String name, Fields fields, boolean batch) {
    JsonToken token = json.nextToken();
    switch (name) {
      case "key" -> fields.key = text(json, token, name);
      case "value", "value_base64" -> {
        if (fields.value != null) {
          throw new IllegalArgumentException("has two values");
        }
        fields.value = name.equals("value") ? value(json, token) : base64(text(json, token, name));
      }
      case "op" -> fields.op = inBatch(batch, text(json, token, name), name);
      case "if_revision" -> fields.ifRevision = inBatch(batch, revision(json, token), name);
      default -> throw new IllegalArgumentException("has a field that is not known: " + name);
    }
  }

  private static <T> T inBatch(boolean batch, T value, String name) {
    if (!batch) {
      throw new IllegalArgumentException(
          "has " + name + ", which is for truce store commit: an import puts, whatever is there");
    }
    return value;
  }

  private static String text(JsonParser json, JsonToken token, String name) {
    if (token != JsonToken.VALUE_STRING) {
      throw new IllegalArgumentException("has a " + name + " that is no text");
    }
    return json.getString();
  }

  private static long revision(JsonParser json, JsonToken token) {
    long revision = token == JsonToken.VALUE_NUMBER_INT ? json.getLongValue() : -1;
    if (revision < 0) {
      throw new IllegalArgumentException("has an if_revision that is no revision");
    }
    return revision;
  }

  private static byte[] value(JsonParser json, JsonToken token) {
    if (token == JsonToken.VALUE_STRING) {
      return utf8(json.getString(), "value");
    }
    StringWriter compact = new StringWriter();
    try (JsonGenerator out = JSON.createGenerator(ObjectWriteContext.empty(), compact)) {
      out.copyCurrentStructureExact(json);
    }
    return utf8(compact.toString(), "value");
  }

  private static byte[] base64(String text) {
    try {
      return Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException malformed) {
      throw new IllegalArgumentException("has a value_base64 that is no Base64", malformed);
    }
  }

  private static byte[] utf8(String text, String what) {
    try {
      ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      byte[] bytes = new byte[encoded.remaining()];
      encoded.get(bytes);
      return bytes;
    } catch (CharacterCodingException half) {
      throw new IllegalArgumentException("has half a character in its " + what, half);
    }
  }
}
