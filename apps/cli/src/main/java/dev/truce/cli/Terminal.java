package dev.truce.cli;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The terminal that the answer goes to, as a screen of its own: what stood there before comes back
/// when it is closed, and when the process is ended by a signal.
///
/// What to send is what every terminal of the last decades understands; what only the system can do
/// is asked of stty(1).
final class Terminal implements AutoCloseable {
  private static final Path TERMINAL = Path.of("/dev/tty");
  private static final Path OUT = Path.of("/proc/self/fd/1");
  private static final Path ERROR = Path.of("/proc/self/fd/2");

  private static final String ENTER = "\033[?1049h\033[?25l";
  private static final String LEAVE = "\033[?25h\033[?1049l";
  private static final String HOME = "\033[H";
  private static final String BOLD = "\033[1m";
  private static final String PLAIN = "\033[0m";
  private static final String END_OF_LINE = "\033[K";
  private static final String END_OF_SCREEN = "\033[J";

  private static final int USUAL_ROWS = 24;
  private static final int USUAL_COLUMNS = 80;

  private final Console console;
  private final FileInputStream keys;
  private final String settings;
  private final boolean bold;
  private final Thread onSignal = new Thread(this::restore, "truce-terminal");
  private boolean restored;

  private Terminal(Console console, FileInputStream keys, String settings) {
    this.console = console;
    this.keys = keys;
    this.settings = settings;
    this.bold = console.variable("NO_COLOR") == null;
  }

  /// The terminal, or null when the answer goes to a file or a pipe, or to one that is no screen.
  static @Nullable Terminal open(Console console) {
    String kind = console.variable("TERM");
    if (kind == null || kind.equals("dumb") || !isTerminal(OUT)) {
      return null;
    }
    try {
      String settings = stty("-g");
      Terminal terminal = new Terminal(console, new FileInputStream(TERMINAL.toFile()), settings);
      Runtime.getRuntime().addShutdownHook(terminal.onSignal);
      // A read answers after a tenth of a second, with or without a key.
      stty("-icanon", "-echo", "min", "0", "time", "1");
      terminal.send(ENTER);
      return terminal;
    } catch (IOException noTerminal) {
      return null;
    }
  }

  /// Whether what is said beside the answer is seen as it is said.
  static boolean isOnError() {
    return isTerminal(ERROR);
  }

  private static boolean isTerminal(Path descriptor) {
    try {
      String target = Files.readSymbolicLink(descriptor).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (IOException noProc) {
      return false;
    }
  }

  /// Shows these lines, as many as there is room for.
  ///
  /// @param title which of them is emphasised
  void show(List<String> lines, int title) {
    int[] size = size();
    int rows = Math.max(1, Math.min(lines.size(), size[0] - 1));
    StringBuilder screen = new StringBuilder(HOME);
    for (int i = 0; i < rows; i++) {
      String line = cut(lines.get(i), size[1]);
      screen.append(i == title && bold ? BOLD + line + PLAIN : line);
      screen.append(END_OF_LINE).append("\r\n");
    }
    send(screen.append(END_OF_SCREEN).append(cut("q quits", size[1])).toString());
  }

  private static String cut(String line, int columns) {
    return line.codePointCount(0, line.length()) <= columns
        ? line
        : line.substring(0, line.offsetByCodePoints(0, columns));
  }

  private static int[] size() {
    try {
      String[] words = stty("size").split(" ", -1);
      int rows = Integer.parseInt(words[0]);
      int columns = Integer.parseInt(words[1]);
      if (rows > 0 && columns > 0) {
        return new int[] {rows, columns};
      }
    } catch (IOException | RuntimeException unknown) {
      // one that does not know its size, such as a serial line
    }
    return new int[] {USUAL_ROWS, USUAL_COLUMNS};
  }

  /// Waits so long for somebody to press `q`, or to hang up.
  boolean isQuitWithin(Duration time) {
    long end = System.nanoTime() + time.toNanos();
    try {
      while (System.nanoTime() - end < 0) {
        int key = keys.read();
        if (key == 'q' || key == 'Q' || console.out().checkError()) {
          return true;
        }
      }
      return false;
    } catch (IOException hungUp) {
      return true;
    }
  }

  private void send(String text) {
    console.out().print(text);
    console.out().flush();
  }

  @Override
  public void close() {
    restore();
    Runtime.getRuntime().removeShutdownHook(onSignal);
    try {
      keys.close();
    } catch (IOException alreadyGone) {
      // as wanted
    }
  }

  private synchronized void restore() {
    if (!restored) {
      restored = true;
      send(LEAVE);
      try {
        stty(settings);
      } catch (IOException gone) {
        // nobody is left to see it
      }
    }
  }

  private static String stty(String... arguments) throws IOException {
    String[] command = new String[arguments.length + 1];
    command[0] = "stty";
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    Process stty =
        new ProcessBuilder(command)
            .redirectInput(TERMINAL.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      String said = new String(stty.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (stty.waitFor() != 0) {
        throw new IOException("no terminal");
      }
      return said.strip();
    } catch (InterruptedException ended) {
      throw new IOException(ended);
    }
  }
}
