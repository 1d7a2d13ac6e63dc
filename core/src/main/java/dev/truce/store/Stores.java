package dev.truce.store;

import dev.truce.Durability;
import dev.truce.Fence;
import dev.truce.Owner;
import dev.truce.event.TruceEvent;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import dev.truce.spi.Ticker;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The store room of one handle.
///
/// Applications reach it through `Truce`; it is public only because that door stands in another
/// package.
///
/// **Threads.** Safe for any number of them.
public final class Stores implements AutoCloseable {
  /// The journal in which locks end tokens: what carries a fence lands in no other.
  private static final String JOURNAL = "root";

  private final Engine engine;
  private final Journal journal;
  private final Replica replica;
  private final Pins pins;
  private final Committer committer;
  private final InstantSource clock;
  private final @Nullable Consumer<? super TruceEvent> listeners;

  private final Checkpointer checkpointer;

  /// Under which fence a moment was looked at last.
  private volatile @Nullable Fence seenUnder;

  private Stores(
      Engine engine,
      Journal journal,
      Replica replica,
      Pins pins,
      Committer committer,
      Checkpointer checkpointer,
      InstantSource clock,
      @Nullable Consumer<? super TruceEvent> listeners) {
    this.engine = engine;
    this.journal = journal;
    this.replica = replica;
    this.pins = pins;
    this.committer = committer;
    this.checkpointer = checkpointer;
    this.clock = clock;
    this.listeners = listeners;
  }

  /// The stores of an engine.
  ///
  /// @param binder has the journal of this root refuse late writes of a fence's tokens from now on
  /// @param ids names commits for which the caller has no name
  /// @param clock for people to read
  /// @param aside where checkpoints are taken, which may take seconds
  /// @param member as which this handle takes part
  /// @param listeners `null` where nobody listens: then no event is made
  public static Stores over(
      Engine engine,
      Owner writer,
      Consumer<Fence> binder,
      Supplier<UUID> ids,
      InstantSource clock,
      Executor aside,
      long member,
      @Nullable Consumer<? super TruceEvent> listeners) {
    return over(
        engine, writer, binder, ids, clock, aside, member, listeners, Retention.Sizes.USUAL);
  }

  static Stores over(
      Engine engine,
      Owner writer,
      Consumer<Fence> binder,
      Supplier<UUID> ids,
      InstantSource clock,
      Executor aside,
      long member,
      @Nullable Consumer<? super TruceEvent> listeners,
      Retention.Sizes sizes) {
    Journal journal = engine.journal(JOURNAL);
    Pins pins = new Pins(engine, member, writer);
    Replica replica = new Replica(journal, engine::place, pins, sizes);
    return new Stores(
        engine,
        journal,
        replica,
        pins,
        new Committer(engine, journal, replica, writer, binder, ids, clock),
        new Checkpointer(
            journal,
            replica,
            aside,
            listeners == null
                ? null
                : new Telling.OfCheckpoints(listeners, clock, engine.ticker())),
        clock,
        listeners);
  }

  /// The store of this name.
  ///
  /// @throws IllegalArgumentException if the name is empty, longer than [Store#MAX_NAME] bytes in
  ///   UTF-8, or not well-formed
  public <V> Store<V> store(String name, Codec<V> codec) {
    checkName(name);
    return new Store<>(this, name, codec, Store.Settings.USUAL, null);
  }

  static void checkName(String name) {
    int bytes = SpaceKey.utf8(name).length;
    if (bytes == 0 || bytes > Store.MAX_NAME) {
      throw new IllegalArgumentException(
          "a store's name has from 1 to "
              + Store.MAX_NAME
              + " bytes in UTF-8, this one has "
              + bytes);
    }
  }

  Journal journal() {
    return journal;
  }

  Ticker ticker() {
    return engine.ticker();
  }

  /// What a commit survives that is safe.
  Durability durability() {
    return engine.durability();
  }

  /// @throws EngineException if this was closed
  void checkOpen() {
    committer.checkOpen();
  }

  /// The commits behind a revision that touched the store of this name.
  Trail trail(String store, long after) {
    return new Trail(replica, store, after);
  }

  /// For whoever looks into roots, until it is closed.
  Reading reading() {
    committer.checkOpen();
    return replica.reading();
  }

  /// Somebody holds a moment, and may do so for long.
  void attend() {
    checkpointer.attend();
  }

