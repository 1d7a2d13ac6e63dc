package dev.truce.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.truce.Durability;
import dev.truce.EngineException;
import dev.truce.Fence;
import dev.truce.FencedException;
import dev.truce.OutcomeUnknownException;
import dev.truce.Truce;
import dev.truce.TruceException;
import dev.truce.lock.Grant;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Journal;
import dev.truce.store.Codec;
import dev.truce.store.Commit;
import dev.truce.store.ConflictException;
import dev.truce.store.Draft;
import dev.truce.store.Entry;
import dev.truce.store.Isolation;
import dev.truce.store.Read;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import dev.truce.store.TooOldException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/// What stores promise, over whatever engine. Each handle stands for a process.
public abstract class StoreContract extends StoresContract {
  /// For a subclass, which names the engine.
  protected StoreContract() {}

  /// How many updates each writer of the stress tests makes; fewer where every operation is slow.
  protected int rounds() {
    return 1_000;
  }

  private static List<String> shown(Snapshot<String> snapshot) {
    return snapshot.all().map(StoreContract::shown).toList();
  }

  private static String shown(Entry<String> entry) {
    return entry.key() + "=" + entry.value() + "@" + entry.revision();
  }

  private static List<String> now(Store<String> store) {
    try (Snapshot<String> snapshot = store.snapshot()) {
      return shown(snapshot);
    }
  }

  // ---- reading and writing

  @Test
  void store_new_isEmpty() {
    Store<String> store = texts("s");
    assertEquals(Optional.empty(), store.get("k"));
    assertEquals(List.of(), now(store));
    assertEquals(0, store.snapshot().revision());
  }

  @Test
  void put_acknowledged_isSeenByAll() {
    Store<String> mine = texts("s");
    Commit first = mine.put("k", "v");
    assertEquals(1, first.revision());
    assertEquals(1, first.changed());
    assertEquals(engine().durability(), first.durability());
    assertEquals(List.of("k=v@1"), now(mine));
    assertEquals(List.of("k=v@1"), now(texts("s")));
    assertEquals(Optional.of("v"), texts("s").get("k"));
    assertEquals(List.of(), now(texts("other")));
  }

  @Test
  void remove_isACommitOfItsOwn() {
    Store<String> mine = texts("s");
    mine.put("k", "v");
    mine.put("l", "w");
    assertEquals(3, mine.remove("k").revision());
    assertEquals(List.of("l=w@2"), now(texts("s")));
    assertEquals(4, mine.remove("k").revision());
    mine.put("k", "again");
    assertEquals(List.of("k=again@5", "l=w@2"), now(texts("s")));
  }

  @Test
  void keys_areInTheOrderOfTheirBytes() {
    Store<String> mine = texts("s");
    List<String> keys = List.of("b", "a", "\uD83D\uDE00", "\uFFFD", "ab", "é", "z");
    mine.commit(draft -> keys.forEach(key -> draft.put(key, "")));
    assertEquals(
        List.of("a", "ab", "b", "z", "é", "\uFFFD", "\uD83D\uDE00"),
        texts("s").snapshot().all().map(Entry::key).toList());
    assertEquals(List.of("a", "ab"), texts("s").snapshot().prefix("a").map(Entry::key).toList());
    assertEquals(
        List.of("ab", "b"), texts("s").snapshot().range("ab", "z").map(Entry::key).toList());
  }

  @Test
  void commit_manyKeys_isSeenWholeOrNotAtAll() throws Exception {
    Store<String> writing = texts("s");
    Store<String> reading = texts("s");
    int rounds = Math.max(20, rounds() / 20);
    List<Callable<Boolean>> tasks =
        List.of(
            () -> {
              for (int i = 1; i <= rounds; i++) {
                String value = "" + i;
                writing.commit(draft -> {
                  for (int key = 0; key < 10; key++) {
                    draft.put("k" + key, value);
                  }
                });
              }
              return true;
            },
            () -> {
              for (long seen = 0; seen < rounds; ) {
                try (Snapshot<String> snapshot = reading.snapshot(Read.APPLIED)) {
                  List<String> values = snapshot.all().map(Entry::value).distinct().toList();
                  assertTrue(values.size() <= 1, () -> "half a commit: " + shown(snapshot));
                  seen = values.isEmpty() ? 0 : Long.parseLong(values.getFirst());
                }
              }
              return true;
            });
    assertEquals(List.of(true, true), together(tasks));
  }

  @Test
  void snapshot_staysAsItIs() {
    Store<String> mine = texts("s");
    mine.put("k", "1");
    Snapshot<String> before = mine.snapshot();
    texts("s").put("k", "2");
    texts("s").remove("k");
    texts("s").put("l", "3");
    assertEquals(List.of("k=1@1"), shown(before));
    assertEquals(List.of("l=3@4"), now(mine));
    before.close();
    before.close();
    assertThrows(IllegalStateException.class, () -> before.get("k"));
  }

