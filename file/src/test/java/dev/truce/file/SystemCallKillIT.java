package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A process is killed by the kernel as a thread of it begins its Nth call of a kind, for each N up
/// to sixty: the root is whole, it opens, and everything that was acknowledged is there.
@Tag("full")
final class SystemCallKillIT {
  private static final int CALLS = Integer.getInteger("truce.calls", 60);

  /// A root is used so often before another one is made.
  private static final int LIVES = 10;

  /// A thread may not come to so many calls of a kind at all.
  private static final Duration LONG = Duration.ofSeconds(10);

  @ParameterizedTest
  @ValueSource(strings = {"fdatasync", "pwrite64", "futex"})
  @Timeout(3_600)
  void killedAtItsNthCall_nothingAcknowledgedIsLost(String call, @TempDir Path temporary)
      throws Exception {
    Tools.require("strace");
    int killed = 0;
    for (int n = 1; n <= CALLS; n++) {
      Path root = temporary.resolve("root-" + n / LIVES);
      int worker = n % LIVES;
      Path acknowledged = temporary.resolve("acknowledged-" + n);
      FileEngine.open(root).close();
      List<String> strace =
          List.of(
              "strace",
              "-f",
              "-qq",
              "-o",
              "/dev/null",
              "-e",
              "trace=" + call,
              "-e",
              "inject=" + call + ":signal=SIGKILL:when=" + n);
      try (Child child = Child.start(strace, List.of(), "work", root, worker, acknowledged)) {
        killed += child.endsWithin(LONG) ? 1 : 0;
      }
      assertThat(FileEngine.verify(root))
          .as("after %s %d", call, n)
          .matches(FileEngine.Verification::sound);
      try (FileEngine engine = FileEngine.existing(root)) {
        assertThat(engine.notes()).as("after %s %d", call, n).isEmpty();
        Checker.check(engine.cells(), worker, acknowledged);
        Scribe.check(engine.journal(Scribe.NAME), Victim.journal(acknowledged));
      }
    }
    System.out.println("killed at a " + call + ": " + killed + " of " + CALLS);
    assertThat(killed).isPositive();
  }
}
