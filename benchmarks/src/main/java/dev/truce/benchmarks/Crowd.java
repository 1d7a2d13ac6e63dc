package dev.truce.benchmarks;

import dev.truce.Truce;
import dev.truce.lock.NamedLock;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/// Ten thousand virtual threads of one process that wait for one lock.
///
/// Says `waiting` when all of them are about to, waits for a line with the time when the lock was
/// given up, and says how many nanoseconds later the last was served, and by how many carriers.
final class Crowd {
  static final int THREADS = 10_000;

  private static final Duration WAIT = Duration.ofMinutes(2);

  private Crowd() {}

  /// What the threads wait for.
  private interface Gate {
    void pass() throws InterruptedException;
  }

  /// Arguments: the place, and `truce` or `jdk`. For `truce` the parent has the lock, for `jdk`
  /// this process.
  public static void main(String[] args) throws Exception {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    if (args[1].equals("truce")) {
      try (Truce truce = Truce.open(Workshop.root(Path.of(args[0])))) {
        NamedLock lock = truce.lock("crowd");
        gather(in, () -> lock.acquire(WAIT).close(), () -> {});
      }
    } else {
      ReentrantReadWriteLock.WriteLock lock = new ReentrantReadWriteLock(true).writeLock();
      lock.lock();
      gather(
          in,
          () -> {
            lock.lock();
            try {
              // nothing: what is measured is the wait
            } finally {
              lock.unlock();
            }
          },
          lock::unlock);
    }
  }

  private static void gather(BufferedReader in, Gate gate, Runnable open) throws Exception {
    Set<String> carriers = ConcurrentHashMap.newKeySet();
    CountDownLatch here = new CountDownLatch(THREADS);
    CountDownLatch served = new CountDownLatch(THREADS);
    for (int i = 0; i < THREADS; i++) {
      Thread.startVirtualThread(() -> {
        here.countDown();
        try {
          gate.pass();
        } catch (InterruptedException impossible) {
          return;
        }
        carriers.add(carrier());
        served.countDown();
      });
    }
    here.await();
    System.out.println("waiting");
    String opened = in.readLine();
    if (opened == null) {
      return;
    }
    long start = Math.min(Long.parseLong(opened), System.nanoTime());
    open.run();
    served.await();
    System.out.println("served " + (System.nanoTime() - start) + " " + carriers.size());
  }

  /// The platform thread below, as its virtual thread names it: `...@ForkJoinPool-1-worker-2`.
  private static String carrier() {
    String name = Thread.currentThread().toString();
    return name.substring(name.lastIndexOf('@') + 1);
  }
}