  @Test
  void snapshotAt_anyRevision_isAsItWas() {
    Store<String> mine = texts("s");
    for (int i = 1; i <= 5; i++) {
      mine.put("k", "" + i);
    }
    mine.remove("k");
    for (int i = 1; i <= 5; i++) {
      assertEquals(List.of("k=" + i + "@" + i), shown(texts("s").snapshotAt(i)));
      assertEquals(List.of("k=" + i + "@" + i), shown(mine.snapshotAt(i)));
    }
    assertEquals(List.of(), shown(mine.snapshotAt(6)));
    assertEquals(List.of(), shown(mine.snapshotAt(0)));
    assertThrows(IllegalArgumentException.class, () -> mine.snapshotAt(7));
    assertThrows(IllegalArgumentException.class, () -> mine.snapshotAt(-1));
  }

  @Test
  void snapshotAt_notKeptAnyMore_isRefused() {
    Veil veil = new Veil(place().open());
    Truce truce = over(veil);
    Store<String> mine = truce.store("s", Codec.utf8());
    UUID id = UUID.randomUUID();
    mine.withId(id).put("k", "1");
    mine.put("k", "2");
    mine.put("l", "3");
    assertEquals(3, mine.snapshot().revision());
    veil.letGo(2);
    TooOldException tooOld = assertThrows(TooOldException.class, () -> mine.snapshotAt(1));
    assertEquals(2, tooOld.floor());
    assertFalse(tooOld.retryable());
    assertEquals(List.of("k=2@2", "l=3@3"), shown(mine.snapshotAt(3)));
    Commit again = mine.withId(id).put("k", "again");
    assertTrue(again.repeated());
    assertEquals(1, again.revision());
    assertEquals(List.of("k=2@2", "l=3@3"), now(mine));
  }

  @Test
  void commit_nothingWritten_answersWhatItRead() {
    Store<String> mine = texts("s");
    mine.put("k", "1");
    Commit nothing = mine.commit(draft -> draft.get("k"));
    assertEquals(1, nothing.revision());
    assertEquals(0, nothing.changed());
    assertEquals(2, mine.put("k", "2").revision());
  }

  @Test
  void draft_seesItsOwnChanges() {
    Store<String> mine = texts("s");
    mine.commit(draft -> draft.put("a", "1").put("b", "2").put("d", "4"));
    List<String> seen = new ArrayList<>();
    mine.commit(draft -> {
      seen.clear();
      draft.remove("a").put("b", "two").put("c", "three");
      draft.all().map(StoreContract::shown).forEach(seen::add);
      draft.range("b", "d").map(StoreContract::shown).forEach(seen::add);
      seen.add(draft.get("a") + " " + draft.get("c") + " " + draft.revision());
    });
    assertEquals(
        List.of(
            "b=two@0",
            "c=three@0",
            "d=4@1",
            "b=two@0",
            "c=three@0",
            "Optional.empty Optional[three] 1"),
        seen);
    assertEquals(List.of("b=two@2", "c=three@2", "d=4@1"), now(texts("s")));
  }

  @Test
  void draft_afterItsBody_isRefused() {
    Store<String> mine = texts("s");
    List<Draft<String>> kept = new ArrayList<>();
    mine.commit(draft -> kept.add(draft.put("k", "v")));
    assertThrows(IllegalStateException.class, () -> kept.getFirst().put("k", "late"));
    assertThrows(IllegalStateException.class, () -> kept.getFirst().get("k"));
    assertEquals(List.of("k=v@1"), now(texts("s")));
  }

  @Test
  void commit_bodyThrows_nothingIsWritten() {
    Store<String> mine = texts("s");
    mine.put("k", "v");
    IllegalStateException failure = new IllegalStateException("by the test");
    Consumer<Draft<String>> body =
        draft -> {
          draft.put("k", "half");
          throw failure;
        };
    assertEquals(failure, assertThrows(IllegalStateException.class, () -> mine.commit(body)));
    assertEquals(List.of("k=v@1"), now(texts("s")));
    assertEquals(2, mine.put("k", "w").revision());
  }

  @Test
  void commit_overSeveralStores_isOneCommit() {
    Truce truce = handle();
    Store<String> one = truce.store("one", Codec.utf8());
    Store<Long> two = truce.store("two", Codec.longs());
    Commit both =
        one.commit(draft -> {
          draft.put("k", "v");
          draft.in(two).put("n", 7L);
        });
    assertEquals(2, both.changed());
    Snapshot<String> snapshot = texts("one").snapshot();
    assertEquals(List.of("k=v@1"), shown(snapshot));
    assertEquals(Optional.of(7L), handle().store("two", Codec.longs()).get("n"));
    assertThrows(
        IllegalArgumentException.class,
        () -> one.commit(draft -> draft.in(handle().store("two", Codec.longs()))));
    assertThrows(IllegalArgumentException.class, () -> snapshot.in(two));
    assertEquals(Optional.of(7L), one.snapshot().in(two).get("n"));
  }

  // ---- conflicts

