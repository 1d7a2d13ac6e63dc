package dev.truce.testkit;

final class MemoryCancellationIT extends CancellationContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new MemoryUnderTest();
  }
}
