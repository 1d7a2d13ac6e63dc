package dev.truce.testkit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/// Judges whether what several threads saw of one compare-and-swap cell can be told as one after
/// the other, each operation at some moment between its call and its return.
///
/// An operation names the one whose answer it swaps from, so that the history tells a revision from
/// its bytes: a cell that was deleted, created and deleted again is not the cell it was.
public final class RegisterChecker {
  /*
   * The search of Wing and Gong ("Testing and verifying concurrent objects", JPDC 1993) with the memory
   * of configurations that Lowe added ("Testing for linearizability", 2017): next is any operation that
   * was called before every other pending one returned; a configuration, which is what was placed and
   * the state it led to, is never entered twice.
   */

  /// What an absent cell holds, in a history.
  public static final long ABSENT = 0;

  /// How long an operation of unknown outcome may take: for ever.
  public static final long NEVER = Long.MAX_VALUE;

  /// What one thread did and saw. Operations are named by their index in the history.
  public sealed interface Op {
    /// When it was called and when it returned, on one clock for all threads.
    long called();

    long returned();

    /// A read that saw `value`.
    record Read(long called, long returned, long value) implements Op {}

    /// A swap, from what operation number `from` answered, that won.
    record Won(long called, long returned, int from, long next) implements Op {}

    /// A swap that lost and was shown `current`. It changed nothing.
    record Lost(long called, long returned, long current) implements Op {}

    /// A swap of unknown outcome: it took effect once after its call, or never will.
    record Unknown(long called, int from, long next) implements Op {
      @Override
      public long returned() {
        return NEVER;
      }
    }
  }

  /// The cell between two operations.
  ///
  /// @param version how often it was written
  /// @param seen the version that each operation saw, by its index, as far as it is swapped from
  private record State(long value, int version, Map<Integer, Integer> seen) {
    State saw(int op, Set<Integer> needed) {
      if (!needed.contains(op)) {
        return this;
      }
      Map<Integer, Integer> more = new TreeMap<>(seen);
      more.put(op, version);
      return new State(value, version, more);
    }
  }

  private record Configuration(BitSet placed, State state) {}

  private final List<Op> history;
  private final Integer[] byCall;
  private final Set<Integer> needed = new HashSet<>();
  private final Set<Configuration> tried = new HashSet<>();
  private final int certain;
  private int best;

  private RegisterChecker(List<Op> history) {
    this.history = history;
    byCall = new Integer[history.size()];
    Arrays.setAll(byCall, i -> i);
    Arrays.sort(byCall, (a, b) -> Long.compare(history.get(a).called(), history.get(b).called()));
    int unknown = 0;
    for (Op op : history) {
      switch (op) {
        case Op.Won won -> needed.add(won.from());
        case Op.Unknown open -> {
          needed.add(open.from());
          unknown++;
        }
        case Op.Read _, Op.Lost _ -> {}
      }
    }
    certain = history.size() - unknown;
  }

  /// Empty when the history, which began with an absent cell, is linearizable; otherwise what
  /// cannot be placed.
  public static Optional<String> refute(List<Op> history) {
    RegisterChecker checker = new RegisterChecker(List.copyOf(history));
    return checker.search()
        ? Optional.empty()
        : Optional.of("no order of these operations explains what they saw:\n" + checker.told());
  }

  /// One way to go on from a configuration.
  private record Step(BitSet placed, State state, int certain) {}

  private boolean search() {
    List<Step> open = new ArrayList<>();
    open.add(new Step(new BitSet(), new State(ABSENT, 0, Map.of()), 0));
    while (!open.isEmpty()) {
      Step step = open.removeLast();
      if (step.certain == certain) {
        return true;
      }
      if (tried.add(new Configuration(step.placed, step.state))) {
        best = Math.max(best, step.certain);
        open.addAll(next(step).reversed());
      }
    }
    return false;
  }

  private List<Step> next(Step step) {
    long firstReturn = NEVER;
    for (int op : byCall) {
      if (!step.placed.get(op)) {
        firstReturn = Math.min(firstReturn, history.get(op).returned());
      }
    }
    List<Step> steps = new ArrayList<>();
    for (int op : byCall) {
      if (step.placed.get(op)) {
        continue;
      }
      if (history.get(op).called() > firstReturn) {
        break;
      }
      apply(op, step.state)
          .ifPresent(state -> {
            BitSet placed = (BitSet) step.placed.clone();
            placed.set(op);
            int more = history.get(op) instanceof Op.Unknown ? 0 : 1;
            steps.add(new Step(placed, state, step.certain + more));
          });
    }
    return steps;
  }

  /// The state after `op`, if what it saw fits.
  private Optional<State> apply(int op, State state) {
    return switch (history.get(op)) {
      case Op.Read read ->
          read.value() == state.value ? Optional.of(state.saw(op, needed)) : none();
      case Op.Lost lost ->
          lost.current() == state.value ? Optional.of(state.saw(op, needed)) : none();
      case Op.Won won -> write(op, won.from(), won.next(), state);
      case Op.Unknown unknown -> write(op, unknown.from(), unknown.next(), state);
    };
  }

  private Optional<State> write(int op, int from, long next, State state) {
    Integer expected = state.seen.get(from);
    return expected != null && expected == state.version
        ? Optional.of(new State(next, state.version + 1, state.seen).saw(op, needed))
        : none();
  }

  private static Optional<State> none() {
    return Optional.empty();
  }

  private String told() {
    StringBuilder told = new StringBuilder();
    for (int op : byCall) {
      told.append(op).append(": ").append(history.get(op)).append('\n');
    }
    return told.append("at most ")
        .append(best)
        .append(" of ")
        .append(certain)
        .append(" could be placed")
        .toString();
  }
}
