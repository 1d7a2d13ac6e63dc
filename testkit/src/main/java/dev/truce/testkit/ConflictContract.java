package dev.truce.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.truce.Durability;
import dev.truce.FencedException;
import dev.truce.Owner;
import dev.truce.Truce;
import dev.truce.lock.Grant;
import dev.truce.store.Codec;
import dev.truce.store.Commit;
import dev.truce.store.Conflict;
import dev.truce.store.ConflictException;
import dev.truce.store.ConflictException.Clash;
import dev.truce.store.ConflictException.Kind;
import dev.truce.store.Draft;
import dev.truce.store.Entry;
import dev.truce.store.Isolation;
import dev.truce.store.Parked;
import dev.truce.store.Read;
import dev.truce.store.Resolution;
import dev.truce.store.Resolver;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/// What becomes of commits that others are in the way of, over whatever engine. Each handle stands
/// for a process.
public abstract class ConflictContract extends StoresContract {
  /// For a subclass, which names the engine.
  protected ConflictContract() {}

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

  /// Theirs was to stay, and is another one by now.
  @Test
  void resolver_keptKeyGoesOn_isAskedAgain() {
    List<Conflict<String>> about = new ArrayList<>();
    Store<String> theirs = texts("s");
    theirs.put("k", "k0");
    Resolver<String> keeps =
        c -> {
          if (about.size() == 1) {
            theirs.put("k", "k2"); // after it was asked about, before the rest lands
          }
          return Resolution.keepTheirs();
        };
    texts("s")
        .withResolver(asked(about, keeps))
        .commit(
            once(draft -> draft.put("k", "mine").put("free", "mine"), () -> theirs.put("k", "k1")));
    assertEquals(List.of("k1", "k2"), about.stream().map(c -> c.theirs().orElse("")).toList());
    assertEquals(Optional.of("k2"), theirs.get("k"));
    assertEquals(Optional.of("mine"), theirs.get("free"));
  }

