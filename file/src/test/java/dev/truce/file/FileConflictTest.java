package dev.truce.file;

import dev.truce.testkit.ConflictContract;
import dev.truce.testkit.EngineUnderTest;
import dev.truce.testkit.Seed;

final class FileConflictTest extends ConflictContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new FileUnderTest();
  }
}
