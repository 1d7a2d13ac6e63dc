package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.spi.Members.Membership;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A process is stopped, let go, and killed between every two steps that others could see: nobody
/// else waits for it, nothing is torn, and nothing that was acknowledged is missing.
final class YieldPointIT {
  private static final int SURVIVOR = 0;
  private static final int VICTIM = 1;

  /// So many swaps, joins and draws of the survivor while the victim stands still.
  private static final long PROGRESS = 300;

  @ParameterizedTest
  @EnumSource(value = Yield.class, mode = EnumSource.Mode.EXCLUDE, names = "JOURNAL_RECOVERED")
  @Timeout(300)
  void stoppedAndKilled_harmsNobody(Yield point, @TempDir Path temporary) throws Exception {
    Path root = temporary.resolve("root");
    Path acknowledged = temporary.resolve("acknowledged");
    try (FileEngine engine = FileEngine.open(root);
        Survivor survivor = new Survivor(engine, Victim.journal(acknowledged));
        Child victim =
            Child.start(
                List.of(
                    "-D" + Yield.PROPERTY + "=" + Victim.Hook.class.getName(), "-Dpoint=" + point),
                "work",
                root,
                VICTIM,
                acknowledged)) {
      victim.await("at " + point);
      survivor.awaitProgress();
      victim.signal("STOP");
      survivor.awaitProgress();
      victim.signal("CONT");
      victim.say("on");
      victim.await("at " + point);
      victim.kill();
      survivor.awaitProgress();
      Checker.check(engine.cells(), VICTIM, acknowledged);
      Scribe.check(engine.journal(Scribe.NAME), Victim.journal(acknowledged));
      assertVictimIsDead(engine);
    }
    assertWhole(root);
    Scribe.checkAfterAll(root, Victim.journal(acknowledged));
  }

  private static void assertVictimIsDead(FileEngine engine) {
    for (long member : engine.members().list()) {
      Optional<byte[]> description = engine.members().description(member);
      if (description.isPresent() && description.get().length == Victim.DESCRIPTION.length) {
        assertThat(engine.members().end(member)).isTrue();
      }
    }
  }

  private static void assertWhole(Path root) {
    try (FileEngine alone = FileEngine.existing(root)) {
      assertThat(alone.notes()).isEmpty();
      assertThat(Tally.of(alone.cells().read(Checker.key(0)).bytes()).counts()[SURVIVOR])
          .isPositive();
    }
    assertThat(root.toFile().list((_, name) -> name.endsWith(".tmp"))).isEmpty();
  }

  /// A thread that does everything, over and over, beside the victim.
  private static final class Survivor implements AutoCloseable {
    private final FileEngine engine;
    private final Scribe scribe;
    private final AtomicLong rounds = new AtomicLong();
    private final Thread thread;
    private volatile boolean open = true;
    private volatile Throwable failure;

    Survivor(FileEngine engine, Path acknowledged) {
      this.engine = engine;
      this.scribe = new Scribe(engine.journal(Scribe.NAME), acknowledged, "survivor");
      this.thread = Thread.ofPlatform().start(this::run);
    }

    private void run() {
      try {
        while (open) {
          try (Membership _ = engine.members().join(new byte[1])) {
            for (int key = 0; key < Checker.KEYS; key++) {
              Tally.increment(engine.cells(), Checker.key(key), SURVIVOR);
            }
          }
          String key = "survivor/" + rounds.incrementAndGet() % 50;
          engine.cells().swap(key, engine.cells().read(key), new byte[(int) (rounds.get() % 2000)]);
          if (rounds.get() % 16 == 0) {
            scribe.write(rounds.get(), 20_000);
          } else {
            scribe.append(rounds.get(), 10);
          }
        }
      } catch (Throwable e) {
        failure = e;
      }
    }

    void awaitProgress() throws InterruptedException {
      long target = rounds.get() + PROGRESS;
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (rounds.get() < target) {
        assertThat(failure).isNull();
        assertThat(System.nanoTime()).as("the survivor is blocked").isLessThan(deadline);
        Thread.onSpinWait();
        TimeUnit.MILLISECONDS.sleep(1);
      }
    }

    @Override
    public void close() {
      open = false;
      try {
        thread.join();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      assertThat(failure).isNull();
    }
  }
}
