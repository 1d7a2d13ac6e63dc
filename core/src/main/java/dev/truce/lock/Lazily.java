package dev.truce.lock;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A value that is made when it is first needed, once.
final class Lazily<T> {
  private final Supplier<T> make;
  private volatile @Nullable T made;

  Lazily(Supplier<T> make) {
    this.make = make;
  }

  T get() {
    T known = made;
    return known != null ? known : makeIt();
  }

  private synchronized T makeIt() {
    T known = made;
    if (known == null) {
      known = make.get();
      made = known;
    }
    return known;
  }
}
