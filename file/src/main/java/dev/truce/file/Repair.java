package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import dev.truce.spi.Ticker;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// What a process does that is alone in a root: it leaves the root whole, or throws.
///
/// `id` and `ceiling` are what the promises rest on: they are created once, durably, and never
/// guessed. All other files can be made anew from the ceiling. Each file is written under a
/// temporary name and then renamed, so a process killed here leaves the old file or the new one,
/// and temporary names for the next that is alone.
final class Repair {
  /// A root is gathered when it has grown and its live cells need less than this part of it.
  private static final int ROOMY = 4;

  private final Directory directory;
  private final Host host;
  private final List<String> notes = new ArrayList<>();

  Repair(Directory directory, Host host) {
    this.directory = directory;
    this.host = host;
  }

  /// Makes the root whole and says what was wrong.
  List<String> run() {
    refuse();
    directory.temporaries().forEach(directory::delete);
    boolean created = createIfNone();
    Identity identity = Identity.read(directory);
    Ceiling.Reading ceiling = Ceiling.read(directory);
    if (!ceiling.root().equals(identity.root())) {
      throw Faults.damaged(
          directory.ceiling(),
          "it belongs to another root than id",
          "restore both from one backup");
    }
    Header header = header(directory);
    members(identity, created);
    if (created) {
      rebuild(identity, 0, ceiling.value());
    } else if (!sound(identity, header, ceiling.value())) {
      rebuild(identity, ceiling.value(), ceiling.value());
    }
    return List.copyOf(notes);
  }

  /// Everything that forbids to touch the directory comes before it is touched.
  private void refuse() {
    if (directory.has(directory.id())) {
      Header header = header(directory);
      String boot = header == null ? "" : header.boot();
      Identity.read(directory).refuseOthers(directory, host, boot);
      refuseOtherLocks(directory, host, header);
    }
  }

  // ---- id and ceiling ---------------------------------------------------------------------------

  /// Creates a root where there is none. `id` comes last: a root that has one has all.
  private boolean createIfNone() {
    if (directory.has(directory.id())) {
      return false;
    }
    if (directory.has(directory.cells(0))
        || directory.has(directory.members())
        || directory.hasJournals()
        || ceilingInUse()) {
      throw Faults.damaged(
          directory.id(),
          "it is missing",
          "restore it from a backup, or run " + Faults.adopting(directory.path()));
    }
    UUID root = UUID.randomUUID();
    Ceiling.write(directory, root, Ceiling.BLOCK);
    Identity.write(directory, root, host);
    return true;
  }

  /// Whether there is a ceiling that is more than what a killed creator left.
  private boolean ceilingInUse() {
    return directory.has(directory.ceiling()) && Ceiling.read(directory).value() > Ceiling.BLOCK;
  }

  // ---- cells ------------------------------------------------------------------------------------

  /// What the file `cells` says it is, or `null` when it is missing or damaged.
  static @Nullable Header header(Directory directory) {
    Path cells = directory.cells(0);
    byte[] page = directory.head(cells, Page.BYTES);
    return page == null ? null : Header.of(cells, page);
  }

  private boolean sound(Identity identity, @Nullable Header header, long ceiling) {
    if (header == null || !header.root().equals(identity.root())) {
      note(directory.has(directory.cells(0)) ? "its first page fails its check" : "it was missing");
      return false;
    }
    if (!header.boot().equals(host.boot())) {
      return false;
    }
    try {
      dropStrangers(header);
      Heap heap = Heap.open(directory, header);
      Census.Count count = Census.of(heap, ceiling, leaf -> {});
      if (count.problem() != null) {
        note(count.problem());
        return false;
      }
      heap.raiseCounters(ceiling);
      if (worthGathering(count)) {
        gather(identity, heap, count);
      }
      return true;
    } catch (EngineException e) {
      if (e.kind() != Kind.DAMAGED) {
        throw e;
      }
      note(String.valueOf(e.getMessage()));
      return false;
    }
  }

  private void note(String what) {
    notes.add(
        directory.cells(0)
            + " was rebuilt: "
            + what
            + "; what was held is free, and tokens go on above all that were given out");
  }

