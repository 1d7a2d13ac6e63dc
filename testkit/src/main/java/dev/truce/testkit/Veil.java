package dev.truce.testkit;

import dev.truce.Durability;
import dev.truce.EngineException;
import dev.truce.spi.Capabilities;
import dev.truce.spi.Cells;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import dev.truce.spi.Members;
import dev.truce.spi.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;

/// A handle that sees less of the journals than there is: what is safe, and what is still kept,
/// only as far as the test says.
final class Veil implements Engine {
  private static final Duration LOOK_AGAIN = Duration.ofMillis(20);

  private final Engine engine;
  private volatile long safe = Long.MAX_VALUE;
  private volatile long gone;
  private volatile boolean failing;
  private final AtomicInteger waits = new AtomicInteger();

  Veil(Engine engine) {
    this.engine = engine;
  }

  /// Has nothing behind this position be safe.
  void flushUpTo(long position) {
    safe = position;
  }

  /// Has nobody be told that something is safe from now on.
  void failFlushes() {
    failing = true;
  }

  /// How often somebody asked for something to be safe.
  int waits() {
    return waits.get();
  }

  /// Has nothing up to this position be kept.
  void letGo(long position) {
    gone = position;
  }

  @Override
  public String place() {
    return engine.place();
  }

  @Override
  public String root() {
    return engine.root();
  }

  @Override
  public Capabilities capabilities() {
    return engine.capabilities();
  }

  @Override
  public Cells cells() {
    return engine.cells();
  }

  @Override
  public Members members() {
    return engine.members();
  }

  @Override
  public Ticker ticker() {
    return engine.ticker();
  }

  @Override
  public Durability durability() {
    return engine.durability();
  }

  @Override
  public Journal journal(String name) {
    return new Veiled(engine.journal(name));
  }

  @Override
  public void close() {
    engine.close();
  }

  private final class Veiled implements Journal {
    private final Journal journal;

    Veiled(Journal journal) {
      this.journal = journal;
    }

    @Override
    public List<Result> append(List<Unit> units) {
      return journal.append(units);
    }

    @Override
    public Optional<Result.Appended> find(UUID commitId) {
      return journal.find(commitId);
    }

    @Override
    public void end(String lock, long token) {
      journal.end(lock, token);
    }

    @Override
    public long appended() {
      return journal.appended();
    }

    @Override
    public long durable() {
      return Math.min(safe, journal.durable());
    }

    @Override
    public boolean awaitDurable(long position, Duration wait) throws InterruptedException {
      waits.incrementAndGet();
      if (failing) {
        throw new EngineException(EngineException.Kind.IO, "the disk failed: by the test");
      }
      long deadline = ticker().nanos() + wait.toNanos();
      while (position > safe) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        long now = ticker().nanos();
        if (now >= deadline) {
          return false;
        }
        ticker().park(this, Math.min(deadline, now + LOOK_AGAIN.toNanos()));
      }
      return journal.awaitDurable(position, wait);
    }

    @Override
    public Page read(long from, int max) {
      return from <= gone ? new Page.TooOld(gone + 1) : journal.read(from, max);
    }

    @Override
    public AutoCloseable watch(Runnable hint) {
      return journal.watch(hint);
    }

    @Override
    public long floor() {
      return journal.floor();
    }

    @Override
    public boolean checkpoint(long upTo, State state) {
      return journal.checkpoint(upTo, state);
    }

    @Override
    public Optional<Base> checkpoint() {
      return journal.checkpoint();
    }
  }
}
