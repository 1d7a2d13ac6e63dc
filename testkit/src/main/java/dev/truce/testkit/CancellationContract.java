package dev.truce.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.truce.EngineException;
import dev.truce.OutcomeUnknownException;
import dev.truce.Truce;
import dev.truce.lock.Grant;
import dev.truce.lock.Lease;
import dev.truce.lock.LockLostException;
import dev.truce.lock.LockSet;
import dev.truce.lock.LockStatus;
import dev.truce.lock.NamedLock;
import dev.truce.lock.NotAcquiredException;
import dev.truce.spi.Capabilities;
import dev.truce.spi.Cells;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import dev.truce.spi.Members;
import dev.truce.spi.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Every kind of acquire, ended from outside at each of its steps: whatever comes of it, no row is
/// left in the cell, no gate is stuck, and the next acquire works.
///
/// A step is a call of the engine, or a wait on its clock, by whichever thread of the process; what
/// ends it comes right before. Each is tried on a lock that is free and on one that another process
/// holds and gives back meanwhile.
public abstract class CancellationContract extends EngineContract {
  private static final Duration LONG = Duration.ofHours(1);
  private static final Duration SHORT = Duration.ofMillis(300);
  private static final Duration TERM = Duration.ofSeconds(30);
  private static final int MOST_STEPS = 2_000;

  private final List<Truce> handles = new ArrayList<>();
  private int names;

  /// For a subclass, which names the engine.
  protected CancellationContract() {}

  /// At every how many steps something happens; more where a run is slow.
  protected int stride() {
    return 1;
  }

  @AfterEach
  void closeHandles() {
    handles.forEach(Truce::close);
  }

  // ---- what happens

  private enum Cut {
    /// The thread is interrupted, or the future is completed.
    CANCEL,
    /// This call of the engine fails.
    FAIL,
    /// This one and the next four do.
    FAIL_FOR_A_WHILE,
    /// The Truce is closed by another thread.
    CLOSE
  }

  // ---- what is cut

  /// An acquire in progress, with all it does until it holds nothing any more.
  private interface Acquire {
    void by(Run run) throws Exception;
  }

  private record Kind(String what, Acquire acquire) {}

  private static final List<Kind> BLOCKING =
      List.of(
          new Kind("write", run -> run.lock().acquire(LONG).close()),
          new Kind("read", run -> run.lock().read().acquire(LONG).close()),
          new Kind("prior", run -> run.lock().withPriority(-1).acquire(LONG).close()),
          new Kind("try", run -> run.lock().tryAcquire().ifPresent(Grant::close)),
          new Kind("timed", run -> run.lock().acquire(SHORT).close()),
          new Kind("several", CancellationContract::several),
          new Kind("again and as a reader", CancellationContract::again),
          new Kind("a reader that writes", CancellationContract::upgrade));

  private static final List<Kind> LASTING =
      List.of(
          new Kind("lease", run -> run.lock().lease(TERM, LONG).release()),
          new Kind("timed lease", run -> run.lock().lease(TERM, SHORT).release()),
          new Kind("ticket", CancellationContract::ticket));

  private static final List<Kind> VIEWS =
      List.of(
          new Kind("view, lock", run -> view(run, Lock::lock)),
          new Kind("view, lockInterruptibly", run -> view(run, Lock::lockInterruptibly)));

  private static final List<Kind> ASYNC =
      List.of(
          new Kind("async, cancelled", run -> async(run, future -> future.cancel(true))),
          new Kind("async, completed", run -> async(run, future -> future.complete(null))),
          new Kind(
              "async, failed",
              run ->
                  async(
                      run,
                      future -> future.completeExceptionally(new IllegalStateException("enough")))),
          new Kind("async reader", run -> asyncReader(run)));

  private static void several(Run run) throws Exception {
    Truce truce = run.truce;
    LockSet set =
        truce.locks(truce.lock(run.name + " a"), run.lock(), truce.lock(run.name + " z").read());
    set.acquire(LONG).close();
  }

  private static void again(Run run) throws Exception {
    try (Grant first = run.lock().acquire(LONG);
        Grant second = first.reenter()) {
      second.downgrade();
    }
  }

  private static void upgrade(Run run) throws Exception {
    try (Grant grant = run.lock().read().acquire(LONG)) {
      grant.upgrade(LONG);
    }
  }

  private static void ticket(Run run) throws Exception {
    NamedLock lock = run.lock();
    try {
      lock.withTicket(TERM).lease(TERM, SHORT).release();
    } catch (NotAcquiredException refused) {
      String ticket = refused.refusal().ticket().orElseThrow();
      Lease lease = lock.withTicket(ticket).lease(TERM, LONG);
      lease.release();
    }
  }

  private interface Way {
    void take(Lock lock) throws InterruptedException;
  }

  private static void view(Run run, Way way) throws Exception {
    ReadWriteLock view = run.lock().asReadWriteLock();
    way.take(view.writeLock());
    try {
      way.take(view.writeLock());
      view.writeLock().unlock();
      way.take(view.readLock());
      view.readLock().unlock();
    } finally {
      view.writeLock().unlock();
    }
  }

