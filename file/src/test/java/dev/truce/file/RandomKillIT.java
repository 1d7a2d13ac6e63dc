package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Processes are stopped and killed at random moments while all of them change the same cells.
final class RandomKillIT {
  private static final int WORKERS = 3;
  private static final int KILLS = Boolean.getBoolean("truce.full") ? 200 : 8;

  @Test
  @Timeout(300)
  void killedAtRandom_nothingAcknowledgedIsLost(@TempDir Path temporary) throws Exception {
    Path root = temporary.resolve("root");
    long seed = Long.getLong("truce.seed", System.nanoTime());
    Random random = new Random(seed);
    List<Child> children = new ArrayList<>();
    int next = 0;
    FileEngine.open(root).close();
    try {
      while (next < WORKERS) {
        children.add(start(root, temporary, next++));
      }
      // Who comes later may be killed before it has begun; of nobody's work nothing can be lost.
      children.forEach(child -> child.await("at work"));
      for (int kill = 0; kill < KILLS; kill++) {
        Child victim = children.get(random.nextInt(children.size()));
        Child stopped = children.get(random.nextInt(children.size()));
        stopped.signal("STOP");
        TimeUnit.MILLISECONDS.sleep(random.nextInt(100));
        victim.kill();
        stopped.signal("CONT");
        children.remove(victim);
        children.add(start(root, temporary, next++ % Tally.WORKERS));
        TimeUnit.MILLISECONDS.sleep(random.nextInt(200));
      }
    } finally {
      children.forEach(Child::close);
    }
    try (FileEngine engine = FileEngine.existing(root)) {
      assertThat(engine.notes()).as("seed %d", seed).isEmpty();
      for (int worker = 0; worker < Math.min(next, Tally.WORKERS); worker++) {
        Checker.check(engine.cells(), worker, log(temporary, worker));
        Scribe.check(engine.journal(Scribe.NAME), Victim.journal(log(temporary, worker)));
      }
    }
  }

  private static Child start(Path root, Path temporary, int worker) {
    Child child = Child.start(List.of(), "work", root, worker, log(temporary, worker));
    child.await("ready");
    return child;
  }

  private static Path log(Path temporary, int worker) {
    return temporary.resolve("acknowledged-" + worker);
  }
}
