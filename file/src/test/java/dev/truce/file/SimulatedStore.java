package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Durability;
import dev.truce.EngineException;
import dev.truce.Fence;
import dev.truce.FencedException;
import dev.truce.Owner;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import dev.truce.store.Codec;
import dev.truce.store.Commit;
import dev.truce.store.Conflict;
import dev.truce.store.ConflictException;
import dev.truce.store.Draft;
import dev.truce.store.EagerStores;
import dev.truce.store.Entry;
import dev.truce.store.Isolation;
import dev.truce.store.Read;
import dev.truce.store.Resolution;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import dev.truce.store.Stores;
import dev.truce.store.TooOldException;
import dev.truce.testkit.SimulatedMachine;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The stores of a directory as one simulated process has them open, over a [SimulatedJournal] and
/// in the words of its account.
///
/// A commit's name says what it does, so that who finds it in the journal knows what the stores
/// must hold: `a1,s/k=v,t/n+` puts `v` under `k` in store `s` and counts one up in `t`. After the
/// first word come
///
/// | | |
/// |---|---|
/// | `s/k=v` | puts it |
/// | `s/k-` | removes it |
/// | `s/k+` | adds one to what is there |
/// | `s/k<v` | appends to the list that is there |
/// | `s/k#p` | puts how many keys begin with `p` |
/// | `s/k@j` | puts what is there under `j` |
final class SimulatedStore implements AutoCloseable {
  /// The stores that workloads use.
  private static final List<String> STORES = List.of("s", "t");

  private static final Pattern CHANGE = Pattern.compile("([a-z]+)/([a-z0-9]+)([-=+<#@])(.*)");

  /// Tells people of each checkpoint that a fault has stopped, and here there are thousands.
  private static final Logger TALKATIVE = Logger.getLogger("dev.truce.store");

  static {
    TALKATIVE.setLevel(Level.OFF);
  }

  /// Where changes are made, by `STORE/KEY`.
  private interface Content {
    Optional<String> get(String key);

    void put(String key, String value);

    void remove(String key);

    long count(String prefix);
  }

  /// What is there, with the number of the commit that put it.
  private record Placed(String value, long revision) {}

  /// The stores as they should be: the commits, one after the other, on a sorted map.
  private static final class Expected implements Content {
    private final SortedMap<String, Placed> content = new TreeMap<>();
    private long revision;

    void commit(String name) {
      revision++;
      change(name, this);
    }

    @Override
    public Optional<String> get(String key) {
      return Optional.ofNullable(content.get(key)).map(Placed::value);
    }

    @Override
    public void put(String key, String value) {
      content.put(key, new Placed(value, revision));
    }

    @Override
    public void remove(String key) {
      content.remove(key);
    }

    @Override
    public long count(String prefix) {
      return content.keySet().stream().filter(key -> key.startsWith(prefix)).count();
    }
  }

  private final class Drafted implements Content {
    private final Draft<String> draft;

    Drafted(Draft<String> draft) {
      this.draft = draft;
    }

    private Draft<String> in(String key) {
      return draft.in(store(key.substring(0, key.indexOf('/'))));
    }

    @Override
    public Optional<String> get(String key) {
      return in(key).get(rest(key));
    }

    @Override
    public void put(String key, String value) {
      in(key).put(rest(key), value);
    }

    @Override
    public void remove(String key) {
      in(key).remove(rest(key));
    }

    @Override
    public long count(String prefix) {
      return in(prefix).prefix(rest(prefix)).count();
    }
  }

  private static String rest(String key) {
    return key.substring(key.indexOf('/') + 1);
  }

  private static void change(String commit, Content content) {
    for (String change : commit.substring(commit.indexOf(',') + 1).split(",", -1)) {
      Matcher parts = CHANGE.matcher(change);
      assertThat(parts.matches()).as(change).isTrue();
      String key = parts.group(1) + "/" + parts.group(2);
      String value = parts.group(4);
      switch (parts.group(3)) {
        case "=" -> content.put(key, value);
        case "-" -> content.remove(key);
        case "+" -> content.put(key, String.valueOf(count(content.get(key)) + 1));
        case "@" -> content.put(key, content.get(parts.group(1) + "/" + value).orElse(""));
        case "<" -> content.put(key, content.get(key).map(l -> l + " ").orElse("") + value);
        default -> content.put(key, String.valueOf(content.count(parts.group(1) + "/" + value)));
      }
    }
  }

  private final SimulatedMachine<String>.Worker me;
  private final SimulatedJournal journal;
  private final MemoryEngine rest;
  private final Stores stores;
  private final Map<UUID, String> names = new HashMap<>();

  /// Of the commit that is under way.
  private UUID id = SimulatedJournal.id("");

  static SimulatedStore open(SimulatedMachine<String>.Worker me) {
    return new SimulatedStore(me, SimulatedStore::usual);
  }

