package dev.truce.testkit;

import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Engine;
import java.time.Duration;

/// Memory on a test clock.
final class MemoryUnderTest implements EngineUnderTest {
  final TestClock clock = new TestClock();
  private final MemoryEngine first = MemoryEngine.create(clock);

  @Override
  public Engine open() {
    return first.another();
  }

  /// In memory a member dies by being closed.
  @Override
  public void kill(Engine handle) {
    handle.close();
  }

  @Override
  public void pass(Duration time) {
    clock.advance(time);
  }

  @Override
  public boolean isAtRest() {
    return clock.isAtRest();
  }

  @Override
  public Duration term() {
    return Duration.ZERO;
  }

  @Override
  public void close() {
    first.close();
  }
}
