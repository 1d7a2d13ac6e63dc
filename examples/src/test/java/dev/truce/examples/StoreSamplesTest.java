package dev.truce.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.Durability;
import dev.truce.EngineException;
import dev.truce.FencedException;
import dev.truce.OutcomeUnknownException;
import dev.truce.Truce;
import dev.truce.TruceException;
import dev.truce.examples.StoreSamples.Order;
import dev.truce.jackson.JacksonCodec;
import dev.truce.jackson.JacksonResolver;
import dev.truce.lock.Grant;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import dev.truce.store.Codec;
import dev.truce.store.Commit;
import dev.truce.store.ConflictException;
import dev.truce.store.Entry;
import dev.truce.store.Feed;
import dev.truce.store.Isolation;
import dev.truce.store.Resolution;
import dev.truce.store.Resolver;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import dev.truce.store.StoreStatus;
import dev.truce.store.TooOldException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What `docs/stores.md` shows, and what it says beside that, on a directory.
class StoreSamplesTest {
  private static final Duration TEN = Duration.ofSeconds(10);

  @TempDir private Path directory;
  private Truce truce;
  private Truce others;
  private StoreSamples samples;
  private Store<Long> theirStock;
  private Store<Order> theirOrders;

  @BeforeEach
  void open() {
    truce = Truce.builder().directory(directory.resolve(".truce")).owner("shop").open();
    others = Truce.builder().directory(directory.resolve(".truce")).owner("others").open();
    samples = new StoreSamples(truce);
    theirStock = others.store("stock", Codec.longs());
    theirOrders = others.store("orders", JacksonCodec.of(Order.class));
  }

  @AfterEach
  void close() {
    truce.close();
    others.close();
  }

  private static Order order(String state) {
    return new Order("bolt", 3, state);
  }

  private List<String> orders() {
    try (Snapshot<Order> now = theirOrders.snapshot()) {
      return now.all().map(Entry::key).toList();
    }
  }

  // ---- reading and writing

  @Test
  void open_putsRemovesAndUpdates() {
    assertThat(StoreSamples.open(directory.resolve("other"))).contains(97L);
  }

  @Test
  void snapshots_areOneMomentEach() {
    theirOrders.commit(draft ->
        draft.put("anna/1", order("new")).put("anna/2", order("new")).put("bob/1", order("new")));
    samples.snapshots();
    assertThat(samples.shown())
        .containsExactly(
            Optional.of(29L), Optional.of(30L), Optional.of(2L), List.of("nut/m4", "nut/m6"), 2L);
  }

  @Test
  void place_writesBothOrNothing() {
    theirStock.put("bolt", 4L);
    samples.place();
    assertThat(theirStock.get("bolt")).contains(1L);
    assertThat(theirOrders.get("anna/1")).contains(order("new"));
    Commit placed = theirStock.log(1, 1).getFirst().commit();
    assertThat(placed.changed()).isEqualTo(2);
    assertThat(theirOrders.log(0, 1).getFirst().commit()).isEqualTo(placed);
    theirOrders.remove("anna/1");

    assertThatThrownBy(samples::place).isInstanceOf(IllegalStateException.class);

    assertThat(theirStock.get("bolt")).contains(1L);
    assertThat(theirOrders.get("anna/1")).isEmpty();
  }

  // ---- conflicts

  @Test
  void serializable_runsAgainWhereTheRangeHasChanged() {
    theirOrders.commit(draft -> draft.put("anna/1", order("new")).put("anna/2", order("new")));
    samples.meanwhile(() -> theirOrders.put("anna/9", order("new"))).serializable();
    assertThat(orders()).containsExactly("anna/1", "anna/2", "anna/9");
    theirOrders.remove("anna/9");
    samples.serializable();
    assertThat(orders()).containsExactly("anna/1", "anna/2", "anna/3");
  }

  @Test
  void edit_ofWhatHasChanged_writesNothingAndNamesWho() {
    theirOrders.put("anna/1", order("new"));
    Entry<Order> seen;
    try (Snapshot<Order> now = samples.orders().snapshot()) {
      seen = now.entry("anna/1").orElseThrow();
    }
    theirOrders.put("anna/1", order("sent"));
    samples.edit(seen, order("cancelled"));
    assertThat(samples.shown())
        .singleElement()
        .asString()
        .startsWith("orders: anna/1 is at revision 2 by others@")
        .contains(", not at 1 as shop@");
    assertThat(theirOrders.get("anna/1")).contains(order("sent"));
  }

