package dev.truce.lock;

import dev.truce.TruceException;
import dev.truce.lock.LockMachine.Run;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.LockState.Wait;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// The threads of this process that wait for one lock. Memory alone: it knows of no cell.
///
/// They wait in *runs*, each of which is one entry of the cell's queue. The first waiter of the
/// first run is the *leader*; whoever becomes it is woken, so that it looks before it sleeps again.
///
/// **Threads.** One at a time, but for [#busy()] and [#leader()].
final class LocalQueue {
  /// By the number of their run's claim, in the order of their arrival.
  private final Map<Long, LocalRun> runs = new LinkedHashMap<>();

  private int waiting;
  private volatile boolean busy;
  private volatile @Nullable Waiter leader;

  /// Waiters with one entry of the cell's queue, which `claim` tells from others.
  static final class LocalRun {
    private final Claim claim;
    private final NamedLock wanted;
    private final ArrayDeque<Waiter> waiters = new ArrayDeque<>(1);

    private LocalRun(Claim claim, NamedLock wanted) {
      this.claim = claim;
      this.wanted = wanted;
    }

    Claim claim() {
      return claim;
    }

    NamedLock wanted() {
      return wanted;
    }

    /// Whether its waiters have gone, and it stands only until it is out of the cell's queue.
    boolean isEmpty() {
      return waiters.isEmpty();
    }

    /// Whether one who wants `other` may wait in it as well. One who may leave a ticket waits
    /// alone.
    boolean admits(NamedLock other) {
      return wanted.reason().equals(other.reason())
          && wanted.wish().keep() == null
          && other.wish().keep() == null;
    }

    private Run run() {
      return new Run(
          waiters.size(), waiters.isEmpty() ? claim.number() : waiters.getFirst().claim.number());
    }
  }

  /// A thread that waits, or does not want to.
  static final class Waiter {
    private final Thread thread = Thread.currentThread();
    private final Claim claim;
    private final long since;
    private volatile @Nullable Held held;
    private volatile @Nullable TruceException refused;

    Waiter(Claim claim, long since) {
      this.claim = claim;
      this.since = since;
    }

    Thread thread() {
      return thread;
    }

    Claim claim() {
      return claim;
    }

    long since() {
      return since;
    }

    @Nullable Held held() {
      return held;
    }

    @Nullable TruceException refused() {
      return refused;
    }

    boolean answered() {
      return held != null || refused != null;
    }

    void grant(Held newHeld) {
      held = newHeld;
      wake();
    }

    void refuse(TruceException why) {
      refused = why;
      wake();
    }

    /// Has it look, now or when it goes to sleep next.
    void hint() {
      LockSupport.unpark(thread);
    }

    private void wake() {
      if (!thread.equals(Thread.currentThread())) {
        LockSupport.unpark(thread);
      }
    }
  }

  /// Whether anybody waits.
  boolean busy() {
    return busy;
  }

  int waiting() {
    return waiting;
  }

  @Nullable Waiter leader() {
    return leader;
  }

  /// Whether there are no runs, not even ones of nobody.
  boolean isEmpty() {
    return runs.isEmpty();
  }

  /// The runs as they are now.
  List<LocalRun> runs() {
    return List.copyOf(runs.values());
  }

  boolean has(LocalRun run) {
    return runs.containsKey(run.claim.number());
  }

  /// The run with this claim, or `null` if there is none.
  @Nullable LocalRun at(Claim claim) {
    return runs.get(claim.number());
  }

  /// The run in which this waiter stands, or `null` if it stands in none.
  @Nullable LocalRun of(Waiter waiter) {
    for (LocalRun run : runs.values()) {
      if (run.waiters.contains(waiter)) {
        return run;
      }
    }
    return null;
  }

  /// What the machine is told of the runs, by the numbers of their claims.
  Map<Long, Run> told() {
    if (runs.isEmpty()) {
      return Map.of();
    }
    Map<Long, Run> told = new HashMap<>();
    runs.forEach((number, run) -> told.put(number, run.run()));
    return told;
  }

  /// Which of the waiters in the cell's queue this one is, from 1 on; empty if it is none of them.
  ///
  /// @param member this process, whose runs stand in `queue` too
  OptionalInt position(Waiter waiter, List<Wait> queue, long member) {
    int ahead = 0;
    for (Wait wait : queue) {
      LocalRun run = wait.claim().member() == member ? at(wait.claim()) : null;
      if (run == null) {
        ahead += wait.count();
        continue;
      }
      for (Waiter other : run.waiters) {
        ahead++;
        if (other == waiter) {
          return OptionalInt.of(ahead);
        }
      }
    }
    return OptionalInt.empty();
  }

  // ---- changes

  /// A new run of one waiter, at the end.
  LocalRun begin(NamedLock wanted, Waiter waiter) {
    LocalRun run = new LocalRun(waiter.claim, wanted);
    runs.put(waiter.claim.number(), run);
    join(run, waiter);
    return run;
  }

  void join(LocalRun run, Waiter waiter) {
    run.waiters.add(waiter);
    count(1);
  }

  /// Takes the next waiter out of a run, and with the last one the run; `null` if it is one of
  /// nobody.
  @Nullable Waiter next(LocalRun run) {
    Waiter waiter = run.waiters.poll();
    if (run.waiters.isEmpty()) {
      remove(run);
    }
    if (waiter != null) {
      count(-1);
    }
    return waiter;
  }

  /// Takes a waiter out; the run stays, even if nobody is left in it.
  void leave(LocalRun run, Waiter waiter) {
    if (run.waiters.remove(waiter)) {
      count(-1);
    }
  }

  /// Takes all waiters out, and answers who they were; the run stays, as one of nobody.
  List<Waiter> disband(LocalRun run) {
    List<Waiter> gone = List.copyOf(run.waiters);
    run.waiters.clear();
    count(-gone.size());
    return gone;
  }

  /// Takes a run out, and whoever waits in it.
  void dissolve(LocalRun run) {
    remove(run);
    disband(run);
  }

  /// Takes a run of nobody out.
  void remove(LocalRun run) {
    runs.remove(run.claim.number());
  }

  private void count(int more) {
    waiting += more;
    busy = waiting > 0;
    promote();
  }

  private void promote() {
    Waiter first = first();
    if (first != leader) {
      leader = first;
      if (first != null) {
        first.wake();
      }
    }
  }

  private @Nullable Waiter first() {
    for (LocalRun run : runs.values()) {
      Waiter first = run.waiters.peek();
      if (first != null) {
        return first;
      }
    }
    return null;
  }
}
