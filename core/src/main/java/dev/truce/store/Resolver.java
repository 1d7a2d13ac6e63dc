package dev.truce.store;

import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/// Decides what becomes of a key that others have written since the moment that a commit reads.
///
/// It is asked for each such key, as often as the commit tries to land; the next time it is asked
/// about what the body wrote, and not about what it made of that before. It is not asked where the
/// commit cannot land anyway as it is: because of what it required, or because something it read
/// has changed, which is told only under [Isolation#SERIALIZABLE].
///
/// What it throws comes through to whoever commits, and nothing is written.
///
/// **Threads.** It runs on the thread that commits, while nothing is locked. One that many threads
/// use is asked by many at once.
@FunctionalInterface
public interface Resolver<V> {
  Resolution<V> resolve(Conflict<V> conflict);

  /// Ours, whatever they did.
  static <V> Resolver<V> lastWriter() {
    return conflict -> conflict.ours().map(Resolution::use).orElseGet(Resolution::<V>remove);
  }

  /// The body runs again, as it does without a resolver.
  static <V> Resolver<V> rerun() {
    return _ -> Resolution.rerun();
  }

  /// The commit is refused.
  static <V> Resolver<V> refuse() {
    return _ -> Resolution.refuse();
  }

  /// The commit is refused, and [kept for a person][Store#parked()].
  static <V> Resolver<V> park() {
    return _ -> Resolution.park();
  }

  /// What both have added, together; what is not there counts as 0, and stays gone where both have
  /// removed it.
  ///
  /// @throws ArithmeticException when it resolves, if that is no `long`
  static Resolver<Long> sum() {
    return conflict -> {
      if (conflict.ours().isEmpty() && conflict.theirs().isEmpty()) {
        return Resolution.keepTheirs();
      }
      long added = Math.subtractExact(conflict.ours().orElse(0L), conflict.base().orElse(0L));
      return Resolution.use(Math.addExact(conflict.theirs().orElse(0L), added));
    };
  }

  /// The greater one, theirs where they are alike. What is not there is less than anything.
  static <V> Resolver<V> max(Comparator<? super V> by) {
    return conflict -> {
      V ours = conflict.ours().orElse(null);
      V theirs = conflict.theirs().orElse(null);
      boolean oursIsGreater = ours != null && (theirs == null || by.compare(ours, theirs) > 0);
      return ours != null && oursIsGreater ? Resolution.use(ours) : Resolution.keepTheirs();
    };
  }

  /// Theirs, with what we have added and without what we have taken out. What is not there counts
  /// as empty; a set that we have removed is removed if they have added nothing.
  static <T> Resolver<Set<T>> sets() {
    return conflict -> {
      Set<T> base = conflict.base().orElse(Set.of());
      Set<T> ours = conflict.ours().orElse(Set.of());
      Set<T> merged = new LinkedHashSet<>(conflict.theirs().orElse(Set.of()));
      ours.stream().filter(one -> !base.contains(one)).forEach(merged::add);
      base.stream().filter(one -> !ours.contains(one)).forEach(merged::remove);
      return merged.isEmpty() && conflict.ours().isEmpty()
          ? Resolution.remove()
          : Resolution.use(Collections.unmodifiableSet(merged));
    };
  }

  /// Of each field the side that has changed it. About fields that both have changed, and not
  /// alike, `otherwise` is asked, with these fields alone; so it is, with all of them, where one
  /// side has removed the key.
  static <T> Resolver<Map<String, T>> fields(Resolver<Map<String, T>> otherwise) {
    return conflict ->
        conflict.ours().isEmpty() && conflict.theirs().isEmpty()
            ? Resolution.keepTheirs()
            : conflict.ours().isEmpty() || conflict.theirs().isEmpty()
                ? otherwise.resolve(conflict)
                : new Fields<>(conflict).resolved(otherwise);
  }
}
