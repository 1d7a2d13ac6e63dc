package dev.truce.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Takes the time of contestants side by side in one JVM.
///
/// Each is warmed up and gets its own number of repetitions, so that a round of it takes as long as
/// one of the others. Then they take turns, round by round, each time another one first.
final class Rounds {
  /// Something that can be repeated, in a loop of its own, so that the JIT compiler sees each
  /// contestant alone.
  interface Contestant {
    void repeat(long times) throws Exception;
  }

  private final int rounds;
  private final long roundNanos;
  private final long warmUpNanos;

  Rounds(int rounds, long roundMillis, long warmUpMillis) {
    this.rounds = rounds;
    this.roundNanos = roundMillis * 1_000_000;
    this.warmUpNanos = warmUpMillis * 1_000_000;
  }

  /// Nanoseconds a repetition, by contestant.
  Map<String, Series> race(Map<String, Contestant> contestants) throws Exception {
    List<Lane> lanes = new ArrayList<>();
    for (Map.Entry<String, Contestant> entry : contestants.entrySet()) {
      Contestant contestant = entry.getValue();
      lanes.add(new Lane(entry.getKey(), contestant, warmUp(contestant), new ArrayList<>()));
    }
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < lanes.size(); i++) {
        Lane lane = lanes.get((round + i) % lanes.size());
        lane.taken().add((double) nanosOf(lane.contestant(), lane.times()) / lane.times());
      }
    }
    Map<String, Series> series = new LinkedHashMap<>();
    lanes.forEach(lane -> series.put(lane.name(), new Series(lane.taken())));
    return series;
  }

  /// @param times how often it is repeated in a round
  /// @param taken nanoseconds a repetition, by round
  private record Lane(String name, Contestant contestant, long times, List<Double> taken) {}

  /// Answers how many repetitions fill a round.
  private long warmUp(Contestant contestant) throws Exception {
    long repetitions = 1;
    long nanos = nanosOf(contestant, repetitions);
    for (long spent = nanos; spent < warmUpNanos || nanos < roundNanos / 4; spent += nanos) {
      if (nanos < roundNanos / 2) {
        repetitions *= 2;
      }
      nanos = nanosOf(contestant, repetitions);
    }
    return Math.max(1, repetitions * roundNanos / nanos);
  }

  private static long nanosOf(Contestant contestant, long repetitions) throws Exception {
    long start = System.nanoTime();
    contestant.repeat(repetitions);
    return Math.max(1, System.nanoTime() - start);
  }
}
