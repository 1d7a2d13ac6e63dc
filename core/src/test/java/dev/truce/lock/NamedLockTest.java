package dev.truce.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import dev.truce.EngineException;
import dev.truce.Truce;
import dev.truce.lock.Crew.Job;
import dev.truce.lock.LockMachine.Caller;
import dev.truce.lock.LockMachine.Command;
import dev.truce.lock.LockMachine.Outcome;
import dev.truce.lock.LockMachine.Tokens;
import dev.truce.lock.NamedLock.Mode;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Cells.Cell;
import dev.truce.spi.Cells.Swap;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.AbstractOwnableSynchronizer;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NamedLockTest {
  private static final boolean FULL = Boolean.getBoolean("truce.full");
  private static final Duration LONG = Duration.ofMinutes(5);

  private final TestTicker ticker = new TestTicker();
  private final MemoryEngine memory = MemoryEngine.create();
  private final MemoryEngine still = MemoryEngine.create(ticker);
  private final List<Truce> open = new ArrayList<>();
  private final Crew crew = new Crew();

  @AfterEach
  void close() {
    crew.close();
    open.forEach(Truce::close);
  }

  private Truce over(MemoryEngine engine) {
    Truce truce = Truce.over(engine);
    open.add(truce);
    return truce;
  }

  private static void untilWaiting(NamedLock lock, int waiters) {
    Crew.until(() -> lock.status().waiting() == waiters);
  }

  // ---- exclusion

  private int counted;

  private void count(NamedLock lock, int times) throws InterruptedException {
    for (int i = 0; i < times; i++) {
      lock.run(LONG, grant -> counted++);
    }
  }

  @Test
  void run_eightPlatformThreads_losesNoIncrement() throws Exception {
    NamedLock lock = over(memory).lock("n");
    List<Job<Boolean>> jobs = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      jobs.add(crew.platform(() -> counts(lock)));
    }
    for (Job<Boolean> job : jobs) {
      job.join();
    }
    assertThat(counted).isEqualTo(8000);
  }

  @Test
  void run_eightVirtualThreadsOfTwoHandles_losesNoIncrement() throws Exception {
    NamedLock one = over(memory).lock("n");
    NamedLock other = over(memory.another()).lock("n");
    List<Job<Boolean>> jobs = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      NamedLock lock = i % 2 == 0 ? one : other;
      jobs.add(crew.virtual(() -> counts(lock)));
    }
    for (Job<Boolean> job : jobs) {
      job.join();
    }
    assertThat(counted).isEqualTo(8000);
    assertThat(one.status().queue()).isEmpty();
  }

  private boolean counts(NamedLock lock) throws InterruptedException {
    count(lock, 1000);
    return true;
  }

  @Test
  void tryAcquire_heldByAnotherHandle_isEmpty() throws Exception {
    NamedLock one = over(memory).lock("n");
    NamedLock other = over(memory.another()).lock("n");
    Grant grant = one.acquire(LONG);
    assertThat(other.tryAcquire()).isEmpty();
    grant.close();
    assertThat(other.tryAcquire()).isPresent();
  }

  @Test
  void acquire_fiftyReaders_overlap() throws Exception {
    NamedLock one = over(memory).lock("n").read();
    NamedLock other = over(memory.another()).lock("n").read();
    CyclicBarrier inside = new CyclicBarrier(50);
    List<Job<Integer>> jobs = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      NamedLock lock = i % 2 == 0 ? one : other;
      jobs.add(crew.virtual(() -> lock.call(LONG, grant -> await(inside))));
    }
    for (Job<Integer> job : jobs) {
      job.join();
    }
  }

  private static int await(CyclicBarrier barrier) {
    try {
      return barrier.await();
    } catch (Exception broken) {
      throw new IllegalStateException(broken);
    }
  }

  @Test
  void acquire_writerWaitsBehindReaders_isAloneAndBeforeLaterReaders() throws Exception {
    NamedLock lock = over(still).lock("n");
    NamedLock other = over(still.another()).lock("n");
    Grant first = lock.read().acquire(LONG);
    Grant second = other.read().acquire(LONG);
    Job<Grant> writer = crew.virtual(() -> lock.acquire(LONG));
    untilWaiting(lock, 1);
    assertThat(other.read().tryAcquire()).isEmpty();
    Job<Grant> reader = crew.virtual(() -> other.read().acquire(LONG));
    untilWaiting(lock, 2);
    first.close();
    assertThat(writer.done()).isFalse();
    second.close();
    Grant writing = writer.join();
    assertThat(reader.done()).isFalse();
    assertThat(lock.status().mode()).contains(Mode.WRITE);
    writing.close();
    Grant reading = reader.join();
    assertThat(reading.token()).isGreaterThan(writing.token());
    reading.close();
  }

  @Test
  void acquire_waitersOfThreeHandles_areServedInTheOrderOfArrival() throws Exception {
    List<NamedLock> locks = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      locks.add(over(i == 0 ? still : still.another()).lock("n"));
    }
    List<Integer> served = Collections.synchronizedList(new ArrayList<>());
    Grant held = locks.getFirst().acquire(LONG);
    List<Job<Boolean>> jobs = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      int number = i;
      NamedLock lock = locks.get(i % 5 % 3);
      jobs.add(
          crew.virtual(() -> {
            try (Grant _ = lock.acquire(LONG)) {
              return served.add(number);
            }
          }));
      waitsInMemoryOrCell(jobs.getLast());
    }
    held.close();
    for (Job<Boolean> job : jobs) {
      job.join();
    }
    assertThat(served).isSorted().hasSize(12);
  }

  @Test
  void withPriority_lowerGoesFirst_equalOnesInTheOrderOfArrival() throws Exception {
    List<String> served = Collections.synchronizedList(new ArrayList<>());
    NamedLock one = over(still).lock("n");
    NamedLock other = over(still.another()).lock("n");
    Grant held = one.acquire(LONG);
    List<Job<Boolean>> jobs = new ArrayList<>();
    for (int priority : new int[] {0, 5, -3, 0, -3}) {
      String waiter = priority + "/" + jobs.size();
      NamedLock lock = (jobs.size() % 2 == 0 ? one : other).withPriority(priority);
      jobs.add(
          crew.virtual(() -> {
            try (Grant _ = lock.acquire(LONG)) {
              return served.add(waiter);
            }
          }));
      untilWaiting(one, jobs.size());
    }
    held.close();
    for (Job<Boolean> job : jobs) {
      job.join();
    }
    assertThat(served).containsExactly("-3/2", "-3/4", "0/0", "0/3", "5/1");
  }

  /// It also holds for one whom others overtake again and again.
  @Test
  void withPriority_overtakenSixteenTimes_isOvertakenNoMore() throws Exception {
    NamedLock lock = over(still).lock("n");
    NamedLock urgent = over(still.another()).lock("n").withPriority(NamedLock.FIRST_PRIORITY);
    Grant held = lock.acquire(LONG);
    Job<Grant> patient = crew.virtual(() -> lock.acquire(LONG));
    untilWaiting(lock, 1);
    int overtakers = 0;
    while (!patient.done()) {
      Job<Grant> next = crew.virtual(() -> urgent.acquire(LONG));
      untilWaiting(lock, 2);
      held.close();
      Crew.until(() -> next.done() || patient.done());
      if (next.done()) {
        held = next.join();
        overtakers++;
      } else {
        patient.join().close();
        next.join().close();
      }
    }
    assertThat(overtakers).isEqualTo(16);
  }

  @Test
  void withPriority_outOfRange_isRefused_andKeptByTheOtherMode() {
    NamedLock lock = over(memory).lock("n");
    for (int priority : new int[] {Integer.MIN_VALUE, -101, 101, Integer.MAX_VALUE}) {
      assertThatThrownBy(() -> lock.withPriority(priority))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("" + priority);
    }
    assertThat(lock.withPriority(-100).read().write().wish().priority()).isEqualTo(-100);
    NamedLock forced = lock.byForce("fire");
    assertThatThrownBy(() -> forced.withPriority(0)).isInstanceOf(IllegalStateException.class);
    assertThat(lock.withPriority(5).byForce("fire").wish()).isEqualTo(forced.wish());
  }

  @Test
  void acquireAsync_free_isCompletedWithTheGrant_andWhatDependsOnItIsNotInterrupted() {
    NamedLock lock = over(memory).lock("n");
    boolean interrupted =
        lock.acquireAsync(LONG)
            .thenApply(grant -> {
              try (grant) {
                return Thread.currentThread().isInterrupted();
              }
            })
            .orTimeout(10, TimeUnit.SECONDS)
            .join();
    assertThat(interrupted).isFalse();
    assertThat(lock.tryAcquire()).isPresent();
  }

  /// Without a thread, and for no thread: who asked may wait for the lock itself.
  @Test
  void acquireAsync_canBeHadAtOnce_isDoneAtOnceAndNobodysInParticular() {
    NamedLock lock = over(memory).lock("n");
    NamedLock other = over(memory.another()).lock("n");
    CompletableFuture<Grant> written = lock.acquireAsync(LONG);
    assertThat(written).isDone();
    assertThat(kind(() -> lock.acquire(Duration.ofMillis(1)))).isEqualTo(Refusal.Kind.TIMEOUT);
    written.join().close();
    List<CompletableFuture<Grant>> readers = new ArrayList<>();
    for (NamedLock each : List.of(lock, lock, other, lock)) {
      readers.add(each.read().acquireAsync(LONG));
      assertThat(readers.getLast()).isDone();
    }
    assertThat(kind(() -> lock.acquire(Duration.ofMillis(1)))).isEqualTo(Refusal.Kind.TIMEOUT);
    readers.forEach(reader -> reader.join().close());
    assertThat(lock.tryAcquire()).isPresent();
  }

  private static Refusal.Kind kind(ThrowingCallable call) {
    return kind(catchThrowable(call));
  }

  @Test
  void acquireAsync_readerWhileAWriterWaits_waitsBehindIt() throws Exception {
    NamedLock lock = over(still).lock("n");
    NamedLock other = over(still.another()).lock("n");
    Grant reading = lock.read().tryAcquire().orElseThrow();
    CompletableFuture<Grant> writer = other.acquireAsync(LONG);
    untilWaiting(lock, 1);
    CompletableFuture<Grant> reader = lock.read().acquireAsync(LONG);
    untilWaiting(lock, 2);

    reading.close();

    Grant writes = writer.get(10, TimeUnit.SECONDS);
    assertThat(reader).isNotDone();
    writes.close();
    reader.get(10, TimeUnit.SECONDS).close();
  }

  @Test
  void acquireAsync_closed_isCompletedWithThat() {
    Truce truce = over(memory);
    NamedLock lock = truce.lock("n");
    truce.close();
    assertThatThrownBy(() -> lock.acquireAsync(LONG).get(10, TimeUnit.SECONDS))
        .hasCauseInstanceOf(EngineException.class);
  }

  @Test
  void acquireAsync_timeIsOver_isCompletedWithTheRefusal() {
    NamedLock lock = over(memory).lock("n");
    Grant held = over(memory.another()).lock("n").tryAcquire().orElseThrow();
    assertThatThrownBy(() -> lock.acquireAsync(Duration.ZERO).get(10, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(NotAcquiredException.class);
    held.close();
  }

  @Test
  void acquireAsync_completedByWhomever_leavesTheQueue() {
    NamedLock lock = over(memory).lock("n");
    NamedLock other = over(memory.another()).lock("n");
    Grant held = lock.tryAcquire().orElseThrow();
    List<Consumer<CompletableFuture<Grant>>> ways =
        List.of(
            future -> future.cancel(true),
            future -> future.cancel(false),
            future -> future.complete(held),
            future -> future.completeExceptionally(new IllegalStateException("enough")),
            future -> future.orTimeout(1, TimeUnit.MILLISECONDS));
    for (Consumer<CompletableFuture<Grant>> way : ways) {
      CompletableFuture<Grant> future = other.acquireAsync(LONG);
      untilWaiting(lock, 1);
      way.accept(future);
      untilWaiting(lock, 0);
      assertThat(future).isDone();
    }
    held.close();
    assertThat(other.tryAcquire()).isPresent();
  }

  @Test
  void acquireAsync_cancelledAsTheLockIsGivenBack_leavesNoGrantBehind() throws Exception {
    NamedLock lock = over(memory).lock("n");
    NamedLock other = over(memory.another()).lock("n");
    int granted = 0;
    for (int i = 0; i < 500; i++) {
      Grant held = lock.acquire(LONG);
      CompletableFuture<Grant> future = other.acquireAsync(LONG);
      untilWaiting(lock, 1);
      CountDownLatch begun = new CountDownLatch(i % 2);
      Job<Boolean> canceller =
          crew.platform(() -> {
            begun.countDown();
            return future.cancel(true);
          });
      begun.await(); // every other time: whoever begins to run first wins nearly always
      held.close();
      if (!canceller.join()) {
        granted++;
        future.join().close();
      }
      lock.acquire(LONG).close();
    }
    assertThat(lock.status().holders()).isEmpty();
    assertThat(lock.status().queue()).isEmpty();
    assertThat(granted).isLessThan(500);
  }

  /// A waiter that joins a run is not seen in the cell, but it parks; so does one that is still on
  /// its way, for the gate's mutex.
  private static void waitsInMemoryOrCell(Job<?> job) {
    Crew.until(() -> {
      Object blocker = LockSupport.getBlocker(job.thread());
      return blocker != null && !(blocker instanceof AbstractOwnableSynchronizer);
    });
  }

  private static Refusal.Kind kind(Throwable refused) {
    assertThat(refused).isInstanceOf(NotAcquiredException.class);
    return ((NotAcquiredException) refused).refusal().kind();
  }

  // ---- not waiting for ever

  @Test
  void acquire_timeIsOver_isRefusedAndLeavesTheQueueEmpty() throws Exception {
    NamedLock lock = over(still).lock("n");
    NamedLock other = over(still.another()).lock("n");
    Grant held = lock.acquire(LONG);
    Job<Grant> waiter = crew.virtual(() -> other.acquire(Duration.ofSeconds(3)));
    untilWaiting(lock, 1);
    ticker.advance(Duration.ofSeconds(2).toNanos());
    assertThat(lock.status().waiting()).isEqualTo(1);
    ticker.advance(Duration.ofSeconds(1).toNanos());
    Throwable refused = waiter.failure();
    assertThat(kind(refused)).isEqualTo(Refusal.Kind.TIMEOUT);
    assertThat(((NotAcquiredException) refused).refusal().position()).hasValue(1);
    assertThat(lock.status().queue()).isEmpty();
    assertThat(held.isValid()).isTrue();
    held.close();
    assertThat(lock.status().state()).isEqualTo(LockStatus.State.FREE);
  }

  @Test
  void acquire_oneOfARunGivesUp_theOthersKeepTheirPlaces() throws Exception {
    NamedLock lock = over(still).lock("n");
    NamedLock other = over(still.another()).lock("n");
    Grant held = lock.acquire(LONG);
    Job<Grant> shortly = crew.virtual(() -> other.acquire(Duration.ofSeconds(3)));
    untilWaiting(lock, 1);
    Job<Grant> patient = crew.virtual(() -> other.acquire(LONG));
    waitsInMemoryOrCell(patient);
    ticker.advance(Duration.ofSeconds(3).toNanos());
    assertThat(kind(shortly.failure())).isEqualTo(Refusal.Kind.TIMEOUT);
    assertThat(patient.done()).isFalse();
    held.close();
    patient.join().close();
    assertThat(lock.status().state()).isEqualTo(LockStatus.State.FREE);
  }

  @Test
  void acquire_interrupted_leavesNothingBehind() throws Exception {
    NamedLock lock = over(memory).lock("n");
    Grant held = lock.acquire(LONG);
    Job<Grant> waiter = crew.platform(() -> lock.acquire(LONG));
    untilWaiting(lock, 1);
    waiter.thread().interrupt();
    assertThat(waiter.failure()).isInstanceOf(InterruptedException.class);
    assertThat(lock.status().queue()).isEmpty();
    assertThat(held.isValid()).isTrue();
  }

  @Test
  void acquire_interruptedBefore_throwsAndAsksForNothing() {
    NamedLock lock = over(memory).lock("n");
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> lock.acquire(LONG)).isInstanceOf(InterruptedException.class);
    assertThat(lock.status().token()).isZero();
  }

  /// The interrupt and the grant come at the same moment, in either order: the waiter has the
  /// grant, or it was interrupted and the lock is free.
  @Test
  void acquire_interruptRacesWithTheGrant_losesNothing() throws Exception {
    NamedLock lock = over(memory).lock("n");
    NamedLock other = over(memory.another()).lock("n");
    for (int i = 0; i < 300; i++) {
      Grant held = lock.acquire(LONG);
      NamedLock waitsFor = i % 2 == 0 ? lock : other;
      Job<Grant> waiter = crew.platform(() -> waitsFor.acquire(LONG));
      untilWaiting(lock, 1);
      Job<Boolean> closer =
          crew.platform(() -> {
            held.close();
            return true;
          });
      waiter.thread().interrupt();
      closer.join();
      try {
        waiter.join().close();
      } catch (ExecutionException interrupted) {
        assertThat(interrupted).hasCauseInstanceOf(InterruptedException.class);
      }
      Crew.until(() -> lock.status().state() == LockStatus.State.FREE);
      assertThat(lock.status().queue()).isEmpty();
    }
  }

  @Test
  void acquire_zeroOrNegative_doesNotWait() throws Exception {
    NamedLock lock = over(memory).lock("n");
    NamedLock other = over(memory.another()).lock("n");
    lock.acquire(Duration.ZERO).close();
    Grant held = lock.acquire(Duration.ofSeconds(-1));
    for (Duration none : List.of(Duration.ZERO, Duration.ofNanos(-1), Duration.ofDays(-99))) {
      assertThatThrownBy(() -> other.acquire(none))
          .asInstanceOf(type(NotAcquiredException.class))
          .satisfies(refused -> assertThat(refused.refusal().kind()).isEqualTo(Refusal.Kind.HELD));
    }
    assertThat(lock.status().queue()).isEmpty();
    held.close();
  }

  @Test
  void acquire_longerThanTimeItself_waits() throws Exception {
    NamedLock lock = over(memory).lock("n");
    NamedLock other = over(memory.another()).lock("n");
    for (Duration huge :
        List.of(Duration.ofSeconds(Long.MAX_VALUE), Duration.ofNanos(Long.MAX_VALUE))) {
      Grant held = lock.acquire(huge);
      Job<Grant> waiter = crew.virtual(() -> other.acquire(huge));
      untilWaiting(lock, 1);
      held.close();
      waiter.join().close();
    }
  }

  // ---- whose it is

  @Test
  void acquire_ownLock_isADeadlockAtOnce() throws Exception {
    NamedLock lock = over(memory).lock("n");
    try (Grant held = lock.acquire(LONG)) {
      assertThatThrownBy(() -> lock.acquire(LONG)).isInstanceOf(DeadlockException.class);
      assertThat(held.isValid()).isTrue();
      assertThat(lock.status().queue()).isEmpty();
    }
    lock.acquire(LONG).close();
  }

  @Test
  void acquire_ownGrantWasLost_isNoDeadlock() throws Exception {
    NamedLock lock = over(memory).lock("n");
    NamedLock other = over(memory.another()).lock("n");
    Job<Boolean> job =
        crew.virtual(() -> {
          Grant lost = lock.acquire(LONG);
          command(memory, "n", new Command.Revoke(lost.token(), "", ""));
          Grant theirs = other.acquire(LONG);
          Job<Boolean> later =
              crew.virtual(() -> {
                untilWaiting(other, 1);
                theirs.close();
                return true;
              });
          lock.acquire(LONG).close();
          later.join();
          lost.close();
          return true;
        });
    job.join();
  }

  @Test
  void reenter_closedInAnyOrder_lastCloseFrees() throws Exception {
    NamedLock lock = over(memory).lock("n");
    Grant first = lock.acquire(LONG);
    Grant second = first.reenter();
    assertThat(second.token()).isEqualTo(first.token());
    first.close();
    first.close();
    assertThat(first.isValid()).isFalse();
    assertThat(second.isValid()).isTrue();
    assertThat(lock.tryAcquire()).isEmpty();
    assertThatThrownBy(first::reenter).isInstanceOf(LockLostException.class);
    second.close();
    assertThat(lock.status().state()).isEqualTo(LockStatus.State.FREE);
  }

  @Test
  void close_twice_freesOnlyItsOwn() throws Exception {
    NamedLock lock = over(memory).lock("n").read();
    Grant one = lock.acquire(LONG);
    Grant two = lock.acquire(LONG);
    one.close();
    one.close();
    assertThat(two.isValid()).isTrue();
    assertThat(lock.status().holders().getFirst().grants()).isEqualTo(1);
    two.close();
  }

  @Test
  void acquire_tokens_onlyRise() throws Exception {
    NamedLock one = over(memory).lock("n");
    NamedLock other = over(memory.another()).lock("n");
    long last = 0;
    for (int i = 0; i < 200; i++) {
      NamedLock lock = i % 3 == 0 ? one : i % 3 == 1 ? other : other.read();
      try (Grant grant = lock.acquire(LONG)) {
        assertThat(grant.token()).isGreaterThan(last);
        last = grant.token();
      }
    }
  }

  // ---- several at once

  /// While the clock stands still nobody looks again by himself.
  @Test
  void acquire_contendedByTwoHandles_clockStandsStill_noWakeIsLost() throws Exception {
    List<Truce> handles = List.of(over(still), over(still.another()));
    AtomicInteger count = new AtomicInteger();
    List<Job<Boolean>> jobs = new ArrayList<>();
    for (int thread = 0; thread < 8; thread++) {
      NamedLock lock = handles.get(thread % 2).lock("n");
      jobs.add(
          crew.platform(() -> {
            for (int round = 0; round < 200; round++) {
              try (Grant _ = lock.acquire(LONG)) {
                count.incrementAndGet();
              }
            }
            return true;
          }));
    }
    for (Job<Boolean> job : jobs) {
      job.join();
    }
    assertThat(count.get()).isEqualTo(1_600);
  }

  @Test
  void set_oneCannotBeHad_allAreGivenBack() throws Exception {
    Truce truce = over(memory);
    Truce other = over(memory.another());
    Grant held = other.lock("b").acquire(LONG);
    LockSet set = truce.locks(truce.lock("c"), truce.lock("b"), truce.lock("a"));
    assertThatThrownBy(() -> set.acquire(Duration.ofNanos(1)))
        .isInstanceOf(NotAcquiredException.class);
    for (String name : List.of("a", "c")) {
      assertThat(other.lock(name).status().state()).isEqualTo(LockStatus.State.FREE);
    }
    assertThat(other.lock("b").status().queue()).isEmpty();
    held.close();
    try (LockSet.Held all = set.acquire(LONG)) {
      assertThat(all.isValid()).isTrue();
      assertThat(all.grants()).extracting(Grant::lock).containsExactly("a", "b", "c");
    }
  }

  @Test
  void set_takenInOppositeOrders_neverDeadlocks() throws Exception {
    Truce one = over(memory);
    Truce other = over(memory.another());
    LockSet forth = one.locks(one.lock("a"), one.lock("b"), one.lock("c").read());
    LockSet back = other.locks(other.lock("c"), other.lock("b"), other.lock("a"));
    List<Job<Boolean>> jobs = new ArrayList<>();
    for (LockSet set : List.of(forth, back, forth, back)) {
      jobs.add(
          crew.virtual(() -> {
            for (int i = 0; i < 300; i++) {
              try (LockSet.Held _ = set.acquire(LONG)) {
                counted++;
              }
            }
            return true;
          }));
    }
    for (Job<Boolean> job : jobs) {
      job.join();
    }
    assertThat(counted).isEqualTo(1200);
  }

  // ---- ends

  @Test
  void close_truce_freesItsLocksAndRefusesItsWaiters() throws Exception {
    Truce truce = over(memory);
    Truce other = over(memory.another());
    Grant mine = truce.lock("mine").acquire(LONG);
    Grant theirs = other.lock("theirs").acquire(LONG);
    AtomicReference<Loss> loss = new AtomicReference<>();
    mine.onLost(loss::set);
    Job<Grant> waiter = crew.virtual(() -> truce.lock("theirs").acquire(LONG));
    untilWaiting(other.lock("theirs"), 1);
    Job<Grant> next = crew.virtual(() -> other.lock("mine").acquire(LONG));
    untilWaiting(other.lock("mine"), 1);
    truce.close();
    assertThat(waiter.failure())
        .asInstanceOf(type(EngineException.class))
        .satisfies(gone -> assertThat(gone.kind()).isEqualTo(EngineException.Kind.CLOSED));
    next.join().close();
    assertThat(mine.isValid()).isFalse();
    assertThat(loss.get()).isNotNull();
    mine.close();
    assertThat(theirs.isValid()).isTrue();
    assertThat(other.lock("theirs").status().queue()).isEmpty();
    assertThatThrownBy(() -> truce.lock("x").acquire(LONG)).isInstanceOf(EngineException.class);
    assertThatThrownBy(() -> truce.lock("x").tryAcquire()).isInstanceOf(EngineException.class);
  }

  @Test
  void acquire_holderDied_isGranted() throws Exception {
    MemoryEngine dying = memory.another();
    Truce gone = over(dying);
    NamedLock lock = over(memory).lock("n");
    Grant lost = gone.lock("n").acquire(LONG);
    Job<Grant> waiter = crew.virtual(() -> lock.acquire(LONG));
    untilWaiting(lock, 1);
    dying.close();
    Grant grant = waiter.join();
    assertThat(lost.isValid()).isFalse();
    assertThat(grant.token()).isGreaterThan(lost.token());
    lost.close();
    assertThat(grant.isValid()).isTrue();
    grant.close();
  }

  @Test
  void tryAcquire_holderDied_isGranted() throws Exception {
    MemoryEngine dying = memory.another();
    Grant _ = over(dying).lock("n").acquire(LONG);
    dying.close();
    assertThat(over(memory).lock("n").tryAcquire()).isPresent();
  }

  @Test
  void acquire_waiterBeforeDied_isGrantedInTurn() throws Exception {
    MemoryEngine dying = memory.another();
    NamedLock lock = over(memory).lock("n");
    NamedLock other = over(memory.another()).lock("n");
    NamedLock gone = over(dying).lock("n");
    Grant held = lock.acquire(LONG);
    Job<Grant> dead = crew.virtual(() -> gone.acquire(LONG));
    untilWaiting(lock, 1);
    Job<Grant> waiter = crew.virtual(() -> other.acquire(LONG));
    untilWaiting(lock, 2);
    dying.close();
    held.close();
    waiter.join().close();
    assertThat(dead.failure()).isInstanceOf(EngineException.class);
  }

  @Test
  void isValid_endedByForce_isFalseAndListenersHear() throws Exception {
    NamedLock lock = over(still).lock("n");
    Grant grant = lock.acquire(LONG);
    CountDownLatch heard = new CountDownLatch(1);
    grant.onLost(loss -> {
      assertThat(loss.token()).isEqualTo(grant.token());
      heard.countDown();
    });
    command(still, "n", new Command.Revoke(grant.token(), "", ""));
    Crew.until(() -> {
      ticker.advance(100_000_000);
      return heard.getCount() == 0;
    });
    assertThat(grant.isValid()).isFalse();
    AtomicInteger again = new AtomicInteger();
    grant.onLost(loss -> again.incrementAndGet());
    assertThat(again).hasValue(1);
    grant.close();
    assertThat(lock.tryAcquire()).isPresent();
  }

  @Test
  void call_grantLostMeanwhile_throws() {
    NamedLock lock = over(memory).lock("n");
    assertThatThrownBy(() ->
            lock.run(
                LONG, grant -> command(memory, "n", new Command.Revoke(grant.token(), "", ""))))
        .isInstanceOf(LockLostException.class);
    assertThat(lock.tryAcquire()).isPresent();
  }

  /// What somebody else would do to the lock.
  private static void command(MemoryEngine engine, String name, Command command) {
    while (true) {
      Cell cell = engine.cells().read(Locks.key(name));
      Outcome outcome =
          LockMachine.step(
              LockState.decode(cell.bytes()),
              new Caller(1L << 40, 1, Map.of()),
              command,
              engine.ticker().nanos(),
              Tokens.NONE,
              LockMachine.Rules.USUAL);
      if (engine.cells().swap(Locks.key(name), cell, outcome.state().encode())
          instanceof Swap.Won) {
        return;
      }
    }
  }

  // ---- limits and names

  @Test
  void acquire_queueIsFull_isRefusedAtOnce() throws Exception {
    NamedLock lock = over(memory).lock("n");
    Truce second = Truce.builder().engine(memory.another()).maxWaiters(1).open();
    Truce third = Truce.builder().engine(memory.another()).maxWaiters(1).open();
    open.addAll(List.of(second, third));
    Grant held = lock.acquire(LONG);
    Job<Grant> waiter = crew.virtual(() -> second.lock("n").acquire(LONG));
    untilWaiting(lock, 1);
    assertThat(kind(crew.virtual(() -> third.lock("n").acquire(LONG)).failure()))
        .isEqualTo(Refusal.Kind.QUEUE_FULL);
    assertThat(lock.status().waiting()).isEqualTo(1);
    held.close();
    waiter.join().close();
  }

  @Test
  void lock_namesThatLookAlike_areDifferentLocks() throws Exception {
    Truce truce = over(memory);
    List<String> names =
        List.of("a:b", "a_b", "a/b", "a\nb", "a\0b", "A:B", "\u00e9", "e\u0301", " ", "..");
    List<Grant> grants = new ArrayList<>();
    for (String name : names) {
      grants.add(truce.lock(name).tryAcquire().orElseThrow());
    }
    assertThat(truce.status())
        .extracting(LockStatus::lock)
        .containsExactlyInAnyOrderElementsOf(names);
    grants.forEach(Grant::close);
  }

  @Test
  void lock_nameTooLongOrEmptyOrBroken_isRefused() throws Exception {
    Truce truce = over(memory);
    truce.lock("x".repeat(255)).acquire(LONG).close();
    truce.lock("\u20ac".repeat(85)).acquire(LONG).close();
    assertThatIllegalArgumentException().isThrownBy(() -> truce.lock(""));
    assertThatIllegalArgumentException().isThrownBy(() -> truce.lock("x".repeat(256)));
    assertThatIllegalArgumentException().isThrownBy(() -> truce.lock("\u20ac".repeat(86)));
    assertThatIllegalArgumentException().isThrownBy(() -> truce.lock("\ud800"));
    assertThatIllegalArgumentException().isThrownBy(() -> truce.lock("a\udc00b"));
  }

  @Test
  void acquire_aMillionNamesOnce_areForgotten() throws Exception {
    Truce truce = over(memory);
    int names = FULL ? 1_000_000 : 50_000;
    for (int i = 0; i < names; i++) {
      truce.lock("name " + i).acquire(LONG).close();
    }
    assertThat(memory.cells().keys("lock/")).hasSizeLessThan(2_500);
  }

  @Test
  void tryAcquire_manyNamesOfAnother_areForgotten() throws Exception {
    Truce truce = over(memory);
    Truce other = over(memory.another());
    int names = 10_000;
    for (int i = 0; i < names; i++) {
      Grant grant = other.lock("name " + i).acquire(LONG);
      assertThat(truce.lock("name " + i).tryAcquire()).isEmpty();
      grant.close();
    }
    assertThat(memory.cells().keys("lock/")).hasSizeLessThan(2_500);
  }
}
