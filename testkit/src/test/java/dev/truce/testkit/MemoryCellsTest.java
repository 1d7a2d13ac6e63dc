package dev.truce.testkit;

final class MemoryCellsTest extends CellsContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new MemoryUnderTest();
  }
}
