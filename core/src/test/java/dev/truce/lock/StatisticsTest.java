package dev.truce.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.truce.Truce;
import dev.truce.lock.Crew.Job;
import dev.truce.lock.LockStatistics.End;
import dev.truce.lock.LockStatistics.Operation;
import dev.truce.lock.NamedLock.Mode;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Engine;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StatisticsTest {
  private static final Duration LONG = Duration.ofMinutes(5);
  private static final long SECOND = 1_000_000_000L;

  private final TestTicker ticker = new TestTicker();
  private final MemoryEngine memory = MemoryEngine.create(ticker);
  private final List<Truce> open = new ArrayList<>();
  private final Crew crew = new Crew();

  @AfterEach
  void close() {
    crew.close();
    open.forEach(Truce::close);
  }

  private Truce over(Engine engine) {
    Truce truce = Truce.builder().engine(engine).owner("ci").host("here").pid(7).open();
    open.add(truce);
    return truce;
  }

  private void balances(LockStatistics is) {
    assertThat(is.acquired()).isEqualTo(is.released() + is.lost() + is.held());
    assertThat(is.queued()).isGreaterThanOrEqualTo(is.left() + is.waiting());
    assertThat(is.contention()).isBetween(0.0, 1.0);
    assertThat(is.abandonment()).isBetween(0.0, 1.0);
  }

  /// Each a while after the one before, so that none is left out.
  private void hold(NamedLock lock, Duration held) throws InterruptedException {
    ticker.advance(SECOND);
    try (Grant _ = lock.acquire(LONG)) {
      ticker.advance(held.toNanos());
    }
  }

  @Test
  void statistics_ofAnUnknownName_areZero() {
    LockStatistics none = over(memory).lock("n").statistics();
    assertThat(none.acquired() + none.released() + none.lost() + none.held()).isZero();
    assertThat(none.contention()).isZero();
    assertThat(none.last()).isEmpty();
    assertThat(none.holds().count()).isZero();
    assertThat(none.oldestHolder()).isEmpty();
  }

  @Test
  void holds_areMeasuredToTheNanosecond() throws Exception {
    NamedLock lock = over(memory).lock("n");
    hold(lock, Duration.ofNanos(30_001));
    hold(lock, Duration.ofMillis(20));
    hold(lock, Duration.ofMillis(40));
    LockStatistics.Spread holds = lock.statistics().holds();
    assertThat(holds.count()).isEqualTo(3);
    assertThat(holds.min()).isEqualTo(Duration.ofNanos(30_001));
    assertThat(holds.max()).isEqualTo(Duration.ofMillis(40));
    assertThat(holds.total()).isEqualTo(Duration.ofMillis(60).plusNanos(30_001));
    assertThat((double) holds.p50().toNanos()).isCloseTo(20e6, within(20e6 / 32));
    assertThat(lock.statistics().waits().max()).isZero();
    assertThat(lock.statistics().waits().count()).isEqualTo(3);
    balances(lock.statistics());
  }

  @Test
  void last_tellsWhatBecameOfEachOperation() throws Exception {
    NamedLock lock = over(memory).lock("n");
    hold(lock, Duration.ofMillis(20));
    ticker.advance(SECOND);
    Grant reading = lock.read().acquire(LONG);
    assertThat(lock.tryAcquire()).isEmpty();
    ticker.advance(SECOND);
    reading.close();
    List<Operation> last = lock.statistics().last();
    assertThat(last).extracting(Operation::end).containsExactly(End.RELEASED, End.RELEASED);
    assertThat(last).extracting(Operation::mode).containsExactly(Mode.WRITE, Mode.READ);
    assertThat(last.getLast().token()).isEqualTo(reading.token());
    assertThat(last.getLast().owner().toString()).isEqualTo("ci@here (pid 7)");
    assertThat(last.getLast().held()).contains(Duration.ofSeconds(1));
    ticker.advance(SECOND);
    Grant again = lock.acquire(LONG);
    ticker.advance(SECOND);
    assertThat(lock.tryAcquire()).isEmpty();
    assertThat(lock.statistics().last().getLast().end()).isEqualTo(End.REFUSED);
    assertThat(lock.statistics().last().getLast().held()).isEmpty();
    again.close();
  }

  @Test
  void waits_areFromAskingToTheGrant() throws Exception {
    NamedLock lock = over(memory).lock("n");
    NamedLock other = over(memory.another()).lock("n");
    for (NamedLock waiting : List.of(lock, other)) {
      ticker.advance(SECOND);
      Grant first = lock.acquire(LONG);
      Job<Grant> waiter = crew.platform(() -> waiting.acquire(LONG));
      Crew.until(() -> lock.status().waiting() == 1);
      assertThat(lock.statistics().oldestWaiter()).isPresent();
      ticker.advance(30_000_000);
      first.close();
      waiter.join().close();
    }
    other.statistics();
    LockStatistics is = lock.statistics();
    assertThat(is.waits().count()).isEqualTo(4);
    assertThat(is.waits().max()).isEqualTo(Duration.ofMillis(30));
    assertThat(is.waits().total()).isEqualTo(Duration.ofMillis(60));
    assertThat(is.queued()).isEqualTo(2);
    assertThat(is.contention()).isEqualTo(0.5);
    balances(is);
  }

  @Test
  void aWaitThatFails_isNoWaitForAGrant() throws Exception {
    NamedLock lock = over(memory).lock("n");
    Grant held = lock.acquire(LONG);
    Job<Grant> late = crew.platform(() -> lock.acquire(Duration.ofSeconds(2)));
    Crew.until(() -> lock.status().waiting() == 1);
    ticker.advance(2 * SECOND);
    assertThat(late.failure()).isInstanceOf(NotAcquiredException.class);
    ticker.advance(SECOND);
    Job<Grant> interrupted = crew.platform(() -> lock.acquire(LONG));
    Crew.until(() -> lock.status().waiting() == 1);
    interrupted.thread().interrupt();
    assertThat(interrupted.failure()).isInstanceOf(InterruptedException.class);
    ticker.advance(SECOND);
    assertThatThrownBy(() -> lock.acquire(LONG)).isInstanceOf(DeadlockException.class);
    LockStatistics is = lock.statistics();
    assertThat(is.ends()).isEqualTo(Map.of(End.TIMED_OUT, 1L, End.CANCELLED, 1L, End.DEADLOCK, 1L));
    assertThat(is.last().getFirst().waited()).contains(Duration.ofSeconds(2));
    assertThat(is.waits().count()).isZero();
    assertThat(is.left()).isEqualTo(2);
    assertThat(is.abandonment()).isCloseTo(2.0 / 3, within(1e-9));
    assertThat(is.oldestHolder()).map(LockStatus.Holder::token).contains(held.token());
    balances(is);
    held.close();
  }

  @Test
  void whatTheBodyThrows_isNoErrorOfTheLock() {
    NamedLock lock = over(memory).lock("n");
    assertThatThrownBy(() ->
            lock.run(
                LONG,
                _ -> {
                  throw new IllegalStateException("the application's own");
                }))
        .hasMessage("the application's own");
    assertThat(lock.statistics().ends()).isEqualTo(Map.of(End.RELEASED, 1L));
  }

  @Test
  void aGrantOfTheDead_isLostOnce() throws Exception {
    NamedLock lock = over(memory).lock("n");
    MemoryEngine dying = memory.another();
    Grant _ = over(dying).lock("n").acquire(LONG);
    ticker.advance(3 * SECOND);
    dying.close();
    hold(lock, Duration.ofMillis(1));
    Crew.until(() -> lock.statistics().ends().containsKey(End.DIED));
    LockStatistics is = lock.statistics();
    assertThat(is.ends()).isEqualTo(Map.of(End.DIED, 1L, End.RELEASED, 1L));
    assertThat(is.lost()).isEqualTo(1);
    assertThat(is.released()).isEqualTo(1);
    assertThat(is.holds().max()).isGreaterThanOrEqualTo(Duration.ofSeconds(3));
    balances(is);
  }

  @Test
  void aRevokedGrant_isNotReleasedToo() throws Exception {
    NamedLock lock = over(memory).lock("n");
    Grant grant = lock.acquire(LONG);
    lock.revoke("the test");
    grant.close();
    LockStatistics is = lock.statistics();
    assertThat(is.ends()).isEqualTo(Map.of(End.REVOKED, 1L));
    assertThat(is.lost()).isEqualTo(1);
    assertThat(is.released()).isZero();
    balances(is);
  }

  @Test
  void aLease_beginsAndEndsApart() throws Exception {
    NamedLock lock = over(memory).lock("n");
    Lease lease = lock.lease(Duration.ofMinutes(1), LONG);
    ticker.advance(SECOND);
    lease.release();
    Lease over = lock.lease(Duration.ofMinutes(1), LONG);
    ticker.advance(60 * SECOND);
    assertThat(lock.status().isCurrent(over.token())).isFalse();
    LockStatistics is = lock.statistics();
    assertThat(is.ends()).isEqualTo(Map.of(End.LEASED, 2L, End.RELEASED, 1L, End.EXPIRED, 1L));
    assertThat(is.holds().count()).isEqualTo(2);
    assertThat(is.waits().count()).isEqualTo(2);
    balances(is);
  }

  @Test
  void resetStatistics_beginsAnewAndStillBalances() throws Exception {
    NamedLock lock = over(memory).lock("n");
    hold(lock, Duration.ofMillis(20));
    ticker.advance(SECOND);
    Grant held = lock.acquire(LONG);
    lock.resetStatistics();
    LockStatistics fresh = lock.statistics();
    assertThat(fresh.acquired()).isEqualTo(1);
    assertThat(fresh.released()).isZero();
    assertThat(fresh.last()).isEmpty();
    assertThat(fresh.holds().count()).isZero();
    assertThat(fresh.resetAt()).isPresent();
    balances(fresh);
    held.close();
    hold(lock, Duration.ofMillis(5));
    LockStatistics is = over(memory.another()).lock("n").statistics();
    assertThat(is.acquired()).isEqualTo(2);
    assertThat(is.released()).isEqualTo(2);
    assertThat(is.resetAt()).isEqualTo(fresh.resetAt());
    balances(is);
  }

  @Test
  void resetStatistics_ofAnUnknownName_leavesNothing() {
    over(memory).lock("n").resetStatistics();
    assertThat(memory.cells().keys("")).noneMatch(key -> key.startsWith("stat/"));
  }

  @Test
  void since_isWhatEndedFromThenOn() throws Exception {
    NamedLock lock = over(memory).lock("n");
    hold(lock, Duration.ofMillis(20));
    hold(lock, Duration.ofMillis(40));
    LockStatistics is = lock.statistics();
    LockStatistics.Window all = is.since(Instant.EPOCH);
    assertThat(all.complete()).isTrue();
    assertThat(all.ends()).isEqualTo(is.ends());
    assertThat(all.holds()).isEqualTo(is.holds());
    assertThat(all.operations()).isEqualTo(is.last());
    LockStatistics.Window later = is.since(is.last().getLast().at().plusMillis(1));
    assertThat(later.operations()).isEmpty();
    assertThat(later.holds().count()).isZero();
    assertThat(later.complete()).isTrue();
  }

  @Test
  void since_beforeWhatIsRemembered_saysThatSomeAreMissing() throws Exception {
    NamedLock lock = over(memory).lock("n");
    for (int i = 0; i <= LockStatistics.LAST; i++) {
      hold(lock, Duration.ofMillis(1));
    }
    assertThat(lock.statistics().since(Instant.EPOCH).complete()).isFalse();
    assertThat(lock.statistics().since(Instant.EPOCH).operations()).hasSize(100);
    lock.resetStatistics();
    assertThat(lock.statistics().since(Instant.EPOCH).complete()).isFalse();
    Instant reset = lock.statistics().resetAt().orElseThrow();
    assertThat(lock.statistics().since(reset).complete()).isTrue();
  }

  // ---- several processes

  @Test
  void whatOneHandleDid_isSeenByAnotherAfterASecond() throws Exception {
    NamedLock lock = over(memory).lock("n");
    NamedLock other = over(memory.another()).lock("n");
    hold(lock, Duration.ofMillis(20));
    assertThat(other.statistics().released()).isEqualTo(1);
    Crew.until(() -> {
      ticker.advance(SECOND);
      return other.statistics().holds().count() == 1;
    });
    assertThat(other.statistics().last()).isEqualTo(lock.statistics().last());
  }

  @Test
  void handlesThatUseANameOnceEach_areCountedTogether() throws Exception {
    for (int i = 0; i < 5; i++) {
      try (Truce truce = Truce.over(memory.another())) {
        truce.lock("n").acquire(LONG).close();
      }
    }
    LockStatistics is = over(memory).lock("n").statistics();
    assertThat(is.acquired()).isEqualTo(5);
    assertThat(is.released()).isEqualTo(5);
    assertThat(is.holds().count()).isEqualTo(5);
    assertThat(is.last()).extracting(Operation::token).isSorted().hasSize(5);
  }

  @Test
  void handlesThatUseManyNames_leaveTheNewestBehind() throws Exception {
    int names = 1_500;
    for (int i = 0; i < names; i++) {
      try (Truce truce = Truce.over(memory.another())) {
        truce.lock("name " + i).acquire(LONG).close();
        truce.lock("name " + i).acquire(LONG).close();
      }
    }
    List<String> kept = memory.cells().keys("lock/");
    assertThat(kept).hasSizeBetween(768, 1_024).contains("lock/name 1499");
    assertThat(kept).allMatch(key -> Integer.parseInt(key.split(" ", -1)[1]) >= names - 1_024);
    assertThat(memory.cells().keys("stat/")).hasSameSizeAs(kept);
  }

  @Test
  void aHandleThatUsesManyNames_leavesNoFiguresOfForgottenOnes() throws Exception {
    Truce truce = over(memory);
    for (int i = 0; i < 5_000; i++) {
      truce.lock("name " + i).acquire(LONG).close();
      if (i % 100 == 0) {
        ticker.advance(SECOND);
      }
    }
    truce.close();
    assertThat(memory.cells().keys("lock/")).hasSizeBetween(768, 1_024);
    assertThat(memory.cells().keys("stat/")).hasSizeLessThanOrEqualTo(1_024);
    Crew.until(() ->
        memory.cells().keys("stat/").stream()
            .noneMatch(key -> memory.cells().read(key.replace("stat/", "lock/")).absent()));
  }

  @Test
  void statistics_ofAll_areByName() throws Exception {
    Truce truce = over(memory);
    truce.lock("b").acquire(LONG).close();
    truce.lock("a").acquire(LONG).close();
    assertThat(truce.statistics()).extracting(LockStatistics::lock).containsExactly("a", "b");
  }

  // ---- a series

  @Test
  void aSeries_isSampledAndComesToTheRightNumber() throws Exception {
    NamedLock lock = over(MemoryEngine.create()).lock("n");
    int times = 20_000;
    for (int i = 0; i < times; i++) {
      lock.acquire(LONG).close();
    }
    LockStatistics is = lock.statistics();
    assertThat(is.acquired()).isEqualTo(times);
    assertThat(is.ends().get(End.RELEASED)).isBetween(times - 64L, (long) times);
    assertThat(is.holds().count()).isEqualTo(is.ends().get(End.RELEASED));
    assertThat(is.last()).hasSize(LockStatistics.LAST);
    balances(is);
  }

  @Test
  void aHandleThatMeasuresNothing_stillCounts() throws Exception {
    Truce truce = Truce.builder().engine(memory).measuring(false).open();
    open.add(truce);
    NamedLock lock = truce.lock("n");
    hold(lock, Duration.ofMillis(20));
    Grant held = lock.acquire(LONG);
    ticker.advance(SECOND);
    assertThat(lock.tryAcquire()).isEmpty();
    held.close();
    LockStatistics is = lock.statistics();
    assertThat(is.released()).isEqualTo(2);
    assertThat(is.ends()).isEmpty();
    assertThat(is.last()).isEmpty();
  }

  // ---- trouble

  @Test
  void figuresThatCannotBeAdded_areDroppedAndTheLockWorks() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory, true);
    engine.beforeSwap = key -> !key.startsWith("stat/");
    try (Truce truce = Truce.over(engine)) {
      NamedLock lock = truce.lock("n");
      hold(lock, Duration.ofMillis(20));
      LockStatistics is = lock.statistics();
      assertThat(is.released()).isEqualTo(1);
      assertThat(is.holds().count()).isZero();
      hold(lock, Duration.ofMillis(20));
    }
    assertThat(over(memory).lock("n").statistics().released()).isEqualTo(2);
  }

  @Test
  void figures_areAddedAgainAfterWhatNobodyHasForeseen() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory, false);
    CountDownLatch thrown = new CountDownLatch(1);
    engine.afterRead =
        key -> {
          if (key.equals("stat/n") && thrown.getCount() > 0) {
            thrown.countDown();
            throw new IllegalStateException("the test says so");
          }
        };
    NamedLock lock = over(engine).lock("n");
    hold(lock, Duration.ofMillis(20));
    Crew.until(() -> {
      ticker.advance(SECOND);
      return thrown.getCount() == 0;
    });
    NamedLock other = over(memory.another()).lock("n");
    Crew.until(() -> {
      lock.tryAcquire().ifPresent(Grant::close);
      ticker.advance(SECOND);
      return other.statistics().holds().count() > 0;
    });
  }

  @Test
  void figuresThatNobodyCanRead_beginAnew() throws Exception {
    NamedLock lock = over(memory).lock("n");
    hold(lock, Duration.ofMillis(20));
    lock.statistics();
    var _ = memory.cells().swap("stat/n", memory.cells().read("stat/n"), new byte[] {1, 2, 3});
    assertThat(lock.statistics().holds().count()).isZero();
    hold(lock, Duration.ofMillis(20));
    assertThat(lock.statistics().holds().count()).isEqualTo(1);
    assertThat(lock.statistics().released()).isEqualTo(2);
  }

  @Test
  void figuresOfANewerRelease_areLeftAlone() throws Exception {
    NamedLock lock = over(memory).lock("n");
    hold(lock, Duration.ofMillis(20));
    lock.statistics();
    byte[] newer = {2, 2, 3};
    var _ = memory.cells().swap("stat/n", memory.cells().read("stat/n"), newer);
    hold(lock, Duration.ofMillis(20));
    assertThat(lock.statistics().released()).isEqualTo(2);
    assertThat(memory.cells().read("stat/n").bytes()).isEqualTo(newer);
    assertThat(lock.statistics().waits().count()).isEqualTo(0);
    assertThat(lock.statistics().last()).isEmpty();
  }
}
