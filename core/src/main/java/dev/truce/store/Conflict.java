package dev.truce.store;

import dev.truce.Owner;
import java.time.Instant;
import java.util.Optional;

/// A key that two commits write: what both began with, and what each made of it. Where a value is
/// empty the key is not there on that side.
///
/// @param base what the key was at the moment that this commit reads, whether it has read it or not
/// @param ours what this commit wants it to be
/// @param theirs what it is now
/// @param baseRevision of `base`, 0 where the key was not there
/// @param theirRevision of `theirs`, 0 where the key is not there
/// @param theirWriter who changed it last; somebody called `nobody` where that is not known any
///   more
/// @param theirsAt when, by their clock; the beginning of 1970 where that is not known any more
public record Conflict<V>(
    String store,
    String key,
    Optional<V> base,
    Optional<V> ours,
    Optional<V> theirs,
    long baseRevision,
    long theirRevision,
    Owner ourWriter,
    Owner theirWriter,
    Instant theirsAt) {}
