package dev.truce.lock;

import dev.truce.EngineException;
import dev.truce.OutcomeUnknownException;
import dev.truce.lock.LockMachine.Answer;
import dev.truce.lock.LockMachine.Caller;
import dev.truce.lock.LockMachine.Command;
import dev.truce.lock.LockMachine.Outcome;
import dev.truce.lock.LockMachine.Run;
import dev.truce.lock.LockMachine.Tokens;
import dev.truce.spi.Cells;
import dev.truce.spi.Cells.Cell;
import dev.truce.spi.Cells.Swap;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The cell of one lock: what it said when it was read last, and how a command changes it.
///
/// **Threads.** One at a time, but for [#current()] and the two steps of the short way.
final class LockCell {
  /// How often an unknown swap is repeated before the caller is told.
  private static final int UNKNOWN_REPEATS = 64;

  /// How many swaps may be lost before it is busy enough to let others go first.
  private static final int EAGER_ROUNDS = 64;

  private static final byte[] NOTHING = new byte[0];

  private final Locks room;
  private final String name;
  private final String key;
  private final Cells cells;

  private volatile Seen seen = new Seen(null, LockState.IDLE);

  /// How many swaps were of unknown outcome.
  private long unknowns;

  /// A cell as it was read, and what it says.
  private record Seen(@Nullable Cell cell, LockState state) {}

  LockCell(Locks room, String name) {
    this.room = room;
    this.name = name;
    this.key = Locks.key(name);
    this.cells = room.engine().cells();
  }

  /// What it said when it was read last.
  LockState state() {
    return seen.state();
  }

  /// How often nobody could tell what became of a swap. A command that ends something leaves no
  /// mark: where this grew and nothing was left to be ended, it may have done that itself.
  long unknowns() {
    return unknowns;
  }

  /// Reads it.
  LockState read() {
    return fresh().state();
  }

  /// What it says now, for any thread.
  LockState current() {
    return look(seen).state();
  }

  private Seen fresh() {
    Seen now = look(seen);
    seen = now;
    return now;
  }

  private Seen look(Seen last) {
    Cell cell = cells.read(key);
    Cell known = last.cell();
    if (known != null && known.revision().equals(cell.revision())) {
      return last;
    }
    return new Seen(cell, LockState.decode(cell.bytes()));
  }

  // ---- the short way

  /// The cell itself, for who decides on its bytes.
  Cell raw() {
    return cells.read(key);
  }

  /// Draws a token.
  long draw() {
    return cells.draw(1);
  }

  /// The cell as the swap left it, or `null` if it was not won.
  @Nullable Cell swap(Cell expected, byte[] next) {
    if (cells.swap(key, expected, next) instanceof Swap.Won(Cell left)) {
      if (expected.absent()) {
        room.madeName();
      }
      return left;
    }
    return null;
  }

  // ---- the long way

  /// Carries a command to its end: reads, decides, swaps, until a swap is won or nothing is to be
  /// changed.
  ///
  /// @param runs the waiters of this process, by the number of their run's claim
  /// @throws OutcomeUnknownException if nobody can tell whether it is done
  Outcome carry(Command command, Map<Long, Run> runs) {
    Caller caller = new Caller(room.member(), room.nextNumber(), runs);
    for (int round = 0; ; round++) {
      Seen at = fresh();
      Outcome outcome = decide(at.state(), caller, command);
      byte[] next = outcome.changed() ? outcome.state().encode() : NOTHING;
      if (next.length > room.maxCell()) {
        return tooLong(at.state(), command, next.length);
      }
      if (!outcome.changed() || swapped(at, outcome, next, caller)) {
        return outcome;
      }
      if (round > EAGER_ROUNDS) {
        Thread.onSpinWait();
      }
    }
  }

  private Outcome decide(LockState state, Caller caller, Command command) {
    long now = room.ticker().nanos();
    Outcome outcome = LockMachine.step(state, caller, command, now, Tokens.NONE, room.rules());
    while (outcome.missing() > 0) {
      int count = outcome.missing();
      Tokens tokens = new Tokens(cells.draw(count), count);
      outcome = LockMachine.step(state, caller, command, now, tokens, room.rules());
    }
    return outcome;
  }

  /// A cell has room for a few hundred rows, fewer with long reasons: one more is refused as if the
  /// queue were full.
  private Outcome tooLong(LockState state, Command command, int bytes) {
    if (command instanceof Command.Acquire) {
      Answer full = new Answer.Refused(LockMachine.Why.QUEUE_FULL);
      return new Outcome(false, state, full, List.of(), Set.of(), 0);
    }
    throw new EngineException(
        EngineException.Kind.IO,
        name + " needs " + bytes + " bytes and a cell holds " + room.maxCell());
  }

  private boolean swapped(Seen at, Outcome outcome, byte[] bytes, Caller caller) {
    Cell expected = at.cell();
    if (expected == null) {
      throw new IllegalStateException("a swap needs a cell that was read");
    }
    for (int unknown = 0; ; unknown++) {
      switch (cells.swap(key, expected, bytes)) {
        case Swap.Won(Cell cell) -> {
          seen = new Seen(cell, outcome.state());
          if (expected.absent()) {
            room.madeName();
          }
          return true;
        }
        case Swap.Lost(Cell current) -> {
          if (unknown > 0 && Arrays.equals(current.bytes(), expected.bytes())) {
            // Lost to nobody: the swap of unknown outcome may still land, so it must be this one.
            expected = current;
            continue;
          }
          seen = new Seen(current, LockState.decode(current.bytes()));
          return unknown > 0 && bears(seen.state(), caller);
        }
        case Swap.Unknown(String why) -> {
          unknowns++;
          if (unknown >= UNKNOWN_REPEATS) {
            throw new OutcomeUnknownException(
                "nobody can tell whether " + name + " was changed: " + why, null);
          }
        }
      }
    }
  }

  /// Whether a command left its mark, so that a swap whose outcome was unknown is known to have
  /// won. A command that leaves no row behind finds nothing to do when it is repeated.
  private static boolean bears(LockState state, Caller caller) {
    return state.holds().stream()
            .anyMatch(hold ->
                hold.claim().member() == caller.member() && hold.command() == caller.command())
        || state.queue().stream()
            .anyMatch(wait ->
                wait.claim().member() == caller.member() && wait.command() == caller.command());
  }

  /// Lets go of it if nobody does anything here. Whether it is gone.
  boolean forget() {
    Seen at = fresh();
    Cell cell = at.cell();
    if (cell == null || cell.absent()) {
      return true;
    }
    if (!at.state().idle()) {
      return false;
    }
    Swap swap = cells.swap(key, cell, NOTHING);
    seen = new Seen(null, LockState.IDLE);
    return swap instanceof Swap.Won;
  }
}
