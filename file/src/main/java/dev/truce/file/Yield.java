package dev.truce.file;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The places where a test stops or kills a process: between any two steps that others could see.
///
/// Off, which is always but in tests, this is nothing: the hook is a constant that the compiler
/// removes. The property [#PROPERTY] names a class with a public constructor without arguments that
/// is a `Consumer<String>` and is told each point's name.
enum Yield {
  /// A word that processes share is about to be read, written or swapped.
  WORD,
  /// The process is inside the root and holds no slot yet.
  JOIN_INSIDE,
  /// The kernel lock of a slot is held, the slot still shows its former state.
  JOIN_LOCKED,
  /// The slot is described, its generation not yet published.
  JOIN_DESCRIBED,
  /// The member can be seen.
  JOIN_PUBLISHED,
  /// A closing member has cleared its slot and still holds the kernel lock.
  LEAVE_CLEARED,
  /// The state was read, nothing was written.
  SWAP_READ,
  /// A block was taken to write to.
  SWAP_SPARE,
  /// Half of the block is written.
  SWAP_HALF_WRITTEN,
  /// The block is written, the head not yet swapped.
  SWAP_WRITTEN,
  /// The head is swapped, the old block not yet kept.
  SWAP_WON,
  /// The head was lost to another, the block not yet kept.
  SWAP_LOST,
  /// A branch is written, the head it replaces not yet swapped.
  SPLIT_WRITTEN,
  /// The branch is published, the old block not yet kept.
  SPLIT_WON,
  /// A chunk is taken, its class does not allocate from it yet.
  CHUNK_TAKEN,
  /// A growth file is written under its temporary name.
  GROW_WRITTEN,
  /// A growth file has its name, the temporary name is still there.
  GROW_LINKED,
  /// A counter was read, nothing was drawn.
  DRAW_READ,
  /// The ceiling is raised in memory, not yet on disk.
  CEILING_RAISED,
  /// The ceiling is on disk, nobody knows it yet.
  CEILING_FORCED,
  /// A segment is written under its temporary name.
  JOURNAL_SEGMENT_WRITTEN,
  /// The append byte is held, nothing was written.
  JOURNAL_APPEND_LOCKED,
  /// Half of the records are written.
  JOURNAL_APPEND_HALF_WRITTEN,
  /// The records are written, the control word not yet swapped.
  JOURNAL_APPEND_WRITTEN,
  /// The control word is swapped, nobody was told.
  JOURNAL_APPEND_MOVED,
  /// The present segment is to be left, nothing is taken for that yet.
  JOURNAL_SEAL_DECIDED,
  /// The append byte of the next segment is held, its page is not yet written.
  JOURNAL_SEAL_LOCKED,
  /// The next segment's page says where the present one ends, the control word is not yet swapped.
  JOURNAL_SEAL_WRITTEN,
  /// The control word is in the next segment.
  JOURNAL_SEAL_MOVED,
  /// A flush is announced.
  JOURNAL_FLUSH_ANNOUNCED,
  /// The flush is done, nobody knows it yet.
  JOURNAL_FLUSHED,
  /// The durable word is raised, the announcement still stands.
  JOURNAL_FLUSH_RAISED,
  /// A base is written under its temporary name.
  JOURNAL_BASE_WRITTEN,
  /// A base has its name and does not count yet.
  JOURNAL_BASE_NAMED,
  /// The checkpoint is appended, not yet on disk.
  JOURNAL_CHECKPOINT_APPENDED,
  /// Older bases are removed, their segments are still there.
  JOURNAL_BASES_RETIRED,
  /// A recovery has made the control file.
  JOURNAL_RECOVERED;

  static final String PROPERTY = "dev.truce.file.yield";

  private static final @Nullable Consumer<String> HOOK = hook();

  /// Whether anybody is told.
  static final boolean ON = HOOK != null;

  static void at(Yield point) {
    if (HOOK != null) {
      HOOK.accept(point.name());
    }
  }

  @SuppressWarnings("unchecked")
  private static @Nullable Consumer<String> hook() {
    String name = System.getProperty(PROPERTY);
    if (name == null) {
      return null;
    }
    try {
      return Class.forName(name).asSubclass(Consumer.class).getConstructor().newInstance();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("no hook " + name, e);
    }
  }
}
