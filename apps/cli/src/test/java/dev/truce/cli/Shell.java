package dev.truce.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// Shell lines as people write them, in a directory of their own, with `truce` on the path.
final class Shell {
  private static final long LIVENESS_SECONDS = 20;

  private final Path directory;
  private int calls;

  Shell(Path directory) {
    this.directory = directory;
  }

  /// What came of a line.
  record Result(int status, String out, String err) {}

  /// A line that is running.
  record Line(Process process, Path out, Path err) {
    long pid() {
      return process.pid();
    }

    Result result() throws Exception {
      return result(1);
    }

    /// The same of a line that takes so many steps.
    Result result(int steps) throws Exception {
      if (!process.waitFor(LIVENESS_SECONDS * steps, TimeUnit.SECONDS)) {
        throw new AssertionError("still running: " + process.info() + ", said " + said());
      }
      return new Result(process.exitValue(), Files.readString(out), Files.readString(err));
    }

    String said() throws IOException {
      return Files.readString(out) + Files.readString(err);
    }

    void signal(String name) throws Exception {
      kill(name, pid());
    }

    void type(String keys) throws IOException {
      OutputStream keyboard = process.getOutputStream();
      keyboard.write(keys.getBytes(UTF_8));
      keyboard.flush();
    }
  }

  /// Starts `bash -c line`; with `exec` before a command, the command has the pid.
  Line start(String line) throws IOException {
    Path out = directory.resolve("out-" + ++calls);
    Path err = directory.resolve("err-" + calls);
    ProcessBuilder builder =
        new ProcessBuilder("bash", "-c", line)
            .directory(directory.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("TRUCE_"));
    builder.environment().put("PATH", Installed.TRUCE.getParent() + ":" + System.getenv("PATH"));
    return new Line(builder.start(), out, err);
  }

  Result run(String line) throws Exception {
    return run(line, 1);
  }

  /// The same of a line that takes so many steps.
  Result run(String line, int steps) throws Exception {
    Line started = start(line);
    started.process().getOutputStream().close();
    return started.result(steps);
  }

  /// The answer of a line that has to succeed.
  String out(String line) throws Exception {
    Result result = run(line);
    if (result.status() != 0) {
      throw new AssertionError(line + " failed: " + result);
    }
    return result.out();
  }

  /// Waits until so many wait for a lock of the root in this directory. Looks at it from here: a
  /// process for each look would be most of what the machine does.
  void awaitWaiting(String lock, int many) throws Exception {
    String wanted = "\"waiting\":" + many + ",";
    await(
        many + " wait for " + lock,
        () -> Captured.of(directory, Map.of(), "why", lock, "--json").out().contains(wanted));
  }

  /// Whether this machine has a program.
  static boolean has(String program) {
    return Stream.of(System.getenv("PATH").split(":", -1))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
  }

  static void kill(String signal, long pid) throws Exception {
    new ProcessBuilder("kill", "-s", signal, Long.toString(pid)).start().waitFor();
  }

  static boolean lives(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      return "ZX".indexOf(stat.charAt(stat.lastIndexOf(')') + 2)) < 0;
    } catch (IOException gone) {
      return false;
    }
  }

  /// Waits until it holds: as long as anything may take that works at all.
  static void await(String what, Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIVENESS_SECONDS);
    while (!condition.call()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("never came true: " + what);
      }
      Thread.onSpinWait();
      TimeUnit.MILLISECONDS.sleep(5);
    }
  }
}
