package dev.truce.benchmarks;

import dev.truce.Truce;
import dev.truce.benchmarks.Comparison.Peer;
import dev.truce.benchmarks.Comparison.Unit;
import dev.truce.lock.NamedLock;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/// How long a writer waits among readers: three threads read all the time, and one writes once for
/// every 99 times that they have read.
final class WritersWait implements Row {
  private static final String ROW = "in memory, 99 % readers";
  private static final String FAIR = "ReentrantReadWriteLock, fair";
  private static final String UNFAIR = "ReentrantReadWriteLock";

  private static final int READERS = 3;
  private static final int READS = 99;
  private static final Duration WAIT = Duration.ofSeconds(30);

  @Override
  public String name() {
    return ROW;
  }

  @Override
  public List<Comparison> measure(Workshop workshop) throws IOException, InterruptedException {
    List<List<Double>> waits = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    Effort effort = workshop.effort();
    try (Jvm jvm =
        workshop.start(
            WritersWait.class,
            String.valueOf(effort.meetings()),
            String.valueOf(effort.meetingMillis()))) {
      for (String line : jvm.hearOut()) {
        String[] words = line.split("\t", -1);
        for (int peer = 0; peer < words.length; peer++) {
          waits.get(peer).add(Double.valueOf(words[peer]));
        }
      }
    }
    Series truce = new Series(waits.getFirst());
    return List.of(
        line(truce, new Peer(FAIR, new Series(waits.get(1)))),
        line(truce, new Peer(UNFAIR, new Series(waits.get(2)))));
  }

  private static Comparison line(Series truce, Peer peer) {
    return new Comparison(ROW, "a writer's wait", Unit.MICROS, truce, peer, null);
  }

  // ---- in a JVM of its own

  /// What both do: take it, and give it back.
  private interface Visit {
    void pass(boolean writes) throws InterruptedException;
  }

  /// Arguments: place, rounds, milliseconds of a round. Prints a line for each round: the median
  /// wait of the writer in microseconds, of each lock, with tabs between.
  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[1]);
    long nanos = Long.parseLong(args[2]) * 1_000_000;
    try (Truce truce = Truce.inMemory()) {
      NamedLock lock = truce.lock("bench");
      List<Visit> visits =
          List.of(
              writes -> (writes ? lock : lock.read()).acquire(WAIT).close(),
              of(new ReentrantReadWriteLock(true)),
              of(new ReentrantReadWriteLock()));
      for (int round = -2; round < rounds; round++) {
        StringBuilder line = new StringBuilder();
        for (Visit visit : visits) {
          line.append(line.isEmpty() ? "" : "\t").append(medianMicros(visit, nanos));
        }
        if (round >= 0) {
          System.out.println(line);
        }
      }
      System.out.flush();
    }
  }

  private static Visit of(ReadWriteLock lock) {
    return writes -> {
      Lock one = writes ? lock.writeLock() : lock.readLock();
      one.lock();
      try {
        // nothing: what is measured is the wait
      } finally {
        one.unlock();
      }
    };
  }

  /// The readers go on until the writer is done, which writes once at least.
  private static double medianMicros(Visit visit, long nanos) throws InterruptedException {
    AtomicLong reads = new AtomicLong();
    AtomicBoolean over = new AtomicBoolean();
    List<Thread> readers = new ArrayList<>();
    for (int reader = 0; reader < READERS; reader++) {
      readers.add(Thread.ofPlatform().start(() -> read(visit, reads, over)));
    }
    List<Double> waits = new ArrayList<>();
    long end = System.nanoTime() + nanos;
    try {
      do {
        long due = reads.get() + READS;
        while (reads.get() < due && System.nanoTime() < end) {
          Thread.onSpinWait();
        }
        long start = System.nanoTime();
        visit.pass(true);
        waits.add((System.nanoTime() - start) / 1e3);
      } while (System.nanoTime() < end);
    } finally {
      over.set(true);
    }
    for (Thread reader : readers) {
      reader.join();
    }
    return new Series(waits).median();
  }

  private static void read(Visit visit, AtomicLong reads, AtomicBoolean over) {
    try {
      while (!over.get()) {
        visit.pass(false);
        reads.incrementAndGet();
      }
    } catch (InterruptedException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
