package dev.truce.index;

import dev.truce.index.Artifact.Status;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// What an entry has to look like. Names the field of one that does not.
final class Schema {
  static final Pattern ID = Pattern.compile("[A-Za-z0-9_.-]{1,2000}");

  /// The expression that semver.org suggests, of what still is part of a key.
  static final Pattern VERSION =
      Pattern.compile(
          "(?=.{1,1000}$)(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)"
              + "(-(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
              + "(\\.(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
              + "(\\+[0-9a-zA-Z-]+(\\.[0-9a-zA-Z-]+)*)?");

  private static final Pattern SHA_256 = Pattern.compile("[a-f0-9]{64}");
  private static final Pattern SECOND =
      Pattern.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z");

  private static final String STATUSES =
      Stream.of(Status.values()).map(Status::word).collect(Collectors.joining(", "));

  /// A field that is there: what is wrong with it, or null.
  private interface Rule extends Function<JsonNode, @Nullable String> {}

  private record Field(boolean required, Rule rule) {}

  private static final Map<String, Field> FIELDS = fields();

  private Schema() {}

  private static Map<String, Field> fields() {
    Map<String, Field> fields = new LinkedHashMap<>();
    fields.put("id", new Field(true, like(ID, "has other characters than A-Z a-z 0-9 _ . -")));
    fields.put("version", new Field(true, Schema::version));
    fields.put("status", new Field(true, Schema::status));
    fields.put("framework", new Field(true, Schema::text));
    fields.put("kind", new Field(true, Schema::text));
    fields.put("createdAt", new Field(true, Schema::second));
    fields.put("updatedAt", new Field(true, Schema::second));
    fields.put("labels", new Field(false, Schema::labels));
    fields.put(
        "checksumSha256", new Field(false, like(SHA_256, "is not 64 digits of 0-9 and a-f")));
    fields.put("path", new Field(false, Schema::text));
    fields.put("size", new Field(false, Schema::size));
    return fields;
  }

  /// What is wrong with an entry, each with its field; empty if it is one.
  static List<String> problems(JsonNode entry) {
    if (!entry.isObject()) {
      return List.of("is no JSON object");
    }
    List<String> problems = new ArrayList<>();
    FIELDS.forEach((name, field) -> {
      JsonNode value = entry.get(name);
      String problem =
          value == null ? (field.required() ? "is missing" : null) : field.rule().apply(value);
      if (problem != null) {
        problems.add(name + ": " + (value == null ? "" : shown(value) + " ") + problem);
      }
    });
    return problems;
  }

  /// @throws IllegalArgumentException if the text is not like this
  static void require(Pattern pattern, String field, String text) {
    if (text == null || !pattern.matcher(text).matches()) {
      throw new IllegalArgumentException(field + ": \"" + text + "\" is none");
    }
  }

  private static Rule like(Pattern pattern, String otherwise) {
    return value -> {
      String problem = text(value);
      return problem != null
          ? problem
          : pattern.matcher(value.asString()).matches() ? null : otherwise;
    };
  }

  private static @Nullable String text(JsonNode value) {
    return value.isString() ? null : "is no text";
  }

  private static @Nullable String version(JsonNode value) {
    return value.isString() && VERSION.matcher(value.asString()).matches()
        ? null
        : "is no version as 1.2.3 or 1.2.3-rc.1";
  }

  private static @Nullable String status(JsonNode value) {
    boolean known =
        value.isString()
            && Stream.of(Status.values()).anyMatch(one -> one.word().equals(value.asString()));
    return known ? null : "is none of " + STATUSES;
  }

  private static @Nullable String second(JsonNode value) {
    String otherwise = "is no time as 2026-01-05T10:20:00Z";
    if (!value.isString() || !SECOND.matcher(value.asString()).matches()) {
      return otherwise;
    }
    try {
      return Instant.parse(value.asString()) == null ? otherwise : null;
    } catch (DateTimeException noSuchDay) {
      return otherwise;
    }
  }

  private static @Nullable String labels(JsonNode value) {
    boolean texts = value.isArray() && value.valueStream().allMatch(JsonNode::isString);
    return texts ? null : "is no list of texts";
  }

  private static @Nullable String size(JsonNode value) {
    boolean bytes = value.isIntegralNumber() && value.canConvertToLong() && value.asLong() >= 0;
    return bytes ? null : "is no number of bytes";
  }

  private static String shown(JsonNode value) {
    String text = value.toString();
    return text.length() <= 60 ? text : text.substring(0, 60) + "...";
  }
}
