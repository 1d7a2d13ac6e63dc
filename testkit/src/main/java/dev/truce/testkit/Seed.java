package dev.truce.testkit;

import java.util.SplittableRandom;

/// The number that a random run starts from: the same seed, the same run, as far as one thread
/// decides it.
///
/// @param value anything
public record Seed(long value) {
  /// The system property that replays a run.
  public static final String PROPERTY = "truce.seed";

  /// The seed to replay, where one was [asked for][#PROPERTY], and a new one otherwise.
  public static Seed choose() {
    Long asked = Long.getLong(PROPERTY);
    return new Seed(asked != null ? asked : new SplittableRandom().nextLong());
  }

  /// A stream of random numbers of its own for each purpose.
  public SplittableRandom random(String purpose) {
    return new SplittableRandom(value * 31 + purpose.hashCode());
  }

  /// The option that repeats this run.
  public String replay() {
    return "-D" + PROPERTY + "=" + value;
  }

  @Override
  public String toString() {
    return "seed " + value;
  }
}
