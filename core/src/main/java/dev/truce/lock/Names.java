package dev.truce.lock;

import dev.truce.spi.Cells;
import dev.truce.spi.Cells.Cell;
import dev.truce.spi.Cells.Swap;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// How many names a root remembers: names that are used again keep their counters, and a million
/// that are used once leave bounded disk and memory, whether their processes were killed or not.
///
/// When a handle that made new names closes and there are more than [#MANY], it lets go of idle
/// ones until [#KEPT] are left, those first whose last grant is the longest ago. So a closing
/// handle looks at all names once for every few hundred new ones.
final class Names {
  private static final int MANY = 1_024;
  private static final int KEPT = 768;
  private static final byte[] NOTHING = new byte[0];

  private final Cells cells;
  private final Bookkeeper book;

  Names(Cells cells, Bookkeeper book) {
    this.cells = cells;
    this.book = book;
  }

  /// All that there are, with or without anybody who does something there.
  List<String> all() {
    return cells.keys(Locks.PREFIX).stream()
        .map(key -> key.substring(Locks.PREFIX.length()))
        .toList();
  }

  void forgetTheOldest() {
    List<String> names = all();
    if (names.size() > MANY) {
      List<Idle> idle = idle(names);
      idle.sort(Comparator.comparingLong(Idle::token));
      int tooMany = Math.min(idle.size(), names.size() - KEPT);
      idle.subList(0, tooMany).forEach(this::forget);
    }
  }

  /// A name that nobody does anything with.
  private record Idle(String name, Cell cell, long token) {}

  private List<Idle> idle(List<String> names) {
    List<Idle> found = new ArrayList<>();
    for (String name : names) {
      Cell cell = cells.read(Locks.key(name));
      LockState state = LockState.decode(cell.bytes());
      if (!cell.absent() && state.idle()) {
        found.add(new Idle(name, cell, state.token()));
      }
    }
    return found;
  }

  private void forget(Idle idle) {
    if (cells.swap(Locks.key(idle.name()), idle.cell(), NOTHING) instanceof Swap.Won) {
      book.forget(idle.name());
    }
  }
}
