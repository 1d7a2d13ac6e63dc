package dev.truce.index;

import static dev.truce.index.Artifacts.sum;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.Truce;
import dev.truce.index.Catalog.Put;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class CatalogTest {
  private final Truce truce = Truce.inMemory();
  private final Tree tree = Tree.of(Path.of("/nowhere/.truce"), "fwk");
  private final Catalog catalog = new Catalog(truce, tree);

  @Test
  void theSameTwice_isWrittenOnce() {
    List<Artifact> some = List.of(Artifacts.of("a", "1.0.0", sum('a')));

    Put first = catalog.put(some, false);
    Put second = catalog.put(some, false);

    assertThat(first).isEqualTo(new Put(1, 0, List.of(), List.of(), first.revision()));
    assertThat(second).isEqualTo(new Put(0, 1, List.of(), List.of(), first.revision()));
  }

  @Test
  void aNewVersion_isNoConflict_andTheOldOneStays() {
    catalog.put(List.of(Artifacts.of("a", "1.9.0", sum('a'))), false);
    catalog.put(List.of(Artifacts.of("a", "1.10.0", sum('b'))), false);

    assertThat(catalog.versions("a").artifacts())
        .extracting(Artifact::version)
        .containsExactly("1.10.0", "1.9.0");
  }

  @Test
  void whatIsLeftOut_isNotRemoved() {
    catalog.put(List.of(Artifacts.of("a", "1.0.0", null), Artifacts.of("b", "1.0.0", null)), false);
    catalog.putAll(List.of(Artifacts.of("c", "1.0.0", null)), true);

    assertThat(catalog.all("").artifacts()).hasSize(3);
  }

  @Test
  void oneThatIsRefused_keepsTheOthersOutOfABatchThatIsAllOrNothing_only() {
    catalog.put(List.of(Artifacts.of("a", "1.0.0", sum('a'))), false);
    List<Artifact> batch =
        List.of(
            Artifacts.of("b", "1.0.0", sum('b')),
            Artifacts.of("a", "1.0.0", sum('0')),
            Artifacts.of("c", "1.0.0", sum('c')));

    assertThatThrownBy(() -> catalog.putAll(batch, false))
        .isInstanceOf(Refused.class)
        .hasMessageContaining("a 1.0.0")
        .hasMessageEndingWith("nothing was written");
    assertThat(catalog.all("").artifacts()).hasSize(1);

    Put put = catalog.put(batch, false);
    assertThat(put.written()).isEqualTo(2);
    assertThat(put.refused()).singleElement().asString().contains("a 1.0.0");
    assertThat(catalog.all("").artifacts()).hasSize(3);
  }

  /// The system that this takes the place of kept 112 of them.
  @Test
  void eightWritersOfAHundredEntriesEach_keepAll800() throws Exception {
    List<Callable<Integer>> writers = new ArrayList<>();
    for (int writer = 0; writer < 8; writer++) {
      String name = "w" + writer + "-";
      writers.add(() -> {
        Catalog own = new Catalog(truce, tree);
        int written = 0;
        for (int i = 0; i < 100; i++) {
          written += own.put(List.of(Artifacts.of(name + i, "1.0.0", null)), false).written();
        }
        return written;
      });
    }
    int written = 0;
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Integer> writer : threads.invokeAll(writers)) {
        written += writer.get();
      }
    }

    assertThat(written).isEqualTo(800);
    assertThat(catalog.all("").artifacts()).hasSize(800);
  }

  @Test
  void ofWritersOfTheSameEntry_oneWritesIt() throws Exception {
    int writers = 8;
    List<Callable<Put>> all = new ArrayList<>();
    for (int i = 0; i < writers; i++) {
      char digit = (char) ('0' + i);
      all.add(() -> catalog.put(List.of(Artifacts.of("hot", "1.0.0", sum(digit))), false));
    }
    List<Put> puts = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Put> put : threads.invokeAll(all)) {
        puts.add(put.get());
      }
    }

    assertThat(puts.stream().mapToInt(Put::written).sum()).isEqualTo(1);
    assertThat(puts.stream().mapToInt(put -> put.refused().size()).sum()).isEqualTo(writers - 1);
  }

  @Test
  void removed_isWhatIsAsTheConditionSaysWhenItIsCommitted() {
    catalog.put(
        List.of(Artifacts.of("a", "1.0.0", sum('a')), Artifacts.of("b", "1.0.0", null)), false);

    assertThat(
            catalog
                .remove(
                    List.of("a/1.0.0", "b/1.0.0", "c/1.0.0"), one -> one.checksumSha256() == null)
                .keys())
        .containsExactly("b/1.0.0");
    assertThat(catalog.all("").artifacts()).extracting(Artifact::id).containsExactly("a");
  }
}
