package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.testkit.Replay;
import dev.truce.testkit.Seed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/// All processes are killed in one moment, again and again: the root is whole before anybody opens
/// it, it opens, and everything that was acknowledged is there.
@ExtendWith(Replay.class)
final class KillAllIT implements Replay.Seeded {
  private static final int ROOTS = Boolean.getBoolean("truce.full") ? 20 : 1;
  private static final int WRITERS = 3;
  private static final int ROUNDS = Tally.WORKERS / WRITERS;
  private static final int LATEST_MILLIS = 1_500;

  private final Seed seed = Seed.choose();

  @Override
  public Seed seed() {
    return seed;
  }

  @Test
  @Timeout(600)
  void everybodyKilledAtOnce_nothingAcknowledgedIsLost(@TempDir Path temporary) throws Exception {
    for (int i = 0; i < ROOTS; i++) {
      Path root = temporary.resolve("root-" + i);
      FileEngine.open(root).close();
      SplittableRandom random = seed.random("root " + i);
      List<Path> acknowledged = new ArrayList<>();
      for (int round = 0; round < ROUNDS; round++) {
        acknowledged.addAll(killedAll(root, random, round * WRITERS));
        assertThat(FileEngine.verify(root)).matches(FileEngine.Verification::sound);
        try (FileEngine engine = FileEngine.existing(root)) {
          assertThat(engine.notes()).isEmpty();
          for (int writer = 0; writer < acknowledged.size(); writer++) {
            Checker.check(engine.cells(), writer, acknowledged.get(writer));
            Scribe.check(engine.journal(Scribe.NAME), Victim.journal(acknowledged.get(writer)));
          }
        }
        assertThat(FileEngine.verify(root)).matches(FileEngine.Verification::sound);
      }
      for (Path each : acknowledged) {
        Scribe.checkAfterAll(root, Victim.journal(each));
      }
    }
  }

  /// Lets writers loose and kills them all with one signal; answers where they noted what they were
  /// promised.
  private static List<Path> killedAll(Path root, SplittableRandom random, int first) {
    List<Child> writers = new ArrayList<>();
    List<Path> acknowledged = new ArrayList<>();
    try {
      for (int writer = first; writer < first + WRITERS; writer++) {
        Path log = root.resolveSibling(root.getFileName() + "-acknowledged-" + writer);
        acknowledged.add(log);
        writers.add(Child.start(List.of(), "work", root, writer, log));
      }
      writers.forEach(writer -> writer.await("ready"));
      TimeUnit.MILLISECONDS.sleep(random.nextInt(LATEST_MILLIS));
      Child.killTogether(writers);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    } finally {
      writers.forEach(Child::close);
    }
    return acknowledged;
  }
}
