package dev.truce.lock;

import dev.truce.EngineException;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Capabilities;
import dev.truce.spi.Cells;
import dev.truce.spi.Engine;
import dev.truce.spi.Members;
import dev.truce.spi.Ticker;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Predicate;

/// Memory that a test can bring into trouble.
final class TroubledEngine implements Engine {
  private final MemoryEngine memory;
  private final boolean optimist;
  private final Cells cells = new TroubledCells();

  /// How many of the next swaps answer that nobody can tell, though they were made.
  final AtomicInteger unknownButMade = new AtomicInteger();

  /// How many of the next swaps answer that nobody can tell, and were not made.
  final AtomicInteger unknownNotMade = new AtomicInteger();

  /// Whether every operation fails.
  volatile boolean unreachable;

  /// How many bytes it says that a cell holds at most.
  int maxCell;

  /// Whether members hear no wakes.
  volatile boolean deaf;

  /// Whether its members are told that somebody may have ended them.
  volatile boolean uncertain;

  /// Called before each swap with what the cell shall hold.
  volatile Predicate<String> beforeSwap = key -> true;

  /// Called before a number is drawn.
  volatile Runnable beforeDrawing = () -> {};

  /// Called before the engine is told that wakes are wanted.
  volatile Runnable beforeListening = () -> {};

  /// Called after each read, before who reads goes on.
  volatile Consumer<String> afterRead = key -> {};

  /// @param optimist whether the engine says that outcomes are always known
  TroubledEngine(MemoryEngine memory, boolean optimist) {
    this.memory = memory;
    this.optimist = optimist;
    maxCell = memory.capabilities().maxCell();
  }

  @Override
  public String place() {
    return memory.place();
  }

  @Override
  public String root() {
    return memory.root();
  }

  @Override
  public Capabilities capabilities() {
    Capabilities usual = memory.capabilities();
    return new Capabilities(
        usual.clock(),
        usual.durability(),
        usual.contention(),
        usual.proofOfDeath(),
        !optimist,
        maxCell,
        usual.wakeLatency());
  }

  @Override
  public Cells cells() {
    return cells;
  }

  @Override
  public Members members() {
    return new TroubledMembers(memory.members());
  }

  @Override
  public Ticker ticker() {
    return memory.ticker();
  }

  @Override
  public void close() {
    memory.close();
  }

  private void check() {
    if (unreachable) {
      throw new EngineException(EngineException.Kind.UNREACHABLE, "the test says so");
    }
  }

  /// Statistics are added whenever it suits them: troubles that are counted are not for them.
  private static boolean takeFor(String key, AtomicInteger some) {
    return !key.startsWith("stat/") && some.getAndUpdate(left -> Math.max(0, left - 1)) > 0;
  }

  private final class TroubledCells implements Cells {
    @Override
    public Cell read(String key) {
      check();
      Cell cell = memory.cells().read(key);
      afterRead.accept(key);
      return cell;
    }

    @Override
    public Swap swap(String key, Cell expected, byte[] next) {
      check();
      if (takeFor(key, unknownNotMade) || !beforeSwap.test(key)) {
        return new Swap.Unknown("the test says so");
      }
      Swap swap = memory.cells().swap(key, expected, next);
      return takeFor(key, unknownButMade) ? new Swap.Unknown("the test says so") : swap;
    }

    @Override
    public List<String> keys(String prefix) {
      check();
      return memory.cells().keys(prefix);
    }

    @Override
    public long draw(int count) {
      beforeDrawing.run();
      check();
      return memory.cells().draw(count);
    }
  }

  private final class TroubledMembers implements Members {
    private final Members members;

    TroubledMembers(Members members) {
      this.members = members;
    }

    @Override
    public Membership join(byte[] description) {
      return new TroubledMembership(members.join(description));
    }

    @Override
    public Standing standing(long member) {
      return members.standing(member);
    }

    @Override
    public Optional<byte[]> description(long member) {
      return members.description(member);
    }

    @Override
    public List<Long> list() {
      return members.list();
    }

    @Override
    public boolean end(long member) {
      return members.end(member);
    }

    @Override
    public void wake(long member) {
      if (!deaf) {
        members.wake(member);
      }
    }
  }

  private final class TroubledMembership implements Members.Membership {
    private final Members.Membership part;

    TroubledMembership(Members.Membership part) {
      this.part = part;
    }

    @Override
    public long member() {
      return part.member();
    }

    @Override
    public boolean current() {
      return part.current() && !uncertain;
    }

    @Override
    public void listen(boolean on, Runnable hint) {
      if (on) {
        beforeListening.run();
      }
      part.listen(on, hint);
    }

    @Override
    public void close() {
      part.close();
    }
  }
}
