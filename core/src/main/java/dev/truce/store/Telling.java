package dev.truce.store;

import dev.truce.FencedException;
import dev.truce.event.StoreEvent;
import dev.truce.event.StoreEvent.Why;
import dev.truce.event.TruceEvent;
import dev.truce.spi.Ticker;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Consumer;

/// One commit of which listeners are told: counts the runs of its body, and says what became of it.
///
/// **Threads.** The one that commits.
final class Telling {
  private final Consumer<? super TruceEvent> listeners;
  private final InstantSource clock;
  private final Ticker ticker;
  private final long began;
  private int runs;
  private List<String> stores = List.of();
  private boolean writes;

  Telling(Consumer<? super TruceEvent> listeners, InstantSource clock, Ticker ticker) {
    this.listeners = listeners;
    this.clock = clock;
    this.ticker = ticker;
    this.began = ticker.nanos();
  }

  /// The same body, watched.
  Consumer<Writes> of(Consumer<Writes> body) {
    return draft -> {
      runs++;
      body.accept(draft);
      writes = !draft.isEmpty();
      stores =
          draft.stores().stream()
              .filter(store -> !store.isRootsOwn())
              .map(CommitRecord.Named::name)
              .toList();
    };
  }

  /// Of what had landed before, and of what wrote nothing, nobody is told.
  void landed(Commit commit) {
    if (writes && !commit.repeated()) {
      listeners.accept(
          new StoreEvent.Committed(
              clock.instant(),
              stores,
              commit.revision(),
              commit.changed(),
              commit.resolved(),
              runs,
              Duration.ofNanos(ticker.nanos() - began)));
    }
  }

  /// Of a commit whose body failed, or whose outcome is unknown, nobody is told: it is neither; nor
  /// of one that was put aside before.
  void failed(RuntimeException failure) {
    if (failure instanceof ConflictException conflict) {
      conflict.parked().ifPresentOrElse(this::parked, () -> refused(conflict));
    } else if (failure instanceof FencedException fenced) {
      refused(Why.FENCED, List.copyOf(fenced.fence().tokens().keySet()));
    }
  }

  private void parked(String id) {
    if (runs > 0) {
      listeners.accept(new StoreEvent.Parked(clock.instant(), stores, id, runs));
    }
  }

  private void refused(ConflictException conflict) {
    refused(
        switch (conflict.kind()) {
          case STALE -> Why.STALE;
          case WRITE_WRITE -> Why.WRITE_WRITE;
          case READ_WRITE -> Why.READ_WRITE;
        },
        conflict.clashes().stream()
            .map(
                clash -> clash.key().isEmpty() ? clash.store() : clash.store() + ": " + clash.key())
            .toList());
  }

  /// Checkpoints of which listeners are told.
  record OfCheckpoints(Consumer<? super TruceEvent> listeners, InstantSource clock, Ticker ticker) {
    long now() {
      return ticker.nanos();
    }

    void taken(long upTo, long began) {
      Duration took = Duration.ofNanos(ticker.nanos() - began);
      listeners.accept(new StoreEvent.Checkpointed(clock.instant(), upTo, took));
    }
  }

  private void refused(Why why, List<String> keys) {
    listeners.accept(new StoreEvent.Refused(clock.instant(), stores, why, keys, runs));
  }
}
