package dev.truce.store;

import dev.truce.Durability;
import dev.truce.Fence;
import dev.truce.TruceException;
import dev.truce.store.CommitRecord.Write;
import dev.truce.store.Footprint.Range;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Values by key under one name of a root, and how they are read and written: immutable, free to
/// make; nothing exists before the first commit.
///
/// **Commits.** A commit is one change of any number of keys, in this store and others, all of it
/// or nothing of it, with its fence. It has *landed* when it has a place in the order of all
/// commits, its revision; it is answered when it is as safe as [was asked for][#withDurability].
/// What it rests on must not have changed between what it read and where it lands: if it has, the
/// body runs again on what is there by then, or a [resolver][#withResolver] decides, at most as
/// often as [#withRounds] says. Writers of different keys never conflict.
///
/// **Outcomes.** A commit lands and is answered; or throws [ConflictException],
/// [dev.truce.FencedException], [dev.truce.EngineException], whatever its body or codec throws, or
/// [IllegalArgumentException], and then nothing of it was written and never will be; or throws
/// [dev.truce.OutcomeUnknownException], and then repeating it [under its id][#withId] tells. What
/// cannot happen: that it was answered and is not there.
///
/// **Threads.** Safe for any number of them. An interrupt does not end a commit, and is kept.
public final class Store<V> {
  /// The longest name of a store in UTF-8.
  public static final int MAX_NAME = 255;

  /// The longest key in UTF-8.
  public static final int MAX_KEY = CommitRecord.MAX_KEY;

  /// The longest value in bytes.
  public static final int MAX_VALUE = 16 << 20;

  private static final int USUAL_ROUNDS = 100;

  private final Stores stores;
  private final String name;
  private final Codec<V> codec;
  private final Settings settings;
  private final @Nullable Resolver<V> resolver;
  private final byte[] row;

  /// What was read last. Threads that lose each other's look once more.
  private volatile Numbered numbered = Numbered.NEVER;

  /// The number of this store in a root that somebody else may keep.
  private record Numbered(WeakReference<Root> root, long number) {
    static final Numbered NEVER = new Numbered(new WeakReference<>(null), 0);
  }

  /// How it commits.
  ///
  /// @param id of the next commit, where the caller chose one
  record Settings(
      Isolation isolation,
      Durability durability,
      @Nullable Fence fence,
      @Nullable UUID id,
      int rounds) {
    static final Settings USUAL =
        new Settings(Isolation.SNAPSHOT, Durability.FSYNC, null, null, USUAL_ROUNDS);
  }

  Store(
      Stores stores,
      String name,
      Codec<V> codec,
      Settings settings,
      @Nullable Resolver<V> resolver) {
    this.stores = stores;
    this.name = name;
    this.codec = codec;
    this.settings = settings;
    this.resolver = resolver;
    this.row = Root.row(name);
  }

  public String name() {
    return name;
  }

  Settings settings() {
    return settings;
  }

  // ---- copies

  /// Has commits conflict with what this says; [Isolation#SNAPSHOT] unless told otherwise.
  public Store<V> withIsolation(Isolation isolation) {
    return with(
        new Settings(isolation, settings.durability, settings.fence, settings.id, settings.rounds));
  }

  /// Has commits be answered when they are at least as safe as this, as far as the engine can; on
  /// the device unless told otherwise.
  public Store<V> withDurability(Durability atLeast) {
    return with(
        new Settings(settings.isolation, atLeast, settings.fence, settings.id, settings.rounds));
  }

  /// Has commits land only while these tokens are current, and moments miss nothing that was
  /// written before: the first one under a fence waits until all that there is is safe. Commits
  /// under a fence of another root are an [IllegalArgumentException].
  public Store<V> withFence(Fence fence) {
    return with(
        new Settings(settings.isolation, settings.durability, fence, settings.id, settings.rounds));
  }

  /// Names what this commits: doing it again under the same id answers the first one, if that has
  /// landed; when its record is not kept any more, with its revision, and nothing that was in it.
  /// One that was refused under it never lands, and the id is used up: another commit wants another
  /// one. So it is where the body throws. A directory knows an id for 65,536 revisions below its
  /// newest checkpoint, and what it does not know is committed again.
  public Store<V> withId(UUID id) {
    return with(
        new Settings(settings.isolation, settings.durability, settings.fence, id, settings.rounds));
  }

  /// How often a commit may try to land, its body running or a [resolver][#withResolver] being
  /// asked before each try; 100 unless told otherwise. Tries at which others were faster with
  /// making the store are not counted.
  public Store<V> withRounds(int atMost) {
    if (atMost < 1) {
      throw new IllegalArgumentException(
          "a commit is tried once at least, not " + atMost + " times");
    }
    return with(
        new Settings(settings.isolation, settings.durability, settings.fence, settings.id, atMost));
  }

