package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/// The kernel's word on who is there: locked bytes of the empty file `locks`.
///
/// ```
/// 0            shared by every process inside the root, exclusive for one that is alone
/// 1024 + slot  exclusive for the life of the member in that slot
/// ```
///
/// These are POSIX locks, which belong to the process: they end with it, by whatever signal, and
/// they never exclude the process that holds them. So there is one channel a process, and what this
/// process holds itself is known from [#held], not from the kernel. They also end when the process
/// closes *any* descriptor of the file: nothing else opens it, and it is never mapped, read or
/// written. `tryLock` and `release` are no interruptible operations, so no interrupt of a thread
/// can close the channel.
final class Locks implements AutoCloseable {
  private static final long PRESENCE = 0;
  private static final long FIRST_SLOT = 1024;

  /// Channels that must never be closed: an unreachable one is, by the JVM.
  private static final List<FileChannel> KEPT = new CopyOnWriteArrayList<>();

  private final Path file;
  private final FileChannel channel;
  private final Map<Integer, FileLock> held = new HashMap<>();
  private @Nullable FileLock presence;
  private boolean foreign;

  private Locks(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /// Opens the file, which is created where there is none.
  static Locks open(Directory directory) {
    Path file = directory.locks();
    return Faults.io(
        file,
        () -> {
          boolean fresh = !directory.has(file);
          FileChannel channel =
              FileChannel.open(
                  file,
                  StandardOpenOption.CREATE,
                  StandardOpenOption.READ,
                  StandardOpenOption.WRITE);
          try {
            if (fresh) {
              directory.openUp(file);
            }
            return new Locks(file, channel);
          } catch (RuntimeException e) {
            channel.close();
            throw e;
          }
        });
  }

  /// Locks everybody out, if nobody is inside.
  synchronized boolean tryAlone() {
    presence = tryLock(PRESENCE, false);
    return presence != null;
  }

  /// Enters, unless somebody wants to be alone.
  synchronized boolean tryInside() {
    presence = tryLock(PRESENCE, true);
    return presence != null;
  }

  synchronized void leave() {
    if (presence != null) {
      release(presence);
      presence = null;
    }
  }

  /// Takes the slot for this process, if nobody has it.
  synchronized boolean trySlot(int slot) {
    if (held.containsKey(slot)) {
      return false;
    }
    FileLock lock = tryLock(FIRST_SLOT + slot, false);
    if (lock == null) {
      return false;
    }
    held.put(slot, lock);
    return true;
  }

  synchronized void releaseSlot(int slot) {
    FileLock lock = held.remove(slot);
    if (lock != null) {
      release(lock);
    }
  }

  /// Whether somebody holds the slot at this moment: its member, or for a moment one who is
  /// joining. Asking is a shared lock, so that two who ask do not take each other for the member.
  synchronized boolean slotHeld(int slot) {
    if (held.containsKey(slot)) {
      return true;
    }
    FileLock lock = tryLock(FIRST_SLOT + slot, true);
    if (lock == null) {
      return true;
    }
    release(lock);
    return false;
  }

  private @Nullable FileLock tryLock(long at, boolean shared) {
    try {
      return channel.tryLock(at, 1, shared);
    } catch (OverlappingFileLockException e) {
      foreign = true;
      throw new EngineException(
          Kind.CONFIGURATION,
          file
              + " is locked by another copy of Truce in this JVM; load truce-file once, by one class"
              + " loader",
          e);
    } catch (IOException e) {
      throw Faults.translated(file, e);
    }
  }

  private void release(FileLock lock) {
    try {
      lock.release();
    } catch (IOException e) {
      throw Faults.translated(file, e);
    }
  }

  /// Gives everything back. The channel stays open when another copy of Truce holds locks of this
  /// process: closing it would end those too.
  @Override
  public synchronized void close() {
    if (foreign) {
      KEPT.add(channel);
      return;
    }
    try {
      channel.close();
    } catch (IOException e) {
      throw Faults.translated(file, e);
    }
  }
}
