package dev.truce.testkit;

final class MemoryFeedTest extends FeedContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new MemoryUnderTest();
  }
}
