package dev.truce.file;

import dev.truce.testkit.EngineUnderTest;
import dev.truce.testkit.Seed;
import dev.truce.testkit.TrafficContract;

/// The record of traffic over a directory, whose waits run on a test clock.
final class FileTrafficTest extends TrafficContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new OnTestClock();
  }
}