  /// Has keys that others have written meanwhile be resolved, where otherwise the body would run
  /// again.
  public Store<V> withResolver(Resolver<V> resolver) {
    return new Store<>(stores, name, codec, settings, resolver);
  }

  private Store<V> with(Settings changed) {
    return new Store<>(stores, name, codec, changed, resolver);
  }

  // ---- reading

  /// The value of a key now, as far as it is safe.
  public Optional<V> get(String key) {
    try (Snapshot<V> now = moment(Read.DURABLE)) {
      return now.get(key);
    }
  }

  /// What is safe now. Never waits for writers, but for the first one [under a fence][#withFence].
  public Snapshot<V> snapshot() {
    return snapshot(Read.DURABLE);
  }

  /// What is there now.
  public Snapshot<V> snapshot(Read read) {
    return held(moment(read));
  }

  private Snapshot<V> held(Snapshot<V> moment) {
    stores.attend();
    return moment;
  }

  private Snapshot<V> moment(Read read) {
    Fence fence = settings.fence();
    if (fence != null) {
      stores.seeAllBefore(fence);
    }
    Reading reading = stores.reading();
    return new Snapshot<>(this, read, Stores.root(read, reading), reading);
  }

  /// What was there at a revision. It is made from the commits until then, which takes time.
  ///
  /// @throws IllegalArgumentException if that has not been reached
  /// @throws TooOldException if it is not kept any more
  public Snapshot<V> snapshotAt(long revision) {
    Reading reading = stores.reading();
    return held(new Snapshot<>(this, Read.APPLIED, reading.at(revision), reading));
  }

  /// The same of a revision that is safe.
  Snapshot<V> safeAt(long revision) {
    Reading reading = stores.reading();
    return new Snapshot<>(this, Read.DURABLE, reading.at(revision), reading);
  }

  // ---- writing

  /// Has this key hold this value, whatever it held: nobody's commit is in its way, and no resolver
  /// is asked.
  public Commit put(String key, V value) {
    byte[] bytes = encode(key, value);
    byte[] utf8 = key(key);
    return stores.commit(settings, writes -> writes.change(writes.part(name), utf8, bytes, true));
  }

  /// Has this key be gone, whatever it held, as [#put].
  public Commit remove(String key) {
    byte[] utf8 = key(key);
    return stores.commit(settings, writes -> writes.change(writes.part(name), utf8, null, true));
  }

  /// A value that a commit put there.
  public record Updated<V>(V value, Commit commit) {}

  /// What the body of an update has made, and where.
  private record Made<V>(V value, Writes writes) {}

  /// Has this key hold what `change` makes of its value. Of any number of updates at once none is
  /// lost. Where a resolver has decided, the value is its; if it has removed the key, the value is
  /// that which `change` made.
  ///
  /// @throws TooOldException if it has landed before, [under this id][#withId], and its value is
  ///   not kept any more
  /// @throws NoSuchElementException if it has landed before, and a resolver has removed the key
  public Updated<V> update(String key, Function<Optional<V>, V> change) {
    AtomicReference<@Nullable Made<V>> last = new AtomicReference<>();
    Commit commit =
        commit(draft -> {
          V value = Objects.requireNonNull(change.apply(draft.get(key)));
          last.set(new Made<>(value, draft.writes()));
          draft.put(key, value);
        });
    Made<V> made = last.get();
    return new Updated<>(
        made == null || commit.repeated() ? landed(key, commit) : stands(key, made), commit);
  }

  private V stands(String key, Made<V> made) {
    byte[] settled = made.writes.settled(name, key(key));
    return settled == null ? made.value : codec.decode(settled);
  }

  /// What an earlier commit of this id put there.
  private V landed(String key, Commit commit) {
    try (Snapshot<V> then = snapshotAt(commit.revision())) {
      return then.get(key)
          .orElseThrow(() ->
              new NoSuchElementException(
                  "commit "
                      + commit.id()
                      + " has landed at revision "
                      + commit.revision()
                      + ", where a resolver has removed "
                      + key));
    } catch (TooOldException letGo) {
      throw new TooOldException(commit, letGo);
    }
  }

  /// Commits what the body writes.
  public Commit commit(Consumer<Draft<V>> body) {
    return stores.commit(settings, writes -> body.accept(new Draft<>(this, writes)));
  }

  /// The same, only while these tokens are current.
  public Commit commit(Fence fence, Consumer<Draft<V>> body) {
    return withFence(fence).commit(body);
  }

