package dev.truce.spi;

import dev.truce.EngineException;
import dev.truce.Fence;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
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

  /// Up to here the newest checkpoint stands for the records; 0 without one. Where nothing was
  /// appended since it was last asked, it costs next to nothing.
  long floor();

  /// Lets go of the records up to `upTo`, for which `state` stands from then on. Only a newer
  /// checkpoint replaces an older one; answers whether this one did. The state is asked for its
  /// bytes only when it is this handle's turn to take a checkpoint, and this one is newer.
  boolean checkpoint(long upTo, State state);

  /// The newest checkpoint, if there is one.
  Optional<Base> checkpoint();

  /// What a checkpoint is to hold, of any size.
  @FunctionalInterface
  interface State {
    /// Writes all of it. It may be asked more than once, by one thread after the other, and then
    /// has the same bytes; what the sink throws, or it throws itself, ends the checkpoint.
    void writeTo(Sink sink);

    /// Whether whoever waits for its turn to write this is to wait on. Asked now and then until
    /// then; once it is not wanted, no checkpoint is taken.
    default boolean isWanted() {
      return true;
    }

    /// These bytes, which do not change from here on.
    static State of(byte[] bytes) {
      return sink -> sink.write(ByteBuffer.wrap(bytes));
    }
  }

  /// Takes up bytes one after the other.
  @FunctionalInterface
  interface Sink {
    /// Takes up all that remains in the buffer, which may be used again afterwards.
    ///
    /// @throws EngineException if they cannot be kept
    void write(ByteBuffer bytes);
  }

  /// A checkpoint as it was taken.
  ///
  /// **Threads.** Safe for any number of them.
  interface Base extends AutoCloseable {
    /// It stands for the records up to here.
    long upTo();

    /// What its state has written: read-only, and readable for as long as the base is referred to
    /// and not closed, whatever checkpoints follow and whoever closes the journal. It may be memory
    /// that is read from a disk at the first touch: bytes are checked by whoever wrote the state,
    /// not here, and a disk that fails is an [InternalError] at that touch.
    MemorySegment bytes();

    /// The same as an array.
    ///
    /// @throws IllegalStateException if there is more than an array holds
    default byte[] all() {
      return bytes().toArray(ValueLayout.JAVA_BYTE);
    }

    /// Gives back what it takes, before nobody refers to it any more; its bytes are of no use from
    /// then on. Idempotent, throws nothing.
    @Override
    default void close() {}
  }

  /// A journal kept in cells, one cell a record, or several where one is too small: exactly as
  /// durable as the cells are.
  ///
  /// @param maxCell [Capabilities#maxCell()]
  static Journal over(Cells cells, int maxCell, Ticker ticker, String name) {
    return new CellJournal(cells, maxCell, ticker, name);
  }
}