  private static void async(Run run, Completion completion) throws Exception {
    await(run, run.lock().acquireAsync(LONG), completion);
  }

  private static void asyncReader(Run run) throws Exception {
    await(run, run.lock().read().acquireAsync(LONG), future -> future.cancel(false));
  }

  private interface Completion {
    void complete(CompletableFuture<Grant> future);
  }

  private static void await(Run run, CompletableFuture<Grant> future, Completion completion)
      throws Exception {
    run.cancelBy(() -> completion.complete(future));
    @Nullable Grant grant = future.get();
    if (grant != null) {
      grant.close();
    }
  }

  // ---- one run

  /// One call that is cut at one step.
  private static final class Run {
    private final Truce truce;
    private final String name;
    private @Nullable Thread caller;
    private @Nullable Runnable cancel;
    private boolean cancelled;

    Run(Truce truce, String name) {
      this.truce = truce;
      this.name = name;
    }

    NamedLock lock() {
      return truce.lock(name);
    }

    /// Until this is said the thread is interrupted.
    synchronized void cancelBy(Runnable how) {
      cancel = how;
      if (cancelled) {
        how.run();
      }
    }

    synchronized void cancel() {
      cancelled = true;
      if (cancel != null) {
        cancel.run();
      } else {
        Objects.requireNonNull(caller).interrupt();
      }
    }

    synchronized void start(Thread thread) {
      caller = thread;
      thread.start();
    }
  }

  @Test
  void acquire_cutAtEveryStep_leavesNothingBehind() throws Exception {
    sweep(BLOCKING);
  }

  @Test
  void lease_cutAtEveryStep_leavesNothingButWhatItsTermEnds() throws Exception {
    sweep(LASTING);
  }

  @Test
  void acquireAsync_cutAtEveryStep_leavesNothingBehind() throws Exception {
    sweep(ASYNC);
  }

  @Test
  void view_cutAtEveryStep_leavesNothingBehind() throws Exception {
    sweep(VIEWS);
  }

  private void sweep(List<Kind> kinds) throws Exception {
    Truce observer = handle(Truce.over(place().open()));
    for (Cut cut : Cut.values()) {
      Stepping engine = new Stepping(place().open());
      Truce truce = handle(Truce.over(engine));
      for (Kind kind : kinds) {
        for (boolean contended : List.of(false, true)) {
          int step = 1;
          boolean reached = true;
          while (reached && step < MOST_STEPS) {
            if (cut == Cut.CLOSE) {
              engine = new Stepping(place().open());
              truce = handle(Truce.over(engine));
            }
            Run run = new Run(truce, "n" + names++);
            try {
              reached = cut(kind, contended, cut, step, run, engine, observer);
            } catch (Exception | AssertionError failure) {
              throw new AssertionError(
                  kind.what + (contended ? ", contended, " : ", ") + cut + " at step " + step,
                  failure);
            }
            if (cut == Cut.CLOSE) {
              handles.remove(truce);
              truce.close();
              engine.close();
            }
            step += stride();
          }
          assertTrue(step > 1 + stride(), () -> "no step of " + kind.what + " was cut");
        }
      }
    }
  }

  private Truce handle(Truce truce) {
    handles.add(truce);
    return truce;
  }

  /// Whether there was such a step.
  private boolean cut(
      Kind kind, boolean contended, Cut cut, int step, Run run, Stepping engine, Truce observer)
      throws Exception {
    @Nullable Grant held = contended ? now(observer, run.name) : null;
    List<Throwable> thrown = new ArrayList<>();
    Thread caller =
        Thread.ofPlatform().daemon().name("caller").unstarted(() -> call(kind, run, thrown));
    AtomicInteger closing = new AtomicInteger();
    engine.cutAt(
        step,
        cut == Cut.FAIL ? 1 : cut == Cut.FAIL_FOR_A_WHILE ? 5 : 0,
        () -> {
          switch (cut) {
            case CANCEL -> run.cancel();
            case CLOSE -> {
              closing.incrementAndGet();
              Thread.startVirtualThread(() -> {
                run.truce.close();
                closing.decrementAndGet();
              });
            }
            case FAIL, FAIL_FOR_A_WHILE -> {}
          }
        });
    run.start(caller);
    passUntilOver(caller, held, observer, run.name);
    boolean reached = engine.uncut();
    passUntil(() -> closing.get() == 0, () -> "closing comes to an end");
    thrown.forEach(failure -> assertExpected(failure, cut));
    assertNothingLeft(run, observer);
    if (cut != Cut.CLOSE) {
      assertHad(run.truce, run.name);
    }
    return reached;
  }

  private static void call(Kind kind, Run run, List<Throwable> thrown) {
    try {
      kind.acquire.by(run);
    } catch (Throwable failure) {
      thrown.add(failure);
    }
  }

