package dev.truce.testkit;

import dev.truce.TruceException;
import dev.truce.spi.Storage;
import dev.truce.spi.Ticker;
import dev.truce.testkit.RecordingStorage.Call;
import dev.truce.testkit.Schedule.Event;
import dev.truce.testkit.SimulatedDisk.Fate;
import dev.truce.testkit.SimulatedDisk.Fault;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// A machine with one [SimulatedDisk], one clock and some processes, of which one runs at a time: a
/// run is a function of the disk it starts from and a [Schedule].
///
/// A process is a piece of code on a thread of its own. It goes on until it waits on its ticker, or
/// ends, or the schedule has another go on; it can be interrupted where it calls its storage and
/// where it [reaches][#reach] a point that the engine names, for example before each access to a
/// shared word. Time passes by being read and by calls, a little each, and leaps when all wait.
/// Nothing sleeps really.
///
/// What a process does it does on its own thread. A thread that it starts is not part of the
/// machine: it would run when it likes.
///
/// @param <E> what the processes [account][Account] for
public final class SimulatedMachine<E> {
  private static final ThreadLocal<SimulatedMachine<?>.@Nullable Worker> CURRENT =
      new ThreadLocal<>();

  /// What a reading of the clock and a call take.
  private static final long READING_NANOS = 1_000;

  private static final long CALL_NANOS = 20_000;

  /// When whoever waits for no time at all looks again, for nobody can tell whether it was
  /// unparked.
  private static final long LOOK_AGAIN_NANOS = 1_000_000_000;

  /// So often in a row one process may look at the clock or call before the next has its turn.
  private static final int TURN = 1_000;

  /// A run that takes more steps than that will not end.
  private static final int MAX_STEPS = 500_000;

  /// What a process does.
  @FunctionalInterface
  public interface Body<E> {
    void run(SimulatedMachine<E>.Worker me) throws Exception;
  }

  /// How a run ended.
  ///
  /// @param disk as the last process left it, before a power cut takes anything
  /// @param schedule what happened, chance spelled out
  /// @param trace what happened at each point, in order: a [Call], or what was [reached][#reach]
  /// @param failure what a process failed with that no fault explains, if one did
  public record Outcome<E>(
      DiskState disk,
      Account<E> account,
      Schedule schedule,
      List<Object> trace,
      @Nullable Throwable failure) {
    /// How many points there were.
    public int points() {
      return trace.size();
    }

    /// Throws what a process failed with, if one did, and says how to repeat it.
    public Outcome<E> orThrow() {
      if (failure != null) {
        throw new AssertionError(failure.getMessage() + "\n  schedule: " + schedule, failure);
      }
      return this;
    }
  }

  /// Is told of each point before anything happens there.
  interface Watcher {
    void at(int point);
  }

  private final SimulatedDisk disk;
  private final Account<E> account;
  private final int boot;
  private final List<Worker> workers = new ArrayList<>();
  private final List<Object> trace = new ArrayList<>();
  private final List<Event> happened = new ArrayList<>();
  private Schedule schedule = Schedule.PLAIN;
  private @Nullable SplittableRandom random;
  private Watcher watcher = _ -> {};
  private @Nullable Fault fault;
  private long nanos;
  private int steps;
  private int turn;
  private @Nullable DiskState end;
  private @Nullable Throwable failure;
  private volatile @Nullable Worker running;
  private volatile boolean over;

  /// A machine on its first boot.
  public SimulatedMachine(DiskState disk, Account<E> account) {
    this(disk, account, 1, Duration.ofHours(1).toNanos());
  }

  SimulatedMachine(DiskState disk, Account<E> account, int boot, long nanos) {
    this.disk = new SimulatedDisk(disk);
    this.account = account;
    this.boot = boot;
    this.nanos = nanos;
  }

  /// Adds a process; the first one added begins.
  public SimulatedMachine<E> process(String name, Body<E> body) {
    workers.add(new Worker(name, body));
    return this;
  }

  SimulatedMachine<E> watched(Watcher by) {
    watcher = by;
    return this;
  }

  SimulatedDisk disk() {
    return disk;
  }

  Account<E> account() {
    return account;
  }

