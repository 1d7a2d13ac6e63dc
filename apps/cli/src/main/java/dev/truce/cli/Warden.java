package dev.truce.cli;

import dev.truce.TruceException;
import dev.truce.lock.LockSet;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// Watches a running command for the two reasons to stop it: its lock is lost, or it has held it
/// for too long.
final class Warden extends Thread {
  private static final int LOST = 123;
  private static final int TOO_LONG = 124;
  private static final long LOOK_MILLIS = 250;
  private static final long POLL_MILLIS = 10;

  private final LockSet.Held held;
  private final RunOptions run;
  private final long command;
  private final Console console;
  private final long began = System.nanoTime();
  private volatile int verdict;

  Warden(LockSet.Held held, RunOptions run, long command, Console console) {
    super("truce-warden");
    setDaemon(true);
    this.held = held;
    this.run = run;
    this.command = command;
    this.console = console;
  }

  /// With which status the command was stopped, 0 when it was not.
  int verdict() {
    return verdict;
  }

  void await() {
    try {
      join();
    } catch (InterruptedException ignored) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void run() {
    try {
      watch();
    } catch (InterruptedException ended) {
      // nothing left to watch
    }
  }

  private void watch() throws InterruptedException {
    boolean lost = false;
    while (true) {
      Thread.sleep(pause());
      if (isOver()) {
        stop(TOO_LONG, "has held its locks for " + limit() + ", its --max-hold", false);
        return;
      }
      if (!lost && isLost()) {
        lost = true;
        switch (run.onLost()) {
          case TERM -> stop(LOST, "has lost a lock", false);
          case KILL -> stop(LOST, "has lost a lock", true);
          case WARN -> say("has lost a lock and goes on without it");
        }
        if (verdict != 0) {
          return;
        }
      }
    }
  }

  private long pause() {
    Duration limit = run.maxHold();
    if (limit == null) {
      return LOOK_MILLIS;
    }
    long left = (limit.toNanos() - (System.nanoTime() - began) + 999_999) / 1_000_000;
    return Math.clamp(left, 0, LOOK_MILLIS);
  }

  private boolean isOver() {
    Duration limit = run.maxHold();
    return limit != null && System.nanoTime() - began >= limit.toNanos();
  }

  private @Nullable String limit() {
    return run.maxHold() == null ? null : Text.span(run.maxHold());
  }

  private boolean isLost() {
    try {
      return !held.isValid();
    } catch (TruceException cannotSay) {
      return false;
    }
  }

  private void stop(int status, String why, boolean atOnce) throws InterruptedException {
    verdict = status;
    say(why + "; stopping it");
    if (!atOnce && !run.grace().isZero()) {
      Life.signal(command, false);
      long end = System.nanoTime() + run.grace().toNanos();
      while (System.nanoTime() < end && Life.isInhabited(command)) {
        Thread.sleep(POLL_MILLIS);
      }
    }
    Life.end(command);
  }

  private void say(String what) {
    String name = Text.shown(run.wanted().getFirst().name());
    console.error("truce: the command under " + name + " " + what);
  }
}
