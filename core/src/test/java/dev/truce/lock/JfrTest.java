package dev.truce.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.truce.Truce;
import dev.truce.lock.Crew.Job;
import dev.truce.memory.MemoryEngine;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a flight recording has of locks, read back from its file.
class JfrTest {
  private static final Duration LONG = Duration.ofMinutes(5);

  @TempDir private Path temp;

  @Test
  void aRecording_hasWaitsHoldsRefusalsLossesAndDeadlocks() throws Exception {
    try (Recording recording = new Recording();
        Crew crew = new Crew();
        Truce truce = Truce.over(MemoryEngine.create())) {
      recording.start();
      NamedLock lock = truce.lock("n");
      Grant first = lock.acquire(LONG);
      assertThatThrownBy(() -> lock.acquire(LONG)).isInstanceOf(DeadlockException.class);
      Job<Boolean> refused = crew.platform(() -> lock.tryAcquire().isEmpty());
      assertThat(refused.join()).isTrue();
      Job<Grant> waiter = crew.platform(() -> lock.acquire(LONG));
      Crew.until(() -> lock.status().waiting() == 1);
      Crew.until(() -> waiter.thread().getState() == Thread.State.TIMED_WAITING);
      first.close();
      Grant second = waiter.join();
      lock.revoke("the test");
      assertThat(second.isValid()).isFalse();
      recording.stop();
      Path file = temp.resolve("locks.jfr");
      recording.dump(file);
      List<RecordedEvent> all =
          RecordingFile.readAllEvents(file).stream()
              .filter(event -> event.getEventType().getName().startsWith("dev.truce."))
              .toList();
      assertThat(all).allMatch(event -> event.getString("lock").equals("n"));

      assertThat(of(all, "LockHold"))
          .extracting(event -> event.getLong("token"))
          .containsExactly(first.token(), second.token());
      RecordedEvent wait = of(all, "LockWait").getFirst();
      assertThat(wait.getBoolean("granted")).isTrue();
      assertThat(wait.getLong("token")).isEqualTo(second.token());
      assertThat(wait.getDuration()).isPositive();
      RecordedEvent hold = of(all, "LockHold").getFirst();
      assertThat(hold.getStartTime()).isBefore(wait.getStartTime());
      assertThat(hold.getEndTime()).isAfter(wait.getStartTime());
      assertThat(of(all, "Deadlock")).hasSize(1);
      assertThat(of(all, "LockRefused"))
          .extracting(event -> event.getString("why"))
          .containsExactly("REFUSED");
      assertThat(of(all, "LockLost"))
          .extracting(event -> event.getString("cause"))
          .contains("ended by force");
      assertThat(of(all, "LockLost")).allMatch(event -> event.getLong("token") == second.token());
    }
  }

  @Test
  void aHold_endsWhereAGrantBecomesAnother() throws Exception {
    try (Recording recording = new Recording();
        Truce truce = Truce.over(MemoryEngine.create())) {
      recording.start();
      NamedLock lock = truce.lock("n");
      Lease lease = lock.lease(LONG, LONG);
      lease.release();
      Grant grant = lock.read().acquire(LONG);
      long reading = grant.token();
      grant.upgrade(LONG);
      grant.downgrade();
      grant.close();
      recording.stop();
      Path file = temp.resolve("holds.jfr");
      recording.dump(file);
      assertThat(of(RecordingFile.readAllEvents(file), "LockHold"))
          .extracting(event -> event.getLong("token"), event -> event.getBoolean("writing"))
          .containsExactly(
              tuple(lease.token(), true),
              tuple(reading, false),
              tuple(grant.token(), true),
              tuple(grant.token(), false));
    }
  }

  private static List<RecordedEvent> of(List<RecordedEvent> all, String name) {
    return all.stream()
        .filter(event -> event.getEventType().getName().equals("dev.truce." + name))
        .toList();
  }
}
