package dev.truce.benchmarks;

import com.ibm.asyncutil.locks.AsyncReadWriteLock;
import dev.truce.Truce;
import dev.truce.benchmarks.Rounds.Contestant;
import dev.truce.lock.Grant;
import dev.truce.lock.NamedLock;
import dev.truce.memory.MemoryEngine;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/// Acquire and release, in a JVM that does nothing else.
final class Contestants {
  static final String TRUCE = "truce";
  static final String TRUCE_READ = "truce, read";
  static final String UNMEASURED = "measuring nothing";
  static final String KERNEL = "FileChannel.lock";
  static final String KERNEL_READ = "FileChannel.lock, shared";
  static final String UNFAIR = "ReentrantReadWriteLock";
  static final String FAIR = "ReentrantReadWriteLock, fair";
  static final String STAMPED = "StampedLock";
  static final String IBM = "async-util's fair lock";

  private static final Duration WAIT = Duration.ofSeconds(30);

  /// What is done under the lock; its end value shows whether the locks excluded.
  private long counter;

  private Contestants() {}

  /// Arguments: place, what to race, rounds, milliseconds of a round and of the warm-up. Prints a
  /// line for each contestant: its name and its rounds, with tabs between.
  public static void main(String[] args) throws Exception {
    Rounds rounds =
        new Rounds(Integer.parseInt(args[2]), Long.parseLong(args[3]), Long.parseLong(args[4]));
    Path place = Path.of(args[0]);
    Contestants contestants = new Contestants();
    Map<String, Series> series =
        switch (args[1]) {
          case "directory" -> onDirectory(place, rounds);
          case "memory" -> inMemory(rounds);
          case "readers" -> reading(rounds);
          case "measuring, directory" ->
              measuring(Truce.builder().directory(Workshop.root(place)), rounds);
          case "measuring, memory" ->
              measuring(Truce.builder().engine(MemoryEngine.create()), rounds);
          case "async" -> async(rounds);
          case "async readers" -> asyncReaders(rounds);
          case "async, 4 threads" -> contestants.asyncContended(4, rounds);
          case "2 threads" -> contestants.contended(2, rounds);
          case "4 threads" -> contestants.contended(4, rounds);
          default -> throw new IllegalArgumentException(args[1]);
        };
    StringBuilder lines = new StringBuilder();
    series.forEach((name, one) -> {
      lines.append(name);
      one.rounds().forEach(round -> lines.append('\t').append(round));
      lines.append('\n');
    });
    System.out.print(lines);
    System.out.flush();
  }

