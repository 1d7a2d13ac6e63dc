package dev.truce.spi;

import dev.truce.Fence;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// One totally ordered, checked sequence of records: what has happened, for everybody the same.
///
/// Positions count from 1 without gaps. [#appended()] is the last record that others can see,
/// [#durable()] the last one that survives what [Capabilities#durability()] names; a record that
/// was acknowledged by [#awaitDurable] is never lost and never moves.
///
/// **The fence is journal state.** A [unit][Unit] that carries a fence is refused when one of its
/// tokens was [ended][#end] at an earlier position; no cell is looked at inside an append, because
/// nothing is atomic over two places.
public interface Journal {
  /// One thing to append: all of it or nothing of it.
  ///
  /// @param commitId names the attempt, so that an unknown outcome can be [looked up][#find]
  /// @param fence the tokens that must be current where the unit lands, or `null` for none
  /// @param decider decides what is written, at the very tail at which it lands
  record Unit(UUID commitId, @Nullable Fence fence, Decider decider) {}

  /// A pure function from what there is to the record. It may be asked again, later, and runs no
  /// code of users.
  @FunctionalInterface
  interface Decider {
    /// The record to write behind `past`, or empty to refuse.
    Optional<byte[]> decide(Past past);
  }

  /// What a decider finds before it: all that was appended until then, by the same call included.
  /// It is of no use after the decider has answered.
  interface Past {
    /// The last position.
    long last();

    /// The records behind `position`, oldest first; empty when there are more than `most` of them,
    /// or more than `bytes` bytes, or some were let go: then there is too much to look at here.
    Optional<List<Entry>> since(long position, int most, int bytes);
  }

  /// What became of a unit.
  sealed interface Result {
    /// It is record number `position`.
    record Appended(long position) implements Result {}

    /// It was refused and nothing was written: by its decider, or because `fenced` has ended.
    record Refused(String why, @Nullable Fence fenced) implements Result {}

    /// Nobody can tell yet; [#find] settles it.
    record Unknown(String why) implements Result {}
  }

  /// A part of the sequence.
  sealed interface Page {
    /// The records from the asked position on, as many as there are, at most as many as asked for.
    record Records(List<Entry> entries) implements Page {}

    /// The asked position is below what is kept; `floor` is the lowest one left, and the newest
    /// checkpoint stands for everything below it.
    record TooOld(long floor) implements Page {}
  }

  /// A record where it landed.
  record Entry(long position, UUID commitId, byte[] record) {}

  /// Appends each unit or refuses it; one refused unit refuses no other. Results are in the order
  /// of the units. A unit whose commit id was appended before answers its first position.
  List<Result> append(List<Unit> units);

  /// Where the unit with this commit id landed; empty when it did not, and then it never will.
  Optional<Result.Appended> find(UUID commitId);

  /// Ends the token for every unit that lands later. Idempotent; durable when it returns.
  void end(String lock, long token);

  /// The last position that can be read.
  long appended();

  /// The last position that is safe.
  long durable();

  /// Waits until `position` is durable; true if it became so within `wait`.
  boolean awaitDurable(long position, Duration wait) throws InterruptedException;

  /// When so many bytes of records were read, a page ends.
  int PAGE_BYTES = 4 << 20;

  /// At most `max` records from `from` on; fewer where they are long, see [#PAGE_BYTES].
  Page read(long from, int max);

  /// Calls `hint` after records were appended: late or spurious, never what correctness rests on.
  /// Closing what it returns ends that.
  AutoCloseable watch(Runnable hint);

  /// Lets go of the records up to `upTo`, for which `state` stands from then on. Only a newer
  /// checkpoint replaces an older one; answers whether this one did.
  boolean checkpoint(long upTo, byte[] state);

  /// The newest checkpoint's state, if there is one.
  Optional<byte[]> checkpoint();

  /// A journal kept in cells, one cell a record: exactly as durable as the cells are.
  static Journal over(Cells cells, Ticker ticker, String name) {
    return new CellJournal(cells, ticker, name);
  }
}
