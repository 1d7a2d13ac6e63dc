package dev.truce.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.truce.Fence;
import dev.truce.FencedException;
import dev.truce.Owner;
import dev.truce.Truce;
import dev.truce.event.StoreEvent;
import dev.truce.event.StoreEvent.Why;
import dev.truce.event.TruceEvent;
import dev.truce.lock.Grant;
import dev.truce.memory.MemoryEngine;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StoreEventsTest {
  private final MemoryEngine memory = MemoryEngine.create();
  private final LinkedBlockingDeque<TruceEvent> heard = new LinkedBlockingDeque<>();
  private final Truce truce =
      Truce.builder()
          .engine(memory)
          .listener(event -> {
            if (event instanceof StoreEvent) {
              heard.add(event);
            }
          })
          .open();
  private final Truce other = Truce.over(memory.another());
  private final Store<String> mine = truce.store("s", Codec.utf8());
  private final Store<String> theirs = other.store("s", Codec.utf8());

  @AfterEach
  void close() {
    truce.close();
    other.close();
    memory.close();
  }

  private TruceEvent next() throws InterruptedException {
    TruceEvent next = heard.poll(10, TimeUnit.SECONDS);
    assertThat(next).as("an event").isNotNull();
    return next;
  }

  private StoreEvent.Committed committed() throws InterruptedException {
    return (StoreEvent.Committed) next();
  }

  /// What was said, without the times.
  private static StoreEvent.Committed timeless(StoreEvent.Committed told) {
    assertThat(told.at()).isAfter(Instant.EPOCH);
    assertThat(told.took()).isPositive();
    return new StoreEvent.Committed(
        Instant.EPOCH,
        told.stores(),
        told.revision(),
        told.changed(),
        told.resolved(),
        told.runs(),
        Duration.ZERO);
  }

  private static StoreEvent.Committed said(
      List<String> stores, long revision, int changed, int runs) {
    return new StoreEvent.Committed(
        Instant.EPOCH, stores, revision, changed, 0, runs, Duration.ZERO);
  }

  @Test
  void aCommit_isToldWithItsStoresAndRuns() throws Exception {
    mine.put("k", "1");
    assertThat(timeless(committed())).isEqualTo(said(List.of("s"), 1, 1, 1));
    Store<Long> counts = truce.store("counts", Codec.longs());
    boolean[] late = {true};
    mine.commit(draft -> {
      draft.put("k", draft.get("k").orElse("") + "+").in(counts).put("n", 1L).remove("m");
      if (late[0]) {
        late[0] = false;
        theirs.put("k", "theirs");
      }
    });
    assertThat(timeless(committed())).isEqualTo(said(List.of("s", "counts"), 3, 3, 2));
    mine.drop();
    assertThat(timeless(committed())).isEqualTo(said(List.of(), 4, 0, 1));
  }

  @Test
  void whatWroteNothingOrHadLanded_isNotTold() throws Exception {
    UUID id = UUID.randomUUID();
    mine.withId(id).put("k", "1");
    mine.withId(id).put("k", "1");
    mine.commit(draft -> draft.get("k"));
    theirs.put("k", "2");
    assertThatExceptionOfType(IllegalStateException.class)
        .isThrownBy(() ->
            mine.commit(draft -> {
              throw new IllegalStateException("by the test");
            }));
    mine.put("k", "3");
    assertThat(committed().revision()).isEqualTo(1);
    assertThat(committed().revision()).isEqualTo(3);
  }

  @Test
  void aRefusal_isToldWithWhatIsInTheWay() throws Exception {
    theirs.put("k", "1");
    assertThatExceptionOfType(ConflictException.class)
        .isThrownBy(
            () -> mine.commit(draft -> draft.requireRevision("k", 0).put("k", "2").put("l", "2")));
    StoreEvent.Refused stale = (StoreEvent.Refused) next();
    assertThat(stale)
        .isEqualTo(new StoreEvent.Refused(stale.at(), List.of("s"), Why.STALE, List.of("s: k"), 1));
    assertThatExceptionOfType(ConflictException.class)
        .isThrownBy(() ->
            mine.withRounds(2)
                .commit(draft -> {
                  draft.put("k", "2");
                  theirs.put("k", "3");
                }));
    StoreEvent.Refused beaten = (StoreEvent.Refused) next();
    assertThat(beaten.why()).isEqualTo(Why.WRITE_WRITE);
    assertThat(beaten.runs()).isEqualTo(2);
    assertThatExceptionOfType(ConflictException.class)
        .isThrownBy(() -> truce.store("never").rename("new"));
    assertThat(((StoreEvent.Refused) next()).inTheWay()).containsExactly("never");
  }

  @Test
  void aCommitWithATokenThatHasEnded_isToldAsFenced() throws Exception {
    Fence fence;
    try (Grant grant = truce.lock("l").acquire(Duration.ofSeconds(10))) {
      fence = grant.fence();
      mine.commit(fence, draft -> draft.put("k", "in time"));
    }
    assertThat(committed().revision()).isPositive();
    assertThatExceptionOfType(FencedException.class)
        .isThrownBy(() -> mine.withFence(fence).put("k", "late"));
    StoreEvent.Refused fenced = (StoreEvent.Refused) next();
    assertThat(fenced.why()).isEqualTo(Why.FENCED);
    assertThat(fenced.inTheWay()).containsExactly("l");
  }

  @Test
  void severalCommits_areToldEach() throws Exception {
    mine.commitEach(
        List.of(
            draft -> draft.put("a", "1"),
            draft -> draft.requireRevision("a", 7).put("a", "2"),
            draft -> draft.put("b", "3")));
    assertThat(committed().revision()).isEqualTo(1);
    assertThat(((StoreEvent.Refused) next()).why()).isEqualTo(Why.STALE);
    assertThat(committed().revision()).isEqualTo(2);
  }

  @Test
  void aCommitPutAside_isToldOnce() throws Exception {
    UUID id = UUID.randomUUID();
    Store<String> parking = mine.withResolver(Resolver.park());
    theirs.put("k", "1");
    for (int repeat = 0; repeat < 2; repeat++) {
      assertThatExceptionOfType(ConflictException.class)
          .isThrownBy(() ->
              parking
                  .withId(id)
                  .commit(draft -> {
                    draft.put("k", "mine");
                    theirs.put("k", "theirs");
                  }));
    }
    String parked = mine.parked().getFirst().id();
    StoreEvent.Parked told = (StoreEvent.Parked) next();
    assertThat(told).isEqualTo(new StoreEvent.Parked(told.at(), List.of("s"), parked, 1));
    mine.put("l", "1");
    assertThat(committed().stores()).containsExactly("s");
  }

  @Test
  void aCheckpoint_isToldByWhoTookIt() throws Exception {
    try (Stores stores =
        Stores.over(
            memory.another(),
            new Owner("w", "h", 1),
            _ -> {},
            UUID::randomUUID,
            InstantSource.system(),
            Runnable::run,
            1,
            heard::add,
            new Retention.Sizes(200, 300, 400, 1))) {
      Store<String> store = stores.store("s", Codec.utf8());
      long last = 0;
      while (!(heard.peekLast() instanceof StoreEvent.Checkpointed)) {
        last = store.put("k", "v").revision();
        assertThat(last).isLessThan(100);
      }
      StoreEvent.Checkpointed told = (StoreEvent.Checkpointed) heard.takeLast();
      assertThat(told.upTo()).isEqualTo(stores.status().floor()).isLessThan(last);
      assertThat(told.took()).isPositive();
    }
  }
}
