package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A process that commits is killed by the kernel as a thread of it begins its Nth call of a kind,
/// for each N up to sixty: the root is whole, and every commit that was answered is there, once.
@Tag("full")
final class StoreKillIT {
  /// More than any process calls.
  private static final long NUMBERS = 10_000_000;

  @ParameterizedTest
  @ValueSource(strings = {"fdatasync", "pwrite64", "futex"})
  @Timeout(3_600)
  void killedAtItsNthCall_noCommitThatWasAnsweredIsLost(String call, @TempDir Path temporary)
      throws Exception {
    Tools.require("strace");
    int killed = 0;
    List<Path> logs = new ArrayList<>();
    for (int n = 1; n <= Strace.CALLS; n++) {
      Path root = temporary.resolve("root-" + n / Strace.LIVES);
      Path folder = Files.createDirectories(temporary.resolve("logs-" + n / Strace.LIVES));
      if (n % Strace.LIVES == 0) {
        logs.clear();
      }
      String before = String.join(":", logs.stream().map(Path::toString).toList());
      logs.add(folder.resolve("log-" + n));
      FileEngine.open(root).close();
      killed += Strace.killed(call, n, "commit", root, logs.getLast(), n * NUMBERS, before) ? 1 : 0;
      StoreHistory.check(root, logs);
    }
    System.out.println("killed at a " + call + ": " + killed + " of " + Strace.CALLS);
    assertThat(killed).isPositive();
  }
}
