package dev.truce.lock;

import dev.truce.Fence;
import dev.truce.Owner;
import dev.truce.lock.NamedLock.Mode;
import java.util.List;

/// Somebody who holds something and waits for something: one step on the way from a lock to what
/// keeps it from being free.
///
/// @param owner who it says it is
/// @param lock what it waits for
/// @param mode how it wants that
/// @param holds what it holds
/// @param within the ids of the grants under which its process was started, which count as its own
public record LockWait(
    Owner owner, String lock, Mode mode, List<Fence> holds, List<String> within) {

  /// Whether it is this holder of this lock, or goes through what that holds.
  public boolean isOf(String held, LockStatus.Holder holder) {
    return within.contains(holder.id())
        || holds.stream()
            .map(Fence::tokens)
            .anyMatch(
                tokens -> tokens.containsKey(held) && holder.tokens().contains(tokens.get(held)));
  }
}
