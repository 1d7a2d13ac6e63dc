package dev.truce.testkit;

final class HostileLockTest extends LockContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new HostileUnderTest(seed);
  }

  @Override
  protected int rounds() {
    return 100;
  }
}