  int boot() {
    return boot;
  }

  long nanos() {
    return nanos;
  }

  /// A place in the code of an engine where another process may go on, and where this one may be
  /// stopped or killed. Nothing happens on a thread that belongs to no machine.
  public static void reach(String point) {
    SimulatedMachine<?>.Worker me = CURRENT.get();
    if (me != null) {
      me.reaches(point);
    }
  }

  /// Runs the processes to their ends. Once for each machine.
  public Outcome<E> run(Schedule by) {
    schedule = by;
    random = by.random() == null ? null : by.random().random("schedule");
    running = workers.getFirst();
    if (workers.size() == 1) {
      workers.getFirst().live();
    } else {
      workers.forEach(Worker::start);
      workers.forEach(Worker::await);
    }
    if (end == null) {
      throw new AssertionError("the machine never came to its end", failure);
    }
    return new Outcome<>(
        end, account, new Schedule(happened, null), Collections.unmodifiableList(trace), failure);
  }

  private void finish() {
    if (!over) {
      end = disk.state();
      over = true;
      workers.forEach(worker -> LockSupport.unpark(worker.thread));
    }
  }

  /// Who goes on when the present one does not: the next in turn that can, after a leap of time if
  /// nobody can now; or nobody, when all have ended.
  private @Nullable Worker next() {
    turn = 0;
    long earliest = Long.MAX_VALUE;
    for (Worker worker : workers) {
      earliest = worker.gone ? earliest : Math.min(earliest, worker.wakeAt);
    }
    if (earliest == Long.MAX_VALUE) {
      return null;
    }
    nanos = Math.max(nanos, earliest);
    int present = workers.indexOf(running);
    for (int i = 1; ; i++) {
      Worker candidate = workers.get((present + i) % workers.size());
      if (candidate.ready()) {
        return candidate;
      }
    }
  }

  private @Nullable Worker named(String name) {
    return workers.stream().filter(worker -> worker.name.equals(name)).findFirst().orElse(null);
  }

  private void hand(Worker to) {
    turn = 0;
    running = to;
    LockSupport.unpark(to.thread);
  }

  /// One simulated process.
  public final class Worker {
    private final String name;
    private final Body<E> body;
    private Thread thread = Thread.currentThread();
    private @Nullable Storage storage;
    private long wakeAt;
    private boolean gone;

    Worker(String name, Body<E> body) {
      this.name = name;
      this.body = body;
    }

    public String name() {
      return name;
    }

    /// The disk, for this process.
    public Storage storage() {
      Storage mine = storage;
      if (mine == null) {
        mine = disk.process(name, new Hooked());
        storage = mine;
      }
      return mine;
    }

    /// The clock of the machine.
    public Ticker ticker() {
      return new Clock();
    }

    /// Where this process says what it tried and what was acknowledged.
    public Account<E> account() {
      return account;
    }

    /// The number of the boot: another one after each power cut.
    public int boot() {
      return boot;
    }

    private boolean ready() {
      return !gone && wakeAt <= nanos;
    }

    private void start() {
      thread = Thread.ofVirtual().name(name).unstarted(this::live);
      thread.start();
    }

