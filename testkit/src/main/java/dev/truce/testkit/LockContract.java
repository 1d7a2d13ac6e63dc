package dev.truce.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.truce.EngineException;
import dev.truce.Fence;
import dev.truce.FencedException;
import dev.truce.Owner;
import dev.truce.Truce;
import dev.truce.event.LockEvent;
import dev.truce.lock.DeadlockException;
import dev.truce.lock.DeadlockPolicy;
import dev.truce.lock.Grant;
import dev.truce.lock.History;
import dev.truce.lock.Lease;
import dev.truce.lock.LockLostException;
import dev.truce.lock.LockSet;
import dev.truce.lock.LockStatus;
import dev.truce.lock.LockWait;
import dev.truce.lock.Locks;
import dev.truce.lock.Loss;
import dev.truce.lock.NamedLock;
import dev.truce.lock.NamedLock.Mode;
import dev.truce.lock.NotAcquiredException;
import dev.truce.lock.Permits;
import dev.truce.lock.Refusal;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import dev.truce.testkit.Referee.Hold;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What locks promise, over whatever engine. Each handle stands for a process; a waiter's place in
/// the queue is established before the next one comes, so that orders are facts and not luck.
public abstract class LockContract extends EngineContract {
  /// Longer than any test: a wait with it ends by being served.
  private static final Duration LONG = Duration.ofHours(1);

  private static final Duration NOT_AT_ALL = Duration.ZERO;

  private final Map<Truce, Engine> handles = new HashMap<>();
  private final List<Asker> askers = new ArrayList<>();

  /// For a subclass, which names the engine.
  protected LockContract() {}

  /// How often each thread of the stress tests enters; fewer where every operation is slow.
  protected int rounds() {
    return 1_000;
  }

  /// How many names are used once in the test that they are forgotten.
  protected int names() {
    return 20_000;
  }

  /// What the engine may keep of names that were used once.
  protected int keptNames() {
    return 5_000;
  }

  @AfterEach
  void closeHandles() throws Exception {
    for (Asker asker : askers) {
      asker.thread.interrupt();
    }
    handles.keySet().forEach(Truce::close);
  }

  private Truce open() {
    Engine engine = place().open();
    Truce truce = Truce.over(engine);
    handles.put(truce, engine);
    return truce;
  }

  private void kill(Truce truce) {
    place().kill(Objects.requireNonNull(handles.remove(truce)));
  }

  private Duration term() {
    return place().term();
  }

  private Duration longStep() {
    Duration part = term().dividedBy(20);
    return part.compareTo(STEP) > 0 ? part : STEP;
  }

  private boolean proofOfDeath() {
    return engine().capabilities().proofOfDeath();
  }

  /// A thread that waits for a lock.
  private final class Asker {
    private final FutureTask<Grant> asking;
    private final Thread thread;

    Asker(NamedLock lock, Duration wait) {
      this(() -> lock.acquire(wait));
    }

    Asker(Callable<Grant> asked) {
      asking = new FutureTask<>(asked);
      thread = Thread.ofPlatform().daemon().name("asker").start(asking);
      askers.add(this);
    }

    /// Its grant; time passes until it has come.
    Grant grant() throws Exception {
      passUntilOver(thread, STEP);
      return get(asking);
    }

    /// The same where it waits for the end of somebody who died: in steps as long as the living can
    /// show life between them.
    Grant grantOfTheDead() throws Exception {
      passUntilOver(thread, longStep());
      return get(asking);
    }

    boolean answered() {
      return asking.isDone();
    }

    NotAcquiredException refusal() throws Exception {
      passUntilOver(thread, STEP);
      return assertThrows(NotAcquiredException.class, () -> get(asking));
    }
  }

  /// Asks, and waits until everybody can see it in the queue.
  private Asker queued(Truce truce, NamedLock lock, Duration wait) throws Exception {
    int before = truce.lock(lock.name()).status().waiting();
    Asker asker = new Asker(lock, wait);
    until(
        () -> truce.lock(lock.name()).status().waiting() == before + 1,
        () -> "a waiter for " + lock + " is seen: " + truce.lock(lock.name()).status());
    return asker;
  }

  private void until(BooleanSupplier condition, Supplier<String> what) {
    long deadline = System.nanoTime() + TestClock.LIVENESS.toNanos();
    while (!condition.getAsBoolean()) {
      assertTrue(
          System.nanoTime() < deadline, () -> "not within the liveness bound: " + what.get());
      Thread.onSpinWait();
    }
  }

  private static Grant now(NamedLock lock) {
    return lock.tryAcquire().orElseThrow(() -> new AssertionError(lock + " is not free"));
  }

  private static void assertHeld(NamedLock lock) {
    assertEquals(Optional.empty(), lock.tryAcquire(), () -> lock + " was had twice");
  }

  private static void assertFree(NamedLock lock) {
    now(lock).close();
  }

  // ---- excluding and sharing

  @Test
  void acquire_free_isGrantedAsAsked() throws Exception {
    try (Grant grant = open().lock("index").acquire(LONG)) {
      assertEquals("index", grant.lock());
      assertEquals(Mode.WRITE, grant.mode());
      assertTrue(grant.token() > 0 && grant.token() <= Fence.MAX_TOKEN);
      assertEquals(Fence.of("index", grant.token()), grant.fence());
      assertTrue(grant.isValid());
      assertEquals(0, grant.arrival());
    }
  }

  @Test
  void write_heldForWriting_excludesReadersAndWritersOfBothProcesses() {
    Truce mine = open();
    Truce theirs = open();
    try (Grant _ = now(mine.lock("index"))) {
      for (Truce truce : List.of(mine, theirs)) {
        assertHeld(truce.lock("index"));
        assertHeld(truce.lock("index").read());
      }
    }
    assertFree(theirs.lock("index"));
    assertFree(mine.lock("index").read());
  }

  @Test
  void read_heldForReading_letsReadersInAndNoWriter() {
    Truce mine = open();
    Truce theirs = open();
    List<Grant> readers = new ArrayList<>();
    for (int reader = 0; reader < 25; reader++) {
      readers.add(now(mine.lock("index").read()));
      readers.add(now(theirs.lock("index").read()));
    }
    assertTrue(readers.stream().allMatch(Grant::isValid));
    assertHeld(mine.lock("index"));
    readers.subList(1, 50).forEach(Grant::close);
    assertHeld(theirs.lock("index"));
    readers.getFirst().close();
    assertFree(theirs.lock("index"));
  }

  @Test
  void acquire_otherName_isFree() {
    Truce truce = open();
    try (Grant _ = now(truce.lock("index"))) {
      assertFree(open().lock("index2"));
    }
  }

  // ---- order

  @Test
  void acquire_twelveWaiters_areServedInTheOrderOfTheirArrival() throws Exception {
    Truce first = open();
    Grant held = now(first.lock("index"));
    List<Asker> waiters = new ArrayList<>();
    for (int waiter = 0; waiter < 12; waiter++) {
      waiters.add(queued(first, open().lock("index"), LONG));
    }
    long lastArrival = 0;
    long lastToken = held.token();
    for (Asker waiter : waiters) {
      held.close();
      held = waiter.grant();
      int served = (int) waiters.stream().filter(Asker::answered).count();
      assertEquals(waiters.indexOf(waiter) + 1, served, "exactly those before it were served");
      assertTrue(
          held.arrival() > lastArrival, "arrived as " + held.arrival() + " after " + lastArrival);
      assertTrue(held.token() > lastToken, "tokens rise");
      lastArrival = held.arrival();
      lastToken = held.token();
    }
    held.close();
  }

  @Test
  void acquire_readerAfterAWaitingWriter_waitsBehindIt() throws Exception {
    Truce first = open();
    Grant reading = now(first.lock("index").read());
    Asker writer = queued(first, open().lock("index"), LONG);
    Asker reader = queued(first, open().lock("index").read(), LONG);
    assertFalse(reader.answered(), "a reader overtook a waiting writer");

    reading.close();

    try (Grant writing = writer.grant()) {
      assertTrue(writing.isValid());
      assertFalse(reader.answered(), "a reader is beside a writer");
    }
    reader.grant().close();
  }

  @Test
  void acquire_readersNextToEachOther_areLetInTogether() throws Exception {
    Truce first = open();
    Grant writing = now(first.lock("index"));
    Asker one = queued(first, open().lock("index").read(), LONG);
    Asker two = queued(first, open().lock("index").read(), LONG);
    Asker writer = queued(first, open().lock("index"), LONG);
    Asker late = queued(first, open().lock("index").read(), LONG);

    writing.close();
    Grant oneReads = one.grant();
    Grant twoReads = two.grant();

    assertTrue(oneReads.isValid() && twoReads.isValid());
    assertNotEquals(oneReads.token(), twoReads.token(), "every grant has a token of its own");
    assertFalse(writer.answered() || late.answered());
    oneReads.close();
    twoReads.close();
    Grant writes = writer.grant();
    assertFalse(late.answered());
    writes.close();
    late.grant().close();
  }

