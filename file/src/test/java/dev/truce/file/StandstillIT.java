package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Truce;
import dev.truce.lock.LockLostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A process stands still for five seconds, by `SIGSTOP`, at each point of an append, a seal, a
/// flush, a checkpoint and a cell's swap: meanwhile others commit and leases end, and when it goes
/// on nothing is torn, lost or out of order. Each point has a root of its own, six at a time.
///
/// Without `-Pfull` that is every point at which it has something that others need, or has just let
/// others see what it did; at the other points [YieldPointIT] stops it for a moment.
final class StandstillIT {
  private static final Duration STANDSTILL = Duration.ofSeconds(5);
  private static final Duration TERM = Duration.ofMillis(300);
  private static final Duration LONG = Duration.ofMinutes(1);

  private static final EnumSet<Yield> POINTS =
      EnumSet.of(
          Yield.SWAP_HALF_WRITTEN,
          Yield.SWAP_WON,
          Yield.SPLIT_WON,
          Yield.JOURNAL_APPEND_LOCKED,
          Yield.JOURNAL_APPEND_HALF_WRITTEN,
          Yield.JOURNAL_APPEND_MOVED,
          Yield.JOURNAL_SEAL_LOCKED,
          Yield.JOURNAL_SEAL_WRITTEN,
          Yield.JOURNAL_FLUSH_ANNOUNCED,
          Yield.JOURNAL_FLUSHED,
          Yield.JOURNAL_BASE_NAMED,
          Yield.JOURNAL_CHECKPOINT_APPENDED);

  static {
    if (Boolean.getBoolean("truce.full")) {
      POINTS.addAll(EnumSet.range(Yield.SWAP_READ, Yield.SPLIT_WON));
      POINTS.addAll(EnumSet.range(Yield.JOURNAL_SEGMENT_WRITTEN, Yield.JOURNAL_BASES_RETIRED));
    }
  }

  /// So many points at a time: that many processes start at once.
  private static final int TOGETHER = 6;

  @Test
  @Timeout(600)
  void stoppedAtAnyPoint_othersCommitAndLeasesEnd(@TempDir Path temporary) throws Exception {
    List<Yield> points = List.copyOf(POINTS);
    for (int from = 0; from < points.size(); from += TOGETHER) {
      stopAt(points.subList(from, Math.min(points.size(), from + TOGETHER)), temporary);
    }
  }

  private static void stopAt(List<Yield> points, Path temporary) throws Exception {
    List<Standstill> all = new ArrayList<>();
    try {
      for (Yield point : points) {
        all.add(new Standstill(point, temporary.resolve(point.name())));
      }
      for (Standstill each : all) {
        each.stopper.join();
      }
      TimeUnit.MILLISECONDS.sleep(STANDSTILL.toMillis());
      for (Standstill each : all) {
        each.awaitProgress();
        System.out.println(each);
      }
      Child.signal("CONT", all.stream().map(each -> each.victim).toList());
      for (Standstill each : all) {
        each.victim.say("on");
        each.mark();
      }
      for (Standstill each : all) {
        each.awaitProgress();
      }
    } finally {
      all.forEach(Standstill::end);
    }
    for (Standstill each : all) {
      each.check();
    }
  }

  /// One root, with one process that stands still and two threads that do not.
  private static final class Standstill {
    private static final int VICTIM = 1;
    private static final int OTHER = 0;

    final Yield point;
    final Child victim;
    private final Path root;
    private final Path acknowledged;
    private final FileEngine engine;
    private final Truce truce;
    private final Loop commits = new Loop(this::commit);
    private final Loop expiries = new Loop(this::expire);
    final Thread stopper;

