package dev.truce.lock;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/// The threads of one test, and the bound on every wait for them.
public final class Crew implements AutoCloseable {
  public static final Duration LIVENESS = Duration.ofSeconds(10);

  /// How often a test looks whether what it waits for has come to be.
  private static final long POLL_NANOS = 100_000;

  private final List<Thread> threads = new ArrayList<>();

  /// Work on a thread of its own.
  public static final class Job<T> {
    private final FutureTask<T> task;
    private final Thread thread;

    private Job(FutureTask<T> task, Thread thread) {
      this.task = task;
      this.thread = thread;
    }

    public Thread thread() {
      return thread;
    }

    public boolean done() {
      return task.isDone();
    }

    public T join() throws Exception {
      try {
        return task.get(LIVENESS.toSeconds(), TimeUnit.SECONDS);
      } catch (TimeoutException late) {
        AssertionError stuck = new AssertionError("stuck: " + thread);
        stuck.setStackTrace(thread.getStackTrace());
        throw stuck;
      }
    }

    public Throwable failure() throws Exception {
      try {
        return new AssertionError("no failure but " + join());
      } catch (ExecutionException failed) {
        return failed.getCause();
      }
    }
  }

  public <T> Job<T> platform(Callable<T> work) {
    return start(Thread.ofPlatform().daemon(), work);
  }

  public <T> Job<T> virtual(Callable<T> work) {
    return start(Thread.ofVirtual(), work);
  }

  private <T> Job<T> start(Thread.Builder builder, Callable<T> work) {
    FutureTask<T> task = new FutureTask<>(work);
    Thread thread = builder.start(task);
    threads.add(thread);
    return new Job<>(task, thread);
  }

  public static void until(BooleanSupplier so) {
    long deadline = System.nanoTime() + LIVENESS.toNanos();
    while (!so.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("it never came to be");
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  @Override
  public void close() {
    threads.forEach(Thread::interrupt);
  }
}
