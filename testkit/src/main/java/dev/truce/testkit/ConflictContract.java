package dev.truce.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.truce.Durability;
import dev.truce.Owner;
import dev.truce.Truce;
import dev.truce.store.Codec;
import dev.truce.store.Commit;
import dev.truce.store.Conflict;
import dev.truce.store.ConflictException;
import dev.truce.store.ConflictException.Clash;
import dev.truce.store.ConflictException.Kind;
import dev.truce.store.Draft;
import dev.truce.store.Isolation;
import dev.truce.store.Read;
import dev.truce.store.Resolution;
import dev.truce.store.Resolver;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What becomes of commits that others are in the way of, over whatever engine. Each handle stands
/// for a process.
public abstract class ConflictContract extends EngineContract {
  private final List<Truce> handles = new ArrayList<>();

  /// For a subclass, which names the engine.
  protected ConflictContract() {}

  @AfterEach
  void closeHandles() {
    handles.forEach(Truce::close);
  }

  private Truce handle() {
    Truce truce = Truce.over(place().open());
    handles.add(truce);
    return truce;
  }

  private Store<String> texts(String name) {
    return handle().store(name, Codec.utf8());
  }

  /// Has somebody else do something after each run of the body, before it lands.
  private static Consumer<Draft<String>> then(Consumer<Draft<String>> body, Runnable meanwhile) {
    return draft -> {
      body.accept(draft);
      meanwhile.run();
    };
  }

  private static ConflictException refused(Store<String> store, Consumer<Draft<String>> body) {
    return assertThrows(ConflictException.class, () -> store.commit(body));
  }

  private static Optional<String> text(Optional<byte[]> value) {
    return value.map(bytes -> new String(bytes, StandardCharsets.UTF_8));
  }

  // ---- both sides

  @Test
  void refused_writtenByOthers_tellsBothSides() {
    Store<String> mine = texts("s").withRounds(2);
    Store<String> theirs = texts("s");
    Instant began = Instant.now().minusSeconds(1);
    theirs.put("k", "a");
    ConflictException refused =
        refused(mine, then(draft -> draft.put("k", "mine"), () -> theirs.put("k", "theirs")));
    assertEquals(Kind.WRITE_WRITE, refused.kind());
    assertEquals(2, refused.rounds());
    assertEquals(Optional.empty(), refused.parked());
    Clash clash = refused.clashes().getFirst();
    assertEquals(List.of(2L, 3L), List.of(clash.ourBase(), clash.theirRevision()));
    assertEquals(Optional.of("mine"), text(clash.ourValue()));
    assertEquals(Optional.of("theirs"), text(clash.theirValue()));
    assertTrue(clash.theirsAt().isAfter(began));
    Owner me = theirs.put("other", "").writer();
    assertEquals(List.of(me, me), List.of(clash.ours(), clash.theirs()));
    assertEquals(
        "s: k is at revision 3 by "
            + me
            + ", changed since 2, which "
            + me
            + " read; nothing was written: others were faster each time, of 2",
        refused.getMessage());
  }

  @Test
  void refused_removedByOthers_tellsWho() {
    Store<String> mine = texts("s").withRounds(1);
    Store<String> theirs = texts("s");
    Owner me = theirs.put("k", "a").writer();
    Clash clash =
        refused(mine, then(draft -> draft.remove("k"), () -> theirs.remove("k")))
            .clashes()
            .getFirst();
    assertEquals(0, clash.theirRevision());
    assertEquals(me, clash.theirs());
    assertEquals(Optional.empty(), clash.ourValue());
    assertEquals(Optional.empty(), clash.theirValue());
    assertTrue(clash.toString().startsWith("s: k was removed by " + me), clash::toString);
  }

  @Test
  void refused_stale_tellsBothSides() {
    Store<String> mine = texts("s");
    Owner me = mine.put("k", "a").writer();
    ConflictException stale =
        refused(mine, draft -> draft.requireRevision("k", 7).put("k", "mine"));
    assertEquals(Kind.STALE, stale.kind());
    assertEquals(1, stale.rounds());
    Clash clash = stale.clashes().getFirst();
    assertEquals(List.of(7L, 1L), List.of(clash.ourBase(), clash.theirRevision()));
    assertEquals(Optional.of("mine"), text(clash.ourValue()));
    assertEquals(Optional.of("a"), text(clash.theirValue()));
    assertEquals(
        "s: k is at revision 1 by "
            + me
            + ", not at 7 as "
            + me
            + " requires; nothing was written: read it again and decide anew",
        stale.getMessage());
    Clash never =
        refused(mine, draft -> draft.requireRevision("new", 7).put("k", "b")).clashes().getFirst();
    assertEquals("nobody", never.theirs().name());
    assertEquals(Instant.EPOCH, never.theirsAt());
    assertEquals("s: new is not there, not at 7 as " + me + " requires", never.toString());
  }

