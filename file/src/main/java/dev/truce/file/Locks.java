package dev.truce.file;

import dev.truce.spi.Storage;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/// The kernel's word on who is there: locked bytes of the empty file `locks`.
///
/// ```
/// 0            shared by every process inside the root, exclusive for one that is alone
/// 1024 + slot  exclusive for the life of the member in that slot
/// 2^62 and up  4096 bytes for each journal, see [JournalLocks]
/// ```
///
/// These are POSIX locks, which belong to the process: they end with it, by whatever signal, and
/// they never exclude the process that holds them. So there is one channel a process, and what this
/// process holds itself is known from [#held], not from the kernel. They also end when the process
/// closes *any* descriptor of the file: nothing else opens it.
final class Locks implements AutoCloseable {
  static final String NAME = "locks";

  private static final long PRESENCE = 0;
  private static final long FIRST_SLOT = 1024;

  private final Path path;
  private final Storage.File file;
  private final Set<Long> held = new HashSet<>();

  private Locks(Path path, Storage.File file) {
    this.path = path;
    this.file = file;
  }

  /// Opens the file, which is created where there is none.
  static Locks open(Directory directory) {
    return open(directory.locks(), directory.disk());
  }

  /// The same on a disk of whatever kind.
  ///
  /// @param path what the file is called in messages
  static Locks open(Path path, Storage storage) {
    return Faults.io(path, () -> new Locks(path, openOrCreate(storage)));
  }

  private static Storage.File openOrCreate(Storage storage) throws IOException {
    for (; ; ) {
      try {
        return storage.open(NAME);
      } catch (NoSuchFileException none) {
        try {
          return storage.create(NAME, 0);
        } catch (FileAlreadyExistsException faster) {
          // somebody else has created it: it is opened now
        }
      }
    }
  }

  /// Locks everybody out, if nobody is inside.
  boolean tryAlone() {
    return tryTake(PRESENCE, false);
  }

  /// Enters, unless somebody wants to be alone.
  boolean tryInside() {
    return tryTake(PRESENCE, true);
  }

  void leave() {
    release(PRESENCE);
  }

  /// Takes the slot for this process, if nobody has it.
  boolean trySlot(int slot) {
    return tryTake(FIRST_SLOT + slot, false);
  }

  void releaseSlot(int slot) {
    release(FIRST_SLOT + slot);
  }

  /// Whether somebody holds the slot at this moment: its member, or for a moment one who is
  /// joining.
  boolean slotHeld(int slot) {
    return isHeld(FIRST_SLOT + slot);
  }

  /// Takes a byte for this process, if neither it nor another one has it.
  synchronized boolean tryTake(long at, boolean shared) {
    if (held.contains(at)) {
      return false;
    }
    boolean taken = tryLock(at, shared);
    if (taken) {
      held.add(at);
    }
    return taken;
  }

  /// Gives a byte back, if this process has it.
  synchronized void release(long at) {
    if (held.remove(at)) {
      unlock(at);
    }
  }

  /// Whether somebody holds a byte that is never shared. Asking is a shared lock, so that two who
  /// ask do not take each other for the holder.
  synchronized boolean isHeld(long at) {
    if (held.contains(at)) {
      return true;
    }
    if (!tryLock(at, true)) {
      return true;
    }
    unlock(at);
    return false;
  }

  private boolean tryLock(long at, boolean shared) {
    try {
      return file.tryLock(at, shared);
    } catch (IOException e) {
      throw Faults.translated(path, e);
    }
  }

  private void unlock(long at) {
    try {
      file.unlock(at);
    } catch (IOException e) {
      throw Faults.translated(path, e);
    }
  }

  /// Gives everything back.
  @Override
  public synchronized void close() {
    held.clear();
    try {
      file.close();
    } catch (IOException e) {
      throw Faults.translated(path, e);
    }
  }
}
