package dev.truce.benchmarks;

import java.util.ArrayList;
import java.util.List;

/// One figure, measured in several rounds, in their order.
record Series(List<Double> rounds) {
  Series {
    if (rounds.isEmpty()) {
      throw new IllegalArgumentException("no round was measured");
    }
    rounds = List.copyOf(rounds);
  }

  static Series of(double... rounds) {
    List<Double> all = new ArrayList<>();
    for (double round : rounds) {
      all.add(round);
    }
    return new Series(all);
  }

  double min() {
    return quantile(0);
  }

  /// A quarter of the rounds is below.
  double low() {
    return quantile(0.25);
  }

  double median() {
    return quantile(0.5);
  }

  /// A quarter of the rounds is above.
  double high() {
    return quantile(0.75);
  }

  double max() {
    return quantile(1);
  }

  /// Between two rounds it lies on the line from one to the other.
  private double quantile(double part) {
    List<Double> sorted = rounds.stream().sorted().toList();
    double at = part * (sorted.size() - 1);
    int below = (int) at;
    int above = Math.min(below + 1, sorted.size() - 1);
    return sorted.get(below) + (at - below) * (sorted.get(above) - sorted.get(below));
  }

  /// Each round over the peer's round that ran right beside it, so that what disturbs the machine
  /// for longer than a round disturbs both.
  Series over(Series peer) {
    if (rounds.size() != peer.rounds.size()) {
      throw new IllegalArgumentException(
          rounds.size() + " rounds cannot be paired with " + peer.rounds.size());
    }
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < rounds.size(); i++) {
      ratios.add(rounds.get(i) / peer.rounds.get(i));
    }
    return new Series(ratios);
  }
}
