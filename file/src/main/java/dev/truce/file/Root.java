package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// One directory as this JVM has it open: its files mapped once, whatever the number of handles.
///
/// Whoever opens a root first tries to be alone in it. Alone, it removes what killed processes
/// left, creates what is missing, checks everything, rebuilds what another boot or damage has made
/// worthless, and gathers blocks that were lost; then it enters like everybody else. Who finds
/// others inside just enters. So repairs never meet a writer, and nobody inside is ever waited for;
/// only an opener can wait, for another one that is alone, and says so after [#PATIENCE_NANOS].
final class Root {
  static final String REOPEN =
      "stop every process that uses the directory; the next to open it rebuilds the cells, and"
          + " tokens go on above all that were given out";

  /// How long an opener waits for one that is alone: far longer than any repair takes.
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

  /// How long a root may look broken to those who may enter it: somebody is alone in it soon, and
  /// mends it, unless others stay inside.
  private static final long BROKEN_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  /// And how often it does in a row: an opener may have been stopped between two looks.
  private static final int BROKEN_LOOKS = 10;

  /// Naps grow: many that open at once would keep the one that is alone from its processor.
  private static final long FIRST_NAP_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private static final long LONGEST_NAP_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  /// The roots that are open in this JVM, by the inode of `locks`: a second channel on that file
  /// would drop the locks of the first when it is closed.
  private static final Map<Object, Root> OPEN = new HashMap<>();

  private final Object key;
  private final Directory directory;
  private final Identity identity;
  private final Locks locks;
  private final Heap heap;
  private final Ceiling ceiling;
  private final Tokens tokens;
  private final Trie trie;
  private final Slots slots;
  private final List<String> notes;
  private final Map<Integer, FileMembership> memberships = new ConcurrentHashMap<>();
  private final Journals journals;
  private int handles;

  private Root(
      Object key,
      Directory directory,
      Identity identity,
      Locks locks,
      Header header,
      List<String> notes) {
    this.key = key;
    this.directory = directory;
    this.identity = identity;
    this.locks = locks;
    this.heap = Heap.open(directory, header);
    this.ceiling = Ceiling.map(directory);
    this.tokens = new Tokens(directory, heap, ceiling);
    this.trie = new Trie(directory, heap, BootTicker.here());
    this.slots = Slots.map(directory);
    this.notes = notes;
    this.journals =
        new Journals(directory, locks, identity.root(), header.boot(), BootTicker.here());
  }

  // ---- opening ----------------------------------------------------------------------------------

