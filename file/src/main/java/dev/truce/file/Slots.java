package dev.truce.file;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.UUID;

/// The file `members`: a slot for each member, with what others need to know of it.
///
/// ```
///    0  page "TRUCEME1": root 16 | boot 64
/// 4096  1024 slots of 1024 bytes:
///         0  generation   the member's number without its slot, checked; 0 for nobody
///         8  pid          for messages
///        16  length       of the description
///        64  bell         how often the member was asked to look
///        72  ear          0 nobody listens, 1 awake, 2 asleep in the kernel
///        80  voice        1 if its process can wake who sleeps in the kernel
///       128  description  512
/// ```
///
/// Only who holds the slot's byte in [Locks] writes to the slot, except that anybody rings the bell
/// and that anybody who has proved its member dead clears the generation. The generation is cleared
/// before and published after the rest is written, so a description that was read while the
/// generation stood still is whole.
final class Slots {
  static final int COUNT = 1024;
  static final int SLOT_BITS = 10;
  static final int DESCRIPTION_BYTES = 512;

  static final int DEAF = 0;
  static final int AWAKE = 1;
  static final int ASLEEP = 2;

  private static final String MAGIC = "TRUCEME1";
  private static final int SLOT_BYTES = 1024;
  static final long BYTES = Page.BYTES + (long) COUNT * SLOT_BYTES;
  private static final int PID = 8;
  private static final int LENGTH = 16;
  private static final int BELL = 64;
  private static final int EAR = 72;
  private static final int VOICE = 80;
  private static final int DESCRIPTION = 128;

  private final ByteBuffer memory;

  private Slots(ByteBuffer memory) {
    this.memory = memory;
  }

  static Path fresh(Directory directory, UUID root, String boot) {
    return directory.temporary(directory.members(), page(root, boot), BYTES);
  }

  private static byte[] page(UUID root, String boot) {
    return Page.seal(
        MAGIC,
        Checked.of(0),
        body -> {
          Page.put(body, root);
          Identity.putText(body, boot);
        });
  }

  /// What a file of members is worth to who is alone in the root.
  enum State {
    /// It can be used.
    SOUND,
    /// It tells of another boot.
    PAST,
    /// It is damaged or missing.
    UNSOUND
  }

  /// Looks at the file, and empties all slots if it is sound: their members are dead.
  static State reset(Directory directory, UUID root, String boot) {
    Path file = directory.members();
    byte[] page = directory.head(file, Page.BYTES);
    ByteBuffer body = page == null ? null : Page.open(file, MAGIC, page);
    if (page == null || body == null || directory.attributes(file).size() != BYTES) {
      return State.UNSOUND;
    }
    if (!Arrays.equals(page, page(root, boot))) {
      body.position(body.position() + Long.BYTES + Long.BYTES);
      return Identity.text(body).equals(boot) ? State.UNSOUND : State.PAST;
    }
    return map(directory).empty() ? State.SOUND : State.UNSOUND;
  }

  private boolean empty() {
    boolean sound = true;
    for (int slot = 0; slot < COUNT; slot++) {
      long word = memory.getLong(at(slot));
      sound &= word == 0 || Checked.valid(word);
      if (word != 0) {
        clear(slot);
      }
    }
    return sound;
  }

  static Slots map(Directory directory) {
    return new Slots(directory.map(directory.members(), BYTES).order(ByteOrder.LITTLE_ENDIAN));
  }

  static long member(int slot, long generation) {
    return generation << SLOT_BITS | slot;
  }

  static int slot(long member) {
    return (int) (member & (COUNT - 1));
  }

  static long generation(long member) {
    return member >>> SLOT_BITS;
  }

  /// The generation in the slot, 0 for none. A word that fails its check is nobody's.
  long generation(int slot) {
    long word = Words.get(memory, at(slot));
    return Checked.valid(word) ? Checked.value(word) : 0;
  }

  /// Whether what stands there was written by nobody.
  boolean isDamaged(int slot) {
    long word = Words.get(memory, at(slot));
    return word != 0 && !Checked.valid(word);
  }

  boolean isFree(int slot) {
    return Words.get(memory, at(slot)) == 0;
  }

  /// Empties the slot, whatever is in it: for its owner.
  void clear(int slot) {
    Words.set(memory, at(slot), 0);
  }

  /// Empties the slot of a member that is dead, unless it is somebody else's by now.
  void sweep(int slot, long generation) {
    Words.swap(memory, at(slot), Checked.of(generation), 0);
  }

  /// Says of a member what others may read; it cannot be seen yet.
  void describe(int slot, long pid, byte[] description) {
    Words.set(memory, at(slot) + PID, pid);
    Words.set(memory, at(slot) + LENGTH, description.length);
    Words.set(memory, at(slot) + EAR, DEAF);
    Words.set(memory, at(slot) + VOICE, 0);
    memory.put(at(slot) + DESCRIPTION, description);
  }

  void publish(int slot, long generation) {
    Words.set(memory, at(slot), Checked.of(generation));
  }

  Optional<byte[]> description(int slot, long generation) {
    if (generation(slot) != generation) {
      return Optional.empty();
    }
    int length = (int) Words.get(memory, at(slot) + LENGTH);
    byte[] description = new byte[Math.clamp(length, 0, DESCRIPTION_BYTES)];
    memory.get(at(slot) + DESCRIPTION, description);
    java.lang.invoke.VarHandle.loadLoadFence();
    return generation(slot) == generation ? Optional.of(description) : Optional.empty();
  }

  long pid(int slot) {
    return Words.get(memory, at(slot) + PID);
  }

  // ---- bells ------------------------------------------------------------------------------------

  long bell(int slot) {
    return Words.get(memory, at(slot) + BELL);
  }

  /// Rings, and answers how the member listens. Who falls asleep says so first and looks at the
  /// bell once more, so that either it sees this ring or we see that it sleeps.
  int ring(int slot) {
    Words.add(memory, at(slot) + BELL, 1);
    return (int) Words.get(memory, at(slot) + EAR);
  }

  void ear(int slot, int state) {
    Words.set(memory, at(slot) + EAR, state);
  }

  void voice(int slot) {
    Words.set(memory, at(slot) + VOICE, 1);
  }

  /// Whether there is a member that cannot wake a sleeper.
  boolean anyMute() {
    for (int slot = 0; slot < COUNT; slot++) {
      if (Words.get(memory, at(slot)) != 0 && Words.get(memory, at(slot) + VOICE) == 0) {
        return true;
      }
    }
    return false;
  }

  /// Where the bell's lower half lies in this process's memory, for the kernel.
  long bellAddress(int slot) {
    return java.lang.foreign.MemorySegment.ofBuffer(memory).address() + at(slot) + BELL;
  }

  private static int at(int slot) {
    return Page.BYTES + slot * SLOT_BYTES;
  }
}
