package dev.truce.event;

import java.time.Instant;

/// Something that happened below locks, stores and transactions.
public non-sealed interface EngineEvent extends TruceEvent {

  /// The listener was too slow: so many that came while 1,024 waited were not delivered to it. It
  /// is told at once, before those that wait.
  record EventsDropped(Instant at, long count) implements EngineEvent {}
}