  /// What a call may come to that is cut in this way.
  private static void assertExpected(Throwable failure, Cut cut) {
    Throwable told =
        failure instanceof ExecutionException || failure instanceof CompletionException
            ? Objects.requireNonNull(failure.getCause())
            : failure;
    boolean expected =
        switch (told) {
          // Refused in its own time; a ticket, or a grant, that is over.
          case NotAcquiredException refused -> true;
          case InterruptedException interrupted -> cut == Cut.CANCEL;
          case CancellationException cancelled -> cut == Cut.CANCEL;
          case IllegalStateException enough -> cut == Cut.CANCEL;
          case LockLostException lost -> cut != Cut.CANCEL;
          case EngineException trouble -> cut != Cut.CANCEL;
          case OutcomeUnknownException unknown -> cut != Cut.CANCEL;
          default -> false;
        };
    if (!expected) {
      throw new AssertionError("unexpected", told);
    }
  }

  private static Grant now(Truce truce, String name) throws InterruptedException {
    return truce.lock(name).acquire(LONG);
  }

  /// Thousands of calls are cut, and no order among them is asserted.
  @Override
  final Duration look() {
    return Duration.ofNanos(200_000);
  }

  /// Lets the call come to its end; gives back what is in its way once it waits for that, or for
  /// time to pass.
  private void passUntilOver(Thread caller, @Nullable Grant held, Truce observer, String name) {
    if (held != null) {
      var _ = isSoBeforeRest(() -> !caller.isAlive() || observer.lock(name).status().waiting() > 0);
      held.close();
    }
    passUntil(() -> !caller.isAlive(), () -> "the call comes to its end: " + observer.status());
  }

  private void assertNothingLeft(Run run, Truce observer) throws InterruptedException {
    for (String name : List.of(run.name, run.name + " a", run.name + " z")) {
      NamedLock lock = observer.lock(name);
      passUntil(
          () -> isFree(lock.status()),
          TERM.dividedBy(10),
          () -> "nothing is left behind: " + lock.status());
      assertHad(observer, name);
    }
  }

  private static boolean isFree(LockStatus status) {
    return status.state() == LockStatus.State.FREE
        && status.holders().isEmpty()
        && status.queue().isEmpty();
  }

  private void assertHad(Truce truce, String name) throws InterruptedException {
    Thread next =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              try {
                truce.lock(name).acquire(LONG).close();
              } catch (InterruptedException impossible) {
                throw new IllegalStateException(impossible);
              }
            });
    passUntil(() -> !next.isAlive(), () -> "the next one is served: " + truce.status());
    assertEquals(0, truce.lock(name).status().waiting());
    assertFalse(next.isAlive());
  }

  // ---- an engine whose calls are counted

  /// Counts what is asked of it, and lets something happen before one of these calls.
  private static final class Stepping implements Engine {
    private final Engine engine;
    private final AtomicInteger steps = new AtomicInteger();
    private final AtomicInteger failures = new AtomicInteger();
    private volatile int at;
    private volatile int failing;
    private volatile Runnable cut = () -> {};

    Stepping(Engine engine) {
      this.engine = engine;
    }

    void cutAt(int step, int toFail, Runnable how) {
      cut = how;
      failing = toFail;
      steps.set(0);
      at = step;
    }

    /// Whether the step was reached; no other is any more.
    boolean uncut() {
      boolean reached = steps.get() >= at;
      at = 0;
      failures.set(0);
      return reached;
    }

    private void step() {
      int reached = at == 0 ? 0 : steps.incrementAndGet();
      if (reached != 0 && reached == at) {
        failures.set(failing);
        cut.run();
      }
    }

    private void call() {
      step();
      if (failures.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
        throw new EngineException(EngineException.Kind.UNREACHABLE, "the test says so");
      }
    }

    @Override
    public String place() {
      return engine.place();
    }

    @Override
    public String root() {
      return engine.root();
    }

    @Override
    public Capabilities capabilities() {
      return engine.capabilities();
    }

    @Override
    public Cells cells() {
      Cells cells = engine.cells();
      return new Cells() {
        @Override
        public Cell read(String key) {
          call();
          return cells.read(key);
        }

        @Override
        public Swap swap(String key, Cell expected, byte[] next) {
          call();
          return cells.swap(key, expected, next);
        }

        @Override
        public List<String> keys(String prefix) {
          return cells.keys(prefix);
        }

        @Override
        public long draw(int count) {
          call();
          return cells.draw(count);
        }
      };
    }

    @Override
    public Members members() {
      return engine.members();
    }

    @Override
    public Journal journal(String name) {
      return engine.journal(name);
    }

    @Override
    public Ticker ticker() {
      Ticker ticker = engine.ticker();
      return new Ticker() {
        @Override
        public long nanos() {
          return ticker.nanos();
        }

        @Override
        public void park(Object blocker, long deadline) {
          step();
          ticker.park(blocker, deadline);
        }
      };
    }

    @Override
    public void close() {
      engine.close();
    }
  }
}
