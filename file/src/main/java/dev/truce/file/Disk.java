package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import dev.truce.spi.Storage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/// The real disk: one directory of the machine's file system.
///
/// Files are as open to others as the directory they are in.
final class Disk implements Storage {
  private static final int ZEROS_BYTES = 1 << 16;

  private static final FileAttribute<Set<PosixFilePermission>> PRIVATE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  private final Path path;

  Disk(Path path) {
    this.path = path;
  }

  @Override
  public List<String> names() throws IOException {
    String[] names = path.toFile().list();
    if (names == null) {
      throw new IOException("the directory cannot be listed");
    }
    return Arrays.asList(names);
  }

  @Override
  public File open(String name) throws IOException {
    return open(name, EnumSet.of(StandardOpenOption.READ, StandardOpenOption.WRITE));
  }

  @Override
  public File create(String name, long bytes) throws IOException {
    File file =
        open(
            name,
            EnumSet.of(
                StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
            PRIVATE);
    try {
      openUp(path.resolve(name));
      for (long at = 0; at < bytes; at += ZEROS_BYTES) {
        file.write(ByteBuffer.allocate((int) Math.min(ZEROS_BYTES, bytes - at)), at);
      }
      return file;
    } catch (IOException e) {
      try (file) {
        delete(name);
      }
      throw e;
    }
  }

  private File open(String name, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    Path file = path.resolve(name);
    return name.equals(Locks.NAME)
        ? new LockFile(file, FileChannel.open(file, options, attributes))
        : new DataFile(file, AsynchronousFileChannel.open(file, options, CALLER, attributes));
  }

  /// Gives a file the permissions of the directory, but for execution.
  private void openUp(Path file) throws IOException {
    Set<PosixFilePermission> allowed = EnumSet.noneOf(PosixFilePermission.class);
    allowed.addAll(Files.getPosixFilePermissions(path));
    allowed.removeAll(
        Set.of(
            PosixFilePermission.OWNER_EXECUTE,
            PosixFilePermission.GROUP_EXECUTE,
            PosixFilePermission.OTHERS_EXECUTE));
    allowed.add(PosixFilePermission.OWNER_READ);
    allowed.add(PosixFilePermission.OWNER_WRITE);
    Files.setPosixFilePermissions(file, allowed);
  }

  @Override
  public void rename(String from, String to) throws IOException {
    Files.move(path.resolve(from), path.resolve(to), StandardCopyOption.ATOMIC_MOVE);
  }

  @Override
  public boolean link(String from, String to) throws IOException {
    try {
      Files.createLink(path.resolve(to), path.resolve(from));
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    }
  }

  @Override
  public void delete(String name) throws IOException {
    Files.deleteIfExists(path.resolve(name));
  }

  @Override
  public void sync() throws IOException {
    Faults.uninterrupted(() -> {
      try (FileChannel directory = FileChannel.open(path, StandardOpenOption.READ)) {
        directory.force(true);
        return directory;
      }
    });
  }

  /// A part of a file, mapped for as long as it is referred to.
  ///
  /// The JDK makes the buffer by reflection, which costs the first call some 30 ms of a cold JVM,
  /// and nothing with `-Djdk.reflect.useNativeAccessorOnly=true`.
  static MappedByteBuffer map(Path file, long at, int bytes) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      return channel.map(FileChannel.MapMode.READ_WRITE, at, bytes);
    }
  }

  /// A part of a file to be read, of any size, mapped until `arena` is closed.
  private static MemorySegment view(Path file, long at, long bytes, Arena arena)
      throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, at, bytes, arena);
    }
  }

  /// A file that is read, written and flushed.
  ///
  /// The channel is the asynchronous one, with the calling thread to do its work: unlike the plain
  /// one no interrupt closes it in the middle of a write. A descriptor that was closed and opened
  /// again would not be told of a flush that failed in between.
  private static final class DataFile implements File {
    private final Path path;
    private final AsynchronousFileChannel channel;

    DataFile(Path path, AsynchronousFileChannel channel) {
      this.path = path;
      this.channel = channel;
    }

    @Override
    public long size() throws IOException {
      return channel.size();
    }

    @Override
    public int read(ByteBuffer into, long at) throws IOException {
      return Math.max(0, done(channel.read(into, at)));
    }

    @Override
    public void write(ByteBuffer from, long at) throws IOException {
      for (long to = at; from.hasRemaining(); ) {
        to += done(channel.write(from, to));
      }
    }

    private static int done(Future<Integer> work) throws IOException {
      try {
        return work.get();
      } catch (InterruptedException e) {
        throw new AssertionError("it was done before it was waited for", e);
      } catch (ExecutionException e) {
        throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
      }
    }

    @Override
    public void flush() throws IOException {
      channel.force(false);
    }

    @Override
    public ByteBuffer map(long at, int bytes) throws IOException {
      return Faults.uninterrupted(() -> Disk.map(path, at, bytes));
    }

    @Override
    public MemorySegment view(long at, long bytes, Arena arena) throws IOException {
      return bytes == 0
          ? MemorySegment.ofArray(new byte[0]).asReadOnly()
          : Faults.uninterrupted(() -> Disk.view(path, at, bytes, arena));
    }

    @Override
    public boolean tryLock(long at, boolean shared) {
      throw new UnsupportedOperationException(path + " would lose its locks to whoever reads it");
    }

    @Override
    public void unlock(long at) {
      throw new UnsupportedOperationException(path + " has no locks");
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  /// The file of locks, of which this JVM has one descriptor and nothing but its locks.
  ///
  /// POSIX locks end when the process closes *any* descriptor of the file: so it is never mapped,
  /// read or written. `tryLock` and `release` are no interruptible operations, so no interrupt of a
  /// thread can close the channel.
  private static final class LockFile implements File {
    /// Channels that must never be closed: an unreachable one is, by the JVM.
    private static final List<FileChannel> KEPT = new CopyOnWriteArrayList<>();

    private final Path path;
    private final FileChannel channel;
    private final Map<Long, FileLock> held = new HashMap<>();
    private boolean foreign;

    LockFile(Path path, FileChannel channel) {
      this.path = path;
      this.channel = channel;
    }

    @Override
    public synchronized boolean tryLock(long at, boolean shared) throws IOException {
      if (held.containsKey(at)) {
        return false;
      }
      try {
        FileLock lock = channel.tryLock(at, 1, shared);
        if (lock != null) {
          held.put(at, lock);
        }
        return lock != null;
      } catch (OverlappingFileLockException e) {
        foreign = true;
        throw new EngineException(
            Kind.CONFIGURATION,
            path
                + " is locked by another copy of Truce in this JVM; load truce-file once, by one"
                + " class loader",
            e);
      }
    }

    @Override
    public synchronized void unlock(long at) throws IOException {
      FileLock lock = held.remove(at);
      if (lock != null) {
        lock.release();
      }
    }

    /// Gives everything back. The channel stays open when another copy of Truce holds locks of this
    /// process: closing it would end those too.
    @Override
    public synchronized void close() throws IOException {
      if (foreign) {
        KEPT.add(channel);
        return;
      }
      channel.close();
    }

    @Override
    public long size() {
      return 0;
    }

    @Override
    public int read(ByteBuffer into, long at) {
      throw onlyLocked();
    }

    @Override
    public void write(ByteBuffer from, long at) {
      throw onlyLocked();
    }

    @Override
    public void flush() {
      throw onlyLocked();
    }

    @Override
    public ByteBuffer map(long at, int bytes) {
      throw onlyLocked();
    }

    @Override
    public MemorySegment view(long at, long bytes, Arena arena) {
      throw onlyLocked();
    }

    private UnsupportedOperationException onlyLocked() {
      return new UnsupportedOperationException(path + " is a file of locks");
    }
  }

  /// The calling thread as an executor.
  private static final ExecutorService CALLER =
      new AbstractExecutorService() {
        @Override
        public void execute(Runnable work) {
          work.run();
        }

        @Override
        public void shutdown() {
          throw new UnsupportedOperationException("it lives as long as the class");
        }

        @Override
        public List<Runnable> shutdownNow() {
          throw new UnsupportedOperationException("it lives as long as the class");
        }

        @Override
        public boolean isShutdown() {
          return false;
        }

        @Override
        public boolean isTerminated() {
          return false;
        }

        @Override
        public boolean awaitTermination(long timeout, TimeUnit unit) {
          return false;
        }
      };
}