  @Test
  void update_manyWriters_losesNone() throws Exception {
    int writers = 8;
    List<Callable<Integer>> tasks = new ArrayList<>();
    for (int writer = 0; writer < writers; writer++) {
      Store<Long> counter =
          handle().store("s", Codec.longs()).withDurability(Durability.OS).withRounds(10_000);
      tasks.add(() -> {
        for (int i = 0; i < rounds() / writers; i++) {
          counter.update("n", old -> old.orElse(0L) + 1);
        }
        return rounds() / writers;
      });
    }
    long sum = together(tasks).stream().mapToLong(Integer::longValue).sum();
    try (Snapshot<Long> all = handle().store("s", Codec.longs()).snapshot(Read.APPLIED)) {
      assertEquals(Optional.of(sum), all.get("n"));
    }
  }

  @Test
  void put_disjointKeysByManyWriters_allAreThere() throws Exception {
    int writers = 8;
    List<Callable<Long>> tasks = new ArrayList<>();
    for (int writer = 0; writer < writers; writer++) {
      String mine = "w" + writer + "/";
      Store<String> store = texts("s").withRounds(1).withDurability(Durability.OS);
      tasks.add(() -> {
        long last = 0;
        for (int i = 0; i < rounds() / writers; i++) {
          String key = mine + i;
          last = store.commit(draft -> draft.put(key, draft.get(key).orElse("new"))).revision();
        }
        return last;
      });
    }
    texts("s").put("made", "before, so that its making is no conflict");
    together(tasks);
    try (Snapshot<String> all = texts("s").snapshot(Read.APPLIED)) {
      assertEquals(1 + rounds() / writers * writers, all.all().count());
    }
  }

  @Test
  void commit_theKeyWasWrittenMeanwhile_runsAgainOnWhatIsThere() {
    Store<String> mine = texts("s");
    Store<String> theirs = texts("s");
    mine.put("k", "a");
    List<String> read = new ArrayList<>();
    mine.commit(draft -> {
      String value = draft.get("k").orElseThrow();
      read.add(value);
      draft.put("k", value + "+");
      if (read.size() < 3) {
        theirs.put("k", "b" + read.size());
      }
    });
    assertEquals(List.of("a", "b1", "b2"), read);
    assertEquals(List.of("k=b2+@4"), now(theirs));
  }

  @Test
  void commit_theKeyWasRemovedOrMadeMeanwhile_conflicts() {
    Store<String> mine = texts("s").withRounds(1);
    Store<String> theirs = texts("s");
    theirs.put("k", "a");
    ConflictException gone =
        refused(mine, then(draft -> draft.put("k", "b"), () -> theirs.remove("k")));
    assertEquals(ConflictException.Kind.WRITE_WRITE, gone.kind());
    assertEquals(0, gone.clashes().getFirst().theirRevision());
    ConflictException made =
        refused(mine, then(draft -> draft.put("k", "b"), () -> theirs.put("k", "c")));
    assertEquals("k", made.clashes().getFirst().key());
    assertEquals("s", made.clashes().getFirst().store());
    assertEquals(2, made.clashes().getFirst().ourBase());
    assertEquals(3, made.clashes().getFirst().theirRevision());
    assertFalse(made.retryable());
    assertEquals(List.of("k=c@3"), now(texts("s")));
  }

  @Test
  void commit_otherKeysWereWrittenMeanwhile_lands() {
    Store<String> mine = texts("s").withRounds(1);
    Store<String> theirs = texts("s");
    theirs.put("k", "a");
    mine.commit(then(draft -> draft.put("k", "b"), () -> theirs.put("l", "x")));
    // More than is looked at where it lands.
    mine.commit(
        then(
            draft -> draft.put("k", "c"),
            () -> {
              for (int i = 0; i < 70; i++) {
                theirs.put("l" + i, "x");
              }
            }));
    assertEquals(Optional.of("c"), theirs.get("k"));
  }

  @Test
  void commit_twoThatReadWhatTheOtherWrites_onlySerializableOnesConflict() {
    Store<String> mine = texts("s").withRounds(1);
    Store<String> theirs = texts("s");
    theirs.commit(draft -> draft.put("x", "on call").put("y", "on call"));
    Consumer<Draft<String>> goes =
        draft -> {
          if (draft.get("y").orElse("").equals("on call")) {
            draft.put("x", "gone");
          }
        };
    mine.commit(then(goes, () -> theirs.put("y", "gone")));
    assertEquals(List.of("x=gone@3", "y=gone@2"), now(theirs));
    theirs.commit(draft -> draft.put("x", "on call").put("y", "on call"));
    ConflictException skew =
        refused(
            mine.withIsolation(Isolation.SERIALIZABLE), then(goes, () -> theirs.put("y", "gone")));
    assertEquals(ConflictException.Kind.READ_WRITE, skew.kind());
    assertEquals(Optional.of("on call"), theirs.get("x"));
  }

  @Test
  void commit_serializable_whatWasReadAndNotFoundCounts() {
    Store<String> mine = texts("s").withRounds(1).withIsolation(Isolation.SERIALIZABLE);
    Store<String> theirs = texts("s");
    theirs.put("k", "a");
    refused(
        mine,
        then(
            draft -> draft.put("k", draft.get("new").orElse("none")),
            () -> theirs.put("new", "there")));
    assertEquals(Optional.of("a"), theirs.get("k"));
  }

