package dev.truce.examples;

import dev.truce.Durability;
import dev.truce.FencedException;
import dev.truce.OutcomeUnknownException;
import dev.truce.Truce;
import dev.truce.event.StoreEvent;
import dev.truce.event.TruceListener;
import dev.truce.jackson.JacksonCodec;
import dev.truce.lock.Grant;
import dev.truce.store.Codec;
import dev.truce.store.Commit;
import dev.truce.store.Conflict;
import dev.truce.store.ConflictException;
import dev.truce.store.Entry;
import dev.truce.store.Feed;
import dev.truce.store.Isolation;
import dev.truce.store.Parked;
import dev.truce.store.Read;
import dev.truce.store.Resolution;
import dev.truce.store.Resolver;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import dev.truce.store.StoreStatus;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;

/// The samples of `docs/stores.md`, of a shop with a stock and orders, between marks that the tests
/// look for.
///
/// What they `show` is kept for the tests.
final class StoreSamples {
  record Order(String article, long count, String state) {}

  private final Truce truce;
  private final Store<Long> stock;
  private final Store<Order> orders;
  private final List<Object> shown = new CopyOnWriteArrayList<>();

  /// What somebody else does while a body runs.
  private final List<Runnable> meanwhile = new ArrayList<>();

  private long position;
  private int left;

  StoreSamples(Truce truce) {
    this.truce = truce;
    this.stock = truce.store("stock", Codec.longs());
    this.orders = truce.store("orders", JacksonCodec.of(Order.class));
  }

  Store<Long> stock() {
    return stock;
  }

  Store<Order> orders() {
    return orders;
  }

  List<Object> shown() {
    return shown;
  }

  /// Has others do this while the next body runs.
  StoreSamples meanwhile(Runnable others) {
    meanwhile.add(others);
    return this;
  }

  private void show(Object what) {
    shown.add(what);
  }

  private void others() {
    if (!meanwhile.isEmpty()) {
      meanwhile.removeFirst().run();
    }
  }

  private Order next() {
    others();
    return new Order("nut", 1, "new");
  }

  private long more() {
    others();
    return 10;
  }

  private long counted() {
    others();
    return 101;
  }

  // ---- the samples

  static Optional<Long> open(Path directory) {
    Optional<Long> left;
    // sample: Open
    try (Truce truce = Truce.open(directory)) {
      Store<Long> stock = truce.store("stock", Codec.longs());
      stock.put("bolt", 100L); // whatever was there
      stock.remove("nut"); // also where nothing is
      stock.update("bolt", bolts -> bolts.orElse(0L) - 3); // of many at once none is lost
      left = stock.get("bolt"); // 97
    }
    // end
    return left;
  }

  void snapshots() {
    // sample: Snapshots
    Commit counted = stock.commit(draft -> draft.put("nut/m4", 30L).put("nut/m6", 20L));
    stock.put("nut/m4", 29L);
    try (Snapshot<Long> now = stock.snapshot();
        Snapshot<Order> ordered = now.in(orders); // the same moment of another store
        Snapshot<Long> then = stock.snapshotAt(counted.revision())) {
      show(now.get("nut/m4")); // 29
      show(then.get("nut/m4")); // 30
      show(now.entry("nut/m6").map(Entry::revision)); // that of `counted`
      show(now.prefix("nut/").map(Entry::key).toList()); // nut/m4, nut/m6
      show(ordered.range("anna/", "bob/").count());
    }
    // end
  }

  void place() {
    // sample: Place
    stock.commit(draft -> {
      long left = draft.get("bolt").orElse(0L) - 3;
      if (left < 0) {
        throw new IllegalStateException("sold out"); // nothing is written
      }
      draft.put("bolt", left);
      draft.in(orders).put("anna/1", new Order("bolt", 3, "new"));
    });
    // end
  }

  void serializable() {
    // sample: Serializable
    Store<Order> strict = orders.withIsolation(Isolation.SERIALIZABLE);
    strict.commit(draft -> {
      if (draft.prefix("anna/").count() < 3) { // nobody has more than three
        draft.put("anna/3", next());
      }
    });
    // end
  }

  void edit(Entry<Order> seen, Order edited) {
    // sample: Edit
    try {
      orders.commit(
          draft -> draft.requireRevision(seen.key(), seen.revision()).put(seen.key(), edited));
    } catch (ConflictException conflict) {
      conflict.clashes().forEach(this::show); // key, revision and writer of each side
    }
    // end
  }

