package dev.truce.index;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/// An entry that breaks the schema names the field.
class SchemaTest {
  private static final String GOOD =
      """
      {"id":"Action_Plan","version":"1.0.0","status":"draft","framework":"fwk","kind":"plan",
       "labels":["a"],"checksumSha256":"%s","createdAt":"2025-08-23T17:00:00Z",
       "updatedAt":"2025-08-23T17:00:00Z","owner":{"team":7}}
      """
          .formatted(Artifacts.sum('a'));

  @Test
  void anEntry_withNamesOfItsOwn_isOne() {
    assertThat(Schema.problems(good())).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      textBlock =
          """
          id             | "a/b"                  | id: "a/b" has other characters than A-Z a-z 0-9 _ . -
          id             | ""                     | id: "" has other characters than A-Z a-z 0-9 _ . -
          id             | 7                      | id: 7 is no text
          version        | "1.0"                  | version: "1.0" is no version as 1.2.3 or 1.2.3-rc.1
          version        | "01.0.0"               | version: "01.0.0" is no version as 1.2.3 or 1.2.3-rc.1
          status         | "drafty"               | status: "drafty" is none of draft, review, approved, deprecated
          status         | "DRAFT"                | status: "DRAFT" is none of draft, review, approved, deprecated
          framework      | null                   | framework: null is no text
          kind           | []                     | kind: [] is no text
          labels         | ["a",1]                | labels: ["a",1] is no list of texts
          checksumSha256 | "ABC"                  | checksumSha256: "ABC" is not 64 digits of 0-9 and a-f
          createdAt      | "2025-02-30T00:00:00Z" | createdAt: "2025-02-30T00:00:00Z" is no time as 2026-01-05T10:20:00Z
          updatedAt      | "2025-08-23"           | updatedAt: "2025-08-23" is no time as 2026-01-05T10:20:00Z
          size           | -1                     | size: -1 is no number of bytes
          """,
      delimiter = '|')
  void aFieldThatBreaksIt_isNamedWithWhatItSays(String field, String value, String problem) {
    ObjectNode entry = good();
    entry.set(field, Json.MAPPER.readTree(value));

    assertThat(Schema.problems(entry)).isEqualTo(List.of(problem));
  }

  @ParameterizedTest
  @ValueSource(strings = {"id", "version", "status", "framework", "kind", "createdAt", "updatedAt"})
  void aFieldThatHasToBeThere_isNamedWhenItIsNot(String field) {
    ObjectNode entry = good();
    entry.remove(field);

    assertThat(Schema.problems(entry)).isEqualTo(List.of(field + ": is missing"));
  }

  @Test
  void aVersionOfAnyLength_isAnsweredAndNotAnOverflow() {
    ObjectNode entry = good();
    entry.put("version", "1.0.0-" + "a.".repeat(100_000) + "a");

    assertThat(Schema.problems(entry)).singleElement().asString().startsWith("version: ");
  }

  @Test
  void whatIsNoObject_isNone() {
    assertThat(Schema.problems(Json.MAPPER.readTree("[]"))).containsExactly("is no JSON object");
  }

  private static ObjectNode good() {
    return (ObjectNode) Json.tree(GOOD.getBytes(StandardCharsets.UTF_8), "this");
  }
}
