package dev.truce.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/// The JSON index that the demo's processes share: one entry a line, replaced whole by a rename.
///
/// The first line says how many entries follow and the last one repeats it, so that a reader sees
/// whether what it read is one piece.
///
/// @param entries size and SHA-256 by path, in the order of the paths
record DemoIndex(TreeMap<String, Entry> entries) {
  /// What the index says of one file.
  record Entry(long size, String sha256) {
    static Entry of(Path file) throws IOException {
      byte[] content = Files.readAllBytes(file);
      return new Entry(content.length, HexFormat.of().formatHex(digester().digest(content)));
    }

    private static MessageDigest digester() {
      try {
        return MessageDigest.getInstance("SHA-256");
      } catch (NoSuchAlgorithmException impossible) {
        throw new IllegalStateException("every JDK has SHA-256", impossible);
      }
    }
  }

  /// That what was read is not one piece.
  static final class TornException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TornException(String message) {
      super(message);
    }
  }

  private static final String HEAD = "{\"schema\":\"truce.demo.index/1\",\"entries\":";
  private static final String PATH = "{\"path\":\"";
  private static final String SIZE = "\",\"size\":";
  private static final String SHA = ",\"sha256\":\"";

  /// @throws TornException if the file is not one whole index
  static DemoIndex read(Path file) throws IOException {
    String[] lines = Files.readString(file, StandardCharsets.UTF_8).split("\n", -1);
    try {
      return parse(lines);
    } catch (IndexOutOfBoundsException | NumberFormatException cut) {
      throw new TornException("the index ends in the middle of a line");
    }
  }

  private static DemoIndex parse(String[] lines) {
    int count = count(lines[0], HEAD, ",\"files\":[");
    if (count != lines.length - 3 || count != count(lines[count + 1], "],\"end\":", "}")) {
      throw new TornException("the index says " + count + " entries and has others");
    }
    TreeMap<String, Entry> entries = new TreeMap<>();
    for (int i = 1; i <= count; i++) {
      String line = lines[i];
      int size = line.indexOf(SIZE);
      int sha = line.indexOf(SHA, size);
      String path = unescape(line.substring(PATH.length(), size));
      long bytes = Long.parseLong(line.substring(size + SIZE.length(), sha));
      entries.put(
          path, new Entry(bytes, line.substring(sha + SHA.length(), sha + SHA.length() + 64)));
    }
    return new DemoIndex(entries);
  }

  private static int count(String line, String before, String after) {
    if (!line.startsWith(before) || !line.endsWith(after)) {
      throw new TornException("the index has a line that nobody wrote: " + line);
    }
    return Integer.parseInt(line.substring(before.length(), line.length() - after.length()));
  }

  /// Replaces the index: a reader sees the old one or the new one.
  void write(Path file, Path scratch) throws IOException {
    StringBuilder text = new StringBuilder(entries.size() * 160 + 100);
    text.append(HEAD).append(entries.size()).append(",\"files\":[\n");
    int left = entries.size();
    for (Map.Entry<String, Entry> entry : entries.entrySet()) {
      text.append(PATH).append(escape(entry.getKey())).append(SIZE).append(entry.getValue().size());
      text.append(SHA).append(entry.getValue().sha256()).append("\"}");
      text.append(--left > 0 ? ",\n" : "\n");
    }
    text.append("],\"end\":").append(entries.size()).append("}\n");
    Files.writeString(scratch, text, StandardCharsets.UTF_8);
    Files.move(scratch, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /// The lines that `sha256sum -c` reads.
  String sums() {
    StringBuilder text = new StringBuilder();
    entries.forEach((path, entry) -> {
      boolean odd = path.indexOf('\\') >= 0 || path.indexOf('\n') >= 0;
      String name = path.replace("\\", "\\\\").replace("\n", "\\n");
      text.append(odd ? "\\" : "").append(entry.sha256()).append("  ").append(name).append('\n');
    });
    return text.toString();
  }

  /// Text on one line, as JSON writes it.
  static String escape(String text) {
    StringBuilder escaped = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\' || c < 0x20) {
        escaped.append(String.format("\\u%04x", (int) c));
      } else {
        escaped.append(c);
      }
    }
    return escaped.toString();
  }

  static String unescape(String text) {
    int at = text.indexOf("\\u");
    if (at < 0) {
      return text;
    }
    StringBuilder plain = new StringBuilder(text.length());
    int from = 0;
    for (; at >= 0; at = text.indexOf("\\u", from)) {
      plain.append(text, from, at).append((char) Integer.parseInt(text, at + 2, at + 6, 16));
      from = at + 6;
    }
    return plain.append(text, from, text.length()).toString();
  }
}
