package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// What goes wrong below, said in terms of a file and a next step.
final class Faults {
  private Faults() {}

  /// Work on files that may be done again.
  @FunctionalInterface
  interface Work<T extends @Nullable Object> {
    T run() throws IOException;
  }

  /// Does `work` [uninterrupted][#uninterrupted], and says what went wrong in terms of the file.
  static <T extends @Nullable Object> T io(Path file, Work<T> work) {
    try {
      return uninterrupted(work);
    } catch (IOException e) {
      throw translated(file, e);
    }
  }

  /// Does `work` though the thread may be interrupted, which closes the channel it is using: such
  /// work opens its own channel, is done again, and the interrupt is kept for the caller.
  static <T extends @Nullable Object> T uninterrupted(Work<T> work) throws IOException {
    boolean interrupted = Thread.interrupted();
    try {
      for (; ; ) {
        try {
          return work.run();
        } catch (ClosedByInterruptException e) {
          interrupted |= Thread.interrupted();
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /// The whole line that makes the directory a root of its own: without `--dir` it would be
  /// another.
  static String adopting(@Nullable Path directory) {
    String path = directory == null ? "/" : directory.toAbsolutePath().toString();
    boolean plain = path.matches("[A-Za-z0-9_./:@%+=,-]+");
    String word = plain ? path : "'" + path.replace("'", "'\\''") + "'";
    return "`truce doctor --adopt --dir " + word + "`";
  }

  static EngineException translated(Path file, UncheckedIOException e) {
    return translated(file, new IOException(e.getMessage(), e));
  }

  static EngineException translated(Path file, IOException e) {
    if (e instanceof AccessDeniedException) {
      return new EngineException(
          Kind.NOT_PERMITTED,
          file + ": permission denied; this user needs to read and write the directory",
          e);
    }
    if (e instanceof FileAlreadyExistsException || e instanceof NotDirectoryException) {
      return new EngineException(
          Kind.REFUSED_PLACE,
          file + ": something that is no directory has this name; name another directory",
          e);
    }
    if (e instanceof NoSuchFileException) {
      return damaged(file, "it is missing", Root.REOPEN);
    }
    String reason = reason(e);
    if (reason.contains("Read-only file system")) {
      return new EngineException(
          Kind.NOT_PERMITTED,
          file + ": the file system is read-only; mount it writable or name another directory",
          e);
    }
    return new EngineException(Kind.IO, file + ": " + reason, e);
  }

  private static String reason(IOException e) {
    String reason =
        e instanceof FileSystemException f && f.getReason() != null
            ? f.getReason()
            : String.valueOf(e.getMessage());
    return reason.contains("No space left")
        ? "the disk is full (" + reason + "); nothing was changed, free some space"
        : reason;
  }

  /// A page of a mapped file could not be read or written: the disk failed, or somebody cut the
  /// file.
  static EngineException unmapped(Path directory, InternalError e) {
    return new EngineException(
        Kind.IO,
        directory
            + ": a mapped file is shorter than it was or cannot be read; stop every process that"
            + " uses the directory, then run `truce doctor`",
        e);
  }

  static EngineException closed(Path directory) {
    return new EngineException(Kind.CLOSED, directory + ": this handle was closed");
  }

  static EngineException damaged(Path file, String what, String next) {
    return new EngineException(Kind.DAMAGED, file + " is damaged: " + what + "; " + next);
  }
}
