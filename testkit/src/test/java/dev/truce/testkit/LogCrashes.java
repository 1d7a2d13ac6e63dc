package dev.truce.testkit;

import dev.truce.testkit.PlainLog.Flaw;
import java.util.Set;
import java.util.stream.IntStream;

/// What a [PlainLog] has to survive.
final class LogCrashes {
  private LogCrashes() {}

  static Crashes<Integer> alone(Set<Flaw> flaws) {
    return Crashes.<Integer>of("a log of one process")
        .process("a", me -> appends(me, flaws, 1, 2, 3, 6))
        .recovery(me -> recovers(me, flaws));
  }

  static Crashes<Integer> together(Set<Flaw> flaws) {
    return Crashes.<Integer>of("a log of two processes")
        .setUp(me -> PlainLog.open(me, flaws).close())
        .process("a", me -> appends(me, flaws, 1, 2, 4))
        .process("b", me -> appends(me, flaws, 11, 12, 14))
        .recovery(me -> recovers(me, flaws))
        .depth(2);
  }

  /// Appends the first two together, then each of the others.
  static void appends(
      SimulatedMachine<Integer>.Worker me, Set<Flaw> flaws, int one, int two, int... others)
      throws Exception {
    try (PlainLog log = PlainLog.open(me, flaws)) {
      append(me, log, one, two);
      for (int entry : others) {
        append(me, log, entry);
      }
    }
  }

  private static void append(SimulatedMachine<Integer>.Worker me, PlainLog log, int... entries)
      throws Exception {
    IntStream.of(entries).forEach(me.account()::attempt);
    log.append(entries);
    IntStream.of(entries).forEach(me.account()::acknowledge);
  }

  static void recovers(SimulatedMachine<Integer>.Worker me, Set<Flaw> flaws) throws Exception {
    try (PlainLog log = PlainLog.open(me, flaws)) {
      me.account().settle(log.read());
      append(me, log, 100 + me.account().attempted().size());
      me.account().check(log.read());
    }
  }
}