  /// It is asked outside of the journal.
  @Test
  void resolver_takesAsLongAsItLikes_othersCommitMeanwhile() {
    Store<String> theirs = texts("s");
    theirs.put("k", "k0");
    Store<String> others = texts("s");
    Resolver<String> slow =
        c -> {
          try {
            together(List.of(() -> others.put("other", "meanwhile")));
          } catch (Exception heldUp) {
            throw new AssertionError(heldUp);
          }
          return Resolution.use("both");
        };
    texts("s")
        .withResolver(slow)
        .commit(once(draft -> draft.put("k", "mine"), () -> theirs.put("k", "k1")));
    assertEquals(Optional.of("both"), theirs.get("k"));
    assertEquals(Optional.of("meanwhile"), theirs.get("other"));
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

  // ---- put aside for a person

  private Store<String> parking(String name) {
    return texts(name).withResolver(Resolver.park());
  }

  /// Puts a commit aside that wants `k` and `free`, and is at odds about `k`.
  private ConflictException putAside(Store<String> mine, Store<String> theirs) {
    return refused(
        mine,
        once(draft -> draft.put("k", "ours").put("free", "ours"), () -> theirs.put("k", "theirs")));
  }

  private static List<String> waiting(Store<String> store) {
    return store.parked().stream()
        .filter(parked -> parked.decision().isEmpty())
        .map(Parked::id)
        .toList();
  }

  @Test
  void park_nothingIsWritten_andAllOfItIsKept() {
    Store<String> theirs = texts("s");
    theirs.put("k", "base");
    ConflictException refused = putAside(parking("s"), theirs);
    String id = refused.parked().orElseThrow();
    assertEquals(Kind.WRITE_WRITE, refused.kind());
    assertEquals(Optional.of("theirs"), text(refused.clashes().getFirst().theirValue()));
    assertTrue(String.valueOf(refused.getMessage()).contains("put aside as " + id));
    assertEquals(Optional.of("theirs"), theirs.get("k"));
    assertEquals(Optional.empty(), theirs.get("free"));
    assertEquals(List.of("k"), theirs.snapshot().all().map(Entry::key).toList());

    Parked<String> parked = texts("s").parked().getFirst();
    assertEquals(id, parked.id());
    assertEquals(26, id.length());
    assertEquals(Optional.empty(), parked.decision());
    assertEquals(1, parked.conflicts().size());
    Conflict<String> conflict = parked.conflicts().getFirst();
    assertEquals(
        List.of("s", "k", "base", "ours", "theirs"),
        List.of(
            conflict.store(),
            conflict.key(),
            conflict.base().orElse(""),
            conflict.ours().orElse(""),
            conflict.theirs().orElse("")));
    assertEquals(List.of(1L, 2L), List.of(conflict.baseRevision(), conflict.theirRevision()));
    assertEquals(
        List.of("free to be ours"),
        parked.others().stream()
            .map(other -> other.key() + " to be " + other.ours().orElse(""))
            .toList());
    assertEquals(List.of(), texts("other").parked());
    assertEquals(List.of(id), handle().parked().stream().map(Parked::id).toList());
  }

  @Test
  void resolve_ours_allOfItLands() {
    Store<String> theirs = texts("s");
    theirs.put("k", "base");
    String id = putAside(parking("s"), theirs).parked().orElseThrow();
    Store<String> person = texts("s");
    Commit decided = person.resolve(person.parked().getFirst(), Resolver.lastWriter());
    assertEquals(List.of(2, 1), List.of(decided.changed(), decided.resolved()));
    assertEquals(Optional.of("ours"), theirs.get("k"));
    assertEquals(Optional.of("ours"), theirs.get("free"));
    assertEquals(List.of(), waiting(theirs));
    Parked<String> over = theirs.parked().getFirst();
    assertEquals(id, over.id());
    assertEquals(decided.writer(), over.decision().orElseThrow().by());
    assertEquals("ours", over.decision().orElseThrow().how());
  }

  @Test
  void resolve_eachDecision_doesWhatItSays() {
    Store<String> theirs = texts("s");
    Store<String> person = texts("s");
    record Case(Resolution<String> how, Optional<String> k, Optional<String> free, String said) {}
    Optional<String> none = Optional.empty();
    List<Case> cases =
        List.of(
            new Case(Resolution.use("new"), Optional.of("new"), Optional.of("ours"), "value"),
            new Case(Resolution.use("base"), Optional.of("base"), Optional.of("ours"), "base"),
            new Case(Resolution.remove(), none, Optional.of("ours"), "removed"),
            new Case(Resolution.keepTheirs(), Optional.of("theirs"), Optional.of("ours"), "theirs"),
            new Case(Resolution.refuse(), Optional.of("theirs"), none, "dropped"));
    for (Case one : cases) {
      theirs.commit(draft -> draft.put("k", "base").remove("free"));
      String id = putAside(parking("s"), theirs).parked().orElseThrow();
      Parked<String> shown =
          person.parked().stream().filter(p -> p.id().equals(id)).findFirst().orElseThrow();
      person.resolve(shown, one.how);
      assertEquals(one.k, theirs.get("k"), one.said);
      assertEquals(one.free, theirs.get("free"), one.said);
      assertEquals(
          Optional.of(one.said),
          theirs.parked().stream()
              .filter(p -> p.id().equals(id))
              .findFirst()
              .flatMap(Parked::decision)
              .map(Parked.Decision::how));
    }
    assertEquals(List.of(), waiting(theirs));
    theirs.put("k", "base");
    putAside(parking("s"), theirs);
    assertThrows(
        IllegalArgumentException.class,
        () -> person.resolve(person.parked().getFirst(), Resolution.park()));
    assertEquals(1, waiting(theirs).size());
  }

  @Test
  void resolve_theKeyWentOn_isRefusedAndTellsBoth() {
    Store<String> theirs = texts("s");
    theirs.put("k", "base");
    putAside(parking("s"), theirs);
    Store<String> person = texts("s");
    Parked<String> shown = person.parked().getFirst();
    theirs.put("k", "later");
    ConflictException stale =
        assertThrows(ConflictException.class, () -> person.resolve(shown, Resolver.lastWriter()));
    assertEquals(Kind.STALE, stale.kind());
    assertEquals(Optional.of("later"), text(stale.clashes().getFirst().theirValue()));
    assertEquals(Optional.of("later"), theirs.get("k"));
    assertEquals(Optional.empty(), theirs.get("free"));
    theirs.put("free", "theirs, too");
    Parked<String> again = person.parked().getFirst();
    assertEquals(
        List.of("free", "k"), again.conflicts().stream().map(Conflict::key).sorted().toList());
    person.resolve(again, Resolver.lastWriter());
    assertEquals(Optional.of("ours"), theirs.get("k"));
    assertEquals(Optional.of("ours"), theirs.get("free"));
  }

  /// What was shown as theirs is gone, and with it what was decided about: to write ours would be
  /// nobody's decision.
  @Test
  void resolve_theKeyIsAtItsBaseAgain_isRefused() {
    Store<String> theirs = texts("s");
    theirs.put("other", "");
    putAside(parking("s"), theirs);
    Store<String> person = texts("s");
    Parked<String> shown = person.parked().getFirst();
    theirs.remove("k");
    assertThrows(ConflictException.class, () -> person.resolve(shown, Resolution.keepTheirs()));
    assertEquals(Optional.empty(), theirs.get("k"));
    Parked<String> again = person.parked().getFirst();
    assertEquals(List.of(), again.conflicts());
    person.resolve(again, Resolution.keepTheirs());
    assertEquals(Optional.empty(), theirs.get("k"));
    assertEquals(List.of(), waiting(theirs));
  }

  /// Nobody is in the way any more, so what is decided is about all that it wanted here.
  @Test
  void resolve_nobodyIsInTheWayAnyMore_eachDecision_doesWhatItSays() {
    Store<String> theirs = texts("s");
    Store<String> person = texts("s");
    record Case(Resolver<String> how, Optional<String> k, Optional<String> free, String said) {}
    Optional<String> none = Optional.empty();
    Optional<String> ours = Optional.of("ours");
    Optional<String> both = Optional.of("new");
    List<Case> cases =
        List.of(
            new Case(Resolver.lastWriter(), ours, ours, "ours"),
            new Case(_ -> Resolution.use("new"), both, both, "value"),
            new Case(_ -> Resolution.remove(), none, none, "base"),
            new Case(_ -> Resolution.keepTheirs(), none, none, "theirs"),
            new Case(_ -> Resolution.refuse(), none, none, "dropped"),
            new Case(
                c -> c.key().equals("k") ? Resolution.keepTheirs() : Resolution.use("new"),
                none,
                both,
                "theirs, value"));
    for (Case one : cases) {
      theirs.commit(draft -> draft.remove("k").remove("free"));
      putAside(parking("s"), theirs);
      theirs.remove("k");
      Parked<String> shown = person.parked().getFirst();
      assertEquals(List.of(), shown.conflicts());
      person.resolve(shown, one.how);
      assertEquals(one.k, theirs.get("k"), one.said);
      assertEquals(one.free, theirs.get("free"), one.said);
      assertEquals(
          Optional.of(one.said),
          theirs.parked().stream()
              .filter(parked -> parked.id().equals(shown.id()))
              .findFirst()
              .flatMap(Parked::decision)
              .map(Parked.Decision::how));
    }
    assertEquals(List.of(), waiting(theirs));
  }

  /// The resolver of one store is asked about nothing in another: that lands as it was wanted.
  @Test
  void resolve_nobodyIsInTheWayAnyMore_inOneStore_theOtherAsItWanted() {
    Truce truce = handle();
    Store<String> one = truce.store("one", Codec.utf8()).withResolver(Resolver.park());
    Store<Long> two = truce.store("two", Codec.longs());
    Store<String> theirs = texts("one");
    theirs.put("other", "");
    refused(
        one,
        once(
            draft -> {
              draft.put("k", "ours");
              draft.in(two).put("n", 2L);
            },
            () -> theirs.put("k", "theirs")));
    theirs.remove("k");
    Parked<String> shown = theirs.parked().getFirst();
    assertEquals(List.of(), shown.conflicts());
    theirs.resolve(shown, Resolution.use("decided"));
    assertEquals(Optional.of("decided"), theirs.get("k"));
    assertEquals(Optional.of(2L), two.get("n"));
  }

  /// Nobody was shown a key there, so nobody can have decided about one.
  @Test
  void resolve_itWantsNothingInThisStore_isRefused() {
    Store<String> theirs = texts("s");
    theirs.put("other", "");
    putAside(parking("s"), theirs);
    theirs.remove("k");
    Parked<String> shown = theirs.parked().getFirst();
    assertThrows(
        ConflictException.class, () -> texts("another").resolve(shown, Resolution.refuse()));
    theirs.rename("t");
    assertThrows(ConflictException.class, () -> theirs.resolve(shown, Resolution.refuse()));
    assertEquals(1, waiting(texts("t")).size());
    assertEquals(Optional.empty(), texts("t").get("k"));
    texts("t").resolve(shown, Resolution.refuse());
    assertEquals(List.of(), waiting(texts("t")));
    assertEquals(Optional.empty(), texts("t").get("k"));
  }

  /// One of the two stores that it wants to write to has the name of the other by now.
  @Test
  void resolve_itWantsTwoValuesOfOneKey_isRefusedUnlessItIsDropped() {
    Truce truce = handle();
    Store<String> one = texts("one");
    Store<String> two = truce.store("two", Codec.utf8());
    one.put("k", "1");
    two.put("k", "1");
    refused(
        truce.store("one", Codec.utf8()).withResolver(Resolver.park()),
        once(
            draft -> draft.put("k", "ours").in(two).put("k", "ours, too"),
            () -> one.put("k", "theirs")));
    two.drop();
    one.rename("two");
    Truce person = handle();
    Parked<byte[]> shown = person.parked().getFirst();
    assertThrows(ConflictException.class, () -> person.resolve(shown, Resolver.lastWriter()));
    assertEquals(Optional.of("theirs"), two.get("k"));
    person.resolve(shown, _ -> Resolution.refuse());
    assertEquals(Optional.of("theirs"), two.get("k"));
    assertEquals(List.of(), waiting(two));
  }

  @Test
  void resolve_manyAtOnce_oneDoes() throws Exception {
    Store<String> theirs = texts("s");
    theirs.put("k", "base");
    putAside(parking("s"), theirs);
    List<Callable<String>> tasks = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      Store<String> person = texts("s");
      Parked<String> shown = person.parked().getFirst();
      String value = "by " + i;
      tasks.add(() -> {
        try {
          person.resolve(shown, Resolution.use(value));
          return value;
        } catch (ConflictException late) {
          assertEquals(Kind.STALE, late.kind());
          return "";
        }
      });
    }
    List<String> won = together(tasks).stream().filter(value -> !value.isEmpty()).toList();
    assertEquals(1, won.size(), won::toString);
    assertEquals(Optional.of(won.getFirst()), theirs.get("k"));
    assertEquals(1, theirs.parked().size());
  }

