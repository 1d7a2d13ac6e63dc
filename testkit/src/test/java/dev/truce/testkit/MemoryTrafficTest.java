package dev.truce.testkit;

final class MemoryTrafficTest extends TrafficContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new MemoryUnderTest();
  }
}