  /// Without the very file that the others hold locks on, being alone or inside means nothing: so
  /// this comes before anything is touched. Of another boot nobody is left.
  static void refuseOtherLocks(Directory directory, Host host, @Nullable Header header) {
    if (header == null || !header.boot().equals(host.boot())) {
      return;
    }
    Path locks = directory.locks();
    long inode = Faults.io(locks, () -> Identity.inode(locks));
    if (inode != header.locks()) {
      throw Faults.damaged(
          locks,
          "it was deleted or replaced, so nobody can tell who is inside",
          "stop every process that uses the directory, then run "
              + Faults.adopting(directory.path()));
    }
  }

  /// Removes growth files that a killed repair left of an earlier incarnation.
  private void dropStrangers(Header header) {
    for (Path file : directory.growthFiles()) {
      byte[] page = directory.head(file, Page.BYTES);
      Header growth = page == null ? null : Header.of(file, page);
      if (growth == null) {
        throw Faults.damaged(file, "its first page fails its check", Root.REOPEN);
      }
      if (growth.incarnation() != header.incarnation()) {
        directory.delete(file);
      }
    }
  }

  /// Replaces all cells by none.
  private void rebuild(Identity identity, long counter, long reserved) {
    Path fresh = fresh(header(identity, 1), counter, reserved);
    replaceCells(fresh);
  }

  private Header header(Identity identity, int windows) {
    Path locks = directory.locks();
    long inode = Faults.io(locks, () -> Identity.inode(locks));
    return Header.fresh(identity.root(), windows, inode, host.boot());
  }

  private Path fresh(Header header, long counter, long reserved) {
    return directory.temporary(
        directory.cells(0),
        Heap.fresh(header, counter, reserved),
        (long) header.windows() * Heap.WINDOW_BYTES);
  }

  /// The rename is the switch: growth files of the old incarnation belong to nobody after it.
  private void replaceCells(Path fresh) {
    directory.replace(fresh, directory.cells(0));
    directory.growthFiles().forEach(directory::delete);
  }

  // ---- gathering --------------------------------------------------------------------------------

  private static boolean worthGathering(Census.Count count) {
    boolean full = count.usedChunks() * ROOMY > count.chunks() * (ROOMY - 1);
    boolean grown = count.windows() > 1;
    long usedBytes = (long) (count.usedChunks() - Heap.FIXED_CHUNKS) * Heap.CHUNK_BYTES;
    return (full || grown)
        && count.leafBytes() * ROOMY < usedBytes
        && windowsFor(count) <= Math.min(count.windows(), Heap.MAX_FIRST_WINDOWS);
  }

  /// Twice what the leaves need, and half of a window for tables and begun chunks.
  private static int windowsFor(Census.Count count) {
    return (int) ((2 * count.leafBytes() + Heap.WINDOW_BYTES / 2) / Heap.WINDOW_BYTES) + 1;
  }

  /// Copies the live cells into a file of their own, which takes the place of all others at once.
  private void gather(Identity identity, Heap old, Census.Count count) {
    long counter = Checked.value(old.plain(Heap.COUNTER));
    long reserved = Checked.value(old.plain(Heap.RESERVED));
    Header header = header(identity, windowsFor(count));
    Path fresh = fresh(header, counter, reserved);
    Heap heap = Heap.draft(directory, fresh, header);
    Trie trie = new Trie(directory, heap, Ticker.system());
    Census.Count copied = Census.of(old, Long.MAX_VALUE, leaf -> copy(leaf, trie));
    heap.shelveAll();
    if (copied.sound()) {
      replaceCells(fresh);
    } else {
      directory.delete(fresh);
    }
  }

  private static void copy(Leaf leaf, Trie to) {
    for (int at = leaf.first(); leaf.isEntry(at); at = leaf.next(at)) {
      String key = leaf.keyText(at);
      to.swap(key, to.read(key), leaf.value(at));
    }
  }

  // ---- members ----------------------------------------------------------------------------------

  /// Nobody is inside, so all members are dead: the table is emptied, or made anew.
  private void members(Identity identity, boolean created) {
    Slots.State state = Slots.reset(directory, identity.root(), host.boot());
    if (state == Slots.State.SOUND) {
      return;
    }
    Path file = directory.members();
    if (state == Slots.State.UNSOUND && !created) {
      notes.add(file + " was rebuilt: it failed its check; nobody was inside");
    }
    directory.replace(Slots.fresh(directory, identity.root(), host.boot()), file);
  }
}
