package dev.truce.store;

import dev.truce.Durability;
import dev.truce.Fence;
import dev.truce.Owner;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/// A commit that landed.
///
/// @param revision where; of a body that wrote nothing, what it read
/// @param durability what it survives
/// @param id by which it may be repeated
/// @param writer whose it is
/// @param at when, by the writer's clock: for people, nothing is decided by it
/// @param changed how many keys it wrote
/// @param resolved how many of them a resolver settled
/// @param repeated whether it had landed before this call, under the same id
public record Commit(
    long revision,
    Durability durability,
    UUID id,
    Optional<Fence> fence,
    Owner writer,
    Instant at,
    int changed,
    int resolved,
    boolean repeated) {
  /// The same, so safe.
  Commit reaching(Durability reached) {
    return new Commit(revision, reached, id, fence, writer, at, changed, resolved, repeated);
  }
}
