package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Owner;
import dev.truce.Truce;
import dev.truce.spi.Journal;
import dev.truce.store.Codec;
import dev.truce.store.EagerStores;
import dev.truce.store.Salvage;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import dev.truce.store.StoreStatus;
import dev.truce.store.Stores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
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
      while (truce.storeStatus().floor() == 0) {
        store.put("until the first checkpoint stands", new byte[1]);
      }
      long before = truce.storeStatus().floor();
      Snapshot<byte[]> held = store.snapshot();
      long after = truce.storeStatus().floor(); // one may be on its way meanwhile
      fill(store, 400);
      StoreStatus status = truce.storeStatus();
      assertThat(status.floor()).isGreaterThan(300);
      assertThat(status.pins())
          .singleElement()
          .satisfies(pin -> assertThat(pin.revision()).isBetween(before, after));
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

  // ---- what is saved of a damaged checkpoint

  private static Stores eager(FileEngine engine) {
    return EagerStores.over(
        engine, new Owner("somebody", "here", 0), UUID::randomUUID, Instant::now);
  }

  /// Works on a root whose commits, but for those that stay behind its checkpoint, end in one.
  private void work(Consumer<Stores> before, Consumer<Stores> behind) {
    try (FileEngine engine = FileEngine.open(directory.resolve("root"))) {
      try (Stores stores = eager(engine)) {
        before.accept(stores);
        Store<String> filler = stores.store("filler", Codec.utf8());
        for (int i = 0; i < 4; i++) {
          filler.put("k", "-".repeat(1 << 20)); // the first segment goes
        }
        long floor = stores.status().floor();
        while (stores.status().floor() < floor + 3) {
          filler.put("k", "-".repeat(300));
        }
      }
      try (Stores usual =
          Stores.over(
              engine,
              new Owner("somebody", "here", 0),
              _ -> {},
              UUID::randomUUID,
              Instant::now,
              Runnable::run,
              1,
              null)) {
        behind.accept(usual);
      }
    }
    assertThat(directory.resolve("root/journal.root.1")).doesNotExist();
  }

  private static void damage(Path root) throws IOException {
    try (var bases = Files.newDirectoryStream(root, "journal.root.base.*")) {
      for (Path base : bases) {
        byte[] bytes = Files.readAllBytes(base);
        bytes[4096 + 20] ^= 1;
        Files.write(base, bytes);
      }
    }
  }

  /// What a root has that was made of it after a byte of its checkpoint, in the first page of what
  /// stores have written there, is another.
  private List<String> salvaged(List<String> unnamed) throws IOException {
    Path root = directory.resolve("root");
    damage(root);
    List<String> names = new ArrayList<>();
    FileEngine.salvage(
        root,
        directory.resolve("saved"),
        (damaged, behind) -> {
          Salvage left = Salvage.of(damaged, behind);
          names.addAll(left.unnamed());
          return left.state();
        });
    assertThat(names).isEqualTo(unnamed);
    FileEngine.restore(directory.resolve("saved"), directory.resolve("again"));
    try (Truce again = Truce.open(directory.resolve("again"))) {
      for (int i = 0; i < 100; i++) {
        again.store("later").put("k" + i, new byte[VALUE]); // checkpoints keep what has a name
      }
      List<String> shown = new ArrayList<>();
      for (StoreStatus.Named store : again.storeStatus().stores()) {
        if (!store.name().equals("later")) {
          shown.add(store.name() + " " + store.keys());
        }
      }
      return shown;
    }
  }

  private static void put(Stores stores, String store, String... keys) {
    for (String key : keys) {
      stores.store(store, Codec.utf8()).put(key, "v");
    }
  }

  /// All of them lay in the damaged page, which commits behind it tell the names of.
  @Test
  void salvage_namesAreLost_commitsBehindTellThem() throws IOException {
    work(
        stores -> put(stores, "flags", "old"),
        stores -> {
          put(stores, "flags", "a", "b");
          put(stores, "filler", "other");
        });
    assertThat(salvaged(List.of())).containsExactly("filler 2", "flags 2");
  }

  @Test
  void salvage_namesAreLost_storesThatWereRenamedOrDroppedSince_areSoStill() throws IOException {
    work(
        stores -> {
          put(stores, "one", "old");
          put(stores, "two", "old");
        },
        stores -> {
          stores.store("one", Codec.utf8()).rename("renamed");
          put(stores, "renamed", "k");
          put(stores, "two", "k");
          stores.store("two", Codec.utf8()).drop();
          put(stores, "new", "k");
          stores.store("new", Codec.utf8()).rename("newer");
        });
    assertThat(salvaged(List.of())).containsExactly("filler 1", "newer 1", "renamed 1");
  }

  /// A root that was salvaged is one like others: what is damaged in it then is found, too.
  @Test
  void salvage_again_savesWhatIsLeftThen() throws IOException {
    work(stores -> put(stores, "flags", "old"), stores -> put(stores, "flags", "a", "b"));
    assertThat(salvaged(List.of())).containsExactly("filler 1", "flags 2");
    Path again = directory.resolve("again");
    damage(again);
    assertThat(FileEngine.verify(again).sound()).isFalse();
    FileEngine.salvage(
        again,
        directory.resolve("twice"),
        (damaged, behind) -> Salvage.of(damaged, behind).state());
    assertThat(FileEngine.verify(directory.resolve("twice")).sound()).isTrue();
  }

  /// Where the first segment stood though a base came before it, what was restored could be read
  /// from nothing.
  @Test
  void salvage_itsBaseIsLost_isSaid() throws IOException {
    work(stores -> put(stores, "flags", "old"), stores -> put(stores, "flags", "a"));
    FileEngine.salvage(
        directory.resolve("root"),
        directory.resolve("saved"),
        (damaged, _) -> Journal.State.of(damaged.all()));
    Path again = directory.resolve("again");
    FileEngine.restore(directory.resolve("saved"), again);
    try (var bases = Files.newDirectoryStream(again, "journal.root.base.*")) {
      for (Path base : bases) {
        Files.delete(base);
      }
    }
    assertThat(FileEngine.verify(again).journals())
        .anySatisfy(audit ->
            assertThat(audit.findings())
                .singleElement()
                .asString()
                .contains("neither its beginning nor a base that stands for it is there"));
  }
}
