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

  private final Workshop workshop;
  private final List<Jvm> workers;

  private BetweenProcesses(Workshop workshop, List<Jvm> workers) {
    this.workshop = workshop;
    this.workers = workers;
  }

  /// What one round came to.
  private record Round(long nanos, long count, long handOvers) {}

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

  /// Four processes that get in each other's way.
  static final class Contended implements Row {
    @Override
    public String name() {
      return "4 processes, contended";
    }

    @Override
    public List<Comparison> measure(Workshop workshop) throws IOException, InterruptedException {
      return with(workshop, 4, between -> between.contended(name()));
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
    for (int i = -1; i < workshop.effort().meetings(); i++) {
      Round one = lock("truce");
      Round other = Futex.present() ? pingPong() : null;
      Round third = lock("kernel");
      if (i >= 0) {
        truce.add((double) one.nanos() / Math.max(1, one.handOvers()) / 1000);
        kernel.add((double) third.nanos() / Math.max(1, third.handOvers()) / 1000);
        if (other != null) {
          futex.add((double) other.nanos() / Math.max(1, other.count()) / 1000);
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
    for (int i = -1; i < workshop.effort().meetings(); i++) {
      Round one = lock("truce");
      Round other = lock("kernel");
      if (i >= 0) {
        truce.add((double) one.nanos() / Math.max(1, one.count()) / 1000);
        kernel.add((double) other.nanos() / Math.max(1, other.count()) / 1000);
      }
    }
    return List.of(
        new Comparison(
            row,
            "an acquire",
            Unit.MICROS,
            new Series(truce),
            new Peer("FileChannel.lock", new Series(kernel)),
            null));
  }

  private Round lock(String kind) throws IOException {
    SharedPage page = SharedPage.open(workshop.place());
    long before = page.counter();
    Round round = round(_ -> "lock " + kind);
    if (page.counter() - before != round.count()) {
      throw new IOException(
          kind
              + ": "
              + round.count()
              + " times counted, "
              + (page.counter() - before)
              + " arrived");
    }
    return round;
  }

  private Round pingPong() throws IOException {
    SharedPage.open(workshop.place()).turn(0);
    return round(rank -> "futex " + rank);
  }

  private interface Order {
    String to(int rank);
  }

  private Round round(Order order) throws IOException {
    long start = System.nanoTime() + LEAD_NANOS;
    long nanos = workshop.effort().meetingMillis() * 1_000_000;
    for (int rank = 0; rank < workers.size(); rank++) {
      workers.get(rank).say(order.to(rank) + " " + start + " " + (start + nanos));
    }
    long count = 0;
    long handOvers = 0;
    for (Jvm worker : workers) {
      String[] done = worker.hear("done").split(" ", -1);
      count += Long.parseLong(done[0]);
      handOvers += Long.parseLong(done[1]);
    }
    return new Round(nanos, count, handOvers);
  }
}
