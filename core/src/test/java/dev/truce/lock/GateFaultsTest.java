package dev.truce.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import dev.truce.EngineException;
import dev.truce.OutcomeUnknownException;
import dev.truce.Truce;
import dev.truce.lock.Crew.Job;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Engine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What a process's own gate leaves behind when the engine below it is in trouble: nothing.
class GateFaultsTest {
  private static final Duration LONG = Duration.ofMinutes(5);

  private final MemoryEngine memory = MemoryEngine.create();
  private final List<Truce> open = new ArrayList<>();
  private final Crew crew = new Crew();

  @AfterEach
  void close() {
    crew.close();
    open.forEach(Truce::close);
  }

  private Truce over(Engine engine) {
    Truce truce = Truce.over(engine);
    open.add(truce);
    return truce;
  }

  private static void untilWaiting(NamedLock lock, int waiters) {
    Crew.until(() -> lock.status().waiting() == waiters);
  }

  private static void untilFree(NamedLock lock) {
    Crew.until(
        () -> lock.status().state() == LockStatus.State.FREE && lock.status().queue().isEmpty());
  }

  // ---- wakes

  /// One of two that begin to wait has the engine told that wakes are wanted; the other one sleeps
  /// only when that is done. On a clock that stands still it would not look again by itself.
  @Test
  void acquire_whileAnotherBeginsToListen_isWoken() throws Exception {
    MemoryEngine still = MemoryEngine.create(new TestTicker());
    TroubledEngine slow = new TroubledEngine(still.another(), true);
    Truce holder = over(still);
    Truce waiting = over(slow);
    Grant x = holder.lock("x").acquire(LONG);
    Grant y = holder.lock("y").acquire(LONG);
    CountDownLatch begins = new CountDownLatch(1);
    CountDownLatch goesOn = new CountDownLatch(1);
    slow.beforeListening =
        () -> {
          begins.countDown();
          Crew.until(() -> goesOn.getCount() == 0);
        };
    Job<Grant> first = crew.platform(() -> waiting.lock("x").acquire(LONG));
    assertThat(begins.await(10, TimeUnit.SECONDS)).isTrue();
    Job<Grant> second = crew.platform(() -> waiting.lock("y").acquire(LONG));
    Crew.until(() -> holder.lock("y").status().waiting() == 1 && isAsleep(second.thread()));
    y.close();
    goesOn.countDown();
    second.join().close();
    x.close();
    first.join().close();
  }

  private static boolean isAsleep(Thread thread) {
    return thread.getState() == Thread.State.WAITING || thread.getState() == Thread.State.BLOCKED;
  }

  // ---- changes of mode

