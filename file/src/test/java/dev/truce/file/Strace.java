package dev.truce.file;

import java.time.Duration;
import java.util.List;

/// A process that the kernel kills as a thread of it begins its Nth call of a kind.
final class Strace {
  /// N goes up to this.
  static final int CALLS = Integer.getInteger("truce.calls", 60);

  /// A root is used so often before another one is made.
  static final int LIVES = 10;

  /// A thread may not come to so many calls of a kind at all.
  private static final Duration LONG = Duration.ofSeconds(10);

  private Strace() {}

  /// Runs [Victim] with these arguments until it is killed at its Nth call, and answers whether it
  /// was, or ended before.
  static boolean killed(String call, int n, Object... arguments) throws InterruptedException {
    String injected = "inject=" + call + ":signal=SIGKILL:when=" + n;
    List<String> strace =
        List.of("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e", injected);
    try (Child child = Child.start(strace, List.of(), arguments)) {
      return child.endsWithin(LONG);
    }
  }
}
