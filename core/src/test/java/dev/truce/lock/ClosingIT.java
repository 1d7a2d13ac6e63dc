package dev.truce.lock;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Truce;
import dev.truce.memory.MemoryEngine;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/// Closing beside code of the application that does not end: it takes all of its patience, in real
/// time, and no more.
class ClosingIT {
  private static final Duration LONG = Duration.ofMinutes(5);

  private final MemoryEngine memory = MemoryEngine.create();
  private final AtomicReference<Thread> busy = new AtomicReference<>();
  private final Semaphore ends = new Semaphore(0);

  private void untilBusy() {
    Crew.until(() -> busy.get() != null);
  }

  @Test
  void close_listenerBlocks_endsAndLeavesNoThread() throws Exception {
    Truce truce =
        Truce.builder()
            .engine(memory.another())
            .listener(_ -> {
              busy.set(Thread.currentThread());
              try {
                ends.acquire();
              } catch (InterruptedException told) {
                Thread.currentThread().interrupt();
              }
            })
            .open();
    truce.lock("n").acquire(LONG).close();
    untilBusy();

    truce.close();

    assertThat(busy.get().join(Crew.LIVENESS)).isTrue();
    assertThat(Truce.over(memory).lock("n").tryAcquire()).isPresent();
  }

  @Test
  void close_bodyOfALeaderIgnoresItsInterrupt_returnsAndTheLockIsKept() throws Exception {
    Truce truce = Truce.over(memory.another());
    Candidacy candidacy =
        truce
            .election("n")
            .campaign(_ -> {
              busy.set(Thread.currentThread());
              ends.acquireUninterruptibly();
            });
    untilBusy();
    Truce other = Truce.over(memory);

    candidacy.close();

    assertThat(other.lock("n").tryAcquire()).as("given back under a body that runs").isEmpty();
    ends.release();
    assertThat(busy.get().join(Crew.LIVENESS)).isTrue();
    assertThat(other.lock("n").tryAcquire()).isPresent();
    truce.close();
  }
}
