package dev.truce.store;

import dev.truce.Owner;
import java.time.Duration;
import java.util.List;

/// How the stores of a root stand.
///
/// @param stores by name
/// @param revision of the last commit, of whichever store
/// @param durable the last revision that is safe
/// @param floor the oldest revision that can still be had
/// @param checkpointBytes what the checkpoint takes that stands for all up to there
/// @param recordBytes what the commits behind it take, about
/// @param pins older checkpoints that take disk because somebody reads from them, oldest first, as
///   far as those who do have told
public record StoreStatus(
    List<Named> stores,
    long revision,
    long durable,
    long floor,
    long checkpointBytes,
    long recordBytes,
    List<Pin> pins) {
  /// One store.
  ///
  /// @param bytes of its values
  /// @param revision of the newest of its values
  public record Named(String name, long keys, long bytes, long revision) {}

  /// A checkpoint from which snapshots of one handle read.
  ///
  /// @param age since another one has taken its place
  public record Pin(Owner owner, long revision, long bytes, Duration age) {}
}
