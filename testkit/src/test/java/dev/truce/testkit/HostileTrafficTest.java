package dev.truce.testkit;

final class HostileTrafficTest extends TrafficContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new HostileUnderTest(seed);
  }

  @Override
  protected int rounds() {
    return 10;
  }
}
