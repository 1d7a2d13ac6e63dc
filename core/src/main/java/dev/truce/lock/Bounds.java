package dev.truce.lock;

import java.time.Duration;

/// What bounds a lease besides its term.
///
/// @param renewals how often it may still be renewed, [#UNBOUNDED] without a limit
/// @param atLeast for how long after its grant nobody else is granted, though it is given back
///   sooner
record Bounds(int renewals, Duration atLeast) {
  static final int UNBOUNDED = Integer.MAX_VALUE;
  static final Bounds NONE = new Bounds(UNBOUNDED, Duration.ZERO);

  /// Renewed once more.
  Bounds renewed() {
    return renewals == UNBOUNDED ? this : new Bounds(renewals - 1, atLeast);
  }
}
