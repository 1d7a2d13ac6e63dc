package dev.truce.index;

import java.io.Console;
import java.io.PrintStream;
import org.jspecify.annotations.Nullable;

/// How far a long work has come: a bar in a terminal, and nothing elsewhere.
final class Progress {
  private static final int WIDTH = 30;

  private final PrintStream err;
  private final boolean shown;
  private final String what;
  private final int all;
  private int last = -1;

  private Progress(PrintStream err, boolean shown, String what, int all) {
    this.err = err;
    this.shown = shown;
    this.what = what;
    this.all = all;
  }

  /// @param quiet whether the answer is for programs
  static Progress of(PrintStream err, boolean quiet, String what, int all) {
    return new Progress(err, !quiet && all > 0 && isTerminal(System.console()), what, all);
  }

  /// There is a console only where input and output are a terminal, or a test says so.
  private static boolean isTerminal(@Nullable Console terminal) {
    return terminal != null && terminal.isTerminal();
  }

  /// So many of them are done.
  synchronized void at(int done) {
    int thousandth = all == 0 ? 0 : (int) (1000L * done / all);
    if (shown && thousandth != last) {
      last = thousandth;
      int full = WIDTH * thousandth / 1000;
      String bar = "#".repeat(full) + ".".repeat(WIDTH - full);
      err.print("\r" + what + " [" + bar + "] " + done + "/" + all + " files ");
      err.flush();
    }
  }

  /// Takes the bar away.
  synchronized void clear() {
    if (shown) {
      last = -1;
      err.print("\r\033[K");
      err.flush();
    }
  }
}
