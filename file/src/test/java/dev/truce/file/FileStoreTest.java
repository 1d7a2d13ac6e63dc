package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Durability;
import dev.truce.Truce;
import dev.truce.store.Codec;
import dev.truce.store.Read;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import dev.truce.testkit.EngineUnderTest;
import dev.truce.testkit.Seed;
import dev.truce.testkit.StoreContract;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FileStoreTest extends StoreContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new FileUnderTest();
  }

  /// More than a process remembers the moments of, and then all of it becomes safe by one flush.
  @Test
  void snapshot_ofMuchThatBecomesSafeAtOnce_isTheNewest(@TempDir Path directory) {
    int many = 3_000;
    try (Truce writing = Truce.open(directory.resolve("root"));
        Truce reading = Truce.open(directory.resolve("root"))) {
      Store<Long> quick = writing.store("s", Codec.longs()).withDurability(Durability.OS);
      Store<Long> others = reading.store("s", Codec.longs());
      for (long i = 1; i < many; i++) {
        quick.put("k", i);
      }
      try (Snapshot<Long> all = others.snapshot(Read.APPLIED);
          Snapshot<Long> safe = others.snapshot()) {
        assertThat(all.revision()).isEqualTo(many - 1);
        assertThat(safe.revision()).isLessThanOrEqualTo(all.revision());
        assertThat(safe.get("k").orElse(0L)).isEqualTo(safe.revision());
      }
      writing.store("s", Codec.longs()).put("k", (long) many);
      try (Snapshot<Long> safe = others.snapshot()) {
        assertThat(safe.revision()).isEqualTo(many);
        assertThat(safe.get("k")).hasValue((long) many);
      }
    }
  }
}
