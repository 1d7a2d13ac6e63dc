package dev.truce.lock;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Truce;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Engine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Candidates whose engine is in trouble, and how long they rest.
class ElectionTest {
  private static final long SECOND = 1_000_000_000L;

  private final TestTicker ticker = new TestTicker();
  private final MemoryEngine memory = MemoryEngine.create(ticker);
  private final TroubledEngine troubled = new TroubledEngine(memory.another(), true);
  private final List<Truce> open = new ArrayList<>();
  private final AtomicInteger terms = new AtomicInteger();

  @AfterEach
  void close() {
    troubled.unreachable = false;
    open.forEach(Truce::close);
  }

  private Truce over(Engine engine) {
    Truce truce = Truce.over(engine);
    open.add(truce);
    return truce;
  }

  private Candidacy campaign(Truce truce) {
    return truce
        .election("n")
        .campaign(_ -> {
          terms.incrementAndGet();
          new Semaphore(0).acquire();
        });
  }

  private void untilPassing(long step, BooleanSupplier so) {
    Crew.until(() -> {
      ticker.advance(step);
      return so.getAsBoolean();
    });
  }

  // ---- rests

  @Test
  void pause_roundsThatFailSoon_growsToItsBound() {
    long pause = Candidacy.SHORTEST_PAUSE_NANOS;
    List<Long> pauses = new ArrayList<>();
    for (int round = 0; round < 12; round++) {
      pause = Candidacy.pause(pause, SECOND, true);
      pauses.add(pause / 1_000_000);
    }
    assertThat(pauses)
        .containsExactly(
            20L, 40L, 80L, 160L, 320L, 640L, 1280L, 2560L, 5120L, 10_000L, 10_000L, 10_000L);
  }

  @Test
  void pause_roundLastedOrWentWell_startsAnew() {
    assertThat(Candidacy.pause(8 * SECOND, 0, false)).isEqualTo(Candidacy.SHORTEST_PAUSE_NANOS);
    assertThat(Candidacy.pause(8 * SECOND, 3600 * SECOND, true))
        .isEqualTo(Candidacy.SHORTEST_PAUSE_NANOS);
  }

  @Test
  void lead_bodyThatReturnsAtOnce_leadsOncePerPause() {
    Truce truce = over(memory);
    AtomicInteger led = new AtomicInteger();
    Candidacy _ = truce.election("n").campaign(_ -> led.incrementAndGet());

    Crew.until(() -> led.get() == 1);
    for (int term = 2; term <= 20; term++) {
      int next = term;
      untilPassing(1_000_000, () -> led.get() == next);
    }

    assertThat(ticker.nanos() - SECOND).isGreaterThanOrEqualTo(19 * 10_000_000L);
  }

  // ---- trouble

  @Test
  void campaign_engineUnreachableForAWhile_leadsWhenItAnswersAgain() throws Exception {
    Truce truce = over(troubled);
    troubled.unreachable = true;
    Candidacy candidacy = campaign(truce);
    for (int step = 0; step < 100; step++) {
      ticker.advance(SECOND);
    }
    assertThat(candidacy.isLeading()).isFalse();
    assertThat(terms).hasValue(0);

    troubled.unreachable = false;

    untilPassing(SECOND, () -> candidacy.isLeading() && terms.get() == 1);
    assertThat(terms).hasValue(1);
  }

  /// Nobody else can have been granted the lock, but this member cannot know.
  @Test
  void isLeading_engineUnreachable_isFalseAndTheBodyGoesOn() {
    Candidacy candidacy = campaign(over(troubled));
    Crew.until(() -> candidacy.isLeading() && terms.get() == 1);

    troubled.unreachable = true;
    assertThat(candidacy.isLeading()).isFalse();
    troubled.unreachable = false;

    assertThat(candidacy.isLeading()).isTrue();
    assertThat(terms).hasValue(1);
  }

  @Test
  void campaign_takenForDead_endsAndNeverLeadsAgain() {
    MemoryEngine mine = memory.another();
    Candidacy candidacy = campaign(over(mine));
    Crew.until(() -> candidacy.isLeading() && terms.get() == 1);

    mine.close();

    untilPassing(SECOND, () -> !candidacy.isLeading());
    NamedLock lock = over(memory.another()).lock("n");
    Crew.until(() -> lock.tryAcquire().isPresent());
    candidacy.close();
    assertThat(terms).hasValue(1);
  }

  @Test
  void campaign_queueIsFull_leadsWhenThereIsRoom() throws Exception {
    Truce holder = over(memory);
    Truce cramped = Truce.builder().engine(memory.another()).maxWaiters(0).open();
    open.add(cramped);
    Grant held = holder.lock("n").acquire(Duration.ZERO);
    Candidacy candidacy = campaign(cramped);
    for (int step = 0; step < 10; step++) {
      ticker.advance(SECOND);
    }
    assertThat(terms).hasValue(0);

    held.close();

    untilPassing(SECOND, candidacy::isLeading);
  }

  @Test
  void close_whileItRests_endsAtOnce() {
    Truce truce = over(troubled);
    troubled.unreachable = true;
    Candidacy candidacy = campaign(truce);
    long began = System.nanoTime();

    candidacy.close();

    assertThat(System.nanoTime() - began).isLessThan(Candidacy.CLOSE_WAIT.toNanos());
    troubled.unreachable = false;
    assertThat(terms).hasValue(0);
  }
}
