package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Truce;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import dev.truce.store.StoreStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What stores take of a disk: checkpoints of megabytes, mapped for as long as somebody reads them.
class StoreDiskTest {
  private static final int VALUE = 128 << 10;

  @TempDir Path directory;

  private static void fill(Store<byte[]> store, int commits) {
    for (int i = 0; i < commits; i++) {
      byte[] value = new byte[VALUE];
      Arrays.fill(value, (byte) i);
      store.put("k" + i % 20, value);
    }
  }

  /// The bases that this process has mapped though they have no name any more.
  private List<String> keptBases() throws IOException {
    try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
      return maps.filter(map -> map.contains(directory.toString()))
          .filter(map -> map.endsWith("(deleted)"))
          .toList();
    }
  }

  private long bytes() throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
    }
  }

  @Test
  void snapshot_heldOverManyCheckpoints_keepsItsOwnAndNothingElse() throws IOException {
    try (Truce truce = Truce.open(directory)) {
      Store<byte[]> store = truce.store("a");
      fill(store, 100);
      Snapshot<byte[]> held = store.snapshot();
      long pinned = truce.storeStatus().pins().getFirst().revision();
      assertThat(pinned).isPositive();
      fill(store, 400);
      StoreStatus status = truce.storeStatus();
      assertThat(status.floor()).isGreaterThan(300);
      assertThat(status.pins()).hasSize(1).allMatch(pin -> pin.revision() == pinned);
      assertThat(keptBases()).hasSize(1);
      assertThat(held.get("k19")).contains(filled((byte) 99));
      assertThat(store.get("k19")).contains(filled((byte) (399 % 256)));
      held.close();
      assertThat(truce.storeStatus().pins()).isEmpty();
      assertThat(keptBases()).isEmpty();
      assertThat(bytes()).isLessThan(60 << 20);
    }
  }

  @Test
  void open_ofARootWithACheckpoint_showsAllOfIt() {
    try (Truce truce = Truce.open(directory)) {
      fill(truce.store("a"), 200);
    }
    try (Truce truce = Truce.open(directory);
        Snapshot<byte[]> now = truce.store("a").snapshot()) {
      assertThat(truce.storeStatus().floor()).isPositive();
      assertThat(now.all().count()).isEqualTo(20);
      for (int i = 180; i < 200; i++) {
        assertThat(now.get("k" + i % 20)).contains(filled((byte) i));
      }
    }
  }

  private static byte[] filled(byte with) {
    byte[] value = new byte[VALUE];
    Arrays.fill(value, with);
    return value;
  }
}
