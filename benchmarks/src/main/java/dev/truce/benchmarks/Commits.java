package dev.truce.benchmarks;

import dev.truce.benchmarks.Comparison.Goal;
import dev.truce.benchmarks.Comparison.Peer;
import dev.truce.benchmarks.Comparison.Unit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// Processes that commit to one journal on a directory, each record on disk before the next.
final class Commits implements Row {
  private static final long LEAD_NANOS = 20_000_000;

  private final int processes;

  Commits(int processes) {
    this.processes = processes;
  }

  @Override
  public String name() {
    return "durable commits, " + processes + (processes == 1 ? " process" : " processes");
  }

  /// One round of all processes.
  private record Round(double microsEach, double flushesEach) {}

  @Override
  public List<Comparison> measure(Workshop workshop) throws IOException, InterruptedException {
    List<Jvm> workers = new ArrayList<>();
    try {
      for (int i = 0; i < processes; i++) {
        workers.add(
            workshop.start(
                processes == 1 ? Jvm.Compiler.OPTIMISING : Jvm.Compiler.QUICK, Committer.class));
      }
      for (Jvm worker : workers) {
        worker.hear("ready");
      }
      return measured(workshop, workers);
    } finally {
      workers.forEach(Jvm::close);
    }
  }

  private List<Comparison> measured(Workshop workshop, List<Jvm> workers) throws IOException {
    List<Round> truce = new ArrayList<>();
    List<Round> apart = new ArrayList<>();
    List<Round> raw = new ArrayList<>();
    long millis = workshop.effort().meetingMillis();
    long warmUp = workshop.effort().warmUpMillis();
    round(workshop, workers, "apart", warmUp);
    round(workshop, workers.subList(0, 1), "raw", warmUp);
    round(workshop, workers, "journal", warmUp * (2 + processes / 2));
    for (int i = 0; i < workshop.effort().meetings(); i++) {
      truce.add(round(workshop, workers, "journal", millis));
      apart.add(round(workshop, workers, "apart", millis));
      raw.add(round(workshop, workers.subList(0, 1), "raw", millis));
    }
    List<Comparison> lines = new ArrayList<>();
    if (processes == 1) {
      lines.add(line(truce, "write + fdatasync", raw, Goal.ratio(1.2)));
    }
    Goal sixfold = processes == 16 ? Goal.ratio(1.0 / 6) : null;
    lines.add(line(truce, "one flush each", apart, sixfold));
    if (truce.stream().allMatch(round -> round.flushesEach() > 0)) {
      lines.add(
          Comparison.alone(
              name(),
              "flushes a commit, by the device's count",
              Unit.FLUSHES,
              series(truce, Round::flushesEach),
              null));
    }
    return lines;
  }

  private Comparison line(List<Round> truce, String peer, List<Round> rounds, @Nullable Goal goal) {
    return new Comparison(
        name(),
        "a commit of " + Committer.RECORD_BYTES + " bytes",
        Unit.MICROS,
        series(truce, Round::microsEach),
        new Peer(peer, series(rounds, Round::microsEach)),
        goal);
  }

  private interface Figure {
    double of(Round round);
  }

  private static Series series(List<Round> rounds, Figure figure) {
    return new Series(rounds.stream().map(figure::of).toList());
  }

  /// Many JVMs on few cores are long in compiling what they do: so the warm-up grows with them.
  private static Round round(Workshop workshop, List<Jvm> workers, String what, long millis)
      throws IOException {
    long start = System.nanoTime() + LEAD_NANOS;
    long wall = millis * 1_000_000;
    OptionalLong before = flushes(workshop.place());
    for (Jvm worker : workers) {
      worker.say(what + " " + start + " " + (start + wall));
    }
    long count = 0;
    for (Jvm worker : workers) {
      count += Long.parseLong(worker.hear("done"));
    }
    OptionalLong after = flushes(workshop.place());
    double commits = Math.max(1, count);
    double flushes =
        before.isPresent() && after.isPresent() ? after.getAsLong() - before.getAsLong() : 0;
    return new Round(wall / 1e3 / commits, flushes / commits);
  }

  /// How many flushes the device below has done so far, whoever asked for them: the kernel's
  /// `iostats`, field 16 after the name.
  static OptionalLong flushes(Path place) throws IOException {
    long device = ((Number) Files.getAttribute(place, "unix:dev")).longValue();
    long major = (device >>> 8) & 0xfff;
    long minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
    String wanted = major + " " + minor + " ";
    for (String line : Files.readAllLines(Path.of("/proc/diskstats"))) {
      String[] fields = line.strip().split("\\s+", -1);
      if ((fields[0] + " " + fields[1] + " ").equals(wanted) && fields.length > 18) {
        return OptionalLong.of(Long.parseLong(fields[18]));
      }
    }
    return OptionalLong.empty();
  }
}
