package dev.truce.testkit;

final class HostileMembersTest extends MembersContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new HostileUnderTest(seed);
  }
}
