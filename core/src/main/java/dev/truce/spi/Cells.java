package dev.truce.spi;

import java.util.List;

/// Small named records with compare-and-swap: the one place where writers meet.
///
/// Every operation on one key is linearizable. Keys are well-formed Unicode text of at most 300
/// bytes in UTF-8, injective and harmless whatever they hold; values hold at most
/// [Capabilities#maxCell()] bytes.
///
/// **Threads.** All methods may be called by any thread at any time. None of them waits for another
/// member: an engine that locks inside bounds that by its own time limit and answers [Swap.Unknown]
/// or throws [dev.truce.EngineException] when it is over.
///
/// **Interruption.** No method clears or answers an interrupt.
public interface Cells {
  /// One state of one cell.
  ///
  /// @param bytes what it holds; empty when the cell is absent. Treat it as immutable.
  /// @param revision opaque, compared only by the engine that made it. It never repeats for a key,
  ///   deletion and re-creation included.
  record Cell(byte[] bytes, Object revision) {
    public boolean absent() {
      return bytes.length == 0;
    }
  }

  /// What became of a [swap][Cells#swap]. There is no outcome in which the cell holds something
  /// that nobody swapped in.
  sealed interface Swap {
    /// The cell now holds what was asked for.
    record Won(Cell cell) implements Swap {}

    /// Somebody else was faster, or the engine could not tell that nobody was; nothing was changed.
    record Lost(Cell current) implements Swap {}

    /// Nobody can tell, and the swap may even still land later, as long as the cell's revision is
    /// the expected one. Reading settles it once the revision has changed.
    record Unknown(String why) implements Swap {}
  }

  /// The present state; an absent cell is empty, with a revision to create it from.
  Cell read(String key);

  /// Replaces the state `expected` by `next`, if nobody did so since it was read. Empty bytes
  /// delete the cell.
  Swap swap(String key, Cell expected, byte[] next);

  /// The keys that begin with `prefix`, in no order: no snapshot, a key that comes or goes
  /// meanwhile may be missing or extra.
  List<String> keys(String prefix);

  /// The first of `count` numbers in a row, all above every number drawn before in this root,
  /// across any crash, restart or rebuild. Gaps are normal; numbers stay below 2^53.
  long draw(int count);
}
