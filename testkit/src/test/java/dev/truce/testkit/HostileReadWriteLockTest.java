package dev.truce.testkit;

final class HostileReadWriteLockTest extends ReadWriteLockContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new HostileUnderTest(seed);
  }

  @Override
  protected int rounds() {
    return 60;
  }
}
