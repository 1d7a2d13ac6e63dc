package dev.truce.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.Truce;
import dev.truce.lock.LockStatus;
import dev.truce.memory.MemoryEngine;
import dev.truce.testkit.TestClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.ConcurrentModificationException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.integration.support.locks.DistributedLock;

/// What Spring Integration's own registries are tested for, one process and two.
@SuppressWarnings("LockNotBeforeTry") // when a lock is given back is what the tests are about
final class TruceLockRegistryTest {
  private static final Duration TTL = Duration.ofSeconds(10);
  private static final Duration LIVENESS = Duration.ofSeconds(10);

  private final TestClock clock = new TestClock();
  private final MemoryEngine memory = MemoryEngine.create(clock);
  private final List<Truce> open = new ArrayList<>();
  private final TruceLockRegistry registry = another();
  private final TruceLockRegistry other = another();
  private final ExecutorService elsewhere = Executors.newSingleThreadExecutor();

  @AfterEach
  void close() {
    elsewhere.shutdownNow();
    open.forEach(Truce::close);
  }

  private TruceLockRegistry another() {
    Truce truce = Truce.over(memory.another());
    open.add(truce);
    return new TruceLockRegistry(truce, TTL, 2);
  }

  /// On the one other thread of these tests.
  private <T> T there(Callable<T> what) throws Exception {
    try {
      return elsewhere.submit(what).get(LIVENESS.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException failed) {
      throw failed.getCause() instanceof Exception cause ? cause : failed;
    }
  }

  private static boolean unlocked(Lock lock) {
    lock.unlock();
    return true;
  }

  private boolean free(Object key) throws Exception {
    return there(() -> {
      Lock lock = other.obtain(key);
      return lock.tryLock() && unlocked(lock);
    });
  }

  private static void until(BooleanSupplier so) {
    long end = System.nanoTime() + LIVENESS.toNanos();
    while (!so.getAsBoolean()) {
      assertThat(System.nanoTime()).isLessThan(end);
      LockSupport.parkNanos(100_000);
    }
  }

  private LockStatus status(String name) {
    return open.getFirst().lock(name).status();
  }

  // ---- one thread

  @Test
  void lock_inEveryWay_isHeldUntilUnlocked() throws Exception {
    DistributedLock lock = registry.obtain("foo");
    List<Callable<Boolean>> ways =
        List.of(
            () -> {
              lock.lock();
              return true;
            },
            () -> {
              lock.lockInterruptibly();
              return true;
            },
            () -> {
              lock.lock(TTL);
              return true;
            },
            lock::tryLock,
            () -> lock.tryLock(0, TimeUnit.SECONDS),
            () -> lock.tryLock(Duration.ZERO, TTL));
    for (Callable<Boolean> way : ways) {
      assertThat(way.call()).isTrue();
      assertThat(free("foo")).isFalse();
      for (Callable<Boolean> again : ways) {
        assertThat(again.call()).isTrue();
      }
      for (int left = ways.size(); left >= 0; left--) {
        assertThat(free("foo")).isFalse();
        lock.unlock();
      }
      assertThat(free("foo")).isTrue();
    }
  }

  @Test
  void obtain_sameKey_isReentrantAcrossCalls() throws Exception {
    registry.obtain("foo").lock();
    assertThat(registry.obtain("foo").tryLock()).isTrue();
    assertThat(registry.obtain("foo")).isSameAs(registry.obtain("foo"));
    registry.obtain("foo").unlock();
    assertThat(free("foo")).isFalse();
    registry.obtain("foo").unlock();
    assertThat(free("foo")).isTrue();
  }

  @Test
  void obtain_twoKeys_areTwoLocks() throws Exception {
    Lock foo = registry.obtain("foo");
    Lock bar = registry.obtain("bar");
    foo.lock();
    bar.lock();
    foo.unlock();
    assertThat(free("foo")).isTrue();
    assertThat(free("bar")).isFalse();
    bar.unlock();
  }

  // ---- two threads, two registries

  @Test
  void lock_twoThreads_theSecondWaits() throws Exception {
    for (TruceLockRegistry theirs : List.of(registry, other)) {
      Lock lock = registry.obtain("foo");
      lock.lock();
      Future<Boolean> waiting =
          elsewhere.submit(() -> {
            theirs.obtain("foo").lock();
            return unlocked(theirs.obtain("foo"));
          });
      until(() -> status("foo").waiting() == 1);
      assertThat(waiting.isDone()).isFalse();
      lock.unlock();
      assertThat(waiting.get(LIVENESS.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void lockInterruptibly_interruptedWhileWaiting_leavesNothingBehind() throws Exception {
    registry.obtain("foo").lock();
    Future<Boolean> waiting =
        elsewhere.submit(() -> {
          other.obtain("foo").lockInterruptibly();
          return true;
        });
    until(() -> status("foo").waiting() == 1);
    waiting.cancel(true);
    until(() -> status("foo").waiting() == 0);
    registry.obtain("foo").unlock();
    assertThat(free("foo")).isTrue();
  }

  @Test
  void unlock_byAnotherThread_isRefused() throws Exception {
    Lock lock = registry.obtain("foo");
    lock.lock();
    assertThatThrownBy(() -> there(() -> unlocked(lock)))
        .isInstanceOf(IllegalMonitorStateException.class);
    assertThat(free("foo")).isFalse();
    lock.unlock();
    assertThatThrownBy(lock::unlock).isInstanceOf(IllegalMonitorStateException.class);
  }

  @Test
  void tryLock_timeIsOver_isFalse() throws Exception {
    registry.obtain("foo").lock();
    Future<Boolean> waiting =
        elsewhere.submit(() -> other.obtain("foo").tryLock(1, TimeUnit.SECONDS));
    until(() -> status("foo").waiting() == 1);
    clock.advance(Duration.ofSeconds(1));
    assertThat(waiting.get(LIVENESS.toSeconds(), TimeUnit.SECONDS)).isFalse();
    registry.obtain("foo").unlock();
  }

  @Test
  void executeLocked_heldElsewhere_runsNothingAndTimesOut() throws Exception {
    CountDownLatch ran = new CountDownLatch(1);
    there(() -> {
      other.obtain("foo").lock();
      return true;
    });
    assertThatThrownBy(() -> registry.executeLocked("foo", Duration.ZERO, () -> ran.countDown()))
        .isInstanceOf(TimeoutException.class);
    there(() -> unlocked(other.obtain("foo")));
    assertThat(registry.<String, RuntimeException>executeLocked("foo", () -> "done"))
        .isEqualTo("done");
    assertThat(ran.getCount()).isOne();
    assertThat(free("foo")).isTrue();
  }

  /// What the tests with different clients ask: of many at once, each gets it, one at a time.
  @Test
  void lock_manyThreadsOfTwoRegistries_loseNoCount() throws Exception {
    int[] plain = new int[1];
    List<Thread> threads = new ArrayList<>();
    for (int thread = 0; thread < 8; thread++) {
      TruceLockRegistry mine = thread % 2 == 0 ? registry : other;
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int round = 0; round < 100; round++) {
                  Lock lock = mine.obtain("counter");
                  lock.lock();
                  try {
                    plain[0]++;
                  } finally {
                    lock.unlock();
                  }
                }
              }));
    }
    for (Thread thread : threads) {
      assertThat(thread.join(LIVENESS)).isTrue();
    }
    assertThat(plain[0]).isEqualTo(800);
  }

  // ---- time to live

  @Test
  void lock_timeToLiveIsOver_isHadByAnother_andUnlockingSaysSo() throws Exception {
    DistributedLock lock = registry.obtain("foo");
    lock.lock(TTL);
    clock.advance(TTL.minusMillis(1));
    assertThat(free("foo")).isFalse();
    clock.advance(Duration.ofMillis(1));
    assertThat(there(() -> other.obtain("foo").tryLock())).isTrue();

    assertThatThrownBy(lock::tryLock).isInstanceOf(ConcurrentModificationException.class);
    assertThatThrownBy(lock::unlock).isInstanceOf(ConcurrentModificationException.class);
    assertThat(lock.tryLock()).as("it ended somebody else's").isFalse();

    there(() -> unlocked(other.obtain("foo")));
    assertThat(lock.tryLock()).isTrue();
    lock.unlock();
  }

  @Test
  void lock_withoutATimeToLive_isNotEndedByTime() throws Exception {
    registry.obtain("foo").lock();
    clock.advance(Duration.ofDays(365));
    assertThat(free("foo")).isFalse();
    registry.renewLock("foo");
    registry.obtain("foo").unlock();
  }

  @Test
  void unlock_endedByForce_saysSo() {
    Lock lock = registry.obtain("foo");
    lock.lock();
    open.getLast().lock("foo").revoke("it hangs");
    assertThatThrownBy(lock::unlock).isInstanceOf(ConcurrentModificationException.class);
  }

  @Test
  void renewLock_inTime_lastsLonger() throws Exception {
    registry.obtain("foo").lock(TTL);
    for (int renewal = 0; renewal < 3; renewal++) {
      clock.advance(TTL.minusSeconds(1));
      registry.renewLock("foo");
    }
    registry.renewLock("foo", Duration.ofHours(1));
    clock.advance(Duration.ofMinutes(59));
    assertThat(free("foo")).isFalse();
    registry.obtain("foo").unlock();
    assertThat(free("foo")).isTrue();
  }

  @Test
  void renewLock_notHeldOrOver_isRefused() throws Exception {
    assertThatThrownBy(() -> registry.renewLock("foo")).isInstanceOf(IllegalStateException.class);
    DistributedLock lock = registry.obtain("foo");
    lock.lock(TTL);
    assertThatThrownBy(() ->
            there(() -> {
              registry.renewLock("foo");
              return true;
            }))
        .isInstanceOf(IllegalMonitorStateException.class);
    clock.advance(TTL);
    assertThatThrownBy(() -> registry.renewLock("foo"))
        .isInstanceOf(ConcurrentModificationException.class);
  }

  // ---- what is kept in mind

  @Test
  void obtain_moreThanTheCapacity_letsGoOfTheEldestThatNobodyHolds() {
    Lock held = registry.obtain("held");
    held.lock();
    Lock eldest = registry.obtain("eldest");
    registry.obtain("third");
    assertThat(registry.obtain("held")).isSameAs(held);
    assertThat(registry.obtain("eldest")).isNotSameAs(eldest);
    held.unlock();
  }

  @Test
  void expireUnusedOlderThan_unused_isLetGoAndWhatIsHeldIsNot() {
    Lock held = registry.obtain("held");
    held.lock();
    Lock unused = registry.obtain("unused");
    registry.expireUnusedOlderThan(TimeUnit.HOURS.toMillis(1));
    assertThat(registry.obtain("unused")).isSameAs(unused);
    registry.expireUnusedOlderThan(-1);
    assertThat(registry.obtain("unused")).isNotSameAs(unused);
    assertThat(registry.obtain("held")).isSameAs(held);
    held.unlock();
  }

  @Test
  void newCondition_isUnsupported() {
    assertThatThrownBy(() -> registry.obtain("foo").newCondition())
        .isInstanceOf(UnsupportedOperationException.class);
  }
}
