package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Truce;
import dev.truce.lock.Grant;
import dev.truce.lock.NamedLock;
import dev.truce.lock.NotAcquiredException;
import dev.truce.lock.Refusal;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.AbstractOwnableSynchronizer;
import java.util.concurrent.locks.LockSupport;
import jdk.management.VirtualThreadSchedulerMXBean;
import org.junit.jupiter.api.Test;

/// Ten thousand virtual threads that wait for one lock: none of them holds a carrier.
final class VirtualThreadsTest {
  private static final int THREADS = 10_000;
  private static final Duration LONG = Duration.ofMinutes(5);

  /// How long, in real time, all of them together may take to get into the queue.
  private static final Duration ALL_WAIT = Duration.ofMinutes(1);

  private long counter;

  @Test
  void acquire_tenThousandVirtualThreads_allAreServedOnAFewCarriers() throws Exception {
    VirtualThreadSchedulerMXBean scheduler =
        ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class);
    ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    try (Truce truce = Truce.inMemory()) {
      NamedLock lock = truce.lock("one");
      Grant held = lock.acquire(LONG);
      List<Thread> threads = new ArrayList<>();
      for (int thread = 0; thread < THREADS; thread++) {
        threads.add(
            Thread.ofVirtual()
                .start(() -> {
                  try (Grant _ = lock.acquire(LONG)) {
                    counter++;
                  } catch (Exception | AssertionError failure) {
                    failures.add(failure);
                  }
                }));
      }
      long deadline = System.nanoTime() + ALL_WAIT.toNanos();
      for (Thread thread : threads) {
        awaitWaiting(thread, deadline);
      }
      int carriers = scheduler.getPoolSize();
      int cores = Runtime.getRuntime().availableProcessors();
      assertThat(counter).isZero();
      assertThat(carriers)
          .as("carriers used by %s waiters", THREADS)
          .isLessThanOrEqualTo(2 * cores);

      // One more than a gate takes, from a thread that holds nothing.
      FutureTask<Refusal.Kind> tooMany =
          new FutureTask<>(() -> {
            try (Grant grant = lock.acquire(LONG)) {
              throw new AssertionError("got " + grant);
            } catch (NotAcquiredException refused) {
              return refused.refusal().kind();
            }
          });
      Thread.ofVirtual().start(tooMany);
      assertThat(tooMany.get(10, TimeUnit.SECONDS)).isEqualTo(Refusal.Kind.QUEUE_FULL);

      long start = System.nanoTime();
      held.close();
      for (Thread thread : threads) {
        assertThat(thread.join(Duration.ofSeconds(60))).isTrue();
      }
      System.out.printf(
          "%d virtual threads on one lock: %d carriers on %d cores, all served in %d ms%n",
          THREADS, carriers, cores, (System.nanoTime() - start) / 1_000_000);
      assertThat(failures).isEmpty();
      assertThat(counter).isEqualTo(THREADS);
      assertThat(lock.status().waiting()).isZero();
      assertThat(lock.tryAcquire()).isPresent();
    }
  }

  /// One that is parked for a mutex is still on its way to the queue.
  private static void awaitWaiting(Thread thread, long deadline) {
    for (Object blocker = null;
        blocker == null || blocker instanceof AbstractOwnableSynchronizer;
        blocker = LockSupport.getBlocker(thread)) {
      assertThat(System.nanoTime()).as("%s waits", thread).isLessThan(deadline);
      LockSupport.parkNanos(100_000);
    }
  }
}
