package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Truce;
import dev.truce.lock.Grant;
import dev.truce.lock.LockStatus;
import dev.truce.lock.NamedLock;
import dev.truce.lock.NotAcquiredException;
import dev.truce.testkit.CancellationContract;
import dev.truce.testkit.EngineUnderTest;
import dev.truce.testkit.Seed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Acquires that are cut at every step, over a directory; and what a great many of them leave open.
final class FileCancellationIT extends CancellationContract {
  private static final boolean FULL = Boolean.getBoolean("truce.full");
  private static final int CYCLES = FULL ? 1_000_000 : 30_000;
  private static final Duration LONG = Duration.ofMinutes(1);

  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new OnTestClock();
  }

  @Override
  protected int stride() {
    return FULL ? 1 : 5;
  }

  @Test
  void descriptors_overManyCycles_areAsManyAsBefore(@TempDir Path temporary) throws Exception {
    try (Truce mine = Truce.open(temporary.resolve("root"));
        Truce theirs = Truce.open(temporary.resolve("root"))) {
      for (int cycle = 0; cycle < 2_000; cycle++) {
        cycle(mine, theirs, cycle);
      }
      long before = descriptors();
      for (int cycle = 0; cycle < CYCLES; cycle++) {
        cycle(mine, theirs, cycle);
      }
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
      while (descriptors() != before) { // a thread in the background may have one open
        assertThat(System.nanoTime()).as("%d instead of %d", descriptors(), before).isLessThan(end);
        LockSupport.parkNanos(1_000_000);
      }
      assertThat(theirs.status()).isEmpty();
    }
  }

  /// One that is had, one that is refused, and now and then one that waits and is cut short, and a
  /// lease, which is flushed.
  private static void cycle(Truce mine, Truce theirs, int cycle) throws Exception {
    NamedLock lock = mine.lock("n" + cycle % 100);
    try (Grant _ = (cycle % 2 == 0 ? lock : lock.read()).acquire(LONG)) {
      NamedLock other = theirs.lock(lock.name());
      assertThat(other.write().tryAcquire()).isEmpty();
      if (cycle % 50 == 0) {
        cancelled(other);
        timedOut(other);
      }
    }
    if (cycle % 1_000 == 0) {
      lock.lease(LONG, Duration.ZERO).release();
    }
  }

  private static void cancelled(NamedLock lock) {
    CompletableFuture<Grant> waiting = lock.acquireAsync(LONG);
    untilWaiting(lock, 1);
    waiting.cancel(true);
    untilWaiting(lock, 0);
  }

  private static void timedOut(NamedLock lock) throws InterruptedException {
    try {
      lock.acquire(Duration.ofNanos(10_000)).close();
      throw new AssertionError(lock + " was had twice");
    } catch (NotAcquiredException refused) {
      assertThat(refused.refusal().lock()).isEqualTo(lock.name());
    }
  }

  private static void untilWaiting(NamedLock lock, int waiting) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    LockStatus status = lock.status();
    while (status.waiting() != waiting) {
      assertThat(System.nanoTime()).as(status.toString()).isLessThan(end);
      LockSupport.parkNanos(10_000);
      status = lock.status();
    }
  }

  private static long descriptors() throws IOException {
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      return open.count();
    }
  }
}
