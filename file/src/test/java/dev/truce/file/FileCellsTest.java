package dev.truce.file;

import dev.truce.testkit.CellsContract;
import dev.truce.testkit.EngineUnderTest;
import dev.truce.testkit.Seed;

final class FileCellsTest extends CellsContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new FileUnderTest();
  }
}
