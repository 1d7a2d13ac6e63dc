package dev.truce.store;

/// What a resolver makes of a conflict.
///
/// Of the answers for several keys of one commit [Refuse] goes before [Park], and that before
/// [Rerun]; only if there is none of them does the commit land with the others.
public sealed interface Resolution<V> {
  /// The key is to hold this value.
  record Use<V>(V value) implements Resolution<V> {}

  /// The key is to be gone.
  record Remove<V>() implements Resolution<V> {}

  /// The key stays as the others have made it. What else the commit writes is written.
  record KeepTheirs<V>() implements Resolution<V> {}

  /// The body runs again, on what is there now.
  record Rerun<V>() implements Resolution<V> {}

  /// The commit is refused: [ConflictException].
  record Refuse<V>() implements Resolution<V> {}

  /// The commit is refused, and kept for a person: [ConflictException#parked()].
  record Park<V>() implements Resolution<V> {}

  static <V> Resolution<V> use(V value) {
    return new Use<>(value);
  }

  static <V> Resolution<V> remove() {
    return new Remove<>();
  }

  static <V> Resolution<V> keepTheirs() {
    return new KeepTheirs<>();
  }

  static <V> Resolution<V> rerun() {
    return new Rerun<>();
  }

  static <V> Resolution<V> refuse() {
    return new Refuse<>();
  }

  static <V> Resolution<V> park() {
    return new Park<>();
  }
}
