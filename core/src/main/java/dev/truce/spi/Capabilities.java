package dev.truce.spi;

import dev.truce.Durability;
import java.time.Duration;

/// What an engine promises beyond the contracts, as data. The conformance kit tests each of these
/// rather than believing it.
///
/// @param clock which time validity and expiry run on
/// @param durability what an acknowledged swap survives
/// @param contention whether racing writers queue inside the engine or lose and try again
/// @param proofOfDeath whether the death of a member is known for certain, and at once
/// @param unknownOutcomes whether a swap can answer [Cells.Swap.Unknown]
/// @param maxCell the largest value of a cell in bytes
/// @param wakeLatency the usual time until a [wake][Members#wake] arrives; `null`-free: zero where
///   it is a matter of microseconds
public record Capabilities(
    Clock clock,
    Durability durability,
    Contention contention,
    boolean proofOfDeath,
    boolean unknownOutcomes,
    int maxCell,
    Duration wakeLatency) {

  /// Where readings of the clock come from.
  public enum Clock {
    /// The host's time since boot, shared by all members.
    BOOT,
    /// A server's wall clock.
    WALL,
    /// None: each observer counts for itself.
    NONE
  }

  /// How racing writers meet.
  public enum Contention {
    /// They wait inside the engine.
    SERIAL,
    /// All but one lose and try again.
    OPTIMISTIC
  }
}
