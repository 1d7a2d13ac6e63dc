package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

final class TestClockTest {
  private final TestClock clock = new TestClock();

  /// A thread that parks until a moment has come, however often it is woken before.
  private Thread sleeper(long deadline) {
    return Thread.ofVirtual()
        .start(() -> {
          while (clock.nanos() < deadline) {
            clock.park(this, deadline);
          }
        });
  }

  @Test
  void nanos_nobodyAdvances_standsStill() {
    long before = clock.nanos();

    for (int look = 0; look < 100_000; look++) {
      assertThat(clock.nanos()).isEqualTo(before);
    }
  }

  @Test
  void advance_movesTimeByExactlySoMuch() {
    long before = clock.nanos();

    clock.advance(Duration.ofNanos(1_500_000_001));

    assertThat(clock.nanos() - before).isEqualTo(1_500_000_001);
  }

  @Test
  void advance_backwards_isRefused() {
    assertThatThrownBy(() -> clock.advance(Duration.ofNanos(-1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void park_deadlineComes_returns() throws Exception {
    Thread sleeper = sleeper(clock.nanos() + 1_000);
    clock.awaitParked(sleeper);

    clock.advance(Duration.ofNanos(999));
    clock.awaitParked(sleeper);
    clock.advance(Duration.ofNanos(1));

    assertThat(sleeper.join(TestClock.LIVENESS)).isTrue();
  }

  @Test
  void park_deadlineHasPassed_returnsAtOnce() {
    clock.park(this, clock.nanos());
    clock.park(this, clock.nanos() - 1);
  }

  @Test
  void park_unparked_returns() throws Exception {
    CountDownLatch woken = new CountDownLatch(1);
    Thread thread =
        Thread.ofVirtual()
            .start(() -> {
              clock.park(this, Long.MAX_VALUE);
              woken.countDown();
            });
    clock.awaitParked(thread);

    LockSupport.unpark(thread);

    assertThat(woken.await(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void park_interrupted_returnsWithTheInterruptStillThere() throws Exception {
    AtomicBoolean interrupted = new AtomicBoolean();
    Thread thread =
        Thread.ofVirtual()
            .start(() -> {
              clock.park(this, Long.MAX_VALUE);
              interrupted.set(Thread.currentThread().isInterrupted());
            });
    clock.awaitParked(thread);

    thread.interrupt();

    assertThat(thread.join(TestClock.LIVENESS)).isTrue();
    assertThat(interrupted).isTrue();
  }

  /// The race that a clock for tests must not have: time moves between the look and the park.
  @Test
  void advance_whileThreadsAreAboutToPark_wakesThemAll() throws Exception {
    for (int round = 0; round < 2_000; round++) {
      Thread sleeper = sleeper(clock.nanos() + 10);
      clock.advance(Duration.ofNanos(10));
      assertThat(sleeper.join(TestClock.LIVENESS)).as("round %s", round).isTrue();
    }
  }

  /// What a clock with a lock inside gets wrong: the thread waits for that lock when it is
  /// unparked, and then parks as if nothing had happened.
  @Test
  void park_unparkedWhileTheClockIsBusy_isNotLost() throws Exception {
    AtomicBoolean over = new AtomicBoolean();
    List<Thread> busy = new ArrayList<>();
    for (int thread = 0; thread < 2; thread++) {
      busy.add(
          Thread.ofPlatform()
              .start(() -> {
                while (!over.get()) {
                  clock.advance(Duration.ZERO);
                }
              }));
    }
    try {
      for (int round = 0; round < 1_000; round++) {
        AtomicBoolean called = new AtomicBoolean();
        Thread sleeper =
            Thread.ofPlatform()
                .start(() -> {
                  while (!called.get()) {
                    clock.park(this, Long.MAX_VALUE);
                  }
                });
        called.set(true);
        LockSupport.unpark(sleeper);
        assertThat(sleeper.join(TestClock.LIVENESS)).as("round %s", round).isTrue();
      }
    } finally {
      over.set(true);
    }
    for (Thread thread : busy) {
      thread.join();
    }
  }

  @Test
  void isAtRest_parkedForLaterOrWaitingForAnother_isTrue() throws Exception {
    Thread parked = sleeper(clock.nanos() + 10);
    CountDownLatch end = new CountDownLatch(1);
    Thread waiting =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              clock.nanos();
              try {
                end.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    clock.awaitParked(parked);

    awaitAtRest();

    end.countDown();
    assertThat(waiting.join(TestClock.LIVENESS)).isTrue();
    awaitAtRest();
  }

  /// One that is held up on its way out of the clock, or before it gets there.
  @Test
  void isAtRest_somebodyIsDueOrBusy_isFalse() throws Exception {
    AtomicBoolean goOn = new AtomicBoolean();
    CountDownLatch busy = new CountDownLatch(1);
    Thread thread =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              clock.nanos();
              busy.countDown();
              while (!goOn.get()) {
                Thread.onSpinWait();
              }
              clock.park(this, clock.nanos() + 10);
              while (goOn.get()) {
                Thread.onSpinWait();
              }
            });
    assertThat(busy.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(clock.isAtRest()).isFalse();
    goOn.set(true);
    awaitAtRest();

    clock.advance(Duration.ofNanos(10));

    for (int look = 0; look < 1_000; look++) {
      assertThat(clock.isAtRest()).isFalse();
    }
    goOn.set(false);
    assertThat(thread.join(TestClock.LIVENESS)).isTrue();
    assertThat(clock.isAtRest()).isTrue();
  }

  private void awaitAtRest() {
    long deadline = System.nanoTime() + TestClock.LIVENESS.toNanos();
    while (!clock.isAtRest()) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      Thread.onSpinWait();
    }
  }

  @Test
  void awaitParked_enoughThreads_returns() {
    Thread first = sleeper(clock.nanos() + 10);
    Thread second = sleeper(clock.nanos() + 20);

    clock.awaitParked(2);
    clock.advance(Duration.ofNanos(10));
    clock.awaitParked(second);
    clock.advance(Duration.ofNanos(10));

    clock.awaitSettled(List.of(first, second));
  }
}
