package dev.truce.file;

import dev.truce.EngineException;

/// Numbers that only rise: a counter in shared memory below a ceiling on disk.
///
/// Drawing is one swap of a checked word, so nothing between the two reads and the swap needs to
/// stand still: the counter that is swapped is the very one that was compared with what is
/// reserved, and what is reserved only rises.
final class Tokens {
  private final Directory directory;
  private final Heap heap;
  private final Ceiling ceiling;

  Tokens(Directory directory, Heap heap, Ceiling ceiling) {
    this.directory = directory;
    this.heap = heap;
    this.ceiling = ceiling;
  }

  /// The first of `count` numbers in a row.
  long draw(int count) {
    if (count <= 0) {
      throw new IllegalArgumentException("a count of numbers to draw must be positive: " + count);
    }
    for (; ; ) {
      long word = heap.word(Heap.COUNTER);
      long last = value(word);
      Yield.at(Yield.DRAW_READ);
      if (last + count > reserved()) {
        reserve(last + count);
      } else if (heap.swap(Heap.COUNTER, word, Checked.of(last + count))) {
        return last + 1;
      }
    }
  }

  /// The last number drawn.
  long last() {
    return value(heap.word(Heap.COUNTER));
  }

  /// One flush serves all threads of this process; of several processes at this point each pays for
  /// its own block, and none waits for another.
  private synchronized void reserve(long atLeast) {
    if (reserved() >= atLeast) {
      return;
    }
    long raised = ceiling.raise(atLeast);
    for (; ; ) {
      long word = heap.word(Heap.RESERVED);
      if (value(word) >= raised || heap.swap(Heap.RESERVED, word, Checked.of(raised))) {
        return;
      }
    }
  }

  private long reserved() {
    return value(heap.word(Heap.RESERVED));
  }

  private long value(long word) {
    if (!Checked.valid(word)) {
      throw damaged();
    }
    return Checked.value(word);
  }

  private EngineException damaged() {
    return Faults.damaged(directory.cells(0), "a counter fails its check", Root.REOPEN);
  }
}
