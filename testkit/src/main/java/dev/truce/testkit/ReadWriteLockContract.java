package dev.truce.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.truce.EngineException;
import dev.truce.Truce;
import dev.truce.lock.DeadlockException;
import dev.truce.lock.LockLostException;
import dev.truce.lock.LockStatus;
import dev.truce.lock.NamedLock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What the JDK's view of a lock promises, over whatever engine: what threads know of
/// `ReentrantReadWriteLock`, except its conditions and its looks at the queue, and what is other.
///
/// Threads are [actors][Actor] that do one thing after the other; two handles stand for two
/// processes.
@SuppressWarnings("LockNotBeforeTry") // when a lock is given back is what the tests are about
public abstract class ReadWriteLockContract extends EngineContract {
  private static final String NAME = "index";
  private static final int HOUR = 3_600;

  private final List<Truce> handles = new ArrayList<>();
  private final List<Actor> actors = new ArrayList<>();

  /// The view of one process, of which most tests have enough.
  private ReadWriteLock lock;

  /// The view of another process.
  private ReadWriteLock other;

  /// For a subclass, which names the engine.
  @SuppressWarnings("NullAway") // before each test
  protected ReadWriteLockContract() {}

  /// How often each thread of the stress test enters; fewer where operations are slow.
  protected int rounds() {
    return 500;
  }

  @BeforeEach
  void openHandles() {
    lock = open().lock(NAME).asReadWriteLock();
    other = open().lock(NAME).asReadWriteLock();
  }

  @AfterEach
  void closeHandles() {
    actors.forEach(Actor::end);
    handles.forEach(Truce::close);
  }

  private Truce open() {
    Truce truce = Truce.over(place().open());
    handles.add(truce);
    return truce;
  }

  private LockStatus status() {
    return handles.getFirst().lock(NAME).status();
  }

  private List<Lock> bothLocks() {
    return List.of(lock.readLock(), lock.writeLock());
  }

  /// One of the ways to take a lock that is free.
  @FunctionalInterface
  private interface Way {
    boolean take(Lock lock) throws Exception;
  }

  private static final List<Way> WAYS =
      List.of(
          lock -> {
            lock.lock();
            return true;
          },
          lock -> {
            lock.lockInterruptibly();
            return true;
          },
          Lock::tryLock,
          lock -> lock.tryLock(0, TimeUnit.SECONDS),
          lock -> lock.tryLock(HOUR, TimeUnit.SECONDS));

  /// A thread that does what it is told, one thing after the other.
  private final class Actor {
    private final BlockingQueue<FutureTask<?>> todo = new LinkedBlockingQueue<>();
    private final Thread thread = Thread.ofPlatform().daemon().name("actor").unstarted(this::act);
    private volatile boolean over;

    Actor() {
      actors.add(this);
      thread.start();
    }

    private void act() {
      while (!over) {
        try {
          todo.take().run();
        } catch (InterruptedException e) {
          // It is over, or this was meant for what it had not begun yet.
        }
      }
    }

    private void end() {
      over = true;
      thread.interrupt();
    }

    <T> FutureTask<T> begin(Callable<T> what) {
      FutureTask<T> task = new FutureTask<>(what);
      todo.add(task);
      return task;
    }

    FutureTask<Boolean> begin(Runnable what) {
      return begin(() -> {
        what.run();
        return true;
      });
    }

    /// Begins to wait for a lock, and is seen in the queue before the test goes on.
    <T> FutureTask<T> waits(Callable<T> what) throws Exception {
      int before = status().waiting();
      FutureTask<T> task = begin(what);
      passUntil(() -> status().waiting() == before + 1, "it waits");
      return task;
    }

    FutureTask<Boolean> waits(Runnable what) throws Exception {
      return waits(() -> {
        what.run();
        return true;
      });
    }

    <T> T call(Callable<T> what) throws Exception {
      return get(begin(what));
    }

    void run(Runnable what) throws Exception {
      get(begin(what));
    }

    boolean tries(Lock one) throws Exception {
      return call(() -> one.tryLock());
    }
  }

