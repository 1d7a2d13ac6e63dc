package dev.truce.testkit;

import dev.truce.spi.Storage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A storage that keeps the trace of its calls, failed ones included: to count the flushes of a
/// commit, to say in a message what led to it.
///
/// What goes through a [mapping][Storage.File#map] is memory and leaves no trace.
///
/// **Threads.** As safe as what it stands before.
public final class RecordingStorage implements Storage {
  /// What can be asked of a storage.
  public enum Kind {
    NAMES,
    OPEN,
    CREATE,
    RENAME,
    LINK,
    DELETE,
    SYNC,
    SIZE,
    READ,
    WRITE,
    FLUSH,
    MAP,
    LOCK,
    UNLOCK,
    CLOSE;

    /// Whether it changes what is on the disk, or what is safe of it.
    boolean changes() {
      return switch (this) {
        case CREATE, RENAME, LINK, DELETE, SYNC, WRITE, FLUSH -> true;
        case NAMES, OPEN, SIZE, READ, MAP, LOCK, UNLOCK, CLOSE -> false;
      };
    }
  }

  /// One call.
  ///
  /// @param process who called
  /// @param file the name it was opened by; for a renaming or a link both; empty for a directory
  /// @param at where in the file, 0 where that means nothing
  /// @param bytes how many, 0 where that means nothing
  public record Call(String process, Kind kind, String file, long at, long bytes) {
    static Call of(String process, Kind kind, String file) {
      return new Call(process, kind, file, 0, 0);
    }

    @Override
    public String toString() {
      String name = process + ": " + kind.name().toLowerCase(java.util.Locale.ROOT) + " " + file;
      return switch (kind) {
        case READ, WRITE, MAP -> name + " [" + at + ", " + (at + bytes) + ")";
        case LOCK, UNLOCK -> name + " byte " + at;
        case CREATE -> name + " of " + bytes;
        default -> name.strip();
      };
    }
  }

  private final Storage inner;
  private final String process;
  private final List<Call> calls = new ArrayList<>();

  /// @param process whom the trace names as the caller
  public RecordingStorage(Storage inner, String process) {
    this.inner = inner;
    this.process = process;
  }

  /// All calls until now, in the order in which they began.
  public List<Call> calls() {
    synchronized (calls) {
      return List.copyOf(calls);
    }
  }

  /// How many of the calls until now were of one of these kinds.
  public long count(Kind... kinds) {
    List<Kind> asked = Arrays.asList(kinds);
    return calls().stream().filter(call -> asked.contains(call.kind())).count();
  }

  private void record(Kind kind, String file, long at, long bytes) {
    synchronized (calls) {
      calls.add(new Call(process, kind, file, at, bytes));
    }
  }

  @Override
  public List<String> names() throws IOException {
    record(Kind.NAMES, "", 0, 0);
    return inner.names();
  }

  @Override
  public File open(String name) throws IOException {
    record(Kind.OPEN, name, 0, 0);
    return new Recorded(inner.open(name), name);
  }

  @Override
  public File create(String name, long bytes) throws IOException {
    record(Kind.CREATE, name, 0, bytes);
    return new Recorded(inner.create(name, bytes), name);
  }

  @Override
  public void rename(String from, String to) throws IOException {
    record(Kind.RENAME, from + " to " + to, 0, 0);
    inner.rename(from, to);
  }

  @Override
  public boolean link(String from, String to) throws IOException {
    record(Kind.LINK, from + " to " + to, 0, 0);
    return inner.link(from, to);
  }

  @Override
  public void delete(String name) throws IOException {
    record(Kind.DELETE, name, 0, 0);
    inner.delete(name);
  }

  @Override
  public void sync() throws IOException {
    record(Kind.SYNC, "", 0, 0);
    inner.sync();
  }

  private final class Recorded implements File {
    private final File file;
    private final String name;

    Recorded(File file, String name) {
      this.file = file;
      this.name = name;
    }

    @Override
    public long size() throws IOException {
      record(Kind.SIZE, name, 0, 0);
      return file.size();
    }

    @Override
    public int read(ByteBuffer into, long at) throws IOException {
      record(Kind.READ, name, at, into.remaining());
      return file.read(into, at);
    }

    @Override
    public void write(ByteBuffer from, long at) throws IOException {
      record(Kind.WRITE, name, at, from.remaining());
      file.write(from, at);
    }

    @Override
    public void flush() throws IOException {
      record(Kind.FLUSH, name, 0, 0);
      file.flush();
    }

    @Override
    public ByteBuffer map(long at, int bytes) throws IOException {
      record(Kind.MAP, name, at, bytes);
      return file.map(at, bytes);
    }

    @Override
    public MemorySegment view(long at, long bytes, Arena arena) throws IOException {
      record(Kind.MAP, name, at, bytes);
      return file.view(at, bytes, arena);
    }

    @Override
    public boolean tryLock(long at, boolean shared) throws IOException {
      record(Kind.LOCK, name, at, 1);
      return file.tryLock(at, shared);
    }

    @Override
    public void unlock(long at) throws IOException {
      record(Kind.UNLOCK, name, at, 1);
      file.unlock(at);
    }

    @Override
    public void close() throws IOException {
      record(Kind.CLOSE, name, 0, 0);
      file.close();
    }
  }
}
