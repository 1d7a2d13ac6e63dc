package dev.truce.benchmarks;

import dev.truce.Truce;
import dev.truce.lock.Grant;
import dev.truce.lock.NamedLock;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/// One lock that several threads want all the time; `-t 2` and `-t 4` say how many.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Threads(2)
@Fork(3)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class Contended {
  private static final Duration WAIT = Duration.ofSeconds(30);

  private final Lock fair = new ReentrantReadWriteLock(true).writeLock();
  private Truce truce;
  private NamedLock lock;
  private long counter;

  @Setup(Level.Trial)
  public void open() {
    truce = Truce.inMemory();
    lock = truce.lock("bench");
  }

  @TearDown(Level.Trial)
  public void close() {
    truce.close();
  }

  @Benchmark
  public long truce() throws InterruptedException {
    try (Grant _ = lock.acquire(WAIT)) {
      return ++counter;
    }
  }

  @Benchmark
  public long reentrantReadWriteLockFair() {
    fair.lock();
    try {
      return ++counter;
    } finally {
      fair.unlock();
    }
  }
}
