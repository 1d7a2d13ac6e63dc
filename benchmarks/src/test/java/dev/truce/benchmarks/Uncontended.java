package dev.truce.benchmarks;

import dev.truce.Truce;
import dev.truce.lock.NamedLock;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// Acquire and release by one thread, of a lock that nobody else wants.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class Uncontended {
  private static final Duration WAIT = Duration.ofSeconds(30);

  @Param({"write", "read"})
  String mode = "write";

  private Truce truce;
  private NamedLock lock;
  private Lock unfair;
  private Lock fair;
  private final StampedLock stamped = new StampedLock();

  @Setup(Level.Trial)
  public void open() {
    boolean read = mode.equals("read");
    truce = Truce.inMemory();
    lock = read ? truce.lock("bench").read() : truce.lock("bench");
    unfair = view(new ReentrantReadWriteLock(), read);
    fair = view(new ReentrantReadWriteLock(true), read);
  }

  private static Lock view(ReentrantReadWriteLock lock, boolean read) {
    return read ? lock.readLock() : lock.writeLock();
  }

  @TearDown(Level.Trial)
  public void close() {
    truce.close();
  }

  @Benchmark
  public void truce() throws InterruptedException {
    lock.acquire(WAIT).close();
  }

  @Benchmark
  public void reentrantReadWriteLock() {
    pass(unfair);
  }

  @Benchmark
  public void reentrantReadWriteLockFair() {
    pass(fair);
  }

  private static void pass(Lock lock) {
    lock.lock();
    try {
      // nothing: what is measured is the lock
    } finally {
      lock.unlock();
    }
  }

  @Benchmark
  public void stampedLock() {
    stamped.unlock(mode.equals("read") ? stamped.readLock() : stamped.writeLock());
  }
}
