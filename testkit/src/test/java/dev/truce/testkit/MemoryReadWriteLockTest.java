package dev.truce.testkit;

final class MemoryReadWriteLockTest extends ReadWriteLockContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new MemoryUnderTest();
  }
}
