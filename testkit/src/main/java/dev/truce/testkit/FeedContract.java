package dev.truce.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.truce.Durability;
import dev.truce.EngineException;
import dev.truce.Truce;
import dev.truce.TruceException;
import dev.truce.store.Codec;
import dev.truce.store.Commit;
import dev.truce.store.Entry;
import dev.truce.store.Feed;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import dev.truce.store.TooOldException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

/// What feeds and logs of stores promise, over whatever engine. Each handle stands for a process.
public abstract class FeedContract extends StoresContract {
  private static final Duration LONG = Duration.ofMinutes(10);

  /// For a subclass, which names the engine.
  protected FeedContract() {}

  /// How many commits each writer of the stress test makes; fewer where every operation is slow.
  protected int rounds() {
    return 100;
  }

  private <V> Feed<V> feed(Store<V> store, long after) {
    return closing(store.feed(after));
  }

  private static String shown(Feed.Step<String> step) {
    return switch (step) {
      case Feed.Changes<String>(Commit commit, var changes) ->
          commit.revision() + changes.stream().map(FeedContract::shown).toList().toString();
      case Feed.Replaced<String>(Commit commit, var from) ->
          commit.revision() + " replaced by " + shown(from);
      case Feed.TooOld<String>(long floor, var from) -> floor + " too old, now " + shown(from);
    };
  }

  private static String shown(Feed.Change<String> change) {
    return change.value().map(value -> "+" + change.key() + "=" + value).orElse("-" + change.key());
  }

  private static String shown(Snapshot<String> snapshot) {
    return snapshot.revision()
        + snapshot
            .all()
            .map((Entry<String> entry) -> entry.key() + "=" + entry.value())
            .toList()
            .toString();
  }

  private static Feed.Changes<String> changes(Feed.Step<String> step) {
    return step instanceof Feed.Changes<String> told ? told : fail("no commit: " + shown(step));
  }

  /// What it tells without waiting.
  private static List<String> all(Feed<String> feed) throws InterruptedException {
    List<String> all = new ArrayList<>();
    for (var step = feed.next(Duration.ZERO);
        step.isPresent();
        step = feed.next(Duration.ofNanos(-1))) {
      all.add(shown(step.get()));
    }
    return all;
  }

  /// Begins something on a thread of its own.
  private static <T> FutureTask<T> begin(Callable<T> task) {
    FutureTask<T> future = new FutureTask<>(task);
    Thread.ofPlatform().daemon().start(future);
    return future;
  }

  /// Lets time pass until it has come to its end.
  private <T> T passUntilDone(FutureTask<T> task) throws Exception {
    passUntil(task::isDone, () -> "the task comes to its end");
    return get(task);
  }

  // ---- what is told

  @Test
  void next_eachCommit_isToldWholeAndInOrder() throws Exception {
    Store<String> mine = texts("s");
    mine.put("k", "1");
    texts("other").put("k", "not here");
    Commit batch = mine.commit(draft -> draft.put("b", "2").put("a", "1").remove("k"));
    mine.remove("gone");
    Feed<String> feed = feed(texts("s"), 0);
    assertEquals(0, feed.position());
    assertEquals("1[+k=1]", shown(feed.next(Duration.ZERO).orElseThrow()));
    assertEquals(1, feed.position());
    Feed.Changes<String> told = changes(feed.next(Duration.ZERO).orElseThrow());
    assertEquals("3[+a=1, +b=2, -k]", shown(told));
    assertEquals(batch, told.commit());
    assertEquals(List.of("4[-gone]"), all(feed));
    assertEquals(4, feed.position());
    texts("other").put("k", "not here either");
    assertEquals(List.of(), all(feed));
    assertEquals(5, feed.position(), "commits of others are passed");
  }

  @Test
  void next_commitsOverSeveralStores_areToldToEachOfThem() throws Exception {
    Truce truce = handle();
    Store<String> one = truce.store("one", Codec.utf8());
    Store<String> two = truce.store("two", Codec.utf8());
    one.commit(draft -> draft.put("k", "1").in(two).put("l", "2"));
    Feed<String> feed = feed(texts("two"), 0);
    Feed.Changes<String> told = changes(feed.next(Duration.ZERO).orElseThrow());
    assertEquals("1[+l=2]", shown(told));
    assertEquals(2, told.commit().changed());
  }