  /// While one decides somebody else has it dropped, which touches no key.
  @Test
  void resolve_anotherDecidesMeanwhile_isRefused() {
    Store<String> theirs = texts("s");
    theirs.put("k", "base");
    String id = putAside(parking("s"), theirs).parked().orElseThrow();
    Store<String> one = texts("s");
    Store<String> other = texts("s");
    Parked<String> shown = one.parked().getFirst();
    ConflictException late =
        assertThrows(
            ConflictException.class,
            () ->
                one.resolve(
                    shown,
                    conflict -> {
                      other.resolve(shown, Resolution.refuse());
                      return Resolution.refuse();
                    }));
    assertTrue(String.valueOf(late.getMessage()).startsWith(id + " was decided by "));
    assertEquals("dropped", theirs.parked().getFirst().decision().orElseThrow().how());
    assertEquals(Optional.of("theirs"), theirs.get("k"));
  }

  @Test
  void resolve_again_isRefused() {
    Store<String> theirs = texts("s");
    theirs.put("k", "base");
    String id = putAside(parking("s"), theirs).parked().orElseThrow();
    Store<String> person = texts("s");
    Parked<String> shown = person.parked().getFirst();
    person.resolve(shown, Resolution.use("once"));
    ConflictException over =
        assertThrows(ConflictException.class, () -> person.resolve(shown, Resolution.use("twice")));
    assertTrue(String.valueOf(over.getMessage()).startsWith(id + " was decided by "));
    assertEquals(Optional.of("once"), theirs.get("k"));
  }