  @Test
  void commit_serializable_rangeItWentThrough() {
    Store<String> mine = texts("s").withIsolation(Isolation.SERIALIZABLE).withRounds(1);
    Store<String> theirs = texts("s");
    theirs.commit(draft -> draft.put("a1", "").put("a5", "").put("b", "0"));
    Consumer<Draft<String>> counts = draft -> draft.put("b", "" + draft.prefix("a").count());
    refused(mine, then(counts, () -> theirs.put("a3", "")));
    refused(mine, then(counts, () -> theirs.remove("a3")));
    mine.commit(then(counts, () -> theirs.put("c", "")));
    assertEquals(Optional.of("2"), theirs.get("b"));
    Consumer<Draft<String>> first =
        draft -> draft.put("b", draft.prefix("a").findFirst().orElseThrow().key());
    mine.commit(then(first, () -> theirs.put("a3", "")));
    assertEquals(Optional.of("a1"), theirs.get("b"));
    refused(mine, then(first, () -> theirs.put("a", "")));
  }

  @Test
  void requireRevision_isExact() {
    Store<String> mine = texts("s");
    Store<String> theirs = texts("s");
    Consumer<Draft<String>> fresh = draft -> draft.requireRevision("k", 0).put("k", "mine");
    mine.commit(fresh);
    ConflictException there = refused(texts("s"), fresh);
    assertEquals(ConflictException.Kind.STALE, there.kind());
    assertEquals(1, there.clashes().getFirst().theirRevision());
    theirs.commit(draft -> draft.requireRevision("k", 1).put("k", "theirs"));
    List<Integer> runs = new ArrayList<>();
    refused(
        mine,
        draft -> {
          runs.add(1);
          draft.requireRevision("k", 1).put("k", "late");
        });
    assertEquals(List.of(1), runs, "the body is not run again");
    theirs.remove("k");
    mine.commit(fresh);
    assertEquals(List.of("k=mine@4"), now(theirs));
    refused(mine, draft -> draft.requireRevision("k", 3));
    assertThrows(
        IllegalArgumentException.class, () -> mine.commit(draft -> draft.requireRevision("k", -1)));
  }

  @Test
  void requireRevision_changedWhileTheBodyRan_isRefused() {
    Store<String> mine = texts("s");
    Store<String> theirs = texts("s");
    theirs.put("k", "a");
    ConflictException stale =
        refused(
            mine,
            then(draft -> draft.requireRevision("k", 1).put("l", "x"), () -> theirs.put("k", "b")));
    assertEquals(ConflictException.Kind.STALE, stale.kind());
    assertEquals(List.of("k=b@2"), now(theirs));
  }

