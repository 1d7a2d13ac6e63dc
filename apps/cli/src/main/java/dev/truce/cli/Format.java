package dev.truce.cli;

import dev.truce.store.Entry;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/// How keys and values are written as lines, one of each, so that what was exported can be
/// imported.
///
/// | | |
/// |---|---|
/// | `LINES` | the key; values are empty |
/// | `TSV` | key, TAB, value; in both `\t`, `\n` and `\\` stand for TAB, line break and backslash |
/// | `JSONL` | [JsonLines] |
enum Format {
  LINES,
  TSV,
  JSONL;

  private static final byte[] NOTHING = {};

  /// The one that is asked for.
  static Format of(Options options) {
    Format found = null;
    for (Format format : values()) {
      if (options.has(format.flag())) {
        if (found != null) {
          throw Failure.usage(
              options.verb(),
              "--" + found.flag() + " and --" + format.flag() + " exclude each other");
        }
        found = format;
      }
    }
    return found == null ? JSONL : found;
  }

  private String flag() {
    return switch (this) {
      case LINES -> "lines";
      case TSV -> "tsv";
      case JSONL -> "jsonl";
    };
  }

  /// What a line says.
  ///
  /// @throws IllegalArgumentException if it says nothing of use, and why
  Item read(byte[] line) {
    return switch (this) {
      case LINES -> new Item(text(line), NOTHING, -1);
      case TSV -> row(line);
      case JSONL -> JsonLines.entry(line);
    };
  }

  private static Item row(byte[] line) {
    int tab = indexOf(line, '\t', 0);
    if (tab < 0) {
      throw new IllegalArgumentException("has no TAB");
    }
    if (indexOf(line, '\t', tab + 1) >= 0) {
      throw new IllegalArgumentException("has more than one TAB: one in a value is to be escaped");
    }
    return new Item(text(meant(line, 0, tab)), meant(line, tab + 1, line.length), -1);
  }

  private static int indexOf(byte[] line, char wanted, int from) {
    int at = from;
    while (at < line.length && line[at] != wanted) {
      at++;
    }
    return at < line.length ? at : -1;
  }

  private static String text(byte[] key) {
    String text = Values.text(key);
    if (text == null) {
      throw new IllegalArgumentException("has a key that is not UTF-8 text");
    }
    return text;
  }

  private static byte[] meant(byte[] line, int from, int to) {
    ByteArrayOutputStream meant = new ByteArrayOutputStream(to - from);
    for (int i = from; i < to; i++) {
      meant.write(line[i] == '\\' ? meant(++i < to ? line[i] : 0) : line[i]);
    }
    return meant.toByteArray();
  }

  private static int meant(byte escaped) {
    return switch (escaped) {
      case 't' -> '\t';
      case 'n' -> '\n';
      case '\\' -> '\\';
      default -> throw new IllegalArgumentException("has a backslash that escapes nothing");
    };
  }

  /// The line of a key.
  ///
  /// @throws Failure if it has no room for it
  void write(Entry<byte[]> entry, ByteArrayOutputStream to) {
    switch (this) {
      case LINES -> writeLine(entry, to);
      case TSV -> {
        writeEscaped(entry.key().getBytes(StandardCharsets.UTF_8), to);
        to.write('\t');
        writeEscaped(entry.value(), to);
      }
      case JSONL ->
          to.writeBytes(
              Values.put(Json.object().put("key", entry.key()), entry.value())
                  .toString()
                  .getBytes(StandardCharsets.UTF_8));
    }
    to.write('\n');
  }

  private static void writeLine(Entry<byte[]> entry, ByteArrayOutputStream to) {
    if (entry.value().length > 0 || entry.key().indexOf('\n') >= 0) {
      throw Failure.usage(
          null,
          "--lines has no room for "
              + (entry.value().length > 0 ? "the value of " : "the line break in ")
              + entry.key()
              + ": --tsv and --jsonl have");
    }
    to.writeBytes(entry.key().getBytes(StandardCharsets.UTF_8));
  }

  private static void writeEscaped(byte[] bytes, ByteArrayOutputStream to) {
    for (byte b : bytes) {
      switch (b) {
        case '\t' -> to.writeBytes(new byte[] {'\\', 't'});
        case '\n' -> to.writeBytes(new byte[] {'\\', 'n'});
        case '\\' -> to.writeBytes(new byte[] {'\\', '\\'});
        default -> to.write(b);
      }
    }
  }
}
