package dev.truce.testkit;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.truce.spi.Cells;
import dev.truce.spi.Cells.Cell;
import dev.truce.spi.Cells.Swap;
import dev.truce.spi.Engine;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;

/// What the suites share: a fresh engine for each test, and helpers that hold for every engine,
/// unknown outcomes and lost swaps included.
@ExtendWith(Replay.class)
abstract class EngineContract implements Replay.Seeded {
  private static final int TRIES = 100;
  private static final Duration LOOK = Duration.ofMillis(2);
  private static final long SHORT_LOOK_NANOS = 20_000;
  private static final int LOOKS = 2;
  private static final Duration HELD_UP = Duration.ofSeconds(3);

  /// How much time passes at once where it passes by itself.
  static final Duration STEP = Duration.ofMillis(50);

  private final Seed seed = Seed.choose();
  private @Nullable EngineUnderTest place;
  private @Nullable Engine first;

  /// A new place. Whatever is random about it comes from `seed`.
  protected abstract EngineUnderTest engineUnderTest(Seed seed);

  @Override
  public Seed seed() {
    return seed;
  }

  @BeforeEach
  protected void openPlace() {
    place = engineUnderTest(seed);
    first = place.open();
  }

  @AfterEach
  protected void closePlace() {
    if (place != null) {
      place.close();
    }
  }

  final EngineUnderTest place() {
    if (place == null) {
      throw new IllegalStateException("no test is running");
    }
    return place;
  }

  /// The first handle.
  final Engine engine() {
    if (first == null) {
      throw new IllegalStateException("no test is running");
    }
    return first;
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static String text(Cell cell) {
    return new String(cell.bytes(), StandardCharsets.UTF_8);
  }

  /// Makes the cell hold `next`, whatever it holds now.
  static Cell put(Cells cells, String key, String next) {
    for (int tries = 0; tries < TRIES; tries++) {
      Cell cell = cells.read(key);
      if (text(cell).equals(next) || cells.swap(key, cell, bytes(next)) instanceof Swap.Won) {
        // A swap of unknown outcome may still be under way, for a revision that has passed.
        return cells.read(key);
      }
    }
    return fail("no swap of " + key + " was ever won");
  }

  /// Swaps from a cell that is current and nobody else touches, until that is known to have worked.
  static Cell win(Cells cells, String key, Cell expected, String next) {
    Cell from = expected;
    for (int tries = 0; tries < TRIES; tries++) {
      if (cells.swap(key, from, bytes(next)) instanceof Swap.Won(Cell won)) {
        return won;
      }
      from = cells.read(key);
      if (text(from).equals(next)) {
        return from;
      }
      assertTrue(
          Arrays.equals(from.bytes(), expected.bytes()),
          () -> key + " was touched by somebody else");
    }
    return fail("no swap of " + key + " was ever won, though nobody else was there");
  }

  /// Runs the tasks at once, each on a thread of its own, and answers their results.
  static <T> List<T> together(List<Callable<T>> tasks) throws Exception {
    List<FutureTask<T>> running = new ArrayList<>();
    for (Callable<T> task : tasks) {
      FutureTask<T> future = new FutureTask<>(task);
      running.add(future);
      Thread.ofPlatform().daemon().start(future);
    }
    List<T> results = new ArrayList<>();
    for (FutureTask<T> future : running) {
      results.add(get(future));
    }
    return results;
  }

  static <T> T get(FutureTask<T> future) throws Exception {
    try {
      return future.get(TestClock.LIVENESS.multipliedBy(3).toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Exception cause) {
        throw cause;
      }
      throw new AssertionError(e.getCause());
    } catch (TimeoutException e) {
      throw new AssertionError("a thread did not come to an end", e);
    }
  }

  /// How long, in real time, lies between two looks while time passes.
  Duration look() {
    return LOOK;
  }

  /// Lets time pass in small steps until the thread has come to an end.
  final void passUntilOver(Thread thread, Duration step) {
    passUntil(() -> !thread.isAlive(), step, () -> thread + " comes to an end");
  }

  final void passUntil(BooleanSupplier so, Supplier<String> what) {
    passUntil(so, STEP, what);
  }

  /// Lets time pass in small steps until it is so. Time is moved only when nothing else can happen:
  /// whoever is offered a lock, or has to show life, does so in time, however long its thread has
  /// to wait for a processor. Threads that do not come to rest hold time up for three real seconds.
  final void passUntil(BooleanSupplier so, Duration step, Supplier<String> what) {
    passUntil(so, step, TestClock.LIVENESS, what);
  }

  /// The same with another bound, in real time.
  final void passUntil(
      BooleanSupplier so, Duration step, Duration liveness, Supplier<String> what) {
    long began = System.nanoTime();
    while (!isSoBeforeRest(so)) {
      assertTrue(
          System.nanoTime() - began < liveness.toNanos(),
          () -> "not within the liveness bound: " + what.get());
      place().pass(step);
    }
  }

  /// Waits until it is so, or nothing is left to happen before time passes. Answers whether it is
  /// so.
  final boolean isSoBeforeRest(BooleanSupplier so) {
    long began = System.nanoTime();
    int atRest = 0;
    while (!so.getAsBoolean()) {
      if (atRest == LOOKS || System.nanoTime() - began > HELD_UP.toNanos()) {
        return false;
      }
      LockSupport.parkNanos(look().toNanos());
      atRest = place().isAtRest() ? atRest + 1 : 0;
    }
    return true;
  }

  /// Lets so much time pass in small steps, each when nothing else can happen.
  final void pass(Duration time) {
    for (Duration passed = Duration.ZERO; passed.compareTo(time) < 0; passed = passed.plus(STEP)) {
      place().pass(STEP);
      long began = System.nanoTime();
      while (!place().isAtRest() && System.nanoTime() - began < HELD_UP.toNanos()) {
        LockSupport.parkNanos(SHORT_LOOK_NANOS);
      }
    }
  }
}
