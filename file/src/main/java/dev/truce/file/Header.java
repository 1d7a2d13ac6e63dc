package dev.truce.file;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// The first page of each file of cells: what the file is for as long as it lives.
///
/// ```
///  24  root         16  uuid
///  40  incarnation   8  the same in all files that belong together, another after each rebuild
///  48  index         4  0 for `cells`, n for `cells.n`
///  52  firstWindow   4  the file's place among all, in MiB
///  56  windows       4  the file's size, in MiB
///  60  -             4
///  64  base          8  the version every head begins with
///  72  seed         16  of the hash of names, so that nobody can make names collide
///  88  locks         8  the inode of `locks`, without which presence means nothing
///  96  boot         64  boot id, length first
/// ```
record Header(
    UUID root,
    long incarnation,
    int index,
    int firstWindow,
    int windows,
    long base,
    long seed0,
    long seed1,
    long locks,
    String boot) {
  private static final String MAGIC = "TRUCECE1";

  /// The growth files double from 2 MiB up to this many MiB.
  private static final int LARGEST_GROWTH = 64;

  /// Chance enough that no two incarnations of one root ever share a version.
  private static final int BASE_BITS = 61;

  static Header fresh(UUID root, int windows, long locks, String boot) {
    UUID chance = UUID.randomUUID();
    UUID more = UUID.randomUUID();
    long base = new SplittableRandom(more.getLeastSignificantBits()).nextLong(1, 1L << BASE_BITS);
    return new Header(
        root,
        more.getMostSignificantBits(),
        0,
        0,
        windows,
        Head.next(base),
        chance.getMostSignificantBits(),
        chance.getLeastSignificantBits(),
        locks,
        boot);
  }

  /// The header of the growth file after the one of this header.
  Header next() {
    int larger = index == 0 ? 2 : Math.min(2 * windows, LARGEST_GROWTH);
    return new Header(
        root,
        incarnation,
        index + 1,
        firstWindow + windows,
        larger,
        base,
        seed0,
        seed1,
        locks,
        boot);
  }

  byte[] page() {
    return Page.seal(
        MAGIC,
        Checked.of(0),
        body -> {
          Page.put(body, root);
          body.putLong(incarnation).putInt(index).putInt(firstWindow).putInt(windows).putInt(0);
          body.putLong(base).putLong(seed0).putLong(seed1).putLong(locks);
          Identity.putText(body, boot);
        });
  }

  /// What the first page of a file says, or `null` when it is damaged.
  static @Nullable Header of(Path file, byte[] page) {
    ByteBuffer body = Page.open(file, MAGIC, page);
    if (body == null || body.getLong(Page.WORD) != Checked.of(0)) {
      return null;
    }
    UUID root = Page.uuid(body);
    long incarnation = body.getLong();
    int index = body.getInt();
    int firstWindow = body.getInt();
    int windows = body.getInt();
    body.getInt();
    return new Header(
        root,
        incarnation,
        index,
        firstWindow,
        windows,
        body.getLong(),
        body.getLong(),
        body.getLong(),
        body.getLong(),
        Identity.text(body));
  }
}
