package dev.truce.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.Truce;
import dev.truce.lock.History;
import dev.truce.lock.LockStatus;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Engine;
import dev.truce.testkit.TestClock;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import net.javacrumbs.shedlock.core.LockConfiguration;
import net.javacrumbs.shedlock.core.LockProvider;
import net.javacrumbs.shedlock.core.SimpleLock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What ShedLock asks of every provider, in memory and on a directory.
final class TruceLockProviderTest {
  private static final Duration AT_MOST = Duration.ofSeconds(10);
  private static final Duration AT_LEAST = Duration.ofSeconds(2);

  private final TestClock clock = new TestClock();
  private final MemoryEngine memory = MemoryEngine.create(clock);
  private final List<Truce> open = new ArrayList<>();
  private final TruceLockProvider provider = another();

  @AfterEach
  void close() {
    open.forEach(Truce::close);
  }

  private Truce truce() {
    Engine engine = memory.another();
    Truce truce = Truce.over(engine);
    open.add(truce);
    return truce;
  }

  /// The provider of another process.
  private TruceLockProvider another() {
    return new TruceLockProvider(truce());
  }

  private static LockConfiguration job(String name) {
    return job(name, Duration.ZERO);
  }

  private static LockConfiguration job(String name, Duration atLeast) {
    return new LockConfiguration(Instant.now(), name, AT_MOST, atLeast);
  }

  private static SimpleLock locked(LockProvider provider, String name) {
    return provider.lock(job(name)).orElseThrow();
  }

  private LockStatus status(String name) {
    return open.getFirst().lock(name).status();
  }

  // ---- every provider

  @Test
  void lock_free_isHeldUntilUnlocked() {
    SimpleLock lock = locked(provider, "job");
    assertThat(status("job").state()).isEqualTo(LockStatus.State.HELD);
    lock.unlock();
    assertThat(status("job").state()).isEqualTo(LockStatus.State.FREE);
  }

  @Test
  void lock_held_isNotHadAgainByAnybody() {
    SimpleLock lock = locked(provider, "job");
    assertThat(provider.lock(job("job"))).isEmpty();
    assertThat(another().lock(job("job"))).isEmpty();
    lock.unlock();
  }

  @Test
  void lock_twoNames_areIndependent() {
    SimpleLock one = locked(provider, "one");
    SimpleLock two = locked(provider, "two");
    one.unlock();
    assertThat(provider.lock(job("two"))).isEmpty();
    two.unlock();
  }

  @Test
  void lock_unlocked_isHadRightAfterByAnybody() {
    for (int round = 0; round < 3; round++) {
      locked(provider, "job").unlock();
      locked(another(), "job").unlock();
    }
  }

  @Test
  void lock_atMostIsOver_isHadByAnother_andUnlockingLateEndsNothing() {
    SimpleLock late = locked(provider, "job");
    clock.advance(AT_MOST.minusMillis(1));
    assertThat(another().lock(job("job"))).isEmpty();
    clock.advance(Duration.ofMillis(1));
    SimpleLock next = locked(another(), "job");

    late.unlock();

    assertThat(provider.lock(job("job"))).isEmpty();
    next.unlock();
  }

  @Test
  void lock_atLeast_isKeptFromEverybodyThoughItWasUnlocked() {
    provider.lock(job("job", AT_LEAST)).orElseThrow().unlock();
    assertThat(provider.lock(job("job"))).isEmpty();
    clock.advance(AT_LEAST.minusMillis(1));
    assertThat(another().lock(job("job"))).isEmpty();
    clock.advance(Duration.ofMillis(1));
    locked(another(), "job").unlock();
  }

  @Test
  void lock_atLeastIsOverBeforeItIsUnlocked_isFreeThen() {
    SimpleLock lock = provider.lock(job("job", AT_LEAST)).orElseThrow();
    clock.advance(AT_LEAST);
    assertThat(another().lock(job("job"))).isEmpty();
    lock.unlock();
    locked(another(), "job").unlock();
  }

  // ---- those that extend

  @Test
  void extend_held_lastsLonger() {
    SimpleLock lock = locked(provider, "job");
    clock.advance(AT_MOST.minusSeconds(1));
    SimpleLock extended = lock.extend(AT_MOST, Duration.ZERO).orElseThrow();
    clock.advance(AT_MOST.minusSeconds(1));
    assertThat(another().lock(job("job"))).isEmpty();
    extended.unlock();
    locked(another(), "job").unlock();
  }

