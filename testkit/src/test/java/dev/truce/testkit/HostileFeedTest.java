package dev.truce.testkit;

final class HostileFeedTest extends FeedContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new HostileUnderTest(seed);
  }
}
