package dev.truce.benchmarks;

/// How long to measure. Many short rounds rather than few long ones: a round that is shorter than a
/// turn of the scheduler is either disturbed or not, and a median leaves the disturbed ones out.
///
/// @param rounds of what runs within one JVM
/// @param roundMillis how long one of them takes
/// @param warmUpMillis how long each contestant runs before, for the JIT compiler
/// @param meetings rounds of several processes or threads
/// @param meetingMillis how long one of them takes: many turns of the scheduler, for it takes part
/// @param kills of a holder
/// @param starts of each command
/// @param crowds how often ten thousand threads come together
/// @param idleMillis how long they are watched doing nothing
record Effort(
    int rounds,
    long roundMillis,
    long warmUpMillis,
    int meetings,
    long meetingMillis,
    int kills,
    int starts,
    int crowds,
    long idleMillis) {
  /// About three minutes on two cores.
  static final Effort FULL = new Effort(201, 3, 1_500, 15, 200, 25, 31, 3, 2_000);

  /// Shows that everything can be measured, and measures nothing.
  static final Effort QUICK = new Effort(3, 1, 10, 2, 50, 1, 1, 1, 100);
}
