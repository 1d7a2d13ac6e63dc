package dev.truce.benchmarks;

import dev.truce.benchmarks.Comparison.Goal;
import dev.truce.benchmarks.Comparison.Peer;
import dev.truce.benchmarks.Comparison.Unit;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What one process does alone: each race in a fresh JVM, so that the JIT compiler has seen nothing
/// but that race.
final class InOneJvm {
  private static final String DIRECTORY = "on a directory, one process";
  private static final String MEMORY = "in memory";

  private InOneJvm() {}

  static Row onDirectory() {
    return row(
        DIRECTORY,
        workshop -> {
          Map<String, Series> raced = race(workshop, "directory");
          return List.of(
              line(
                  DIRECTORY,
                  "acquire+release",
                  raced,
                  Contestants.TRUCE,
                  Contestants.KERNEL,
                  Goal.ratio(0.1)),
              line(
                  DIRECTORY,
                  "read acquire+release",
                  raced,
                  Contestants.TRUCE_READ,
                  Contestants.KERNEL_READ,
                  null));
        });
  }

  static Row inMemory() {
    return row(MEMORY, workshop -> lines(MEMORY, "acquire+release", race(workshop, "memory"), 5.0));
  }

  /// What the statistics cost whoever does nothing but acquire and release.
  static Row measuring() {
    String name = "statistics";
    return row(
        name,
        workshop -> {
          List<Comparison> lines = new ArrayList<>();
          for (String where : List.of("directory", "memory")) {
            Map<String, Series> raced = race(workshop, "measuring, " + where);
            lines.add(
                line(
                    name,
                    "acquire+release, " + where,
                    raced,
                    Contestants.TRUCE,
                    Contestants.UNMEASURED,
                    Goal.ratio(1.05)));
          }
          return lines;
        });
  }

  static Row reading() {
    String name = MEMORY + ", reading";
    return row(
        name, workshop -> lines(name, "read acquire+release", race(workshop, "readers"), null));
  }

  static Row async() {
    String name = MEMORY + ", acquireAsync";
    return row(
        name,
        workshop -> {
          Effort effort = workshop.effort();
          List<Comparison> lines = new ArrayList<>();
          lines.addAll(async(name, "acquire+release", race(workshop, "async"), Contestants.UNFAIR));
          lines.addAll(
              async(
                  name,
                  "read acquire+release",
                  race(workshop, "async readers"),
                  Contestants.UNFAIR));
          lines.addAll(
              async(
                  name,
                  "4 threads, an acquire",
                  race(workshop, "async, 4 threads", effort.meetings(), effort.meetingMillis()),
                  Contestants.FAIR));
          return lines;
        });
  }

  /// Beside a lock of the same kind, at five times its rate; and beside one that threads wait for.
  private static List<Comparison> async(
      String row, String what, Map<String, Series> raced, String blocking) {
    return List.of(
        line(row, what, raced, Contestants.TRUCE, Contestants.IBM, Goal.ratio(0.2)),
        line(row, what, raced, Contestants.TRUCE, blocking, null));
  }

  static Row contended() {
    String name = MEMORY + ", contended";
    return row(
        name,
        workshop -> {
          Effort effort = workshop.effort();
          List<Comparison> lines = new ArrayList<>();
          for (String threads : List.of("2 threads", "4 threads")) {
            lines.add(
                line(
                    name,
                    threads + ", an acquire",
                    race(workshop, threads, effort.meetings(), effort.meetingMillis()),
                    Contestants.TRUCE,
                    Contestants.FAIR,
                    null));
          }
          return lines;
        });
  }

  /// Beside every lock of the JDK; the goal is set against the usual one.
  private static List<Comparison> lines(
      String row, String what, Map<String, Series> raced, @Nullable Double goal) {
    List<Comparison> lines = new ArrayList<>();
    for (String peer : List.of(Contestants.UNFAIR, Contestants.FAIR, Contestants.STAMPED)) {
      Goal set = goal != null && peer.equals(Contestants.UNFAIR) ? Goal.ratio(goal) : null;
      lines.add(line(row, what, raced, Contestants.TRUCE, peer, set));
    }
    return lines;
  }

  private static Comparison line(
      String row,
      String what,
      Map<String, Series> raced,
      String truce,
      String peer,
      @Nullable Goal goal) {
    return new Comparison(
        row, what, Unit.NANOS, found(raced, truce), new Peer(peer, found(raced, peer)), goal);
  }

  private static Series found(Map<String, Series> raced, String name) {
    Series series = raced.get(name);
    if (series == null) {
      throw new IllegalStateException(name + " did not take part");
    }
    return series;
  }

  private static Map<String, Series> race(Workshop workshop, String what)
      throws IOException, InterruptedException {
    return race(workshop, what, workshop.effort().rounds(), workshop.effort().roundMillis());
  }

  private static Map<String, Series> race(Workshop workshop, String what, int rounds, long millis)
      throws IOException, InterruptedException {
    try (Jvm jvm =
        workshop.start(
            Contestants.class,
            what,
            String.valueOf(rounds),
            String.valueOf(millis),
            String.valueOf(workshop.effort().warmUpMillis()))) {
      Map<String, Series> raced = new LinkedHashMap<>();
      for (String line : jvm.hearOut()) {
        List<String> words = List.of(line.split("\t", -1));
        List<Double> taken = words.stream().skip(1).map(Double::valueOf).toList();
        raced.put(words.getFirst(), new Series(taken));
      }
      return raced;
    }
  }

  /// How a row measures itself.
  private interface Measure {
    List<Comparison> in(Workshop workshop) throws IOException, InterruptedException;
  }

  private static Row row(String name, Measure measure) {
    return new Row() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public List<Comparison> measure(Workshop workshop) throws IOException, InterruptedException {
        return measure.in(workshop);
      }
    };
  }
}
