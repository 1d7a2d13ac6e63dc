package dev.truce.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.Truce;
import dev.truce.event.EngineEvent;
import dev.truce.event.LockEvent;
import dev.truce.event.LockEvent.How;
import dev.truce.event.LockEvent.Why;
import dev.truce.event.TruceEvent;
import dev.truce.event.TruceListener;
import dev.truce.lock.Crew.Job;
import dev.truce.memory.MemoryEngine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EventsTest {
  private static final Duration LONG = Duration.ofMinutes(5);
  private static final long SECOND = 1_000_000_000L;

  private final TestTicker ticker = new TestTicker();
  private final MemoryEngine memory = MemoryEngine.create(ticker);
  private final List<Truce> open = new ArrayList<>();
  private final Crew crew = new Crew();
  private final ConcurrentLinkedQueue<TruceEvent> heard = new ConcurrentLinkedQueue<>();

  @AfterEach
  void close() {
    crew.close();
    open.forEach(Truce::close);
  }

  private Truce with(TruceListener... listeners) {
    Truce.Builder builder = Truce.builder().engine(memory.another()).owner("ci").host("here");
    for (TruceListener listener : listeners) {
      builder.listener(listener);
    }
    Truce truce = builder.pid(7).open();
    open.add(truce);
    return truce;
  }

  private void untilHeard(int events) {
    Crew.until(() -> heard.size() >= events);
    assertThat(heard).hasSize(events);
  }

  private TruceEvent next() {
    Crew.until(() -> !heard.isEmpty());
    return heard.remove();
  }

  // ---- what is told

  @Test
  void aGrant_isToldWithItsTimes() throws Exception {
    NamedLock lock = with(heard::add).lock("n");
    Grant grant = lock.read().acquire(LONG);
    ticker.advance(SECOND);
    grant.close();
    untilHeard(2);
    LockEvent.Acquired acquired = (LockEvent.Acquired) next();
    LockEvent.Released released = (LockEvent.Released) next();
    assertThat(acquired)
        .isEqualTo(new LockEvent.Acquired(acquired.at(), "n", false, grant.token(), Duration.ZERO));
    assertThat(released)
        .isEqualTo(
            new LockEvent.Released(
                released.at(), "n", false, grant.token(), Duration.ofSeconds(1)));
  }

  @Test
  void everyGrantOfASeries_isTold() throws Exception {
    NamedLock lock = with(heard::add).lock("n");
    List<Long> tokens = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      try (Grant grant = lock.acquire(LONG)) {
        tokens.add(grant.token());
      }
    }
    untilHeard(200);
    assertThat(heard)
        .filteredOn(LockEvent.Acquired.class::isInstance)
        .extracting(event -> ((LockEvent.Acquired) event).token())
        .containsExactlyElementsOf(tokens);
  }

  @Test
  void aWait_isToldFromItsBeginningToItsEnd() throws Exception {
    NamedLock lock = with(heard::add).lock("n");
    Grant other = with().lock("n").acquire(LONG);
    Job<Grant> waiter = crew.platform(() -> lock.acquire(LONG));
    assertThat(next()).isInstanceOf(LockEvent.Waiting.class);
    ticker.advance(30_000_000);
    other.close();
    waiter.join();
    assertThat(((LockEvent.Acquired) next()).waited()).isEqualTo(Duration.ofMillis(30));
  }

  @Test
  void aRefusal_isToldWithItsCause() throws Exception {
    NamedLock lock = with(heard::add).lock("n");
    Grant held = with().lock("n").acquire(LONG);
    assertThat(lock.tryAcquire()).isEmpty();
    assertThat(((LockEvent.Refused) next()).why()).isEqualTo(Why.HELD);
    Job<Grant> late = crew.platform(() -> lock.acquire(Duration.ofSeconds(2)));
    assertThat(next()).isInstanceOf(LockEvent.Waiting.class);
    ticker.advance(2 * SECOND);
    assertThat(late.failure()).isInstanceOf(NotAcquiredException.class);
    LockEvent.Refused refused = (LockEvent.Refused) next();
    assertThat(refused.why()).isEqualTo(Why.TIMED_OUT);
    assertThat(refused.waited()).isEqualTo(Duration.ofSeconds(2));
    Job<Grant> interrupted = crew.platform(() -> lock.acquire(LONG));
    assertThat(next()).isInstanceOf(LockEvent.Waiting.class);
    interrupted.thread().interrupt();
    assertThat(interrupted.failure()).isInstanceOf(InterruptedException.class);
    assertThat(((LockEvent.Refused) next()).why()).isEqualTo(Why.CANCELLED);
    held.close();
  }

  @Test
  void anUpgrade_isToldFromItsWaitToItsEnd() throws Exception {
    NamedLock lock = with(heard::add).lock("n");
    Grant other = with().lock("n").read().acquire(LONG);
    Grant grant = lock.read().acquire(LONG);
    long reading = grant.token();
    assertThat(next()).isInstanceOf(LockEvent.Acquired.class);
    Job<Boolean> upgrade =
        crew.platform(() -> {
          grant.upgrade(LONG);
          return true;
        });
    LockEvent.Waiting waiting = (LockEvent.Waiting) next();
    assertThat(waiting.writing()).isTrue();
    ticker.advance(30_000_000);
    other.close();
    upgrade.join();
    LockEvent.Upgraded upgraded = (LockEvent.Upgraded) next();
    assertThat(upgraded)
        .isEqualTo(
            new LockEvent.Upgraded(
                upgraded.at(), "n", reading, grant.token(), Duration.ofMillis(30)));
    grant.downgrade();
    LockEvent.Downgraded downgraded = (LockEvent.Downgraded) next();
    assertThat(downgraded).isEqualTo(new LockEvent.Downgraded(downgraded.at(), "n", grant.token()));
    grant.close();
    LockEvent.Released released = (LockEvent.Released) next();
    assertThat(released.writing()).isFalse();
    assertThat(released.token()).isEqualTo(grant.token());
    assertThat(heard).isEmpty();
  }

  @Test
  void anUpgradeThatIsRefused_isToldWithItsCause() throws Exception {
    NamedLock lock = with(heard::add).lock("n");
    Grant other = with().lock("n").read().acquire(LONG);
    Grant grant = lock.read().acquire(LONG);
    assertThat(next()).isInstanceOf(LockEvent.Acquired.class);
    assertThatThrownBy(() -> grant.upgrade(Duration.ZERO)).isInstanceOf(NotAcquiredException.class);
    assertThat(next()).isInstanceOf(LockEvent.Waiting.class);
    assertThat(((LockEvent.Refused) next()).why()).isEqualTo(Why.HELD);
    Job<Boolean> late =
        crew.platform(() -> {
          grant.upgrade(Duration.ofSeconds(2));
          return true;
        });
    assertThat(next()).isInstanceOf(LockEvent.Waiting.class);
    ticker.advance(2 * SECOND);
    assertThat(late.failure()).isInstanceOf(NotAcquiredException.class);
    LockEvent.Refused refused = (LockEvent.Refused) next();
    assertThat(refused.why()).isEqualTo(Why.TIMED_OUT);
    assertThat(refused.writing()).isTrue();
    assertThat(refused.waited()).isEqualTo(Duration.ofSeconds(2));
    other.close();
    grant.close();
  }

  @Test
  void aWaitInThePlaceOfATicket_isTold() throws Exception {
    NamedLock lock = with(heard::add).lock("n");
    Grant held = with().lock("n").acquire(LONG);
    NotAcquiredException first =
        (NotAcquiredException)
            crew.platform(() -> lock.withTicket(LONG).lease(LONG, Duration.ZERO)).failure();
    String ticket = first.refusal().ticket().orElseThrow();
    assertThat(next()).isInstanceOf(LockEvent.Waiting.class);
    assertThat(((LockEvent.Refused) next()).why()).isEqualTo(Why.TIMED_OUT);
    NamedLock place = lock.withTicket(ticket);
    Job<Lease> late = crew.platform(() -> place.lease(LONG, Duration.ofSeconds(2)));
    assertThat(next()).isInstanceOf(LockEvent.Waiting.class);
    ticker.advance(2 * SECOND);
    assertThat(late.failure()).isInstanceOf(NotAcquiredException.class);
    LockEvent.Refused refused = (LockEvent.Refused) next();
    assertThat(refused.why()).isEqualTo(Why.TIMED_OUT);
    assertThat(refused.waited()).isEqualTo(Duration.ofSeconds(2));
    Job<Lease> interrupted = crew.platform(() -> place.lease(LONG, LONG));
    assertThat(next()).isInstanceOf(LockEvent.Waiting.class);
    interrupted.thread().interrupt();
    assertThat(interrupted.failure()).isInstanceOf(InterruptedException.class);
    assertThat(((LockEvent.Refused) next()).why()).isEqualTo(Why.CANCELLED);
    held.close();
    Lease lease = place.lease(LONG, Duration.ZERO);
    assertThat(((LockEvent.Acquired) next()).token()).isEqualTo(lease.token());
    assertThat(heard).isEmpty();
  }

  @Test
  void aDeadlock_isTold() throws Exception {
    NamedLock lock = with(heard::add).lock("n");
    Grant _ = lock.acquire(LONG);
    assertThat(next()).isInstanceOf(LockEvent.Acquired.class);
    assertThatThrownBy(() -> lock.acquire(LONG)).isInstanceOf(DeadlockException.class);
    assertThat(((LockEvent.Refused) next()).why()).isEqualTo(Why.DEADLOCK);
  }

  @Test
  void aGrantThatIsEndedByForce_isToldToBoth() throws Exception {
    ConcurrentLinkedQueue<TruceEvent> ended = new ConcurrentLinkedQueue<>();
    Grant grant = with(heard::add).lock("n").acquire(LONG);
    assertThat(next()).isInstanceOf(LockEvent.Acquired.class);
    with(ended::add).lock("n").revoke("the test");
    assertThat(grant.isValid()).isFalse();
    assertThat(((LockEvent.Lost) next()).token()).isEqualTo(grant.token());
    Crew.until(() -> !ended.isEmpty());
    LockEvent.Ended end = (LockEvent.Ended) ended.remove();
    assertThat(end.how()).isEqualTo(How.REVOKED);
    assertThat(end.owner().toString()).isEqualTo("ci@here (pid 7)");
    grant.close();
    assertThat(heard).isEmpty();
  }

  @Test
  void theEndOfTheDead_isTold() throws Exception {
    MemoryEngine dying = memory.another();
    Truce dead = Truce.over(dying);
    Grant _ = dead.lock("n").acquire(LONG);
    dying.close();
    with(heard::add).lock("n").acquire(LONG).close();
    Crew.until(() -> {
      ticker.advance(SECOND); // it is put down in the background
      return heard.stream()
          .anyMatch(event -> event instanceof LockEvent.Ended end && end.how() == How.DIED);
    });
  }

  // ---- listeners that misbehave

  private static final class ByTheTest extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  @Test
  void aListenerThatThrows_isToldAllTheSame() throws Exception {
    NamedLock lock =
        with(
                event -> {
                  heard.add(event);
                  if (heard.size() % 2 == 0) {
                    throw new AssertionError("by the test");
                  }
                  throw new ByTheTest();
                })
            .lock("n");
    for (int i = 0; i < 10; i++) {
      lock.acquire(LONG).close();
    }
    untilHeard(20);
  }

  @Test
  void aListenerThatBlocks_holdsUpNobodyAndHearsHowManyItMissed() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    AtomicLong prompt = new AtomicLong();
    Truce truce =
        with(
            event -> {
              await(go);
              heard.add(event);
            },
            _ -> prompt.incrementAndGet());
    NamedLock lock = truce.lock("n");
    long times = 2_000;
    for (long i = 0; i < times; i++) {
      lock.acquire(LONG).close();
      long events = 2 * (i + 1);
      Crew.until(() -> prompt.get() == events);
    }
    go.countDown();
    Crew.until(() -> told() + missed() == 2 * times);
    assertThat(missed()).isGreaterThanOrEqualTo(2 * times - Announcer.ROOM - 1);
    lock.acquire(LONG).close();
    Crew.until(() -> told() + missed() == 2 * times + 2);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
    }
  }

  private long told() {
    return heard.stream().filter(event -> !(event instanceof EngineEvent)).count();
  }

  private long missed() {
    return heard.stream()
        .mapToLong(event -> event instanceof EngineEvent.EventsDropped(_, long count) ? count : 0)
        .sum();
  }

  @Test
  void close_deliversWhatWaits() throws Exception {
    Truce truce = with(heard::add);
    Grant _ = truce.lock("n").acquire(LONG);
    Crew.until(() -> !heard.isEmpty()); // closing waits a second for the listener's thread
    truce.close();
    assertThat(heard)
        .extracting(event -> event.getClass().getSimpleName())
        .containsExactly("Acquired", "Released");
  }

  @Test
  void close_byTheListener_ends() throws Exception {
    AtomicReference<Truce> itself = new AtomicReference<>();
    AtomicBoolean closed = new AtomicBoolean();
    Truce truce =
        with(event -> {
          if (event instanceof LockEvent.Released) {
            itself.get().close();
            closed.set(true);
          }
        });
    itself.set(truce);
    truce.lock("n").acquire(LONG).close();
    Crew.until(closed::get);
  }
}
