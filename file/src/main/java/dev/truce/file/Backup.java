package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import dev.truce.file.FileEngine.Copy;
import dev.truce.file.FileEngine.Verification;
import dev.truce.spi.Journal;
import dev.truce.spi.Storage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.BiFunction;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// What of a root outlives its machine, in another directory: `id`, `ceiling`, the segments and
/// bases of its journals, and `SHA256SUMS` of them, which comes last. Cells, members and locks end
/// with the boot, so they are no part of it.
///
/// **Nobody stops for it.** All files are opened first, so none can go any more; when one went
/// before it was opened, they are listed again. Then the segments of each journal are copied from
/// the last to the first, each from its end to its beginning, in pieces that stood still while they
/// were read. A record is written only once the one before it is there, whole; so whatever record
/// is found, all before it are found as well, and the copy ends as a journal does whose machine
/// stopped.
final class Backup {
  static final String SUMS = "SHA256SUMS";

  private static final int PIECE = 1 << 16;
  private static final int TRIES = 100;

  /// How often a piece is read until it stands still: far more often than the end of a journal can
  /// move within one.
  private static final int READS = 4 * PIECE / Frame.HEADER;

  /// What is copied: no control file, which tells of this boot, and nothing half made.
  private static final Pattern SAFE =
      Pattern.compile(
          "id|ceiling|journal\\.[^./]+\\.([1-9][0-9]*|base\\.[1-9][0-9]*\\.[0-9a-f-]+)");

  /// A line of `SHA256SUMS`.
  private static final Pattern SUM = Pattern.compile("([0-9a-f]{64})  (.+)");

  private Backup() {}

  // ---- taking

  /// Copies the root into a directory that is made for it.
  static Copy take(Path path, Path to) {
    Root root = Root.open(path, Host.current(), false);
    try {
      Path target = to.toAbsolutePath();
      new Directory(target).createForBackup();
      return Faults.io(target, () -> copy(root.directory().disk(), new Disk(target), target));
    } finally {
      root.release();
    }
  }

  static Copy copy(Storage from, Storage to, Path target) throws IOException {
    for (int attempt = 0; attempt < TRIES; attempt++) {
      Map<String, Storage.File> files = openAll(from);
      long bytes = 0;
      try {
        for (Map.Entry<String, Storage.File> file : files.entrySet()) {
          bytes += copyBackwards(file.getValue(), to, file.getKey());
        }
      } finally {
        for (Storage.File file : files.values()) {
          file.close();
        }
      }
      if (bases(from.names()).equals(bases(files.keySet()))) {
        requireWhole(to, target, SALVAGE);
        seal(to, List.copyOf(files.keySet()));
        return new Copy(target, files.size(), bytes);
      }
      for (String name : files.keySet()) {
        to.delete(name);
      }
    }
    throw new IOException("checkpoints are taken all the time; try again");
  }

  /// A segment that was copied may hold a checkpoint that was taken meanwhile: it counts only with
  /// its base. A base has its name before its checkpoint is appended, so where the names are what
  /// they were, no base is missing.
  private static Set<String> bases(Collection<String> names) {
    return names.stream().filter(name -> name.contains(".base.")).collect(Collectors.toSet());
  }

  /// A backup whose bases or records are damaged would be found out when it is needed.
  private static void requireWhole(Storage storage, Path path, String next) throws IOException {
    for (JournalFiles journal : JournalFiles.in(storage, path)) {
      new Auditor(journal).requireWhole(next);
    }
  }

  /// What makes it a whole backup.
  private static void seal(Storage backup, List<String> names) throws IOException {
    StringBuilder sums = new StringBuilder();
    for (String name : names) {
      sums.append(sum(backup, name)).append("  ").append(name).append('\n');
    }
    write(backup, SUMS, sums.toString().getBytes(StandardCharsets.UTF_8));
    backup.sync();
  }

  /// Makes a backup of what can be proved of a damaged root.
  static Verification salvage(
      Path path, Path to, BiFunction<Journal.Base, List<Journal.Entry>, Journal.State> provable) {
    Verification found = Doctor.verify(path);
    Directory from = new Directory(path);
    long ceiling = Doctor.highest(from);
    Path target = to.toAbsolutePath();
    Directory backup = new Directory(target);
    backup.createForBackup();
    UUID root = UUID.randomUUID();
    Ceiling.write(backup, root, ceiling);
    Identity.write(backup, root, Host.current());
    for (JournalFiles journal : JournalFiles.in(from.disk(), path)) {
      try {
        new Auditor(journal).salvage(journal.at(backup.disk(), target), provable);
      } catch (EngineException nothingWhole) {
        if (nothingWhole.kind() != Kind.DAMAGED) {
          throw nothingWhole;
        }
        // nothing of it can be proved, which is among the findings
      }
    }
    Faults.<@Nullable Void>io(
        target,
        () -> {
          seal(backup.disk(), inOrder(backup.disk().names()));
          return null;
        });
    return found;
  }