  @Test
  void feed_behindAPosition_goesOnWhereAnotherStopped() throws Exception {
    Store<String> mine = texts("s");
    for (int i = 1; i <= 300; i++) {
      mine.withDurability(Durability.OS).put("k", "" + i);
    }
    mine.put("k", "301");
    Feed<String> first = feed(texts("s"), 0);
    for (int i = 1; i <= 100; i++) {
      assertEquals(i + "[+k=" + i + "]", shown(first.next(Duration.ZERO).orElseThrow()));
    }
    List<String> rest = all(feed(texts("s"), first.position()));
    assertEquals(201, rest.size());
    assertEquals("101[+k=101]", rest.getFirst());
    assertEquals("301[+k=301]", rest.getLast());
    try (Snapshot<String> now = mine.snapshot()) {
      assertEquals(List.of(), all(feed(texts("s"), now.revision())));
    }
  }

  @Test
  void feed_ofABadRevision_isRefused() {
    Store<String> mine = texts("s");
    mine.put("k", "v");
    assertThrows(IllegalArgumentException.class, () -> mine.feed(-1));
    assertThrows(IllegalArgumentException.class, () -> mine.feed(2));
    assertThrows(IllegalArgumentException.class, () -> mine.log(-1, 10));
  }

  /// Each writer's commits are there, each once, whole, in its order, and what they add up to is
  /// what the store holds: for a feed that waits in each of two handles.
  @Test
  void next_manyWriters_nothingIsLeftOutOrToldTwice() throws Exception {
    int writers = 4;
    int total = writers * rounds();
    List<FutureTask<List<Feed.Step<String>>>> feeders = new ArrayList<>();
    for (int feeder = 0; feeder < 2; feeder++) {
      Feed<String> feed = feed(texts("s"), 0);
      feeders.add(begin(() -> take(feed, total)));
    }
    List<FutureTask<Boolean>> writing = new ArrayList<>();
    for (int writer = 0; writer < writers; writer++) {
      Store<String> store = texts("s").withRounds(10_000);
      String mine = "w" + writer;
      boolean quick = writer % 2 == 0;
      writing.add(begin(() -> write(quick ? store.withDurability(Durability.OS) : store, mine)));
    }
    for (FutureTask<Boolean> writer : writing) {
      passUntilDone(writer);
    }
    try (Snapshot<String> end = texts("s").snapshotAt(engine().journal("root").appended())) {
      Map<String, String> content = new TreeMap<>();
      end.all().forEach(entry -> content.put(entry.key(), entry.value()));
      for (FutureTask<List<Feed.Step<String>>> feeder : feeders) {
        assertEquals(content, applied(passUntilDone(feeder)));
      }
    }
  }

  private boolean write(Store<String> store, String mine) {
    for (int i = 1; i <= rounds(); i++) {
      String value = mine + "/" + i;
      store.commit(
          draft -> draft.put(mine + "/a", value).put(mine + "/b", value).put("shared", value));
    }
    return true;
  }

  private static <V> List<Feed.Step<V>> take(Feed<V> feed, int many) throws InterruptedException {
    List<Feed.Step<V>> steps = new ArrayList<>();
    while (steps.size() < many) {
      feed.next(LONG).ifPresent(steps::add);
    }
    return steps;
  }

  /// What the steps add up to.
  private static Map<String, String> applied(List<Feed.Step<String>> steps) {
    Map<String, String> content = new TreeMap<>();
    Map<String, Integer> last = new TreeMap<>();
    long revision = 0;
    for (Feed.Step<String> step : steps) {
      Feed.Changes<String> told = changes(step);
      assertTrue(told.commit().revision() > revision, "in the order of the revisions");
      revision = told.commit().revision();
      assertEquals(3, told.changes().size(), "a whole commit");
      String value = told.changes().getFirst().value().orElseThrow();
      for (Feed.Change<String> change : told.changes()) {
        assertEquals(Optional.of(value), change.value(), "of one commit");
        content.put(change.key(), value);
      }
      String[] writerAndNumber = value.split("/", 2);
      int number = Integer.parseInt(writerAndNumber[1]);
      assertEquals(number, last.merge(writerAndNumber[0], 1, Integer::sum), "none left out");
    }
    return content;
  }

  // ---- waiting

