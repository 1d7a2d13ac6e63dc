package dev.truce.file;

import dev.truce.testkit.ElectionContract;
import dev.truce.testkit.EngineUnderTest;
import dev.truce.testkit.Seed;

/// Elections over a directory, whose waits run on a test clock.
final class FileElectionTest extends ElectionContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new OnTestClock();
  }
}