  /// Stores that take a checkpoint after every few commits.
  static SimulatedStore openEagerly(SimulatedMachine<String>.Worker me) {
    return new SimulatedStore(me, EagerStores::over);
  }

  private static Stores usual(
      Engine engine, Owner writer, Supplier<UUID> ids, InstantSource clock) {
    return Stores.over(engine, writer, _ -> {}, ids, clock, Runnable::run, 1, null);
  }

  /// How stores are opened.
  private interface Opening {
    Stores over(Engine engine, Owner writer, Supplier<UUID> ids, InstantSource clock);
  }

  private SimulatedStore(SimulatedMachine<String>.Worker me, Opening opening) {
    this.me = me;
    journal = new SimulatedJournal(me, me.storage(), new Names());
    rest = MemoryEngine.create(me.ticker());
    stores =
        opening.over(
            new OneJournal(unwatched(journal.journal()), Durability.FSYNC, rest),
            new Owner(me.name(), "simulated", 0),
            () -> id,
            () -> Instant.ofEpochMilli(me.ticker().nanos() / 1_000_000));
  }

  /// Nobody hints: a hint comes on a thread that is no worker of the machine.
  private static Journal unwatched(Journal journal) {
    return new Meddled(journal) {
      @Override
      public AutoCloseable watch(Runnable hint) {
        return () -> {};
      }
    };
  }

  /// Records tell the commits that they are by their ids, and those that were let go are told by
  /// the list that every commit of such a workload appends to.
  private final class Names implements SimulatedJournal.Words {
    @Override
    public String value(Journal.Entry entry) {
      if (!names.containsKey(entry.commitId())) {
        me.account().attempted().forEach(tried -> names.put(SimulatedJournal.id(tried), tried));
      }
      return Objects.requireNonNull(
          names.get(entry.commitId()), () -> "nobody tried commit " + entry.position());
    }

    @Override
    public List<String> letGo(Journal.Base base) {
      List<String> tried = me.account().attempted();
      try (Snapshot<String> then = store("s").snapshotAt(base.upTo())) {
        return Stream.of(then.get("log").orElse("").split(" ", -1))
            .map(word -> tried.stream().filter(name -> name.startsWith(word + ",")).findFirst())
            .map(name -> name.orElse("nobody's"))
            .toList();
      } catch (TooOldException overtaken) {
        return List.of();
      }
    }
  }

  private Store<String> store(String name) {
    return stores.store(name, Codec.utf8());
  }

  // ---- writing and accounting for it

  /// Commits what a name says, whatever is there.
  void put(String name) {
    Matcher parts = CHANGE.matcher(name.substring(name.indexOf(',') + 1));
    assertThat(parts.matches() && parts.group(3).equals("=")).as(name).isTrue();
    Store<String> store = store(parts.group(1));
    account(name, () -> store.put(parts.group(2), parts.group(4)));
  }

  /// Commits what a name says, resting on what is there.
  boolean commit(String name) {
    return commit(name, UnaryOperator.identity());
  }

  /// The same, also on what is read.
  boolean commitSerializable(String name) {
    return commit(name, store -> store.withIsolation(Isolation.SERIALIZABLE));
  }

  /// The same, and adds to what others have counted meanwhile instead of counting again.
  void commitAdding(String name) {
    commit(name, store -> store.withResolver(SimulatedStore::sum));
  }

  private static Resolution<String> sum(Conflict<String> conflict) {
    long added = count(conflict.ours()) - count(conflict.base());
    return Resolution.use(String.valueOf(count(conflict.theirs()) + added));
  }

  private static long count(Optional<String> value) {
    return value.map(Long::valueOf).orElse(0L);
  }

  /// The same while a token is current. A commit that began after its end was answered never lands.
  void commitUnder(Fence fence, String ended, String name) {
    boolean late = me.account().acknowledged().contains(ended);
    boolean landed = commit(name, store -> store.withFence(fence));
    assertThat(late && landed).as("%s landed after %s", name, ended).isFalse();
  }

  /// The same under an id of the caller's, unless somebody was refused under it.
  void commitNamed(String name) {
    try {
      commit(name, store -> store.withId(SimulatedJournal.id(name)));
    } catch (IllegalArgumentException usedUp) {
      // whoever gave it up may have died before saying so, but nobody was told that it landed
      assertThat(me.account().acknowledged()).as(usedUp.getMessage()).doesNotContain(name);
    }
  }

  /// The same if a key has this revision, right before it as well.
  boolean commitAt(long revision, String key, String name) {
    AtomicLong landed = new AtomicLong();
    boolean done =
        account(
            name,
            () -> {
              Commit commit =
                  store("s")
                      .commit(draft -> {
                        draft.requireRevision(key, revision);
                        change(name, new Drafted(draft));
                      });
              landed.set(commit.revision());
              return commit;
            });
    if (landed.get() > 0) {
      try (Snapshot<String> before = store("s").snapshotAt(landed.get() - 1)) {
        assertThat(before.entry(key).map(Entry::revision).orElse(0L)).as(name).isEqualTo(revision);
      }
    }
    return done;
  }