  @Test
  void firstCommits_ofManyAtOnce_makeOneStore() throws Exception {
    List<Callable<Long>> tasks = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      Store<String> store = texts("s");
      String key = "k" + i;
      tasks.add(() -> store.put(key, "v").revision());
    }
    assertEquals(8, together(tasks).stream().distinct().count());
    assertEquals(8, now(texts("s")).size());
  }

  @Test
  void requireRevision_inTwoNewStores_areTwoRequirements() {
    Truce truce = handle();
    Store<String> one = truce.store("one", Codec.utf8());
    Store<String> two = truce.store("two", Codec.utf8());
    ConflictException stale =
        refused(
            one,
            draft -> {
              draft.requireRevision("k", 5);
              draft.in(two).requireRevision("k", 0).put("k", "v");
            });
    assertEquals("one", stale.clashes().getFirst().store());
    assertThrows(
        IllegalArgumentException.class,
        () -> one.commit(draft -> draft.requireRevision("k", 0).requireRevision("k", 1)));
    assertEquals(List.of(), now(texts("two")));
  }

  @Test
  void draft_streams_endWithItsBodyAndShowWhatWasThere() {
    Store<String> mine = texts("s");
    mine.commit(draft -> draft.put("a", "1").put("b", "2"));
    List<Iterator<Entry<String>>> kept = new ArrayList<>();
    mine.commit(draft -> {
      draft.put("c", "3").put("d", "4");
      draft.all().forEach(entry -> draft.put(entry.key() + "+", entry.value()));
      assertEquals(List.of(), draft.range("b", "a").toList());
      assertEquals(List.of(), draft.range("b", "").toList());
      kept.add(draft.all().iterator());
    });
    assertThrows(IllegalStateException.class, () -> kept.getFirst().hasNext());
    assertEquals(8, now(texts("s")).size());
    assertEquals(List.of(), mine.snapshot().range("b", "a").toList());
  }

  @Test
  void commit_manyKeysConflict_isToldShortly() {
    Store<String> mine = texts("s").withRounds(1);
    Store<String> theirs = texts("s");
    Consumer<Draft<String>> many =
        draft -> {
          for (int i = 0; i < 1_000; i++) {
            draft.put("k" + i, "v");
          }
        };
    ConflictException conflict = refused(mine, then(many, () -> theirs.commit(many)));
    assertTrue(conflict.clashes().size() <= 64);
    assertEquals(1_000, now(theirs).size());
  }

  // ---- several commits

  @Test
  void commitEach_whatBecomesOfOne_isNoMatterOfTheOthers() {
    Veil veil = new Veil(place().open());
    Truce truce = over(veil);
    Store<String> mine = truce.store("s", Codec.utf8());
    IllegalStateException failure = new IllegalStateException("by the test");
    List<Store.Outcome> outcomes =
        mine.commitEach(
            List.of(
                draft -> draft.put("a", "1"),
                draft -> {
                  draft.put("b", "half");
                  throw failure;
                },
                draft -> draft.requireRevision("a", 0).put("a", "late"),
                draft -> draft.get("a"),
                draft -> draft.put("a", draft.get("a").orElse("none") + "+")));
    assertEquals(1, veil.waits(), "one flush for all");
    assertEquals(
        List.of("done 1", "by the test", "STALE", "done 1", "done 2"),
        outcomes.stream().map(StoreContract::shown).toList());
    assertEquals(List.of("a=1+@2"), now(texts("s")));
    assertEquals(List.of("a=1+@2"), now(mine));
    Store.Outcome.Done last = assertInstanceOf(Store.Outcome.Done.class, outcomes.getLast());
    assertEquals(engine().durability(), last.commit().durability());
    assertEquals(List.of(), mine.commitEach(List.of()));
    assertThrows(
        IllegalArgumentException.class, () -> mine.withId(UUID.randomUUID()).commitEach(List.of()));
    truce.close();
    assertEquals(
        "this Truce is closed: open another one",
        shown(mine.commitEach(List.of(draft -> draft.put("a", "closed"))).getFirst()));
  }

  private static String shown(Store.Outcome outcome) {
    return switch (outcome) {
      case Store.Outcome.Done(Commit commit) -> "done " + commit.revision();
      case Store.Outcome.Failed(ConflictException conflict) -> conflict.kind().name();
      case Store.Outcome.Failed(RuntimeException why) -> String.valueOf(why.getMessage());
    };
  }

  @Test
  void commitEach_theFlushFails_eachIsUnknownUnderItsOwnId() {
    Veil veil = new Veil(place().open());
    Truce truce = over(veil);
    veil.failFlushes();
    List<Store.Outcome> outcomes =
        truce
            .store("s", Codec.utf8())
            .commitEach(List.of(draft -> draft.put("a", "1"), draft -> draft.put("b", "2")));
    for (int i = 0; i < 2; i++) {
      Store.Outcome.Failed failed = assertInstanceOf(Store.Outcome.Failed.class, outcomes.get(i));
      OutcomeUnknownException unknown =
          assertInstanceOf(OutcomeUnknownException.class, failed.why());
      Commit again = texts("s").withId(unknown.id().orElseThrow()).put("c", "3");
      assertTrue(again.repeated());
      assertEquals(i + 1, again.revision());
    }
    assertEquals(List.of("a=1@1", "b=2@2"), now(texts("s")));
  }

  // ---- names of stores

  @Test
  void rename_allIsThereUnderTheOtherName() {
    Truce truce = handle();
    Store<String> one = truce.store("one", Codec.utf8());
    Store<String> two = truce.store("two", Codec.utf8());
    one.commit(draft -> draft.put("k", "1").put("l", "2"));
    Snapshot<String> before = one.snapshot();
    Commit renamed = one.rename("two");
    assertEquals(2, renamed.revision());
    assertEquals(0, renamed.changed());
    assertEquals(List.of("k=1@1", "l=2@1"), now(two));
    assertEquals(List.of("k=1@1", "l=2@1"), now(texts("two")));
    assertEquals(List.of(), now(texts("one")));
    assertEquals(List.of("k=1@1", "l=2@1"), shown(before));
    assertEquals(List.of(), shown(before.in(two)));
    assertEquals(List.of("k=1@1", "l=2@1"), shown(texts("one").snapshotAt(1)));
    two.remove("k");
    one.put("k", "new");
    assertEquals(List.of("k=new@4"), now(texts("one")));
    assertEquals(List.of("l=2@1"), now(texts("two")));
  }

  @Test
  void rename_ontoATakenNameOrOfNoStore_isRefused() {
    Store<String> one = texts("one");
    Store<String> two = texts("two");
    ConflictException absent =
        assertThrows(ConflictException.class, () -> one.rename("two"), "of no store, in no root");
    assertEquals(ConflictException.Kind.STALE, absent.kind());
    one.put("k", "1");
    two.put("k", "2");
    ConflictException taken = assertThrows(ConflictException.class, () -> one.rename("two"));
    assertEquals(ConflictException.Kind.STALE, taken.kind());
    assertEquals("two", taken.clashes().getFirst().store());
    assertEquals("", taken.clashes().getFirst().key());
    assertTrue(String.valueOf(taken.getMessage()).contains("there is a store two already"));
    assertThrows(ConflictException.class, () -> one.rename("one"));
    ConflictException none =
        assertThrows(ConflictException.class, () -> texts("never").rename("new"));
    assertTrue(String.valueOf(none.getMessage()).contains("there is no store never"));
    assertThrows(IllegalArgumentException.class, () -> one.rename(""));
    assertThrows(IllegalArgumentException.class, () -> one.rename("n".repeat(256)));
    assertEquals(List.of("k=1@1"), now(texts("one")));
    assertEquals(List.of("k=2@2"), now(texts("two")));
  }

  @Test
  void drop_nothingIsThereAndItCanBeMadeAnew() {
    Store<String> mine = texts("s");
    assertEquals(0, mine.drop().revision(), "there was nothing to write");
    mine.commit(draft -> draft.put("k", "1").put("l", "2"));
    Snapshot<String> before = mine.snapshot();
    Commit dropped = texts("s").drop();
    assertEquals(2, dropped.revision());
    assertEquals(0, dropped.changed());
    assertEquals(List.of(), now(mine));
    assertEquals(Optional.empty(), mine.get("k"));
    assertEquals(2, mine.drop().revision(), "there was nothing to write");
    mine.put("l", "3");
    assertEquals(List.of("l=3@3"), now(texts("s")));
    assertEquals(List.of("k=1@1", "l=2@1"), shown(before));
    assertEquals(List.of("k=1@1", "l=2@1"), shown(mine.snapshotAt(1)));
    assertEquals(List.of(), shown(mine.snapshotAt(2)));
    refused(mine, draft -> draft.requireRevision("k", 1));
  }

  /// A commit means the store that has the name where it lands.
  @Test
  void commit_theStoreWasDroppedOrRenamedMeanwhile_runsAgainOnWhatIsThere() {
    Truce truce = handle();
    Store<String> mine = truce.store("s", Codec.utf8());
    Store<String> theirs = texts("s");
    List<String> seen = new ArrayList<>();
    List<Runnable> meanwhile =
        List.of(
            theirs::drop,
            () -> {
              theirs.drop();
              theirs.put("k", "anew");
            },
            () -> theirs.rename("away"),
            () -> {
              theirs.rename("gone");
              texts("away").rename("s");
            });
    theirs.put("k", "first");
    for (Runnable now : meanwhile) {
      List<String> read = new ArrayList<>();
      mine.commit(draft -> {
        read.add(draft.get("k").orElse("none"));
        draft.put("l", read.getLast());
        if (read.size() == 1) {
          now.run();
        }
      });
      seen.add(String.join(" ", read));
      mine.put("k", "again");
    }
    assertEquals(List.of("first none", "again anew", "again none", "again again"), seen);
    assertEquals(Optional.of("again"), texts("s").get("l"), "in the store that was away");
    assertEquals(Optional.of("none"), texts("gone").get("l"), "not in that one");
  }

  /// A put rests on nothing but the store: it is not lost in one that has another name by then.
  @Test
  void put_besideRenames_isUnderTheNameThatItWasFor() throws Exception {
    int rounds = Math.max(20, rounds() / 20);
    Store<String> writing = texts("s").withRounds(10_000);
    Store<String> moving = texts("s").withRounds(10_000);
    AtomicBoolean written = new AtomicBoolean();
    List<Callable<Integer>> tasks =
        List.of(
            () -> {
              for (int i = 0; i < rounds; i++) {
                writing.put("k" + i, "v");
              }
              written.set(true);
              return rounds;
            },
            () -> {
              int moved = 0;
              while (moved < 5 && !written.get()) {
                try {
                  moving.rename("old" + moved);
                  moved++;
                } catch (ConflictException notThereYet) {
                  Thread.onSpinWait();
                }
              }
              return moved;
            });
    together(tasks);
    long total = now(texts("s")).size();
    for (int i = 0; i < 5; i++) {
      total += now(texts("old" + i)).size();
    }
    assertEquals(rounds, total);
  }

  @Test
  void rename_twoAtOnceToOneName_oneHasIt() throws Exception {
    texts("a").put("k", "a");
    texts("b").put("k", "b");
    List<Callable<Boolean>> tasks = new ArrayList<>();
    for (String name : List.of("a", "b")) {
      Store<String> store = texts(name);
      tasks.add(() -> {
        try {
          store.rename("c");
          return true;
        } catch (ConflictException lost) {
          return false;
        }
      });
    }
    List<Boolean> won = together(tasks);
    assertEquals(1, won.stream().filter(Boolean::booleanValue).count());
    assertEquals(
        Optional.of(won.getFirst() ? "a" : "b"), texts("c").get("k"), "whole, and of who won");
    assertEquals(
        Optional.of(won.getFirst() ? "b" : "a"), texts(won.getFirst() ? "b" : "a").get("k"));
  }

  // ---- ids, fences, durability

  @Test
  void withId_again_answersTheFirst() {
    UUID id = UUID.randomUUID();
    Store<String> mine = texts("s").withId(id);
    Commit first = mine.commit(draft -> draft.put("k", "v").put("l", "w"));
    assertFalse(first.repeated());
    texts("s").put("k", "later");
    Commit again =
        texts("s")
            .withId(id)
            .commit(draft -> {
              throw new AssertionError("the body does not run");
            });
    assertTrue(again.repeated());
    assertEquals(first.revision(), again.revision());
    assertEquals(first.at(), again.at());
    assertEquals(2, again.changed());
    assertEquals(List.of("k=later@2", "l=w@1"), now(texts("s")));
  }

  /// Somebody repeats a commit elsewhere while the first call is still under way.
  @Test
  void withId_landsMeanwhile_theFirstIsAnswered() {
    UUID id = UUID.randomUUID();
    Store<Long> mine = handle().store("s", Codec.longs()).withId(id);
    Store<Long> theirs = handle().store("s", Codec.longs()).withId(id);
    Store.Updated<Long> late =
        mine.update(
            "k",
            old -> {
              theirs.put("k", 5L);
              return 7L;
            });
    assertTrue(late.commit().repeated());
    assertEquals(1, late.commit().revision());
    assertEquals(5L, late.value());
    UUID fresh = UUID.randomUUID();
    Commit refused =
        handle()
            .store("s", Codec.longs())
            .withId(fresh)
            .commit(draft -> {
              handle().store("s", Codec.longs()).withId(fresh).put("n", 1L);
              draft.requireRevision("n", 0).put("n", 2L);
            });
    assertTrue(refused.repeated());
    assertEquals(Optional.of(1L), handle().store("s", Codec.longs()).get("n"));
  }

  /// It landed, in a record that this release cannot read: to say that nothing was written would be
  /// wrong.
  @Test
  void withId_landedByANewerRelease_isUnknownHere() {
    UUID id = UUID.randomUUID();
    byte[] newer = {2, 9};
    Journal journal = engine().journal("root");
    assertInstanceOf(
        Journal.Result.Appended.class,
        journal.append(List.of(new Journal.Unit(id, null, _ -> Optional.of(newer)))).getFirst());
    Store<String> mine = texts("s");
    OutcomeUnknownException unknown =
        assertThrows(OutcomeUnknownException.class, () -> mine.withId(id).put("k", "v"));
    assertTrue(String.valueOf(unknown.getMessage()).contains("by a newer release"));
    assertEquals(Optional.of(id), unknown.id());
    assertThrows(EngineException.class, () -> mine.snapshot(Read.APPLIED));
  }

  @Test
  void withId_wasRefused_neverLands() {
    UUID id = UUID.randomUUID();
    Store<String> mine = texts("s").withId(id);
    IllegalStateException failure = new IllegalStateException("by the test");
    assertThrows(
        IllegalStateException.class,
        () ->
            mine.commit(draft -> {
              throw failure;
            }));
    assertThrows(IllegalArgumentException.class, () -> texts("s").withId(id).put("k", "v"));
    assertEquals(List.of(), now(texts("s")));
  }

  @Test
  void snapshot_underAFence_showsWhatWasNotSafeYetWhenTheLockWasHad() throws Exception {
    Veil veil = new Veil(place().open());
    try (Truce before = Truce.over(place().open());
        Truce after = Truce.over(veil)) {
      before.store("s", Codec.utf8()).put("k", "1");
      Store<String> store = after.store("s", Codec.utf8());
      assertEquals(Optional.of("1"), store.get("k"));
      veil.flushUpTo(1);
      before.store("s", Codec.utf8()).put("k", "2");
      assertEquals(Optional.of("1"), store.get("k"));
      try (Grant grant = after.lock("l").acquire(Duration.ofSeconds(10))) {
        Store<String> fenced = store.withFence(grant.fence());
        FutureTask<Optional<String>> waiting = new FutureTask<>(() -> fenced.get("k"));
        Thread.ofPlatform().daemon().start(waiting);
        passUntil(() -> veil.waits() == 1, () -> "it waits for what is not safe");
        assertFalse(waiting.isDone());
        veil.flushUpTo(2);
        passUntil(waiting::isDone, () -> "it was told");
        assertEquals(Optional.of("2"), waiting.get());
        assertEquals(1, veil.waits());
        assertEquals(Optional.of("2"), fenced.snapshot().get("k"));
        assertEquals(1, veil.waits());
      }
    }
  }

  @Test
  void withFence_tokenHasEnded_isRefusedAndNothingIsWritten() throws Exception {
    Truce truce = handle();
    Store<String> store = truce.store("s", Codec.utf8());
    Fence fence;
    try (Grant grant = truce.lock("l").acquire(Duration.ofSeconds(10))) {
      fence = grant.fence();
      Commit guarded = store.commit(fence, draft -> draft.put("k", "in time"));
      assertEquals(Optional.of(fence), guarded.fence());
    }
    assertThrows(FencedException.class, () -> store.commit(fence, draft -> draft.put("k", "late")));
    assertThrows(
        FencedException.class,
        () -> texts("s").commit(fence, draft -> draft.put("k", "late by another")));
    assertEquals(List.of("k=in time@1"), now(texts("s")));
  }

  /// Another root may have a lock of this name, and count as far.
  @Test
  void withFence_ofAnotherRoot_isRefused_ofThisOneByAnotherHandle_isNot() throws Exception {
    Store<String> store = texts("s");
    try (Grant grant = handle().lock("l").acquire(Duration.ofSeconds(10))) {
      Fence elsewhere = Fence.of("l", grant.token()).ofRoot("elsewhere");
      assertThrows(
          IllegalArgumentException.class, () -> store.withFence(elsewhere).put("k", "there"));
      assertThrows(IllegalArgumentException.class, () -> grant.fence().and(elsewhere));
      assertEquals(List.of(), now(texts("s")));
      store.withFence(grant.fence()).put("k", "here");
      store.withFence(Fence.of("l", grant.token())).put("l", "here, too");
      assertEquals(List.of("k=here@1", "l=here, too@2"), now(texts("s")));
    }
    try (Truce other = Truce.over(MemoryEngine.create());
        Grant grant = other.lock("l").acquire(Duration.ofSeconds(10))) {
      assertThrows(
          IllegalArgumentException.class, () -> store.withFence(grant.fence()).put("k", "there"));
    }
  }

  @Test
  void withFence_endsWhileTheBodyRuns_isRefused() throws Exception {
    Truce truce = handle();
    Store<String> store = truce.store("s", Codec.utf8());
    Grant grant = truce.lock("l").acquire(Duration.ofSeconds(10));
    assertThrows(
        FencedException.class,
        () -> store.commit(grant.fence(), then(draft -> draft.put("k", "late"), grant::close)));
    assertEquals(List.of(), now(texts("s")));
  }

  @Test
  void withDurability_less_isSaid() {
    Durability best = engine().durability();
    Store<String> mine = texts("s");
    Commit quick = mine.withDurability(Durability.NONE).put("k", "v");
    assertEquals(best == Durability.FSYNC ? Durability.OS : best, quick.durability());
    assertEquals(List.of("k=v@1"), now(mine), "its own commits are seen");
    try (Snapshot<String> all = texts("s").snapshot(Read.APPLIED)) {
      assertEquals(List.of("k=v@1"), shown(all));
    }
    texts("s").put("l", "w");
    assertEquals(List.of("k=v@1", "l=w@2"), now(texts("s")), "safe with what came behind it");
  }

  // ---- bad input

  @Test
  void badNamesKeysAndValues_areRefused() {
    Truce truce = handle();
    Store<String> store = truce.store("s", Codec.utf8());
    List<String> bad = List.of("", "x".repeat(4097), "\uD800", "é".repeat(2049));
    for (String key : bad) {
      assertThrows(IllegalArgumentException.class, () -> store.put(key, "v"));
      assertThrows(IllegalArgumentException.class, () -> store.get(key));
      assertThrows(IllegalArgumentException.class, () -> store.remove(key));
    }
    for (String name : List.of("", "n".repeat(256), "\uDC00")) {
      assertThrows(IllegalArgumentException.class, () -> truce.store(name));
    }
    assertThrows(IllegalArgumentException.class, () -> store.put("k", "\uD800"));
    assertThrows(IllegalArgumentException.class, () -> store.withRounds(0));
    assertEquals(List.of(), now(store));
    store.put("\0n/s\n", "v");
    store.put("x".repeat(4096), "longest");
    assertEquals(Optional.of("v"), texts("s").get("\0n/s\n"));
  }

  @Test
  void values_thatTheCodecCannotRead_areSaid() {
    Truce truce = handle();
    truce.store("s").put("k", new byte[] {(byte) 0xc3});
    Store<String> texts = truce.store("s", Codec.utf8());
    TruceException unreadable = assertThrows(TruceException.class, () -> texts.get("k"));
    assertTrue(String.valueOf(unreadable.getMessage()).contains("s: the value of k at revision 1"));
    assertArrayEquals(new byte[] {(byte) 0xc3}, truce.store("s").get("k").orElseThrow());
  }

  @Test
  void names_ofTheRootsOwnRows_areNoOtherThanAny() {
    Truce truce = handle();
    Store<String> strange = truce.store("n/s", Codec.utf8());
    Store<String> plain = truce.store("s", Codec.utf8());
    strange.put("n/s", "1");
    plain.put("n/n/s", "2");
    assertEquals(List.of("n/s=1@1"), now(texts("n/s")));
    assertEquals(List.of("n/n/s=2@2"), now(texts("s")));
    assertEquals(List.of(), now(texts("n")));
  }

  @Test
  void closed_everythingIsRefused() {
    Truce truce = handle();
    Store<String> store = truce.store("s", Codec.utf8());
    store.put("k", "v");
    truce.close();
    assertThrows(EngineException.class, () -> store.put("k", "w"));
    assertThrows(EngineException.class, () -> store.get("k"));
    assertNotEquals(List.of(), now(texts("s")));
  }
}
