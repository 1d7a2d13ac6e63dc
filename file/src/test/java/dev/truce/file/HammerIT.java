package dev.truce.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.spi.Cells;
import dev.truce.spi.Cells.Cell;
import dev.truce.spi.Cells.Swap;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Many threads on few cells, and many cells.
final class HammerIT {
  private static final int THREADS = 4;
  private static final int ROUNDS = 20_000;
  private static final int NAMES = Boolean.getBoolean("truce.full") ? 1_000_000 : 250_000;

  private Path root;

  @BeforeEach
  void choosePlace(@TempDir Path temporary) {
    root = temporary.resolve("root");
  }

  @Test
  void threads_loseNoIncrement() throws Exception {
    try (FileEngine engine = FileEngine.open(root)) {
      inParallel(worker -> {
        for (int i = 0; i < ROUNDS; i++) {
          Tally.increment(engine.cells(), "counter/" + i % 3, worker);
        }
      });
      long sum = 0;
      for (int key = 0; key < 3; key++) {
        sum +=
            Arrays.stream(Tally.of(engine.cells().read("counter/" + key).bytes()).counts()).sum();
      }
      assertThat(sum).isEqualTo((long) THREADS * ROUNDS);
    }
  }

  @Test
  void threads_createAndDeleteBesideEachOther_andEachSeesItsOwn() throws Exception {
    try (FileEngine engine = FileEngine.open(root)) {
      Cells cells = engine.cells();
      inParallel(worker -> {
        for (int i = 0; i < ROUNDS / 4; i++) {
          String key = worker + "/" + i % 300;
          Cell cell = cells.read(key);
          byte[] next = cell.absent() ? new byte[1 + i % 700] : new byte[0];
          for (Swap swap = cells.swap(key, cell, next);
              swap instanceof Swap.Lost(Cell current);
              swap = cells.swap(key, current, next)) {
            assertThat(current.bytes()).hasSameSizeAs(cell.bytes());
          }
          assertThat(cells.read(key).bytes()).hasSameSizeAs(next);
        }
      });
      assertThat(cells.keys("")).allSatisfy(key -> assertThat(cells.read(key).absent()).isFalse());
    }
    try (FileEngine engine = FileEngine.open(root)) {
      assertThat(engine.notes()).isEmpty();
    }
  }

  @Test
  void numbers_areDrawnOnce() throws Exception {
    try (FileEngine engine = FileEngine.open(root)) {
      long[][] drawn = new long[THREADS][ROUNDS];
      inParallel(worker -> {
        for (int i = 0; i < ROUNDS; i++) {
          drawn[worker][i] = engine.cells().draw(100);
        }
      });
      long[] all = Arrays.stream(drawn).flatMapToLong(Arrays::stream).sorted().toArray();
      for (int i = 1; i < all.length; i++) {
        assertThat(all[i] - all[i - 1]).isGreaterThanOrEqualTo(100);
      }
    }
  }

  @Test
  void namesUsedOnce_leaveNothing() throws IOException {
    try (FileEngine engine = FileEngine.open(root)) {
      Cells cells = engine.cells();
      byte[] value = new byte[40];
      for (int i = 0; i < NAMES; i++) {
        String key = "used once/" + i;
        Cell made = ((Swap.Won) cells.swap(key, cells.read(key), value)).cell();
        cells.swap(key, made, new byte[0]);
      }
      assertThat(cells.keys("")).isEmpty();
    }
    assertThat(size()).isLessThan(4 << 20);
  }

  @Test
  void manyLiveNames_grow_andAreGatheredOnceTheyAreGone() throws IOException {
    List<String> keys = IntStream.range(0, 30_000).mapToObj(i -> "live/" + i).toList();
    try (FileEngine engine = FileEngine.open(root)) {
      Cells cells = engine.cells();
      for (String key : keys) {
        cells.swap(key, cells.read(key), key.getBytes(UTF_8));
      }
      assertThat(new HashSet<>(cells.keys("live/"))).isEqualTo(new HashSet<>(keys));
    }
    assertThat(Files.exists(root.resolve("cells.1"))).isTrue();
    try (FileEngine engine = FileEngine.open(root)) {
      Cells cells = engine.cells();
      for (String key : keys.subList(10, keys.size())) {
        assertThat(cells.swap(key, cells.read(key), new byte[0])).isInstanceOf(Swap.Won.class);
      }
    }
    try (FileEngine engine = FileEngine.open(root)) {
      assertThat(engine.cells().keys("")).hasSameElementsAs(keys.subList(0, 10));
      assertThat(engine.cells().read(keys.getFirst()).bytes())
          .isEqualTo(keys.getFirst().getBytes(UTF_8));
      assertThat(engine.notes()).isEmpty();
    }
    assertThat(size()).isLessThan(4 << 20);
  }

  private long size() throws IOException {
    try (var files = Files.list(root)) {
      return files.mapToLong(file -> file.toFile().length()).sum();
    }
  }

  @FunctionalInterface
  private interface Work {
    void run(int worker);
  }

  private static void inParallel(Work work) throws Exception {
    try (var threads = Executors.newFixedThreadPool(THREADS)) {
      List<Callable<Object>> tasks =
          IntStream.range(0, THREADS)
              .mapToObj(worker -> Executors.callable(() -> work.run(worker)))
              .toList();
      for (Future<Object> done : threads.invokeAll(tasks)) {
        done.get();
      }
    }
  }
}