  // ---- what waits for a person

  /// The commits that want to write to this store and were [put aside][Resolver#park()], those that
  /// wait first: at most 10,000 of them, and the newest 1,000 of those that were decided.
  public List<Parked<V>> parked() {
    return stores.parked(name).stream().map(this::typed).toList();
  }

  private Parked<V> typed(Parked<byte[]> parked) {
    return new Parked<>(
        parked.id(),
        parked.at(),
        parked.by(),
        parked.conflicts().stream().map(this::typed).toList(),
        parked.others().stream().map(this::typed).toList(),
        parked.decision());
  }

  /// Decides about all keys of a commit that was put aside alike.
  public Commit resolve(Parked<V> shown, Resolution<V> how) {
    return resolve(shown, _ -> how);
  }

  /// Decides about a commit that was put aside, key by key: `use`, `remove` and `keepTheirs` have
  /// it land, all else that it wanted to write included, and `refuse` has it dropped whole. Either
  /// way it waits no longer. It is asked about the keys that others have changed; where nobody is
  /// in the way any more, about all that it wanted to write here.
  ///
  /// Of several who decide at once one does.
  ///
  /// @param shown what the decision is made on
  /// @throws ConflictException if it is not as shown any more, was decided, wants to write nothing
  ///   here, or others are in its way in other stores, too: `Truce.resolve` decides about all of
  ///   them
  /// @throws IllegalArgumentException if `how` answers anything else
  public Commit resolve(Parked<V> shown, Resolver<V> how) {
    return stores.resolve(settings, shown.id(), shown.conflicts(), name, asBytes(how));
  }

  /// What became of one of several commits.
  public sealed interface Outcome {
    /// It landed, and is as safe as was asked for.
    record Done(Commit commit) implements Outcome {}

    /// It threw this, with what that says of whether it landed.
    record Failed(RuntimeException why) implements Outcome {}
  }

  /// Commits what each body writes, by itself and in this order, each seeing those before it: what
  /// becomes of one is no matter of the others. All of them together are made safe by one flush, so
  /// none counts as safe before this returns. An error that a body throws comes through; what
  /// landed before it stays.
  ///
  /// @throws IllegalArgumentException if this names what it commits by an [id][#withId]: there
  ///   would be one for all
  public List<Outcome> commitEach(List<Consumer<Draft<V>>> bodies) {
    if (settings.id() != null) {
      throw new IllegalArgumentException("several commits under one id: " + settings.id());
    }
    List<Consumer<Writes>> all = new ArrayList<>();
    for (Consumer<Draft<V>> body : bodies) {
      all.add(writes -> body.accept(new Draft<>(this, writes)));
    }
    return stores.commitEach(settings, all);
  }

  // ---- what was

  /// The commits behind a revision that touched this store, oldest first, at most so many: what a
  /// [feed][#feed] from there would tell at once.
  ///
  /// It looks at all commits behind `after`, and holds all that those in its answer wrote here.
  ///
  /// @param after 0 for the beginning; behind one that has not been reached there is nothing
  /// @throws TooOldException if some behind `after` are not kept any more
  public List<Feed.Changes<V>> log(long after, int atMost) {
    stores.checkOpen();
    checkRevision(after);
    Trail trail = stores.trail(name, after);
    List<Feed.Changes<V>> log = new ArrayList<>();
    for (Trail.Step next = trail.next(); next != null && log.size() < atMost; next = trail.next()) {
      Commit commit = next.commit().landed(next.revision(), next.id(), stores.durability(), false);
      log.add(changes(commit, next.commit()));
      trail.pass();
    }
    return List.copyOf(log);
  }

  /// Tells each commit behind a revision that touches this store, from now on. To be closed.
  ///
  /// @param after 0 for the beginning; what is there now begins behind the revision of a
  ///   [snapshot][#snapshot()]
  /// @throws IllegalArgumentException if that revision has not been reached
  public Feed<V> feed(long after) {
    stores.checkOpen();
    checkRevision(after);
    long last = stores.journal().appended();
    if (after > last) {
      throw new IllegalArgumentException(
          "no revision " + after + ": the last one is " + last + ", and a feed begins behind one");
    }
    return new Feed<>(this, stores, after);
  }

  private static void checkRevision(long revision) {
    if (revision < 0) {
      throw new IllegalArgumentException("no revision: " + revision);
    }
  }

