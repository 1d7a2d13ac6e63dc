package dev.truce.testkit;

final class HostileJournalTest extends JournalContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new HostileUnderTest(seed);
  }
}
