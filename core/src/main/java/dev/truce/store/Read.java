package dev.truce.store;

/// How much of what was committed a snapshot shows.
public enum Read {
  /// What survives whatever the engine's durability survives, and what this handle has committed.
  DURABLE,
  /// Also what is appended and may not be on disk yet: a power cut may take it back, so nothing
  /// outside of Truce is to be done because of it.
  APPLIED
}