  /// The decider meets one key first; told are all.
  @Test
  void refused_severalKeys_tellsAll() {
    Store<String> mine = texts("s").withRounds(1);
    Store<String> theirs = texts("s");
    Consumer<Draft<String>> many =
        draft -> {
          for (int i = 10; i < 15; i++) {
            draft.put("k" + i, "v");
          }
        };
    theirs.put("other", "");
    ConflictException refused = refused(mine, then(many, () -> theirs.commit(many)));
    assertEquals(
        List.of("k10", "k11", "k12", "k13", "k14"),
        refused.clashes().stream().map(Clash::key).toList());
    assertTrue(String.valueOf(refused.getMessage()).contains("; and 2 more; nothing was written"));
  }

  // ---- resolvers

  private static Optional<Long> number(Store<Long> store, String key) {
    try (Snapshot<Long> all = store.snapshot(Read.APPLIED)) {
      return all.get(key);
    }
  }

  /// A resolver that writes down what it is asked.
  private static Resolver<String> asked(List<Conflict<String>> about, Resolver<String> resolver) {
    return conflict -> {
      about.add(conflict);
      return resolver.resolve(conflict);
    };
  }

  @Test
  void resolver_isAskedWithAllThree_andItsAnswerLands() {
    List<Conflict<String>> about = new ArrayList<>();
    Resolver<String> merges =
        c -> Resolution.use(c.base().orElse("-") + c.ours().orElse("-") + c.theirs().orElse("-"));
    Store<String> mine = texts("s").withResolver(asked(about, merges));
    Store<String> theirs = texts("s");
    theirs.put("other", "");
    theirs.put("k", "a");
    AtomicInteger runs = new AtomicInteger();
    Commit landed =
        mine.commit(
            then(
                draft -> draft.put("k", "b").put("free", "f"),
                () -> {
                  if (runs.incrementAndGet() == 1) {
                    theirs.put("k", "c");
                  }
                }));
    assertEquals(1, runs.get(), "the body does not run again");
    assertEquals(List.of(2, 1), List.of(landed.changed(), landed.resolved()));
    assertEquals(Optional.of("abc"), theirs.get("k"));
    assertEquals(Optional.of("f"), theirs.get("free"));
    Conflict<String> conflict = about.getFirst();
    assertEquals(List.of(2L, 3L), List.of(conflict.baseRevision(), conflict.theirRevision()));
    assertEquals(List.of("s", "k"), List.of(conflict.store(), conflict.key()));
    assertEquals(landed.writer(), conflict.theirWriter());
    assertEquals(1, about.size());
  }

  /// Each answer to one key, beside another key that nobody touched.
  @Test
  void resolver_eachAnswer_doesWhatItSays() {
    Store<String> theirs = texts("s");
    Consumer<Draft<String>> body = draft -> draft.put("k", "ours").put("free", "ours");
    BiFunction<String, Resolution<String>, Store<String>> with =
        (name, answer) -> texts(name).withResolver(_ -> answer);
    theirs.put("k", "base");

    with.apply("s", Resolution.remove()).commit(once(body, () -> theirs.put("k", "theirs")));
    assertEquals(Optional.empty(), theirs.get("k"));
    assertEquals(Optional.of("ours"), theirs.get("free"));

    theirs.remove("free");
    Commit kept =
        with.apply("s", Resolution.keepTheirs())
            .commit(once(body, () -> theirs.put("k", "theirs")));
    assertEquals(List.of(1, 0), List.of(kept.changed(), kept.resolved()));
    assertEquals(Optional.of("theirs"), theirs.get("k"));
    assertEquals(Optional.of("ours"), theirs.get("free"));

    Commit again =
        with.apply("s", Resolution.rerun()).commit(once(body, () -> theirs.put("k", "x")));
    assertEquals(List.of(2, 0), List.of(again.changed(), again.resolved()));
    assertEquals(Optional.of("ours"), theirs.get("k"));

    theirs.remove("free");
    ConflictException refused =
        refused(with.apply("s", Resolution.refuse()), once(body, () -> theirs.put("k", "theirs")));
    assertEquals(1, refused.rounds());
    assertEquals(Kind.WRITE_WRITE, refused.kind());
    assertEquals(Optional.of("theirs"), theirs.get("k"));
    assertEquals(Optional.empty(), theirs.get("free"));
  }