  @Test
  void extend_shorter_endsSooner() {
    SimpleLock lock = locked(provider, "job");
    assertThat(lock.extend(Duration.ofSeconds(1), Duration.ZERO)).isPresent();
    clock.advance(Duration.ofSeconds(1));
    locked(another(), "job").unlock();
  }

  @Test
  void extend_atLeast_isKeptFromEverybodyThoughItWasUnlocked() {
    SimpleLock lock = locked(provider, "job");
    lock.extend(Duration.ofHours(2), Duration.ofHours(1)).orElseThrow().unlock();
    clock.advance(Duration.ofMinutes(59));
    assertThat(another().lock(job("job"))).isEmpty();
    clock.advance(Duration.ofMinutes(1));
    locked(another(), "job").unlock();
  }

  @Test
  void extend_over_isRefused() {
    SimpleLock lock = locked(provider, "job");
    clock.advance(AT_MOST);
    assertThat(lock.extend(AT_MOST, Duration.ZERO)).isEmpty();
  }

  @Test
  void extend_anothersByNow_isRefusedAndTheirsStands() {
    SimpleLock lock = locked(provider, "job");
    clock.advance(AT_MOST);
    SimpleLock theirs = locked(another(), "job");
    assertThat(lock.extend(AT_MOST, Duration.ZERO)).isEmpty();
    assertThat(theirs.extend(AT_MOST, Duration.ZERO)).isPresent();
  }

  @Test
  void extend_unlocked_isAnError() {
    SimpleLock lock = locked(provider, "job");
    lock.unlock();
    assertThatThrownBy(() -> lock.extend(AT_MOST, Duration.ZERO))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(lock::unlock).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void extend_twiceByTheSameObject_isAnError() {
    SimpleLock lock = locked(provider, "job");
    SimpleLock extended = lock.extend(AT_MOST, Duration.ZERO).orElseThrow();
    assertThatThrownBy(() -> lock.extend(AT_MOST, Duration.ZERO))
        .isInstanceOf(IllegalStateException.class);
    extended.unlock();
  }

  // ---- those that store

  @Test
  void lock_madeBeforeThisProvider_isRespectedByIt() {
    assertThat(truce().lock("job").tryAcquire()).isPresent();
    assertThat(another().lock(job("job"))).isEmpty();
  }

  @Test
  void lock_itsProcessEnds_standsAndIsPutDown() {
    Truce ending = truce();
    locked(new TruceLockProvider(ending), "job");
    ending.close();

    assertThat(provider.lock(job("job"))).isEmpty();
    clock.advance(AT_MOST);
    locked(provider, "job").unlock();
    assertThat(open.getFirst().history().entries())
        .extracting(History.Entry::kind)
        .containsExactly(
            History.Kind.LEASED, History.Kind.EXPIRED, History.Kind.LEASED, History.Kind.RELEASED);
  }

  // ---- many

  @Test
  @Timeout(60)
  void lock_eightThreadsInMemory_loseNoUpdate() throws Exception {
    fuzz(8, 25, provider, another());
  }

  @Test
  @Timeout(60)
  void lock_eightThreadsOnADirectory_loseNoUpdate(@TempDir Path directory) throws Exception {
    try (Truce one = Truce.open(directory.resolve("root"));
        Truce two = Truce.open(directory.resolve("root"))) {
      fuzz(8, 10, new TruceLockProvider(one), new TruceLockProvider(two));
    }
  }

  private long counter;

  private void fuzz(int threads, int each, TruceLockProvider... providers) throws Exception {
    try (ExecutorService team = Executors.newFixedThreadPool(threads)) {
      List<Future<?>> parts = new ArrayList<>();
      for (int thread = 0; thread < threads; thread++) {
        TruceLockProvider mine = providers[thread % providers.length];
        parts.add(team.submit(() -> count(mine, each)));
      }
      for (Future<?> part : parts) {
        part.get(30, TimeUnit.SECONDS);
      }
    }
    assertThat(counter).isEqualTo((long) threads * each);
  }

  private void count(TruceLockProvider mine, int times) {
    for (int counted = 0; counted < times; ) {
      Optional<SimpleLock> lock = mine.lock(job("counter"));
      if (lock.isPresent()) {
        long before = counter;
        Thread.onSpinWait();
        counter = before + 1;
        counted++;
        lock.get().unlock();
      }
    }
  }
}
