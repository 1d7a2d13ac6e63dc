package dev.truce.store;

import dev.truce.Owner;
import java.time.Instant;

/// Who committed something, and when by their clock: for people to read.
record Author(Owner owner, Instant at) {
  static final Author UNKNOWN = new Author(new Owner("nobody", "unknown", 0), Instant.EPOCH);

  /// The author of a commit; unknown where it is not kept any more.
  ///
  /// @param revision 0 for none
  static Author of(Replica replica, long revision) {
    try {
      CommitRecord commit = revision == 0 ? null : replica.commit(revision);
      return commit == null
          ? UNKNOWN
          : new Author(commit.writer(), Instant.ofEpochMilli(commit.millis()));
    } catch (TooOldException letGo) {
      return UNKNOWN;
    }
  }
}
