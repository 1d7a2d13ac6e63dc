package dev.truce.store;

import dev.truce.Fence;
import dev.truce.Owner;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Supplier;

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
  private final Replica replica;
  private final Pins pins;
  private final Committer committer;

  private final Checkpointer checkpointer;

  private Stores(
      Engine engine, Replica replica, Pins pins, Committer committer, Checkpointer checkpointer) {
    this.engine = engine;
    this.replica = replica;
    this.pins = pins;
    this.committer = committer;
    this.checkpointer = checkpointer;
  }

  /// The stores of an engine.
  ///
  /// @param binder has the journal of this root refuse late writes of a fence's tokens from now on
  /// @param ids names commits for which the caller has no name
  /// @param clock for people to read
  /// @param aside where checkpoints are taken, which may take seconds
  /// @param member as which this handle takes part
  public static Stores over(
      Engine engine,
      Owner writer,
      Consumer<Fence> binder,
      Supplier<UUID> ids,
      InstantSource clock,
      Executor aside,
      long member) {
    return over(engine, writer, binder, ids, clock, aside, member, Retention.Sizes.USUAL);
  }

  static Stores over(
      Engine engine,
      Owner writer,
      Consumer<Fence> binder,
      Supplier<UUID> ids,
      InstantSource clock,
      Executor aside,
      long member,
      Retention.Sizes sizes) {
    Journal journal = engine.journal(JOURNAL);
    Pins pins = new Pins(engine, member, writer);
    Replica replica = new Replica(journal, engine::place, pins, sizes);
    return new Stores(
        engine,
        replica,
        pins,
        new Committer(engine, journal, replica, writer, binder, ids, clock),
        new Checkpointer(journal, replica, aside));
  }

  /// The store of this name.
  ///
  /// @throws IllegalArgumentException if the name is empty, longer than [Store#MAX_NAME] bytes in
  ///   UTF-8, or not well-formed
  public <V> Store<V> store(String name, Codec<V> codec) {
    int bytes = SpaceKey.utf8(name).length;
    if (bytes == 0 || bytes > Store.MAX_NAME) {
      throw new IllegalArgumentException(
          "a store's name has from 1 to "
              + Store.MAX_NAME
              + " bytes in UTF-8, this one has "
              + bytes);
    }
    return new Store<>(this, name, codec, Store.Settings.USUAL, null);
  }

  /// For whoever looks into roots, until it is closed.
  Reading reading() {
    committer.checkOpen();
    return replica.reading();
  }

  /// Somebody is about to hold a moment for longer.
  void attend() {
    checkpointer.attend();
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
    return resolve(Store.Settings.USUAL, shown.id(), shown.conflicts(), how);
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
      Resolver<byte[]> how) {
    List<Aside.Shown> shown = conflicts.stream().map(Aside.Shown::of).toList();
    return commit(settings, writes -> committer.aside().decide(writes, id, shown, how));
  }

  Commit commit(Store.Settings settings, Consumer<Writes> body) {
    Commit commit = committer.commit(settings, body);
    checkpointer.look();
    return commit;
  }

  /// How all of them stand. Goes through all keys.
  public StoreStatus status() {
    pins.tell();
    Journal journal = engine.journal(JOURNAL);
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

  /// Refuses new work. What was begun comes to its end: a checkpoint is waited for.
  @Override
  public void close() {
    committer.close();
    checkpointer.close();
    pins.close();
  }
}
