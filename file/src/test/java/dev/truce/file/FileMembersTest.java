package dev.truce.file;

import dev.truce.testkit.EngineUnderTest;
import dev.truce.testkit.MembersContract;
import dev.truce.testkit.Seed;

final class FileMembersTest extends MembersContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new FileUnderTest();
  }
}
