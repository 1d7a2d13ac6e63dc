package dev.truce.memory;

import dev.truce.Durability;
import dev.truce.spi.Capabilities;
import dev.truce.spi.Cells;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import dev.truce.spi.Members;
import dev.truce.spi.Ticker;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/// A handle on memory that the threads of this JVM share. Nothing survives the process.
///
/// [#create()] makes new memory, [#another()] a second handle on the same: two handles see the same
/// cells and each other's members, so that two `Truce`s over them exclude each other like two
/// processes on one directory, except that a member dies by being closed.
///
/// **Threads.** Safe for any number of them. No operation waits for another thread, apart from the
/// creation of a name that was not used for a while, which shares a bucket of the table.
///
/// Names are forgotten some time after their cells were deleted: a million names used once leave
/// about [a thousand][MemoryCells#LINGERING] behind.
public final class MemoryEngine implements Engine {
  private static final int MAX_CELL = 1 << 20;

  /// What the handles share.
  private record Memory(
      UUID id,
      MemoryCells cells,
      MemoryMembers members,
      ConcurrentHashMap<String, Journal> journals) {}

  private static final Capabilities CAPABILITIES =
      new Capabilities(
          Capabilities.Clock.BOOT,
          Durability.NONE,
          Capabilities.Contention.OPTIMISTIC,
          true,
          false,
          MAX_CELL,
          Duration.ZERO);

  private final Memory memory;
  private final Ticker ticker;
  private final MemoryMembers.Handle members;

  private MemoryEngine(Memory memory, Ticker ticker) {
    this.memory = memory;
    this.ticker = ticker;
    this.members = memory.members.handle();
  }

  /// New memory, on this process's own clock.
  public static MemoryEngine create() {
    return create(Ticker.system());
  }

  /// New memory, on a clock of the caller's choice: the seam through which tests move time.
  public static MemoryEngine create(Ticker ticker) {
    Memory memory =
        new Memory(
            UUID.randomUUID(),
            new MemoryCells(MAX_CELL),
            new MemoryMembers(),
            new ConcurrentHashMap<>());
    return new MemoryEngine(memory, ticker);
  }

  /// Another handle on the same memory and clock, closed separately.
  public MemoryEngine another() {
    return new MemoryEngine(memory, ticker);
  }

  @Override
  public String place() {
    return "memory";
  }

  @Override
  public String root() {
    return memory.id.toString();
  }

  @Override
  public Capabilities capabilities() {
    return CAPABILITIES;
  }

  @Override
  public Cells cells() {
    return memory.cells;
  }

  @Override
  public Members members() {
    return members;
  }

  @Override
  public Ticker ticker() {
    return ticker;
  }

  /// One object per name for all handles, so that each hears of the others' appends at once.
  @Override
  public Journal journal(String name) {
    return memory.journals.computeIfAbsent(
        name, n -> Journal.over(memory.cells, MAX_CELL, ticker, n));
  }

  @Override
  public void close() {
    members.close();
  }

  @Override
  public String toString() {
    return place();
  }
}
