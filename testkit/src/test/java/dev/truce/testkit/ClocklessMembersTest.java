package dev.truce.testkit;

import dev.truce.spi.Capabilities;

/// Leases and heartbeats must not care what the clocks say to each other.
final class ClocklessMembersTest extends MembersContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new HostileUnderTest(seed, Capabilities.Clock.NONE);
  }
}
