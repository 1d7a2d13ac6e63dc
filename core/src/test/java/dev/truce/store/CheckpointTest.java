package dev.truce.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.truce.Durability;
import dev.truce.Owner;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Engine;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Stores whose checkpoints come every few commits, held against maps.
class CheckpointTest {
  private static final Retention.Sizes TINY = new Retention.Sizes(1_000, 1_500, 4_000, 200);

  private static Stores open(Engine engine, Random random) {
    return Stores.over(
        engine,
        new Owner("w", "h", 1),
        _ -> {},
        () -> new UUID(random.nextLong(), random.nextLong()),
        InstantSource.system(),
        Runnable::run,
        engine.members().join(new byte[0]).member(),
        null,
        TINY);
  }

  private static Map<String, String> shown(Snapshot<String> snapshot) {
    Map<String, String> shown = new TreeMap<>();
    snapshot.all().forEach(entry -> shown.put(entry.key(), entry.value() + "@" + entry.revision()));
    return shown;
  }

  /// A moment that somebody still looks at.
  private record Seen(Snapshot<String> snapshot, Map<String, String> content) {}

  /// Three handles, two stores, and what they should hold at each revision.
  private static final class World {
    private final Random random;
    private final Engine engine = MemoryEngine.create();
    private final List<Stores> handles = new ArrayList<>();
    private final TreeMap<Long, Map<String, String>> contents = new TreeMap<>();
    private final Map<String, String> now = new TreeMap<>();
    private final List<Seen> seen = new ArrayList<>();
    private int tooOld;
    private int old;

    World(long seed) {
      random = new Random(seed);
      for (int i = 0; i < 3; i++) {
        handles.add(open(engine, random));
      }
    }

    private Store<String> store(String name) {
      return handles.get(random.nextInt(handles.size())).store(name, Codec.utf8());
    }

    private void commit() {
      Store<String> store = store("a").withDurability(Durability.FSYNC);
      Map<String, String> changes = new TreeMap<>();
      Commit commit =
          store.commit(draft -> {
            for (int left = random.nextInt(4); left >= 0; left--) {
              String key = "k" + random.nextInt(40);
              if (random.nextInt(3) == 0) {
                draft.remove(key);
                changes.put(key, "");
              } else {
                String value = "v".repeat(random.nextInt(60)) + random.nextInt();
                draft.put(key, value);
                changes.put(key, value);
              }
            }
          });
      changes.forEach((key, value) -> {
        if (value.isEmpty()) {
          now.remove(key);
        } else {
          now.put(key, value + "@" + commit.revision());
        }
      });
      contents.put(commit.revision(), new TreeMap<>(now));
    }

    private void look() {
      Snapshot<String> snapshot = store("a").snapshot();
      assertThat(shown(snapshot)).isEqualTo(now);
      seen.add(new Seen(snapshot, new TreeMap<>(now)));
      for (String key : List.of("k1", "k2", "k39")) {
        assertThat(snapshot.entry(key).map(e -> e.value() + "@" + e.revision()).orElse(null))
            .isEqualTo(now.get(key));
      }
    }

    private void lookBack() {
      long last = contents.lastKey();
      long revision = 1 + random.nextLong(last);
      try (Snapshot<String> then = store("a").snapshotAt(revision)) {
        assertThat(shown(then)).isEqualTo(contents.floorEntry(revision).getValue());
        old++;
      } catch (TooOldException gone) {
        assertThat(gone.floor()).isGreaterThan(revision).isEqualTo(engine.journal("root").floor());
        tooOld++;
      }
    }

    private void restart() {
      int which = random.nextInt(handles.size());
      handles.get(which).close();
      handles.set(which, open(engine, random));
    }