  /// What a commit did to this store.
  Feed.Changes<V> changes(Commit commit, CommitRecord record) {
    List<Feed.Change<V>> changes = new ArrayList<>();
    for (Write write : record.writesTo(name)) {
      String key = new String(write.key(), StandardCharsets.UTF_8);
      changes.add(
          new Feed.Change<>(
              key,
              write.length() < 0
                  ? Optional.empty()
                  : Optional.of(entry(key, record.item(write, commit.revision())).value())));
    }
    return new Feed.Changes<>(commit, changes);
  }

  // ---- the store itself

  /// Gives all that is in this store another name, as a commit. Who is about to commit to either
  /// name begins again, and means the store that has the name by then.
  ///
  /// @throws ConflictException if there is no store of this name, or one of the other
  public Commit rename(String to) {
    Stores.checkName(to);
    return stores.commit(settings, writes -> writes.rename(name, to));
  }

  /// Has there be nothing under this name, as a commit, however much there was; snapshots and
  /// [moments][#snapshotAt] before it still show it. Who is about to commit to it begins again, and
  /// makes a new store. Where there is no store, nothing is written.
  public Commit drop() {
    return stores.commit(settings, writes -> writes.drop(name));
  }

  // ---- what drafts and snapshots need

  @Nullable Resolver<byte[]> resolver() {
    return resolver == null ? null : asBytes(resolver);
  }

  private Resolver<byte[]> asBytes(Resolver<V> resolver) {
    return conflict -> bytes(conflict.key(), resolver.resolve(typed(conflict)));
  }

  private Conflict<V> typed(Conflict<byte[]> conflict) {
    String key = conflict.key();
    return new Conflict<>(
        name,
        key,
        conflict.base().map(value -> value(key, value, conflict.baseRevision())),
        conflict.ours().map(value -> value(key, value, 0)),
        conflict.theirs().map(value -> value(key, value, conflict.theirRevision())),
        conflict.baseRevision(),
        conflict.theirRevision(),
        conflict.ourWriter(),
        conflict.theirWriter(),
        conflict.theirsAt());
  }

  private V value(String key, byte[] bytes, long revision) {
    return entry(key, Item.of(revision, bytes)).value();
  }

  private Resolution<byte[]> bytes(String key, @Nullable Resolution<V> resolution) {
    return switch (resolution) {
      case null -> throw new NullPointerException("the resolver made nothing of " + key);
      case Resolution.Use<V>(V value) -> Resolution.use(encode(key, value));
      case Resolution.Remove<V> _ -> Resolution.remove();
      case Resolution.KeepTheirs<V> _ -> Resolution.keepTheirs();
      case Resolution.Rerun<V> _ -> Resolution.rerun();
      case Resolution.Refuse<V> _ -> Resolution.refuse();
      case Resolution.Park<V> _ -> Resolution.park();
    };
  }

  boolean isIn(Store<?> other) {
    return stores == other.stores;
  }

  byte[] encode(String key, V value) {
    byte[] bytes =
        Objects.requireNonNull(codec.encode(value), () -> "the codec made nothing of " + key);
    if (bytes.length > MAX_VALUE) {
      throw new IllegalArgumentException(
          "a value has at most "
              + MAX_VALUE
              + " bytes, that of "
              + key
              + " has "
              + bytes.length
              + ": keep it elsewhere, and its name here");
    }
    return bytes;
  }

  /// @throws TruceException if the codec cannot make anything of it
  Entry<V> entry(String key, Item item) {
    try {
      return new Entry<>(key, codec.decode(item.value()), item.revision());
    } catch (RuntimeException unreadable) {
      throw new TruceException(
          name
              + ": the value of "
              + key
              + " at revision "
              + item.revision()
              + " is none that this codec reads",
          unreadable);
    }
  }

  /// @throws IllegalArgumentException if it is empty, too long or not well-formed
  static byte[] key(String key) {
    byte[] utf8 = SpaceKey.utf8(key);
    if (utf8.length == 0 || utf8.length > MAX_KEY) {
      throw new IllegalArgumentException(
          "a key has from 1 to " + MAX_KEY + " bytes in UTF-8, this one has " + utf8.length);
    }
    return utf8;
  }

  /// Which store this is, 0 if it is not there.
  long number(Root at) {
    Numbered known = numbered;
    if (!known.root.refersTo(at)) {
      known = new Numbered(new WeakReference<>(at), at.numberOf(row));
      numbered = known;
    }
    return known.number;
  }

  /// @param to below which; `null` for all of the store
  Range range(long number, byte[] from, byte @Nullable [] to) {
    return new Range(
        SpaceKey.of(number, from), to == null ? SpaceKey.end(number) : SpaceKey.of(number, to));
  }

  @Override
  public String toString() {
    return "store " + name;
  }
}
