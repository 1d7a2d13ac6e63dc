package dev.truce.file;

import dev.truce.Fence;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// Something that somebody wants to be in the journal, decided at the place where it would lie.
///
/// It is asked by whoever carries it, again and again at later places, and the last answer before a
/// write that counted is the one that holds.
abstract sealed class Wish {
  private @Nullable Throwable failure;
  private boolean writes;
  private boolean touched;
  private boolean settled;

  /// The record to write, or `null` if there is none to be written.
  abstract @Nullable Note ask(Draft draft);

  /// What its decider threw, if it did.
  @Nullable Throwable failure() {
    return failure;
  }

  /// Asks, and keeps what is thrown from whoever else is carried along.
  final @Nullable Note decide(Draft draft) {
    failure = null;
    writes = false;
    try {
      Note note = ask(draft);
      writes = note != null;
      return note;
    } catch (RuntimeException | Error e) {
      failure = e;
      return null;
    }
  }

  /// Whether its last answer was a record.
  final boolean writes() {
    return writes;
  }

  /// Something that it wants is being written.
  final void touch() {
    touched = true;
  }

  /// What was written is not there, and never comes back.
  final void reset() {
    touched = false;
  }

  /// Its last answer holds.
  final void settle() {
    touched = true;
    settled = true;
  }

  /// Whether something of it may be there.
  final boolean touched() {
    return touched;
  }

  final boolean settled() {
    return settled;
  }

  /// To append a unit.
  static final class ToLand extends Wish {
    private final Unit unit;
    private Result result = new Result.Unknown("nobody was asked");

    ToLand(Unit unit) {
      this.unit = unit;
    }

    Result result() {
      return result;
    }

    @Override
    @Nullable Note ask(Draft draft) {
      Result known = known(draft);
      if (known != null) {
        result = known;
        return null;
      }
      Optional<byte[]> record = unit.decider().decide(draft);
      if (record.isEmpty()) {
        result = new Result.Refused("it decided not to be written", null);
        return null;
      }
      if (record.get().length > Frame.MAX_BODY) {
        throw new IllegalArgumentException(
            "a record of "
                + record.get().length
                + " bytes, at most "
                + Frame.MAX_BODY
                + " are allowed");
      }
      long position = draft.last() + 1;
      result = new Result.Appended(position);
      return new Note.Landed(position, unit.commitId(), record.get());
    }

    private @Nullable Result known(Draft draft) {
      Long position = draft.landed(unit.commitId());
      if (position != null) {
        return new Result.Appended(position);
      }
      if (draft.givenUp(unit.commitId())) {
        return new Result.Refused("it was given up when somebody looked for it", null);
      }
      Fence over = unit.fence() == null ? null : draft.endedOf(unit.fence());
      return over == null ? null : new Result.Refused("ended: " + over.tokens(), over);
    }
  }

  /// To end a token.
  static final class ToEnd extends Wish {
    private final Note.End end;

    ToEnd(String lock, long token) {
      this.end = new Note.End(lock, token);
    }

    @Override
    @Nullable Note ask(Draft draft) {
      return draft.ended(end.lock(), end.token()) ? null : end;
    }
  }

  /// To know what became of a commit, for good.
  static final class ToSettle extends Wish {
    private final UUID id;
    private @Nullable Long position;

    ToSettle(UUID id) {
      this.id = id;
    }

    @Nullable Long position() {
      return position;
    }

    @Override
    @Nullable Note ask(Draft draft) {
      position = draft.landed(id);
      return position != null || draft.givenUp(id) ? null : new Note.GivenUp(id);
    }
  }

  /// To have a base take over.
  static final class ToRest extends Wish {
    private final Note.Checkpoint checkpoint;
    private final long start;
    private final BooleanSupplier durable;
    private boolean newer;
    private boolean taken;

    /// @param start where the record lay that the base ends with
    /// @param durable whether that record is on disk there
    ToRest(Note.Checkpoint checkpoint, long start, BooleanSupplier durable) {
      this.checkpoint = checkpoint;
      this.start = start;
      this.durable = durable;
    }

    /// Whether no other base had come that stands for as much.
    boolean newer() {
      return newer;
    }

    boolean taken() {
      return taken;
    }

    @Override
    @Nullable Note ask(Draft draft) {
      newer = checkpoint.upTo() > draft.below();
      taken = newer && draft.start(checkpoint.upTo()) == start && durable.getAsBoolean();
      return taken ? checkpoint : null;
    }
  }

  /// To say what is on disk, unless the last record does.
  static final class ToMarkOnce extends Wish {
    @Override
    @Nullable Note ask(Draft draft) {
      return draft.marked() ? null : new Note.Mark();
    }
  }

  /// To say once more what is on disk.
  static final class ToMark extends Wish {
    @Override
    Note ask(Draft draft) {
      return new Note.Mark();
    }
  }
}