  /// Whether somebody else can have it now.
  private boolean free(Lock one) throws Exception {
    return new Actor()
        .call(() -> {
          boolean had = one.tryLock();
          if (had) {
            one.unlock();
          }
          return had;
        });
  }

  private <T> T answer(FutureTask<T> task) throws Exception {
    passUntil(task::isDone, "it is answered");
    return get(task);
  }

  private void passUntil(BooleanSupplier so, String what) {
    passUntil(so, () -> what);
  }

  // ---- entering and leaving

  @Test
  void lock_freeTakenInEveryWay_isHeldUntilUnlocked() throws Exception {
    for (Lock one : bothLocks()) {
      for (Way way : WAYS) {
        assertTrue(way.take(one));
        assertFalse(free(lock.writeLock()));
        assertFalse(free(other.writeLock()));
        one.unlock();
        assertTrue(free(lock.writeLock()));
        assertTrue(free(other.writeLock()));
      }
    }
  }

  @Test
  void lock_enteredAgainInEveryWay_isFreeAfterAsManyUnlocks() throws Exception {
    for (Lock one : bothLocks()) {
      for (Way way : WAYS) {
        assertTrue(way.take(one));
      }
      for (int left = WAYS.size(); left > 0; left--) {
        assertFalse(free(other.writeLock()), () -> "free too early: " + one);
        one.unlock();
      }
      assertTrue(free(other.writeLock()));
    }
  }

  @Test
  void writeLock_held_isNobodyElses() throws Exception {
    lock.writeLock().lock();
    for (ReadWriteLock view : List.of(lock, other)) {
      assertFalse(free(view.readLock()));
      assertFalse(free(view.writeLock()));
    }
    lock.writeLock().unlock();
  }

  @Test
  void readLock_held_isSharedByReadersOfBothProcesses() throws Exception {
    List<Actor> readers = List.of(new Actor(), new Actor(), new Actor());
    assertTrue(readers.get(0).tries(lock.readLock()));
    assertTrue(readers.get(1).tries(lock.readLock()));
    assertTrue(readers.get(2).tries(other.readLock()));

    readers.get(0).run(lock.readLock()::unlock);
    readers.get(2).run(other.readLock()::unlock);
    assertFalse(free(lock.writeLock()), "a writer beside a reader");
    readers.get(1).run(lock.readLock()::unlock);

    assertTrue(free(lock.writeLock()));
  }

  @Test
  void unlock_notHeldByThisThreadThatWay_isRefusedAndChangesNothing() throws Exception {
    for (int mode = 0; mode < 2; mode++) {
      Lock one = bothLocks().get(mode);
      Lock otherMode = bothLocks().get(1 - mode);
      assertThrows(IllegalMonitorStateException.class, one::unlock);
      one.lock();
      assertThrows(
          IllegalMonitorStateException.class, () -> new Actor().run(one::unlock), "another thread");
      assertFalse(free(other.writeLock()));
      assertThrows(IllegalMonitorStateException.class, otherMode::unlock);
      one.unlock();
      assertThrows(IllegalMonitorStateException.class, one::unlock, "once too often");
      assertTrue(free(other.writeLock()));
    }
  }

  // ---- waiting

  @Test
  void lock_heldByAWriter_waitsUntilItIsUnlocked() throws Exception {
    for (ReadWriteLock view : List.of(lock, other)) {
      for (Lock wanted : List.of(view.readLock(), view.writeLock())) {
        lock.writeLock().lock();
        Actor waiter = new Actor();
        FutureTask<Boolean> waiting = waiter.waits(wanted::lock);
        assertFalse(waiting.isDone());

        lock.writeLock().unlock();

        answer(waiting);
        assertFalse(free(lock.writeLock()));
        waiter.run(wanted::unlock);
        assertTrue(free(lock.writeLock()));
      }
    }
  }

  @Test
  void writeLock_severalReaders_waitsForTheLast() throws Exception {
    Actor reader = new Actor();
    reader.run(lock.readLock()::lock);
    lock.readLock().lock();
    Actor writer = new Actor();
    FutureTask<Boolean> waiting = writer.waits(other.writeLock()::lock);

    lock.readLock().unlock();
    pass(STEP);
    assertFalse(waiting.isDone());
    assertFalse(free(lock.readLock()), "a reader went before a writer that waits");
    reader.run(lock.readLock()::unlock);

    answer(waiting);
    writer.run(other.writeLock()::unlock);
  }

