package dev.truce.file;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.Arrays;

/// Programs of the machine that the long runs need.
final class Tools {
  private Tools() {}

  /// Fails, and says how to get them, unless all of these are there.
  static void require(String... programs) throws IOException, InterruptedException {
    for (String program : programs) {
      if (run("sh", "-c", "command -v " + program).exit != 0) {
        throw new AssertionError(program + " is missing; .ci/install installs it");
      }
    }
  }

  /// What a program said, on both streams, and how it ended.
  record Ran(int exit, String output) {}

  static Ran run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    return new Ran(process.waitFor(), output);
  }

  /// Runs a program that has to succeed.
  static void must(String... command) throws IOException, InterruptedException {
    Ran ran = run(command);
    if (ran.exit != 0) {
      throw new AssertionError(Arrays.toString(command) + " failed: " + ran.output);
    }
  }
}
