package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Truce;
import dev.truce.lock.Grant;
import dev.truce.lock.NamedLock;
import dev.truce.lock.Traffic;
import dev.truce.lock.Traffic.Cause;
import dev.truce.lock.Traffic.Event;
import dev.truce.lock.Traffic.Gap;
import dev.truce.lock.Traffic.What;
import dev.truce.testkit.Farm;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The record of traffic between processes, some of which are killed.
final class TrafficIT {
  private static final String NAME = "busy";
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final int VICTIMS = 4;

  @Test
  @Timeout(120)
  void processesAreKilled_eachLeavesOneGapAndTheOthersAreExact() throws Exception {
    Farm.run(
        LONG,
        farm -> {
          Path root = farm.directory().resolve("root");
          try (Truce eye = Truce.open(root)) {
            eye.lock(NAME).recordTraffic(true);
            Farm.Worker survivor = farm.launch("survivor", Worker.class, "" + root);
            List<Long> pids = new ArrayList<>();
            Instant before = Instant.now();
            for (int round = 0; round < VICTIMS; round++) {
              Farm.Worker victim = farm.launch("victim-" + round, Worker.class, "" + root);
              pids.add(Long.parseLong(victim.receive()));
              long untilTold = round * Duration.ofMillis(700).toNanos();
              LockSupport.parkNanos(untilTold); // some before they told anything, some after
              assertThat(victim.kill().messages()).isEmpty();
            }
            Instant killed = Instant.now();
            long pid = Long.parseLong(survivor.receive());
            survivor.send("enough");
            List<Long> tokens =
                Stream.of(survivor.receive().split(",", -1)).map(Long::parseLong).toList();
            survivor.receive("closed");
            Traffic traffic = eye.traffic();
            assertThat(gaps(traffic)).hasSize(VICTIMS);
            assertThat(gaps(traffic))
                .allSatisfy(gap -> {
                  assertThat(gap.cause()).isEqualTo(Cause.KILLED);
                  assertThat(gap.at()).isBetween(before, killed);
                  assertThat(gap.until()).isAfter(gap.at());
                });
            assertThat(gaps(traffic))
                .extracting(gap -> gap.owner().pid())
                .containsExactlyInAnyOrderElementsOf(pids);
            for (What what : List.of(What.GRANTED, What.RELEASED)) {
              assertThat(tokens(traffic, what, pid)).isEqualTo(tokens);
            }
            assertThat(traffic.parts()).extracting(Traffic.Part::at).isSorted();
            assertThat(eye.traffic()).isEqualTo(traffic);
          }
        });
  }

  private static List<Gap> gaps(Traffic traffic) {
    return traffic.parts().stream().filter(Gap.class::isInstance).map(Gap.class::cast).toList();
  }

  private static List<Long> tokens(Traffic traffic, What what, long pid) {
    return traffic.parts().stream()
        .filter(part ->
            part instanceof Event event && event.what() == what && event.owner().pid() == pid)
        .map(part -> ((Event) part).token())
        .toList();
  }

  /// Takes the lock about five hundred times a second until it has heard that this is enough, and
  /// says which tokens it had.
  public static final class Worker implements Farm.Role {
    /// For the farm.
    public Worker() {}

    @Override
    public void play(Farm.Me me) throws Exception {
      List<String> tokens = new ArrayList<>();
      try (Truce truce = Truce.open(Path.of(me.arguments().getFirst()))) {
        NamedLock lock = truce.lock(NAME);
        Thread work =
            Thread.ofPlatform()
                .start(() -> {
                  while (!Thread.currentThread().isInterrupted()) {
                    once(lock, tokens);
                    LockSupport.parkNanos(2_000_000);
                  }
                });
        while (lock.statistics().acquired() == 0) {
          LockSupport.parkNanos(1_000_000);
        }
        me.send("" + ProcessHandle.current().pid());
        assertThat(Objects.requireNonNull(me.receive())).isEqualTo("enough");
        work.interrupt();
        work.join();
        me.send(String.join(",", tokens));
      }
      me.send("closed");
    }

    private static void once(NamedLock lock, List<String> tokens) {
      try (Grant grant = lock.acquire(LONG)) {
        tokens.add("" + grant.token());
      } catch (InterruptedException enough) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
