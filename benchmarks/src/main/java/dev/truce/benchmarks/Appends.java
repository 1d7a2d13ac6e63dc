package dev.truce.benchmarks;

import dev.truce.benchmarks.Comparison.Unit;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/// What it costs to append, the disk left out; and to find the end of a journal again.
final class Appends {
  private static final long LEAD_NANOS = 20_000_000;

  private Appends() {}

  /// The append right, alone and handed to and fro.
  static final class Right implements Row {
    @Override
    public String name() {
      return "an append, not flushed";
    }

    @Override
    public List<Comparison> measure(Workshop workshop) throws IOException, InterruptedException {
      List<Comparison> lines = new ArrayList<>();
      try (Jvm one = workshop.start(Committer.class);
          Jvm other = workshop.start(Committer.class)) {
        one.hear("ready");
        other.hear("ready");
        lines.add(line(workshop, "by one process", List.of(one)));
        lines.add(line(workshop, "by two, the right handed over", List.of(one, other)));
      }
      return lines;
    }

    private Comparison line(Workshop workshop, String what, List<Jvm> workers) throws IOException {
      List<Double> taken = new ArrayList<>();
      for (int i = -2; i < workshop.effort().meetings(); i++) {
        long start = System.nanoTime() + LEAD_NANOS;
        long wall = workshop.effort().meetingMillis() * 1_000_000;
        for (Jvm worker : workers) {
          worker.say("append " + start + " " + (start + wall));
        }
        long count = 0;
        for (Jvm worker : workers) {
          count += Long.parseLong(worker.hear("done"));
        }
        if (i >= 0) {
          taken.add(wall / 1e3 / Math.max(1, count));
        }
      }
      return Comparison.alone(name(), what, Unit.MICROS, new Series(taken), null);
    }
  }

  /// Opening after everything that is no record was lost.
  static final class Recovered implements Row {
    @Override
    public String name() {
      return "recovery";
    }

    @Override
    public List<Comparison> measure(Workshop workshop) throws IOException, InterruptedException {
      long megabytes = workshop.effort().equals(Effort.QUICK) ? 1 : 64;
      try (Jvm one = workshop.start(Committer.class)) {
        one.hear("ready");
        one.say("fill " + (megabytes << 20));
        one.hear("done");
      }
      List<Double> taken = new ArrayList<>();
      for (int i = 0; i < Math.min(5, workshop.effort().meetings()); i++) {
        try (Jvm one = workshop.start(Committer.class)) {
          one.hear("ready");
          one.say("open");
          taken.add(Long.parseLong(one.hear("done")) / 1e6);
        }
      }
      return List.of(
          Comparison.alone(
              name(),
              "of a tail of " + megabytes + " MiB, JVM cold",
              Unit.MILLIS,
              new Series(taken),
              null));
    }
  }
}
