package dev.truce.benchmarks;

import org.jspecify.annotations.Nullable;

/// One line of the table: what Truce took, what a peer took beside it, and what the goal is.
///
/// @param row the row of the table that it belongs to
/// @param what was done
/// @param unit of the figures; less is better in all of them
/// @param peer what it was measured beside; `null` for a figure that stands alone
/// @param goal `null` where none is set
record Comparison(
    String row, String what, Unit unit, Series truce, @Nullable Peer peer, @Nullable Goal goal) {

  /// What a figure counts.
  enum Unit {
    NANOS("ns"),
    MICROS("us"),
    MILLIS("ms"),
    PERCENT("%"),
    CARRIERS("carriers"),
    FLUSHES("flushes"),
    BYTES("B");

    private final String sign;

    Unit(String sign) {
      this.sign = sign;
    }

    String sign() {
      return sign;
    }
  }

  record Peer(String name, Series series) {}

  /// The most that the median may be: of the ratio to the peer, or of the figure itself.
  record Goal(double atMost, boolean ofRatio) {
    static Goal ratio(double atMost) {
      return new Goal(atMost, true);
    }

    static Goal figure(double atMost) {
      return new Goal(atMost, false);
    }
  }

  Comparison {
    if (goal != null && goal.ofRatio() && peer == null) {
      throw new IllegalArgumentException("a ratio needs a peer: " + what);
    }
  }

  /// Alone, without a peer.
  static Comparison alone(String row, String what, Unit unit, Series truce, @Nullable Goal goal) {
    return new Comparison(row, what, unit, truce, null, goal);
  }

  /// Round by round; `null` without a peer.
  @Nullable Series ratio() {
    return peer == null ? null : truce.over(peer.series());
  }

  /// Whether the goal was met; `null` where none is set.
  @Nullable Boolean met() {
    if (goal == null) {
      return null;
    }
    Series judged = ratio();
    if (!goal.ofRatio() || judged == null) {
      judged = truce;
    }
    return judged.median() <= goal.atMost();
  }
}
