package dev.truce.store;

import dev.truce.TruceException;

/// A revision was asked for that is not kept any more. Doing the same again does not help: go on
/// from a [snapshot][Store#snapshot()] of now.
public final class TooOldException extends TruceException {
  private static final long serialVersionUID = 1L;

  private final long floor;

  TooOldException(String place, long revision, long floor) {
    super(
        "revision "
            + revision
            + " of "
            + place
            + " is not kept any more, what is kept begins at "
            + floor
            + ": go on from a snapshot of now");
    this.floor = floor;
  }

  /// What a commit put that has landed.
  TooOldException(Commit commit, TooOldException letGo) {
    super(
        "commit "
            + commit.id()
            + " has landed at revision "
            + commit.revision()
            + ", and what it put is not kept any more",
        letGo);
    this.floor = letGo.floor;
  }

  /// The oldest revision that can still be had, and behind which all commits are kept.
  public long floor() {
    return floor;
  }
}
