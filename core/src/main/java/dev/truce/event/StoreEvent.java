package dev.truce.event;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

/// Something that happened in a store.
public non-sealed interface StoreEvent extends TruceEvent {

  /// A commit of this handle has landed, and is as safe as was asked for.
  ///
  /// @param stores the names of those that it wrote to; none where it renamed or dropped one
  /// @param changed how many keys it wrote
  /// @param resolved how many of them a resolver settled
  /// @param runs how often its body ran
  /// @param took from the call to the answer
  record Committed(
      Instant at,
      List<String> stores,
      long revision,
      int changed,
      int resolved,
      int runs,
      Duration took)
      implements StoreEvent {
    public Committed {
      stores = List.copyOf(stores);
    }
  }

  /// A commit of this handle was refused, and nothing of it was written.
  ///
  /// @param stores the names of those that it would have written to
  /// @param inTheWay the keys, at most 64 of them, each behind the name of its store and a colon;
  ///   the name alone where the store itself is another one; of a fence the names of the locks
  /// @param runs how often its body ran
  record Refused(Instant at, List<String> stores, Why why, List<String> inTheWay, int runs)
      implements StoreEvent {
    public Refused {
      stores = List.copyOf(stores);
      inTheWay = List.copyOf(inTheWay);
    }
  }

  /// A commit of this handle was put aside for a person to decide.
  ///
  /// @param stores the names of those that it would have written to
  /// @param id of the [parked conflict][dev.truce.store.Parked]
  /// @param runs how often its body ran
  record Parked(Instant at, List<String> stores, String id, int runs) implements StoreEvent {
    public Parked {
      stores = List.copyOf(stores);
    }
  }

  /// This handle let go of old records.
  ///
  /// @param upTo the newest of them
  record Checkpointed(Instant at, long upTo, Duration took) implements StoreEvent {}

  /// Why a commit was refused.
  enum Why {
    /// A key did not have the revision that was required.
    STALE,
    /// Others wrote what it writes.
    WRITE_WRITE,
    /// Others wrote what it has read.
    READ_WRITE,
    /// A token that it carried has ended.
    FENCED
  }
}
