package dev.truce.store;

import dev.truce.store.Footprint.Range;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// One moment of a store: what it shows never changes, whoever commits meanwhile.
///
/// One that is not closed costs memory and disk until nobody refers to it, and nothing else: it
/// keeps an old checkpoint that others have let go of.
///
/// **Threads.** Safe for any number of them. After [#close()] everything else is an
/// [IllegalStateException].
public final class Snapshot<V> implements AutoCloseable {
  private final Store<V> store;
  private final Read read;
  private final Root root;
  private final Reading reading;
  private volatile boolean closed;

  /// @param reading of this root; closed with it
  Snapshot(Store<V> store, Read read, Root root, Reading reading) {
    this.store = store;
    this.read = read;
    this.root = root;
    this.reading = reading;
  }

  private Root root() {
    checkOpen();
    return root;
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("this snapshot of " + store.name() + " is closed");
    }
  }

  /// The last commit that it shows.
  public long revision() {
    return root().revision();
  }

  /// How much it shows.
  public Read read() {
    return read;
  }

  public Optional<V> get(String key) {
    return entry(key).map(Entry::value);
  }

  public Optional<Entry<V>> entry(String key) {
    Root at = root();
    byte[] bytes = Store.key(key);
    long number = store.number(at);
    Item item = number == 0 ? null : at.live(SpaceKey.of(number, bytes));
    return item == null ? Optional.empty() : Optional.of(store.entry(key, item));
  }

  /// All keys that begin with this, in the order of their bytes in UTF-8. Lazy.
  public Stream<Entry<V>> prefix(String prefix) {
    byte[] from = SpaceKey.utf8(prefix);
    return entries(from, SpaceKey.behindAllWith(from));
  }

  /// The keys from `from` on and below `to`, as [#prefix].
  public Stream<Entry<V>> range(String from, String to) {
    return entries(SpaceKey.utf8(from), SpaceKey.utf8(to));
  }

  /// All keys, as [#prefix].
  public Stream<Entry<V>> all() {
    return entries(new byte[0], null);
  }

  private Stream<Entry<V>> entries(byte[] from, byte @Nullable [] to) {
    Root at = root();
    long number = store.number(at);
    if (number == 0) {
      return Stream.empty();
    }
    Range range = store.range(number, from, to);
    return new View(at.rows(range.from(), range.to()), List.of(), number, range, this::checkOpen)
        .stream().map(row -> store.entry(SpaceKey.key(row.key()), row.item()));
  }

  /// The same moment of another store. To be closed by itself.
  ///
  /// @throws IllegalArgumentException if that is one of another handle
  public <W> Snapshot<W> in(Store<W> other) {
    if (!other.isIn(store)) {
      throw new IllegalArgumentException(other + " belongs to another Truce");
    }
    return new Snapshot<>(other, read, root(), reading.with());
  }

  /// Idempotent, throws nothing.
  @Override
  public void close() {
    closed = true;
    reading.close();
  }
}
