package dev.truce.file;

import dev.truce.testkit.EngineUnderTest;
import dev.truce.testkit.Seed;
import dev.truce.testkit.StoreContract;

final class FileStoreTest extends StoreContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new FileUnderTest();
  }
}
