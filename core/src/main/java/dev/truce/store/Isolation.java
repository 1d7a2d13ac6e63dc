package dev.truce.store;

/// Which changes of others make a commit conflict.
///
/// Source: *snapshot isolation* and its write skew are those of Berenson et al., *A Critique of
/// ANSI SQL Isolation Levels* (SIGMOD 1995).
public enum Isolation {
  /// Those of keys that it writes or requires. Two commits that each read what the other writes may
  /// both land.
  SNAPSHOT,
  /// Also those of keys that it read, found or not, and of ranges as far as it went through them.
  SERIALIZABLE
}
