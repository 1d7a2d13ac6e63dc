package dev.truce.testkit;

final class HostileCellsTest extends CellsContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new HostileUnderTest(seed);
  }
}