  /// Has somebody else do something after the first run of the body alone.
  private static Consumer<Draft<String>> once(Consumer<Draft<String>> body, Runnable meanwhile) {
    AtomicBoolean done = new AtomicBoolean();
    return then(
        body,
        () -> {
          if (!done.getAndSet(true)) {
            meanwhile.run();
          }
        });
  }

  @Test
  void resolver_keepsTheirsOfAllKeys_nothingLands() {
    Store<String> theirs = texts("s");
    theirs.put("k", "base");
    Commit nothing =
        texts("s")
            .withResolver(_ -> Resolution.keepTheirs())
            .commit(once(draft -> draft.put("k", "ours"), () -> theirs.put("k", "theirs")));
    assertEquals(List.of(2L, 0L), List.of(nothing.revision(), (long) nothing.changed()));
    assertEquals(3, theirs.put("other", "").revision());
  }

  /// What was decided about a key is decided anew when the key moves on, what stays is not.
  @Test
  void resolver_othersGoOn_isAskedAgainAboutWhatTheBodyWrote() {
    List<Conflict<String>> about = new ArrayList<>();
    Store<String> theirs = texts("s");
    theirs.commit(draft -> draft.put("k", "k0").put("l", "l0"));
    Resolver<String> joins =
        c -> {
          if (about.size() == 2) {
            theirs.put("k", "k2"); // after both were asked about, before it lands
          }
          return Resolution.use(c.ours().orElseThrow() + "+" + c.theirs().orElseThrow());
        };
    Commit landed =
        texts("s")
            .withResolver(asked(about, joins))
            .commit(
                once(
                    draft -> draft.put("k", "mine").put("l", "mine"),
                    () -> theirs.commit(draft -> draft.put("k", "k1").put("l", "l1"))));
    assertEquals(2, landed.resolved());
    assertEquals(Optional.of("mine+k2"), theirs.get("k"));
    assertEquals(Optional.of("mine+l1"), theirs.get("l"));
    assertEquals(
        List.of("k k0 k1", "l l0 l1", "k k0 k2"),
        about.stream()
            .map(c -> c.key() + " " + c.base().orElse("") + " " + c.theirs().orElse(""))
            .toList());
  }

  @Test
  void resolver_triesAreCounted() {
    Store<String> theirs = texts("s");
    theirs.put("k", "0");
    List<Conflict<String>> about = new ArrayList<>();
    Resolver<String> late =
        c -> {
          theirs.put("k", c.theirs().orElseThrow() + "+");
          return Resolution.use("ours");
        };
    ConflictException refused =
        refused(
            texts("s").withResolver(asked(about, late)).withRounds(3),
            once(draft -> draft.put("k", "ours"), () -> theirs.put("k", "1")));
    assertEquals(3, refused.rounds());
    assertEquals(3, about.size());
    assertEquals(Optional.of("1+++"), theirs.get("k"));
  }

  @Test
  void resolver_whatWasRequiredIsNotSo_isNotAsked() {
    Store<String> theirs = texts("s");
    theirs.put("k", "base");
    Store<String> mine =
        texts("s")
            .withResolver(_ -> {
              throw new AssertionError("not asked");
            });
    ConflictException stale =
        refused(
            mine,
            then(
                draft -> draft.requireRevision("k", 1).put("k", "ours"),
                () -> theirs.put("k", "theirs")));
    assertEquals(Kind.STALE, stale.kind());
    assertEquals(Optional.of("theirs"), theirs.get("k"));
  }

