package dev.truce.testkit;

final class MemoryMembersTest extends MembersContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new MemoryUnderTest();
  }
}