  @Test
  void readLock_severalWaitForAWriter_comeInTogether() throws Exception {
    lock.writeLock().lock();
    List<Actor> readers = List.of(new Actor(), new Actor(), new Actor());
    List<FutureTask<Boolean>> waiting = new ArrayList<>();
    int seen = 0;
    for (Actor reader : readers) {
      Lock mine = (seen++ % 2 == 0 ? lock : other).readLock();
      waiting.add(reader.waits(mine::lock));
    }

    lock.writeLock().unlock();

    for (FutureTask<Boolean> reader : waiting) {
      assertTrue(answer(reader));
    }
    assertFalse(free(lock.writeLock()));
  }

  /// Who reads may read again, whoever waits: it would wait for itself otherwise.
  @Test
  void readLock_enteredAgainWhileAWriterWaits_doesNotWait() throws Exception {
    lock.readLock().lock();
    Actor writer = new Actor();
    FutureTask<Boolean> waiting = writer.waits(other.writeLock()::lock);
    for (Way way : WAYS) {
      assertTrue(way.take(lock.readLock()));
      lock.readLock().unlock();
    }
    lock.readLock().unlock();
    answer(waiting);
  }

  @Test
  void tryLock_somebodyWaits_neverBarges() throws Exception {
    lock.readLock().lock();
    Actor writer = new Actor();
    FutureTask<Boolean> waiting = writer.waits(other.writeLock()::lock);

    assertFalse(free(lock.readLock()));
    assertFalse(new Actor().call(() -> lock.readLock().tryLock(0, TimeUnit.SECONDS)));

    lock.readLock().unlock();
    answer(waiting);
  }

  @Test
  void tryLock_timeIsOver_isFalseThenAndLeavesNothingBehind() throws Exception {
    lock.writeLock().lock();
    for (Lock wanted : List.of(lock.readLock(), lock.writeLock(), other.writeLock())) {
      Actor waiter = new Actor();
      FutureTask<Boolean> waiting = waiter.waits(() -> wanted.tryLock(1, TimeUnit.SECONDS));

      assertFalse(answer(waiting));

      assertEquals(0, status().waiting());
      assertThrows(IllegalMonitorStateException.class, () -> waiter.run(wanted::unlock));
    }
    lock.writeLock().unlock();
    assertTrue(free(other.writeLock()));
  }

  @Test
  void tryLock_unlockedInTime_isTrue() throws Exception {
    lock.writeLock().lock();
    Actor waiter = new Actor();
    FutureTask<Boolean> waiting =
        waiter.waits(() -> other.readLock().tryLock(HOUR, TimeUnit.SECONDS));

    lock.writeLock().unlock();

    assertTrue(answer(waiting));
    waiter.run(other.readLock()::unlock);
  }

  // ---- interrupts

  @Test
  void lockInterruptibly_interruptedWhileWaiting_leavesNothingBehind() throws Exception {
    lock.writeLock().lock();
    for (Lock wanted : List.of(lock.readLock(), other.writeLock())) {
      List<Callable<Boolean>> calls =
          List.of(
              () -> {
                wanted.lockInterruptibly();
                return true;
              },
              () -> wanted.tryLock(HOUR, TimeUnit.SECONDS));
      for (Callable<Boolean> call : calls) {
        Actor waiter = new Actor();
        FutureTask<Boolean> waiting = waiter.waits(call);

        waiter.thread.interrupt();

        assertThrows(InterruptedException.class, () -> answer(waiting));
        assertEquals(0, status().waiting());
        assertFalse(waiter.call(() -> Thread.currentThread().isInterrupted()));
      }
    }
    lock.writeLock().unlock();
    assertTrue(free(other.writeLock()));
  }

