package dev.truce.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// One command run in this JVM, and all that it said.
record Captured(int status, String out, String err) {

  static Captured of(Path directory, Map<String, String> environment, String... args) {
    return fed(new byte[0], directory, environment, args);
  }

  /// The same of one that reads this from stdin.
  static Captured fed(
      byte[] input, Path directory, Map<String, String> environment, String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Console console =
        new Console(
            new ByteArrayInputStream(input),
            new PrintStream(out, true, UTF_8),
            new PrintStream(err, true, UTF_8),
            environment,
            directory);
    int status = Main.run(console, List.of(args));
    console.out().flush();
    return new Captured(status, out.toString(UTF_8), err.toString(UTF_8));
  }
}
