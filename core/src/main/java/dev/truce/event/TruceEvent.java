package dev.truce.event;

import java.time.Instant;

/// Something that happened. Each of the four kinds is open: a `switch` over them takes a default.
public sealed interface TruceEvent permits LockEvent, StoreEvent, TxEvent, EngineEvent {
  /// When, by the wall clock of this process.
  Instant at();
}
