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
  private final Life life;
  private final Console console;
  private final Keeper keeper;
  private final long began = System.nanoTime();
  private int verdict;
  private boolean dismissed;

  Warden(LockSet.Held held, RunOptions run, Life life, Console console, Keeper keeper) {
    super("truce-warden");
    setDaemon(true);
    this.held = held;
    this.run = run;
    this.life = life;
    this.console = console;
    this.keeper = keeper;
  }

  /// With which status the command was, or is being, stopped; 0 when it was not.
  synchronized int verdict() {
    return verdict;
  }

  /// Ends the watch, unless the command is being stopped; answers as [#verdict()].
  synchronized int dismiss() {
    dismissed = verdict == 0;
    return verdict;
  }

  private synchronized boolean decide(int status) {
    if (!dismissed) {
      verdict = status;
    }
    return !dismissed;
  }

  private synchronized boolean isDismissed() {
    return dismissed;
  }

  /// Waits until the command and all that it started are gone, or nobody watches them any more.
  void await() {
    try {
      join();
    } catch (InterruptedException nobodyDoes) {
      throw new IllegalStateException("the command may still run", nobodyDoes);
    }
  }

  @Override
  public void run() {
    try {
      watch();
    } catch (InterruptedException | RuntimeException | Error thrown) {
      keeper.giveUp(thrown);
    }
  }

  private void watch() throws InterruptedException {
    boolean lost = false;
    while (!isDismissed()) {
      Thread.sleep(pause());
      if (isOver()) {
        stop(TOO_LONG, "max_hold", "has held its locks for " + limit() + ", its --max-hold", false);
        return;
      }
      if (!lost && isLost()) {
        lost = true;
        switch (run.onLost()) {
          case TERM -> stop(LOST, "lost", "has lost a lock", false);
          case KILL -> stop(LOST, "lost", "has lost a lock", true);
          case WARN -> warn();
        }
        if (verdict() != 0) {
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
    return run.maxHold() == null ? null : Text.exact(run.maxHold());
  }

  private boolean isLost() {
    try {
      return !held.isValid();
    } catch (TruceException cannotSay) {
      return false;
    }
  }

  private void stop(int status, String kind, String why, boolean atOnce)
      throws InterruptedException {
    if (!decide(status)) {
      return;
    }
    Failure stopped = Failure.stopped(status, kind, of(why + "; stopping it"));
    if (run.json()) {
      console.error(stopped.json());
    } else {
      stopped.report(console);
    }
    if (!atOnce && !run.grace().isZero()) {
      life.signal(false);
      long end = System.nanoTime() + run.grace().toNanos();
      while (System.nanoTime() < end && life.isInhabited()) {
        Thread.sleep(POLL_MILLIS);
      }
    }
    life.end();
  }

  private synchronized void warn() {
    if (!dismissed) {
      console.error("truce: " + Text.shown(of("has lost a lock and goes on without it")));
    }
  }

  private String of(String what) {
    return "the command under " + run.wanted().getFirst().name() + " " + what;
  }
}
