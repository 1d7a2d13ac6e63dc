package dev.truce.testkit;

final class MemoryElectionTest extends ElectionContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new MemoryUnderTest();
  }
}
