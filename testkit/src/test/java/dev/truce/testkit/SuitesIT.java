package dev.truce.testkit;

import org.junit.jupiter.api.Test;

/// What [SuitesTest] shows, where seeing a suite fail takes its whole liveness bound.
final class SuitesIT {
  @Test
  void members_wakesNeverArrive_areCaught() {
    SuitesTest.membersCatch("wake_ofAListener_arrives", "wake", (_, _) -> null);
  }
}