    private void await() {
      try {
        if (!thread.join(TestClock.LIVENESS)) {
          throw new AssertionError(
              name
                  + " waits for something that is no part of the machine, at "
                  + Arrays.toString(thread.getStackTrace()));
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted while " + name + " ran", e);
      }
    }

    private void live() {
      SimulatedMachine<?>.@Nullable Worker outer = CURRENT.get();
      CURRENT.set(this);
      try {
        awaitTurn();
        body.run(this);
        gone();
      } catch (Halted e) {
        if (!over) {
          failed(e);
        }
      } catch (Throwable e) {
        failed(e);
      } finally {
        CURRENT.set(outer);
      }
    }

    /// A fault of the disk ends the process that could not cope with it, as it should; anything
    /// else ends the run.
    private void failed(Throwable e) {
      if (over) {
        return;
      }
      boolean trouble =
          e instanceof IOException
              || e instanceof UncheckedIOException
              || e instanceof TruceException;
      if (trouble && schedule.fails()) {
        gone();
      } else {
        failure = e;
        finish();
      }
    }

    private void gone() {
      gone = true;
      disk.kill(name);
      Worker next = next();
      if (next == null) {
        finish();
      } else {
        hand(next);
      }
    }

    private void awaitTurn() {
      while (running != this && !over) {
        LockSupport.park(this);
      }
      requireLife();
    }

    private void requireLife() {
      if (over || gone) {
        throw new Halted(name + " was killed");
      }
    }

    /// Ends this process now; its thread stays where it is until nobody can see what it still does.
    private Halted halt() {
      gone();
      while (!over) {
        LockSupport.park(this);
      }
      return new Halted(name + " was killed");
    }

    private void handOn() {
      Worker next = next();
      if (next != null && next != this) {
        hand(next);
        awaitTurn();
      }
    }

    private void step(long takes) {
      requireLife();
      nanos += takes;
      if (++steps > MAX_STEPS) {
        throw new AssertionError("this does not come to an end");
      }
      if (++turn > TURN) {
        handOn();
      }
    }

    private record Reached(String process, String point) {
      @Override
      public String toString() {
        return process + ": at " + point;
      }
    }

    private void reaches(String point) {
      if (at(new Reached(name, point)) == Fate.IS_CUT_SHORT) {
        throw halt();
      }
    }

    private Fate at(Object what) {
      step(CALL_NANOS);
      trace.add(what);
      int point = trace.size();
      watcher.at(point);
      Fate fate = of(fault);
      for (Event event : schedule.at(point)) {
        if (!(event instanceof Event.Switch)) {
          happened.add(event);
        }
        switch (event) {
          case Event.Kill kill when kill.midway() -> fate = Fate.IS_CUT_SHORT;
          case Event.Kill _ -> throw halt();
          case Event.PowerCut _ -> {
            finish();
            throw new Halted("the power is gone");
          }
          case Event.Fail fail -> {
            fate = of(fail.fault());
            fault = fail.forEver() ? fail.fault() : fault;
          }
          case Event.Stop stop -> {
            wakeAt = nanos + stop.time().toNanos();
            handOn();
          }
          case Event.Switch to -> letGoOn(point, named(to.to()));
        }
      }
      letChance(point);
      return fate;
    }

    private static Fate of(@Nullable Fault fault) {
      return switch (fault) {
        case IO -> Fate.FAILS;
        case FULL -> Fate.FINDS_NO_SPACE;
        case null -> Fate.PASSES;
      };
    }

    private void letGoOn(int point, @Nullable Worker other) {
      if (other != null && other != this && other.ready()) {
        happened.add(new Event.Switch(point, other.name));
        hand(other);
        awaitTurn();
      }
    }

    private void letChance(int point) {
      if (random == null) {
        return;
      }
      List<Worker> ready = workers.stream().filter(Worker::ready).toList();
      Schedule.chance(random, ready.size())
          .map(ready::get)
          .ifPresent(other -> letGoOn(point, other));
    }

    private final class Hooked implements SimulatedDisk.Hook {
      @Override
      public Fate before(Call call) {
        return at(call);
      }

      @Override
      public Halted halt() {
        return Worker.this.halt();
      }
    }

    private final class Clock implements Ticker {
      @Override
      public long nanos() {
        step(READING_NANOS);
        return nanos;
      }

      @Override
      public void park(Object blocker, long deadline) {
        step(READING_NANOS);
        if (!Thread.currentThread().isInterrupted()) {
          wakeAt = deadline == Long.MAX_VALUE ? nanos + LOOK_AGAIN_NANOS : deadline;
          if (wakeAt > nanos) {
            handOn();
          }
        }
      }

      @Override
      public String toString() {
        return "clock of a simulated machine, at " + Duration.ofNanos(nanos);
      }
    }

    @Override
    public String toString() {
      return name;
    }
  }

  /// The last of what happened before and at a point.
  static List<String> tail(List<Object> trace, int point, int count) {
    int to = point == 0 ? trace.size() : Math.min(point, trace.size());
    return trace.subList(Math.max(0, to - count), to).stream().map(Object::toString).toList();
  }
}
