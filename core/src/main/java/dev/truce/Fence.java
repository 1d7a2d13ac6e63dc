package dev.truce;

import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The condition "these tokens are current": what a writer hands to a guarded write, which refuses
/// it when one of the tokens has ended.
///
/// A token is a positive number below 2^53 that only rises for a lock. Holding a grant is not
/// exclusion, because a paused holder does not notice that it ended; the check of its fence where
/// the write lands is. The idea is Chubby's *sequencer* (Burrows, OSDI 2006, section 2.4).
///
/// A fence of a grant knows its root, and is of use nowhere else: another root may have a lock of
/// the same name, and count as far. Of one that was made of tokens nobody knows. Two are equal
/// where their tokens are.
///
/// **Threads.** Immutable.
public final class Fence {
  /// Tokens stay below this, so that every JSON reader keeps them exact.
  public static final long MAX_TOKEN = (1L << 53) - 1;

  private final SortedMap<String, Long> tokens;
  private final @Nullable String root;

  /// @param tokens the token that must be current, by the name of its lock; never empty
  public Fence(SortedMap<String, Long> tokens) {
    this(tokens, null);
  }

  private Fence(SortedMap<String, Long> tokens, @Nullable String root) {
    if (tokens.isEmpty()) {
      throw new IllegalArgumentException("a fence needs at least one token");
    }
    tokens.forEach(Fence::check);
    this.tokens = Collections.unmodifiableSortedMap(new TreeMap<>(tokens));
    this.root = root;
  }

  /// The fence of one lock, for a token that came by HTTP or the environment.
  public static Fence of(String lock, long token) {
    return new Fence(new TreeMap<>(Map.of(lock, token)));
  }

  /// The same, of the locks of this [root][dev.truce.spi.Engine#root()] and no other.
  public Fence ofRoot(String locksOf) {
    return new Fence(tokens, locksOf);
  }

  /// The token that must be current, by the name of its lock; never empty.
  public SortedMap<String, Long> tokens() {
    return tokens;
  }

  /// Of the locks of which root it is, if that is known.
  public Optional<String> root() {
    return Optional.ofNullable(root);
  }

  /// Both conditions at once.
  ///
  /// @throws IllegalArgumentException if both name the same lock with different tokens, which no
  ///   moment can satisfy, or are of different roots
  public Fence and(Fence other) {
    if (root != null && other.root != null && !root.equals(other.root)) {
      throw new IllegalArgumentException(this + " and " + other + " are of different roots");
    }
    SortedMap<String, Long> both = new TreeMap<>(tokens);
    other.tokens.forEach((lock, token) -> {
      Long mine = both.put(lock, token);
      if (mine != null && mine.longValue() != token) {
        throw new IllegalArgumentException(
            "two tokens of " + lock + " cannot both be current: " + mine + " and " + token);
      }
    });
    return new Fence(both, root == null ? other.root : root);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Fence fence && tokens.equals(fence.tokens);
  }

  @Override
  public int hashCode() {
    return tokens.hashCode();
  }

  @Override
  public String toString() {
    return "Fence" + tokens;
  }

  private static void check(String lock, Long token) {
    if (token <= 0 || token > MAX_TOKEN) {
      throw new IllegalArgumentException("not a token of " + lock + ": " + token);
    }
  }
}