  @Test
  void resolve_decidesByKey() {
    theirStock.put("bolt", 100L);
    theirOrders.put("anna/1", order("new"));
    samples
        .meanwhile(() -> theirOrders.put("anna/1", order("sent")))
        .meanwhile(() -> theirStock.put("bolt", 95L))
        .resolve();
    assertThat(theirOrders.get("anna/1")).contains(order("sent"));
    assertThat(theirStock.get("bolt")).contains(105L);
    assertThat(theirStock.log(4, 1).getFirst().commit().resolved()).isEqualTo(1);
  }

  @Test
  void resolve_theOtherAnswer_runsTheBodyAgain() {
    theirOrders.put("anna/1", order("new"));
    samples.meanwhile(() -> theirOrders.put("anna/1", order("packed"))).resolve();
    assertThat(theirOrders.get("anna/1")).contains(new Order("nut", 1, "new"));
    assertThat(theirOrders.log(2, 1).getFirst().commit().resolved()).isZero();
  }

  @Test
  void park_isKeptUntilSomebodyDecides() {
    theirOrders.put("anna/1", order("new"));
    samples.meanwhile(() -> theirOrders.put("anna/1", order("sent"))).park();
    assertThat(samples.shown())
        .containsExactly(Optional.of(theirOrders.parked().getFirst().id()), "sent");
    assertThat(theirOrders.get("anna/1")).contains(new Order("nut", 1, "new"));
    assertThat(theirOrders.parked().getFirst().decision()).isPresent();
  }

  @Test
  void putOfADraftConflicts_thatOfAStoreDoesNot() {
    Store<Long> once = samples.stock().withRounds(1).withResolver(Resolver.refuse());
    once.put("bolt", 1L);
    assertThatThrownBy(() ->
            once.commit(draft -> {
              theirStock.put("bolt", 2L);
              draft.put("bolt", 3L); // which it has not read
            }))
        .isInstanceOf(ConflictException.class);
    once.commit(draft -> {
      once.put("bolt", 4L); // a commit of its own
      assertThat(draft.get("bolt")).contains(2L);
    });
    assertThat(theirStock.get("bolt")).contains(4L);
  }

  @Test
  void draft_readsWhatMayNotBeSafeYet() {
    theirStock.withDurability(Durability.OS).put("bolt", 1L);
    samples.stock().commit(draft -> assertThat(draft.get("bolt")).contains(1L));
  }

  @Test
  void settings_ofAnotherStoreInACommit_areThoseOfTheFirst() {
    samples.stock().put("bolt", 1L);
    samples.orders().put("anna/1", order("new"));
    int[] runs = {0};
    samples
        .stock()
        .commit(draft -> {
          runs[0]++;
          if (draft
              .in(samples.orders().withIsolation(Isolation.SERIALIZABLE))
              .get("anna/1")
              .isEmpty()) {
            draft.put("bolt", 0L);
          }
          draft.put("nut", 1L);
          theirOrders.remove("anna/1");
        });
    assertThat(runs[0]).isEqualTo(1);
  }

  // ---- how safe

  @Test
  void durability_isNamed() {
    samples.durability();
    assertThat(samples.shown()).containsExactly(Durability.OS, Optional.of(99L));
    assertThat(samples.stock().get("bolt")).as("one's own").contains(99L);
    samples.stock().put("nut", 1L);
    assertThat(theirStock.get("bolt")).contains(99L);
    try (Truce memory = Truce.inMemory()) {
      assertThat(memory.store("stock").put("k", new byte[0]).durability())
          .isEqualTo(Durability.NONE);
    }
  }

  @Test
  void once_repeated_landsOnce() {
    UUID request = UUID.randomUUID();
    samples.once(request, order("new"));
    theirOrders.put("anna/1", order("sent"));
    samples.once(request, order("new"));
    assertThat(samples.shown()).containsExactly(false, true);
    assertThat(theirOrders.get("anna/1")).contains(order("sent"));
  }

  @Test
  void once_outcomeUnknown_isToldByTheSameCall() {
    UUID request = UUID.randomUUID();
    try (MemoryEngine memory = MemoryEngine.create();
        Truce broken = Truce.over(withoutFlushes(memory));
        Truce well = Truce.over(memory)) {
      StoreSamples there = new StoreSamples(broken);
      there.once(request, order("new"));
      assertThat(there.shown()).containsExactly(request);
      StoreSamples again = new StoreSamples(well);
      again.once(request, order("new"));
      assertThat(again.shown()).containsExactly(true);
      assertThatThrownBy(() -> there.stock().put("bolt", 1L))
          .isInstanceOfSatisfying(
              OutcomeUnknownException.class, unknown -> assertThat(unknown.id()).isPresent());
    }
  }

