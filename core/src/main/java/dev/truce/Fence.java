package dev.truce;

import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// The condition "these tokens are current": what a writer hands to a guarded write, which refuses
/// it when one of the tokens has ended.
///
/// A token is a positive number below 2^53 that only rises for a lock. Holding a grant is not
/// exclusion, because a paused holder does not notice that it ended; the check of its fence where
/// the write lands is. The idea is Chubby's *sequencer* (Burrows, OSDI 2006, section 2.4).
///
/// @param tokens the token that must be current, by the name of its lock; never empty
public record Fence(SortedMap<String, Long> tokens) {
  /// Tokens stay below this, so that every JSON reader keeps them exact.
  public static final long MAX_TOKEN = (1L << 53) - 1;

  public Fence {
    if (tokens.isEmpty()) {
      throw new IllegalArgumentException("a fence needs at least one token");
    }
    tokens.forEach(Fence::check);
    tokens = Collections.unmodifiableSortedMap(new TreeMap<>(tokens));
  }

  /// The fence of one lock, for a token that came by HTTP or the environment.
  public static Fence of(String lock, long token) {
    return new Fence(new TreeMap<>(Map.of(lock, token)));
  }

  /// Both conditions at once.
  ///
  /// @throws IllegalArgumentException if both name the same lock with different tokens, which no
  ///   moment can satisfy
  public Fence and(Fence other) {
    SortedMap<String, Long> both = new TreeMap<>(tokens);
    other.tokens.forEach((lock, token) -> {
      Long mine = both.put(lock, token);
      if (mine != null && mine.longValue() != token) {
        throw new IllegalArgumentException(
            "two tokens of " + lock + " cannot both be current: " + mine + " and " + token);
      }
    });
    return new Fence(both);
  }

  private static void check(String lock, Long token) {
    if (token <= 0 || token > MAX_TOKEN) {
      throw new IllegalArgumentException("not a token of " + lock + ": " + token);
    }
  }
}
