package dev.truce.store;

import dev.truce.Owner;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/// A commit that a resolver has put aside for a person. Nothing of it was written; it is kept whole
/// until somebody decides.
///
/// @param id by which [ConflictException#parked()] called it
/// @param at when it was put aside, by the clock of whoever did
/// @param by whose commit it is
/// @param conflicts those keys that it wants to write and others have changed since it read them,
///   as they are now; of the store that was asked. What it has read or required beside that is not
///   looked at any more: who decides sees all that matters
/// @param others the other keys that it wants to write: what is there is what it has read, and they
///   are written with the rest as it wanted; where there are no conflicts any more, the decision is
///   about these
/// @param decision what became of it, empty while it waits
public record Parked<V>(
    String id,
    Instant at,
    Owner by,
    List<Conflict<V>> conflicts,
    List<Conflict<V>> others,
    Optional<Decision> decision) {
  public Parked {
    conflicts = List.copyOf(conflicts);
    others = List.copyOf(others);
  }

  /// Who decided, when by their clock, and how: `ours`, `theirs`, `base`, `value`, `removed`,
  /// several of them, or `dropped`.
  public record Decision(Owner by, Instant at, String how) {}
}
