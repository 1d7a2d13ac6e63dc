package dev.truce.testkit;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/// Compares what writers were told to be written with what is there: a pure function of both.
public final class LostUpdates {
  private LostUpdates() {}

  /// The judgement over entries.
  ///
  /// @param acknowledged how many entries a writer was told to be written
  /// @param present how many are there
  /// @param lost acknowledged, and not there
  /// @param wrong acknowledged, and there with another value
  /// @param foreign there, and nobody ever tried to write it
  public record Verdict<K>(
      int acknowledged, int present, List<K> lost, List<K> wrong, List<K> foreign) {
    public boolean clean() {
      return lost.isEmpty() && wrong.isEmpty() && foreign.isEmpty();
    }
  }

  /// Judges entries that are written once each.
  ///
  /// @param acknowledged what writers were told to be written
  /// @param attempted what anybody tried to write, acknowledged or not; a writer that was killed
  ///   may or may not have written its last one
  /// @param present what is there
  public static <K, V> Verdict<K> judge(
      Map<K, V> acknowledged, Collection<K> attempted, Map<K, V> present) {
    Set<K> tried = new HashSet<>(attempted);
    tried.addAll(acknowledged.keySet());
    return new Verdict<>(
        acknowledged.size(),
        present.size(),
        acknowledged.keySet().stream().filter(key -> !present.containsKey(key)).toList(),
        acknowledged.entrySet().stream()
            .filter(entry -> present.containsKey(entry.getKey()))
            .filter(entry -> !Objects.equals(entry.getValue(), present.get(entry.getKey())))
            .map(Map.Entry::getKey)
            .toList(),
        present.keySet().stream().filter(key -> !tried.contains(key)).toList());
  }

  /// The judgement over a counter.
  ///
  /// @param lost how many acknowledged increments it does not hold
  /// @param foreign how many it holds that nobody attempted
  public record Count(long lost, long foreign) {
    public boolean clean() {
      return lost == 0 && foreign == 0;
    }
  }

  /// Judges a counter that started at zero and now reads `present`.
  public static Count ofCounter(long acknowledged, long attempted, long present) {
    if (attempted < acknowledged) {
      throw new IllegalArgumentException(
          acknowledged + " acknowledged of " + attempted + " attempted");
    }
    return new Count(Math.max(0, acknowledged - present), Math.max(0, present - attempted));
  }
}
