package dev.truce.lock;

import dev.truce.lock.Figures.Reset;
import dev.truce.lock.LockState.Counters;
import dev.truce.lock.LockState.Hold;
import dev.truce.lock.LockState.Phase;
import dev.truce.lock.LockState.Wait;
import java.time.Instant;

/// What a lock's cell and what was measured of it come to.
final class Statistics {
  private Statistics() {}

  static LockStatistics of(LockStatus status, LockState state, Figures figures) {
    Counters counted = since(figures.reset().base(), state.counters());
    return new LockStatistics(
        status,
        counted.granted(),
        counted.released(),
        counted.lost(),
        held(state),
        counted.queued(),
        counted.left(),
        waiting(state),
        figures.ends(),
        figures.waits().spread(),
        figures.holds().spread(),
        figures.last(),
        figures.reset().at());
  }

  /// The counters themselves never fall: they are compared with what they were. Those who hold or
  /// wait at that moment count as having come after it, so that the sums go on to be right.
  static Reset reset(LockState state, Instant now) {
    Counters all = state.counters();
    return new Reset(
        now.toEpochMilli(),
        new Counters(
            all.granted() - held(state),
            all.released(),
            all.lost(),
            all.queued() - waiting(state),
            all.left()));
  }

  /// What was counted since then; all of it where the name was forgotten meanwhile, and with it
  /// what it had counted.
  private static Counters since(Counters base, Counters now) {
    boolean rose =
        now.granted() >= base.granted()
            && now.released() >= base.released()
            && now.lost() >= base.lost()
            && now.queued() >= base.queued()
            && now.left() >= base.left();
    return rose
        ? now.plus(-base.granted(), -base.released(), -base.lost(), -base.queued(), -base.left())
        : now;
  }

  private static long held(LockState state) {
    return state.holds().stream()
        .filter(hold -> hold.phase() != Phase.ENDING)
        .mapToLong(Hold::count)
        .sum();
  }

  private static long waiting(LockState state) {
    return state.queue().stream().mapToLong(Wait::count).sum();
  }
}
