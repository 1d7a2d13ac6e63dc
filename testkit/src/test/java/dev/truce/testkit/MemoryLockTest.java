package dev.truce.testkit;

final class MemoryLockTest extends LockContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new MemoryUnderTest();
  }

  @Override
  protected int names() {
    return Boolean.getBoolean("truce.full") ? 1_000_000 : 100_000;
  }
}