    Standstill(Yield point, Path root) {
      this.point = point;
      this.root = root;
      this.acknowledged = root.resolveSibling(point + ".acknowledged");
      this.engine = FileEngine.open(root);
      this.truce = Truce.over(engine);
      this.victim =
          Child.start(
              List.of(
                  "-D" + Yield.PROPERTY + "=" + Victim.Hook.class.getName(), "-Dpoint=" + point),
              "lease",
              root,
              VICTIM,
              acknowledged);
      commits.start();
      expiries.start();
      stopper = Thread.ofPlatform().start(this::stop);
    }

    private void commit(long round) throws Exception {
      new Scribe(engine.journal(Scribe.NAME), ours(), "other").write(round, 5_000);
      for (int key = 0; key < Checker.KEYS; key++) {
        Tally.increment(engine.cells(), Checker.key(key), OTHER);
      }
    }

    /// Nobody gives the lease back: who comes next has it because its term is over.
    private void expire(long round) throws Exception {
      try {
        truce.lock("lock").lease(TERM, LONG);
      } catch (LockLostException e) {
        // its term was over before its beginning was on disk
      }
    }

    private Path ours() {
      return root.resolveSibling(point + ".ours");
    }

    /// As soon as it is there.
    private void stop() {
      victim.await("at " + point);
      mark();
      victim.signal("STOP");
    }

    void mark() {
      commits.mark();
      expiries.mark();
    }

    void awaitProgress() throws InterruptedException {
      commits.awaitProgress();
      expiries.awaitProgress();
    }

    void end() {
      commits.end();
      expiries.end();
      victim.close();
      truce.close();
      engine.close();
    }

    void check() throws Exception {
      commits.check();
      expiries.check();
      try (FileEngine alone = FileEngine.existing(root)) {
        assertThat(alone.notes()).isEmpty();
        Checker.check(alone.cells(), VICTIM, acknowledged);
        Scribe.check(alone.journal(Scribe.NAME), Victim.journal(acknowledged));
        Scribe.check(alone.journal(Scribe.NAME), ours());
      }
      assertThat(FileEngine.verify(root)).matches(FileEngine.Verification::sound);
    }

    @Override
    public String toString() {
      return "stopped at "
          + point
          + ": "
          + commits
          + " commits, "
          + expiries
          + " expiries of "
          + TERM.toMillis()
          + " ms";
    }
  }

  /// Does something over and over, and knows how often and how long it took at most since a moment.
  private static final class Loop {
    /// What is done after the moment: the second was begun after it.
    private static final int ENOUGH = 2;

    interface Work {
      void run(long round) throws Exception;
    }

    private final Work work;
    private final Thread thread = Thread.ofPlatform().unstarted(this::run);
    private volatile boolean open = true;
    private volatile Throwable failure;
    private long begun;
    private long markedAt;
    private long done;
    private long longestNanos;

    Loop(Work work) {
      this.work = work;
    }

    void start() {
      thread.start();
    }

    private void run() {
      try {
        for (long round = 1; open; round++) {
          begin();
          work.run(round);
          done();
        }
      } catch (Throwable e) {
        failure = e;
      }
    }

    private synchronized void begin() {
      begun = System.nanoTime();
    }

    private synchronized void done() {
      done++;
      longestNanos = Math.max(longestNanos, System.nanoTime() - Math.max(begun, markedAt));
      notifyAll();
    }

    synchronized void mark() {
      markedAt = System.nanoTime();
      done = 0;
      longestNanos = 0;
    }

    synchronized void awaitProgress() throws InterruptedException {
      long deadline = System.nanoTime() + LONG.toNanos();
      while (done < ENOUGH) {
        assertThat(failure).isNull();
        assertThat(deadline - System.nanoTime()).as("nanoseconds left").isPositive();
        wait(100);
      }
    }

    void end() {
      open = false;
      try {
        thread.join();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    void check() {
      assertThat(failure).isNull();
    }

    @Override
    public synchronized String toString() {
      return done + " (at most " + TimeUnit.NANOSECONDS.toMillis(longestNanos) + " ms)";
    }
  }
}
