package dev.truce.store;

import dev.truce.store.CommitRecord.Change;
import dev.truce.store.Footprint.Range;
import dev.truce.store.Writes.Part;
import java.util.Arrays;
import java.util.Optional;
import java.util.SortedMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// What a commit is to write: reads one moment, and its own changes over it.
///
/// The body that is handed one may run again, on what is there by then, so what it does beside
/// writing here it may do more than once.
///
/// **Threads.** The one that runs the body, and no longer than that: anything else is an
/// [IllegalStateException].
public final class Draft<V> {
  private final Store<V> store;
  private final Writes writes;

  Draft(Store<V> store, Writes writes) {
    this.store = store;
    this.writes = writes;
  }

  private Part part() {
    return writes.part(store.name());
  }

  /// The moment that it reads.
  public long revision() {
    return writes.root().revision();
  }

  public Optional<V> get(String key) {
    return entry(key).map(Entry::value);
  }

  /// The value with its revision, which is 0 for what this draft has put there.
  public Optional<Entry<V>> entry(String key) {
    Item item = writes.find(part(), Store.key(key));
    return item == null ? Optional.empty() : Optional.of(store.entry(key, item));
  }

  /// All keys that begin with this, in the order of their bytes in UTF-8. Lazy: under
  /// [Isolation#SERIALIZABLE] it has read as far as it went. Of this draft's own changes it shows
  /// those that were made before.
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
    Part part = part();
    Range range = store.range(part.space(), from, to);
    SortedMap<byte[], Change> own = part.changes().tailMap(from);
    return writes
        .view(part, range, to == null ? own : own.headMap(isBefore(from, to) ? to : from))
        .stream()
        .map(row -> store.entry(SpaceKey.key(row.key()), row.item()));
  }

  private static boolean isBefore(byte[] from, byte[] to) {
    return Arrays.compareUnsigned(from, to) < 0;
  }

  /// Has this key hold this value. Whoever has written the key since the [moment][#revision()] that
  /// this reads is in the way, whether this has read the key or not; a [Store#put] has nobody in
  /// its way.
  public Draft<V> put(String key, V value) {
    return change(key, store.encode(key, value));
  }

  /// Has this key be gone; of one that is not there, too. Others are in the way of it as of [#put].
  public Draft<V> remove(String key) {
    return change(key, null);
  }

  private Draft<V> change(String key, byte @Nullable [] value) {
    Part part = part();
    byte[] utf8 = Store.key(key);
    writes.change(part, utf8, value, false);
    writes.resolve(part, utf8, store.resolver());
    return this;
  }

  /// Lands only if this key has this revision there, 0 for not being there. The body is not run
  /// again for that.
  public Draft<V> requireRevision(String key, long revision) {
    if (revision < 0) {
      throw new IllegalArgumentException("no revision: " + revision);
    }
    writes.require(part(), Store.key(key), revision);
    return this;
  }

  /// The same commit in another store. What that writes is resolved by [its own
  /// resolver][Store#withResolver]; all else is as the store wants it whose commit this is:
  /// isolation, durability, fence, id and rounds.
  ///
  /// @throws IllegalArgumentException if that is one of another handle
  public <W> Draft<W> in(Store<W> other) {
    if (!other.isIn(store)) {
      throw new IllegalArgumentException(other + " belongs to another Truce");
    }
    return new Draft<>(other, writes);
  }

  Writes writes() {
    return writes;
  }
}
