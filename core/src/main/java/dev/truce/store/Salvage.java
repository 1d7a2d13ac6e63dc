package dev.truce.store;

import dev.truce.spi.Journal;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// What is left of a checkpoint of stores that is damaged: the keys that lie, whole, in pages which
/// are what was written. A store whose name is lost is called what the commits behind it call it,
/// or `unnamed-` and its number.
///
/// @param state these keys, as a checkpoint in the place of the damaged one; it reads that again
/// @param saved how many they are
/// @param keys how many there were
/// @param unnamed the stores among theirs whose names are lost, as they are called now
public record Salvage(Journal.State state, long saved, long keys, List<String> unnamed) {
  private static final String UNNAMED = "unnamed-";

  public Salvage {
    unnamed = List.copyOf(unnamed);
  }

  /// Goes through all that is left.
  ///
  /// @param behind the commits that the checkpoint does not stand for
  /// @throws dev.truce.EngineException of kind DAMAGED if its end is, which tells where all else
  ///   lies, or if this is no checkpoint of stores
  public static Salvage of(Journal.Base damaged, List<Journal.Entry> behind) {
    Run run = Run.openDamaged(damaged, "a damaged root");
    Set<Long> numbers = new TreeSet<>();
    Set<Long> named = new HashSet<>(Set.of(0L));
    Set<String> names = new HashSet<>();
    long saved = 0;
    for (Iterator<Delta.Row> rows = run.provable(); rows.hasNext(); saved++) {
      Delta.Row row = rows.next();
      numbers.add(SpaceKey.store(row.key()));
      if (Root.isRow(row.key())) {
        named.add(Root.number(row.item()));
        names.add(Root.store(row.key()));
      }
    }
    Map<Long, String> called = called(behind, run.upTo());
    numbers.addAll(called.keySet());
    numbers.removeAll(named);
    List<String> unnamed = new ArrayList<>();
    NavigableMap<byte[], Delta.Row> again = new TreeMap<>(Writes.ORDER);
    for (long number : numbers) {
      String name = called.get(number);
      if (name == null || !names.add(name)) {
        name = free(UNNAMED + number, names);
        unnamed.add(name);
      }
      byte[] value = ByteBuffer.allocate(Long.BYTES).putLong(number).array();
      again.put(Root.row(name), new Delta.Row(Root.row(name), Item.of(run.upTo(), value)));
    }
    Journal.State state =
        sink ->
            RunWriter.write(run.upTo(), new Over(again.values().iterator(), run.provable()), sink);
    return new Salvage(state, saved, run.count(), unnamed);
  }

  /// How stores that the checkpoint has were called by then: the first name that each has in a
  /// commit, or that one took from it.
  private static Map<Long, String> called(List<Journal.Entry> behind, long upTo) {
    Map<Long, String> called = new TreeMap<>();
    for (Journal.Entry entry : behind) {
      CommitRecord commit = entry.position() <= upTo ? null : read(entry);
      if (commit != null) {
        commit.stores().stream()
            .filter(store -> !store.isRootsOwn() && !store.isNew())
            .forEach(store -> called.putIfAbsent(store.number(), store.name()));
        commit.renames().ifPresent(was -> called.putIfAbsent(was.number(), was.name()));
      }
    }
    called.keySet().removeIf(number -> CommitRecord.madeAt(number) > upTo);
    return called;
  }

  /// A commit, `null` if it is none that this can read.
  private static @Nullable CommitRecord read(Journal.Entry entry) {
    try {
      return CommitRecord.read(entry);
    } catch (CommitRecord.Unreadable newer) {
      return null;
    }
  }

  private static String free(String name, Set<String> taken) {
    return taken.contains(name) ? free(name + "-", taken) : name;
  }
}
