package dev.truce.testkit;

import dev.truce.spi.Engine;
import java.time.Duration;

/// An engine that sits the exam: one fresh place, the handles on it, and what only its author can
/// do to them. What it promises it says itself, by [Engine#capabilities()].
public interface EngineUnderTest extends AutoCloseable {
  /// A new handle on the place, as another process would open one.
  Engine open();

  /// Does to a handle what the death of its process does: nothing more is said, nothing is given
  /// back.
  void kill(Engine handle);

  /// Lets time pass on the clocks of all handles: moves a test clock, or waits.
  void pass(Duration time);

  /// Whether nothing is left to happen on this place until time passes, so that a suite may let it
  /// pass without overtaking a thread that is held up: on a test clock [TestClock#isAtRest()].
  /// Where nobody can tell, or time passes by itself, it is `true`.
  default boolean isAtRest() {
    return true;
  }

  /// For how long a killed member cannot be ended: zero where the engine proves deaths.
  Duration term();

  /// Closes what is still open and removes the place.
  @Override
  void close();
}