  @Test
  void next_nothingHappens_isEmptyWhenTheTimeIsOver() throws Exception {
    Feed<String> feed = feed(texts("s"), 0);
    assertEquals(Optional.empty(), feed.next(Duration.ZERO));
    long before = engine().ticker().nanos();
    assertEquals(Optional.empty(), passUntilDone(begin(() -> feed.next(Duration.ofMillis(200)))));
    assertTrue(engine().ticker().nanos() - before >= Duration.ofMillis(200).toNanos());
  }

  @Test
  void next_somebodyCommitsMeanwhile_isTold() throws Exception {
    Store<String> writing = texts("s");
    Feed<String> feed = feed(texts("s"), 0);
    FutureTask<Feed.Step<String>> waiting = begin(() -> feed.next(LONG).orElseThrow());
    texts("other").put("k", "of no concern");
    Commit commit = writing.put("k", "v");
    assertEquals(commit.revision() + "[+k=v]", shown(passUntilDone(waiting)));
  }

  /// Nobody but the feed asks for it to be safe.
  @Test
  void next_whatWasCommittedWithLess_isMadeSafeAndTold() throws Exception {
    Store<String> writing = texts("s").withDurability(Durability.OS);
    Feed<String> feed = feed(texts("s"), 0);
    writing.put("k", "v");
    FutureTask<Feed.Step<String>> waiting = begin(() -> feed.next(LONG).orElseThrow());
    Feed.Changes<String> told = changes(passUntilDone(waiting));
    assertEquals("1[+k=v]", shown(told));
    assertEquals(engine().durability(), told.commit().durability());
  }

  @Test
  void next_interrupted_throwsAndTellsTheSameLater() throws Exception {
    Feed<String> feed = feed(texts("s"), 0);
    FutureTask<Boolean> waiting =
        new FutureTask<>(() -> {
          assertThrows(InterruptedException.class, () -> feed.next(LONG));
          return Thread.currentThread().isInterrupted();
        });
    Thread.ofPlatform().daemon().start(waiting).interrupt();
    assertEquals(false, passUntilDone(waiting));
    texts("s").put("k", "v");
    assertEquals(List.of("1[+k=v]"), all(feed));
  }

  // ---- what is not safe, and what is not kept

  @Test
  void next_whatIsNotSafe_isNeverTold() throws Exception {
    Veil veil = new Veil(place().open());
    veil.flushUpTo(1);
    Store<String> writing = texts("s");
    for (int i = 1; i <= 3; i++) {
      writing.put("k", "" + i);
    }
    Store<String> behind = over(veil).store("s", Codec.utf8());
    Feed<String> feed = feed(behind, 0);
    assertEquals(List.of("1[+k=1]"), all(feed));
    assertEquals(1, feed.position());
    assertEquals(1, behind.log(0, 10).size());
    assertEquals(Optional.empty(), passUntilDone(begin(() -> feed.next(Duration.ofMillis(200)))));
    assertEquals(1, feed.position());
    FutureTask<Feed.Step<String>> waiting = begin(() -> feed.next(LONG).orElseThrow());
    veil.flushUpTo(2);
    assertEquals("2[+k=2]", shown(passUntilDone(waiting)));
    assertEquals(List.of(), all(feed));
    veil.flushUpTo(3);
    assertEquals(List.of("3[+k=3]"), all(feed));
  }

  @Test
  void next_whatComesIsNotKeptAnyMore_beginsAnewWithWhatThereIs() throws Exception {
    Veil veil = new Veil(place().open());
    Store<String> mine = over(veil).store("s", Codec.utf8());
    mine.put("k", "1");
    mine.put("l", "2");
    mine.put("k", "3");
    mine.snapshot().close();
    veil.letGo(2);
    Feed<String> feed = feed(mine, 1);
    assertEquals("2 too old, now 3[k=3, l=2]", shown(feed.next(Duration.ZERO).orElseThrow()));
    assertEquals(3, feed.position());
    assertEquals(List.of(), all(feed));
    mine.put("m", "4");
    assertEquals(List.of("4[+m=4]"), all(feed));
    assertEquals(List.of("3[+k=3]", "4[+m=4]"), all(feed(mine, 2)));
    assertEquals(2, assertThrows(TooOldException.class, () -> mine.log(1, 10)).floor());
    assertEquals(2, mine.log(2, 10).size());
  }