  private static Map<String, Series> onDirectory(Path place, Rounds rounds) throws Exception {
    try (Truce truce = Truce.open(Workshop.root(place));
        FileChannel channel =
            FileChannel.open(
                Workshop.lockFile(place), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      NamedLock lock = truce.lock("bench");
      Map<String, Contestant> all = new LinkedHashMap<>();
      all.put(TRUCE, times -> acquire(lock, times));
      all.put(KERNEL, times -> lock(channel, times));
      all.put(TRUCE_READ, times -> acquire(lock.read(), times));
      all.put(KERNEL_READ, times -> lockShared(channel, times));
      return rounds.race(all);
    }
  }

  /// One handle that measures beside one that does not, on a lock of its own each.
  private static Map<String, Series> measuring(Truce.Builder place, Rounds rounds)
      throws Exception {
    try (Truce measuring = place.open();
        Truce unmeasured = place.measuring(false).open()) {
      NamedLock lock = measuring.lock("bench");
      NamedLock other = unmeasured.lock("other");
      Map<String, Contestant> all = new LinkedHashMap<>();
      all.put(TRUCE, times -> acquire(lock, times));
      all.put(UNMEASURED, times -> acquire(other, times));
      return rounds.race(all);
    }
  }

  private static Map<String, Series> inMemory(Rounds rounds) throws Exception {
    StampedLock stamped = new StampedLock();
    return inMemory(
        rounds,
        NamedLock::write,
        ReadWriteLock::writeLock,
        times -> {
          for (long i = 0; i < times; i++) {
            stamped.unlockWrite(stamped.writeLock());
          }
        });
  }

  private static Map<String, Series> reading(Rounds rounds) throws Exception {
    StampedLock stamped = new StampedLock();
    return inMemory(
        rounds,
        NamedLock::read,
        ReadWriteLock::readLock,
        times -> {
          for (long i = 0; i < times; i++) {
            stamped.unlockRead(stamped.readLock());
          }
        });
  }

  private static Map<String, Series> inMemory(
      Rounds rounds,
      UnaryOperator<NamedLock> mode,
      Function<ReadWriteLock, Lock> view,
      Contestant stamped)
      throws Exception {
    try (Truce truce = Truce.inMemory()) {
      NamedLock lock = mode.apply(truce.lock("bench"));
      Lock unfair = view.apply(new ReentrantReadWriteLock());
      Lock fair = view.apply(new ReentrantReadWriteLock(true));
      Map<String, Contestant> all = new LinkedHashMap<>();
      all.put(TRUCE, times -> acquire(lock, times));
      all.put(UNFAIR, times -> lock(unfair, times));
      all.put(FAIR, times -> lock(fair, times));
      all.put(STAMPED, stamped);
      return rounds.race(all);
    }
  }

  private static void acquire(NamedLock lock, long times) throws InterruptedException {
    for (long i = 0; i < times; i++) {
      lock.acquire(WAIT).close();
    }
  }

  private static void lock(FileChannel channel, long times) throws IOException {
    for (long i = 0; i < times; i++) {
      channel.lock().release();
    }
  }

  private static void lockShared(FileChannel channel, long times) throws IOException {
    for (long i = 0; i < times; i++) {
      FileLock lock = channel.lock(0, Long.MAX_VALUE, true);
      lock.release();
    }
  }

  private static void lock(Lock lock, long times) {
    for (long i = 0; i < times; i++) {
      lock.lock();
      try {
        // nothing: what is measured is the lock
      } finally {
        lock.unlock();
      }
    }
  }

  // ---- without waiting threads

  private static Map<String, Series> async(Rounds rounds) throws Exception {
    try (Truce truce = Truce.inMemory()) {
      NamedLock lock = truce.lock("bench");
      AsyncReadWriteLock ibm = AsyncReadWriteLock.createFair();
      Lock jdk = new ReentrantReadWriteLock().writeLock();
      Map<String, Contestant> all = new LinkedHashMap<>();
      all.put(TRUCE, times -> acquireAsync(lock, times));
      all.put(
          IBM,
          times -> {
            for (long i = 0; i < times; i++) {
              ibm.acquireWriteLock().toCompletableFuture().join().releaseLock();
            }
          });
      all.put(UNFAIR, times -> lock(jdk, times));
      return rounds.race(all);
    }
  }

  private static Map<String, Series> asyncReaders(Rounds rounds) throws Exception {
    try (Truce truce = Truce.inMemory()) {
      NamedLock lock = truce.lock("bench").read();
      AsyncReadWriteLock ibm = AsyncReadWriteLock.createFair();
      Lock jdk = new ReentrantReadWriteLock().readLock();
      Map<String, Contestant> all = new LinkedHashMap<>();
      all.put(TRUCE, times -> acquireAsync(lock, times));
      all.put(
          IBM,
          times -> {
            for (long i = 0; i < times; i++) {
              ibm.acquireReadLock().toCompletableFuture().join().releaseLock();
            }
          });
      all.put(UNFAIR, times -> lock(jdk, times));
      return rounds.race(all);
    }
  }

  private static void acquireAsync(NamedLock lock, long times) {
    for (long i = 0; i < times; i++) {
      lock.acquireAsync(WAIT).join().close();
    }
  }

  private Map<String, Series> asyncContended(int threads, Rounds rounds) throws Exception {
    try (Truce truce = Truce.inMemory();
        ExecutorService team = Executors.newFixedThreadPool(threads)) {
      NamedLock lock = truce.lock("bench");
      AsyncReadWriteLock ibm = AsyncReadWriteLock.createFair();
      ReadWriteLock fair = new ReentrantReadWriteLock(true);
      Map<String, Contestant> all = new LinkedHashMap<>();
      all.put(TRUCE, times -> together(team, threads, times, part -> countAsync(lock, part)));
      all.put(IBM, times -> together(team, threads, times, part -> countAsync(ibm, part)));
      all.put(
          FAIR,
          times -> together(team, threads, times, part -> countUnder(fair.writeLock(), part)));
      return rounds.race(all);
    }
  }

  private void countAsync(NamedLock lock, long times) {
    for (long i = 0; i < times; i++) {
      try (Grant _ = lock.acquireAsync(WAIT).join()) {
        counter++;
      }
    }
  }

  private void countAsync(AsyncReadWriteLock lock, long times) {
    for (long i = 0; i < times; i++) {
      AsyncReadWriteLock.WriteLockToken token =
          lock.acquireWriteLock().toCompletableFuture().join();
      counter++;
      token.releaseLock();
    }
  }

  // ---- several threads

  private Map<String, Series> contended(int threads, Rounds rounds) throws Exception {
    try (Truce truce = Truce.inMemory();
        ExecutorService team = Executors.newFixedThreadPool(threads)) {
      NamedLock lock = truce.lock("bench");
      ReadWriteLock fair = new ReentrantReadWriteLock(true);
      Map<String, Contestant> all = new LinkedHashMap<>();
      all.put(TRUCE, times -> together(team, threads, times, part -> countUnder(lock, part)));
      all.put(
          FAIR,
          times -> together(team, threads, times, part -> countUnder(fair.writeLock(), part)));
      return rounds.race(all);
    }
  }

  /// Each thread does the same share; the round is over when the last one is done.
  private void together(ExecutorService team, int threads, long times, Contestant each)
      throws Exception {
    long before = counter;
    long share = Math.ceilDiv(times, threads);
    List<Future<?>> parts = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      parts.add(
          team.submit(() -> {
            each.repeat(share);
            return null;
          }));
    }
    for (Future<?> part : parts) {
      part.get();
    }
    if (counter - before != share * threads) {
      throw new IllegalStateException(
          "counted " + (counter - before) + " under the lock instead of " + share * threads);
    }
  }

  private void countUnder(NamedLock lock, long times) throws InterruptedException {
    for (long i = 0; i < times; i++) {
      try (Grant _ = lock.acquire(WAIT)) {
        counter++;
      }
    }
  }

  private void countUnder(Lock lock, long times) {
    for (long i = 0; i < times; i++) {
      lock.lock();
      try {
        counter++;
      } finally {
        lock.unlock();
      }
    }
  }
}
