package dev.truce.testkit;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/// A right lock of the plainest kind: everything under one monitor. Each [Mutants] breaks one of
/// the methods that say what it does, and nothing else.
class PlainLock implements LockUnderTest {
  /// One lock.
  static class State {
    final List<Claim> holders = new ArrayList<>();
    final List<Claim> queue = new ArrayList<>();
    long arrivals;

    boolean written() {
      return holders.stream().anyMatch(claim -> claim.write);
    }
  }

  /// Somebody who holds or waits.
  final class Claim implements Held {
    final String process;
    final long pid;
    final boolean write;
    final State state;
    final String name;
    final Thread thread = Thread.currentThread();
    long sinceWallMillis;
    long token;
    long arrival;

    Claim(String process, String name, State state, boolean write) {
      this.process = process;
      this.pid = pids.getOrDefault(process, 0L);
      this.name = name;
      this.state = state;
      this.write = write;
    }

    @Override
    public long token() {
      return token;
    }

    @Override
    public long arrival() {
      return arrival;
    }

    @Override
    public void release() {
      synchronized (PlainLock.this) {
        PlainLock.this.release(state, this);
      }
    }
  }

  private static final long LOOK_AGAIN_NANOS = 1_000_000_000;

  final World world;
  final Map<String, State> states = new HashMap<>();
  final Map<String, Long> pids = new HashMap<>();
  final Set<String> dead = new HashSet<>();
  long lastToken;

  PlainLock(World world) {
    this.world = world;
  }

  @Override
  public synchronized void start(String process, long pid) {
    pids.put(process, pid);
  }

  @Override
  public synchronized void die(String process) {
    dead.add(process);
    for (State state : states.values()) {
      settle(state);
    }
  }

  @Override
  public synchronized int waiting(String lock) {
    return state(lock).queue.size();
  }

  @Override
  public void close() {}

  @Override
  public Optional<Held> acquire(String process, String lock, boolean write, Duration wait)
      throws InterruptedException {
    long deadline = givesUpAt(world.clock().nanos() + wait.toNanos());
    Claim claim;
    synchronized (this) {
      State state = state(lock);
      claim = new Claim(process, lock, state, write);
      settle(state);
      if (mayEnter(state, claim, wait.isPositive())) {
        enter(state, claim);
        return Optional.of(claim);
      }
      if (!wait.isPositive()) {
        return Optional.empty();
      }
      claim.arrival = ++state.arrivals;
      state.queue.add(place(state, claim), claim);
    }
    return await(claim, deadline);
  }

  private Optional<Held> await(Claim claim, long deadline) throws InterruptedException {
    while (true) {
      synchronized (this) {
        settle(claim.state);
        if (claim.token != 0 && taken(claim)) {
          return Optional.of(claim);
        }
        if (Thread.interrupted()) {
          interrupted(claim.state, claim);
          throw new InterruptedException();
        }
        if (over(deadline)) {
          timedOut(claim.state, claim);
          return Optional.empty();
        }
      }
      // Nothing rests on being called: a waiter looks again every second.
      world.clock().park(this, Math.min(deadline, world.clock().nanos() + LOOK_AGAIN_NANOS));
    }
  }

  // ---- what it does, and what mutants do otherwise

  State state(String name) {
    return states.computeIfAbsent(name, _ -> new State());
  }

  /// Where a newcomer stands in the queue.
  int place(State state, Claim claim) {
    return state.queue.size();
  }

  /// Whether a newcomer may go in at once.
  boolean mayEnter(State state, Claim claim, boolean waits) {
    return state.queue.isEmpty() && fits(state, claim);
  }

  boolean fits(State state, Claim claim) {
    return claim.write ? state.holders.isEmpty() : !state.written();
  }

  void enter(State state, Claim claim) {
    claim.sinceWallMillis = world.wallMillis().get();
    claim.token = nextToken(state);
    state.holders.add(claim);
  }

  /// Whether one that was called is really in.
  boolean taken(Claim claim) {
    return true;
  }

  long nextToken(State state) {
    return ++lastToken;
  }

  void release(State state, Claim claim) {
    state.holders.remove(claim);
    settle(state);
  }

  void timedOut(State state, Claim claim) {
    state.queue.remove(claim);
    settle(state);
  }

  void interrupted(State state, Claim claim) {
    state.queue.remove(claim);
    settle(state);
  }

  /// When somebody gives up whose time is over then.
  long givesUpAt(long deadline) {
    return deadline;
  }

  boolean over(long deadline) {
    return world.clock().nanos() - deadline >= 0;
  }

  boolean gone(Claim claim) {
    return dead.contains(claim.process);
  }

  /// Lets go of the dead and calls those whose turn it is.
  void settle(State state) {
    state.holders.removeIf(this::gone);
    state.queue.removeIf(this::gone);
    while (!state.queue.isEmpty() && fits(state, state.queue.getFirst())) {
      Claim next = state.queue.removeFirst();
      enter(state, next);
      LockSupport.unpark(next.thread);
    }
  }
}