  /// Opens the root, which is created if there is none and `create` says so.
  static Root open(Path path, Host host, boolean create) {
    Directory directory = new Directory(path);
    refuse(directory, create);
    long begin = System.nanoTime();
    long whole = begin;
    long nap = FIRST_NAP_NANOS;
    int brokenLooks = 0;
    boolean interrupted = false;
    try {
      for (; ; ) {
        Attempt attempt = attempt(directory, host);
        if (attempt.root != null) {
          return attempt.root;
        }
        long now = System.nanoTime();
        EngineException broken = attempt.broken;
        whole = broken == null ? now : whole;
        brokenLooks = broken == null ? 0 : brokenLooks + 1;
        if (broken != null && now - whole > BROKEN_NANOS && brokenLooks > BROKEN_LOOKS) {
          throw broken;
        }
        if (now - begin > PATIENCE_NANOS) {
          throw tooLong(directory);
        }
        interrupted |= Thread.interrupted();
        LockSupport.parkNanos(nap);
        nap = Math.min(nap + nap / 4, LONGEST_NAP_NANOS);
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /// What came of one try to open.
  ///
  /// @param root `null` while another process is alone in it, or when it is `broken`
  /// @param broken what is wrong when others may be inside, but its files are not those of a root
  ///   of this boot: for a moment after somebody who was alone was killed, and for good when they
  ///   were damaged under those who are inside, or these see another boot
  private record Attempt(@Nullable Root root, @Nullable EngineException broken) {}

  private static EngineException tooLong(Directory directory) {
    return new EngineException(
        Kind.UNREACHABLE,
        directory.locks()
            + ": another process has been opening this root for 10 seconds; if it is stopped, let"
            + " it go on or kill it");
  }

  private static void refuse(Directory directory, boolean create) {
    if (directory.has(directory.id())) {
      return; // on another file system it has another inode, and is refused as a copy
    }
    if (!create && !directory.has(directory.ceiling())) {
      throw new EngineException(
          Kind.CONFIGURATION, directory.path() + " is no Truce root; `truce init` makes one");
    }
    directory.refuseUnsound();
    if (create) {
      directory.refuseForeign();
      directory.create();
    }
  }

  /// One try, without waiting.
  private static Attempt attempt(Directory directory, Host host) {
    synchronized (OPEN) {
      Root known = OPEN.get(keyOf(directory));
      if (known != null) {
        known.handles++;
        return new Attempt(known, null);
      }
      Locks locks = Locks.open(directory);
      try {
        Attempt attempt = enter(directory, locks, host);
        Root root = attempt.root;
        if (root == null) {
          locks.close();
          return attempt;
        }
        OPEN.put(root.key, root);
        root.handles++;
        return attempt;
      } catch (InternalError e) {
        locks.close();
        throw Faults.unmapped(directory.path(), e);
      } catch (RuntimeException | Error e) {
        locks.close();
        throw e;
      }
    }
  }

  private static Attempt enter(Directory directory, Locks locks, Host host) {
    List<String> notes = List.of();
    if (locks.tryAlone()) {
      notes = new Repair(directory, host).run();
      locks.leave();
    }
    if (!locks.tryInside()) {
      return new Attempt(null, null);
    }
    Yield.at(Yield.JOIN_INSIDE);
    Header header = directory.has(directory.id()) ? Repair.header(directory) : null;
    if (header == null || !header.boot().equals(host.boot())) {
      locks.leave();
      return new Attempt(null, broken(directory, header, host));
    }
    Identity identity = Identity.read(directory);
    identity.refuseOthers(directory, host, header.boot());
    Repair.refuseOtherLocks(directory, host, header);
    return new Attempt(new Root(keyOf(directory), directory, identity, locks, header, notes), null);
  }

  private static EngineException broken(Directory directory, @Nullable Header header, Host host) {
    if (header == null) {
      return Faults.damaged(
          directory.cells(0), "its first page is missing or fails its check", REOPEN);
    }
    return new EngineException(
        Kind.REFUSED_PLACE,
        directory.path()
            + " is in use by processes that see boot id "
            + header.boot()
            + ", and this one sees "
            + host.boot()
            + "; a root serves the processes of one kernel: give all of them the same"
            + " /proc/sys/kernel/random/boot_id, or stop the others first");
  }

  /// Runs `work` while nobody is inside, this process included.
  ///
  /// @throws EngineException if somebody is
  static <T> T alone(Directory directory, Supplier<T> work) {
    synchronized (OPEN) {
      if (!OPEN.containsKey(keyOf(directory))) {
        try (Locks locks = Locks.open(directory)) {
          if (locks.tryAlone()) {
            return work.get();
          }
        }
      }
      throw new EngineException(
          Kind.UNREACHABLE,
          directory.path() + " is in use; stop every process that uses it, then try again");
    }
  }

  private static Object keyOf(Directory directory) {
    Path locks = directory.locks();
    if (!directory.has(locks)) {
      return locks;
    }
    return Faults.io(
        locks,
        () -> {
          Object key = Files.readAttributes(locks, BasicFileAttributes.class).fileKey();
          return key == null ? locks.toRealPath() : key;
        });
  }

  // ---- parts ------------------------------------------------------------------------------------

  Directory directory() {
    return directory;
  }

  Identity identity() {
    return identity;
  }

  Locks locks() {
    return locks;
  }

  Heap heap() {
    return heap;
  }

  Tokens tokens() {
    return tokens;
  }

  Trie trie() {
    return trie;
  }

  Slots slots() {
    return slots;
  }

  Journals journals() {
    return journals;
  }

  /// What was repaired when this JVM opened the root.
  List<String> notes() {
    return notes;
  }

  /// The members of this JVM, by slot: what they are need not be asked of the kernel.
  Map<Integer, FileMembership> memberships() {
    return memberships;
  }

  /// Runs `work` on the mapped files; a page that is gone is said in words.
  <T> T guarded(Supplier<T> work) {
    try {
      return work.get();
    } catch (InternalError e) {
      throw Faults.unmapped(directory.path(), e);
    }
  }

  /// Gives back one handle; the last one leaves the root.
  void release() {
    synchronized (OPEN) {
      if (--handles > 0) {
        return;
      }
      OPEN.remove(key);
      try (locks) {
        journals.close();
        heap.shelveAll();
        locks.leave();
      }
    }
  }
}
