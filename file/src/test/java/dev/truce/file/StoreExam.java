package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.Durability;
import dev.truce.Fence;
import dev.truce.FencedException;
import dev.truce.Owner;
import dev.truce.Truce;
import dev.truce.lock.Grant;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Engine;
import dev.truce.spi.Ticker;
import dev.truce.store.Codec;
import dev.truce.store.Commit;
import dev.truce.store.EagerStores;
import dev.truce.store.Isolation;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import dev.truce.store.Stores;
import dev.truce.testkit.SimulatedDisk;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

/// What right stores pass beside their [workloads][StoreWorkload], and a [StoreMutant] does not.
enum StoreExam {
  /// Others have changed the key just before it lands.
  A_KEY_CHANGED_WHERE_IT_LANDS {
    @Override
    void take(Two two) {
      two.theirs.put("n", 1L);
      two.journal.first(() -> two.theirs.put("n", 10L));
      two.mine.update("n", count -> count.orElseThrow() + 1);
      assertThat(two.mine.get("n")).hasValue(11L);
    }
  },

  /// And so many others beside it that a writer has to catch up.
  TOO_MUCH_WHERE_IT_LANDS {
    @Override
    void take(Two two) {
      two.theirs.put("n", 1L);
      two.journal.first(() -> {
        two.theirs.put("n", 10L);
        for (long i = 0; i < 100; i++) {
          two.theirs.put("other" + i, i);
        }
      });
      two.mine.update("n", count -> count.orElseThrow() + 1);
      assertThat(two.mine.get("n")).hasValue(11L);
    }
  },

  A_STORE_MADE_WHERE_IT_LANDS {
    @Override
    void take(Two two) {
      two.journal.first(() -> two.theirs.put("theirs", 1L));
      two.mine.put("mine", 2L);
      assertThat(two.mine.get("theirs")).hasValue(1L);
      assertThat(two.mine.get("mine")).hasValue(2L);
    }
  },

  A_KEY_OF_A_RANGE_REMOVED_WHERE_IT_LANDS {
    @Override
    void take(Two two) {
      two.theirs.put("k1", 1L);
      two.theirs.put("k2", 1L);
      two.journal.first(() -> two.theirs.remove("k1"));
      two.mine
          .withIsolation(Isolation.SERIALIZABLE)
          .commit(draft -> draft.put("count", draft.prefix("k").count()));
      assertThat(two.mine.get("count")).hasValue(1L);
    }
  },

  AN_UNKNOWN_OUTCOME_OF_WHAT_LANDED {
    @Override
    void take(Two two) {
      two.theirs.put("n", 1L);
      two.journal.forget(true);
      assertThat(two.mine.put("n", 2L).revision()).isEqualTo(2);
      assertThat(two.theirs.put("n", 3L).revision()).isEqualTo(3);
    }
  },

  AN_UNKNOWN_OUTCOME_OF_WHAT_DID_NOT_LAND {
    @Override
    void take(Two two) {
      two.theirs.put("n", 1L);
      two.journal.forget(false);
      assertThatCode(() -> two.mine.update("n", count -> count.orElseThrow() + 1))
          .doesNotThrowAnyException();
      assertThat(two.mine.get("n")).hasValue(2L);
    }
  },

  /// Whoever asks for the same again is told what became of it, and that it is an old answer.
  A_COMMIT_UNDER_THE_ID_OF_ANOTHER {
    @Override
    void take(Two two) {
      UUID id = new UUID(1, 2);
      Commit one = two.theirs.withId(id).put("k", 1L);
      Commit other = two.mine.withId(id).put("k", 2L);
      assertThat(other.revision()).isEqualTo(one.revision());
      assertThat(other.repeated()).isTrue();
      assertThat(two.mine.get("k")).hasValue(1L);
    }
  },

  /// A lock is given back quietly, and nobody but the journal could refuse what comes late.
  A_TOKEN_THAT_ENDED {
    @Override
    void take(Two two) {
      MemoryEngine memory = MemoryEngine.create();
      try (Truce holder = Truce.over(memory);
          Truce next = Truce.over(memory.another())) {
        Store<Long> store = holder.store("s", Codec.longs());
        Fence fence;
        try (Grant grant = holder.lock("build").acquire(Duration.ZERO)) {
          fence = grant.fence();
          store.withFence(fence).put("k", 1L);
        }
        try (Grant _ = next.lock("build").acquire(Duration.ZERO)) {
          assertThatThrownBy(() -> store.withFence(fence).put("k", 2L))
              .isInstanceOf(FencedException.class);
        }
        assertThat(store.get("k")).hasValue(1L);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  },

  /// Checkpoints lie in memory that is given back when nobody reads it any more.
  A_SNAPSHOT_OVER_CHECKPOINTS {
    @Override
    void take(Two two) {
      SimulatedDisk disk = new SimulatedDisk();
      Path root = Path.of("/root");
      JournalFiles files = new JournalFiles(disk.process("a"), root, "root");
      try (Locks locks = Locks.open(root.resolve("locks"), files.storage());
          SharedJournal journal =
              SharedJournal.open(
                  files,
                  locks,
                  new Control.Owner(new UUID(1, 1), "a boot"),
                  Ticker.system(),
                  Runnable::run,
                  _ -> {})) {
        Engine engine = new OneJournal(journal, Durability.FSYNC, MemoryEngine.create());
        Store<Long> store =
            EagerStores.over(engine, Two.SOMEBODY, UUID::randomUUID, Instant::now)
                .store("s", Codec.longs());
        store.put("old", 1L);
        count(store);
        assertThat(journal.floor()).isPositive();
        try (Snapshot<Long> held = store.snapshot()) {
          count(store);
          assertThat(journal.floor()).isGreaterThan(held.revision());
          assertThatCode(() -> assertThat(held.get("old")).hasValue(1L)).doesNotThrowAnyException();
        }
      }
    }

    private static void count(Store<Long> store) {
      for (long i = 0; i < 50; i++) {
        store.put("count", i);
      }
    }
  };

  /// Two handles on one journal; before what the first one does the others can do something.
  static final class Two {
    private final Meddled journal;
    private final Store<Long> mine;
    private final Store<Long> theirs;

    private Two() {
      MemoryEngine memory = MemoryEngine.create();
      journal = new Meddled(memory.journal("root"));
      mine = store(new OneJournal(journal, Durability.NONE, memory));
      theirs = store(memory.another());
    }

    private static final Owner SOMEBODY = new Owner("somebody", "here", 0);

    private static Store<Long> store(Engine engine) {
      return Stores.over(
              engine, SOMEBODY, _ -> {}, UUID::randomUUID, Instant::now, Runnable::run, 1, null)
          .store("s", Codec.longs());
    }
  }

  abstract void take(Two two);

  void take() {
    take(new Two());
  }
}