  /// Has everything be safe that there is by now, if that was not done under this fence: what those
  /// have written who held its locks before is shown from then on.
  void seeAllBefore(Fence fence) {
    if (!fence.equals(seenUnder)) {
      committer.checkOpen();
      committer.awaitSafe(journal.appended());
      seenUnder = fence;
    }
  }

  static Root root(Read read, Reading reading) {
    return switch (read) {
      case DURABLE -> reading.safe();
      case APPLIED -> reading.applied();
    };
  }

  /// All commits that were [put aside for a person][Resolver#park()] and are kept, those that wait
  /// first, whatever stores they want to write to.
  public List<Parked<byte[]>> parked() {
    try (Reading reading = reading()) {
      return committer.aside().all(reading.applied());
    }
  }

  /// Decides about a commit that was put aside, in whatever stores: as [Store#resolve(Parked,
  /// Resolver)].
  public Commit resolve(Parked<byte[]> shown, Resolver<byte[]> how) {
    return resolve(Store.Settings.USUAL, shown.id(), shown.conflicts(), null, how);
  }

  /// The same under the fence, with the durability and by the id of that store.
  public Commit resolve(Parked<byte[]> shown, Store<byte[]> as, Resolver<byte[]> how) {
    return resolve(as.settings(), shown.id(), shown.conflicts(), null, how);
  }

  List<Parked<byte[]>> parked(String store) {
    try (Reading reading = reading()) {
      return committer.aside().of(store, reading.applied());
    }
  }

  Commit resolve(
      Store.Settings settings,
      String id,
      List<? extends Conflict<?>> conflicts,
      @Nullable String only,
      Resolver<byte[]> how) {
    List<Aside.Shown> shown = conflicts.stream().map(Aside.Shown::of).toList();
    return commit(settings, writes -> committer.aside().decide(writes, id, shown, only, how));
  }

  Commit commit(Store.Settings settings, Consumer<Writes> body) {
    Commit commit =
        listeners == null
            ? committer.commit(settings, body)
            : commit(settings, body, new Telling(listeners, clock, engine.ticker()));
    checkpointer.look();
    return commit;
  }

  /// How all of them stand. Goes through all keys.
  public StoreStatus status() {
    pins.tell();
    try (Reading reading = reading()) {
      Root now = reading.applied();
      return new StoreStatus(
          now.stores(),
          now.revision(),
          journal.durable(),
          now.run().upTo(),
          now.run().size(),
          replica.recordBytes(),
          Pins.all(engine));
    }
  }

  private Commit commit(Store.Settings settings, Consumer<Writes> body, Telling telling) {
    try {
      Commit commit = committer.commit(settings, telling.of(body));
      telling.landed(commit);
      return commit;
    } catch (RuntimeException failure) {
      telling.failed(failure);
      throw failure;
    }
  }

  List<Store.Outcome> commitEach(Store.Settings settings, List<Consumer<Writes>> bodies) {
    List<Consumer<Writes>> eased = bodies.stream().map(this::eased).toList();
    return listeners == null
        ? committer.commitEach(settings, eased)
        : commitEach(settings, eased, listeners);
  }

  /// Of many commits some make a checkpoint due before the last one.
  private Consumer<Writes> eased(Consumer<Writes> body) {
    return writes -> {
      checkpointer.look();
      body.accept(writes);
    };
  }

  private List<Store.Outcome> commitEach(
      Store.Settings settings,
      List<Consumer<Writes>> bodies,
      Consumer<? super TruceEvent> listeners) {
    List<Telling> tellings = new ArrayList<>();
    List<Consumer<Writes>> watched = new ArrayList<>();
    for (Consumer<Writes> body : bodies) {
      Telling telling = new Telling(listeners, clock, engine.ticker());
      tellings.add(telling);
      watched.add(telling.of(body));
    }
    List<Store.Outcome> outcomes = committer.commitEach(settings, watched);
    for (int i = 0; i < outcomes.size(); i++) {
      switch (outcomes.get(i)) {
        case Store.Outcome.Done(Commit commit) -> tellings.get(i).landed(commit);
        case Store.Outcome.Failed(RuntimeException why) -> tellings.get(i).failed(why);
      }
    }
    return outcomes;
  }

  /// Refuses new work. What was begun comes to its end: a checkpoint is waited for.
  @Override
  public void close() {
    committer.close();
    checkpointer.close();
    pins.close();
  }
}
