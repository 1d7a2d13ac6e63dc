package dev.truce.index;

import dev.truce.index.Artifact.Status;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The files that the index is of, and what it says of them.
///
/// A file's entry is what its *sidecar* says, a file of the same name and `.sidecar.json`; of one
/// without, the id is made of its path, and of two paths never the same. Paths below the folder
/// that the root stands in are kept as they are from there, so that both can be moved together.
///
/// @param base the folder that the root stands in
/// @param root which is passed over itself
/// @param framework of files without a sidecar
record Tree(Path base, Path root, String framework) {
  static final String SIDECAR = ".sidecar.json";

  private static final String FIRST_VERSION = "1.0.0";
  private static final int PIECE = 1 << 16;

  static Tree of(Path root, String framework) {
    Path folder = root.toAbsolutePath().normalize();
    Path above = folder.getParent();
    Path base = above == null ? folder : above;
    Path name = base.getFileName();
    String usual = name == null ? "root" : name.toString();
    return new Tree(base, folder, framework.isEmpty() ? usual : framework);
  }

  /// What a look at folders found.
  ///
  /// @param files in the order of their names
  /// @param unread what could not be looked at, and why
  record Found(SortedSet<String> files, SortedMap<String, String> unread) {}

  // ---- looking

  /// All files at and below these paths, but for the root and the sidecars. Links are not followed.
  ///
  /// @throws IllegalArgumentException if there is no such file
  Found find(Collection<Path> paths) throws IOException {
    Found found = new Found(new TreeSet<>(), new TreeMap<>());
    for (Path path : paths) {
      if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
        throw new IllegalArgumentException("no such file: " + path);
      }
      Files.walkFileTree(path, new Visitor(found));
    }
    return found;
  }

  private final class Visitor extends SimpleFileVisitor<Path> {
    private final Found found;

    Visitor(Found found) {
      this.found = found;
    }

    @Override
    public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
      return dir.equals(root) ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
      if (attributes.isRegularFile() && !file.toString().endsWith(SIDECAR)) {
        if (Path.of(file.toString()).equals(file)) {
          found.files().add(path(file));
        } else {
          found.unread().put(path(file), "its name is not UTF-8");
        }
      }
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult visitFileFailed(Path file, IOException failure) {
      found.unread().put(path(file), reason(failure));
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path dir, IOException failure) {
      if (failure != null) {
        found.unread().put(path(dir), reason(failure));
      }
      return FileVisitResult.CONTINUE;
    }
  }

  /// Why a file could not be read, for people.
  static String reason(IOException failure) {
    if (failure instanceof NoSuchFileException) {
      return "it is gone";
    }
    if (failure instanceof AccessDeniedException) {
      return "permission denied";
    }
    return failure instanceof java.nio.file.FileSystemException named && named.getReason() != null
        ? named.getReason()
        : failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
  }

  /// The path by which the index knows a file.
  String path(Path file) {
    return file.startsWith(base) ? base.relativize(file).toString() : file.toString();
  }

  /// The file of a path.
  Path file(String path) {
    return base.resolve(path);
  }

  // ---- reading

  /// A file, read.
  ///
  /// @param artifact what the index is to say of it
  /// @param edited whether its sidecar says a sum, and of other content
  record Reading(Artifact artifact, boolean edited) {}

  /// @throws IllegalArgumentException if the sidecar is none
  Reading read(String path) throws IOException {
    Artifact said = said(path);
    Content content = Content.of(file(path));
    Artifact artifact =
        new Artifact(
            said.id(),
            said.version(),
            said.status(),
            said.framework(),
            said.kind(),
            said.labels(),
            content.sha256(),
            said.createdAt(),
            said.updatedAt(),
            path,
            content.size(),
            said.more());
    return new Reading(artifact, said.checksumSha256() != null && !content.isOf(said));
  }

  /// The same, but for what its content is; of a sidecar, what it says of that.
  Artifact said(String path) throws IOException {
    Path sidecar = file(path + SIDECAR);
    byte[] text;
    try {
      text = Files.readAllBytes(sidecar);
    } catch (NoSuchFileException none) {
      return usual(path);
    }
    return Json.artifact(Json.tree(text, path + SIDECAR), path + SIDECAR);
  }

  // ---- sidecars

  /// Has a sidecar say the sum of the file's content, unless it tells of another version by now.
  ///
  /// @param artifact as the index has it
  /// @throws IllegalArgumentException if the sidecar is none by now
  void renew(Artifact artifact) throws IOException {
    String path = Objects.requireNonNull(artifact.path());
    Path sidecar = file(path + SIDECAR);
    JsonNode entry = Json.tree(Files.readAllBytes(sidecar), path + SIDECAR);
    if (Json.artifact(entry, path + SIDECAR).key().equals(artifact.key())) {
      ((ObjectNode) entry).put("checksumSha256", artifact.checksumSha256());
      write(path, Json.PRETTY_ORDERED.writeValueAsBytes(entry));
    }
  }

  /// Makes the sidecar of a file.
  void make(Artifact artifact) throws IOException {
    ObjectNode entry = (ObjectNode) Json.tree(artifact);
    entry.remove(List.of("path", "size"));
    write(Objects.requireNonNull(artifact.path()), Json.PRETTY.writeValueAsBytes(entry));
  }

  /// Whole or not at all: it is written beside its place first, under a name that no scan takes for
  /// a file.
  private void write(String path, byte[] sidecar) throws IOException {
    Path scratch = file(path + "." + ProcessHandle.current().pid() + SIDECAR);
    Files.write(scratch, sidecar);
    Files.move(scratch, file(path + SIDECAR), StandardCopyOption.ATOMIC_MOVE);
  }

  // ---- files without one

  private Artifact usual(String path) throws IOException {
    Instant changed =
        Files.getLastModifiedTime(file(path), LinkOption.NOFOLLOW_LINKS)
            .toInstant()
            .truncatedTo(ChronoUnit.SECONDS);
    return new Artifact(
        id(path),
        FIRST_VERSION,
        Status.REVIEW,
        framework,
        kind(path),
        List.of(),
        null,
        changed,
        changed,
        path,
        null,
        new TreeMap<>());
  }

  /// A path in the letters of an id: `__` stands for the stroke, and an underscore with two
  /// hexadecimal digits for each byte that an id has no letter for.
  static String id(String path) {
    StringBuilder id = new StringBuilder();
    for (byte unit : path.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (unit & 0xff);
      if (c == '/') {
        id.append("__");
      } else if (c < 0x80 && (Character.isLetterOrDigit(c) || c == '.' || c == '-')) {
        id.append(c);
      } else {
        id.append('_').append(HexFormat.of().toHexDigits(unit));
      }
    }
    return id.toString();
  }

  private static String kind(String path) {
    String name = path.substring(path.lastIndexOf('/') + 1);
    int dot = name.lastIndexOf('.');
    return dot <= 0 || dot == name.length() - 1
        ? "file"
        : name.substring(dot + 1).toLowerCase(Locale.ROOT);
  }

  /// Of a file, as far as it was read in one go.
  record Content(long size, String sha256) {
    boolean isOf(Artifact artifact) {
      return sha256.equals(artifact.checksumSha256());
    }

    static Content of(Path file) throws IOException {
      MessageDigest digest = digest();
      byte[] piece = new byte[PIECE];
      long size = 0;
      try (InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
        for (int n = in.read(piece); n >= 0; n = in.read(piece)) {
          digest.update(piece, 0, n);
          size += n;
        }
      }
      return new Content(size, HexFormat.of().formatHex(digest.digest()));
    }

    private static MessageDigest digest() {
      try {
        return MessageDigest.getInstance("SHA-256");
      } catch (NoSuchAlgorithmException impossible) {
        throw new IllegalStateException("every JDK has SHA-256", impossible);
      }
    }
  }
}
