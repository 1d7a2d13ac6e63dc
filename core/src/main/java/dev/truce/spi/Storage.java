package dev.truce.spi;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;

/// A directory of files as an engine that lives in one sees it: the only way to its disk, so that a
/// test can put a disk in its place that records, fails, or loses what was not flushed.
///
/// Names are plain file names. What a call changed survives the process as soon as it returns, and
/// the machine only after the flush that is named with each call.
///
/// **Threads.** Safe for any number of them. **Interruption.** No method clears or answers an
/// interrupt.
public interface Storage {
  /// All files, in no order.
  List<String> names() throws IOException;

  /// Opens a file for reading and writing.
  ///
  /// @throws java.nio.file.NoSuchFileException if there is none
  File open(String name) throws IOException;

  /// A new file of so many zero bytes, all of them written, so that no later write allocates. The
  /// bytes last after [File#flush()], the name after [#sync()].
  ///
  /// @throws java.nio.file.FileAlreadyExistsException if there is one
  File create(String name, long bytes) throws IOException;

  /// Gives a file another name, whatever had that before; lasts after [#sync()].
  void rename(String from, String to) throws IOException;

  /// Gives a file a second name unless that is taken; answers whether it did. Lasts after
  /// [#sync()].
  boolean link(String from, String to) throws IOException;

  /// Removes a name, if it is there; gone for good after [#sync()]. Whoever has the file open keeps
  /// it.
  void delete(String name) throws IOException;

  /// Makes the names last: all that were given, changed and removed before.
  void sync() throws IOException;

  /// One open file.
  interface File extends Closeable {
    long size() throws IOException;

    /// Reads at most what `into` has room for; answers how much, 0 at the end of the file.
    int read(ByteBuffer into, long at) throws IOException;

    /// Writes all of `from`; lasts after [#flush()].
    void write(ByteBuffer from, long at) throws IOException;

    /// Makes all that was written to the file before last, by whichever process, through mappings
    /// too.
    ///
    /// @throws IOException if some of it may be lost; another flush must not be believed
    void flush() throws IOException;

    /// The bytes themselves, shared by all processes that map them; valid for as long as it is
    /// referred to.
    ByteBuffer map(long at, int bytes) throws IOException;

    /// A part that nobody writes to any more, of any size: read-only, and readable until `arena` is
    /// closed, whatever becomes of the file's name. What the disk cannot read is an [InternalError]
    /// at the touch.
    ///
    /// @throws java.nio.file.NoSuchFileException if the name is gone already
    MemorySegment view(long at, long bytes, Arena arena) throws IOException;

    /// Locks one byte for this process until it unlocks it, closes the file or ends, if no other
    /// process has it locked. The byte need not exist.
    boolean tryLock(long at, boolean shared) throws IOException;

    void unlock(long at) throws IOException;

    @Override
    void close() throws IOException;
  }
}
