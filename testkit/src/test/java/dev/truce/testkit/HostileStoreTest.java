package dev.truce.testkit;

final class HostileStoreTest extends StoreContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new HostileUnderTest(seed);
  }
}
