package dev.truce.benchmarks;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// A JVM beside this one, with the flags that a user's would have: `truce bench` itself is started
/// like every command, without the optimising compiler, and measures nothing in its own process.
///
/// They talk in lines. It ends when its standard input does, so none outlives this process.
final class Jvm implements AutoCloseable {
  /// LMDB's binding is at its best only with these.
  private static final List<String> PEERS =
      List.of(
          "--sun-misc-unsafe-memory-access=allow",
          "--add-opens=java.base/java.nio=ALL-UNNAMED",
          "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED");

  private final Process process;
  private final BufferedReader from;
  private final BufferedWriter to;

  private Jvm(Process process) {
    this.process = process;
    this.from = process.inputReader(StandardCharsets.UTF_8);
    this.to = process.outputWriter(StandardCharsets.UTF_8);
  }

  /// How it compiles what it does.
  enum Compiler {
    /// Like a service's. It has to be done by the end of a warm-up, however busy the machine is: it
    /// makes the same code as in the background, but those who wait for it wait.
    OPTIMISING("-XX:-BackgroundCompilation"),
    /// Like that of `truce` itself: for a crowd of JVMs, whose optimising compilers would keep a
    /// few cores busy for minutes.
    QUICK("-XX:TieredStopAtLevel=1");

    private final String flag;

    Compiler(String flag) {
      this.flag = flag;
    }
  }

  static Jvm start(Compiler compiler, Class<?> main, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(commandLine());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(PEERS);
    command.add(compiler.flag);
    command.add(main.getName());
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    return new Jvm(builder.start());
  }

  /// How a JVM is started plainly with the classes of this one.
  static List<String> commandLine() {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-cp",
        System.getProperty("java.class.path"));
  }

  long pid() {
    return process.pid();
  }

  void say(String line) throws IOException {
    to.write(line);
    to.newLine();
    to.flush();
  }

  /// The next line.
  ///
  /// @throws IOException if there is none, because the process ended
  String hear() throws IOException {
    String line = from.readLine();
    if (line == null) {
      throw new IOException("a measuring process ended before it was done; see above");
    }
    return line;
  }

  /// The next line, which has to begin with this word; what follows it.
  String hear(String word) throws IOException {
    String line = hear();
    if (!line.startsWith(word)) {
      throw new IOException("expected `" + word + "`, heard `" + line + "`");
    }
    return line.substring(word.length()).strip();
  }

  /// All lines until the process ends.
  List<String> hearOut() throws IOException, InterruptedException {
    List<String> lines = new ArrayList<>();
    for (String line = from.readLine(); line != null; line = from.readLine()) {
      lines.add(line);
    }
    int status = process.waitFor();
    if (status != 0) {
      throw new IOException("a measuring process ended with " + status + "; see above");
    }
    return lines;
  }

  /// With `SIGKILL`.
  void kill() {
    process.destroyForcibly();
  }

  @Override
  public void close() {
    try (from;
        to) {
      to.flush();
    } catch (IOException alreadyGone) {
      // it is to end, and it did
    }
    boolean interrupted = false;
    try {
      if (!process.waitFor(5, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException hurry) {
      process.destroyForcibly();
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
