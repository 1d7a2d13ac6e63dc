package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import dev.truce.spi.Members;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/// Members by the kernel's word: alive is who holds the lock of its slot.
///
/// A member's number is its generation and its slot. The generation is drawn like a token, so no
/// member is ever called like another, after a reboot or a rebuild either. It is published only
/// while the slot's lock is held, and that lock is held as long as the member lives. So:
///
/// * another generation, or none, in the slot: the member is gone;
/// * the lock is free: the member is gone, whatever the slot still says;
/// * the lock is held while the slot shows the member: it lives, or somebody is this instant taking
///   the slot of a dead one, which shows as soon as the slot is cleared. "Alive" is never final.
///
/// No pid is compared, so neither reused pids nor pid namespaces matter. A member that is stopped
/// is alive; nothing here depends on it.
final class FileMembers implements Members {
  private final Root root;
  private final List<FileMembership> own = new ArrayList<>();
  private volatile boolean closed;

  FileMembers(Root root) {
    this.root = root;
  }

  @Override
  public Membership join(byte[] description) {
    if (description.length > Slots.DESCRIPTION_BYTES) {
      throw new IllegalArgumentException(
          "a description of "
              + description.length
              + " bytes, at most "
              + Slots.DESCRIPTION_BYTES
              + " are allowed");
    }
    synchronized (own) {
      refuseClosed();
      FileMembership membership = new FileMembership(root, take(description));
      own.add(membership);
      return membership;
    }
  }

  /// Takes a free slot, else one whose member is dead and was not swept.
  private long take(byte[] description) {
    int start = (int) (ProcessHandle.current().pid() * 31 + System.nanoTime() / 1024);
    for (boolean dead : new boolean[] {false, true}) {
      for (int i = 0; i < Slots.COUNT; i++) {
        int slot = (start + i) & (Slots.COUNT - 1);
        if ((dead || root.slots().isFree(slot)) && root.locks().trySlot(slot)) {
          return publish(slot, description);
        }
      }
    }
    throw new EngineException(
        Kind.UNREACHABLE,
        root.directory().members()
            + ": all "
            + Slots.COUNT
            + " members are alive; close handles that are not needed");
  }

  private long publish(int slot, byte[] description) {
    Slots slots = root.slots();
    try {
      Yield.at(Yield.JOIN_LOCKED);
      slots.clear(slot);
      long generation = root.tokens().draw(1);
      slots.describe(slot, ProcessHandle.current().pid(), description);
      Yield.at(Yield.JOIN_DESCRIBED);
      slots.publish(slot, generation);
      Yield.at(Yield.JOIN_PUBLISHED);
      return Slots.member(slot, generation);
    } catch (RuntimeException | Error e) {
      root.locks().releaseSlot(slot);
      throw e;
    }
  }

  @Override
  public Standing standing(long member) {
    return guarded(() -> probe(member));
  }

  private Standing probe(long member) {
    int slot = Slots.slot(member);
    if (member > 0 && root.slots().isDamaged(slot) && root.locks().slotHeld(slot)) {
      // Nobody can tell whose it was, so it may be this member's, which lives.
      return new Standing.Alive("its slot is damaged, and a process lock is held there");
    }
    if (!isPublished(member)) {
      return new Standing.Dead("it has left");
    }
    if (root.locks().slotHeld(slot)) {
      return isPublished(member)
          ? new Standing.Alive("its process lock is held")
          : new Standing.Dead("it has left");
    }
    return new Standing.Dead("its process lock is free");
  }

  private boolean isPublished(long member) {
    return member > 0 && root.slots().generation(Slots.slot(member)) == Slots.generation(member);
  }

  @Override
  public Optional<byte[]> description(long member) {
    return guarded(() ->
        member > 0
            ? root.slots().description(Slots.slot(member), Slots.generation(member))
            : Optional.empty());
  }

  @Override
  public List<Long> list() {
    return guarded(() -> {
      List<Long> members = new ArrayList<>();
      for (int slot = 0; slot < Slots.COUNT; slot++) {
        long generation = root.slots().generation(slot);
        if (generation != 0) {
          members.add(Slots.member(slot, generation));
        }
      }
      return members;
    });
  }

  /// The kernel has ended who is dead; this makes its slot free for another.
  @Override
  public boolean end(long member) {
    return guarded(() -> {
      if (!(probe(member) instanceof Standing.Dead)) {
        return false;
      }
      if (member > 0) {
        root.slots().sweep(Slots.slot(member), Slots.generation(member));
      }
      return true;
    });
  }

  @Override
  public void wake(long member) {
    guarded(() -> {
      if (isPublished(member)) {
        Bell.ring(root, member);
      }
      return null;
    });
  }

  /// Ends the memberships of this handle.
  void close() {
    synchronized (own) {
      closed = true;
      own.forEach(FileMembership::close);
      own.clear();
    }
  }

  /// What is answered was so while this handle was open.
  private <T> T guarded(Supplier<T> work) {
    refuseClosed();
    T answer = root.guarded(work);
    refuseClosed();
    return answer;
  }

  private void refuseClosed() {
    if (closed) {
      throw Faults.closed(root.directory().path());
    }
  }
}
