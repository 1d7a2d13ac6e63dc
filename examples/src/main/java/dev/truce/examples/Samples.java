package dev.truce.examples;

import dev.truce.Truce;
import dev.truce.lock.Grant;
import dev.truce.lock.Lease;
import dev.truce.lock.LockSet;
import dev.truce.lock.NotAcquiredException;
import dev.truce.memory.MemoryEngine;
import dev.truce.testkit.TestClock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// The samples of the documentation, between marks that the tests look for.
///
/// Each does its work on a directory it is given, and answers with what it saw.
final class Samples {
  private static final Duration TEN = Duration.ofSeconds(10);

  private Samples() {}

  private static long rebuilt;

  private static void rebuild(long token) {
    rebuilt = token;
  }

  static long readme(Path directory) throws InterruptedException {
    // sample: Readme
    try (Truce truce = Truce.open(directory);
        Grant grant = truce.lock("index").acquire(Duration.ofSeconds(10))) {
      rebuild(grant.token());
    }
    // end
    return rebuilt;
  }

  static boolean testClock() throws InterruptedException {
    boolean stands;
    // sample: TestClock
    TestClock clock = new TestClock();
    try (MemoryEngine memory = MemoryEngine.create(clock);
        Truce truce = Truce.over(memory)) {
      Lease lease = truce.lock("build").lease(Duration.ofMinutes(5), Duration.ZERO);
      clock.advance(Duration.ofMinutes(5));
      stands = lease.isValid(); // false, and no test has slept
    }
    // end
    return stands;
  }

  static boolean tryOnce(Truce truce) {
    Optional<Grant> now = truce.lock("index").tryAcquire();
    now.ifPresent(Grant::close);
    return now.isPresent();
  }

  static List<String> several(Truce truce) throws InterruptedException {
    try (LockSet.Held both = truce.locks(truce.lock("a"), truce.lock("b").read()).acquire(TEN)) {
      return List.copyOf(both.fence().tokens().keySet());
    }
  }

  static String whoHolds(Truce truce) throws InterruptedException {
    try (Grant _ = truce.lock("index").acquire(Duration.ZERO)) {
      return "nobody did";
    } catch (NotAcquiredException held) {
      return held.refusal().holder().map(holder -> holder.owner().name()).orElse("somebody");
    }
  }
}
