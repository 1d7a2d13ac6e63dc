package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A process is killed by the kernel as a thread of it begins its Nth call of a kind, for each N up
/// to sixty: the root is whole, it opens, and everything that was acknowledged is there.
@Tag("full")
final class SystemCallKillIT {
  @ParameterizedTest
  @ValueSource(strings = {"fdatasync", "pwrite64", "futex"})
  @Timeout(3_600)
  void killedAtItsNthCall_nothingAcknowledgedIsLost(String call, @TempDir Path temporary)
      throws Exception {
    Tools.require("strace");
    int killed = 0;
    for (int n = 1; n <= Strace.CALLS; n++) {
      Path root = temporary.resolve("root-" + n / Strace.LIVES);
      int worker = n % Strace.LIVES;
      Path acknowledged = temporary.resolve("acknowledged-" + n);
      FileEngine.open(root).close();
      killed += Strace.killed(call, n, "work", root, worker, acknowledged) ? 1 : 0;
      assertThat(FileEngine.verify(root))
          .as("after %s %d", call, n)
          .matches(FileEngine.Verification::sound);
      try (FileEngine engine = FileEngine.existing(root)) {
        assertThat(engine.notes()).as("after %s %d", call, n).isEmpty();
        Checker.check(engine.cells(), worker, acknowledged);
        Scribe.check(engine.journal(Scribe.NAME), Victim.journal(acknowledged));
      }
    }
    System.out.println("killed at a " + call + ": " + killed + " of " + Strace.CALLS);
    assertThat(killed).isPositive();
  }
}