    void live() {
      for (int step = 0; step < 1_500; step++) {
        commit();
        switch (random.nextInt(12)) {
          case 0, 1 -> look();
          case 2 -> lookBack();
          case 3 -> restart();
          default -> {}
        }
      }
      look();
      seen.forEach(one -> assertThat(shown(one.snapshot)).isEqualTo(one.content));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void snapshots_overManyCheckpoints_showWhatWasCommitted(long seed) {
    World world = new World(seed);
    world.live();
    assertThat(world.engine.journal("root").floor()).isGreaterThan(1_000);
    assertThat(world.tooOld).isGreaterThan(10);
    assertThat(world.old).isPositive();
  }

  /// Others write so much that a checkpoint is taken.
  private static void moveOn(Stores others) {
    long floor = others.status().floor();
    while (others.status().floor() == floor) {
      fill(others.store("other", Codec.utf8()), 10);
    }
  }

  @Test
  void commit_overCheckpointsThatTouchNothingOfIt_landsAtOnce() {
    Engine engine = MemoryEngine.create();
    Stores mine = open(engine, new Random(1));
    Stores others = open(engine, new Random(2));
    Store<String> store = mine.store("a", Codec.utf8()).withIsolation(Isolation.SERIALIZABLE);
    store.put("k", "1");
    store.put("l", "1");
    int[] runs = {0};
    Commit commit =
        store
            .withRounds(1)
            .commit(draft -> {
              runs[0]++;
              assertThat(draft.get("k")).contains("1");
              assertThat(draft.get("absent")).isEmpty();
              assertThat(draft.prefix("l").count()).isEqualTo(1);
              moveOn(others);
              draft.put("k", "2").put("new", "1");
            });
    assertThat(runs[0]).isEqualTo(1);
    assertThat(engine.journal("root").floor()).isGreaterThan(2).isLessThan(commit.revision());
    assertThat(store.get("k")).contains("2");
  }

  @ParameterizedTest
  @ValueSource(strings = {"put", "remove", "insert", "drop"})
  void commit_overACheckpointWithWhatItRestsOn_runsAgain(String what) {
    Engine engine = MemoryEngine.create();
    Stores mine = open(engine, new Random(1));
    Stores others = open(engine, new Random(2));
    Store<String> store = mine.store("a", Codec.utf8()).withIsolation(Isolation.SERIALIZABLE);
    Store<String> theirs = others.store("a", Codec.utf8());
    store.put("k1", "1");
    store.put("k2", "1");
    int[] runs = {0};
    store.commit(draft -> {
      long count = draft.prefix("k").count();
      if (runs[0]++ == 0) {
        switch (what) {
          case "put" -> theirs.put("k1", "theirs");
          case "remove" -> theirs.remove("k2");
          case "insert" -> theirs.put("k3", "theirs");
          default -> theirs.drop();
        }
        moveOn(others);
      }
      draft.put("count", "" + count);
    });
    assertThat(runs[0]).isEqualTo(2);
    assertThat(store.get("count"))
        .contains(
            switch (what) {
              case "put" -> "2";
              case "remove" -> "1";
              case "insert" -> "3";
              default -> "0";
            });
  }

  @Test
  void commit_overACheckpointBehindItsKey_asksItsResolver() {
    Engine engine = MemoryEngine.create();
    Stores mine = open(engine, new Random(1));
    Stores others = open(engine, new Random(2));
    Store<Long> store = mine.store("a", Codec.longs()).withResolver(Resolver.sum());
    Store<Long> theirs = others.store("a", Codec.longs());
    store.put("n", 1L);
    int[] runs = {0};
    store.commit(draft -> {
      runs[0]++;
      draft.put("n", draft.get("n").orElseThrow() + 10);
      theirs.update("n", n -> n.orElseThrow() + 100);
      moveOn(others);
    });
    assertThat(store.get("n")).contains(111L);
    assertThat(runs[0]).isEqualTo(1);
  }

  @Test
  void commits_thatNobodyMakesSafe_makeWayForCheckpointsToo() {
    Engine engine = MemoryEngine.create();
    Stores stores = open(engine, new Random(1));
    Store<String> store = stores.store("a", Codec.utf8()).withDurability(Durability.NONE);
    fill(store, 200);
    assertThat(stores.status().floor()).isPositive();
    List<Consumer<Draft<String>>> bodies =
        IntStream.range(0, 200)
            .<Consumer<Draft<String>>>mapToObj(
                i -> draft -> draft.put("x" + i % 30, "v".repeat(50)))
            .toList();
    long floor = stores.status().floor();
    assertThat(store.commitEach(bodies)).hasSize(200);
    assertThat(stores.status().floor()).isGreaterThan(floor + 100);
  }

  @Test
  void snapshot_besideAnotherOfItsMoment_isReadableForItself() {
    Engine engine = MemoryEngine.create();
    try (Stores stores = open(engine, new Random(1))) {
      Store<String> store = stores.store("a", Codec.utf8());
      fill(store, 60);
      Snapshot<String> first = store.snapshot();
      Snapshot<String> second = first.in(store);
      moveOn(stores);
      first.close();
      first.close();
      assertThat(shown(second)).hasSize(30);
      assertThat(stores.status().pins()).hasSize(1);
      second.close();
      assertThat(stores.status().pins()).isEmpty();
    }
  }

  @Test
  void requireRevision_ofAKeyBelowTheCheckpoint_isStillExact() {
    Engine engine = MemoryEngine.create();
    Store<String> store = open(engine, new Random(1)).store("a", Codec.utf8());
    long old = store.put("k", "1").revision();
    for (int i = 0; i < 60; i++) {
      store.put("x" + i, "v".repeat(50));
    }
    assertThat(engine.journal("root").floor()).isGreaterThan(old);
    store.commit(draft -> draft.requireRevision("k", old).put("k", "2"));
    assertThat(store.get("k")).contains("2");
    assertThatExceptionOfType(ConflictException.class)
        .isThrownBy(() -> store.commit(draft -> draft.requireRevision("k", old).put("k", "3")));
    assertThat(store.get("k")).contains("2");
  }

  private static void fill(Store<String> store, int commits) {
    for (int i = 0; i < commits; i++) {
      store.put("x" + i % 30, "v".repeat(50));
    }
  }

  /// Until it is so, or not within ten seconds.
  private static void await(BooleanSupplier so) {
    long end = System.nanoTime() + 10_000_000_000L;
    while (!so.getAsBoolean() && System.nanoTime() < end) {
      Thread.onSpinWait();
    }
    assertThat(so.getAsBoolean()).isTrue();
  }

  @Test
  void snapshot_overManyCheckpoints_isTheOnlyPinUntilItIsClosed() {
    Engine engine = MemoryEngine.create();
    Random random = new Random(1);
    try (Stores reading = open(engine, random);
        Stores writing = open(engine, random)) {
      Store<String> store = writing.store("a", Codec.utf8());
      fill(store, 60);
      Snapshot<String> held = reading.store("a", Codec.utf8()).snapshot();
      Map<String, String> content = shown(held);
      long floor = writing.status().floor();
      assertThat(floor).isPositive();
      assertThat(writing.status().pins()).isEmpty();
      for (int round = 0; round < 5; round++) {
        fill(store, 60);
        long reached = engine.journal("root").floor();
        await(() -> reading.status().floor() == reached && writing.status().pins().size() == 1);
      }
      StoreStatus.Pin pin = writing.status().pins().getFirst();
      assertThat(pin.revision()).isEqualTo(floor);
      assertThat(pin.owner()).isEqualTo(new Owner("w", "h", 1));
      assertThat(shown(held)).isEqualTo(content);
      held.close();
      assertThat(writing.status().pins()).isEmpty();
    }
  }

  @Test
  void status_ofSeveralStores_countsWhatIsThere() {
    try (Stores stores = open(MemoryEngine.create(), new Random(1))) {
      fill(stores.store("a", Codec.utf8()), 100);
      Store<String> other = stores.store("b", Codec.utf8());
      other.put("k", "12345");
      long last = other.put("l", "1").revision();
      other.remove("k");
      StoreStatus status = stores.status();
      assertThat(status.stores())
          .containsExactly(
              new StoreStatus.Named("a", 30, 1_500, 100), new StoreStatus.Named("b", 1, 1, last));
      assertThat(status.revision()).isEqualTo(last + 1);
      assertThat(status.checkpointBytes()).isPositive();
      assertThat(status.recordBytes()).isPositive();
    }
  }

  /// Who writes a checkpoint reads what those who commit have; they read what the journal has.
  @Test
  void commits_besideCheckpoints_waitForNoneOfThem() throws Exception {
    Engine engine = MemoryEngine.create();
    ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    try {
      Stores stores =
          Stores.over(
              engine,
              new Owner("w", "h", 1),
              _ -> {},
              UUID::randomUUID,
              InstantSource.system(),
              threads,
              engine.members().join(new byte[0]).member(),
              null,
              TINY);
      List<Future<?>> writers = new ArrayList<>();
      for (int writer = 0; writer < 8; writer++) {
        Store<String> store = stores.store("s" + writer, Codec.utf8());
        writers.add(
            threads.submit(() -> {
              for (int i = 0; i < 300; i++) {
                store.put("k" + i % 7, "v" + i);
              }
            }));
      }
      for (Future<?> writer : writers) {
        writer.get(10, TimeUnit.SECONDS);
      }
      for (int writer = 0; writer < 8; writer++) {
        assertThat(stores.store("s" + writer, Codec.utf8()).get("k5")).contains("v299");
      }
      assertThat(stores.status().floor()).isPositive();
      stores.close();
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void update_whoseRecordWasLetGo_saysThatItHasLanded() {
    Random random = new Random(3);
    Stores stores = open(MemoryEngine.create(), random);
    Store<String> store = stores.store("s", Codec.utf8());
    UUID id = new UUID(1, 1);
    long landed = store.withId(id).update("k", _ -> "once").commit().revision();
    for (int i = 0; stores.status().floor() <= landed; i++) {
      store.put("other", "value " + i);
    }
    assertThatExceptionOfType(TooOldException.class)
        .isThrownBy(() -> store.withId(id).update("k", _ -> "twice"))
        .withMessage(
            "commit "
                + id
                + " has landed at revision "
                + landed
                + ", and what it put is not kept any more");
    assertThat(store.get("k")).contains("once");
  }
}
