package dev.truce.benchmarks;

import dev.truce.benchmarks.Comparison.Goal;
import dev.truce.benchmarks.Comparison.Peer;
import dev.truce.benchmarks.Comparison.Unit;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/// The holder is killed: how long until the one who waits has the lock.
final class AfterDeath implements Row {
  /// Long enough for the waiter to be asleep.
  private static final long SETTLE_MILLIS = 50;

  @Override
  public String name() {
    return "hand-over after SIGKILL of the holder";
  }

  @Override
  public List<Comparison> measure(Workshop workshop) throws IOException, InterruptedException {
    List<Double> truce = new ArrayList<>();
    List<Double> kernel = new ArrayList<>();
    try (Succession ours = new Succession(workshop, "truce");
        Succession theirs = new Succession(workshop, "kernel")) {
      for (int i = 0; i < workshop.effort().kills(); i++) {
        truce.add(ours.kill());
        kernel.add(theirs.kill());
      }
    }
    return List.of(
        new Comparison(
            name(),
            "kill to next holder",
            Unit.MILLIS,
            new Series(truce),
            new Peer("FileChannel.lock", new Series(kernel)),
            Goal.figure(5)));
  }

  /// A holder, and a process that waits to be the next.
  private static final class Succession implements AutoCloseable {
    private final Workshop workshop;
    private final String kind;
    private Jvm holder;
    private Jvm heir;

    Succession(Workshop workshop, String kind) throws IOException {
      this.workshop = workshop;
      this.kind = kind;
      this.holder = workshop.start(Worker.class);
      await(holder);
      holder.hear("got");
      this.heir = workshop.start(Worker.class);
      await(heir);
    }

    private void await(Jvm worker) throws IOException {
      worker.hear("ready");
      worker.say("take " + kind);
      worker.hear("waiting");
    }

    /// Milliseconds from the kill to the heir's grant, by the clock that all processes share.
    double kill() throws IOException, InterruptedException {
      Thread.sleep(SETTLE_MILLIS);
      long killed = System.nanoTime();
      holder.kill();
      long got = Long.parseLong(heir.hear("got"));
      holder.close();
      holder = heir;
      heir = workshop.start(Worker.class);
      await(heir);
      return (got - killed) / 1e6;
    }

    @Override
    public void close() {
      heir.close();
      holder.close();
    }
  }
}