  @Test
  void lockInterruptibly_interruptedBefore_throwsThoughFreeOrEnteredBefore() {
    for (Lock one : bothLocks()) {
      for (boolean entered : List.of(false, true)) {
        if (entered) {
          one.lock();
        }
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, one::lockInterruptibly);
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, () -> one.tryLock(HOUR, TimeUnit.SECONDS));
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, () -> one.tryLock(0, TimeUnit.SECONDS));
        if (entered) {
          one.unlock();
        }
        assertThrows(IllegalMonitorStateException.class, one::unlock);
      }
    }
  }

  /// An interrupted waiter that began anew would find itself behind the one that came after it.
  @Test
  void lock_interruptedWhileWaiting_keepsItsPlaceAndTheInterrupt() throws Exception {
    // One that joined its process's queue in memory would not be seen.
    Lock last = open().lock(NAME).asReadWriteLock().writeLock();
    for (ReadWriteLock view : List.of(lock, other)) {
      for (Lock wanted : List.of(view.readLock(), view.writeLock())) {
        lock.writeLock().lock();
        Actor first = new Actor();
        FutureTask<Boolean> waiting =
            first.waits(() -> {
              wanted.lock();
              return Thread.interrupted();
            });
        Actor second = new Actor();
        FutureTask<Boolean> behind = second.waits(last::lock);

        first.thread.interrupt();
        pass(STEP);
        first.thread.interrupt();
        lock.writeLock().unlock();

        assertTrue(answer(waiting), "the interrupt was lost");
        assertFalse(behind.isDone());
        first.run(wanted::unlock);
        answer(behind);
        second.run(last::unlock);
      }
    }
  }

  @Test
  void lock_interruptedBefore_isTakenAndTheInterruptIsKept() {
    for (Lock one : bothLocks()) {
      Thread.currentThread().interrupt();
      one.lock();
      assertTrue(Thread.interrupted());
      Thread.currentThread().interrupt();
      assertTrue(one.tryLock(), "a try heeds no interrupt");
      assertTrue(Thread.interrupted());
      one.unlock();
      one.unlock();
    }
  }

  // ---- both modes

  @Test
  void readLock_byTheWriter_isEnteredAndReadsOnAfterTheWriteLockIsGivenBack() throws Exception {
    lock.writeLock().lock();
    lock.writeLock().lock();
    for (Way way : WAYS) {
      assertTrue(way.take(lock.readLock()));
    }
    lock.writeLock().unlock();
    assertFalse(free(other.readLock()), "it writes still");

    lock.writeLock().unlock();

    assertTrue(free(lock.readLock()) && free(other.readLock()), "it reads alone");
    assertFalse(free(lock.writeLock()) || free(other.writeLock()), "it does not read");
    for (Way _ : WAYS) {
      assertFalse(free(other.writeLock()));
      lock.readLock().unlock();
    }
    assertTrue(free(other.writeLock()));
  }

  @Test
  void readLock_byTheWriterAndGivenBackFirst_writesOn() throws Exception {
    lock.writeLock().lock();
    lock.readLock().lock();
    lock.readLock().unlock();
    assertFalse(free(other.readLock()));
    lock.writeLock().unlock();
    assertTrue(free(other.writeLock()));
  }

  @Test
  void readLock_whoWaitsToRead_comesInWhenTheWriterReadsOn() throws Exception {
    lock.writeLock().lock();
    lock.readLock().lock();
    Actor reader = new Actor();
    FutureTask<Boolean> waiting = reader.waits(other.readLock()::lock);

    lock.writeLock().unlock();

    answer(waiting);
    lock.readLock().unlock();
    reader.run(other.readLock()::unlock);
    assertTrue(free(lock.writeLock()));
  }

  @Test
  void writeLock_byAReader_isToldThatItWouldWaitForItself() throws Exception {
    for (boolean wroteBefore : List.of(false, true)) {
      if (wroteBefore) {
        lock.writeLock().lock();
      }
      lock.readLock().lock();
      if (wroteBefore) {
        lock.writeLock().unlock();
      }
      assertThrows(DeadlockException.class, () -> lock.writeLock().lock());
      assertThrows(DeadlockException.class, () -> lock.writeLock().lockInterruptibly());
      assertFalse(lock.writeLock().tryLock());
      assertFalse(lock.writeLock().tryLock(HOUR, TimeUnit.SECONDS));
      assertEquals(0, status().waiting());
      assertTrue(free(other.readLock()));
      lock.readLock().unlock();
      assertTrue(free(other.writeLock()));
    }
  }

  @Test
  void newCondition_ofEither_isUnsupported() {
    for (Lock one : bothLocks()) {
      assertThrows(UnsupportedOperationException.class, one::newCondition);
    }
  }

  /// A view knows of its own entries; to any other way to the lock its thread is a holder.
  @Test
  void lock_threadHoldsItByAnotherWay_isToldThatItWouldWaitForItself() throws Exception {
    NamedLock named = handles.getFirst().lock(NAME);
    lock.writeLock().lock();
    assertThrows(DeadlockException.class, () -> named.acquire(Duration.ofHours(1)));
    assertThrows(DeadlockException.class, named.asReadWriteLock().readLock()::lock);
    lock.writeLock().unlock();
    assertTrue(free(other.writeLock()));
  }

  // ---- loss

  @Test
  void unlock_lostMeanwhile_saysSoOnceAndTheThreadHoldsNothing() throws Exception {
    for (Lock one : bothLocks()) {
      one.lock();
      one.lock();
      handles.getLast().lock(NAME).revoke("it hangs");

      for (Way way : WAYS) {
        assertThrows(LockLostException.class, () -> way.take(one), "entered what it has lost");
      }
      one.unlock();
      assertThrows(LockLostException.class, one::unlock);
      assertThrows(IllegalMonitorStateException.class, one::unlock);

      one.lock();
      assertFalse(free(other.writeLock()));
      one.unlock();
    }
  }

  @Test
  void lock_handleIsClosed_isRefusedAndWhatWasHeldIsLost() throws Exception {
    lock.writeLock().lock();
    Actor waiter = new Actor();
    FutureTask<Boolean> waiting = waiter.waits(lock.readLock()::lock);

    handles.getFirst().close();

    assertThrows(EngineException.class, () -> answer(waiting));
    assertThrows(LockLostException.class, lock.writeLock()::unlock);
    for (Way way : WAYS) {
      assertThrows(EngineException.class, () -> way.take(lock.writeLock()));
    }
    assertTrue(free(other.writeLock()));
  }

  // ---- many

  /// Threads of two processes count under the lock, entered in every way; interrupts hit them at
  /// any moment.
  @Test
  void lock_manyThreadsInEveryWay_loseNoCount() throws Exception {
    int[] plain = new int[2];
    List<Actor> workers = new ArrayList<>();
    List<FutureTask<Integer>> working = new ArrayList<>();
    for (int worker = 0; worker < 6; worker++) {
      ReadWriteLock view = worker % 2 == 0 ? lock : other;
      workers.add(new Actor());
      working.add(workers.getLast().begin(() -> count(view, plain)));
    }
    int counted = 0;
    for (FutureTask<Integer> work : working) {
      passUntil(
          () -> {
            workers.getFirst().thread.interrupt();
            return work.isDone();
          },
          "the work is done");
      counted += get(work);
    }
    assertEquals(counted, plain[0]);
    assertEquals(counted, plain[1]);
    assertTrue(free(lock.writeLock()));
    assertEquals(0, status().waiting());
  }

  private int count(ReadWriteLock view, int[] plain) throws Exception {
    int counted = 0;
    for (int round = 0; round < rounds(); round++) {
      boolean writes = round % 3 != 0;
      Lock mine = writes ? view.writeLock() : view.readLock();
      try {
        if (!WAYS.get(round % WAYS.size()).take(mine)) {
          continue;
        }
      } catch (InterruptedException gaveUp) {
        continue;
      }
      try {
        assertEquals(plain[0], plain[1], "a torn read");
        if (writes) {
          plain[0]++;
          Thread.onSpinWait();
          plain[1]++;
          counted++;
        }
      } finally {
        mine.unlock();
      }
    }
    var _ = Thread.interrupted();
    return counted;
  }
}
