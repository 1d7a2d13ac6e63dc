package dev.truce.index;

import java.util.List;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonWriteFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.cfg.JsonNodeFeature;
import tools.jackson.databind.json.JsonMapper;

/// JSON as the index reads and writes it: compact, with sorted names, and nothing in it twice.
final class Json {
  static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(JsonNodeFeature.WRITE_PROPERTIES_SORTED)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build();

  /// The same in ASCII, as the first writers of the format do it.
  static final JsonMapper ASCII =
      MAPPER
          .rebuild()
          .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
          .disable(JsonWriteFeature.WRITE_HEX_UPPER_CASE)
          .build();

  /// What programs are answered, in the order in which it is put together.
  static final JsonMapper ORDERED =
      MAPPER.rebuild().disable(JsonNodeFeature.WRITE_PROPERTIES_SORTED).build();

  /// What people may read and edit.
  static final JsonMapper PRETTY =
      MAPPER.rebuild().enable(SerializationFeature.INDENT_OUTPUT).build();

  /// The same of what people wrote, in the order in which they did.
  static final JsonMapper PRETTY_ORDERED =
      PRETTY.rebuild().disable(JsonNodeFeature.WRITE_PROPERTIES_SORTED).build();

  /// What a message of the parser says of the parser itself.
  private static final Pattern INTERNALS =
      Pattern.compile(" \\((start marker|for \\w+ starting) at \\[Source: .*]\\)|, from `[^`]*`");

  private Json() {}

  /// @param where it stands, for the message
  /// @throws IllegalArgumentException if it is no JSON
  static JsonNode tree(byte[] text, String where) {
    try {
      JsonNode tree = MAPPER.readTree(text);
      if (tree == null || tree.isMissingNode()) {
        throw new IllegalArgumentException(where + " is empty");
      }
      return tree;
    } catch (JacksonException malformed) {
      throw new IllegalArgumentException(
          where
              + " is no JSON: "
              + INTERNALS.matcher(malformed.getOriginalMessage()).replaceAll("")
              + at(malformed),
          malformed);
    }
  }

  private static String at(JacksonException malformed) {
    TokenStreamLocation at = malformed.getLocation();
    return at == null ? "" : ", line " + at.getLineNr() + ", column " + at.getColumnNr();
  }

  /// @param where it stands, for the message
  /// @throws IllegalArgumentException if it breaks the schema, with the field
  static Artifact artifact(JsonNode entry, String where) {
    List<String> problems = Schema.problems(entry);
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(where + ": " + String.join("; ", problems));
    }
    return MAPPER.treeToValue(entry, Artifact.class);
  }

  static JsonNode tree(Artifact artifact) {
    return MAPPER.valueToTree(artifact);
  }
}
