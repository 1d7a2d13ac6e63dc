package dev.truce.index;

import java.io.PrintStream;
import java.util.Collection;
import java.util.Map;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// What is said at the end: a few lines for people, or one JSON object.
final class Answer {
  private final PrintStream out;
  private final PrintStream err;
  private final boolean json;

  Answer(PrintStream out, PrintStream err, boolean json) {
    this.out = out;
    this.err = err;
    this.json = json;
  }

  /// An object that begins with its schema.
  static ObjectNode object(String schema) {
    return JsonNodeFactory.instance.objectNode().put("schema", "truce." + schema + "/1");
  }

  boolean json() {
    return json;
  }

  void print(ObjectNode object) {
    out.print(Json.ORDERED.writeValueAsString(object) + "\n");
  }

  void print(String line) {
    out.print(shown(line) + "\n");
  }

  /// Beside the answer.
  void error(String line) {
    err.print("truce: " + shown(line) + "\n");
    err.flush();
  }

  /// Lines of a list, each after what is said of all of them.
  void print(String word, Collection<String> lines) {
    lines.forEach(line -> print(word + " " + line));
  }

  void print(String word, Map<String, String> lines) {
    lines.forEach((line, why) -> print(word + " " + line + ": " + why));
  }

  /// With everything escaped that could move a cursor or turn the reading direction.
  private static String shown(String text) {
    StringBuilder shown = new StringBuilder(text.length());
    text.codePoints()
        .forEach(point -> {
          if (isPlain(point)) {
            shown.appendCodePoint(point);
          } else {
            shown.append(String.format("\\u{%04x}", point));
          }
        });
    return shown.toString();
  }

  private static boolean isPlain(int point) {
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
}
