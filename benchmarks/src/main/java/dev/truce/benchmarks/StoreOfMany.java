package dev.truce.benchmarks;

import dev.truce.benchmarks.Comparison.Goal;
import dev.truce.benchmarks.Comparison.Peer;
import dev.truce.benchmarks.Comparison.Unit;
import dev.truce.benchmarks.Kept.Kind;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// What there is to say of a store with a million keys: to fill, read and open it, and what it
/// takes.
final class StoreOfMany implements Row {
  private static final int KEYS = 1_000_000;
  private static final int KEYS_QUICK = 2_000;
  private static final int OPENED = 3;
  private static final String FOLDER = "filled";

  @Override
  public String name() {
    return "a million keys";
  }

  /// A figure of each of them.
  private interface Figure {
    double of(Kind kind) throws IOException, InterruptedException;
  }

  @Override
  public List<Comparison> measure(Workshop workshop) throws IOException, InterruptedException {
    boolean quick = workshop.effort().equals(Effort.QUICK);
    int keys = quick ? KEYS_QUICK : KEYS;
    Map<Kind, Series> filled = each(1, kind -> load(workshop, kind, keys));
    List<Comparison> lines = new ArrayList<>();
    lines.addAll(
        lines("point read, now", Unit.NANOS, race(workshop, keys, "now", 1), 1.0 / 3, null));
    lines.addAll(
        lines(
            "point read, of one moment", Unit.NANOS, race(workshop, keys, "then", 1), null, null));
    lines.addAll(
        lines(
            "scan of 1,000, an entry",
            Unit.NANOS,
            race(workshop, keys, "scan", Math.min(keys, StoreReader.SCANNED)),
            null,
            null));
    for (Kind kind : Kind.values()) {
      open(workshop, kind); // which ends by SIGKILL
    }
    lines.addAll(
        lines(
            "opened after SIGKILL, JVM cold",
            Unit.MILLIS,
            each(quick ? 1 : OPENED, kind -> open(workshop, kind)),
            null,
            300.0));
    lines.addAll(lines("filled, a key", Unit.MICROS, filled, null, null));
    lines.addAll(
        lines("heap, a key", Unit.BYTES, each(1, kind -> heap(workshop, kind, keys)), null, null));
    lines.addAll(
        lines("disk, a key", Unit.BYTES, each(1, kind -> disk(workshop, kind, keys)), null, null));
    return lines;
  }

  /// In turns.
  private static Map<Kind, Series> each(int rounds, Figure figure)
      throws IOException, InterruptedException {
    Map<Kind, List<Double>> taken = new EnumMap<>(Kind.class);
    for (int round = 0; round < rounds; round++) {
      for (Kind kind : Kind.values()) {
        taken.computeIfAbsent(kind, _ -> new ArrayList<>()).add(figure.of(kind));
      }
    }
    Map<Kind, Series> series = new EnumMap<>(Kind.class);
    taken.forEach((kind, rounded) -> series.put(kind, new Series(rounded)));
    return series;
  }

  private static Jvm worker(Workshop workshop) throws IOException {
    Jvm worker = workshop.start(StoreWorker.class, FOLDER, "0");
    worker.hear("ready");
    return worker;
  }

  private static double load(Workshop workshop, Kind kind, int keys) throws IOException {
    try (Jvm worker = worker(workshop)) {
      worker.say("load " + kind.word() + " " + keys);
      return Long.parseLong(worker.hear("done")) / 1e3 / keys;
    }
  }

  private static double open(Workshop workshop, Kind kind) throws IOException {
    try (Jvm worker = worker(workshop)) {
      worker.say("open " + kind.word());
      double millis = Long.parseLong(worker.hear("done")) / 1e6;
      worker.kill();
      return millis;
    }
  }

  private static double heap(Workshop workshop, Kind kind, int keys) throws IOException {
    try (Jvm worker = worker(workshop)) {
      worker.say("heap " + kind.word() + " " + keys);
      return Math.max(1.0, Double.parseDouble(worker.hear("done"))) / keys;
    }
  }

  /// As `du` counts it: a file may be longer than what it takes.
  private static double disk(Workshop workshop, Kind kind, int keys)
      throws IOException, InterruptedException {
    Process du =
        new ProcessBuilder("du", "-s", "-B1", kind.in(workshop.place().resolve(FOLDER)).toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader out = du.inputReader()) {
      String line = out.readLine();
      if (du.waitFor() != 0 || line == null) {
        throw new IOException("du does not tell how much disk is taken");
      }
      return Double.parseDouble(line.split("\t", 2)[0]) / keys;
    }
  }

  /// @param parts of what is repeated
  private static Map<Kind, Series> race(Workshop workshop, int keys, String what, int parts)
      throws IOException, InterruptedException {
    Effort effort = workshop.effort();
    try (Jvm jvm =
        workshop.start(
            StoreReader.class,
            FOLDER,
            what,
            String.valueOf(keys),
            String.valueOf(effort.rounds()),
            String.valueOf(effort.roundMillis()),
            String.valueOf(effort.warmUpMillis()))) {
      Map<Kind, Series> raced = new EnumMap<>(Kind.class);
      for (String line : jvm.hearOut()) {
        List<String> words = List.of(line.split("\t", -1));
        List<Double> taken =
            words.stream().skip(1).map(word -> Double.parseDouble(word) / parts).toList();
        raced.put(Kind.of(words.getFirst()), new Series(taken));
      }
      return raced;
    }
  }

  /// @param beside how many times what LMDB takes is wanted
  /// @param alone what is wanted whatever the others take
  private List<Comparison> lines(
      String what,
      Unit unit,
      Map<Kind, Series> figures,
      @Nullable Double beside,
      @Nullable Double alone) {
    Series truce = Objects.requireNonNull(figures.get(Kind.TRUCE));
    List<Comparison> lines = new ArrayList<>();
    figures.forEach((kind, series) -> {
      if (kind != Kind.TRUCE) {
        Goal goal = kind != Kind.LMDB ? null : goal(beside, alone);
        lines.add(new Comparison(name(), what, unit, truce, new Peer(kind.shown(), series), goal));
      }
    });
    return lines;
  }

  private static @Nullable Goal goal(@Nullable Double beside, @Nullable Double alone) {
    if (beside != null) {
      return Goal.ratio(beside);
    }
    return alone == null ? null : Goal.figure(alone);
  }
}
