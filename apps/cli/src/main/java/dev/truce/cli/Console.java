package dev.truce.cli;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What a command sees of the outside: its streams, its environment, its working directory.
record Console(
    InputStream in,
    PrintStream out,
    PrintStream err,
    Map<String, String> environment,
    Path directory) {

  static Console system() {
    return system(System.out);
  }

  static Console system(PrintStream out) {
    return new Console(System.in, out, System.err, System.getenv(), Path.of("").toAbsolutePath());
  }

  /// Prints a line of the answer.
  void print(String line) {
    out.print(line);
    out.print('\n');
  }

  /// Prints a line beside the answer, in one write, so that lines of several processes stay whole.
  void error(String line) {
    byte[] whole = (line + '\n').getBytes(StandardCharsets.UTF_8);
    err.write(whole, 0, whole.length);
    err.flush();
  }

  /// Shows how far something is, in place of what was shown before; for a terminal.
  void progress(String line) {
    err.print("\r\033[K" + line);
    err.flush();
  }

  void trace(Throwable cause) {
    cause.printStackTrace(err);
  }

  /// The variable, unless it is unset or empty.
  @Nullable String variable(String name) {
    String value = environment.get(name);
    return value == null || value.isEmpty() ? null : value;
  }

  /// What this machine calls itself, without asking a name service.
  static String host() {
    try (FileInputStream name = new FileInputStream("/proc/sys/kernel/hostname")) {
      return new String(name.readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException noProc) {
      return "localhost";
    }
  }
}
