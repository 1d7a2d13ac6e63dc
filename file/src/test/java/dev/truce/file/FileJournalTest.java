package dev.truce.file;

import dev.truce.testkit.EngineUnderTest;
import dev.truce.testkit.JournalContract;
import dev.truce.testkit.Seed;

final class FileJournalTest extends JournalContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new FileUnderTest();
  }
}
