package dev.truce.file;

import dev.truce.testkit.SimulatedMachine;
import java.util.function.Consumer;

/// Hands the points of [Yield] on to the simulated machine whose process comes to one, if it is
/// one: the build names this hook for the tests that start no processes.
public final class Reached implements Consumer<String> {
  @Override
  public void accept(String point) {
    SimulatedMachine.reach(point);
  }
}