  @Test
  void downgrade_engineDoesNotAnswer_isMadeLater() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory.another(), true);
    Grant grant = over(engine).lock("n").acquire(LONG);
    NamedLock others = over(memory).lock("n");
    engine.unreachable = true;
    assertThatThrownBy(grant::downgrade).isInstanceOf(EngineException.class);
    assertThat(grant.mode()).isEqualTo(NamedLock.Mode.READ);
    engine.unreachable = false;
    Crew.until(() -> others.status().mode().orElseThrow() == NamedLock.Mode.READ);
    others.read().tryAcquire().orElseThrow().close();
    grant.upgrade(LONG);
    assertThat(others.read().tryAcquire()).isEmpty();
  }

  @Test
  void downgrade_engineDoesNotAnswer_again_isMadeAtOnce() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory.another(), true);
    Grant grant = over(engine).lock("n").acquire(LONG);
    engine.unreachable = true;
    assertThatThrownBy(grant::downgrade).isInstanceOf(EngineException.class);
    engine.unreachable = false;
    grant.downgrade();
    over(memory).lock("n").read().tryAcquire().orElseThrow().close();
  }

  /// Nobody has heard whether it reads in the cell, and what was asked for may still come to pass:
  /// so it is asked for until it is so, and only then is it made a writer's.
  @Test
  void upgrade_afterADowngradeOfUnknownOutcome_makesThatFirst() throws Exception {
    TroubledEngine engine = new TroubledEngine(MemoryEngine.create(new TestTicker()), true);
    Grant grant = over(engine).lock("n").acquire(LONG);
    engine.beforeSwap = key -> !key.equals("lock/n");
    assertThatThrownBy(grant::downgrade).isInstanceOf(OutcomeUnknownException.class);
    AtomicInteger swaps = new AtomicInteger();
    engine.beforeSwap = key -> !key.equals("lock/n") || swaps.incrementAndGet() > 0;
    grant.upgrade(LONG);
    assertThat(grant.mode()).isEqualTo(NamedLock.Mode.WRITE);
    assertThat(swaps).hasValue(2);
  }

  // ---- rings

  /// A thread that acquired nothing upgrades another one's grant, and holds what a reader beside it
  /// waits for.
  @Test
  void upgrade_ofAnotherThreadsGrant_ringIsFound() throws Exception {
    Truce one = over(memory);
    Truce two = over(memory.another());
    Grant shared = crew.platform(() -> one.lock("a").read().acquire(LONG)).join();
    Grant beside = two.lock("a").read().acquire(LONG);
    CountDownLatch holds = new CountDownLatch(1);
    Job<Boolean> upgrading =
        crew.platform(() -> {
          try (Grant _ = one.lock("b").acquire(LONG)) {
            holds.countDown();
            return gaveWay(() -> shared.upgrade(LONG));
          }
        });
    assertThat(holds.await(10, TimeUnit.SECONDS)).isTrue();
    boolean here = gaveWay(() -> two.lock("b").acquire(Duration.ofSeconds(10)).close());
    beside.close();
    assertThat(upgrading.join()).isEqualTo(!here);
  }

  private static boolean gaveWay(Attempt attempt) throws InterruptedException {
    try {
      attempt.make();
      return false;
    } catch (DeadlockException victim) {
      return true;
    }
  }

  private interface Attempt {
    void make() throws InterruptedException;
  }

  /// It begins to wait while another thread hands its grant over: it does not hold that any more.
  @Test
  void handOver_whileItsThreadBeginsToWait_isNoRing() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory.another(), true);
    Truce one = over(engine);
    Truce two = over(memory);
    CountDownLatch asks = new CountDownLatch(1);
    CountDownLatch drawing = new CountDownLatch(1);
    CountDownLatch handedOver = new CountDownLatch(1);
    List<Grant> grants = new ArrayList<>();
    List<Grant> others = new ArrayList<>();
    Job<Boolean> other =
        crew.platform(() -> {
          others.add(two.lock("b").acquire(LONG));
          Crew.until(() -> asks.getCount() == 0);
          return gaveWay(() -> others.add(two.lock("a").acquire(LONG)));
        });
    untilHeld(two.lock("b"));
    Job<Boolean> waiting =
        crew.platform(() -> {
          grants.add(one.lock("a").acquire(LONG));
          Thread me = Thread.currentThread();
          AtomicBoolean once = new AtomicBoolean();
          engine.beforeDrawing =
              () -> {
                if (Thread.currentThread().equals(me) && once.compareAndSet(false, true)) {
                  drawing.countDown();
                  Crew.until(() -> handedOver.getCount() == 0);
                }
              };
          return gaveWay(() -> grants.add(one.lock("b").withPriority(9).acquire(LONG)));
        });
    assertThat(drawing.await(10, TimeUnit.SECONDS)).isTrue();
    grants.getFirst().handOver();
    handedOver.countDown();
    untilWaiting(two.lock("b"), 1);
    asks.countDown();
    Crew.until(() -> two.waits().stream().anyMatch(wait -> wait.lock().equals("a")));
    Crew.until(() -> other.thread().getState() == Thread.State.TIMED_WAITING);
    grants.getFirst().close();
    assertThat(other.join()).isFalse();
    others.forEach(Grant::close);
    assertThat(waiting.join()).isFalse();
  }

  private static void untilHeld(NamedLock lock) {
    Crew.until(() -> lock.status().state() == LockStatus.State.HELD);
  }

  // ---- no room

  @Test
  void acquire_cellIsFull_isRefusedAsIfTheQueueWere() throws Exception {
    NamedLock lock = over(cramped()).lock("n");
    Grant held = lock.acquire(LONG);
    Job<Grant> first = crew.virtual(() -> over(cramped()).lock("n").acquire(LONG));
    untilWaiting(lock, 1);
    NamedLock wordy = over(cramped()).lock("n").withReason("\u20ac".repeat(200));

    assertThat(crew.virtual(() -> wordy.acquire(LONG)).failure())
        .asInstanceOf(type(NotAcquiredException.class))
        .extracting(refused -> refused.refusal().kind())
        .isEqualTo(Refusal.Kind.QUEUE_FULL);

    assertThat(lock.status().waiting()).isEqualTo(1);
    held.close();
    first.join().close();
    wordy.acquire(LONG).close();
  }

  /// Another process's engine, whose cells hold little.
  private TroubledEngine cramped() {
    TroubledEngine engine = new TroubledEngine(memory.another(), true);
    engine.maxCell = 1000;
    return engine;
  }

  // ---- nobody can tell

  @Test
  void acquire_someSwapsUnknown_isGrantedOnce() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory, false);
    NamedLock lock = over(engine).lock("n");
    for (int i = 0; i < 20; i++) {
      engine.unknownButMade.set(i % 3);
      engine.unknownNotMade.set(i % 4);
      NamedLock wanted = i % 2 == 0 ? lock : lock.read();
      try (Grant grant = wanted.acquire(LONG)) {
        assertThat(lock.status().holders()).hasSize(1);
        assertThat(lock.status().holders().getFirst().grants()).isEqualTo(1);
        assertThat(grant.isValid()).isTrue();
        engine.unknownButMade.set(i % 2);
      }
      assertThat(lock.status().state()).isEqualTo(LockStatus.State.FREE);
    }
  }

  @Test
  void acquire_grantUnknownForEver_isGivenBackLater() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory, false);
    NamedLock lock = over(engine).lock("n");
    makeOnceThenUnknown(engine);
    assertThatThrownBy(() -> lock.acquire(LONG)).isInstanceOf(OutcomeUnknownException.class);
    assertThat(lock.status().state()).isEqualTo(LockStatus.State.HELD);
    recover(engine);
    untilFree(lock);
    lock.acquire(LONG).close();
  }

  @Test
  void acquire_readersGrantUnknownForEver_isGivenBackLater() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory, false);
    NamedLock lock = over(engine).lock("n").read();
    Grant held = lock.acquire(LONG);
    makeOnceThenUnknown(engine);
    Job<Grant> second = crew.virtual(() -> lock.acquire(LONG));
    assertThat(second.failure()).isInstanceOf(OutcomeUnknownException.class);
    recover(engine);
    Crew.until(() -> lock.status().holders().getFirst().grants() == 1);
    assertThat(held.isValid()).isTrue();
    held.close();
    untilFree(lock);
  }

  /// The place in the queue was made, but nobody stands in it any more: it must not be granted to
  /// anybody, and the one who releases must not hear of it.
  @Test
  void close_placeOfOneWhoWasToldNothing_freesTheLock() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory, false);
    NamedLock lock = over(engine).lock("n");
    Grant held = lock.acquire(LONG);
    makeOnceThenUnknown(engine);
    Job<Grant> waiter = crew.virtual(() -> lock.acquire(LONG));
    assertThat(waiter.failure()).isInstanceOf(OutcomeUnknownException.class);
    assertThat(lock.status().waiting()).isEqualTo(1);
    recover(engine);
    assertThatCode(held::close).doesNotThrowAnyException();
    untilFree(lock);
    lock.acquire(LONG).close();
  }

  @Test
  void close_releaseUnknownForEver_isReleasedOnce() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory, false);
    NamedLock lock = over(engine).lock("n").read();
    Grant one = lock.acquire(LONG);
    Grant two = lock.acquire(LONG);
    Grant three = lock.acquire(LONG);
    makeOnceThenUnknown(engine);
    assertThatCode(one::close).doesNotThrowAnyException();
    recover(engine);
    Crew.until(() -> lock.status().holders().getFirst().grants() == 2);
    two.close();
    assertThat(lock.status().holders().getFirst().grants()).isEqualTo(1);
    assertThat(three.isValid()).isTrue();
    three.close();
    untilFree(lock);
  }

  /// An offer was taken up, and the one who took it was told nothing.
  @Test
  void acquire_acceptUnknownForEver_isGivenBackLater() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory.another(), false);
    NamedLock lock = over(memory).lock("n");
    Grant held = lock.acquire(LONG);
    NamedLock far = over(engine).lock("n");
    Job<Grant> waiter = crew.virtual(() -> far.acquire(LONG));
    untilWaiting(lock, 1);
    makeOnceThenUnknown(engine);
    held.close();
    assertThat(waiter.failure()).isInstanceOf(OutcomeUnknownException.class);
    assertThat(lock.status().state()).isEqualTo(LockStatus.State.HELD);
    assertThat(lock.status().queue()).isEmpty();
    recover(engine);
    untilFree(lock);
    far.acquire(LONG).close();
  }

  /// The next swap is made, and nobody is told of it or of any other.
  private static void makeOnceThenUnknown(TroubledEngine engine) {
    engine.unknownButMade.set(1);
    AtomicBoolean made = new AtomicBoolean();
    engine.beforeSwap = key -> made.compareAndSet(false, true);
  }

  private static void recover(TroubledEngine engine) {
    engine.beforeSwap = key -> true;
    engine.unknownButMade.set(0);
  }

  // ---- nobody answers

  @Test
  void acquire_engineUnreachable_throwsAndLeavesNothing() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory, true);
    NamedLock lock = over(engine).lock("n");
    engine.unreachable = true;
    assertThatThrownBy(() -> lock.acquire(LONG)).isInstanceOf(EngineException.class);
    engine.unreachable = false;
    lock.acquire(LONG).close();
  }

  @Test
  void acquire_engineLostWhileWaiting_throwsAndGivesUpThePlace() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory.another(), true);
    NamedLock lock = over(memory).lock("n");
    NamedLock far = over(engine).lock("n");
    Grant held = lock.acquire(LONG);
    List<Job<Grant>> waiters = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      waiters.add(crew.virtual(() -> far.acquire(LONG)));
      untilWaiting(lock, 1);
    }
    engine.unreachable = true;
    for (Job<Grant> waiter : waiters) {
      assertThat(waiter.failure()).isInstanceOf(EngineException.class);
    }
    engine.unreachable = false;
    untilWaiting(lock, 0);
    held.close();
    far.acquire(LONG).close();
  }

  @Test
  void close_engineUnreachable_isReleasedLater() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory.another(), true);
    NamedLock lock = over(memory).lock("n");
    Grant grant = over(engine).lock("n").acquire(LONG);
    engine.unreachable = true;
    assertThatCode(grant::close).doesNotThrowAnyException();
    engine.unreachable = false;
    lock.acquire(LONG).close();
  }

  @Test
  void close_truceWhoseEngineIsUnreachable_tellsAllItsHolders() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory.another(), true);
    Truce truce = over(engine);
    List<Loss> losses = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      Grant grant = truce.lock("n").read().acquire(LONG);
      grant.onLost(losses::add);
    }
    engine.unreachable = true;
    assertThatCode(truce::close).doesNotThrowAnyException();
    assertThat(losses).hasSize(3);
    assertThat(over(memory).lock("n").tryAcquire()).isPresent();
  }

  /// Long before anybody may end the member, it stops vouching for what it holds.
  @ParameterizedTest
  @EnumSource(NamedLock.Mode.class)
  void close_membershipIsUncertain_freesTheLockAtOnce(NamedLock.Mode mode) throws Exception {
    for (boolean optimist : new boolean[] {true, false}) {
      TroubledEngine engine = new TroubledEngine(memory.another(), optimist);
      NamedLock lock = over(engine).lock("n");
      Grant grant = (mode == NamedLock.Mode.READ ? lock.read() : lock).acquire(LONG);
      engine.uncertain = true;
      assertThat(grant.isValid()).isFalse();
      grant.close();
      assertThat(stateOf("n").idle()).isTrue();
      over(memory).lock("n").acquire(LONG).close();
    }
  }

  /// As it stands in the cell, without anybody who looks and buries the dead.
  private LockState stateOf(String name) {
    return LockState.decode(memory.cells().read(Locks.key(name)).bytes());
  }

  @Test
  void close_listenersThrowErrors_givesEverythingBackAndTellsAll() throws Exception {
    Truce truce = over(memory);
    List<Loss> losses = new ArrayList<>();
    for (String name : List.of("a", "b", "b", "c")) {
      Grant grant = truce.lock(name).read().acquire(LONG);
      for (int i = 0; i < 2; i++) {
        grant.onLost(loss -> {
          losses.add(loss);
          throw new ByTheTest();
        });
      }
    }
    assertThatCode(truce::close).doesNotThrowAnyException();
    assertThat(losses).hasSize(8);
    for (String name : List.of("a", "b", "c")) {
      assertThat(stateOf(name).idle()).as(name).isTrue();
    }
  }

  private static final class ByTheTest extends Error {
    private static final long serialVersionUID = 1;

    ByTheTest() {
      super("the test says so", null, false, false);
    }
  }

  @Test
  void acquire_wakesAreLost_isGrantedAllTheSame() throws Exception {
    TroubledEngine deaf = new TroubledEngine(memory.another(), true);
    deaf.deaf = true;
    TroubledEngine alsoDeaf = new TroubledEngine(memory.another(), true);
    alsoDeaf.deaf = true;
    List<NamedLock> locks = List.of(over(deaf).lock("n"), over(alsoDeaf).lock("n"));
    List<Job<Integer>> jobs = new ArrayList<>();
    for (NamedLock lock : locks) {
      jobs.add(
          crew.virtual(() -> {
            int done = 0;
            for (; done < 20; done++) {
              lock.acquire(LONG).close();
            }
            return done;
          }));
    }
    for (Job<Integer> job : jobs) {
      assertThat(job.join()).isEqualTo(20);
    }
  }

  // ---- gates come and go

  /// A thread is on the short way, between its look at the gate and its swap, when the gate is let
  /// go because there are many. It has its grant then; a second thread, at a new gate, waits for
  /// it.
  @Test
  void close_gateWasLetGoMeanwhile_handsOnToTheNewGate() throws Exception {
    TroubledEngine engine = new TroubledEngine(memory, true);
    Truce truce = over(engine);
    CountDownLatch atSwap = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    AtomicBoolean first = new AtomicBoolean(true);
    engine.beforeSwap =
        key -> {
          if (key.equals(Locks.key("n")) && first.compareAndSet(true, false)) {
            atSwap.countDown();
            awaitUninterruptibly(goOn);
          }
          return true;
        };
    Job<Grant> slow = crew.platform(() -> truce.lock("n").acquire(LONG));
    awaitUninterruptibly(atSwap);
    for (int i = 0; i < 3_000; i++) {
      truce.lock("other " + i).acquire(LONG).close();
      truce.lock("other " + i).read().withReason("the long way").acquire(LONG).close();
    }
    goOn.countDown();
    Grant held = slow.join();
    Job<Grant> next = crew.virtual(() -> truce.lock("n").acquire(LONG));
    untilWaiting(truce.lock("n"), 1);
    assertThatCode(held::close).doesNotThrowAnyException();
    next.join().close();
    untilFree(truce.lock("n"));
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      assertThat(latch.await(Crew.LIVENESS.toSeconds(), TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException stop) {
      throw new IllegalStateException(stop);
    }
  }
}
