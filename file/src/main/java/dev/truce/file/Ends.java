package dev.truce.file;

import java.util.Collections;
import java.util.NavigableSet;
import java.util.TreeSet;

/// The tokens of one lock that have ended: the newest one by one, all below them as a floor.
///
/// The floor only ever refuses more than it should: a token below it counts as ended though it
/// stood while [#KEPT] later tokens of its lock were ended one by one.
final class Ends {
  /// How many ended tokens of a lock a base keeps apart.
  static final int KEPT = 1024;

  private final NavigableSet<Long> tokens = new TreeSet<>();
  private long floor;

  void add(long token) {
    tokens.add(token);
  }

  Ends copy() {
    Ends copy = new Ends();
    copy.tokens.addAll(tokens);
    copy.floor = floor;
    return copy;
  }

  boolean contains(long token) {
    return token < floor || tokens.contains(token);
  }

  /// Below this every token has ended.
  long floor() {
    return floor;
  }

  NavigableSet<Long> tokens() {
    return Collections.unmodifiableNavigableSet(tokens);
  }

  void raise(long newFloor) {
    floor = Math.max(floor, newFloor);
  }

  /// Folds the oldest into the floor.
  void fold() {
    while (tokens.size() > KEPT) {
      tokens.pollFirst();
      raise(tokens.first());
    }
  }
}
