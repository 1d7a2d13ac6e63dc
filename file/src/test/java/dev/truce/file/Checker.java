package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.spi.Cells;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/// Compares what workers were promised with what is there.
final class Checker {
  static final int KEYS = 3;

  private Checker() {}

  static String key(int index) {
    return "counter/" + index;
  }

  /// No increment that the worker was told of is lost; at most the one it was killed in is extra,
  /// over all keys.
  static void check(Cells cells, int worker, Path acknowledged) throws IOException {
    byte[] log = Files.exists(acknowledged) ? Files.readAllBytes(acknowledged) : new byte[0];
    ByteBuffer promised = ByteBuffer.allocate(KEYS * Long.BYTES).put(log).clear();
    long extra = 0;
    for (int key = 0; key < KEYS; key++) {
      long count = Tally.of(cells.read(key(key)).bytes()).counts()[worker];
      long told = promised.getLong();
      assertThat(count).as("worker %d, key %d", worker, key).isGreaterThanOrEqualTo(told);
      extra += count - told;
    }
    assertThat(extra).as("worker %d", worker).isLessThanOrEqualTo(1);
  }
}
