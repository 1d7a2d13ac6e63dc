package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.file.Path;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// The file `ceiling`: no number above it was ever drawn, whatever is lost beside it.
///
/// ```
///    0  page "TRUCECL1": the root's uuid; its word is the first copy
/// 4096  the same again, with the second copy
/// ```
///
/// Each copy is one [checked][Checked] word, so it is never torn, and it is only ever raised, by a
/// swap in shared memory: a process that was stopped for an hour before it raised the ceiling
/// raises it above where it is *then*. A number is drawn only after a flush that covers it. After a
/// power cut each copy is as before or as after, and the higher one counts.
///
/// A flush that fails is not tried again: the next attempt raises both words anew, so that a later
/// success says something about what it wrote itself.
final class Ceiling {
  /// How many numbers a flush pays for.
  static final long BLOCK = 1 << 20;

  /// What a copied or restored root is moved up by, far beyond what the original may have drawn
  /// meanwhile.
  static final long ADOPTION = 1L << 32;

  private static final String MAGIC = "TRUCECL1";
  private static final int COPIES = 2;
  private static final long BYTES = (long) COPIES * Page.BYTES;

  private final Path file;
  private final MappedByteBuffer memory;

  private Ceiling(Path file, MappedByteBuffer memory) {
    this.file = file;
    this.memory = memory;
  }

  /// What a ceiling file says.
  ///
  /// @param value the highest number that may have been drawn
  record Reading(UUID root, long value) {}

  /// Creates the file, or replaces it, durably.
  static void write(Directory directory, UUID root, long value) {
    byte[] copy = Page.seal(MAGIC, Checked.of(value), body -> Page.put(body, root));
    byte[] both = new byte[(int) BYTES];
    System.arraycopy(copy, 0, both, 0, Page.BYTES);
    System.arraycopy(copy, 0, both, Page.BYTES, Page.BYTES);
    directory.replaceDurably(
        directory.temporary(directory.ceiling(), both, BYTES), directory.ceiling());
  }

  /// Reads a file that must be whole.
  static Reading read(Directory directory) {
    Path file = directory.ceiling();
    byte[] bytes = directory.read(file);
    if (bytes == null) {
      throw Faults.damaged(file, "it is missing", next(file));
    }
    if (bytes.length != BYTES) {
      throw Faults.damaged(
          file, "it has " + bytes.length + " bytes instead of " + BYTES, next(file));
    }
    Reading first = copy(file, bytes, 0);
    Reading second = copy(file, bytes, 1);
    if (first == null || second == null || !first.root().equals(second.root())) {
      throw Faults.damaged(file, "a copy of the ceiling fails its check", next(file));
    }
    return new Reading(first.root(), Math.max(first.value(), second.value()));
  }

  /// What can still be read, for a repair; `null` if neither copy can.
  static @Nullable Reading salvage(Directory directory) {
    byte[] bytes = directory.read(directory.ceiling());
    if (bytes == null) {
      return null;
    }
    Reading best = null;
    for (int i = 0; i < COPIES && (i + 1) * Page.BYTES <= bytes.length; i++) {
      Reading copy = copy(directory.ceiling(), bytes, i);
      if (copy != null && (best == null || copy.value() > best.value())) {
        best = copy;
      }
    }
    return best;
  }

  private static @Nullable Reading copy(Path file, byte[] bytes, int index) {
    byte[] page = new byte[Page.BYTES];
    System.arraycopy(bytes, index * Page.BYTES, page, 0, Page.BYTES);
    ByteBuffer body = Page.open(file, MAGIC, page);
    if (body == null) {
      return null;
    }
    UUID root = Page.uuid(body);
    long word = body.getLong(Page.WORD);
    return Checked.valid(word) ? new Reading(root, Checked.value(word)) : null;
  }

  static Ceiling map(Directory directory) {
    Path file = directory.ceiling();
    return new Ceiling(file, directory.map(file, BYTES));
  }

  long value() {
    return Math.max(value(0), value(1));
  }

  /// Raises the ceiling by whole blocks until `count` more numbers fit above what it was, and
  /// answers it when it is on disk.
  long raise(long atLeast) {
    long before = value();
    long raised = before + BLOCK * Math.max(1, Math.ceilDiv(atLeast - before, BLOCK));
    if (raised > Checked.MAX) {
      throw new EngineException(
          Kind.IO, file + ": all 2^52 numbers of this root are used; create another root");
    }
    raise(0, raised);
    raise(1, raised);
    Yield.at(Yield.CEILING_RAISED);
    force();
    Yield.at(Yield.CEILING_FORCED);
    return raised;
  }

  private void raise(int copy, long to) {
    int at = copy * Page.BYTES + Page.WORD;
    for (; ; ) {
      long word = Words.get(memory, at);
      if (value(copy) >= to || Words.swap(memory, at, word, Checked.of(to))) {
        return;
      }
    }
  }

  private static String next(Path file) {
    return "no token was given out; run "
        + Faults.adopting(file.toAbsolutePath().getParent())
        + " while nobody uses the directory, which goes on above the copy that is left, or restore"
        + " the file from a backup";
  }

  private long value(int copy) {
    long word = Words.get(memory, copy * Page.BYTES + Page.WORD);
    if (!Checked.valid(word)) {
      throw Faults.damaged(file, "a copy of the ceiling changed under us", next(file));
    }
    return Checked.value(word);
  }

  private void force() {
    try {
      memory.force();
    } catch (UncheckedIOException e) {
      throw Faults.translated(file, e);
    }
  }
}
