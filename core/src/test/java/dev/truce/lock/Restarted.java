package dev.truce.lock;

import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Capabilities;
import dev.truce.spi.Cells;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import dev.truce.spi.Members;
import dev.truce.spi.Ticker;
import java.util.List;
import java.util.function.Consumer;

/// Memory after the machine was started again: the cells are new, what the journals have is there,
/// and numbers go on above those of before.
final class Restarted implements Engine {
  private final MemoryEngine memory;
  private final MemoryEngine before;

  /// Called before each swap.
  volatile Consumer<String> beforeSwap = _ -> {};

  Restarted(MemoryEngine memory, MemoryEngine before) {
    this.memory = memory;
    this.before = before;
  }

  Engine another() {
    return new Restarted(memory.another(), before);
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
    return memory.capabilities();
  }

  @Override
  public Members members() {
    return memory.members();
  }

  @Override
  public Ticker ticker() {
    return memory.ticker();
  }

  @Override
  public Journal journal(String name) {
    return before.journal(name);
  }

  @Override
  public Cells cells() {
    return new Cells() {
      @Override
      public Cell read(String key) {
        return memory.cells().read(key);
      }

      @Override
      public Swap swap(String key, Cell expected, byte[] next) {
        beforeSwap.accept(key);
        return memory.cells().swap(key, expected, next);
      }

      @Override
      public List<String> keys(String prefix) {
        return memory.cells().keys(prefix);
      }

      @Override
      public long draw(int count) {
        return before.cells().draw(count);
      }
    };
  }

  @Override
  public void close() {
    memory.close();
  }
}
