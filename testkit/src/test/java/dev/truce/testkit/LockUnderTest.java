package dev.truce.testkit;

import dev.truce.Truce;
import dev.truce.lock.Grant;
import dev.truce.lock.NamedLock;
import dev.truce.lock.NotAcquiredException;
import dev.truce.memory.MemoryEngine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/// As little of a lock as the scenarios need, so that a broken one is a few lines.
interface LockUnderTest extends AutoCloseable {
  /// The world the lock lives in: its clock for waiting, and the one on the wall, which may be set.
  record World(TestClock clock, AtomicLong wallMillis) {
    World() {
      this(new TestClock(), new AtomicLong(1_700_000_000_000L));
    }
  }

  /// What was granted.
  interface Held {
    long token();

    /// Its number in the order of arrival, 0 when it did not have to wait.
    long arrival();

    void release();
  }

  /// Starts a process under this pid, which the system may have given to another one before.
  void start(String process, long pid);

  /// The process dies, with whatever it holds.
  void die(String process);

  /// Asks for a lock; empty when it could not be had in that time.
  Optional<Held> acquire(String process, String lock, boolean write, Duration wait)
      throws InterruptedException;

  /// How many wait for a lock, as far as everybody can see.
  int waiting(String lock);

  @Override
  void close();

  /// The real thing, over memory.
  final class OverTruce implements LockUnderTest {
    private final MemoryEngine memory;
    private final Map<String, MemoryEngine> engines = new HashMap<>();
    private final Map<String, Truce> processes = new HashMap<>();
    private final List<Truce> all = new ArrayList<>();

    OverTruce(World world) {
      memory = MemoryEngine.create(world.clock());
    }

    @Override
    public synchronized void start(String process, long pid) {
      MemoryEngine engine = memory.another();
      Truce truce = Truce.builder().engine(engine).pid(pid).open();
      engines.put(process, engine);
      processes.put(process, truce);
      all.add(truce);
    }

    @Override
    public synchronized void die(String process) {
      engines.get(process).close();
    }

    private synchronized Truce truce(String process) {
      return processes.get(process);
    }

    @Override
    public Optional<Held> acquire(String process, String name, boolean write, Duration wait)
        throws InterruptedException {
      NamedLock writing = truce(process).lock(name);
      try {
        return Optional.of(held((write ? writing : writing.read()).acquire(wait)));
      } catch (NotAcquiredException refused) {
        return Optional.empty();
      }
    }

    private static Held held(Grant grant) {
      return new Held() {
        @Override
        public long token() {
          return grant.token();
        }

        @Override
        public long arrival() {
          return grant.arrival();
        }

        @Override
        public void release() {
          grant.close();
        }
      };
    }

    @Override
    public synchronized int waiting(String lock) {
      return all.getFirst().lock(lock).status().waiting();
    }

    @Override
    public synchronized void close() {
      all.forEach(Truce::close);
    }
  }
}