  /// A listing is no snapshot: it counts when another one, after all was opened, says the same.
  private static Map<String, Storage.File> openAll(Storage from) throws IOException {
    for (int attempt = 0; attempt < TRIES; attempt++) {
      Map<String, Storage.File> open = new LinkedHashMap<>();
      boolean all = false;
      try {
        for (String name : inOrder(from.names())) {
          open.put(name, from.open(name));
        }
        all = inOrder(from.names()).equals(List.copyOf(open.keySet()));
        if (all) {
          return open;
        }
      } catch (NoSuchFileException retired) {
        // listed again
      } finally {
        if (!all) {
          for (Storage.File file : open.values()) {
            file.close();
          }
        }
      }
    }
    throw new IOException("its files change all the time; try again");
  }

  /// Later segments first.
  private static List<String> inOrder(List<String> names) {
    List<String> safe = new ArrayList<>(names);
    safe.removeIf(name -> !SAFE.matcher(name).matches());
    safe.sort(Comparator.comparingLong(Backup::number).reversed().thenComparing(name -> name));
    return safe;
  }

  private static long number(String name) {
    String last = name.substring(name.lastIndexOf('.') + 1);
    return last.matches("[0-9]{1,18}") ? Long.parseLong(last) : 0;
  }

  private static long copyBackwards(Storage.File from, Storage to, String name) throws IOException {
    long size = from.size();
    try (Storage.File copy = to.create(name, size)) {
      for (long end = size; end > 0; end -= Math.min(end, PIECE)) {
        int length = (int) Math.min(end, PIECE);
        copy.write(still(from, end - length, length), end - length);
      }
      copy.flush();
    }
    return size;
  }

  /// A piece as it was at one moment. A read is no snapshot: of two records that come while it goes
  /// on, it may see the second alone. Two reads that say the same are one: what a journal writes it
  /// does not take back, so all of it was there when the second began.
  private static ByteBuffer still(Storage.File from, long at, int length) throws IOException {
    ByteBuffer last = piece(from, at, length);
    for (int read = 1; read < READS; read++) {
      ByteBuffer again = piece(from, at, length);
      if (again.equals(last)) {
        return again;
      }
      last = again;
    }
    throw new IOException("a piece of it changes all the time; try again");
  }

  private static ByteBuffer piece(Storage.File from, long at, int length) throws IOException {
    ByteBuffer piece = ByteBuffer.allocate(length);
    while (piece.hasRemaining()) {
      if (from.read(piece, at + piece.position()) <= 0) {
        throw new IOException("it became shorter while it was read");
      }
    }
    return piece.flip();
  }

  private static void write(Storage to, String name, byte[] content) throws IOException {
    try (Storage.File file = to.create(name, content.length)) {
      file.write(ByteBuffer.wrap(content), 0);
      file.flush();
    }
  }

  private static String sum(Storage storage, String name) throws IOException {
    MessageDigest sum = sha256();
    try (Storage.File file = storage.open(name)) {
      long size = file.size();
      for (long at = 0; at < size; at += PIECE) {
        sum.update(piece(file, at, (int) Math.min(PIECE, size - at)));
      }
    }
    return HexFormat.of().formatHex(sum.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  // ---- restoring

  /// Makes a root of its own from a backup, with tokens above all that the old one gave out.
  static Copy restore(Path from, Path path) {
    return restore(new Disk(from), from, path);
  }

  static Copy restore(Storage backup, Path from, Path path) {
    List<String> names = Faults.io(from, () -> checked(backup, from));
    Directory directory = new Directory(path);
    directory.refuseUnsound();
    directory.create();
    if (!Faults.io(path, () -> directory.disk().names()).isEmpty()) {
      throw new EngineException(
          Kind.REFUSED_PLACE, path + " is not empty; restore into a new directory");
    }
    long bytes =
        Faults.io(
            path,
            () -> {
              long copied = 0;
              for (String name : names) {
                try (Storage.File file = backup.open(name)) {
                  copied += copyBackwards(file, directory.disk(), name);
                }
              }
              requireWhole(directory.disk(), path, NEXT);
              directory.disk().sync();
              return copied;
            });
    Doctor.adopt(path, Host.current());
    return new Copy(path, names.size(), bytes);
  }

  /// The names in a backup that is whole.
  private static List<String> checked(Storage backup, Path from) throws IOException {
    List<String> names = new ArrayList<>();
    for (String line : sums(backup, from).lines().toList()) {
      var parts = SUM.matcher(line);
      if (!parts.matches() || !SAFE.matcher(parts.group(2)).matches()) {
        throw Faults.damaged(from.resolve(SUMS), "a line of it is none of ours", NEXT);
      }
      String name = parts.group(2);
      if (!sum(backup, name).equals(parts.group(1))) {
        throw Faults.damaged(from.resolve(name), "it is not what was backed up", NEXT);
      }
      names.add(name);
    }
    requireWhole(backup, from, NEXT);
    if (!names.containsAll(List.of("id", "ceiling"))) {
      throw Faults.damaged(from.resolve(SUMS), "it names no root", NEXT);
    }
    return names;
  }

  private static final String NEXT = "restore from another backup";

  private static final String SALVAGE =
      "it is a copy of what the root has, of which `truce verify --salvage DIR` saves what is whole";

  private static String sums(Storage backup, Path from) throws IOException {
    try (Storage.@Nullable File file = backup.open(SUMS)) {
      return StandardCharsets.UTF_8.decode(piece(file, 0, (int) file.size())).toString();
    } catch (NoSuchFileException e) {
      throw new EngineException(
          Kind.CONFIGURATION,
          from + " is no whole backup: it has no " + SUMS + ", which is written last",
          e);
    }
  }
}