  /// A snapshot to begin anew from may hold this handle's own commits that are not safe yet.
  @Test
  void next_beginsAnew_onlyFromWhatIsSafe() throws Exception {
    Veil veil = new Veil(place().open());
    Store<String> mine = over(veil).store("s", Codec.utf8()).withDurability(Durability.NONE);
    veil.flushUpTo(2);
    for (int i = 1; i <= 3; i++) {
      mine.put("k", "" + i);
    }
    texts("other").put("k", "flushes what lies before it");
    mine.snapshot().close();
    veil.letGo(2);
    Feed<String> feed = feed(mine, 0);
    assertEquals(List.of(), all(feed));
    assertEquals(0, feed.position());
    mine.put("k", "4");
    FutureTask<Feed.Step<String>> waiting = begin(() -> feed.next(LONG).orElseThrow());
    veil.flushUpTo(3);
    assertEquals("2 too old, now 3[k=3]", shown(passUntilDone(waiting)));
    assertEquals(List.of(), all(feed));
    veil.flushUpTo(5);
    assertEquals("5[+k=4]", shown(passUntilDone(begin(() -> feed.next(LONG).orElseThrow()))));
  }

  // ---- the store itself

  @Test
  void next_theStoreIsRenamedOrDropped_tellsWhatTheNameStandsForNow() throws Exception {
    Truce truce = handle();
    Store<String> one = truce.store("one", Codec.utf8());
    Store<String> two = truce.store("two", Codec.utf8());
    one.put("k", "1");
    one.rename("two");
    two.put("l", "3");
    two.drop();
    one.put("m", "5");
    assertEquals(List.of("1[+k=1]", "2 replaced by 2[]", "5[+m=5]"), all(feed(texts("one"), 0)));
    assertEquals(
        List.of("2 replaced by 2[k=1]", "3[+l=3]", "4 replaced by 4[]"),
        all(feed(texts("two"), 0)));
    assertEquals(
        List.of("1[+k=1]", "2[]", "5[+m=5]"),
        one.log(0, 10).stream().map(FeedContract::shown).toList());
  }

  // ---- what cannot be told

  @Test
  void next_aValueThatTheCodecCannotRead_isSaidUntilItIsPassed() throws Exception {
    Truce truce = handle();
    Store<byte[]> bytes = truce.store("s");
    Store<String> texts = truce.store("s", Codec.utf8());
    texts.put("k", "1");
    bytes.put("k", new byte[] {(byte) 0xc3});
    texts.put("k", "3");
    Feed<String> feed = feed(texts, 1);
    for (int i = 0; i < 2; i++) {
      TruceException unreadable =
          assertThrows(TruceException.class, () -> feed.next(Duration.ZERO));
      assertTrue(
          String.valueOf(unreadable.getMessage()).contains("s: the value of k at revision 2"));
    }
    assertEquals(1, feed.position());
    assertEquals(List.of("3[+k=3]"), all(feed(texts, 2)));
  }

  @Test
  void next_closed_isRefused() throws Exception {
    Truce truce = handle();
    Store<String> store = truce.store("s", Codec.utf8());
    store.put("k", "v");
    Feed<String> feed = feed(store, 0);
    assertEquals(
        Optional.empty(), passUntilDone(begin(() -> feed(store, 1).next(Duration.ofMillis(100)))));
    feed.close();
    feed.close();
    assertThrows(IllegalStateException.class, () -> feed.next(Duration.ZERO));
    Feed<String> other = feed(store, 0);
    truce.close();
    assertThrows(EngineException.class, () -> other.next(Duration.ZERO));
    assertThrows(EngineException.class, () -> store.feed(0));
    assertThrows(EngineException.class, () -> store.log(0, 1));
  }

  // ---- the log

  @Test
  void log_oldestFirst_asManyAsAskedFor() {
    Store<String> mine = texts("s");
    for (int i = 1; i <= 5; i++) {
      mine.put("k", "" + i);
      texts("other").put("k", "" + i);
    }
    assertEquals(
        List.of("3[+k=2]", "5[+k=3]"), mine.log(1, 2).stream().map(FeedContract::shown).toList());
    assertEquals(5, mine.log(0, 100).size());
    assertEquals(List.of(), mine.log(0, 0));
    assertEquals(List.of(), mine.log(9, 10));
    assertEquals(List.of(), mine.log(1_000, 10));
    assertEquals(List.of(), texts("never").log(0, 10));
  }
}
