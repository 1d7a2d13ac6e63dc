package dev.truce.file;

import dev.truce.spi.Storage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The files of one journal: what they are called, and how one comes to be.
///
/// ```
/// journal.NAME                     the control file
/// journal.NAME.N                   segment N
/// journal.NAME.base.UPTO.UUID      a base
/// ```
///
/// NAME is the journal's name in UTF-8 with all but `a-z 0-9 - _` as `%hh`; where that is longer
/// than 120 letters, `=` and the SHA-256 of the name. Each file that needs one has the first 16
/// bytes of that digest in its first page.
final class JournalFiles {
  static final int MAX_NAME_BYTES = 255;

  /// Segments have 23 bits in the control word.
  private static final int MAX_SEGMENT = (1 << 23) - 1;

  private static final String PREFIX = "journal.";
  private static final String BASE = "base.";
  private static final String TEMPORARY = ".tmp";
  private static final int MAX_STEM = 120;
  private static final String HARMLESS = "abcdefghijklmnopqrstuvwxyz0123456789-_";

  private static final Pattern UNFINISHED = Pattern.compile("base\\.([1-9][0-9]{0,17})\\..*\\.tmp");

  private final Storage storage;
  private final Segment.Sizes sizes;
  private final Supplier<UUID> chance;
  private final Path directory;
  private final String name;
  private final String stem;
  private final ByteBuffer digest;

  JournalFiles(Storage storage, Path directory, String name) {
    this(storage, directory, name, Segment.Sizes.USUAL, UUID::randomUUID);
  }

  /// The same with segments of other sizes and other chance, for tests.
  JournalFiles(
      Storage storage, Path directory, String name, Segment.Sizes sizes, Supplier<UUID> chance) {
    byte[] bytes = Key.bytes(name);
    if (bytes.length == 0 || bytes.length > MAX_NAME_BYTES) {
      throw new IllegalArgumentException(
          "the name of a journal has 1 to " + MAX_NAME_BYTES + " bytes, not " + bytes.length);
    }
    byte[] sha = sha256(bytes);
    this(storage, directory, name, PREFIX + encoded(bytes, sha), sha, sizes, chance);
  }

  private JournalFiles(
      Storage storage,
      Path directory,
      String name,
      String stem,
      byte[] sha,
      Segment.Sizes sizes,
      Supplier<UUID> chance) {
    this.storage = storage;
    this.sizes = sizes;
    this.chance = chance;
    this.directory = directory;
    this.name = name;
    this.digest = ByteBuffer.wrap(sha);
    this.stem = stem;
  }

  /// The journals of a directory, by the names of their files. A name that was too long for that is
  /// not known; its digest stands for it.
  static List<JournalFiles> in(Storage storage, Path directory) {
    SortedSet<String> stems = new TreeSet<>();
    for (String file : Faults.io(directory, storage::names)) {
      int end = file.indexOf('.', PREFIX.length());
      if (file.startsWith(PREFIX) && !file.endsWith(TEMPORARY)) {
        stems.add(end < 0 ? file : file.substring(0, end));
      }
    }
    List<JournalFiles> found = new ArrayList<>();
    for (String stem : stems) {
      JournalFiles files = ofStem(storage, directory, stem);
      if (files != null) {
        found.add(files);
      }
    }
    return found;
  }

  private static @Nullable JournalFiles ofStem(Storage storage, Path directory, String stem) {
    String encoded = stem.substring(PREFIX.length());
    try {
      if (encoded.startsWith("=")) {
        byte[] sha = HexFormat.of().parseHex(encoded.substring(1));
        return new JournalFiles(
            storage, directory, encoded, stem, sha, Segment.Sizes.USUAL, UUID::randomUUID);
      }
      JournalFiles files = new JournalFiles(storage, directory, decoded(encoded));
      return files.stem.equals(stem) ? files : null;
    } catch (IllegalArgumentException noNameOfOurs) {
      return null;
    }
  }

  private static String decoded(String encoded) {
    ByteArrayOutputStream name = new ByteArrayOutputStream();
    for (int at = 0; at < encoded.length(); at++) {
      if (encoded.charAt(at) == '%' && at + 2 < encoded.length()) {
        name.write(HexFormat.fromHexDigits(encoded, at + 1, at + 3));
        at += 2;
      } else {
        name.write(encoded.charAt(at));
      }
    }
    return name.toString(StandardCharsets.UTF_8);
  }

  private static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private static String encoded(byte[] name, byte[] sha) {
    StringBuilder encoded = new StringBuilder();
    for (byte letter : name) {
      if (HARMLESS.indexOf(letter) >= 0) {
        encoded.append((char) letter);
      } else {
        encoded.append('%').append(HexFormat.of().toHexDigits(letter));
      }
    }
    return encoded.length() <= MAX_STEM ? encoded.toString() : "=" + HexFormat.of().formatHex(sha);
  }

