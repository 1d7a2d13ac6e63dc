package dev.truce.file;

import dev.truce.testkit.EngineUnderTest;
import dev.truce.testkit.LockContract;
import dev.truce.testkit.Seed;

/// Locks over a directory, whose waits run on a test clock.
class FileLockTest extends LockContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new OnTestClock();
  }
}
