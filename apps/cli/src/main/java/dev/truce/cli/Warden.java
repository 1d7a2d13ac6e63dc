package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.TruceException;
import dev.truce.lock.Grant;
import dev.truce.lock.History;
import dev.truce.lock.LockSet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Watches a running command for the two reasons to stop it: a lock of it is lost, or it has held
/// its locks for too long.
///
/// There is one verdict, by whoever looks first: this thread, four times a second, or the one that
/// hears of the command's end and [looks once more][#conclude] before a status is passed on.
/// Stopping is this thread's alone.
final class Warden extends Thread {
  private static final int LOST = 123;
  private static final int TOO_LONG = 124;
  private static final long LOOK_MILLIS = 250;
  private static final long POLL_MILLIS = 10;

  private final Truce truce;
  private final LockSet.Held held;
  private final RunOptions run;
  private final Life life;
  private final Console console;
  private final Keeper keeper;
  private final long began = System.nanoTime();

  // The three below change under this object's monitor.
  private int verdict;
  private boolean lost;
  private boolean dismissed;

  Warden(
      Truce truce, LockSet.Held held, RunOptions run, Life life, Console console, Keeper keeper) {
    super("truce-warden");
    setDaemon(true);
    this.truce = truce;
    this.held = held;
    this.run = run;
    this.life = life;
    this.console = console;
    this.keeper = keeper;
  }

  /// The command has ended. Whether its locks stood until then is looked at here, for a loss just
  /// before its end is not known yet. Answers with which status it was, or is being, stopped; 0
  /// when its own counts. The watch ends, unless something is left running that needs it.
  ///
  /// @throws TruceException if nobody can say whether they stood
  synchronized int conclude(boolean left) {
    if (verdict == 0) {
      look(left ? "; stopping what it left running" : "; it has ended", "went on without it");
      dismissed = !left;
    }
    notifyAll();
    return verdict;
  }

  /// Ends the watch, unless the command is being stopped.
  synchronized void dismiss() {
    dismissed |= verdict == 0;
    notifyAll();
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
      if (watch()) {
        stopIt();
      }
    } catch (InterruptedException | RuntimeException | Error thrown) {
      keeper.giveUp(thrown);
    }
  }

  /// Comes back when there is something to stop, or nothing to watch.
  private synchronized boolean watch() throws InterruptedException {
    while (verdict == 0 && !dismissed) {
      wait(pause());
      if (verdict == 0 && !dismissed) {
        lookOnTheWay();
      }
    }
    return !dismissed;
  }

  private long pause() {
    Duration limit = run.maxHold();
    if (limit == null) {
      return LOOK_MILLIS;
    }
    long left = (limit.toNanos() - (System.nanoTime() - began) + 999_999) / 1_000_000;
    return Math.clamp(left, 1, LOOK_MILLIS);
  }

  private void lookOnTheWay() {
    Duration limit = run.maxHold();
    if (limit != null && System.nanoTime() - began >= limit.toNanos()) {
      decide(
          TOO_LONG,
          "max_hold",
          "has held its locks for " + Text.exact(limit) + ", its --max-hold; stopping it");
      return;
    }
    try {
      look("; stopping it", "goes on without it");
    } catch (TruceException notNow) {
      // There is another look, and one more when the command has ended.
    }
  }

  /// Whether a lock is lost, which is said once, with what becomes of the command.
  private void look(String stopped, String warned) {
    if (lost || held.isValid()) {
      return;
    }
    lost = true;
    String what = "has lost " + losses();
    switch (run.onLost()) {
      case TERM, KILL -> decide(LOST, "lost", what + stopped);
      case WARN -> console.error("truce: " + Text.shown(of(what + " and " + warned)));
    }
  }

  /// `deploy, ended by force by ci@build-3 (pid 8112) (it hangs)`, of each that does not stand.
  private String losses() {
    List<String> losses = new ArrayList<>();
    for (Grant grant : held.grants()) {
      if (!grant.isValid()) {
        losses.add(grant.lock() + how(grant));
      }
    }
    return String.join(", and ", losses);
  }

  /// How it ended, as far as that is put down and can be read.
  private String how(Grant grant) {
    History.@Nullable Entry end = null;
    try {
      for (History.Entry entry : truce.history().entries()) {
        if (entry.lock().equals(grant.lock()) && entry.token() == grant.token()) {
          end = entry;
        }
      }
    } catch (TruceException unreadable) {
      return "";
    }
    return end == null
        ? ""
        : switch (end.kind()) {
          case REVOKED -> ", ended by force by " + end.by() + " (" + end.reason() + ")";
          case DIED -> ", whose holder was taken for dead";
          case EXPIRED, RELEASED, LEASED, RESTORED -> "";
        };
  }

  private void decide(int status, String kind, String why) {
    verdict = status;
    Failure stopped = Failure.stopped(status, kind, of(why));
    if (run.json()) {
      console.error(stopped.json());
    } else {
      stopped.report(console);
    }
  }

  private void stopIt() throws InterruptedException {
    boolean atOnce = isLost() && run.onLost() == RunOptions.OnLost.KILL;
    if (!atOnce && !run.grace().isZero()) {
      life.signal(false);
      long end = System.nanoTime() + run.grace().toNanos();
      while (System.nanoTime() < end && life.isInhabited()) {
        Thread.sleep(POLL_MILLIS);
      }
    }
    life.end();
  }

  private synchronized boolean isLost() {
    return verdict == LOST;
  }

  private String of(String what) {
    return "the command under " + run.wanted().getFirst().name() + " " + what;
  }
}
