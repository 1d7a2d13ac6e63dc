package dev.truce.testkit;

final class MemoryStoreTest extends StoreContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new MemoryUnderTest();
  }
}
