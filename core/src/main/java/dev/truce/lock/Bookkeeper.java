package dev.truce.lock;

import dev.truce.OutcomeUnknownException;
import dev.truce.TruceException;
import dev.truce.lock.Figures.Reset;
import dev.truce.spi.Cells;
import dev.truce.spi.Cells.Cell;
import dev.truce.spi.Cells.Swap;
import dev.truce.spi.Engine;
import dev.truce.spi.Ticker;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// Keeps what all processes measured of a lock in a cell of its own, so that acquiring swaps
/// nothing but the lock's. It goes when the lock's cell goes.
///
/// Figures are worth no lock: whatever goes wrong here is logged and what was to be added is
/// dropped.
///
/// **Threads.** Safe for any number of them.
final class Bookkeeper {
  private static final String PREFIX = "stat/";
  private static final long EVERY_NANOS = 1_000_000_000L;

  /// How often others may be faster before it is dropped.
  private static final int ROUNDS = 16;

  private static final byte[] NOTHING = new byte[0];

  private final Cells cells;
  private final Ticker ticker;
  private final int mostBytes;

  /// Adds what there is; whether there was any.
  private final BooleanSupplier addAll;

  private final AtomicBoolean busy = new AtomicBoolean();
  private volatile boolean closed;
  private volatile boolean hurried;
  private volatile @Nullable Thread adder;

  Bookkeeper(Engine engine, BooleanSupplier addAll) {
    this.cells = engine.cells();
    this.ticker = engine.ticker();
    this.mostBytes = Math.min(Figures.MOST_BYTES, engine.capabilities().maxCell());
    this.addAll = addAll;
  }

  // ---- now and then

  /// There is something to add: that is done within a second or two.
  void due() {
    if (!busy.get() && busy.compareAndSet(false, true)) {
      begin();
    }
  }

  /// There is so much to add that a second is long.
  void hurry() {
    hurried = true;
    LockSupport.unpark(adder);
  }

  /// A platform thread, for a virtual one would cost a cold JVM some milliseconds, and a short
  /// command measures something, too.
  private synchronized void begin() {
    if (closed) {
      return;
    }
    try {
      adder = Thread.ofPlatform().daemon().name("truce-statistics").start(this::addNowAndThen);
    } catch (OutOfMemoryError noThread) {
      busy.set(false);
      Log.LOG.log(System.Logger.Level.DEBUG, "no thread for the statistics now", noThread);
    }
  }

  private void addNowAndThen() {
    do {
      busy.set(true);
      boolean added = true;
      while (added && !closed) {
        long due = ticker.nanos() + EVERY_NANOS;
        while (!closed && !hurried && ticker.nanos() < due) {
          ticker.park(this, due);
        }
        hurried = false;
        added = !closed && adds();
      }
      busy.set(false);
      // What was measured before that was seen to be false is seen here.
    } while (!closed && adds() && busy.compareAndSet(false, true));
  }

  /// Whether there was anything. What nobody has foreseen ends this round: whoever measures next
  /// begins another one.
  private boolean adds() {
    try {
      return addAll.getAsBoolean();
    } catch (RuntimeException unforeseen) {
      Log.LOG.log(System.Logger.Level.WARNING, "figures could not be added", unforeseen);
      return false;
    }
  }

  synchronized void close() {
    closed = true;
    Thread adding = adder;
    if (adding != null) {
      adding.interrupt();
    }
  }

  // ---- the cells

  /// What all processes have added.
  Figures read(String lock) {
    return Figures.read(cells.read(key(lock)).bytes());
  }

  /// Adds what was measured, unless the lock's own cell is gone.
  void add(String lock, Figures measured) {
    try {
      Cell left = added(lock, measured);
      if (left != null && cells.read(Locks.key(lock)).absent()) {
        Swap _ = cells.swap(key(lock), left, NOTHING);
      }
    } catch (TruceException notNow) {
      dropped(lock, notNow);
    }
  }

  private @Nullable Cell added(String lock, Figures measured) {
    for (int round = 0; round < ROUNDS; round++) {
      Cell before = cells.read(key(lock));
      if (Figures.isNewer(before.bytes())) {
        return null;
      }
      Figures all = Figures.read(before.bytes());
      all.add(measured);
      switch (cells.swap(key(lock), before, all.write(mostBytes))) {
        case Swap.Won(Cell left) -> {
          return left;
        }
        case Swap.Lost _ -> {}
        case Swap.Unknown(String why) -> {
          dropped(lock, new OutcomeUnknownException(why, null));
          return null;
        }
      }
    }
    dropped(lock, null);
    return null;
  }

  private static void dropped(String lock, @Nullable TruceException why) {
    Log.LOG.log(System.Logger.Level.DEBUG, "figures of " + lock + " were dropped", why);
  }

  /// Begins anew.
  ///
  /// @throws OutcomeUnknownException if nobody can tell whether that is so
  void reset(String lock, Reset reset) {
    while (true) {
      Cell before = cells.read(key(lock));
      switch (cells.swap(key(lock), before, Figures.reset(reset).write(mostBytes))) {
        case Swap.Won _ -> {
          return;
        }
        case Swap.Lost _ -> {}
        case Swap.Unknown(String why) ->
            throw new OutcomeUnknownException(
                "nobody can tell whether the statistics of " + lock + " were reset: " + why, null);
      }
    }
  }

  /// The lock's own cell is gone.
  void forget(String lock) {
    Cell cell = cells.read(key(lock));
    if (!cell.absent()) {
      Swap _ = cells.swap(key(lock), cell, NOTHING);
    }
  }

  private static String key(String lock) {
    return PREFIX + lock;
  }
}
