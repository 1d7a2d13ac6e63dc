package dev.truce.testkit;

final class HostileConflictTest extends ConflictContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new HostileUnderTest(seed);
  }
}