  /// The same, and does not wait until it is safe.
  void commitQuickly(String name) {
    me.account().attempt(name);
    id = SimulatedJournal.id(name);
    Commit commit =
        store("s").withDurability(Durability.OS).commit(draft -> change(name, new Drafted(draft)));
    isSeen(name, commit);
  }

  private boolean commit(String name, UnaryOperator<Store<String>> how) {
    return account(
        name, () -> how.apply(store("s")).commit(draft -> change(name, new Drafted(draft))));
  }

  private interface Committing {
    Commit commit();
  }

  /// Whether it landed. What is refused, for whatever reason, never lands.
  private boolean account(String name, Committing work) {
    String never = "!never " + name;
    me.account().attempt(name);
    me.account().attempt(never);
    id = SimulatedJournal.id(name);
    Commit commit;
    try {
      commit = work.commit();
    } catch (ConflictException | FencedException refused) {
      me.account().acknowledge(never);
      return false;
    } catch (EngineException failure) {
      me.account().acknowledge(never);
      throw failure;
    }
    String fact = "!" + name + " at " + commit.revision();
    me.account().attempt(fact);
    me.account().acknowledge(fact);
    me.account().acknowledge(name);
    isSeen(name, commit);
    return true;
  }

  private void isSeen(String name, Commit commit) {
    assertThat(commit.id()).isEqualTo(SimulatedJournal.id(name));
    try (Snapshot<String> now = store("s").snapshot()) {
      assertThat(now.revision()).as("what %s sees", name).isGreaterThanOrEqualTo(commit.revision());
    }
  }

  /// Ends a token, as who takes a lock from somebody does.
  void end(String lock, long token) {
    journal.end(lock, token);
  }

  // ---- reading and accounting for it

  /// Looks at what is safe: it is what the commits until then made, and stays for good.
  void read() {
    try (Snapshot<String> now = store("s").snapshot()) {
      isExpected(now).forEach(me.account()::acknowledge);
    }
  }

  /// Looks at one moment for a while, in which others may go on.
  void readOn() {
    try (Snapshot<String> now = store("s").snapshot()) {
      Map<String, Placed> seen = content(now);
      for (int i = 0; i < 3; i++) {
        JournalWorkload.rest(me, Duration.ofSeconds(1));
        assertThat(content(now)).as("the same moment").isEqualTo(seen);
        read();
      }
    }
  }

  /// Looks at what is there, safe or not.
  void readApplied() {
    try (Snapshot<String> now = store("s").snapshot(Read.APPLIED)) {
      isExpected(now);
    }
  }

  /// The commits that it is made of.
  private List<String> isExpected(Snapshot<String> seen) {
    List<String> commits = journal.values().stream().limit(seen.revision()).toList();
    Expected expected = new Expected();
    commits.forEach(expected::commit);
    isExpected(expected, seen);
    return commits;
  }

  private void isExpected(Expected expected, Snapshot<String> seen) {
    assertThat(content(seen))
        .as("what is there at revision %d", seen.revision())
        .isEqualTo(expected.content);
  }

  private Map<String, Placed> content(Snapshot<String> seen) {
    SortedMap<String, Placed> content = new TreeMap<>();
    for (String name : STORES) {
      for (Entry<String> entry : seen.in(store(name)).all().toList()) {
        content.put(name + "/" + entry.key(), new Placed(entry.value(), entry.revision()));
      }
    }
    return content;
  }

  // ---- after a crash

  /// After all others have died: settles what became of every commit, holds what the stores have at
  /// each revision to the commits until then, and goes on working.
  static void recover(SimulatedMachine<String>.Worker me) throws Exception {
    try (SimulatedStore store = open(me)) {
      store.settle();
    }
  }

  /// The same, once everything was committed again under its name.
  static void repeatAndRecover(SimulatedMachine<String>.Worker me) throws Exception {
    try (SimulatedStore store = open(me)) {
      me.account().attempted().stream()
          .filter(stated -> !stated.startsWith("!"))
          .filter(stated -> !me.account().acknowledged().contains("!never " + stated))
          .forEach(store::commitNamed);
      store.settle();
    }
  }

  private void settle() throws InterruptedException {
    journal.settle();
    Expected expected = new Expected();
    for (String commit : journal.values()) {
      expected.commit(commit);
      if (expected.revision >= journal.journal().floor()) {
        try (Snapshot<String> then = store("s").snapshotAt(expected.revision)) {
          isExpected(expected, then);
        }
      }
    }
    String after = "after" + me.account().attempted().size();
    commit(after + ",s/log<" + after);
    me.account().check(journal.found());
    read();
  }

  @Override
  public void close() {
    stores.close();
    rest.close();
    journal.close();
  }
}
