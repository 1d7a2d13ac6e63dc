package dev.truce.benchmarks;

import dev.truce.benchmarks.Comparison.Goal;
import dev.truce.benchmarks.Comparison.Peer;
import dev.truce.benchmarks.Comparison.Unit;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Several processes that all want one lock, all the time.
///
/// The counter that they raise under it is compared with what they say they did: a lock that does
/// not exclude is not measured but fails.
final class BetweenProcesses {
  private static final long LEAD_NANOS = 10_000_000;

  /// Rounds of hand-overs that are not counted: there are few in one, and at first all code is
  /// cold.
  private static final int WARM_UP = 5;

  private final Workshop workshop;
  private final List<Jvm> workers;
  private final SharedPage page;

  private BetweenProcesses(Workshop workshop, List<Jvm> workers) throws IOException {
    this.workshop = workshop;
    this.page = SharedPage.open(workshop.place());
    this.workers = workers;
  }

  /// What one round came to.
  private record Round(long wall, long count, List<Double> taken) {}

  /// Two processes that hand one lock to and fro.
  static final class HandOver implements Row {
    @Override
    public String name() {
      return "hand-over to a waiting process";
    }

    @Override
    public List<Comparison> measure(Workshop workshop) throws IOException, InterruptedException {
      return with(workshop, 2, between -> between.handOver(name()));
    }
  }

  /// Some processes that get in each other's way.
  record Contended(int processes) implements Row {
    @Override
    public String name() {
      return processes + " processes, contended";
    }

    @Override
    public List<Comparison> measure(Workshop workshop) throws IOException, InterruptedException {
      return with(workshop, processes, between -> between.contended(name()));
    }
  }

  private interface Work {
    List<Comparison> by(BetweenProcesses between) throws IOException;
  }

  private static List<Comparison> with(Workshop workshop, int processes, Work work)
      throws IOException, InterruptedException {
    List<Jvm> workers = new ArrayList<>();
    try {
      for (int i = 0; i < processes; i++) {
        workers.add(workshop.start(Worker.class));
      }
      for (Jvm worker : workers) {
        worker.hear("ready");
      }
      return work.by(new BetweenProcesses(workshop, workers));
    } finally {
      workers.forEach(Jvm::close);
    }
  }

  private List<Comparison> handOver(String row) throws IOException {
    List<Double> truce = new ArrayList<>();
    List<Double> futex = new ArrayList<>();
    List<Double> kernel = new ArrayList<>();
    for (int i = -WARM_UP; i < workshop.effort().meetings(); i++) {
      double one = handingOver("truce");
      double other = Futex.present() ? pingPong() : 0;
      double third = handingOver("kernel");
      if (i >= 0) {
        truce.add(one);
        kernel.add(third);
        if (other > 0) {
          futex.add(other);
        }
      }
    }
    Series ours = new Series(truce);
    List<Comparison> lines = new ArrayList<>();
    if (!futex.isEmpty()) {
      lines.add(line(row, ours, new Peer("futex, one way", new Series(futex)), Goal.ratio(5)));
    }
    lines.add(line(row, ours, new Peer("FileChannel.lock", new Series(kernel)), null));
    return lines;
  }

  private static Comparison line(String row, Series ours, Peer peer, @Nullable Goal goal) {
    return new Comparison(row, "2 processes, to the other", Unit.MICROS, ours, peer, goal);
  }

  private List<Comparison> contended(String row) throws IOException {
    List<Double> truce = new ArrayList<>();
    List<Double> kernel = new ArrayList<>();
    List<Double> flock = new ArrayList<>();
    for (int i = -1; i < workshop.effort().meetings(); i++) {
      double one = microsAnAcquire("truce");
      double other = microsAnAcquire("kernel");
      double third = microsAnAcquire("flock");
      if (i >= 0) {
        truce.add(one);
        kernel.add(other);
        flock.add(third);
      }
    }
    return List.of(
        contended(row, truce, new Peer("FileChannel.lock", new Series(kernel))),
        contended(row, truce, new Peer("flock(2)", new Series(flock))));
  }

  private static Comparison contended(String row, List<Double> truce, Peer peer) {
    return new Comparison(row, "an acquire", Unit.MICROS, new Series(truce), peer, null);
  }

  private double microsAnAcquire(String kind) throws IOException {
    Round round = lock("lock " + kind);
    return round.wall() / 1e3 / Math.max(1, round.count());
  }

  private Round lock(String order) throws IOException {
    long before = page.counter();
    Round round = round(order);
    if (page.counter() - before != round.count()) {
      throw new IOException(
          order + ": counted " + round.count() + ", arrived " + (page.counter() - before));
    }
    return round;
  }

  /// Microseconds from a release to the grant of the one who slept: the median, or the whole round
  /// if the lock was not handed over once.
  private double handingOver(String kind) throws IOException {
    page.released(0);
    Round round = lock("hand " + kind);
    List<Double> taken = round.taken();
    return (taken.isEmpty() ? round.wall() : new Series(taken).median()) / 1e3;
  }

  /// Microseconds a turn.
  private double pingPong() throws IOException {
    page.turn(0);
    Round round = round("futex both");
    return round.wall() / 1e3 / Math.max(1, round.count());
  }

  private Round round(String order) throws IOException {
    long start = System.nanoTime() + LEAD_NANOS;
    long wall = workshop.effort().meetingMillis() * 1_000_000;
    for (int rank = 0; rank < workers.size(); rank++) {
      workers.get(rank).say(order + " " + start + " " + (start + wall) + " " + rank);
    }
    long count = 0;
    List<Double> taken = new ArrayList<>();
    for (Jvm worker : workers) {
      String[] done = worker.hear("done").split(" ", -1);
      count += Long.parseLong(done[0]);
      for (int i = 1; i < done.length; i++) {
        taken.add(Double.valueOf(done[i]));
      }
    }
    return new Round(wall, count, taken);
  }
}
