package dev.truce.lock;

/// Long lives.
class LockMachinePropertyIT extends LockMachinePropertyTest {
  @Override
  int steps() {
    return Boolean.getBoolean("truce.full") ? 100_000 : 8_000;
  }

  @Override
  String command() {
    return "./mvnw verify -pl core -Dit.test=LockMachinePropertyIT";
  }
}
