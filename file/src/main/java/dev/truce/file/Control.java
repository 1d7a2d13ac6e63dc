package dev.truce.file;

import dev.truce.spi.Storage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// The words that all processes of a journal share: where it ends, and what of it is on disk.
///
/// ```
///    0  page "TRUCEJC1": root 16 | name 16 | lineage 16 | boot 64
/// 4096  tail      the place where the next record goes; whoever swaps it has appended
/// 4160  durable   below it all is on disk; with the poison bit
/// 4224  epoch     how many flushes were announced
/// 4288  slots     how many slots were ever used
/// 4352  how often it was rung for a flush with an even number, +8 how many sleep on that
/// 4416  how often it was rung for an append byte, +8 how many sleep on that
/// 4480  the same as at 4352 for a flush with an odd number
/// 4544  flushed   how many flushes have ended
/// 4608  target    the place up to which the present or last one flushes, without a check
/// 4672  writing   1 while somebody holds an append byte, or was killed while he did
/// 8192  256 slots of 64 bytes, one for each process that has the journal open:
///         0  flushing  the place up to which it is flushing, 0 for none
///         8  epoch     of that flush
///        16  pid       for messages
/// ```
///
/// Tail and durable are [checked][Checked] words: `{segment:23 | offset / 8:28 | poison:1}`.
///
/// Nothing here outlives the boot, and all of it can be made anew from segments and bases by who is
/// alone.
final class Control {
  static final int SLOTS = 256;

  private static final String MAGIC = "TRUCEJC1";
  private static final int TAIL = 4096;
  private static final int DURABLE = 4160;
  private static final int EPOCH = 4224;
  private static final int USED = 4288;
  private static final int FLUSHED = 4544;
  private static final int TARGET = 4608;
  private static final int WRITING = 4672;
  private static final int SLEEPERS = 8;
  private static final int FIRST_SLOT = 8192;
  private static final int SLOT_BYTES = 64;
  private static final int BYTES = FIRST_SLOT + SLOTS * SLOT_BYTES;
  private static final int FLUSHING = 0;
  private static final int FLUSH_EPOCH = 8;
  private static final int PID = 16;
  private static final long POISON = 1;

  /// Offsets of places count words, and segments have the other 23 bits.
  private static final int OFFSET_BITS = 28;

  private final Path path;
  private final ByteBuffer memory;
  private final UUID lineage;

  private Control(Path path, ByteBuffer memory, UUID lineage) {
    this.path = path;
    this.memory = memory;
    this.lineage = lineage;
  }

  /// What a control file is of.
  record Owner(UUID root, String boot) {}

  /// Makes the file anew, for a journal that ends at `tail` and is on disk up to there.
  static void write(JournalFiles files, Owner owner, UUID lineage, long tail) throws IOException {
    ByteBuffer content = Frame.buffer(BYTES);
    content.put(0, page(files, owner, lineage));
    content.putLong(TAIL, word(tail, 0)).putLong(DURABLE, word(tail, 0));
    files.replace(files.control(), content);
  }

  private static byte[] page(JournalFiles files, Owner owner, UUID lineage) {
    return Page.seal(
        MAGIC,
        Checked.of(0),
        body -> {
          Page.put(body, owner.root, files.digest(), lineage);
          Identity.putText(body, owner.boot);
        });
  }

  /// Maps the file if it is whole and of this boot; `null` otherwise.
  static @Nullable Control map(JournalFiles files, Owner owner) throws IOException {
    try (Storage.File file = files.storage().open(files.control())) {
      byte[] page = JournalFiles.page(file);
      if (file.size() != BYTES) {
        return null;
      }
      Path path = files.path(files.control());
      ByteBuffer body = Page.open(path, MAGIC, page);
      if (body == null
          || !Page.uuid(body).equals(owner.root)
          || !Page.uuid(body).equals(files.digest())) {
        return null;
      }
      UUID lineage = Page.uuid(body);
      return Identity.text(body).equals(owner.boot)
          ? new Control(path, file.map(0, BYTES).order(ByteOrder.LITTLE_ENDIAN), lineage)
          : null;
    } catch (NoSuchFileException none) {
      return null;
    }
  }

  UUID lineage() {
    return lineage;
  }

  // ---- the end and what is safe -----------------------------------------------------------------

  long tail() {
    return place(Words.get(memory, TAIL));
  }

  /// Moves the end, if it is still where it was: the one step that appends.
  boolean move(long from, long to) {
    return Words.swap(memory, TAIL, word(from, 0), word(to, 0));
  }

  /// Below this place all is on disk.
  long durable() {
    return place(Words.get(memory, DURABLE));
  }

  void raise(long place) {
    for (; ; ) {
      long word = Words.get(memory, DURABLE);
      if (place(word) >= place || Words.swap(memory, DURABLE, word, word(place, poison(word)))) {
        return;
      }
    }
  }

