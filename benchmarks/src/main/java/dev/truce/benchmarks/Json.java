package dev.truce.benchmarks;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Writes maps, lists, texts, truths and finite numbers as JSON, in one line.
final class Json {
  private final StringBuilder out = new StringBuilder();

  private Json() {}

  static String write(Object value) {
    Json json = new Json();
    json.value(value);
    return json.out.toString();
  }

  private void value(Object value) {
    switch (value) {
      case Map<?, ?> map -> object(map);
      case List<?> list -> array(list);
      case String text -> text(text);
      case Double number -> number(number);
      case Integer _, Long _, Boolean _ -> out.append(value);
      default -> throw new IllegalArgumentException("no JSON for a " + value.getClass().getName());
    }
  }

  private void object(Map<?, ?> map) {
    String before = "{";
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      out.append(before);
      text((String) entry.getKey());
      out.append(':');
      value(entry.getValue());
      before = ",";
    }
    out.append(map.isEmpty() ? "{}" : "}");
  }

  private void array(List<?> list) {
    String before = "[";
    for (Object element : list) {
      out.append(before);
      value(element);
      before = ",";
    }
    out.append(list.isEmpty() ? "[]" : "]");
  }

  /// Six digits that count: nothing here is measured more precisely.
  private void number(double number) {
    if (!Double.isFinite(number)) {
      throw new IllegalArgumentException("no JSON for " + number);
    }
    out.append(
        new java.math.BigDecimal(String.format(Locale.ROOT, "%.5e", number)).toPlainString());
  }

  private void text(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < 0x20) {
        out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    out.append('"');
  }
}
