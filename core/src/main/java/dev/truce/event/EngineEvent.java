package dev.truce.event;

import java.time.Instant;

/// Something that happened below locks, stores and transactions.
public non-sealed interface EngineEvent extends TruceEvent {

  /// The listener was too slow: so many events before this one were not delivered to it.
  record EventsDropped(Instant at, long count) implements EngineEvent {}
}
