package dev.truce.testkit;

final class MemoryConflictTest extends ConflictContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new MemoryUnderTest();
  }
}
