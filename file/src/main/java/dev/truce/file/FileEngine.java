package dev.truce.file;

import dev.truce.Durability;
import dev.truce.spi.Capabilities;
import dev.truce.spi.Cells;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import dev.truce.spi.Members;
import dev.truce.spi.Ticker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;

/// A directory that the processes of one machine share: no server, nothing to configure.
///
/// Whatever is killed or stopped, at any instruction, nothing is torn and nobody else waits for it:
/// cells are swapped in shared memory, and the kernel says who is alive. Numbers are drawn below a
/// ceiling that is on disk before they are, so they rise over every crash. Cells themselves live
/// until the machine stops.
///
/// The directory must be on a local file system and be used by one kernel; containers may share it.
/// A copy, a restored backup and a disk from another machine are refused until they are
/// [adopted][#adopt].
///
/// No other code of a JVM may open the file `locks` of a root that the JVM has open: closing it
/// again would end the locks of the process, which is how POSIX has it.
///
/// **Threads.** Safe for any number of them. **Interruption.** No method clears or answers an
/// interrupt.
public final class FileEngine implements Engine {
  private final Root root;
  private final FileCells cells;
  private final FileMembers members;
  private final AtomicBoolean open = new AtomicBoolean(true);

  private FileEngine(Root root) {
    this.root = root;
    this.cells = new FileCells(root);
    this.members = new FileMembers(root);
  }

  /// Opens the root in this directory, and creates both where there is none.
  ///
  /// @throws dev.truce.EngineException if the place is refused, damaged, full, of a newer release
  ///   or not permitted; the message names the file and the next step
  public static FileEngine open(Path directory) {
    return open(directory, Host.current());
  }

  /// Opens the root in this directory and creates nothing.
  ///
  /// @throws dev.truce.EngineException of kind CONFIGURATION if there is none; else like
  ///   [#open(Path)]
  public static FileEngine existing(Path directory) {
    return new FileEngine(Root.open(directory, Host.current(), false));
  }

  /// Opens on a host that a test makes up.
  static FileEngine open(Path directory, Host host) {
    return new FileEngine(Root.open(directory, host, true));
  }

  /// What `truce doctor` shows of a root.
  ///
  /// @param fileSystem the type of the file system it is on
  /// @param root its uuid, empty when `id` cannot be read
  /// @param format of its files
  /// @param ceiling no number above it was ever drawn; 0 when it cannot be read
  /// @param drawn the last number that was drawn
  /// @param cells how many cells hold something
  /// @param bytes the size of all files of the engine
  /// @param members who takes part now, the dead included that nobody has swept
  /// @param findings what is wrong or was mended, each with its file and the next step
  public record Examination(
      Path directory,
      String fileSystem,
      String root,
      int format,
      long ceiling,
      long drawn,
      int cells,
      long bytes,
      List<Participant> members,
      List<String> findings) {}

  /// A member as `truce doctor` shows it.
  ///
  /// @param pid what its process is called in its own pid namespace
  /// @param description what it said of itself
  public record Participant(long member, boolean alive, long pid, byte[] description) {}

  /// Looks at the root in this directory and at all its files, and creates none. What the next to
  /// open it would mend is mended.
  ///
  /// @throws dev.truce.EngineException of kind CONFIGURATION if there is no root
  public static Examination examine(Path directory) {
    return Doctor.examine(directory, Host.current());
  }

  /// Makes a copied, restored or damaged root one of its own again: with another uuid, no cells,
  /// and a ceiling 2^32 above the highest that can be read, which is answered. Nobody may be
  /// inside.
  ///
  /// @throws dev.truce.EngineException if somebody is, or if no copy of the ceiling can be read
  public static long adopt(Path directory) {
    return Doctor.adopt(directory, Host.current());
  }

  /// What a journal is.
  ///
  /// @param last its last position
  /// @param below the position up to which its checkpoint stands
  /// @param segments how many segments hold the rest
  /// @param records how many records of any kind these have behind what is surely on disk
  /// @param ending where and why the last readable record is the last
  /// @param findings what is wrong: the first bad file, offset and reason; usually nothing
  public record Audit(
      String name,
      long last,
      long below,
      int segments,
      long records,
      String ending,
      List<String> findings) {}

