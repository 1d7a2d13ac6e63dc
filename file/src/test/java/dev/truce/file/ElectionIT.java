package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Truce;
import dev.truce.lock.Candidacy;
import dev.truce.lock.LockStatus;
import dev.truce.testkit.Farm;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Elections between processes whose leaders are killed.
final class ElectionIT {
  private static final String NAME = "scheduler";
  private static final Duration LONG = Duration.ofMinutes(2);
  private static final int CANDIDATES = 5;

  @Test
  @Timeout(300)
  void leaderIsKilled_nextInTheOrderOfArrivalLeads() throws Exception {
    Farm.run(
        LONG,
        farm -> {
          Path root = farm.directory().resolve("root");
          try (Truce eye = Truce.open(root)) {
            List<Farm.Worker> candidates = new ArrayList<>();
            for (int candidate = 0; candidate < CANDIDATES; candidate++) {
              int before = candidate;
              candidates.add(farm.launch("candidate-" + candidate, Candidate.class, "" + root));
              until(() -> present(eye.lock(NAME).status()) == before + 1);
            }
            long token = 0;
            for (Farm.Worker leader : candidates) {
              long next = tokenOf(leader);
              assertThat(next).isGreaterThan(token);
              assertThat(eye.lock(NAME).status().isCurrent(next)).isTrue();
              token = next;
              assertThat(leader.kill().messages()).isEmpty();
            }
            until(() -> eye.lock(NAME).status().state() == LockStatus.State.FREE);
          }
        });
  }

  /// A leader that is stopped still leads, for no clock ends a living holder; by force it is ended,
  /// and finds out when it goes on.
  @Test
  @Timeout(300)
  void leaderIsStoppedAndEndedByForce_nextLeadsAndTheFirstFindsOut() throws Exception {
    Farm.run(
        LONG,
        farm -> {
          Path root = farm.directory().resolve("root");
          try (Truce eye = Truce.open(root)) {
            Farm.Worker first = farm.launch("first", Candidate.class, "" + root);
            long stopped = tokenOf(first);
            Farm.Worker second = farm.launch("second", Candidate.class, "" + root);
            until(() -> present(eye.lock(NAME).status()) == 2);
            first.stop();
            assertThat(eye.lock(NAME).status().isCurrent(stopped)).isTrue();

            eye.lock(NAME).revoke("it was stopped");

            assertThat(tokenOf(second)).isGreaterThan(stopped);
            first.cont();
            first.receive("lost " + stopped);
            second.send("resign");
            second.receive("resigned");
            assertThat(tokenOf(first)).isGreaterThan(stopped);
          }
        });
  }

  private static int present(LockStatus status) {
    return status.holders().size() + status.waiting();
  }

  private static long tokenOf(Farm.Worker leader) {
    String said = leader.receive();
    assertThat(said).startsWith("leads ");
    return Long.parseLong(said.substring("leads ".length()));
  }

  private interface Condition {
    boolean holds();
  }

  private static void until(Condition condition) {
    long end = System.nanoTime() + LONG.toNanos();
    while (!condition.holds()) {
      assertThat(System.nanoTime()).isLessThan(end);
      LockSupport.parkNanos(1_000_000);
    }
  }

  /// Stands until it is told to resign, and says when it leads and when it has lost.
  public static final class Candidate implements Farm.Role {
    /// For the farm.
    public Candidate() {}

    @Override
    public void play(Farm.Me me) throws Exception {
      try (Truce truce = Truce.open(Path.of(me.arguments().getFirst()));
          Candidacy _ =
              truce
                  .election(NAME)
                  .campaign(grant -> {
                    me.send("leads " + grant.token());
                    try {
                      new Semaphore(0).acquire();
                    } finally {
                      if (!grant.isValid()) {
                        me.send("lost " + grant.token());
                      }
                    }
                  })) {
        assertThat(me.receive()).isEqualTo("resign");
      }
      me.send("resigned");
    }
  }
}