  /// A body reads x and writes y by it; x and y change. To settle y alone would be to land a value
  /// that was made of an x that is gone.
  @Test
  void resolver_serializableAndWhatWasReadHasChanged_theBodyRunsAgain() {
    Store<String> theirs = texts("s");
    theirs.commit(draft -> draft.put("x", "x0").put("y", "y0"));
    Store<String> mine =
        texts("s")
            .withIsolation(Isolation.SERIALIZABLE)
            .withResolver(_ -> {
              throw new AssertionError("not asked");
            });
    mine.commit(
        once(
            draft -> draft.put("y", "of " + draft.get("x").orElseThrow()),
            () -> theirs.commit(draft -> draft.put("x", "x1").put("y", "y1"))));
    assertEquals(Optional.of("of x1"), theirs.get("y"));
  }

  /// The same with x changed only after the resolver was asked about y.
  @Test
  void resolver_serializableAndWhatWasReadChangesLater_theBodyRunsAgain() {
    Store<String> theirs = texts("s");
    theirs.commit(draft -> draft.put("x", "x0").put("y", "y0"));
    AtomicInteger asked = new AtomicInteger();
    Store<String> mine =
        texts("s")
            .withIsolation(Isolation.SERIALIZABLE)
            .withResolver(c -> {
              asked.incrementAndGet();
              theirs.put("x", "x1");
              return Resolution.use("resolved " + c.ours().orElseThrow());
            });
    Commit landed =
        mine.commit(
            once(
                draft -> draft.put("y", "of " + draft.get("x").orElseThrow()),
                () -> theirs.put("y", "y1")));
    assertEquals(1, asked.get());
    assertEquals(0, landed.resolved());
    assertEquals(Optional.of("of x1"), theirs.get("y"));
  }

  @Test
  void resolver_ofOneOfTwoKeys_theBodyRunsAgain() {
    Truce truce = handle();
    Store<String> one = truce.store("one", Codec.utf8()).withResolver(_ -> Resolution.use("no"));
    Store<String> two = truce.store("two", Codec.utf8());
    Store<String> theirs = texts("one");
    Store<String> others = texts("two");
    theirs.put("k", "");
    others.put("k", "");
    AtomicInteger runs = new AtomicInteger();
    one.commit(
        once(
            draft -> {
              draft.put("k", "run " + runs.incrementAndGet());
              draft.in(two).put("k", "run " + runs.get());
            },
            () -> {
              theirs.put("k", "x");
              others.put("k", "x");
            }));
    assertEquals(Optional.of("run 2"), theirs.get("k"));
    assertEquals(Optional.of("run 2"), others.get("k"));
  }

  @Test
  void resolver_severalStores_eachHasItsOwn() {
    Truce truce = handle();
    Store<Long> sums = truce.store("sums", Codec.longs()).withResolver(Resolver.sum());
    Store<String> last = truce.store("last", Codec.utf8()).withResolver(Resolver.lastWriter());
    Truce other = handle();
    Store<Long> theirSums = other.store("sums", Codec.longs());
    Store<String> theirLast = other.store("last", Codec.utf8());
    theirSums.put("n", 10L);
    theirLast.put("k", "base");
    AtomicBoolean done = new AtomicBoolean();
    Commit both =
        sums.commit(draft -> {
          assertFalse(done.getAndSet(true), "the body runs once");
          draft.put("n", draft.get("n").orElseThrow() + 5);
          draft.in(last).put("k", "ours");
          theirSums.put("n", 12L);
          theirLast.put("k", "theirs");
        });
    assertEquals(2, both.resolved());
    assertEquals(Optional.of(17L), theirSums.get("n"));
    assertEquals(Optional.of("ours"), theirLast.get("k"));
  }

  @Test
  void resolver_throws_nothingIsWritten() {
    Store<String> theirs = texts("s");
    theirs.put("k", "base");
    IllegalStateException failure = new IllegalStateException("by the test");
    Store<String> mine =
        texts("s")
            .withResolver(_ -> {
              throw failure;
            });
    assertEquals(
        failure,
        assertThrows(
            IllegalStateException.class,
            () ->
                mine.commit(
                    then(draft -> draft.put("k", "ours"), () -> theirs.put("k", "theirs")))));
    assertEquals(Optional.of("theirs"), theirs.get("k"));
  }