  @Test
  void tryAcquire_somebodyWaits_neverBarges() throws Exception {
    Truce first = open();
    Grant reading = now(first.lock("index").read());
    Asker writer = queued(first, open().lock("index"), LONG);

    assertHeld(first.lock("index").read());
    assertHeld(open().lock("index").read());
    assertThrows(NotAcquiredException.class, () -> open().lock("index").read().acquire(NOT_AT_ALL));

    reading.close();
    writer.grant().close();
    assertFree(first.lock("index").read());
  }

  @Test
  void acquire_writersLoop_aReaderGetsIn() throws Exception {
    Truce reading = open();
    List<Thread> writers = new ArrayList<>();
    for (int writer = 0; writer < 3; writer++) {
      Truce truce = open();
      writers.add(
          Thread.ofPlatform()
              .daemon()
              .start(() -> {
                try {
                  while (!Thread.currentThread().isInterrupted()) {
                    truce.lock("index").acquire(LONG).close();
                  }
                } catch (InterruptedException e) {
                  // The test is over.
                }
              }));
    }

    new Asker(reading.lock("index").read(), LONG).grant().close();

    writers.forEach(Thread::interrupt);
    for (Thread writer : writers) {
      passUntilOver(writer, STEP);
    }
    assertFree(reading.lock("index"));
  }

  // ---- changing the mode

  /// A thread that makes this reader's grant a writer's.
  private Asker upgrading(Truce truce, Grant reader, Duration wait) {
    Asker asker =
        new Asker(() -> {
          reader.upgrade(wait);
          return reader;
        });
    until(
        () ->
            asker.answered()
                || Thread.State.WAITING == asker.thread.getState()
                || Thread.State.TIMED_WAITING == asker.thread.getState(),
        () -> "it waits for the other readers: " + truce.lock(reader.lock()).status());
    return asker;
  }

  @Test
  void upgrade_onlyReader_writesWithANewToken() throws Exception {
    Truce first = open();
    try (Grant grant = now(first.lock("index").read())) {
      long read = grant.token();
      grant.upgrade(NOT_AT_ALL);

      assertEquals(Mode.WRITE, grant.mode());
      assertTrue(grant.token() > read, "a writer's token rises above the reader's");
      assertTrue(grant.isValid());
      assertHeld(open().lock("index").read());
      grant.upgrade(NOT_AT_ALL);
      assertTrue(first.lock("index").status().isCurrent(grant.token()));
    }
    assertFree(open().lock("index"));
  }

  @Test
  void upgrade_otherReadersLeave_goesBeforeTheQueue_andNobodyWritesBetween() throws Exception {
    Truce first = open();
    Grant reader = now(first.lock("index").read());
    Grant near = now(first.lock("index").read());
    Grant far = now(open().lock("index").read());
    Asker writer = queued(first, open().lock("index"), LONG);
    Asker upgrade = upgrading(first, reader, LONG);
    assertHeld(open().lock("index").read());

    near.close();
    assertFalse(upgrade.answered(), "it writes beside a reader of another process");
    assertTrue(reader.isValid(), "it reads on while it waits");
    far.close();
    Grant writes = upgrade.grant();

    assertEquals(Mode.WRITE, writes.mode());
    assertTrue(writes.isValid());
    assertFalse(writer.answered());
    writes.close();
    writer.grant().close();
    assertFree(first.lock("index"));
  }

  @Test
  void upgrade_nearReaderLeavesLast_isServed() throws Exception {
    Truce first = open();
    Grant reader = now(first.lock("index").read());
    Grant near = now(first.lock("index").read());
    Asker upgrade = upgrading(first, reader, LONG);

    near.close();

    upgrade.grant().close();
    assertFree(first.lock("index"));
  }

  @Test
  void upgrade_secondOne_isRefusedAtOnce_andTheFirstIsServedWhenItLeaves() throws Exception {
    Truce first = open();
    Truce second = open();
    Grant one = now(first.lock("index").read());
    Grant near = now(first.lock("index").read());
    Grant far = now(second.lock("index").read());
    Asker upgrade = upgrading(first, one, LONG);
    until(
        () -> open().lock("index").read().tryAcquire().map(LockContract::closed).isEmpty(),
        () -> "no reader is admitted any more");

    for (Grant late : List.of(near, far)) {
      assertThrows(DeadlockException.class, () -> late.upgrade(LONG));
      assertEquals(Mode.READ, late.mode());
      assertTrue(late.isValid(), "a refused upgrade took the reader's grant");
    }
    far.close();
    near.close();

    upgrade.grant().close();
    assertFree(second.lock("index"));
  }

  private static Grant closed(Grant grant) {
    grant.close();
    return grant;
  }

  @Test
  void upgrade_timeIsOver_readsOn_andNewReadersComeInAgain() throws Exception {
    Truce first = open();
    Grant reader = now(first.lock("index").read());
    Grant other = now(open().lock("index").read());
    Asker upgrade = upgrading(first, reader, Duration.ofSeconds(1));

    Refusal refusal = upgrade.refusal().refusal();

    assertEquals(Refusal.Kind.TIMEOUT, refusal.kind());
    assertEquals(other.token(), refusal.holder().orElseThrow().token());
    assertEquals(Mode.READ, reader.mode());
    assertTrue(reader.isValid() && other.isValid());
    now(open().lock("index").read()).close();
    assertThrows(NotAcquiredException.class, () -> reader.upgrade(NOT_AT_ALL));
    now(open().lock("index").read()).close();
    other.close();
    reader.upgrade(NOT_AT_ALL);
    assertEquals(Mode.WRITE, reader.mode());
    reader.close();
    assertFree(first.lock("index"));
  }

  @Test
  void upgrade_interrupted_readsOn() throws Exception {
    Truce first = open();
    Grant reader = now(first.lock("index").read());
    Grant other = now(open().lock("index").read());
    Asker upgrade = upgrading(first, reader, LONG);

    upgrade.thread.interrupt();
    passUntilOver(upgrade.thread, STEP);

    assertThrows(InterruptedException.class, () -> get(upgrade.asking));
    assertEquals(Mode.READ, reader.mode());
    assertTrue(reader.isValid() && other.isValid());
    now(open().lock("index").read()).close();
    reader.close();
    other.close();
    assertFree(first.lock("index"));
  }

  @Test
  void upgrade_otherReadersDie_isServed() throws Exception {
    Truce first = open();
    Truce dying = open();
    Grant reader = now(first.lock("index").read());
    Grant _ = now(dying.lock("index").read());
    Asker upgrade = upgrading(first, reader, LONG);

    kill(dying);

    upgrade.grantOfTheDead().close();
    assertFree(first.lock("index"));
  }

  @Test
  void upgrade_upgraderDies_theOthersGoOn() throws Exception {
    Truce first = open();
    Truce dying = open();
    Grant reader = now(first.lock("index").read());
    Grant lost = now(dying.lock("index").read());
    Asker _ = upgrading(dying, lost, LONG);

    kill(dying);

    new Asker(open().lock("index").read(), LONG).grantOfTheDead().close();
    new Asker(
            () -> {
              reader.upgrade(LONG);
              return reader;
            })
        .grant()
        .close();
    assertFree(first.lock("index"));
  }

  @Test
  void upgrade_onceMoreAfterATimeout_ofAReaderThatSharedItsPlace_isServed() throws Exception {
    Truce first = open();
    Grant near = now(first.lock("index").read());
    Grant reader = now(first.lock("index").read());
    for (Grant grant : List.of(reader, near)) {
      assertThrows(NotAcquiredException.class, () -> grant.upgrade(NOT_AT_ALL));
    }
    near.close();
    reader.upgrade(NOT_AT_ALL);
    assertEquals(Mode.WRITE, reader.mode());
    assertTrue(reader.isValid());
    reader.close();
    assertFree(first.lock("index"));
  }

  /// Elsewhere a thread that does this hangs.
  @Test
  void upgrade_threadReadsTwice_isADeadlockAtOnce() throws Exception {
    Truce first = open();
    try (Grant one = now(first.lock("index").read());
        Grant two = now(first.lock("index").read())) {
      assertThrows(DeadlockException.class, () -> one.upgrade(LONG));
      assertTrue(one.isValid() && two.isValid());
      assertEquals(Mode.READ, one.mode());
      now(open().lock("index").read()).close();
    }
    assertFree(first.lock("index"));
  }

