package dev.truce.lock;

/// Thousands of states of each world: of the small ones all that there are.
class LockMachineExplorationIT extends LockMachineExplorationTest {
  @Override
  int maxStates() {
    return Boolean.getBoolean("truce.full") ? 30_000 : 3_000;
  }
}