  /// The other stores of a commit are put aside with it; who decides sees all of them, as bytes.
  @Test
  void park_overSeveralStores_isOneDecision() {
    Truce truce = handle();
    Store<String> one = truce.store("one", Codec.utf8()).withResolver(Resolver.park());
    Store<Long> two = truce.store("two", Codec.longs()).withResolver(Resolver.park());
    Store<String> theirs = texts("one");
    Store<Long> others = handle().store("two", Codec.longs());
    theirs.put("k", "base");
    others.put("n", 1L);
    refused(
        one,
        once(
            draft -> {
              draft.put("k", "ours");
              draft.in(two).put("n", 2L);
              draft.in(truce.store("new", Codec.utf8())).put("made", "by ours");
            },
            () -> {
              theirs.put("k", "theirs");
              others.put("n", 3L);
            }));
    assertEquals(1, theirs.parked().getFirst().conflicts().size());
    assertEquals(Optional.of(2L), others.parked().getFirst().conflicts().getFirst().ours());
    assertThrows(
        ConflictException.class,
        () -> theirs.resolve(theirs.parked().getFirst(), Resolver.lastWriter()));
    Truce person = handle();
    person.resolve(
        person.parked().getFirst(),
        conflict ->
            conflict.store().equals("one")
                ? Resolution.keepTheirs()
                : Resolution.use(conflict.ours().orElseThrow()));
    assertEquals(Optional.of("theirs"), theirs.get("k"));
    assertEquals(Optional.of(2L), others.get("n"));
    assertEquals(Optional.of("by ours"), texts("new").get("made"));
  }