  /// How many flushes have ended, so that the present one or the next has the number after that: a
  /// hint, by which waiting processes are sorted.
  long flushed() {
    return Words.get(memory, FLUSHED);
  }

  /// Says that one more has ended.
  void flushEnded() {
    Words.add(memory, FLUSHED, 1);
  }

  /// The place up to which the present flush goes, or the last one went: a hint as well.
  long target() {
    return Words.get(memory, TARGET);
  }

  void target(long place) {
    Words.set(memory, TARGET, place);
  }

  /// Whether a flush has failed, so that nobody knows what is on disk above [#durable()].
  boolean poisoned() {
    return poison(Words.get(memory, DURABLE)) != 0;
  }

  void poison() {
    for (; ; ) {
      long word = Words.get(memory, DURABLE);
      if (Words.swap(memory, DURABLE, word, word(place(word), POISON))) {
        return;
      }
    }
  }

  /// Whether the words can be believed, by who is alone.
  boolean sound() {
    long tail = Words.get(memory, TAIL);
    long durable = Words.get(memory, DURABLE);
    return Checked.valid(tail) && Checked.valid(durable) && place(durable) <= place(tail);
  }

  private static long word(long place, long poison) {
    long packed = (long) Place.segment(place) << OFFSET_BITS | Place.offset(place) / Words.BYTES;
    return Checked.of(packed << 1 | poison);
  }

  private static long poison(long word) {
    return Checked.value(word) & POISON;
  }

  private long place(long word) {
    if (!Checked.valid(word)) {
      throw Faults.damaged(
          path,
          "a word fails its check",
          "stop every process that uses the directory; the next to open it makes this file anew");
    }
    long packed = Checked.value(word) >>> 1;
    int segment = (int) (packed >>> OFFSET_BITS);
    return Place.of(segment, (packed & (1L << OFFSET_BITS) - 1) * Words.BYTES);
  }

  /// Whether somebody appends: a hint, wrong until the next one has appended if he was killed.
  boolean writing() {
    return Words.get(memory, WRITING) != 0;
  }

  void writing(boolean now) {
    Words.set(memory, WRITING, now ? 1 : 0);
  }

  // ---- bells -----------------------------------------------------------------------------------

  /// What processes sleep on.
  enum Bell {
    /// A flush with an even number has ended.
    EVEN(4352),
    /// A flush with an odd number has ended.
    ODD(4480),
    /// An append byte is free.
    APPENDED(4416);

    private final int at;

    Bell(int at) {
      this.at = at;
    }
  }

  long rings(Bell bell) {
    return Words.get(memory, bell.at);
  }

  void ring(Bell bell) {
    Words.add(memory, bell.at, 1);
  }

  /// How many sleep; those that were killed asleep are counted for ever, which costs a needless
  /// ring each time.
  long sleepers(Bell bell) {
    return Words.get(memory, bell.at + SLEEPERS);
  }

  void sleep(Bell bell, int more) {
    Words.add(memory, bell.at + SLEEPERS, more);
  }

  /// Where the bell's lower half lies in this process's memory, for the kernel.
  long address(Bell bell) {
    return MemorySegment.ofBuffer(memory).address() + bell.at;
  }

  // ---- slots ------------------------------------------------------------------------------------

  /// How many flushes were announced so far.
  long epoch() {
    return Words.get(memory, EPOCH);
  }

  /// How many slots are or were used: all others are empty.
  int used() {
    return Math.clamp(Words.get(memory, USED), 0, SLOTS);
  }

  /// Makes a slot one that is used.
  void use(int slot, long pid) {
    Words.set(memory, at(slot) + PID, pid);
    for (; ; ) {
      long used = Words.get(memory, USED);
      if (used > slot || Words.swap(memory, USED, used, slot + 1)) {
        return;
      }
    }
  }

  /// Says that this slot's process flushes up to a place, before it does.
  void announce(int slot, long upTo) {
    Words.set(memory, at(slot) + FLUSH_EPOCH, Long.MAX_VALUE);
    Words.set(memory, at(slot) + FLUSHING, upTo);
    Words.set(memory, at(slot) + FLUSH_EPOCH, Words.add(memory, EPOCH, 1) + 1);
  }

  /// Says that it is done, and [raised][#raise] or [poisoned][#poison].
  void done(int slot) {
    Words.set(memory, at(slot) + FLUSHING, 0);
  }

  /// The place up to which a slot's process flushes, or did when it died; 0 for none.
  long flushing(int slot) {
    return Words.get(memory, at(slot) + FLUSHING);
  }

  long flushEpoch(int slot) {
    return Words.get(memory, at(slot) + FLUSH_EPOCH);
  }

  private static int at(int slot) {
    return FIRST_SLOT + slot * SLOT_BYTES;
  }
}
