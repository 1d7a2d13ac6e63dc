package dev.truce.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// What the launcher runs once after a build, so that the JVM remembers the loaded and linked
/// classes of everyday commands. Works on a root of its own, which it removes.
public final class Training {

  private Training() {}

  /// Runs the commands that should start fast.
  public static void main(String[] args) throws IOException {
    Path scratch = Files.createTempDirectory("truce-training");
    try {
      train(new Console(InputStream.nullInputStream(), nowhere(), nowhere(), Map.of(), scratch));
    } finally {
      try (Stream<Path> files = Files.walk(scratch)) {
        files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
      }
    }
  }

  private static PrintStream nowhere() {
    return new PrintStream(OutputStream.nullOutputStream());
  }

  private static void train(Console console) throws IOException {
    // The real one is asked for nothing: the root must be the one made here.
    Console real = Console.system();
    real.out().flush();
    expect(0, console, "init");
    Keeper.rehearse(console, List.of("-w", "1.5", "--reason", "training", "a", "--read", "b"));
    Keeper.rehearse(console, List.of("a"));
    expect(0, console, "ls");
    expect(0, console, "why", "a");
    expect(0, console, "stats", "a");
    expect(Failure.MOVED_ON, console, "check", "a", "--token", "1");
    expect(0, console, "acquire", "a", "--ttl", "1m");
    expect(0, console, "revoke", "a", "--reason", "training");
    expect(0, console, "history");
    expect(0, console, "history", "a", "--traffic", "--on");
    Keeper.rehearse(console, List.of("a"));
    expect(0, console, "history", "--traffic");
    expect(0, console, "store", "put", "s", "k", "v");
    expect(0, console, "store", "put", "s", "k", "v", "--if-revision", "1");
    expect(Failure.MOVED_ON, console, "store", "put", "s", "k", "v", "--if-revision", "1");
    expect(0, console, "store", "get", "s", "k");
    expect(1, console, "store", "get", "s", "none");
    expect(0, console, "store", "ls", "s");
    expect(0, console, "store", "log", "s");
    expect(0, console, "store", "rm", "s", "k");
    expect(0, console, "help");
    expect(0, console, "--version");
    expect(Failure.USAGE, console, "lock", "a");
  }

  private static void expect(int status, Console console, String... command) {
    if (Main.run(console, List.of(command)) != status) {
      throw new IllegalStateException("the training run failed: " + List.of(command));
    }
  }
}
