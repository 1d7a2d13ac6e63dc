package dev.truce.cli;

import java.io.PrintStream;

/// Where the launcher enters. Only this class ends the process.
public final class Main {

  private static final int USAGE = 64;

  private Main() {}

  /// Runs one command and exits with its status.
  public static void main(String[] args) {
    int status = run(System.out, System.err, args);
    System.out.flush();
    System.exit(status);
  }

  /// Runs one command and answers with its exit status.
  static int run(PrintStream out, PrintStream err, String... args) {
    if (args.length == 1 && args[0].equals("--version")) {
      out.println("truce " + Version.TEXT);
      return 0;
    }
    err.println("usage: truce --version");
    return USAGE;
  }
}
