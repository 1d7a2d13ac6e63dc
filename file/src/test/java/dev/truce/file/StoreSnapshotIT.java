package dev.truce.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Durability;
import dev.truce.Truce;
import dev.truce.store.Codec;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A moment that is looked at while a hundred thousand commits go by, or, in short, a fifth of
/// that.
final class StoreSnapshotIT {
  private static final int COMMITS = Boolean.getBoolean("truce.full") ? 100_000 : 20_000;
  private static final int KEYS = 500;

  /// A checkpoint on its way beside the one before, the records that are kept, those of a step, and
  /// segments made in advance.
  private static final long MOST_BYTES = 48 << 20;

  @TempDir Path directory;

  /// Values are long enough for some checkpoints.
  private static final String FIRST = "first" + "-".repeat(800);

  private static String later(int commit) {
    return "later " + commit + "-".repeat(800);
  }

  private static Map<String, String> shown(Snapshot<String> snapshot) {
    Map<String, String> shown = new TreeMap<>();
    snapshot.all().forEach(entry -> shown.put(entry.key(), entry.value()));
    return shown;
  }

  private long bytes() throws IOException {
    long bytes = 0;
    try (var files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        try {
          bytes += Files.size(file);
        } catch (NoSuchFileException retired) {
          // it takes nothing any more
        }
      }
    }
    return bytes;
  }

  @Test
  @Timeout(600)
  void snapshot_heldOverManyCommits_staysAndIsPaidForOnce() throws Exception {
    ExecutorService threads = Executors.newSingleThreadExecutor();
    try (Truce writing = Truce.open(directory);
        Truce reading = Truce.open(directory)) {
      Store<String> store = writing.store("s", Codec.utf8());
      store.commit(draft -> {
        for (int key = 0; key < KEYS; key++) {
          draft.put("k" + key, FIRST);
        }
      });
      Store<String> quick = store.withDurability(Durability.OS);
      while (writing.storeStatus().floor() == 0) {
        for (int key = 0; key < KEYS; key++) {
          quick.put("k" + key, FIRST);
        }
        store.put("k0", FIRST);
      }
      Snapshot<String> held = reading.store("s", Codec.utf8()).snapshot();
      Map<String, String> first = shown(held);
      long kept = writing.storeStatus().floor();
      AtomicBoolean over = new AtomicBoolean();
      Callable<Integer> reader =
          () -> {
            int looks = 0;
            for (; !over.get(); looks++) {
              assertThat(shown(held)).isEqualTo(first);
            }
            return looks;
          };
      Future<Integer> looks = threads.submit(reader);
      long most = 0;
      for (int i = 1; i <= COMMITS; i++) {
        (i % 1_000 == 0 ? store : quick).put("k" + i % KEYS, later(i));
        if (i % 1_000 == 0) {
          most = Math.max(most, bytes());
        }
      }
      over.set(true);
      assertThat(looks.get(10, TimeUnit.SECONDS)).isGreaterThan(COMMITS / 1_000);
      assertThat(writing.storeStatus().floor()).isGreaterThan(kept);
      assertThat(writing.storeStatus().pins())
          .singleElement()
          .satisfies(pin -> assertThat(pin.revision()).isEqualTo(kept));
      assertThat(store.get("k0")).contains(later(COMMITS));
      assertThat(held.get("k0")).contains(FIRST);
      held.close();
      assertThat(writing.storeStatus().pins()).isEmpty();
      assertThat(most).isLessThan(MOST_BYTES);
      System.out.println(
          looks.get() + " looks beside " + COMMITS + " commits, " + (most >> 20) + " MiB at most");
    } finally {
      threads.shutdownNow();
    }
    try (Truce again = Truce.open(directory)) {
      assertThat(again.store("s").get("k1")).contains(later(COMMITS - KEYS + 1).getBytes(UTF_8));
    }
  }
}