  void resolve() {
    // sample: Resolve
    Resolver<Order> unlessSent =
        conflict ->
            conflict.theirs().map(Order::state).equals(Optional.of("sent"))
                ? Resolution.keepTheirs() // too late for ours
                : Resolution.rerun();
    orders.withResolver(unlessSent).commit(draft -> draft.put("anna/1", next()));
    stock.withResolver(Resolver.sum()).update("bolt", bolts -> bolts.orElse(0L) + more());
    // end
  }

  private Order chosen(Conflict<Order> conflict) {
    show(conflict.theirs().orElseThrow().state());
    return conflict.ours().orElseThrow();
  }

  void park() {
    // sample: Park
    try {
      orders.withResolver(Resolver.park()).commit(draft -> draft.put("anna/1", next()));
    } catch (ConflictException conflict) {
      show(conflict.parked()); // its id, where it was put aside
    }
    for (Parked<Order> parked : orders.parked()) {
      if (parked.decision().isEmpty()) {
        orders.resolve(parked, conflict -> Resolution.use(chosen(conflict)));
      }
    }
    // end
  }

  void durability() {
    // sample: Durability
    Commit quick = stock.withDurability(Durability.OS).put("bolt", 99L);
    show(quick.durability()); // OS
    try (Snapshot<Long> all = stock.snapshot(Read.APPLIED)) {
      show(all.get("bolt")); // 99, for every process
    }
    // end
  }

  private void later(UUID id) {
    show(id);
  }

  void once(UUID request, Order order) {
    // sample: Once
    try {
      Commit commit = orders.withId(request).put("anna/1", order);
      show(commit.repeated()); // true where it had landed before this call
    } catch (OutcomeUnknownException unknown) {
      later(request); // this very call again
    }
    // end
  }

  void each() {
    // sample: Each
    List<Store.Outcome> outcomes =
        stock.commitEach(
            List.of(
                draft -> draft.put("bolt", 100L),
                draft -> draft.requireRevision("nut", 7).put("nut", 30L)));
    for (Store.Outcome outcome : outcomes) {
      if (outcome instanceof Store.Outcome.Failed(RuntimeException why)) {
        show(why);
      }
    }
    // end
  }

  void fence() throws InterruptedException {
    // sample: Fence
    try (Grant grant = truce.lock("stocktaking").acquire(Duration.ofSeconds(10))) {
      stock.withFence(grant.fence()).put("bolt", counted());
    } catch (FencedException lost) {
      show(lost.fence().tokens().keySet()); // stocktaking
    }
    // end
  }

  // ---- what happens

  void follow(long from, int steps) throws InterruptedException {
    position = from;
    left = steps;
    follow();
  }

  long position() {
    return position;
  }

  private boolean isRunning() {
    return left-- > 0;
  }

  private long remembered() {
    return position;
  }

  private void remember(long newPosition) {
    position = newPosition;
  }

  private void startFrom(Snapshot<Long> from) {
    try (from) {
      show(from.all().map(Entry::key).toList());
    }
  }

  private void follow() throws InterruptedException {
    // sample: Follow
    try (Feed<Long> feed = stock.feed(remembered())) {
      while (isRunning()) {
        switch (feed.next(Duration.ofSeconds(10)).orElse(null)) {
          case null -> {} // nothing has happened
          case Feed.Changes<Long>(Commit commit, List<Feed.Change<Long>> changes) ->
              changes.forEach(change -> show(change.key() + " " + change.value()));
          case Feed.Replaced<Long>(Commit commit, Snapshot<Long> from) -> startFrom(from);
          case Feed.TooOld<Long>(long floor, Snapshot<Long> from) -> startFrom(from);
        }
        remember(feed.position());
      }
    }
    // end
  }

  void log() {
    // sample: Log
    for (Feed.Changes<Long> each : stock.log(0, 100)) {
      show(each.commit().writer().name() + " has written " + each.changes().size());
    }
    // end
  }

  // ---- values, events, status

  static Store<Order> json(Truce truce) {
    // sample: Json
    Store<Order> orders = truce.store("orders", JacksonCodec.of(Order.class));
    // end
    return orders;
  }

  Truce listen(Path directory) {
    // sample: Listen
    TruceListener refusals =
        event -> {
          if (event instanceof StoreEvent.Refused refused) {
            show(refused.inTheWay()); // stock: bolt
          }
        };
    Truce shop = Truce.builder().directory(directory).owner("shop").listener(refusals).open();
    // end
    return shop;
  }

  StoreStatus status() {
    // sample: Status
    StoreStatus status = truce.storeStatus();
    status.stores().forEach(store -> show(store.name() + " has " + store.keys() + " keys"));
    show(status.floor()); // the oldest revision that can be had
    status.pins().forEach(pin -> show(pin.owner() + " keeps " + pin.bytes() + " bytes"));
    // end
    return status;
  }
}
