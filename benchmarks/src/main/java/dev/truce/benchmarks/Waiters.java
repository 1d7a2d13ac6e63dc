package dev.truce.benchmarks;

import dev.truce.Truce;
import dev.truce.benchmarks.Comparison.Goal;
import dev.truce.benchmarks.Comparison.Peer;
import dev.truce.benchmarks.Comparison.Unit;
import dev.truce.lock.Grant;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// What it costs that many wait: ten thousand virtual threads for a lock that another process has.
final class Waiters implements Row {
  /// Percent of a core; ten thousand threads that are still coming take many times as much.
  private static final double CALM = 3;

  private static final String PEER = "ReentrantReadWriteLock, fair";

  @Override
  public String name() {
    return "10,000 virtual threads on one lock";
  }

  /// One crowd, from its gathering to its end.
  private record Gathering(double idlePercent, double servedMillis, double carriers) {}

  @Override
  public List<Comparison> measure(Workshop workshop) throws IOException, InterruptedException {
    List<Gathering> truce = new ArrayList<>();
    List<Gathering> jdk = new ArrayList<>();
    for (int i = 0; i < workshop.effort().crowds(); i++) {
      truce.add(truce(workshop));
      jdk.add(jdk(workshop));
    }
    int cores = Runtime.getRuntime().availableProcessors();
    return List.of(
        line("carriers used", Unit.CARRIERS, truce, jdk, Gathering::carriers, 2.0 * cores),
        // The JDK's waiters have nothing to look after: a ratio to nothing would say nothing.
        Comparison.alone(
            name(),
            "CPU while all wait",
            Unit.PERCENT,
            series(truce, Gathering::idlePercent),
            Goal.figure(0.1)),
        line("until all are served", Unit.MILLIS, truce, jdk, Gathering::servedMillis, 0));
  }

  private interface Figure {
    double of(Gathering gathering);
  }

  private Comparison line(
      String what,
      Unit unit,
      List<Gathering> truce,
      List<Gathering> jdk,
      Figure figure,
      double goal) {
    return new Comparison(
        name(),
        what,
        unit,
        series(truce, figure),
        new Peer(PEER, series(jdk, figure)),
        goal > 0 ? Goal.figure(goal) : null);
  }

  private static Series series(List<Gathering> gatherings, Figure figure) {
    return new Series(gatherings.stream().map(figure::of).toList());
  }

  @SuppressWarnings("try") // The grant is closed early: that is what is measured.
  private static Gathering truce(Workshop workshop) throws IOException, InterruptedException {
    try (Truce truce = Truce.open(Workshop.root(workshop.place()));
        Grant grant = truce.lock("crowd").acquire(Duration.ofSeconds(10));
        Jvm crowd = workshop.start(Crowd.class, "truce")) {
      double idle = idle(crowd, workshop.effort());
      long opened = System.nanoTime();
      grant.close();
      return served(crowd, opened, idle);
    }
  }

  private static Gathering jdk(Workshop workshop) throws IOException, InterruptedException {
    try (Jvm crowd = workshop.start(Crowd.class, "jdk")) {
      double idle = idle(crowd, workshop.effort());
      return served(crowd, Long.MAX_VALUE, idle);
    }
  }

  /// What it costs to wait, once all have begun and the JIT compiler is done with that.
  private static double idle(Jvm crowd, Effort effort) throws IOException, InterruptedException {
    crowd.hear("waiting");
    long patience = System.nanoTime() + effort.idleMillis() * 5_000_000;
    while (percentOver(crowd, effort.idleMillis() / 8) > CALM && System.nanoTime() < patience) {
      // not yet
    }
    return percentOver(crowd, effort.idleMillis());
  }

  /// The CPU time of a process while we sleep, in percent of one core.
  private static double percentOver(Jvm crowd, long millis)
      throws IOException, InterruptedException {
    Map<Path, Long> before = cpuNanos(crowd.pid());
    long start = System.nanoTime();
    Thread.sleep(millis);
    long wall = System.nanoTime() - start;
    long spent = 0;
    for (Map.Entry<Path, Long> thread : cpuNanos(crowd.pid()).entrySet()) {
      spent += thread.getValue() - before.getOrDefault(thread.getKey(), 0L);
    }
    return 100.0 * spent / wall;
  }

  private static Gathering served(Jvm crowd, long opened, double idle) throws IOException {
    crowd.say(String.valueOf(opened));
    String[] served = crowd.hear("served").split(" ", -1);
    return new Gathering(idle, Long.parseLong(served[0]) / 1e6, Double.parseDouble(served[1]));
  }

  /// The CPU time of each thread of a process, as the scheduler counts it: to the nanosecond, where
  /// everything else counts hundredths of a second.
  private static Map<Path, Long> cpuNanos(long pid) throws IOException {
    Map<Path, Long> nanos = new HashMap<>();
    try (Stream<Path> threads = Files.list(Path.of("/proc", String.valueOf(pid), "task"))) {
      for (Path thread : threads.toList()) {
        try {
          String stat = Files.readString(thread.resolve("schedstat"));
          nanos.put(thread, Long.parseLong(stat.substring(0, stat.indexOf(' '))));
        } catch (NoSuchFileException ended) {
          // between the list and the look
        }
      }
    }
    return nanos;
  }
}
