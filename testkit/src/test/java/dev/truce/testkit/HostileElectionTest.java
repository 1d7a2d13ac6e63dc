package dev.truce.testkit;

final class HostileElectionTest extends ElectionContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new HostileUnderTest(seed);
  }

  @Override
  protected int terms() {
    return 50;
  }
}
