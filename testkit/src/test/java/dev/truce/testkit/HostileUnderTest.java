package dev.truce.testkit;

import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Capabilities;
import dev.truce.spi.Engine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/// The hostile engine over memory, on a test clock.
final class HostileUnderTest implements EngineUnderTest {
  final TestClock clock = new TestClock();
  private final MemoryEngine memory = MemoryEngine.create(clock);
  private final HostileEngine first;
  private final List<HostileEngine> handles = new ArrayList<>();
  private final Set<Thread> older = heartbeats();

  HostileUnderTest(Seed seed) {
    this(seed, Capabilities.Clock.BOOT);
  }

  HostileUnderTest(Seed seed, Capabilities.Clock kind) {
    first = HostileEngine.over(memory, seed, kind);
  }

  @Override
  public synchronized HostileEngine open() {
    HostileEngine handle = first.another(memory.another());
    handles.add(handle);
    return handle;
  }

  /// The handle falls silent; its heartbeat goes on failing, as if the process had only lost its
  /// network.
  @Override
  public void kill(Engine handle) {
    ((HostileEngine) handle).cut();
  }

  @Override
  public void pass(Duration time) {
    Set<Thread> mine = heartbeats();
    mine.removeAll(older);
    clock.awaitSettled(mine);
    clock.advance(time);
    clock.awaitSettled(mine);
  }

  private static Set<Thread> heartbeats() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("truce-heartbeat"))
        .collect(Collectors.toSet());
  }

  @Override
  public boolean isAtRest() {
    return clock.isAtRest();
  }

  @Override
  public Duration term() {
    return HostileEngine.TERM;
  }

  @Override
  public synchronized void close() {
    handles.forEach(Engine::close);
    first.close();
  }
}