  /// What [#verify] found.
  ///
  /// @param findings what is wrong with anything but the journals; usually nothing
  public record Verification(Path directory, List<Audit> journals, List<String> findings) {
    /// Whether nothing is wrong.
    public boolean sound() {
      return findings.isEmpty() && journals.stream().allMatch(audit -> audit.findings().isEmpty());
    }
  }

  /// Checks what of the root in `directory` outlives the machine, every record of every journal. It
  /// changes nothing, waits for nobody, and the root may be in use.
  ///
  /// @throws dev.truce.EngineException of kind CONFIGURATION if there is no root
  public static Verification verify(Path directory) {
    return Doctor.verify(directory);
  }

  /// Makes a [backup][#backup] in `to`, which must not be there yet, of what can be proved of a
  /// damaged root: its ceiling, and of each journal the newest checkpoint that counts and all
  /// records up to the first damaged one. Answers what was found wrong.
  ///
  /// @param provable what is left of the state of a checkpoint which is damaged, where no other is
  ///   whole, also by what the records behind it tell; throws an [dev.truce.EngineException] of
  ///   kind DAMAGED where nothing is
  public static Verification salvage(
      Path directory,
      Path to,
      BiFunction<Journal.Base, List<Journal.Entry>, Journal.State> provable) {
    return Backup.salvage(directory, to, provable);
  }

  /// A copy of what outlives the machine.
  ///
  /// @param directory where it is
  /// @param files how many
  /// @param bytes how many in all
  public record Copy(Path directory, int files, long bytes) {}

  /// Copies what of the root in `directory` outlives its machine to `to`, which must not be there
  /// yet. Nobody inside is waited for, and what was durable when this began is in it. A backup that
  /// was cut off has no `SHA256SUMS`.
  ///
  /// @throws dev.truce.EngineException of kind CONFIGURATION if there is no root, REFUSED_PLACE if
  ///   `to` is there
  public static Copy backup(Path directory, Path to) {
    return Backup.take(directory, to);
  }

  /// Makes a root in `directory`, which is empty or not there, from a backup. It is another root
  /// than the old one: with another uuid, no cells, and a ceiling 2^32 higher, so that no token of
  /// the old one is ever given out again. Leases that had not ended stand again, for their full
  /// term.
  ///
  /// @throws dev.truce.EngineException of kind DAMAGED if the backup is not what was written
  public static Copy restore(Path backup, Path directory) {
    return Backup.restore(backup, directory);
  }

  @Override
  public String place() {
    return root.directory().path().toString();
  }

  @Override
  public String root() {
    return root.identity().root().toString();
  }

  @Override
  public Capabilities capabilities() {
    return new Capabilities(
        BootTicker.here().readable() ? Capabilities.Clock.BOOT : Capabilities.Clock.NONE,
        root.directory().volatileStorage() ? Durability.NONE : Durability.OS,
        Capabilities.Contention.OPTIMISTIC,
        true,
        false,
        Leaf.MAX_VALUE,
        Duration.ZERO);
  }

  @Override
  public Durability durability() {
    return root.directory().volatileStorage() ? Durability.NONE : Durability.FSYNC;
  }

  @Override
  public Cells cells() {
    return cells;
  }

  @Override
  public Members members() {
    return members;
  }

  @Override
  public Journal journal(String name) {
    if (!open.get()) {
      throw Faults.closed(root.directory().path());
    }
    return new FileJournal(root.journals(), ticker(), name, root.directory().path(), open::get);
  }

  @Override
  public Ticker ticker() {
    return BootTicker.here();
  }

  /// What was found damaged and made anew when this process opened the root, a sentence each:
  /// usually nothing.
  public List<String> notes() {
    return root.notes();
  }

  @Override
  public void close() {
    if (open.compareAndSet(true, false)) {
      cells.close();
      members.close();
      root.release();
    }
  }
}
