package dev.truce.store;

import dev.truce.spi.Journal;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/// What is left of a checkpoint of stores that is damaged: the keys that lie, whole, in pages which
/// are what was written. A store whose name is lost is called `unnamed-` and its number.
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
  /// @throws dev.truce.EngineException of kind DAMAGED if its end is, which tells where all else
  ///   lies, or if this is no checkpoint of stores
  public static Salvage of(Journal.Base damaged) {
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
    numbers.removeAll(named);
    NavigableMap<byte[], Delta.Row> again = new TreeMap<>(Writes.ORDER);
    for (long number : numbers) {
      byte[] row = Root.row(free(UNNAMED + number, names));
      byte[] value = ByteBuffer.allocate(Long.BYTES).putLong(number).array();
      again.put(row, new Delta.Row(row, Item.of(run.upTo(), value)));
    }
    Journal.State state =
        sink ->
            RunWriter.write(run.upTo(), new Over(again.values().iterator(), run.provable()), sink);
    List<String> unnamed = again.keySet().stream().map(Root::store).toList();
    return new Salvage(state, saved, run.count(), unnamed);
  }

  private static String free(String name, Set<String> taken) {
    return taken.contains(name) ? free(name + "-", taken) : name;
  }
}