  /// The files of a journal of the same name in another directory.
  JournalFiles at(Storage otherStorage, Path otherDirectory) {
    return new JournalFiles(
        otherStorage, otherDirectory, name, stem, digest.array(), sizes, chance);
  }

  /// What the journal is called in messages.
  String name() {
    return name;
  }

  /// What tells this journal's files from those of others, whatever they are called.
  UUID digest() {
    return new UUID(digest.getLong(0), digest.getLong(Long.BYTES));
  }

  String control() {
    return stem;
  }

  String segment(int number) {
    return stem + "." + number;
  }

  String base(long upTo, UUID id) {
    return stem + "." + BASE + upTo + "." + id;
  }

  Path path(String file) {
    return directory.resolve(file);
  }

  Segment.Sizes sizes() {
    return sizes;
  }

  /// A number that nobody has given before.
  UUID unique() {
    return chance.get();
  }

  Storage storage() {
    return storage;
  }

  /// Does work on a file, and says what went wrong in terms of it.
  <T extends @Nullable Object> T io(String file, Faults.Work<T> work) {
    return Faults.io(path(file), work);
  }

  /// The numbers of the segments, in no order.
  List<Integer> segments() {
    return listed(rest ->
        rest.matches("[1-9][0-9]{0,9}") ? (int) Math.min(Long.parseLong(rest), MAX_SEGMENT) : null);
  }

  /// A base by its file.
  record BaseFile(String file, long upTo, UUID id) {}

  /// The file of a base.
  BaseFile baseFile(long upTo, UUID id) {
    return new BaseFile(base(upTo, id), upTo, id);
  }

  /// The bases, in no order.
  List<BaseFile> bases() {
    return listed(rest -> {
      String[] parts = rest.split("\\.", -1);
      if (parts.length != 3 || !parts[0].equals("base") || !parts[1].matches("[1-9][0-9]{0,17}")) {
        return null;
      }
      try {
        long upTo = Long.parseLong(parts[1]);
        UUID id = UUID.fromString(parts[2]);
        return baseFile(upTo, id);
      } catch (IllegalArgumentException e) {
        return null; // no name that we gave
      }
    });
  }

  /// The files of bases that stand for no more than this and were never finished.
  List<String> unfinishedBases(long upTo) {
    return listed(rest -> {
      Matcher base = UNFINISHED.matcher(rest);
      return base.matches() && Long.parseLong(base.group(1)) <= upTo ? stem + "." + rest : null;
    });
  }

  private <T> List<T> listed(Function<String, @Nullable T> read) {
    List<T> found = new ArrayList<>();
    for (String file : io(stem, storage::names)) {
      T known = file.startsWith(stem + ".") ? read.apply(file.substring(stem.length() + 1)) : null;
      if (known != null) {
        found.add(known);
      }
    }
    return found;
  }

  /// What a file is to have.
  interface Content {
    void writeTo(Storage.File file) throws IOException;
  }

  /// Creates a file whole: it has its name only once its bytes are on disk, and both last when this
  /// returns. False if there was one by then.
  ///
  /// @param written after this step, for tests
  boolean create(String file, long bytes, Content content, Yield written) throws IOException {
    String temporary = file + "." + unique() + TEMPORARY;
    try (Storage.File fresh = storage.create(temporary, bytes)) {
      content.writeTo(fresh);
      fresh.flush();
      Yield.at(written);
      boolean linked = storage.link(temporary, file);
      storage.delete(temporary);
      storage.sync();
      return linked;
    } catch (IOException | RuntimeException | Error e) {
      storage.delete(temporary);
      throw e;
    }
  }

  /// Replaces a file that can be made anew: after a crash it may be the old one, the new one or
  /// neither.
  void replace(String file, ByteBuffer content) throws IOException {
    String temporary = file + "." + unique() + TEMPORARY;
    try (Storage.File fresh = storage.create(temporary, content.remaining())) {
      fresh.write(content, 0);
    }
    storage.rename(temporary, file);
  }

  /// The first bytes of an open file: fewer than asked for if it is shorter.
  static ByteBuffer read(Storage.File file, long at, int bytes) throws IOException {
    ByteBuffer into = Frame.buffer(bytes);
    while (into.hasRemaining()) {
      if (file.read(into, at + into.position()) <= 0) {
        break;
      }
    }
    return into.flip();
  }

  /// The first page of an open file, or what there is of it.
  static byte[] page(Storage.File file) throws IOException {
    byte[] page = new byte[Page.BYTES];
    ByteBuffer read = read(file, 0, Page.BYTES);
    int length = read.limit();
    read.get(page, 0, length);
    return Arrays.copyOf(page, length);
  }

  /// The bytes of `locks` that are this journal's: names that meet in these 46 bits would share
  /// them, which costs waiting and never more.
  long locks() {
    return 1L << 62 | digest.getLong(0) >>> 18 << 12;
  }
}