  /// An engine whose disk fails when something is to be made safe.
  private static Engine withoutFlushes(Engine engine) {
    return in(
        Engine.class,
        engine,
        "journal",
        args ->
            in(
                Journal.class,
                engine.journal((String) args[0]),
                "awaitDurable",
                _ -> {
                  throw new EngineException(EngineException.Kind.IO, "by the test");
                }));
  }

  /// The same but for one method.
  private static <T> T in(
      Class<T> type, T real, String method, Function<Object[], Object> instead) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (_, called, args) -> {
              if (called.getName().equals(method)) {
                return instead.apply(args);
              }
              try {
                return called.invoke(real, args);
              } catch (InvocationTargetException thrown) {
                throw thrown.getCause();
              }
            }));
  }

  @Test
  void id_ofWhatWasRefused_isUsedUp() {
    Store<Long> named = samples.stock().withId(UUID.randomUUID());
    assertThatThrownBy(() -> named.commit(draft -> draft.requireRevision("bolt", 7)))
        .isInstanceOf(ConflictException.class);
    assertThatThrownBy(() -> named.put("bolt", 1L)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void each_isByItself() {
    samples.each();
    assertThat(samples.shown()).hasSize(1).first().isInstanceOf(ConflictException.class);
    assertThat(theirStock.get("bolt")).contains(100L);
    assertThat(theirStock.get("nut")).isEmpty();
  }

  @Test
  void fence_ofALockThatWasLost_writesNothing() throws InterruptedException {
    samples.fence();
    assertThat(theirStock.get("bolt")).contains(101L);
    theirStock.put("bolt", 1L);
    samples.meanwhile(() -> others.lock("stocktaking").revoke("by the test")).fence();
    assertThat(samples.shown()).hasSize(1).first().asString().isEqualTo("[stocktaking]");
    assertThat(theirStock.get("bolt")).contains(1L);
  }

  @Test
  void fence_ofAGrantThatWasGivenBack_isRefused() throws InterruptedException {
    Grant grant = truce.lock("stocktaking").acquire(TEN);
    grant.close();
    assertThatThrownBy(() -> samples.stock().withFence(grant.fence()).put("bolt", 1L))
        .isInstanceOf(FencedException.class);
  }

  // ---- what happens

  @Test
  void follow_goesOnWhereItStopped() throws InterruptedException {
    theirStock.put("bolt", 1L);
    theirStock.commit(draft -> draft.put("nut", 2L).remove("bolt"));
    samples.follow(0, 1);
    assertThat(samples.position()).isEqualTo(1);
    samples.follow(samples.position(), 1);
    assertThat(samples.position()).isEqualTo(2);
    theirStock.drop();
    samples.follow(samples.position(), 1);
    assertThat(samples.shown())
        .containsExactly("bolt Optional[1]", "bolt Optional.empty", "nut Optional[2]", List.of());
  }

  @Test
  void log_tellsWhoWroteWhat() {
    theirStock.put("bolt", 1L);
    samples.stock().commit(draft -> draft.put("nut", 2L).remove("bolt"));
    samples.log();
    assertThat(samples.shown()).containsExactly("others has written 1", "shop has written 2");
  }

  /// Commits of which more is written than is kept.
  @Test
  void status_floor_risesWithWhatIsWritten() throws InterruptedException {
    theirStock.put("bolt", 1L);
    Store<byte[]> large = others.store("large").withDurability(Durability.OS);
    Snapshot<Long> before = samples.stock().snapshot();
    UUID id = UUID.randomUUID();
    samples.stock().withId(id).update("nut", _ -> 5L);
    for (int i = 0; i < 200 && truce.storeStatus().floor() < 10; i++) {
      large.put("k", new byte[1 << 20]);
      Thread.sleep(10);
    }
    StoreStatus status = samples.status();
    assertThat(samples.shown()).startsWith("large has 1 keys", "stock has 2 keys", status.floor());
    assertThat(status.floor()).isBetween(10L, status.revision() - 4);
    assertThatThrownBy(() -> samples.stock().snapshotAt(2)).isInstanceOf(TooOldException.class);
    assertThatThrownBy(() -> samples.stock().log(0, 1)).isInstanceOf(TooOldException.class);
    samples.stock().snapshotAt(status.floor()).close();
    assertThat(samples.stock().log(status.floor(), 1)).isEmpty();
    samples.follow(0, 1);
    assertThat(samples.shown()).last().isEqualTo(List.of("bolt", "nut"));
    assertThat(before.get("bolt")).contains(1L);
    assertThat(before.get("nut")).isEmpty();
    before.close();
    assertThat(samples.stock().withId(id).put("nut", 6L).revision()).isEqualTo(2);
    Snapshot<Long> last = samples.stock().snapshot();
    Store<Long> named = samples.stock().withId(id);
    assertThatThrownBy(() -> named.update("nut", _ -> 6L)).isInstanceOf(TooOldException.class);
    truce.close();
    assertThat(last.get("nut")).as("below a checkpoint, closed").contains(5L);
  }

  @Test
  void listen_isToldOfRefusals() {
    Path place = directory.resolve(".truce");
    theirStock.put("bolt", 1L);
    try (Truce listening = samples.listen(place)) {
      Store<Long> stock = listening.store("stock", Codec.longs());
      assertThatThrownBy(() -> stock.commit(draft -> draft.requireRevision("bolt", 7)))
          .isInstanceOf(ConflictException.class);
    }
    assertThat(samples.shown()).containsExactly(List.of("stock: bolt"));
  }

  // ---- values

  record Line(String article, long count, String state, String gift, long weight) {}

  @Test
  void json_fieldsOfBothSides() {
    Store<Order> mine = StoreSamples.json(truce).withResolver(JacksonResolver.fields(Order.class));
    theirOrders.put("anna/1", order("new"));
    mine.commit(draft -> {
      draft.put("anna/1", new Order("bolt", 5, "new"));
      theirOrders.put("anna/1", order("sent"));
    });
    assertThat(theirOrders.get("anna/1")).contains(new Order("bolt", 5, "sent"));
    assertThat(others.store("orders", Codec.utf8()).get("anna/1"))
        .contains("{\"article\":\"bolt\",\"count\":5,\"state\":\"sent\"}");
  }

  @Test
  void json_newFields_areNothingInOldValues_andRefusedByOldCode() {
    Store<Line> newer = truce.store("orders", JacksonCodec.of(Line.class));
    theirOrders.put("anna/1", order("new"));
    assertThat(newer.get("anna/1")).contains(new Line("bolt", 3, "new", null, 0));
    newer.put("anna/1", new Line("bolt", 3, "new", "pen", 7));
    assertThatThrownBy(() -> theirOrders.get("anna/1"))
        .isExactlyInstanceOf(TruceException.class)
        .hasMessageContaining("orders: the value of anna/1 at revision 2");
  }

  // ---- limits, threads, the end

  @Test
  void limits_areRefused() {
    Store<byte[]> bytes = truce.store("bytes");
    assertThatThrownBy(() -> bytes.put("k".repeat(4097), new byte[0]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> bytes.put("k", new byte[(16 << 20) + 1]))
        .isInstanceOf(IllegalArgumentException.class);
    byte[] large = new byte[16 << 20];
    assertThatThrownBy(() -> bytes.commit(draft -> draft.put("k", large).put("l", large)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("write in parts");
    bytes.withDurability(Durability.OS).put("k", large);
  }

  @Test
  void interrupt_endsNoCommitAndIsKept() {
    Thread.currentThread().interrupt();
    samples.stock().put("bolt", 1L);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(theirStock.get("bolt")).contains(1L);
  }

  @Test
  void close_refusesNewWork_andSnapshotsStay() throws InterruptedException {
    theirStock.put("bolt", 1L);
    Snapshot<Long> before = samples.stock().snapshot();
    Feed<Long> feed = samples.stock().feed(0);
    truce.close();
    assertThatThrownBy(() -> samples.stock().put("bolt", 2L))
        .isInstanceOfSatisfying(
            EngineException.class,
            closed -> assertThat(closed.kind()).isEqualTo(EngineException.Kind.CLOSED));
    assertThatThrownBy(() -> feed.next(Duration.ZERO)).isInstanceOf(EngineException.class);
    assertThat(before.get("bolt")).contains(1L);
    before.close();
    assertThatThrownBy(() -> before.get("bolt")).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void update_repeatedWhereAResolverHasRemoved_hasNoValue() {
    Store<Long> mine =
        samples.stock().withId(UUID.randomUUID()).withResolver(_ -> Resolution.remove());
    theirStock.put("bolt", 1L);
    mine.update(
        "bolt",
        _ -> {
          theirStock.put("bolt", 2L);
          return 3L;
        });
    assertThatThrownBy(() -> mine.update("bolt", _ -> 3L))
        .isInstanceOf(NoSuchElementException.class);
  }
}