  @Test
  void update_resolved_answersWhatLanded() {
    Store<Long> theirs = handle().store("s", Codec.longs());
    theirs.put("n", 1L);
    Store<Long> mine = handle().store("s", Codec.longs());
    AtomicInteger runs = new AtomicInteger();
    Store.Updated<Long> sum =
        mine.withResolver(Resolver.sum())
            .update(
                "n",
                old -> {
                  runs.incrementAndGet();
                  theirs.put("n", 10L);
                  return old.orElseThrow() + 5;
                });
    assertEquals(List.of(15L, 1L), List.of(sum.value(), (long) runs.get()));
    assertEquals(1, sum.commit().resolved());
    Store.Updated<Long> max =
        mine.withResolver(Resolver.<Long>max(Comparator.naturalOrder()))
            .update(
                "n",
                old -> {
                  theirs.put("n", 100L);
                  return old.orElseThrow() + 1;
                });
    assertEquals(100L, max.value());
    assertEquals(0, max.commit().changed());
  }

  @Test
  void update_manyWritersWithSum_isExact() throws Exception {
    List<Callable<Integer>> tasks = new ArrayList<>();
    for (int writer = 0; writer < 8; writer++) {
      Store<Long> counter =
          handle()
              .store("s", Codec.longs())
              .withDurability(Durability.OS)
              .withRounds(10_000)
              .withResolver(Resolver.sum());
      tasks.add(() -> {
        int resolved = 0;
        for (int i = 0; i < rounds(); i++) {
          resolved += counter.update("n", old -> old.orElse(0L) + 1).commit().resolved();
        }
        return resolved;
      });
    }
    int resolved = together(tasks).stream().mapToInt(Integer::intValue).sum();
    assertTrue(resolved > 0, "never two at once");
    assertEquals(Optional.of(8L * rounds()), number(handle().store("s", Codec.longs()), "n"));
  }

  /// How many changes each writer of the stress tests makes; fewer where every operation is slow.
  protected int rounds() {
    return 100;
  }

  private static final Codec<Set<String>> SETS =
      new Codec<>() {
        @Override
        public byte[] encode(Set<String> value) {
          return bytes(String.join(",", new TreeSet<>(value)));
        }

        @Override
        public Set<String> decode(byte[] bytes) {
          String text = new String(bytes, StandardCharsets.UTF_8);
          return text.isEmpty() ? Set.of() : Set.of(text.split(","));
        }
      };

  /// Each writer adds its own members and takes every other of them out again.
  @Test
  void commit_manyWritersWithSets_isExact() throws Exception {
    List<Callable<Boolean>> tasks = new ArrayList<>();
    Set<String> expected = new TreeSet<>();
    for (int writer = 0; writer < 8; writer++) {
      Store<Set<String>> store =
          handle()
              .store("s", SETS)
              .withDurability(Durability.OS)
              .withRounds(10_000)
              .withResolver(Resolver.sets());
      String mine = "w" + writer + "-";
      for (int i = 1; i < rounds() / 10; i += 2) {
        expected.add(mine + i);
      }
      tasks.add(() -> {
        for (int i = 0; i < rounds() / 10; i++) {
          String member = mine + i;
          store.update(
              "members",
              old -> {
                Set<String> members = new TreeSet<>(old.orElse(Set.of()));
                members.add(member);
                return members;
              });
          if (i % 2 == 0) {
            store.update(
                "members",
                old -> {
                  Set<String> members = new TreeSet<>(old.orElseThrow());
                  assertTrue(members.remove(member), "its own is there");
                  return members;
                });
          }
        }
        return true;
      });
    }
    together(tasks);
    try (Snapshot<Set<String>> all = handle().store("s", SETS).snapshot(Read.APPLIED)) {
      assertEquals(Optional.of(expected), all.get("members").map(TreeSet::new));
    }
  }

  // ---- rounds

  /// Eight processes each put into a store that nobody has made, with one try.
  @Test
  void firstCommits_ofManyAtOnce_areNotCountedAsTries() throws Exception {
    List<Callable<Long>> tasks = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      Store<String> store = texts("s").withRounds(1);
      String key = "k" + i;
      tasks.add(() -> store.put(key, "v").revision());
    }
    assertEquals(8, together(tasks).stream().distinct().count());
    Store<String> last = texts("t").withRounds(1);
    last.commit(once(draft -> draft.put("k", "ours"), () -> texts("t").put("k", "theirs")));
    assertEquals(Optional.of("ours"), texts("t").get("k"));
  }
}
