package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/// The file `id`: which root this is, and that it is no copy. Written once.
///
/// ```
///  0  page "TRUCEID1"
/// 24  root      16  uuid
/// 40  inode      8  of this very file
/// 48  birth      8  of this very file, nanoseconds since 1970; 0 where the file system has none
/// 56  machine   64  machine id, length first
/// 120 boot      64  boot id at creation, length first
/// ```
///
/// The inode and the birth time of a copy are others than those it tells of. A disk that moved to
/// another machine tells of another machine, unless it is still the boot of `cells`: containers of
/// one kernel may each have a machine id of their own.
record Identity(UUID root, long inode, long birth, Host host) {
  private static final String MAGIC = "TRUCEID1";
  private static final int TEXT_BYTES = 64;

  /// No file was born then.
  private static final Instant MARK = Instant.ofEpochSecond(1);

  /// Creates the file, or replaces it, durably.
  static Identity write(Directory directory, UUID root, Host host) {
    Path temporary = directory.temporary(directory.id(), new byte[Page.BYTES], Page.BYTES);
    Identity identity =
        Faults.io(
            directory.id(),
            () -> {
              Identity made = new Identity(root, inode(temporary), provenBirth(temporary), host);
              Files.write(temporary, made.page());
              return made;
            });
    directory.replaceDurably(temporary, directory.id());
    return identity;
  }

  /// Reads a file that must be whole; that it is no copy is [another question][#refuseOthers].
  static Identity read(Directory directory) {
    Path file = directory.id();
    byte[] bytes = directory.read(file);
    if (bytes == null) {
      throw Faults.damaged(file, "it is missing", restore(directory));
    }
    ByteBuffer body = bytes.length == Page.BYTES ? Page.open(file, MAGIC, bytes) : null;
    if (body == null || body.getLong(Page.WORD) != Checked.of(0)) {
      throw Faults.damaged(file, "it fails its check", restore(directory));
    }
    return new Identity(
        Page.uuid(body), body.getLong(), body.getLong(), new Host(text(body), text(body)));
  }

  /// Refuses a copy, and a root of another machine.
  ///
  /// @param boot the boot that the cells tell of, empty if there are none
  void refuseOthers(Directory directory, Host here, String boot) {
    Path file = directory.id();
    boolean copied =
        Faults.io(file, () -> inode != inode(file) || (birth != 0 && birth != birth(file)));
    if (copied) {
      throw new EngineException(
          Kind.REFUSED_PLACE,
          directory.path()
              + " is a copy of another root, or was restored from a backup; "
              + adopt(directory));
    }
    if (!boot.equals(here.boot())
        && !host.boot().equals(here.boot())
        && !host.machine().equals(here.machine())) {
      throw new EngineException(
          Kind.REFUSED_PLACE,
          directory.path()
              + " belongs to machine "
              + host.machine()
              + ", this is another; "
              + adopt(directory));
    }
  }

  private static String adopt(Directory directory) {
    return "if it is meant to be used here, run "
        + Faults.adopting(directory.path())
        + ", which moves its tokens far above those of the original";
  }

  private static String restore(Directory directory) {
    return "run "
        + Faults.adopting(directory.path())
        + " while nobody uses the directory, or restore the file from a backup";
  }

  private byte[] page() {
    return Page.seal(
        MAGIC,
        Checked.of(0),
        body -> {
          Page.put(body, root).putLong(inode).putLong(birth);
          putText(body, host.machine());
          putText(body, host.boot());
        });
  }

  static void putText(ByteBuffer body, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int length = Math.min(bytes.length, TEXT_BYTES - 1);
    int next = body.position() + TEXT_BYTES;
    body.put((byte) length).put(bytes, 0, length).position(next);
  }

  static String text(ByteBuffer body) {
    int next = body.position() + TEXT_BYTES;
    byte[] bytes = new byte[body.get()];
    body.get(bytes).position(next);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  static long inode(Path file) throws IOException {
    return (Long) Files.getAttribute(file, "unix:ino");
  }

  /// The birth time, or 0 where the JDK answers with the time of the last change instead.
  private static long provenBirth(Path temporary) throws IOException {
    FileTime marked = FileTime.from(MARK);
    Files.setLastModifiedTime(temporary, marked);
    long birth = birth(temporary);
    return birth == nanos(MARK) ? 0 : birth;
  }

  private static long birth(Path file) throws IOException {
    return nanos(((FileTime) Files.getAttribute(file, "unix:creationTime")).toInstant());
  }

  private static long nanos(Instant instant) {
    return TimeUnit.SECONDS.toNanos(instant.getEpochSecond()) + instant.getNano();
  }
}
