package dev.truce.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Truce;
import dev.truce.lock.Grant;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SamplesTest {
  @TempDir Path directory;

  @Test
  void testClock_movesTime() throws InterruptedException {
    assertThat(Samples.testClock()).isFalse();
  }

  @Test
  void readme_runs() throws InterruptedException {
    assertThat(Samples.readme(directory.resolve(".truce"))).isPositive();
  }

  @Test
  void tryOnce_freeLock_isHad() {
    try (Truce truce = Truce.inMemory()) {
      assertThat(Samples.tryOnce(truce)).isTrue();
    }
  }

  @Test
  void several_haveOneFence() throws InterruptedException {
    try (Truce truce = Truce.inMemory()) {
      assertThat(Samples.several(truce)).containsExactly("a", "b");
    }
  }

  @Test
  void whoHolds_heldLock_namesTheHolder() throws InterruptedException {
    try (Truce truce = Truce.inMemory()) {
      assertThat(Samples.whoHolds(truce)).isEqualTo("nobody did");
      try (Grant _ = truce.lock("index").acquire(Duration.ofSeconds(10))) {
        assertThat(Samples.whoHolds(truce)).isEqualTo(System.getProperty("user.name"));
      }
    }
  }
}
