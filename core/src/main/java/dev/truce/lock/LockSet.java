package dev.truce.lock;

import dev.truce.Fence;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.NamedLock.Mode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/// Several locks, had together or not at all.
///
/// They are taken one after the other in the order of their names, which no two callers can
/// disagree on, so that sets never wait for each other in a ring. The one deadline bounds them all;
/// when it is over, everything had so far is given back. A name that is given twice counts once,
/// for writing if it is once for writing.
public final class LockSet {
  private final Locks room;
  private final List<NamedLock> locks;

  LockSet(Locks room, List<NamedLock> locks) {
    if (locks.isEmpty()) {
      throw new IllegalArgumentException("a set of locks needs at least one");
    }
    this.room = room;
    Map<String, NamedLock> byName = new TreeMap<>(Comparator.naturalOrder());
    locks.forEach(lock -> byName.merge(lock.name(), lock, LockSet::stronger));
    this.locks = List.copyOf(byName.values());
  }

  private static NamedLock stronger(NamedLock one, NamedLock other) {
    return one.mode() == Mode.WRITE ? one : other;
  }

  /// Waits at most so long for all of them.
  ///
  /// @throws NotAcquiredException for the first that could not be had; none is held then
  /// @throws InterruptedException as [NamedLock#acquire]
  public Held acquire(Duration wait) throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("before waiting for " + locks);
    }
    long deadline = Locks.deadline(room.ticker().nanos(), wait);
    Claim claim = room.newClaim();
    List<Grant> grants = new ArrayList<>();
    boolean all = false;
    try {
      for (NamedLock lock : locks) {
        long now = room.ticker().nanos();
        grants.add(new Grant(room.acquireHeld(lock, now, deadline, Locks.waits(wait), claim)));
      }
      all = true;
      return new Held(List.copyOf(grants));
    } finally {
      if (!all) {
        grants.reversed().forEach(Grant::close);
      }
    }
  }

  /// What [LockSet#acquire] hands out: one grant for each lock, closed together.
  public static final class Held implements AutoCloseable {
    private final List<Grant> grants;

    private Held(List<Grant> grants) {
      this.grants = grants;
    }

    /// The grants in the order of their names.
    public List<Grant> grants() {
      return grants;
    }

    /// The condition that all of them are current.
    public Fence fence() {
      return grants.stream().map(Grant::fence).reduce(Fence::and).orElseThrow();
    }

    /// Whether all of them stand.
    public boolean isValid() {
      return grants.stream().allMatch(Grant::isValid);
    }

    /// Calls `listener` for each of them that is lost.
    public void onLost(Consumer<Loss> listener) {
      grants.forEach(grant -> grant.onLost(listener));
    }

    /// Gives all of them back, the last one first.
    @Override
    public void close() {
      grants.reversed().forEach(Grant::close);
    }
  }
}
