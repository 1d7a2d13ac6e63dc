package dev.truce.store;

import java.util.Collections;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/// A conflict about a value that both sides still have, field by field.
final class Fields<T> {
  private final Conflict<Map<String, T>> conflict;
  private final Map<String, T> base;
  private final Map<String, T> ours;
  private final Map<String, T> theirs;

  Fields(Conflict<Map<String, T>> conflict) {
    this.conflict = conflict;
    this.base = conflict.base().orElse(Map.of());
    this.ours = conflict.ours().orElseThrow();
    this.theirs = conflict.theirs().orElseThrow();
  }

  Resolution<Map<String, T>> resolved(Resolver<Map<String, T>> otherwise) {
    Map<String, T> merged = new TreeMap<>(theirs);
    Set<String> disputed = new HashSet<>();
    Set<String> all = new HashSet<>(base.keySet());
    all.addAll(ours.keySet());
    for (String field : all) {
      if (differs(field, ours, base)) {
        if (!differs(field, theirs, base)) {
          take(merged, field, ours);
        } else if (differs(field, ours, theirs)) {
          disputed.add(field);
        }
      }
    }
    return disputed.isEmpty()
        ? Resolution.use(Collections.unmodifiableMap(merged))
        : with(merged, disputed, otherwise.resolve(about(disputed)));
  }

  private static <T> boolean differs(String field, Map<String, T> one, Map<String, T> other) {
    return !Objects.equals(one.get(field), other.get(field));
  }

  private static <T> void take(Map<String, T> to, String field, Map<String, T> from) {
    T value = from.get(field);
    if (value == null) {
      to.remove(field);
    } else {
      to.put(field, value);
    }
  }

  /// What is agreed on, and what was answered about the rest.
  private static <T> Resolution<Map<String, T>> with(
      Map<String, T> merged, Set<String> disputed, Resolution<Map<String, T>> answer) {
    switch (answer) {
      case Resolution.Use<Map<String, T>>(Map<String, T> values) ->
          disputed.forEach(field -> take(merged, field, values));
      case Resolution.Remove<Map<String, T>> _ -> disputed.forEach(merged::remove);
      case Resolution.KeepTheirs<Map<String, T>> _ -> {
        // they are in it
      }
      case Resolution.Rerun<Map<String, T>> _,
          Resolution.Refuse<Map<String, T>> _,
          Resolution.Park<Map<String, T>> _ -> {
        return answer;
      }
    }
    return Resolution.use(Collections.unmodifiableMap(merged));
  }

  private Conflict<Map<String, T>> about(Set<String> disputed) {
    return new Conflict<>(
        conflict.store(),
        conflict.key(),
        conflict.base().map(all -> only(disputed, all)),
        Optional.of(only(disputed, ours)),
        Optional.of(only(disputed, theirs)),
        conflict.baseRevision(),
        conflict.theirRevision(),
        conflict.ourWriter(),
        conflict.theirWriter(),
        conflict.theirsAt());
  }

  private static <T> Map<String, T> only(Set<String> fields, Map<String, T> all) {
    Map<String, T> some = new TreeMap<>(all);
    some.keySet().retainAll(fields);
    return Collections.unmodifiableMap(some);
  }
}
