package dev.truce.testkit;

final class MemoryJournalTest extends JournalContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new MemoryUnderTest();
  }
}
