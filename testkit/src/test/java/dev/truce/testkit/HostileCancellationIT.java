package dev.truce.testkit;

final class HostileCancellationIT extends CancellationContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new HostileUnderTest(seed);
  }

  @Override
  protected int stride() {
    return Boolean.getBoolean("truce.full") ? 1 : 7;
  }
}
