package dev.truce.cli;

import java.io.OutputStream;
import java.io.PrintStream;

/// What the launcher runs once after a build, so that the JVM remembers the loaded and linked
/// classes of everyday commands. Touches nothing outside the process.
public final class Training {

  private Training() {}

  /// Runs the commands that should start fast.
  public static void main(String[] args) {
    PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
    int version = Main.run(nowhere, nowhere, "--version");
    int help = Main.run(nowhere, nowhere, "help");
    int usage = Main.run(nowhere, nowhere);
    if (version != 0 || help < 0 || usage < 0) {
      throw new IllegalStateException("the training run failed");
    }
  }
}
