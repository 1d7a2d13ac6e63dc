package dev.truce.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.sun.management.ThreadMXBean;
import dev.truce.EngineException;
import dev.truce.OutcomeUnknownException;
import dev.truce.Owner;
import dev.truce.Truce;
import dev.truce.lock.Crew.Job;
import dev.truce.lock.NamedLock.Mode;
import dev.truce.lock.Traffic.Cause;
import dev.truce.lock.Traffic.Event;
import dev.truce.lock.Traffic.Gap;
import dev.truce.lock.Traffic.Part;
import dev.truce.lock.Traffic.What;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Engine;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TrafficTest {
  private static final Duration LONG = Duration.ofMinutes(5);
  private static final long SECOND = 1_000_000_000L;
  private static final List<What> WHATS = List.of(What.values());
  private static final Owner CI = new Owner("ci", "here", 7);

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

  private static List<Event> events(Traffic traffic) {
    return traffic.parts().stream().filter(Event.class::isInstance).map(Event.class::cast).toList();
  }

  private static List<Gap> gaps(Traffic traffic) {
    return traffic.parts().stream().filter(Gap.class::isInstance).map(Gap.class::cast).toList();
  }

  // ---- what is noted

  @Test
  void durations_areToTheNanosecond() throws Exception {
    Truce truce = over(memory);
    NamedLock lock = truce.lock("n");
    lock.recordTraffic(true);
    Grant first = lock.acquire(LONG);
    Job<Grant> waiter = crew.platform(() -> lock.read().acquire(LONG));
    Crew.until(() -> lock.status().waiting() == 1);
    ticker.advance(30_000_001);
    first.close();
    Grant second = waiter.join();
    ticker.advance(7);
    second.close();
    List<Event> all = events(truce.traffic());
    assertThat(all).extracting(Event::owner).containsOnly(CI);
    assertThat(all.subList(1, all.size()))
        .usingRecursiveFieldByFieldElementComparatorIgnoringFields("at")
        .containsExactly(
            event(What.GRANTED, Mode.WRITE, first.token(), 0, -1),
            event(What.WAITING, Mode.READ, 0, -1, -1),
            event(What.RELEASED, Mode.WRITE, first.token(), -1, 30_000_001),
            event(What.GRANTED, Mode.READ, second.token(), 30_000_001, -1),
            event(What.RELEASED, Mode.READ, second.token(), -1, 7));
    assertThat(all).extracting(Event::at).isSorted();
  }

  private static Event event(What what, Mode mode, long token, long waited, long held) {
    return new Event(Instant.EPOCH, what, "n", mode, token, CI, nanos(waited), nanos(held));
  }

  private static Optional<Duration> nanos(long nanos) {
    return nanos < 0 ? Optional.empty() : Optional.of(Duration.ofNanos(nanos));
  }

  @Test
  void aSeries_isNotedOneByOne() throws Exception {
    Truce truce = over(memory);
    NamedLock lock = truce.lock("n");
    lock.recordTraffic(true);
    List<Long> tokens = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      try (Grant grant = lock.acquire(LONG)) {
        tokens.add(grant.token());
      }
    }
    assertThat(events(truce.traffic()))
        .filteredOn(event -> event.what() == What.GRANTED)
        .extracting(Event::token)
        .containsExactlyElementsOf(tokens);
    assertThat(events(truce.traffic())).hasSize(2_001);
  }

  @Test
  void everyEnd_isNoted() throws Exception {
    Truce truce = over(memory);
    NamedLock lock = truce.lock("n");
    lock.recordTraffic(true);
    Lease lease = lock.lease(Duration.ofMinutes(1), LONG);
    lease.release();
    Lease over = lock.lease(Duration.ofMinutes(1), LONG);
    ticker.advance(60 * SECOND);
    assertThat(lock.status().isCurrent(over.token())).isFalse();
    Grant revoked = lock.acquire(LONG);
    lock.revoke("the test");
    revoked.close();
    Job<Grant> interrupted = null;
    try (Grant held = lock.acquire(LONG)) {
      assertThatThrownBy(() -> lock.acquire(LONG)).isInstanceOf(DeadlockException.class);
      interrupted = crew.platform(() -> lock.acquire(LONG));
      Crew.until(() -> lock.status().waiting() == 1);
      interrupted.thread().interrupt();
      assertThat(interrupted.failure()).isInstanceOf(InterruptedException.class);
      assertThat(held.isValid()).isTrue();
    }
    assertThat(events(truce.traffic()))
        .extracting(Event::what)
        .containsExactly(
            What.SWITCHED_ON,
            What.GRANTED,
            What.LEASED,
            What.RELEASED,
            What.GRANTED,
            What.LEASED,
            What.EXPIRED,
            What.GRANTED,
            What.REVOKED,
            What.GRANTED,
            What.DEADLOCK,
            What.WAITING,
            What.CANCELLED,
            What.RELEASED);
    assertThat(events(truce.traffic()))
        .filteredOn(event -> event.what() == What.EXPIRED)
        .extracting(Event::held)
        .containsExactly(Optional.of(Duration.ofMinutes(1)));
  }

  @Test
  void anUpgrade_endsTheReaderAndBeginsTheWriter() throws Exception {
    Truce truce = over(memory);
    NamedLock lock = truce.lock("n");
    lock.recordTraffic(true);
    Grant other = lock.read().acquire(LONG);
    ticker.advance(SECOND);
    Grant grant = lock.read().acquire(LONG);
    long reading = grant.token();
    ticker.advance(5);
    assertThatThrownBy(() ->
            crew.platform(
                    () -> {
                      grant.upgrade(Duration.ZERO);
                      return true;
                    })
                .join())
        .hasCauseInstanceOf(NotAcquiredException.class);
    Job<Boolean> upgrade =
        crew.platform(() -> {
          grant.upgrade(LONG);
          return true;
        });
    Crew.until(() ->
        events(truce.traffic()).stream().filter(event -> event.what() == What.WAITING).count()
            == 2);
    ticker.advance(30_000_000);
    other.close();
    upgrade.join();
    grant.downgrade();
    ticker.advance(7);
    grant.close();
    List<Event> all = events(truce.traffic());
    assertThat(all.subList(3, all.size()))
        .usingRecursiveFieldByFieldElementComparatorIgnoringFields("at")
        .containsExactly(
            event(What.WAITING, Mode.WRITE, reading, -1, -1),
            event(What.REFUSED, Mode.WRITE, reading, 0, -1),
            event(What.WAITING, Mode.WRITE, reading, -1, -1),
            event(What.RELEASED, Mode.READ, other.token(), -1, SECOND + 30_000_005),
            event(What.RELEASED, Mode.READ, reading, -1, 30_000_005),
            event(What.UPGRADED, Mode.WRITE, grant.token(), 30_000_000, -1),
            event(What.DOWNGRADED, Mode.READ, grant.token(), -1, -1),
            event(What.RELEASED, Mode.READ, grant.token(), -1, 7));
    LockStatistics is = lock.statistics();
    assertThat(is.ends().get(LockStatistics.End.RELEASED)).isEqualTo(is.released());
  }

  @Test
  void anEndThatIsPutDownByWhoOnlyLooks_isNoted() throws Exception {
    Truce truce = over(memory);
    truce.lock("n").recordTraffic(true);
    Lease lease = truce.lock("n").lease(Duration.ofMinutes(1), LONG);
    ticker.advance(60 * SECOND);
    Truce looking = over(memory.another());
    assertThat(looking.lock("n").status().isCurrent(lease.token())).isFalse();
    looking.close();
    assertThat(events(truce.traffic()).getLast())
        .usingRecursiveComparison()
        .ignoringFields("at", "owner")
        .isEqualTo(event(What.EXPIRED, Mode.WRITE, lease.token(), -1, 60 * SECOND));
  }

  @Test
  void aReleaseOfUnknownOutcome_isNoted() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory, false);
    Truce truce = over(engine);
    NamedLock lock = truce.lock("n");
    lock.recordTraffic(true);
    Grant grant = lock.acquire(LONG);
    assertThat(events(truce.traffic())).hasSize(2);
    engine.unknownButMade.set(1);
    grant.close();
    assertThat(lock.tryAcquire()).isPresent();
    assertThat(events(truce.traffic()))
        .extracting(Event::what, Event::token)
        .contains(tuple(What.RELEASED, grant.token()));
  }

  /// Somebody else looks, too, whenever the first has read or is about to swap the lock's cell.
  @Test
  void anEndThatSeveralPutDown_isNotedAndCountedOnce() throws Exception {
    boolean met = true;
    for (int moment = 0; met; moment++) {
      MemoryEngine shared = MemoryEngine.create(ticker);
      Truce other = over(shared);
      NamedLock lock = other.lock("n");
      lock.recordTraffic(true);
      Lease lease = lock.lease(Duration.ofMinutes(1), LONG);
      ticker.advance(60 * SECOND);
      TroubledEngine engine = new TroubledEngine(shared.another(), true);
      Truce looking = over(engine);
      AtomicInteger left = new AtomicInteger(moment);
      Consumer<String> look =
          key -> {
            if (key.equals("lock/n") && left.getAndDecrement() == 0) {
              assertThat(lock.status().isCurrent(lease.token())).isFalse();
            }
          };
      engine.afterRead = look;
      engine.beforeSwap =
          key -> {
            look.accept(key);
            return true;
          };
      assertThat(looking.lock("n").status().isCurrent(lease.token())).isFalse();
      met = left.get() < 0;
      looking.close();
      assertThat(events(other.traffic()))
          .as("at moment %d", moment)
          .extracting(Event::what)
          .containsExactly(What.SWITCHED_ON, What.GRANTED, What.LEASED, What.EXPIRED);
      assertThat(lock.statistics().ends().get(LockStatistics.End.EXPIRED)).isEqualTo(1);
      other.close();
    }
  }

  @Test
  void whoWaitsWhenItsTruceIsClosed_isNotedAsRefused() throws Exception {
    Truce holding = over(memory);
    NamedLock lock = holding.lock("n");
    lock.recordTraffic(true);
    Grant grant = lock.acquire(LONG);
    Truce closing = over(memory.another());
    List<Job<Grant>> waiters = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      waiters.add(crew.platform(() -> closing.lock("n").acquire(LONG)));
    }
    Crew.until(() ->
        events(closing.traffic()).stream().filter(event -> event.what() == What.WAITING).count()
            == 20);
    closing.close();
    assertThat(waiters)
        .allSatisfy(waiter -> assertThat(waiter.failure()).isInstanceOf(EngineException.class));
    grant.close();
    assertThat(events(holding.traffic()))
        .filteredOn(event -> event.what() == What.FAILED)
        .hasSize(20)
        .allSatisfy(event -> assertThat(event.waited()).isPresent());
    assertThat(gaps(holding.traffic())).isEmpty();
  }

  @Test
  void aGrantFromBeforeTheSwitch_isNotedWhenItEnds() throws Exception {
    Truce truce = over(memory);
    NamedLock lock = truce.lock("n");
    Grant before = lock.read().acquire(LONG);
    lock.recordTraffic(true);
    ticker.advance(SECOND);
    Grant after = lock.read().acquire(LONG);
    before.close();
    after.close();
    assertThat(events(truce.traffic()))
        .extracting(Event::what, Event::token)
        .containsExactly(
            tuple(What.SWITCHED_ON, 0L),
            tuple(What.GRANTED, after.token()),
            tuple(What.RELEASED, before.token()),
            tuple(What.RELEASED, after.token()));
  }

  // ---- the switch

  @Test
  void recordTraffic_asItIs_notesNothing() {
    Truce truce = over(memory);
    truce.lock("n").recordTraffic(false);
    assertThat(truce.traffic().parts()).isEmpty();
    truce.lock("n").recordTraffic(true);
    truce.lock("n").recordTraffic(true);
    assertThat(truce.traffic().parts()).hasSize(1);
    assertThat(truce.traffic().recorded()).containsExactly("n");
  }

  @Test
  void recordTraffic_outcomeUnknown_isSettledByDoingItAgain() {
    TroubledEngine engine = new TroubledEngine(memory, false);
    Truce truce = over(engine);
    engine.beforeSwap = key -> !key.startsWith("traffic/");
    assertThatThrownBy(() -> truce.lock("n").recordTraffic(true))
        .isInstanceOf(OutcomeUnknownException.class)
        .hasMessageContaining("doing it again is safe");
    engine.beforeSwap = _ -> true;
    truce.lock("n").recordTraffic(true);
    engine.unknownButMade.set(1);
    truce.lock("n").recordTraffic(false);
    assertThat(events(truce.traffic()))
        .extracting(Event::what)
        .containsExactly(What.SWITCHED_ON, What.SWITCHED_OFF);
  }

  @Test
  void recordTraffic_whereWhoSwitchedItDiedAtOnce_isSafe() {
    var _ = memory.cells().swap("traffic/n", memory.cells().read("traffic/n"), new byte[] {1});
    over(memory).lock("n").recordTraffic(true);
    assertThat(new TrafficLog(memory).read().recorded()).containsExactly("n");
    var _ = memory.cells().swap("traffic/n", memory.cells().read("traffic/n"), new byte[0]);
    over(memory).lock("n").recordTraffic(false);
    assertThat(new TrafficLog(memory).read().recorded()).isEmpty();
  }

  /// Somebody else turns it back whenever the first has read or is about to swap something of the
  /// journal or the switch.
  @Test
  void recordTraffic_turnedBackMeanwhile_isAfterARestartAsBefore() {
    for (boolean on : new boolean[] {true, false}) {
      boolean met = true;
      for (int moment = 0; met; moment++) {
        MemoryEngine shared = MemoryEngine.create(ticker);
        NamedLock other = over(shared).lock("n");
        other.recordTraffic(!on);
        TroubledEngine engine = new TroubledEngine(shared.another(), false);
        NamedLock lock = over(engine).lock("n");
        AtomicInteger left = new AtomicInteger(moment);
        Consumer<String> turnBack =
            key -> {
              if (!key.startsWith("stat/") && left.getAndDecrement() == 0) {
                other.recordTraffic(!on);
              }
            };
        engine.afterRead = turnBack;
        engine.beforeSwap =
            key -> {
              turnBack.accept(key);
              return true;
            };
        lock.recordTraffic(on);
        met = left.get() < 0;
        boolean isOn = !shared.cells().read("traffic/n").absent();
        assertThat(new TrafficLog(shared).read().recorded().contains("n"))
            .as("at moment %d, to be %s", moment, on)
            .isEqualTo(isOn);
      }
    }
  }

  @Test
  void theSwitch_outlivesARestartOfTheMachine() throws Exception {
    try (Truce truce = Truce.over(memory.another())) {
      truce.lock("on").recordTraffic(true);
      truce.lock("off").recordTraffic(true);
      truce.lock("off").recordTraffic(false);
    }
    Restarted restarted = new Restarted(MemoryEngine.create(ticker), memory);
    Truce truce = over(restarted);
    assertThat(truce.traffic().recorded()).containsExactly("on");
    truce.lock("on").acquire(LONG).close();
    truce.lock("off").acquire(LONG).close();
    assertThat(truce.traffic().of("on").parts()).hasSize(3);
    assertThat(truce.traffic().of("off").parts()).hasSize(2);
  }

  @Test
  void theSwitch_ofANewerRelease_isObeyedAndNotShown() throws Exception {
    var _ = memory.cells().swap("traffic/n", memory.cells().read("traffic/n"), new byte[] {2, 5});
    Truce truce = over(memory);
    truce.lock("n").acquire(LONG).close();
    assertThatThrownBy(truce::traffic)
        .isInstanceOfSatisfying(
            EngineException.class,
            newer -> assertThat(newer.kind()).isEqualTo(EngineException.Kind.CONFIGURATION));
    assertThatThrownBy(() -> truce.lock("n").recordTraffic(false))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("newer release");
    truce.close();
    assertThat(new TrafficLog(memory).read().batches())
        .flatExtracting(Batch::parts)
        .extracting(part -> ((Event) part).what())
        .containsExactly(What.GRANTED, What.RELEASED);
  }

  @Test
  void whereNothingIsRecorded_nothingIsAllocatedForIt() throws Exception {
    long[] bytes = new long[2];
    for (int round = 0; round < 2; round++) {
      MemoryEngine engine = MemoryEngine.create(ticker);
      NamedLock lock = over(engine).lock("n");
      if (round == 1) {
        lock.recordTraffic(true);
        lock.recordTraffic(false);
      }
      bytes[round] = leastAllocated(lock);
      assertThat(engine.cells().keys("noting/")).isEmpty();
    }
    assertThat(bytes[1]).isLessThan(bytes[0] + 1_000); // a single event for each were ten thousand
  }

  /// By a hundred grants, whatever the compiler has done to them by then.
  private static long leastAllocated(NamedLock lock) throws InterruptedException {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long me = Thread.currentThread().threadId();
    long least = Long.MAX_VALUE;
    for (int times = 0; times < 400; times++) {
      long before = threads.getThreadAllocatedBytes(me);
      for (int i = 0; i < 100; i++) {
        lock.acquire(LONG).close();
      }
      least = Math.min(least, threads.getThreadAllocatedBytes(me) - before);
    }
    return least;
  }

  // ---- gaps

  @Test
  void whatDoesNotFit_isAGapWithItsNumber() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory, false);
    Truce truce = over(engine);
    NamedLock lock = truce.lock("n");
    lock.recordTraffic(true);
    engine.beforeSwap = key -> !key.startsWith("journal/");
    int grants = Recorder.ROOM;
    for (int i = 0; i < grants; i++) {
      lock.acquire(LONG).close();
    }
    engine.beforeSwap = _ -> true;
    Crew.until(() -> {
      ticker.advance(SECOND);
      return !gaps(truce.traffic()).isEmpty();
    });
    Traffic traffic = truce.traffic();
    long dropped = gaps(traffic).stream().mapToLong(Gap::count).sum();
    assertThat(events(traffic)).hasSize((int) (1 + 2L * grants - dropped));
    assertThat(dropped).isPositive();
    assertThat(gaps(traffic))
        .allSatisfy(gap -> {
          assertThat(gap.cause()).isEqualTo(Cause.DROPPED);
          assertThat(gap.lock()).contains("n");
          assertThat(gap.until()).isAfterOrEqualTo(gap.at());
          assertThat(gap.owner()).isEqualTo(CI);
        });
    lock.acquire(LONG).close();
    assertThat(truce.traffic().parts()).hasSize(traffic.parts().size() + 2);
  }

  @Test
  void olderEntries_areLetGoOfAndCounted() throws Exception {
    Truce truce = over(memory);
    truce.lock("before").recordTraffic(true);
    NamedLock lock = truce.lock("n");
    lock.recordTraffic(true);
    int noted = 2;
    while (noted < 3 * Traffic.KEPT) {
      for (int i = 0; i < 1_000; i++) {
        lock.acquire(LONG).close();
      }
      noted += 2_000;
      Traffic traffic = truce.traffic();
      assertThat(traffic.letGo() + traffic.parts().size()).isEqualTo(noted);
      assertThat(traffic.parts().size())
          .isBetween(Math.min(noted, Traffic.KEPT), 2 * Traffic.KEPT + Batch.MOST);
    }
    Traffic traffic = over(memory.another()).traffic();
    assertThat(traffic.letGo()).isPositive();
    assertThat(gaps(traffic)).isEmpty();
    assertThat(traffic.recorded()).containsExactly("before", "n");
    truce.close();
    Truce restarted = over(new Restarted(MemoryEngine.create(ticker), memory));
    assertThat(restarted.traffic().recorded()).containsExactly("before", "n");
  }

  @Test
  void whoTakesOverFromTheDead_putsDownItsGap() throws Exception {
    over(memory).lock("n").recordTraffic(true);
    MemoryEngine dying = memory.another();
    Grant _ = over(dying).lock("n").acquire(LONG);
    ticker.advance(SECOND);
    dying.close();
    Truce next = over(memory.another());
    next.lock("n").acquire(LONG).close();
    next.close();
    List<Batch> batches = new TrafficLog(memory).read().batches();
    assertThat(batches)
        .flatExtracting(Batch::parts)
        .filteredOn(Gap.class::isInstance)
        .singleElement()
        .satisfies(gap -> assertThat(((Gap) gap).cause()).isEqualTo(Cause.KILLED));
  }

  @Test
  void whoLeavesInOrderWhileSomebodyLooks_leavesNoGap() throws Exception {
    for (boolean itself : new boolean[] {false, true}) {
      MemoryEngine shared = MemoryEngine.create(ticker);
      Truce leaving = over(shared);
      NamedLock lock = leaving.lock("n");
      lock.recordTraffic(true);
      lock.acquire(LONG).close();
      assertThat(events(leaving.traffic())).hasSize(3);
      lock.acquire(LONG).close();
      TroubledEngine engine = new TroubledEngine(shared.another(), false);
      Truce looking = over(engine);
      if (itself) {
        looking.lock("n").acquire(LONG).close();
      }
      String noting = "noting/" + Long.toHexString(shared.members().list().getFirst());
      engine.afterRead =
          key -> {
            if (key.equals(noting)) {
              leaving.close();
            }
          };
      Traffic traffic = looking.traffic();
      assertThat(shared.members().list()).hasSize(1);
      assertThat(gaps(traffic)).isEmpty();
      assertThat(events(traffic)).hasSize(itself ? 7 : 5);
    }
  }

  @Test
  void whatTheEndOfTheMachineCutOff_isAGap() throws Exception {
    Truce _ = over(memory);
    Truce cut = over(memory);
    NamedLock lock = cut.lock("n");
    lock.recordTraffic(true);
    lock.acquire(LONG).close();
    assertThat(gaps(cut.traffic())).isEmpty();
    Restarted restarted = new Restarted(MemoryEngine.create(ticker), memory);
    Truce truce = over(restarted);
    over(restarted).close(); // numbers of members begin anew in memory, and this one is as dead
    assertThat(gaps(truce.traffic())).singleElement().extracting(Gap::owner).isEqualTo(CI);
    assertThat(gaps(truce.traffic())).hasSize(1);
    assertThat(events(truce.traffic())).hasSize(3);
  }

  @Test
  void aHandleThatWasTakenForDead_addsNothingBehindItsGap() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory, false);
    Truce truce = over(engine);
    NamedLock lock = truce.lock("n");
    lock.recordTraffic(true);
    lock.acquire(LONG).close();
    engine.uncertain = true;
    truce.close();
    assertThat(memory.journal("traffic").appended()).isEqualTo(1);
    Traffic traffic = over(memory.another()).traffic();
    assertThat(gaps(traffic)).hasSize(1);
    assertThat(events(traffic)).hasSize(1);
  }

  // ---- trouble

  @Test
  void aLock_worksWhereNothingCanBeAdded() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory, false);
    Truce truce = over(engine);
    NamedLock lock = truce.lock("n");
    lock.recordTraffic(true);
    engine.beforeSwap = key -> !key.startsWith("journal/") && !key.startsWith("noting/");
    lock.acquire(LONG).close();
    ticker.advance(SECOND);
    lock.acquire(LONG).close();
    truce.close();
    assertThat(over(memory.another()).lock("n").tryAcquire()).isPresent();
  }

  // ---- bytes

  private static List<Part> mixed(int count) {
    List<Part> parts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Instant at = Instant.parse("2026-01-05T10:00:00.123456789Z").plusNanos(i * 1_000L - i % 3);
      Owner owner = new Owner("owner " + i % 5, "host", i % 2);
      What what = WHATS.get(i % WHATS.size());
      Mode mode = i % 2 == 0 ? Mode.READ : Mode.WRITE;
      parts.add(
          i % 7 == 3
              ? new Gap(
                  at,
                  at.plusSeconds(5),
                  i % 2 == 0 ? Cause.KILLED : Cause.DROPPED,
                  owner,
                  i % 3 == 0 ? Optional.empty() : Optional.of("lock"),
                  i)
              : new Event(
                  at, what, "lock " + i % 4, mode, i, owner, nanos(i % 5 - 1), nanos(i % 3 - 1)));
    }
    return parts;
  }

  @Test
  void aBatch_isReadAsItWasWritten() {
    for (int count : new int[] {0, 1, 16, 255, 256}) {
      Batch batch = new Batch(99, 1L << 62 | 5, CI, Instant.now(), count % 2 == 0, mixed(count));
      assertThat(Batch.read(1, batch.write())).isEqualTo(batch);
      assertThat(batch.next()).isEqualTo(99 + count);
    }
  }

  @Test
  void aBatch_isSplitByNumberAndBySize() {
    Batch all = new Batch(1, 5, CI, Instant.now(), true, mixed(1_000));
    for (int most : new int[] {1_000_000, 600}) {
      List<Batch> split = all.split(most);
      assertThat(split).flatExtracting(Batch::parts).isEqualTo(all.parts());
      assertThat(split).allMatch(batch -> batch.parts().size() <= Batch.MOST);
      assertThat(split).allMatch(batch -> batch.write().length <= most);
      assertThat(split.subList(0, split.size() - 1)).noneMatch(Batch::last);
      assertThat(split.getLast().last()).isTrue();
      assertThat(split.getLast().until()).isEqualTo(all.until());
      for (int i = 0; i < split.size(); i++) {
        Instant until = split.get(i).until();
        assertThat(split.subList(i + 1, split.size()))
            .flatExtracting(Batch::parts)
            .noneMatch(part -> part.at().isBefore(until));
      }
    }
  }

  /// Every beginning of a record, and every record with one byte changed, is either read or refused
  /// as damaged: nothing else ever comes of it.
  @Test
  void aDamagedBatch_isRefusedOrRead() {
    byte[] whole = new Batch(1, 5, CI, Instant.now(), true, mixed(20)).write();
    for (int length = 0; length < whole.length; length++) {
      byte[] cut = java.util.Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> Batch.read(3, cut))
          .isInstanceOf(EngineException.class)
          .hasMessageContaining("record 3 of the locks' traffic");
    }
    for (int at = 0; at < whole.length; at++) {
      for (int bit = 0; bit < 8; bit++) {
        byte[] changed = whole.clone();
        changed[at] ^= (byte) (1 << bit);
        try {
          assertThat(Batch.read(3, changed).parts()).hasSizeLessThanOrEqualTo(Batch.MOST);
        } catch (EngineException refused) {
          assertThat(refused.kind())
              .isIn(EngineException.Kind.DAMAGED, EngineException.Kind.CONFIGURATION);
        }
      }
    }
  }
}