  @Test
  void park_underAnId_repeatedTellsTheSame() {
    Store<String> theirs = texts("s");
    theirs.put("k", "base");
    UUID id = UUID.randomUUID();
    String parked = putAside(parking("s").withId(id), theirs).parked().orElseThrow();
    for (int again = 0; again < 2; again++) {
      ConflictException same =
          refused(
              texts("s").withId(id),
              draft -> {
                throw new AssertionError("the body does not run");
              });
      assertEquals(Optional.of(parked), same.parked());
      assertEquals("k", same.clashes().getFirst().key());
    }
    assertEquals(List.of(parked), waiting(theirs));
    Store<String> person = texts("s");
    person.resolve(person.parked().getFirst(), Resolution.keepTheirs());
    assertEquals(
        Optional.of(parked), refused(texts("s").withId(id), draft -> draft.get("k")).parked());
  }

  @Test
  void park_tokenHasEnded_isRefusedAndNothingIsKept() throws Exception {
    Truce truce = handle();
    Store<String> theirs = texts("s");
    theirs.put("k", "base");
    Grant grant = truce.lock("l").acquire(Duration.ofSeconds(10));
    Store<String> mine =
        truce
            .store("s", Codec.utf8())
            .withFence(grant.fence())
            .withResolver(_ -> {
              grant.close();
              return Resolution.park();
            });
    assertThrows(
        FencedException.class,
        () -> mine.commit(once(draft -> draft.put("k", "ours"), () -> theirs.put("k", "theirs"))));
    assertEquals(List.of(), theirs.parked());
  }

  @Test
  void park_besideWhatRefuses_isNotKept() {
    assertEquals(Optional.empty(), parkedBeside(Resolver.refuse()).parked());
    assertEquals(List.of(), texts("s").parked());
  }

  @Test
  void park_besideWhatWouldRunAgain_isPutAside() {
    assertTrue(parkedBeside(Resolver.rerun()).parked().isPresent());
    assertEquals(1, texts("s").parked().size());
  }

  /// What becomes of a commit of which one key is to be put aside.
  private ConflictException parkedBeside(Resolver<String> other) {
    Truce truce = handle();
    Store<String> parks = truce.store("s", Codec.utf8()).withResolver(Resolver.park());
    Store<String> theirs = texts("s");
    theirs.commit(draft -> draft.put("k", "").put("l", ""));
    return refused(
        parks,
        once(
            draft -> {
              draft.put("k", "ours");
              draft.in(truce.store("s", Codec.utf8()).withResolver(other)).put("l", "ours");
            },
            () -> theirs.commit(draft -> draft.put("k", "x").put("l", "x"))));
  }

  /// Nothing of the parked is in a feed, a listing or another store of a strange name.
  @Test
  void park_isSeenInNoStore() {
    Store<String> theirs = texts("s");
    theirs.put("k", "base");
    putAside(parking("s"), theirs);
    for (String name : List.of("c", "c/", "n/s", "r", "s")) {
      assertEquals(
          name.equals("s") ? 1 : 0, texts(name).snapshot().all().count(), "in store " + name);
    }
  }
}
