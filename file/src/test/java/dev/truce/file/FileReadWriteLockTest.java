package dev.truce.file;

import dev.truce.testkit.EngineUnderTest;
import dev.truce.testkit.ReadWriteLockContract;
import dev.truce.testkit.Seed;

/// The JDK's view of locks over a directory, whose waits run on a test clock.
final class FileReadWriteLockTest extends ReadWriteLockContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new OnTestClock();
  }
}
