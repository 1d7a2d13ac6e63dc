package dev.truce.store;

import dev.truce.store.CommitRecord.Change;
import dev.truce.store.CommitRecord.Named;
import dev.truce.store.Footprint.Range;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// What one run of a commit's body has read and wants to write, in however many stores.
///
/// **Threads.** The one that runs the body.
final class Writes {
  static final Comparator<byte[]> ORDER = Arrays::compareUnsigned;

  private final Root root;
  private final boolean serializable;
  private final Thread thread = Thread.currentThread();
  private final Map<String, Part> parts = new LinkedHashMap<>();
  private final List<View> views = new ArrayList<>();
  private boolean open = true;

  /// What it has to do with one store.
  ///
  /// @param number of the store, 0 where it is still to be made
  /// @param space in which its keys lie; where it is still to be made one in which nothing is
  /// @param changes what it wants to write, by the keys' bytes
  /// @param blind those of them that rest on nothing
  record Part(
      long number,
      long space,
      SortedMap<byte[], Change> changes,
      SortedSet<byte[]> blind,
      SortedSet<byte[]> read,
      SortedMap<byte[], Long> required) {
    Part(long number, long space) {
      this(number, space, new TreeMap<>(ORDER), keys(), keys(), new TreeMap<>(ORDER));
    }
  }

  private static SortedSet<byte[]> keys() {
    return new TreeSet<>(ORDER);
  }

  /// @param serializable whether what is read counts
  Writes(Root root, boolean serializable) {
    this.root = root;
    this.serializable = serializable;
  }

  Root root() {
    return root;
  }

  /// @throws IllegalStateException outside of the body
  Part part(String store) {
    checkOpen();
    Part known = parts.get(store);
    if (known == null) {
      long number = root.number(store);
      known = new Part(number, number == 0 ? -1L - parts.size() : number);
      parts.put(store, known);
    }
    return known;
  }

  /// @throws IllegalStateException outside of the body
  void checkOpen() {
    if (!open || !thread.equals(Thread.currentThread())) {
      throw new IllegalStateException("a draft is of use to its body alone, while that runs");
    }
  }

  void close() {
    open = false;
  }

  /// What it would find under this key.
  @Nullable Item find(Part part, byte[] key) {
    Change own = part.changes.get(key);
    if (own != null) {
      return own.value() == null ? null : Item.of(0, own.value());
    }
    if (serializable) {
      part.read.add(key);
    }
    return root.live(SpaceKey.of(part.space, key));
  }

  /// What it would find in this range.
  ///
  /// @param changes those of this range
  View view(Part part, Range range, SortedMap<byte[], Change> changes) {
    View view =
        new View(
            root.rows(range.from(), range.to()),
            List.copyOf(changes.values()),
            part.space(),
            range,
            this::checkOpen);
    if (serializable) {
      views.add(view);
    }
    return view;
  }

  void change(Part part, byte[] key, byte @Nullable [] value, boolean blindly) {
    part.changes.put(key, new Change(key, value, false));
    if (blindly) {
      part.blind.add(key);
    }
  }

  /// @throws IllegalArgumentException if another one is required already
  void require(Part part, byte[] key, long revision) {
    Long other = part.required.putIfAbsent(key, revision);
    if (other != null && other != revision) {
      throw new IllegalArgumentException(
          "no key is at revision " + other + " and at " + revision + " at once");
    }
  }

  boolean isEmpty() {
    return parts.values().stream().allMatch(part -> part.changes.isEmpty());
  }

  int changed() {
    return parts.values().stream().mapToInt(part -> part.changes.size()).sum();
  }

  // ---- what becomes of it

  List<Named> stores() {
    return parts.entrySet().stream()
        .filter(part -> !part.getValue().changes.isEmpty())
        .map(part -> new Named(part.getValue().number, part.getKey()))
        .toList();
  }

  List<List<Change>> changes() {
    return parts.values().stream()
        .map(Part::changes)
        .filter(changes -> !changes.isEmpty())
        .map(changes -> List.copyOf(changes.values()))
        .toList();
  }

  /// Of a store that is still to be made it rests on nothing but that.
  Footprint footprint() {
    Map<String, Long> stores = new TreeMap<>();
    SortedSet<byte[]> written = keys();
    SortedSet<byte[]> read = keys();
    SortedMap<byte[], Long> required = new TreeMap<>(ORDER);
    parts.forEach((name, part) -> {
      if (serializable || !part.changes.isEmpty() || !part.required.isEmpty()) {
        stores.put(name, part.number);
      }
      part.changes.keySet().stream()
          .filter(key -> !part.blind.contains(key))
          .forEach(key -> written.add(SpaceKey.of(part.space, key)));
      part.read.forEach(key -> read.add(SpaceKey.of(part.space, key)));
      part.required.forEach(
          (key, revision) -> required.put(SpaceKey.of(part.space, key), revision));
    });
    List<Range> ranges =
        Footprint.merged(views.stream().map(View::seen).filter(Objects::nonNull).toList());
    return new Footprint(root.revision(), stores, written, read, ranges, required);
  }

  /// What it wants a key to hold, empty where it removes it or does not write it.
  Optional<byte[]> proposed(byte[] spaceKey) {
    byte[] key = SpaceKey.inStore(spaceKey);
    return parts.values().stream()
        .filter(part -> part.space == SpaceKey.store(spaceKey))
        .flatMap(part -> Stream.ofNullable(part.changes.get(key)))
        .flatMap(change -> Stream.ofNullable(change.value()))
        .findFirst();
  }

  /// The name of the store with this number.
  String name(long number) {
    return parts.entrySet().stream()
        .filter(part -> part.getValue().space == number)
        .map(Map.Entry::getKey)
        .findFirst()
        .orElse("");
  }
}
