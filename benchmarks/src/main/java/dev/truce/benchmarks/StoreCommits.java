package dev.truce.benchmarks;

import dev.truce.benchmarks.Comparison.Goal;
import dev.truce.benchmarks.Comparison.Peer;
import dev.truce.benchmarks.Comparison.Unit;
import dev.truce.benchmarks.Kept.Kind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Processes that commit one key after the other, each commit on disk before the next: keys of
/// their own, and one number to which all of them add.
final class StoreCommits implements Row {
  static final String OWN = "own keys, a commit";
  static final String HOT = "one key for all, a commit";

  private static final long LEAD_NANOS = 20_000_000;
  private static final int ROUNDS = 9;

  /// So many have to meet at one key.
  private static final int CROWD = 16;

  /// Many JVMs on few cores are long in compiling what they do: a contestant is warm when it got no
  /// faster for so many rounds, by more than so much, or has had so many times the usual time.
  private static final int SETTLED = 12;

  private static final double FASTER = 0.97;
  private static final int MOST_WARM_UP = 14;

  private final int processes;

  StoreCommits(int processes) {
    this.processes = processes;
  }

  @Override
  public String name() {
    return name(processes);
  }

  static String name(int processes) {
    return "durable commits, " + processes + (processes == 1 ? " process" : " processes");
  }

  @Override
  public List<Comparison> measure(Workshop workshop) throws IOException, InterruptedException {
    List<Jvm> workers = new ArrayList<>();
    try {
      for (int rank = 0; rank < processes; rank++) {
        workers.add(
            workshop.start(
                Jvm.Compiler.QUICK,
                StoreWorker.class,
                "commits-" + processes,
                String.valueOf(rank)));
      }
      for (Jvm worker : workers) {
        worker.hear("ready");
      }
      List<Kind> kinds = new ArrayList<>();
      for (Kind kind : Kind.values()) {
        if (processes == 1 || kind.isShared()) {
          kinds.add(kind);
          open(kind, workers);
        }
      }
      List<Comparison> lines = new ArrayList<>(lines(OWN, race(workshop, workers, kinds, "own")));
      if (processes >= CROWD) {
        lines.addAll(lines(HOT, race(workshop, workers, kinds, "hot")));
      }
      return lines;
    } finally {
      workers.forEach(Jvm::close);
    }
  }

  /// One before the others: not all of them can be made by several at once.
  private static void open(Kind kind, List<Jvm> workers) throws IOException {
    openAtOnce(kind, workers.subList(0, 1));
    openAtOnce(kind, workers.subList(1, workers.size()));
  }

  private static void openAtOnce(Kind kind, List<Jvm> workers) throws IOException {
    for (Jvm worker : workers) {
      worker.say("open " + kind.word());
    }
    for (Jvm worker : workers) {
      worker.hear("done");
    }
  }

  /// Microseconds a commit, by kind.
  private Map<Kind, Series> race(
      Workshop workshop, List<Jvm> workers, List<Kind> kinds, String what) throws IOException {
    List<Lane> lanes = new ArrayList<>();
    for (Kind kind : kinds) {
      lanes.add(new Lane(kind, warmUp(workshop, workers, what, kind), new ArrayList<>()));
    }
    for (int i = 0; i < Math.min(ROUNDS, workshop.effort().meetings()); i++) {
      for (Lane lane : lanes) {
        lane.taken.add(round(workers, what, lane.kind, workshop.effort().meetingMillis()));
      }
    }
    Map<Kind, Series> series = new EnumMap<>(Kind.class);
    for (Lane lane : lanes) {
      if (what.equals("hot")) {
        expect(lane.kind, lane.commits(), workers.getFirst());
      }
      series.put(lane.kind, new Series(lane.taken.stream().map(Round::microsEach).toList()));
    }
    return series;
  }

  private static Round warmUp(Workshop workshop, List<Jvm> workers, String what, Kind kind)
      throws IOException {
    long most = workshop.effort().warmUpMillis() * MOST_WARM_UP * 1_000_000;
    Round all = new Round(0, 0);
    double best = Double.POSITIVE_INFINITY;
    for (int settled = 0; settled < SETTLED && all.nanos < most; settled++) {
      Round round = round(workers, what, kind, workshop.effort().meetingMillis());
      if (round.microsEach() < best * FASTER) {
        best = round.microsEach();
        settled = 0;
      }
      all = new Round(all.nanos + round.nanos, all.commits + round.commits);
    }
    return all;
  }

  /// What one of them did.
  private record Lane(Kind kind, Round warmUp, List<Round> taken) {
    long commits() {
      return warmUp.commits + taken.stream().mapToLong(Round::commits).sum();
    }
  }

  private static void expect(Kind kind, long commits, Jvm worker) throws IOException {
    worker.say("counted " + kind.word());
    long counted = Long.parseLong(worker.hear("done"));
    if (counted != commits) {
      throw new IOException(
          kind.shown() + " counted " + counted + " of " + commits + " commits of one key");
    }
  }

  /// Until the last one was answered.
  private record Round(long nanos, long commits) {
    double microsEach() {
      return nanos / 1e3 / commits;
    }
  }

  private static Round round(List<Jvm> workers, String what, Kind kind, long millis)
      throws IOException {
    long start = System.nanoTime() + LEAD_NANOS;
    long end = start + millis * 1_000_000;
    for (Jvm worker : workers) {
      worker.say(what + " " + kind.word() + " " + start + " " + end);
    }
    long commits = 0;
    long last = end;
    for (Jvm worker : workers) {
      String[] done = worker.hear("done").split(" ", -1);
      commits += Long.parseLong(done[0]);
      last = Math.max(last, Long.parseLong(done[1]));
    }
    return new Round(last - start, commits);
  }

  private List<Comparison> lines(String what, Map<Kind, Series> raced) {
    Series truce = Objects.requireNonNull(raced.get(Kind.TRUCE));
    List<Comparison> lines = new ArrayList<>();
    raced.forEach((kind, series) -> {
      if (kind != Kind.TRUCE) {
        Peer peer = new Peer(kind.shown(), series);
        lines.add(new Comparison(name(), what, Unit.MICROS, truce, peer, goal(what)));
      }
    });
    return lines;
  }

  private @Nullable Goal goal(String what) {
    return processes == CROWD && what.equals(OWN) ? Goal.ratio(1.0 / 5) : null;
  }
}