  @Test
  void upgrade_closedWhileItWaits_leavesNothingBehind() throws Exception {
    Truce first = open();
    Grant reader = now(first.lock("index").read());
    Grant other = now(open().lock("index").read());
    Asker upgrade = upgrading(first, reader, LONG);

    reader.close();
    passUntilOver(upgrade.thread, STEP);

    assertThrows(LockLostException.class, () -> get(upgrade.asking));
    now(open().lock("index").read()).close();
    other.close();
    assertFree(first.lock("index"));
    assertThrows(LockLostException.class, () -> reader.upgrade(LONG));
    assertThrows(LockLostException.class, reader::downgrade);
  }

  @Test
  void downgrade_writer_readsOnWithItsToken_andReadersComeIn() throws Exception {
    Truce first = open();
    Grant grant = now(first.lock("index"));
    Asker reader = queued(first, open().lock("index").read(), LONG);
    Asker writer = queued(first, open().lock("index"), LONG);
    long token = grant.token();

    grant.downgrade();
    Grant beside = reader.grant();

    assertEquals(Mode.READ, grant.mode());
    assertEquals(token, grant.token());
    assertTrue(grant.isValid() && beside.isValid());
    grant.downgrade();
    assertFalse(writer.answered(), "a writer is beside readers");
    beside.close();
    grant.close();
    writer.grant().close();
    assertFree(first.lock("index"));
  }

  @Test
  void upgradeAndDowngrade_secondGrantsOfIt_changeWithIt() throws Exception {
    Truce first = open();
    Grant one = now(first.lock("index").read());
    Grant two = one.reenter();
    one.upgrade(LONG);
    assertEquals(Mode.WRITE, two.mode());
    assertEquals(one.token(), two.token());
    one.close();
    assertHeld(open().lock("index").read());
    two.downgrade();
    now(open().lock("index").read()).close();
    two.close();
    assertFree(first.lock("index"));
  }

  @Test
  void handOver_theThreadThatAcquiredIt_mayWaitForItAgain() throws Exception {
    Truce first = open();
    Grant grant = now(first.lock("index"));
    assertThrows(DeadlockException.class, () -> first.lock("index").acquire(LONG));

    grant.handOver();
    Asker other =
        new Asker(() -> {
          until(() -> first.lock("index").status().waiting() == 1, () -> "it waits");
          grant.close();
          return first.lock("index").acquire(LONG);
        });
    try (Grant again = first.lock("index").acquire(LONG)) {
      assertTrue(again.token() > grant.token());
    }
    other.grant().close();
    assertFree(first.lock("index"));
  }

  // ---- rings

  /// Somebody who takes one lock after the other, each when told to.
  private final class Taker {
    private final Truce truce;
    private final List<Grant> grants = new ArrayList<>();
    private final ArrayBlockingQueue<Callable<Grant>> orders = new ArrayBlockingQueue<>(4);
    private final ArrayBlockingQueue<FutureTask<Grant>> begun = new ArrayBlockingQueue<>(4);
    private final Thread thread;

    Taker(Truce truce) {
      this.truce = truce;
      thread =
          Thread.ofPlatform()
              .daemon()
              .name("taker")
              .start(() -> {
                try {
                  while (true) {
                    FutureTask<Grant> next = new FutureTask<>(orders.take());
                    begun.add(next);
                    next.run();
                  }
                } catch (InterruptedException over) {
                  // The test is over.
                }
              });
    }

    private FutureTask<Grant> take(NamedLock lock) throws InterruptedException {
      orders.add(() -> lock.acquire(LONG));
      return Objects.requireNonNull(begun.poll(10, TimeUnit.SECONDS));
    }

    /// Has what nobody keeps from it.
    Taker has(NamedLock lock) throws Exception {
      FutureTask<Grant> taking = take(lock);
      grants.add(await(taking));
      return this;
    }

    /// Waits, and is seen in the queue and by those who look for rings.
    FutureTask<Grant> waitsFor(NamedLock lock) throws Exception {
      FutureTask<Grant> taking = waitsUnseen(lock);
      until(
          () ->
              taking.isDone() || grants.isEmpty() || truce.waits().stream().anyMatch(this::isMine),
          () -> "it tells of its wait for " + lock + ": " + truce.waits());
      return taking;
    }

    private boolean isMine(LockWait wait) {
      return wait.holds().stream()
          .anyMatch(held -> grants.stream().anyMatch(grant -> held.equals(grant.fence())));
    }

    /// Waits, and is seen in the queue.
    FutureTask<Grant> waitsUnseen(NamedLock lock) throws Exception {
      int before = truce.lock(lock.name()).status().waiting();
      FutureTask<Grant> taking = take(lock);
      until(
          () -> taking.isDone() || truce.lock(lock.name()).status().waiting() > before,
          () -> "a waiter for " + lock + ": " + truce.lock(lock.name()).status());
      return taking;
    }

    void givesAllBack() {
      grants.forEach(Grant::close);
      grants.clear();
    }
  }

  /// What becomes of it, while time passes.
  private <T> T await(FutureTask<T> task) throws Exception {
    passUntil(task::isDone, () -> "something becomes of it");
    return get(task);
  }

  private Refusal gaveWay(FutureTask<Grant> wait) throws Exception {
    return assertThrows(DeadlockException.class, () -> await(wait)).refusal();
  }

  @Test
  void acquire_twoWaitForEachOther_theYoungerGivesWay_andNamesTheRing() throws Exception {
    Truce first = open();
    Truce second = open();
    for (boolean together : List.of(false, true)) {
      Taker one = new Taker(first).has(first.lock("a"));
      Truce other = together ? first : second;
      Taker two = new Taker(other).has(other.lock("b"));
      FutureTask<Grant> patient = one.waitsFor(first.lock("b"));
      FutureTask<Grant> late = two.waitsFor(other.lock("a"));

      Refusal refusal = gaveWay(late);

      assertEquals(Refusal.Kind.DEADLOCK, refusal.kind());
      assertEquals(
          List.of("b waits for a", "a waits for b"),
          refusal.cycle().stream()
              .map(link -> link.holds() + " waits for " + link.waitsFor())
              .toList());
      assertFalse(patient.isDone(), "both gave way");
      two.givesAllBack();
      await(patient).close();
      one.givesAllBack();
      assertFree(second.lock("a"));
      assertFree(second.lock("b"));
    }
  }

