package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import dev.truce.spi.Storage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The place on disk: its names, its file system, and how its files are created and replaced, in
/// the calls of [Disk].
///
/// A new directory is for its owner alone. Files are as open as the directory they are in, so that
/// a directory made for a group beforehand is shared by the group.
record Directory(Path path) {
  /// File systems of one kernel that keep what Truce builds on: shared mappings that are coherent,
  /// kernel locks, links that exclude each other, and a flush that flushes.
  private static final Set<String> ALLOWED =
      Set.of(
          "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "overlay", "overlayfs", "tmpfs");

  private static final String TEMPORARY = ".tmp";

  private static final Pattern OWN =
      Pattern.compile("(id|ceiling|locks|members|cells|journal)(\\..*)?|lost\\+found");

  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rwx------");

  Disk disk() {
    return new Disk(path);
  }

  Path id() {
    return path.resolve("id");
  }

  Path ceiling() {
    return path.resolve("ceiling");
  }

  Path locks() {
    return path.resolve("locks");
  }

  Path members() {
    return path.resolve("members");
  }

  /// The first file of cells, and its growth files.
  Path cells(int index) {
    return path.resolve(index == 0 ? "cells" : "cells." + index);
  }

  /// Whether there is such a file, or nobody may know.
  boolean has(Path file) {
    return !Files.notExists(file, LinkOption.NOFOLLOW_LINKS);
  }

  /// Refuses file systems that are not known to be sound, before anything is written.
  void refuseUnsound() {
    String type = fileSystem();
    if (!ALLOWED.contains(type)) {
      throw new EngineException(
          Kind.REFUSED_PLACE,
          path
              + " is on "
              + type
              + ", which does not promise what shared memory and kernel locks need; name a"
              + " directory on a local file system ("
              + String.join(", ", ALLOWED.stream().sorted().toList())
              + ")");
    }
  }

  /// Refuses to become a root beside what others keep there: most likely another directory was
  /// meant. What a killed creator left is no stranger.
  void refuseForeign() {
    String[] names = path.toFile().list();
    for (String name : names == null ? new String[0] : names) {
      if (!OWN.matcher(name).matches()) {
        throw new EngineException(
            Kind.REFUSED_PLACE,
            path
                + " is no Truce root and holds "
                + name
                + "; name an empty or a new directory, such as "
                + path.resolve(".truce"));
      }
    }
  }

  boolean volatileStorage() {
    return fileSystem().equals("tmpfs");
  }

  String fileSystem() {
    Path at = path.toAbsolutePath();
    while (!Files.exists(at)) {
      Path parent = at.getParent();
      if (parent == null) {
        break;
      }
      at = parent;
    }
    Path existing = at;
    return Faults.io(
        path,
        () -> {
          FileStore store = Files.getFileStore(existing);
          return store.type();
        });
  }

  void create() {
    Faults.io(
        path,
        () -> {
          if (!Files.isDirectory(path)) {
            Path parent = path.toAbsolutePath().getParent();
            if (parent != null) {
              Files.createDirectories(parent);
            }
            try {
              Files.createDirectory(path, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
            } catch (FileAlreadyExistsException e) {
              if (!Files.isDirectory(path)) {
                throw e;
              }
            }
          }
          return path;
        });
  }

  /// Makes it for a backup, with its owner's permissions alone.
  void createForBackup() {
    Faults.io(
        path,
        () -> {
          try {
            return Files.createDirectory(path, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
          } catch (FileAlreadyExistsException e) {
            throw new EngineException(
                Kind.REFUSED_PLACE,
                path
                    + " is there already: a backup is a directory of its own; name one that is not",
                e);
          }
        });
  }

  /// The bytes of a file, or `null` when there is none.
  byte @Nullable [] read(Path file) {
    return Faults.<byte @Nullable []>io(
        file,
        () -> {
          try {
            return Files.readAllBytes(file);
          } catch (NoSuchFileException e) {
            return null;
          }
        });
  }

  /// The whole of a file that is known to have `bytes` bytes. It stays mapped as long as it is
  /// referred to.
  MappedByteBuffer map(Path file, long bytes) {
    return Faults.io(
        file,
        () -> {
          long size = Files.size(file);
          if (size != bytes) {
            throw new IOException(
                "it has " + size + " bytes instead of " + bytes + "; run `truce doctor`");
          }
          return Disk.map(file, 0, (int) bytes);
        });
  }

  /// The first bytes of a file, or `null` when it has fewer or there is none.
  byte @Nullable [] head(Path file, int bytes) {
    return Faults.<byte @Nullable []>io(
        file,
        () -> {
          try (InputStream in = Files.newInputStream(file)) {
            byte[] head = in.readNBytes(bytes);
            return head.length == bytes ? head : null;
          } catch (NoSuchFileException e) {
            return null;
          }
        });
  }

  BasicFileAttributes attributes(Path file) {
    return Faults.io(
        file,
        () -> Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS));
  }

  /// A file of `bytes` bytes that begins with `head`, every block of it written, under a name that
  /// nobody else uses.
  Path temporary(Path file, byte[] head, long bytes) {
    Path temporary = path.resolve(name(file) + "." + UUID.randomUUID() + TEMPORARY);
    return Faults.io(
        file,
        () -> {
          try (Storage.File created = disk().create(name(temporary), bytes)) {
            created.write(ByteBuffer.wrap(head), 0);
          } catch (IOException e) {
            disk().delete(name(temporary));
            throw e;
          }
          return temporary;
        });
  }

  /// Gives a temporary file its name, whatever had it before, and makes both last.
  void replaceDurably(Path temporary, Path file) {
    Faults.io(
        file,
        () -> {
          try (Storage.File written = disk().open(name(temporary))) {
            written.flush();
          }
          disk().rename(name(temporary), name(file));
          disk().sync();
          return file;
        });
  }

  void replace(Path temporary, Path file) {
    Faults.io(
        file,
        () -> {
          disk().rename(name(temporary), name(file));
          return file;
        });
  }

  /// Gives a temporary file its name unless the name is taken; the temporary name goes either way.
  void linkOrDrop(Path temporary, Path file) {
    Faults.io(
        file,
        () -> {
          disk().link(name(temporary), name(file));
          Yield.at(Yield.GROW_LINKED);
          disk().delete(name(temporary));
          return file;
        });
  }

  void delete(Path file) {
    Faults.io(
        file,
        () -> {
          disk().delete(name(file));
          return file;
        });
  }

  /// What killed processes left half made.
  List<Path> temporaries() {
    return listed(name -> name.endsWith(TEMPORARY));
  }

  /// The growth files of the cells, whoever left them.
  List<Path> growthFiles() {
    return listed(name -> name.startsWith("cells.") && !name.endsWith(TEMPORARY));
  }

  boolean hasJournals() {
    return !listed(name -> name.startsWith("journal.") && !name.endsWith(TEMPORARY)).isEmpty();
  }

  private List<Path> listed(Predicate<String> wanted) {
    return Faults.io(path, () -> disk().names()).stream()
        .filter(wanted)
        .map(path::resolve)
        .toList();
  }

  private static String name(Path file) {
    return String.valueOf(file.getFileName());
  }
}