  @Test
  void acquire_fiveWaitInARing_theLastPriorityGivesWay_andNobodyElse() throws Exception {
    List<Taker> takers = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      Truce truce = open();
      takers.add(new Taker(truce).has(truce.lock("l" + i)));
    }
    List<FutureTask<Grant>> waits = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      Truce truce = takers.get(i).truce;
      waits.add(takers.get(i).waitsFor(truce.lock("l" + (i + 1) % 5).withPriority(i == 2 ? 1 : 0)));
    }

    Refusal refusal = gaveWay(waits.get(2));

    assertEquals(
        List.of("l3", "l4", "l0", "l1", "l2"),
        refusal.cycle().stream().map(Refusal.Link::waitsFor).toList());
    takers.get(2).givesAllBack();
    for (int i : new int[] {1, 0, 4, 3}) {
      await(waits.get(i)).close();
      takers.get(i).givesAllBack();
    }
    for (int i = 0; i < 5; i++) {
      assertFree(takers.getFirst().truce.lock("l" + i));
    }
  }

  /// The one that reads b waits behind a writer that only waits for a reader.
  @Test
  void acquire_ringThroughTheQueue_isFound() throws Exception {
    Truce first = open();
    Truce second = open();
    Taker reader = new Taker(first).has(first.lock("b").read());
    Taker late = new Taker(second).has(second.lock("a"));
    Taker writer = new Taker(open());
    FutureTask<Grant> writes = writer.waitsFor(writer.truce.lock("b"));
    FutureTask<Grant> behind = late.waitsFor(second.lock("b").read());
    FutureTask<Grant> closing = reader.waitsFor(first.lock("a"));

    Refusal refusal = gaveWay(closing);

    assertEquals(2, refusal.cycle().size());
    assertFalse(writes.isDone() || behind.isDone());
    reader.givesAllBack();
    await(writes).close();
    await(behind).close();
    late.givesAllBack();
  }

  @Test
  void acquire_readersOfTwoLocksWantToWrite_oneGivesWay() throws Exception {
    Truce first = open();
    Truce second = open();
    Taker one = new Taker(first).has(first.lock("a").read());
    Taker two = new Taker(second).has(second.lock("b").read());
    FutureTask<Grant> patient = one.waitsFor(first.lock("b"));

    gaveWay(two.waitsFor(second.lock("a")));

    two.givesAllBack();
    await(patient).close();
    one.givesAllBack();
  }

  @Test
  void upgrade_ringWithAnotherLock_oneGivesWay_andReadsOn() throws Exception {
    Truce first = open();
    for (Truce second : List.of(first, open())) {
      upgradeInARing(first, second);
    }
  }

  private void upgradeInARing(Truce first, Truce second) throws Exception {
    Taker one = new Taker(first).has(first.lock("a").read());
    Taker two = new Taker(second).has(second.lock("a").read()).has(second.lock("b"));
    FutureTask<Grant> patient = one.waitsFor(first.lock("b"));
    Grant reads = two.grants.getFirst();
    two.orders.add(() -> {
      reads.upgrade(LONG);
      return reads;
    });
    FutureTask<Grant> upgrade = Objects.requireNonNull(two.begun.poll(10, TimeUnit.SECONDS));

    gaveWay(upgrade);

    assertEquals(Mode.READ, reads.mode());
    assertTrue(reads.isValid());
    assertFalse(patient.isDone());
    two.givesAllBack();
    await(patient).close();
    one.givesAllBack();
    assertFree(first.lock("a"));
  }

  /// Whoever waits for one of several permits waits for any holder: as long as one of them can go
  /// on there is no knot.
  @Test
  void permits_allHoldersWaitForTheWaiter_oneGivesWay_andNotBefore() throws Exception {
    Truce first = open();
    Taker holder = new Taker(first).has(first.lock("a"));
    Taker one = new Taker(open());
    one.has(one.truce.permits("p", 2).one());
    Taker two = new Taker(open());
    two.has(two.truce.permits("p", 2).one());
    FutureTask<Grant> wantsA = one.waitsFor(one.truce.lock("a"));
    FutureTask<Grant> wantsP = holder.waitsFor(first.permits("p", 2).one());
    pass(Duration.ofSeconds(2));
    assertFalse(wantsA.isDone() || wantsP.isDone(), "one gave way though the other permit is free");

    FutureTask<Grant> wantsAToo = two.waitsFor(two.truce.lock("a"));

    gaveWay(wantsAToo);
    two.givesAllBack();
    await(wantsP).close();
    holder.givesAllBack();
    await(wantsA).close();
    one.givesAllBack();
  }

  @Test
  void permits_allAreTheWaitersOwn_isADeadlock() throws Exception {
    Truce first = open();
    Taker all = new Taker(first);
    all.has(first.permits("p", 2).one()).has(first.permits("p", 2).one());
    assertEquals(1, gaveWay(all.waitsFor(first.permits("p", 2).one())).cycle().size());
    all.givesAllBack();
    assertEquals(0, first.permits("p", 2).utilisation().held());
  }

  @Test
  void locks_heldOnesWaitForOneOfThem_oneGivesWay() throws Exception {
    Truce first = open();
    Truce second = open();
    Taker one = new Taker(first).has(first.lock("c"));
    Taker two = new Taker(second).has(second.lock("b"));
    FutureTask<Grant> patient = two.waitsFor(second.lock("c"));
    one.orders.add(() -> {
      LockSet.Held both = first.locks(first.lock("a"), first.lock("b")).acquire(LONG);
      return both.grants().getFirst();
    });
    FutureTask<Grant> set = Objects.requireNonNull(one.begun.poll(10, TimeUnit.SECONDS));

    gaveWay(set);

    assertFree(second.lock("a"));
    one.givesAllBack();
    await(patient).close();
    two.givesAllBack();
  }

  @Test
  void acquire_reportOnly_nobodyGivesWay_untilATimeIsOver() throws Exception {
    Truce first = reporting();
    Truce second = reporting();
    Taker one = new Taker(first).has(first.lock("a"));
    Taker two = new Taker(second).has(second.lock("b"));
    FutureTask<Grant> patient = one.waitsFor(first.lock("b"));
    Asker _ = queued(first, open().lock("a"), LONG);
    FutureTask<Grant> late = two.waitsFor(second.lock("a"));
    pass(Duration.ofSeconds(5));
    assertFalse(patient.isDone() || late.isDone());
    until(() -> !rings.isEmpty(), () -> "the ring is reported");
    for (LockEvent.Ring ring : rings) {
      assertFalse(ring.resolved());
      assertEquals(2, ring.ring().size());
    }
    assertTrue(rings.size() <= 2, "each reports it once");
    two.thread.interrupt();
    assertThrows(InterruptedException.class, () -> await(late));
    two.givesAllBack();
    await(patient).close();
    one.givesAllBack();
  }

  private final ConcurrentLinkedQueue<LockEvent.Ring> rings = new ConcurrentLinkedQueue<>();

  private Truce reporting() {
    Engine engine = place().open();
    Truce truce =
        Truce.builder()
            .engine(engine)
            .onDeadlock(DeadlockPolicy.REPORT)
            .listener(event -> {
              if (event instanceof LockEvent.Ring ring) {
                rings.add(ring);
              }
            })
            .open();
    handles.put(truce, engine);
    return truce;
  }

  @Test
  void acquire_handedOver_isNoRing() throws Exception {
    Truce first = open();
    Taker one = new Taker(first).has(first.lock("a"));
    one.grants.getFirst().handOver();
    Taker two = new Taker(open());
    two.has(two.truce.lock("b"));
    FutureTask<Grant> patient = one.waitsUnseen(first.lock("b"));
    FutureTask<Grant> late = two.waitsFor(two.truce.lock("a"));
    pass(Duration.ofSeconds(2));
    assertFalse(patient.isDone() || late.isDone());
    one.givesAllBack();
    two.grants.add(await(late));
    two.givesAllBack();
    await(patient).close();
  }

  /// Where nobody can prove a death, the dead is waited for like the living for a while, and one
  /// may give way.
  @Test
  void acquire_ringWithTheDead_isNone() throws Exception {
    Truce first = open();
    Truce dying = open();
    Taker one = new Taker(first).has(first.lock("a"));
    Taker two = new Taker(dying).has(dying.lock("b"));
    FutureTask<Grant> _ = two.waitsFor(dying.lock("a"));
    kill(dying);
    FutureTask<Grant> wait = one.waitsFor(first.lock("b"));
    try {
      one.grants.add(await(wait));
    } catch (DeadlockException early) {
      assertFalse(proofOfDeath(), "gave way to the dead");
    }
    one.givesAllBack();
    new Asker(first.lock("a"), LONG).grant().close();
  }

  // ---- permits

  @Test
  void permits_asManyAsThereAre_areHadSideBySide_andTheNextWaitsItsTurn() throws Exception {
    Truce first = open();
    Truce second = open();
    List<Grant> out = new ArrayList<>();
    for (int permit = 0; permit < 10; permit++) {
      Permits permits = (permit % 2 == 0 ? first : second).permits("licences", 10);
      out.add(permits.tryAcquire().orElseThrow());
    }
    assertEquals(10, out.stream().map(Grant::token).distinct().count());
    assertEquals(Optional.empty(), first.permits("licences", 10).tryAcquire());
    assertEquals(new Permits.Utilisation(10, 10, 0), second.permits("licences", 10).utilisation());

    Asker eleventh = queued(first, second.permits("licences", 10).one(), LONG);
    Asker twelfth = queued(first, first.permits("licences", 10).one(), LONG);
    assertEquals(new Permits.Utilisation(10, 10, 2), first.permits("licences", 10).utilisation());
    out.get(4).close();
    Grant next = eleventh.grant();
    assertFalse(twelfth.answered(), "more are out than there are");
    out.get(7).close();
    Grant last = twelfth.grant();
    assertEquals(1.0, first.permits("licences", 10).utilisation().ratio());

    for (Grant grant : out) {
      grant.close();
    }
    next.close();
    last.close();
    assertEquals(new Permits.Utilisation(10, 0, 0), first.permits("licences", 10).utilisation());
  }

  @Test
  void permits_anotherNumber_isRefused_untilItIsResized() throws Exception {
    Truce first = open();
    Grant held = first.permits("licences", 3).acquire(NOT_AT_ALL);
    for (int other : List.of(1, 2, 4)) {
      for (Truce truce : List.of(first, open())) {
        Permits permits = truce.permits("licences", other);
        Refusal refusal =
            assertThrows(NotAcquiredException.class, () -> permits.acquire(LONG)).refusal();
        assertEquals(Refusal.Kind.OTHER_LIMIT, refusal.kind());
        assertEquals(3, refusal.limit().orElseThrow());
        assertFalse(
            assertThrows(NotAcquiredException.class, permits::tryAcquire).retryable(),
            "waiting would not help");
      }
    }
    assertThrows(NotAcquiredException.class, () -> first.lock("licences").acquire(LONG));

    Permits two = first.permits("licences", 3).resize(2);

    assertEquals(2, two.limit());
    Grant second = open().permits("licences", 2).acquire(NOT_AT_ALL);
    assertEquals(Optional.empty(), two.tryAcquire());
    assertThrows(
        NotAcquiredException.class, () -> open().permits("licences", 3).acquire(NOT_AT_ALL));
    held.close();
    second.close();
  }

  @Test
  void permits_moreOfThem_goToThoseWhoWait_andFewerTakeNothingFromAnybody() throws Exception {
    Truce first = open();
    Permits one = first.permits("licences", 2);
    List<Grant> out = new ArrayList<>(List.of(now(one.one()), now(one.one())));
    Asker third = queued(first, open().permits("licences", 2).one(), LONG);
    Asker fourth = queued(first, open().permits("licences", 2).one(), LONG);

    one.resize(3);
    out.add(third.grant());
    assertFalse(fourth.answered());
    Permits fewer = one.resize(1);

    assertEquals(new Permits.Utilisation(1, 3, 1), fewer.utilisation());
    assertTrue(out.stream().allMatch(Grant::isValid));
    out.removeFirst().close();
    out.removeFirst().close();
    pass(STEP.multipliedBy(4));
    assertFalse(fourth.answered(), "there is one permit, and that is out");
    out.removeFirst().close();
    fourth.grant().close();
  }

  @Test
  void permits_resizedBeforeTheFirst_areSoMany_andALockInUseIsNotShared() throws Exception {
    Truce first = open();
    first.permits("licences", 10).resize(5);
    assertEquals(
        Refusal.Kind.OTHER_LIMIT,
        assertThrows(
                NotAcquiredException.class,
                () -> open().permits("licences", 10).acquire(NOT_AT_ALL))
            .refusal()
            .kind());
    now(open().permits("licences", 5).one()).close();

    Grant alone = now(first.lock("index"));
    assertThrows(IllegalStateException.class, () -> open().permits("index", 5).resize(5));
    assertHeld(open().lock("index"));
    alone.close();
  }

  /// Made fewer, more have to be given back than one.
  @Test
  void permits_fewerThanAreOut_aRingIsFound_thoughOneHolderGoesOn() throws Exception {
    Truce first = open();
    Taker one = new Taker(first).has(first.lock("a"));
    Taker two = new Taker(open());
    two.has(two.truce.permits("p", 3).one());
    Taker busy = new Taker(open());
    busy.has(busy.truce.permits("p", 3).one()).has(busy.truce.permits("p", 3).one());
    first.permits("p", 3).resize(1);
    FutureTask<Grant> patient = one.waitsFor(first.permits("p", 1).one());

    gaveWay(two.waitsFor(two.truce.lock("a")));

    two.givesAllBack();
    busy.givesAllBack();
    await(patient).close();
    one.givesAllBack();
  }

  @Test
  void acquire_handedOverWhileItsThreadWaits_isNoRing() throws Exception {
    Truce first = open();
    Taker one = new Taker(first).has(first.lock("a"));
    Taker two = new Taker(open());
    two.has(two.truce.lock("b"));
    FutureTask<Grant> patient = one.waitsFor(first.lock("b"));
    one.grants.getFirst().handOver();
    FutureTask<Grant> late = two.waitsFor(two.truce.lock("a"));
    pass(Duration.ofSeconds(2));
    assertFalse(patient.isDone() || late.isDone());
    one.givesAllBack();
    two.grants.add(await(late));
    two.givesAllBack();
    await(patient).close();
  }

  @Test
  void permits_holderDies_areFree() throws Exception {
    Truce first = open();
    Truce dying = open();
    now(dying.permits("licences", 2).one());
    Grant mine = now(first.permits("licences", 2).one());
    Asker waiter = queued(first, open().permits("licences", 2).one(), LONG);

    kill(dying);

    waiter.grantOfTheDead().close();
    assertTrue(mine.isValid());
    mine.close();
    assertEquals(0, first.permits("licences", 2).utilisation().held());
  }

  @Test
  void permits_asNoLockCanBe_areRefused() {
    Truce truce = open();
    for (int none : List.of(Integer.MIN_VALUE, -1, 0, Permits.MAX + 1)) {
      assertThrows(IllegalArgumentException.class, () -> truce.permits("licences", none));
      assertThrows(IllegalArgumentException.class, () -> truce.permits("licences", 2).resize(none));
    }
    NamedLock one = truce.permits("licences", 2).one();
    assertThrows(IllegalStateException.class, one::read);
    assertThrows(IllegalStateException.class, () -> one.byForce("now"));
    assertThrows(IllegalStateException.class, () -> one.lease(LONG, LONG));
    try (Grant grant = now(one)) {
      Grant other = now(one);
      assertThrows(IllegalStateException.class, grant::downgrade);
      assertTrue(grant.isValid() && other.isValid());
      other.close();
      assertThrows(IllegalStateException.class, grant::downgrade);
    }
  }

  // ---- not waiting, timeouts, interrupts

  @Test
  void acquire_noTimeToWait_isRefusedAtOnceSayingWhoHolds() {
    Engine engine = place().open();
    Truce holder = Truce.builder().engine(engine).owner("ci").host("build-3").pid(8112).open();
    handles.put(holder, engine);
    try (Grant held = now(holder.lock("index").withReason("nightly"))) {
      for (Duration none : List.of(NOT_AT_ALL, Duration.ofSeconds(-1))) {
        Refusal refusal =
            assertThrows(NotAcquiredException.class, () -> open().lock("index").acquire(none))
                .refusal();
        assertEquals(Refusal.Kind.HELD, refusal.kind());
        LockStatus.Holder seen = refusal.holder().orElseThrow();
        assertEquals("ci@build-3 (pid 8112)", seen.owner().toString());
        assertEquals("nightly", seen.reason());
        assertEquals(held.token(), seen.token());
        assertEquals(LockStatus.Alive.YES, seen.alive());
      }
    }
  }

  @Test
  void acquire_timeIsOver_isRefusedThenAndNotBefore() throws Exception {
    Truce first = open();
    Grant held = now(first.lock("index"));
    Asker waiter = queued(first, open().lock("index"), Duration.ofSeconds(5));
    pass(Duration.ofMillis(4_800));
    assertFalse(waiter.answered(), "refused before its time was over");

    pass(Duration.ofMillis(400));
    assertTrue(waiter.thread.join(TestClock.LIVENESS), "it waits on after its time");

    Refusal refusal = waiter.refusal().refusal();
    assertEquals(Refusal.Kind.TIMEOUT, refusal.kind());
    assertEquals(1, refusal.position().orElseThrow());
    assertEquals(held.token(), refusal.holder().orElseThrow().token());
    assertTrue(held.isValid(), "a timeout ended somebody else's grant");
    assertEquals(0, first.lock("index").status().waiting());
  }

  /// The defects of other locks: a timed-out waiter that removes the holder, stays in the queue for
  /// ever, or counts the readers down.
  @Test
  void acquire_timeIsOver_changesNothingForTheOthers() throws Exception {
    Truce first = open();
    Grant held = now(first.lock("index"));
    Asker writer = queued(first, open().lock("index"), Duration.ofSeconds(1));
    Asker reader = queued(first, open().lock("index").read(), Duration.ofSeconds(1));
    Asker stays = queued(first, open().lock("index"), LONG);
    writer.refusal();
    reader.refusal();

    assertTrue(held.isValid());
    assertHeld(open().lock("index"));
    assertHeld(open().lock("index").read());
    held.close();
    Grant next = stays.grant();
    assertHeld(open().lock("index").read());
    next.close();
    try (Grant one = now(first.lock("index").read());
        Grant two = now(open().lock("index").read())) {
      assertHeld(open().lock("index"));
      assertTrue(one.isValid() && two.isValid());
    }
    assertFree(first.lock("index"));
  }

  @Test
  void acquire_interruptedWhileWaiting_leavesNothingBehind() throws Exception {
    Truce first = open();
    Grant held = now(first.lock("index"));
    Asker waiter = queued(first, open().lock("index"), LONG);
    Asker next = queued(first, open().lock("index"), LONG);

    waiter.thread.interrupt();
    passUntilOver(waiter.thread, STEP);

    assertThrows(InterruptedException.class, () -> get(waiter.asking));
    assertEquals(1, first.lock("index").status().waiting());
    assertTrue(held.isValid());
    held.close();
    next.grant().close();
    assertFree(first.lock("index"));
  }

  @Test
  void acquire_interruptedBefore_throwsAndTakesNothing() {
    Truce truce = open();
    Thread.currentThread().interrupt();

    assertThrows(InterruptedException.class, () -> truce.lock("index").acquire(LONG));

    assertFalse(Thread.currentThread().isInterrupted());
    assertFree(open().lock("index"));
  }

  /// Interrupts at every moment of a busy life: whoever was interrupted holds nothing.
  @Test
  void acquire_interruptedAtAnyMoment_isEitherGrantedOrGone() throws Exception {
    Truce truce = open();
    Truce other = open();
    for (int round = 0; round < 100; round++) {
      Grant held = now(other.lock("index"));
      Asker asker = new Asker(truce.lock("index"), LONG);
      Thread releasing = Thread.ofVirtual().start(held::close);
      for (int spin = 0; spin < round * 50; spin++) {
        Thread.onSpinWait();
      }
      asker.thread.interrupt();
      passUntilOver(asker.thread, STEP);
      passUntilOver(releasing, STEP);
      try {
        get(asker.asking).close();
      } catch (InterruptedException e) {
        // It gave up, and must hold nothing.
      }
      assertFree(other.lock("index"));
    }
  }

  // ---- grants

  @Test
  void token_grantAfterGrant_onlyRises() {
    Truce mine = open();
    Truce theirs = open();
    long last = 0;
    for (int round = 0; round < 300; round++) {
      NamedLock lock = (round % 2 == 0 ? mine : theirs).lock("index");
      try (Grant grant = now(round % 3 == 0 ? lock.read() : lock)) {
        assertTrue(grant.token() > last, grant.token() + " after " + last);
        last = grant.token();
      }
      // In between the name may be forgotten.
      for (int name = 0; name < (round % 50 == 0 ? 1_500 : 0); name++) {
        now(mine.lock("passing " + name)).close();
      }
    }
  }

  @Test
  void reenter_sharesTheTokenAndTheLastCloseFrees() {
    Truce truce = open();
    Grant first = now(truce.lock("index"));
    Grant second = first.reenter();
    Grant third = second.reenter();
    assertEquals(first.token(), third.token());

    first.close();
    third.close();

    assertTrue(second.isValid());
    assertHeld(open().lock("index"));
    second.close();
    assertFree(open().lock("index"));
    assertThrows(LockLostException.class, second::reenter);
  }

  @Test
  void close_again_neverFreesTheNextHolder() {
    Truce truce = open();
    Grant first = now(truce.lock("index"));
    first.close();
    assertFalse(first.isValid());
    Grant second = now(truce.lock("index"));

    first.close();

    assertTrue(second.isValid());
    assertHeld(open().lock("index"));
    second.close();
  }

  @Test
  void close_byAnotherThread_frees() throws Exception {
    Truce truce = open();
    Grant grant = now(truce.lock("index"));

    Thread.ofPlatform().start(grant::close).join();

    assertFree(truce.lock("index"));
  }

  @Test
  void acquire_threadWaitsForItsOwnGrant_isToldAtOnce() throws Exception {
    Truce truce = open();
    try (Grant held = now(truce.lock("index"))) {
      assertThrows(DeadlockException.class, () -> truce.lock("index").acquire(LONG));
      assertThrows(DeadlockException.class, () -> truce.lock("index").read().acquire(LONG));
      assertTrue(held.isValid());
      assertEquals(0, truce.lock("index").status().waiting());
    }
    truce.lock("index").acquire(LONG).close();
  }

  @Test
  void run_body_isUnderTheLockAndFreesItHoweverItEnds() throws Exception {
    Truce truce = open();
    truce.lock("index").run(LONG, grant -> assertHeld(open().lock("index")));
    assertFree(truce.lock("index"));
    assertEquals("value", truce.lock("index").call(LONG, grant -> "value"));

    IllegalStateException mine = new IllegalStateException("of the body");
    assertEquals(
        mine,
        assertThrows(
            IllegalStateException.class,
            () ->
                truce
                    .lock("index")
                    .run(
                        LONG,
                        _ -> {
                          throw mine;
                        })));
    assertFree(truce.lock("index"));
  }

  // ---- death and loss

  @Test
  void kill_holder_nextWaiterIsServedAsSoonAsTheDeathIsKnown() throws Exception {
    Truce observer = open();
    Truce dying = open();
    Grant held = now(dying.lock("index"));
    Asker waiter = queued(observer, observer.lock("index"), LONG);
    pass(Duration.ofMillis(200));
    kill(dying);
    if (!proofOfDeath()) {
      pass(term().dividedBy(2));
      assertFalse(waiter.answered(), "the lock of a living member was taken");
    }

    pass(term().plusSeconds(1));
    assertTrue(waiter.thread.join(TestClock.LIVENESS), "the dead holder's lock is not free");

    Grant next = waiter.grant();
    assertTrue(next.token() > held.token());
    assertTrue(next.isValid());
    assertFalse(held.isValid(), "the dead one still believes");
    next.close();
  }

  /// Nobody has to wait for the lock for the dead to be gone from it.
  @Test
  void status_holderAndWaiterDied_showsNeither() throws Exception {
    Truce observer = open();
    Truce dying = open();
    Grant held = now(dying.lock("index"));
    Truce waiting = open();
    queued(observer, waiting.lock("index"), LONG);
    kill(waiting);
    kill(dying);

    pass(term().plusSeconds(1));
    LockStatus status = observer.lock("index").status();

    assertEquals(List.of(), status.holders());
    assertEquals(List.of(), status.queue());
    assertEquals(LockStatus.State.FREE, status.state());
    assertFalse(status.isCurrent(held.token()));
  }

  @Test
  void status_readersOfOneProcess_allTheirTokensAreCurrent() {
    NamedLock index = open().lock("index").read();
    Grant first = now(index);
    Grant second = now(index);
    LockStatus both = open().lock("index").status();
    first.close();
    LockStatus one = open().lock("index").status();

    assertTrue(both.isCurrent(first.token()) && both.isCurrent(second.token()));
    assertFalse(one.isCurrent(first.token()));
    assertTrue(one.isCurrent(second.token()));
    second.close();
  }

  @Test
  void kill_readerAmongReaders_freesOnlyItsPart() throws Exception {
    Truce observer = open();
    Grant stays = now(observer.lock("index").read());
    Truce dying = open();
    now(dying.lock("index").read());
    Asker writer = queued(observer, open().lock("index"), LONG);
    kill(dying);

    pass(term().plusSeconds(1));

    assertFalse(writer.answered(), "a writer is beside a living reader");
    assertTrue(stays.isValid());
    stays.close();
    writer.grant().close();
  }

  @Test
  void kill_waiter_thoseBehindItAreServed() throws Exception {
    Truce observer = open();
    Grant held = now(observer.lock("index"));
    Truce dying = open();
    queued(observer, dying.lock("index"), LONG);
    Asker behind = queued(observer, open().lock("index"), LONG);
    kill(dying);

    held.close();
    pass(term().plusSeconds(3));

    assertTrue(behind.thread.join(TestClock.LIVENESS), "a dead waiter blocks the queue");
    behind.grant().close();
  }

  @Test
  void onLost_handleIsClosed_isCalledOnceWithTheToken() {
    Truce truce = open();
    Grant grant = now(truce.lock("index"));
    ConcurrentLinkedQueue<Loss> losses = new ConcurrentLinkedQueue<>();
    grant.onLost(losses::add);

    truce.close();
    truce.close();
    grant.close();

    assertEquals(1, losses.size());
    assertEquals("index", losses.element().lock());
    assertEquals(grant.token(), losses.element().token());
    assertFalse(grant.isValid());
    grant.onLost(losses::add);
    assertEquals(2, losses.size(), "one that is lost already says so at once");
  }

  @Test
  void onLost_closedAsUsual_isNeverCalled() {
    Truce truce = open();
    Grant grant = now(truce.lock("index"));
    AtomicInteger losses = new AtomicInteger();
    grant.onLost(_ -> losses.incrementAndGet());

    grant.close();
    truce.close();

    assertEquals(0, losses.get());
  }

  @Test
  void run_lostWhileTheBodyRan_isSaid() {
    Truce truce = open();

    LockLostException lost =
        assertThrows(
            LockLostException.class, () -> truce.lock("index").run(LONG, _ -> truce.close()));

    assertEquals("index", lost.lock());
  }

  @Test
  void close_ofTheHandle_givesBackRefusesAndTellsThoseWhoWait() throws Exception {
    Truce truce = open();
    Truce other = open();
    now(truce.lock("held"));
    Grant theirs = now(other.lock("wanted"));
    Asker waiter = queued(other, truce.lock("wanted"), LONG);

    truce.close();

    passUntilOver(waiter.thread, STEP);
    EngineException told = assertThrows(EngineException.class, () -> get(waiter.asking));
    assertEquals(EngineException.Kind.CLOSED, told.kind());
    assertFree(other.lock("held"));
    assertEquals(0, other.lock("wanted").status().waiting());
    assertTrue(theirs.isValid());
    EngineException refused =
        assertThrows(EngineException.class, () -> truce.lock("held").acquire(LONG));
    assertEquals(EngineException.Kind.CLOSED, refused.kind());
  }

  // ---- leases, tickets, force

  private static final Duration LEASE = Duration.ofSeconds(20);

  @Test
  void lease_ownerIsKilled_standsForItsHandle() throws Exception {
    Truce observer = open();
    Truce dying = open();
    Lease lease = dying.lock("index").lease(LEASE, NOT_AT_ALL);
    kill(dying);

    pass(term().plusSeconds(1));

    assertHeld(observer.lock("index"));
    Lease again = observer.lease(lease.handle());
    assertTrue(again.isValid());
    again.renew();
    again.release();
    assertFree(observer.lock("index"));
    assertThrows(LockLostException.class, again::release);
  }

  @Test
  void lease_termIsOver_isServedToTheNextAndNeverComesBack() throws Exception {
    Truce mine = open();
    Truce theirs = open();
    Lease lease = mine.lock("index").lease(LEASE, NOT_AT_ALL);
    Asker waiter = queued(mine, theirs.lock("index"), LONG);
    pass(LEASE.minusSeconds(1));
    assertTrue(lease.isValid());
    assertFalse(waiter.answered(), "served before the term was over");

    pass(Duration.ofSeconds(1));

    assertFalse(lease.isValid(), "a lease outlived its term");
    Grant next = waiter.grant();
    assertTrue(next.token() > lease.token());
    assertThrows(LockLostException.class, lease::renew);
    assertTrue(next.isValid());
    next.close();
    assertThrows(LockLostException.class, lease::renew);
  }

  @Test
  void lease_renewedInTime_goesOn() throws Exception {
    Truce truce = open();
    Lease lease = truce.lock("index").lease(LEASE, NOT_AT_ALL);
    for (int round = 0; round < 3; round++) {
      pass(LEASE.minusSeconds(1));
      lease.renew();
    }
    assertHeld(open().lock("index"));
    lease.release();
    assertFree(truce.lock("index"));
  }

  @Test
  void withTicket_callsThatEndInBetween_keepTheOrder() throws Exception {
    Truce first = open();
    Grant held = now(first.lock("index"));
    List<String> tickets = new ArrayList<>();
    for (int caller = 0; caller < 3; caller++) {
      Truce truce = open();
      NotAcquiredException refused =
          assertThrows(
              NotAcquiredException.class,
              () -> truce.lock("index").withTicket(LONG).lease(LEASE, NOT_AT_ALL));
      assertEquals(caller + 1, refused.refusal().position().orElseThrow());
      tickets.add(refused.refusal().ticket().orElseThrow());
      truce.close();
    }
    held.close();
    for (String ticket : tickets) {
      assertHeld(first.lock("index"));
      Lease lease = open().lock("index").withTicket(ticket).lease(LEASE, NOT_AT_ALL);
      assertTrue(lease.isValid());
      lease.release();
    }
    assertFree(first.lock("index"));
    assertEquals(
        List.of(
            History.Kind.LEASED,
            History.Kind.RELEASED,
            History.Kind.LEASED,
            History.Kind.RELEASED,
            History.Kind.LEASED,
            History.Kind.RELEASED),
        first.history().entries().stream().map(History.Entry::kind).toList());
  }

  @Test
  void revoke_holder_losesItAtOnce_andTheNextIsServed() throws Exception {
    Truce mine = open();
    Truce theirs = open();
    Grant held = now(mine.lock("index"));
    Asker waiter = queued(mine, theirs.lock("index"), LONG);

    assertEquals(
        List.of(held.token()),
        theirs.lock("index").revoke("it hangs").stream().map(LockStatus.Holder::token).toList());

    assertFalse(held.isValid());
    Grant next = waiter.grant();
    assertTrue(next.token() > held.token());
    held.close();
    assertTrue(next.isValid(), "one that was revoked freed the next");
    next.close();
    History history = open().history();
    assertEquals(
        List.of("it hangs"), history.entries().stream().map(History.Entry::reason).toList());
    assertTrue(history.broken().isEmpty());
  }

  // ---- fences

  @Test
  void bind_everyKindOfEnd_refusesAWriteOnceTheNextIsGranted() throws Exception {
    Engine engine = place().open();
    Locks writer =
        Locks.over(
            engine,
            new Owner("writer", "here", 1),
            100,
            Optional.empty(),
            DeadlockPolicy.LOWEST_PRIORITY);
    Journal journal = engine.journal("root");
    Truce truce = open();
    Truce dying = open();
    List<Fence> ended = new ArrayList<>();
    Grant released = bound(writer, truce);
    ended.add(released.fence());
    released.close();
    ended.add(bound(writer, truce).fence());
    truce.lock("n").revoke("wanted");
    ended.add(bound(writer, dying).fence());
    Asker heir = queued(truce, truce.lock("n"), LONG);
    pass(Duration.ofMillis(200));
    kill(dying);
    pass(term().plusSeconds(1));
    heir.grant().close();
    Lease lease = truce.lock("n").lease(LEASE, NOT_AT_ALL);
    writer.bind(lease.fence());
    ended.add(lease.fence());
    for (Fence fence : ended.subList(0, 3)) {
      assertInstanceOf(Journal.Result.Refused.class, append(journal, fence));
    }
    assertInstanceOf(Journal.Result.Appended.class, append(journal, lease.fence()));
    pass(LEASE);
    Grant next = bound(writer, open());
    for (Fence fence : ended) {
      assertInstanceOf(Journal.Result.Refused.class, append(journal, fence));
      assertThrows(FencedException.class, () -> writer.bind(fence));
    }
    assertInstanceOf(Journal.Result.Appended.class, append(journal, next.fence()));
    writer.close();
  }

  private static Grant bound(Locks writer, Truce truce) {
    Grant grant = now(truce.lock("n"));
    writer.bind(grant.fence());
    return grant;
  }

  private static Journal.Result append(Journal journal, Fence fence) {
    byte[] record = bytes(Long.toString(fence.tokens().firstEntry().getValue()));
    UUID id = UUID.randomUUID();
    Journal.Unit unit = new Journal.Unit(id, fence, _ -> Optional.of(record));
    Journal.Result result = new Journal.Result.Unknown("");
    while (result instanceof Journal.Result.Unknown) {
      result = journal.append(List.of(unit)).getFirst();
    }
    return result;
  }

  /// Writers that are late on purpose, and holders that are ended by force in the middle of it: the
  /// tokens of the writes that a journal took rise, for what comes after a grant comes after its
  /// end.
  @Test
  void bind_writersThatAreLateOrEndedByForce_acceptedTokensNeverFall() throws Exception {
    List<Engine> engines = List.of(place().open(), place().open(), place().open());
    List<Locks> rooms = new ArrayList<>();
    ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    List<Thread> workers = new ArrayList<>();
    AtomicInteger refused = new AtomicInteger();
    for (Engine engine : engines) {
      Owner owner = new Owner("writer", "here", rooms.size() + 1L);
      Locks room = Locks.over(engine, owner, 100, Optional.empty(), DeadlockPolicy.LOWEST_PRIORITY);
      rooms.add(room);
      for (int worker = 0; worker < 2; worker++) {
        long salt = seed().value() + workers.size();
        workers.add(
            Thread.ofPlatform()
                .daemon()
                .start(() -> {
                  try {
                    write(engine, room, new Random(salt), refused);
                  } catch (Throwable failure) {
                    failures.add(failure);
                  }
                }));
      }
    }
    for (Thread worker : workers) {
      passUntilDone(worker, failures);
    }
    rooms.forEach(Locks::close);

    assertEquals(List.of(), List.copyOf(failures));
    List<Long> accepted = accepted(engine());
    assertTrue(refused.get() > 0, "nobody was late");
    assertTrue(accepted.size() > 10, "nobody wrote");
    assertEquals(accepted.stream().sorted().toList(), accepted);
  }

  private void write(Engine engine, Locks room, Random random, AtomicInteger refused)
      throws InterruptedException {
    Journal journal = engine.journal("root");
    Fence late = null;
    for (int round = 0; round < Math.max(10, rounds() / 20); round++) {
      if (random.nextInt(4) == 0) {
        room.lock("n").revoke("chaos");
      }
      try (Grant grant = room.lock("n").acquire(LONG)) {
        if (late != null) {
          count(journal, late, refused);
        }
        late = null;
        room.bind(grant.fence());
        count(journal, grant.fence(), refused);
        late = grant.fence();
      } catch (FencedException endedBefore) {
        refused.incrementAndGet();
      }
    }
  }

  private static void count(Journal journal, Fence fence, AtomicInteger refused) {
    if (append(journal, fence) instanceof Journal.Result.Refused) {
      refused.incrementAndGet();
    }
  }

  private static List<Long> accepted(Engine engine) {
    Journal journal = engine.journal("root");
    List<Long> tokens = new ArrayList<>();
    for (long next = 1; next <= journal.appended(); next = tokens.size() + 1L) {
      Journal.Page.Records page = (Journal.Page.Records) journal.read(next, 1_000);
      page.entries()
          .forEach(entry ->
              tokens.add(Long.parseLong(new String(entry.record(), StandardCharsets.UTF_8))));
    }
    return tokens;
  }

  // ---- limits and names

  @Test
  void acquire_queueIsFull_isRefusedAndChangesNothing() throws Exception {
    Truce first = open();
    Grant held = now(first.lock("index"));
    List<Asker> waiters = new ArrayList<>();
    for (int waiter = 0; waiter < 3; waiter++) {
      waiters.add(queued(first, limited(3).lock("index"), LONG));
    }

    Asker tooMany = new Asker(limited(3).lock("index"), LONG);
    assertEquals(Refusal.Kind.QUEUE_FULL, tooMany.refusal().refusal().kind());

    assertEquals(3, first.lock("index").status().waiting());
    held.close();
    waiters.removeFirst().grant().close();
    for (Asker waiter : waiters) {
      waiter.grant().close();
    }
    Asker again = new Asker(limited(3).lock("index"), LONG);
    again.grant().close();
  }

  private Truce limited(int maxWaiters) {
    Engine engine = place().open();
    Truce truce = Truce.builder().engine(engine).maxWaiters(maxWaiters).open();
    handles.put(truce, engine);
    return truce;
  }

  @Test
  void lock_hostileNames_areAllDifferentLocks() {
    Truce truce = open();
    Truce other = open();
    List<String> names =
        CellsContract.HOSTILE_NAMES.stream()
            .filter(name -> name.getBytes(StandardCharsets.UTF_8).length <= NamedLock.MAX_NAME)
            .toList();
    for (String name : names) {
      assertTrue(now(truce.lock(name)).isValid(), () -> "\"" + name + "\" is another one's lock");
    }
    for (String name : names) {
      assertHeld(other.lock(name));
    }
    assertEquals(
        new TreeSet<>(names),
        new TreeSet<>(other.status().stream().map(LockStatus::lock).toList()));
  }

  @Test
  void lock_noName_isRefused() {
    Truce truce = open();
    for (String name : List.of("", "x".repeat(256), "\u20ac".repeat(86), "\ud83d", "a\udd12")) {
      assertThrows(IllegalArgumentException.class, () -> truce.lock(name));
    }
    assertEquals(255, truce.lock("x".repeat(255)).name().length());
  }

  @Test
  void lock_manyNamesUsedOnce_areForgotten() {
    Truce truce = open();
    for (int name = 0; name < names(); name++) {
      now(truce.lock("name " + name)).close();
    }
    truce.close();

    int kept = engine().cells().keys("").size();

    assertTrue(kept <= keptNames(), kept + " cells are left of " + names() + " names");
  }

  @Test
  void status_heldAndWaitedFor_saysWhoInOrder() throws Exception {
    Truce first = open();
    Grant held = now(first.lock("index"));
    Asker one = queued(first, open().lock("index").read(), LONG);
    Asker two = queued(first, open().lock("index"), LONG);

    LockStatus status = open().lock("index").status();

    assertEquals(LockStatus.State.HELD, status.state());
    assertEquals(Optional.of(Mode.WRITE), status.mode());
    assertEquals(held.token(), status.holders().getFirst().token());
    assertEquals(
        List.of(Mode.READ, Mode.WRITE),
        status.queue().stream().map(LockStatus.Waiter::mode).toList());
    assertEquals(List.of(1, 2), status.queue().stream().map(LockStatus.Waiter::position).toList());
    held.close();
    one.grant().close();
    two.grant().close();
    assertEquals(LockStatus.State.FREE, first.lock("index").status().state());
    assertEquals(List.of(), first.status());
  }

  // ---- several at once

  @Test
  void locks_inOppositeOrders_neverWaitForEachOther() throws Exception {
    Truce one = open();
    Truce two = open();
    LockSet forth = one.locks(one.lock("a"), one.lock("b"));
    LockSet back = two.locks(two.lock("b"), two.lock("a"));
    AtomicInteger inside = new AtomicInteger();
    List<Thread> threads =
        Stream.of(forth, back)
            .map(set ->
                Thread.ofPlatform()
                    .daemon()
                    .start(() -> {
                      try {
                        for (int round = 0; round < 50; round++) {
                          try (LockSet.Held held = set.acquire(LONG)) {
                            assertTrue(held.isValid());
                            inside.incrementAndGet();
                          }
                        }
                      } catch (InterruptedException e) {
                        throw new AssertionError(e);
                      }
                    }))
            .toList();

    for (Thread thread : threads) {
      passUntilOver(thread, STEP);
    }

    assertEquals(100, inside.get());
    assertFree(one.lock("a"));
    assertFree(one.lock("b"));
  }

  /// Two sets that name their locks in opposite orders are one order.
  @Test
  void locks_theFirstIsHeld_nothingBehindItIsTaken() throws Exception {
    Truce one = open();
    Truce two = open();
    Grant held = now(one.lock("a"));
    LockSet back = two.locks(two.lock("b"), two.lock("a"));
    Asker asker =
        new Asker(() -> {
          try (LockSet.Held both = back.acquire(LONG)) {
            return both.grants().getFirst();
          }
        });
    until(() -> one.lock("a").status().waiting() == 1, () -> "it waits for the first");
    assertFree(one.lock("b"));

    held.close();

    assertEquals("a", asker.grant().lock());
    assertFree(one.lock("a"));
    assertFree(one.lock("b"));
  }

  @Test
  void locks_oneCannotBeHad_noneIsHeld() {
    Truce one = open();
    Truce two = open();
    try (Grant held = now(two.lock("b"))) {
      assertThrows(
          NotAcquiredException.class,
          () -> one.locks(one.lock("a"), one.lock("b"), one.lock("c")).acquire(NOT_AT_ALL));
      assertFree(two.lock("a"));
      assertFree(two.lock("c"));
      assertTrue(held.isValid());
    }
  }

  // ---- many at once

  /// Threads of three processes write and read two plain fields under the lock. Nothing but the
  /// lock keeps them right; the referee judges what they held.
  @Test
  void acquire_manyThreadsOfSeveralProcesses_loseNoUpdateAndNeverOverlap() throws Exception {
    int threads = 8;
    int each = rounds();
    Plain shared = new Plain();
    List<Truce> processes = List.of(open(), open(), open());
    ConcurrentLinkedQueue<Hold> holds = new ConcurrentLinkedQueue<>();
    ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    List<Thread> workers = new ArrayList<>();
    for (int worker = 0; worker < threads; worker++) {
      NamedLock lock = processes.get(worker % processes.size()).lock("counter");
      int me = worker;
      workers.add(
          Thread.ofPlatform()
              .daemon()
              .start(() -> {
                try {
                  for (int round = 0; round < each; round++) {
                    boolean reads = (round + me) % 5 == 0;
                    work(reads ? lock.read() : lock, shared, holds);
                    if (reads) {
                      work(lock, shared, holds);
                    }
                  }
                } catch (Throwable failure) {
                  failures.add(failure);
                }
              }));
    }
    for (Thread worker : workers) {
      passUntilDone(worker, failures);
    }

    assertEquals(List.of(), List.copyOf(failures));
    long acknowledged = (long) threads * each;
    assertTrue(LostUpdates.ofCounter(acknowledged, acknowledged, shared.counter).clean());
    assertEquals(acknowledged, shared.counter);
    Referee.Verdict verdict = Referee.judge(holds);
    assertTrue(verdict.clean(), () -> String.join("\n", verdict.findings()));
    Set<Long> tokens = new HashSet<>();
    holds.forEach(hold -> assertTrue(tokens.add(hold.token())));
  }

  private void passUntilDone(Thread worker, Iterable<Throwable> failures) {
    try {
      passUntil(
          () -> !worker.isAlive(),
          STEP,
          TestClock.LIVENESS.multipliedBy(3),
          () -> "a worker is done: " + engineStatus());
    } catch (AssertionError wedged) {
      failures.forEach(wedged::addSuppressed);
      throw wedged;
    }
  }

  private String engineStatus() {
    @Nullable Truce any = handles.keySet().stream().findFirst().orElse(null);
    return any == null ? "" : any.status().toString();
  }

  /// What has no protection of its own.
  private static final class Plain {
    private long counter;
    private long copy;
  }

  private static void work(NamedLock lock, Plain shared, ConcurrentLinkedQueue<Hold> holds)
      throws InterruptedException {
    try (Grant grant = lock.acquire(LONG)) {
      long entered = System.nanoTime();
      assertEquals(shared.counter, shared.copy, "a torn read");
      boolean writes = grant.mode() == Mode.WRITE;
      if (writes) {
        shared.counter++;
        Thread.onSpinWait();
        shared.copy++;
      }
      holds.add(
          new Hold(
              grant.lock(), writes, grant.token(), grant.arrival(), entered, System.nanoTime()));
    }
  }
}
