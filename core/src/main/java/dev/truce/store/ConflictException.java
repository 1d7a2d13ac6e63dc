package dev.truce.store;

import dev.truce.Owner;
import dev.truce.TruceException;
import java.util.List;
import java.util.stream.Collectors;

/// A commit was refused because others have changed what it rests on, and nothing of it was
/// written. Doing the same again does not help: read again, and decide anew.
public final class ConflictException extends TruceException {
  private static final long serialVersionUID = 1L;

  private final transient List<Clash> clashes;

  /// How a change of somebody else is in the way.
  public enum Kind {
    /// A key does not have the revision that was required.
    STALE,
    /// Both write a key.
    WRITE_WRITE,
    /// What was read was changed.
    READ_WRITE
  }

  /// One key.
  ///
  /// @param key empty where the store itself is another one
  /// @param ourBase the revision that was required, or that this commit read
  /// @param theirRevision the key's revision now, 0 where it is not there
  /// @param theirs who changed it; nobody is known where it is not there
  public record Clash(
      String store, String key, Kind kind, long ourBase, long theirRevision, Owner theirs) {
    @Override
    public String toString() {
      return key.isEmpty() ? store + " was made or dropped meanwhile" : changed();
    }

    private String changed() {
      return store
          + ": "
          + key
          + (theirRevision == 0 ? " is not there" : " is at revision " + theirRevision)
          + (kind == Kind.STALE
              ? (ourBase == 0 ? ", and should not be there" : ", not at " + ourBase)
              : ", changed since " + ourBase);
    }
  }

  ConflictException(List<Clash> clashes) {
    super(
        clashes.stream().map(Clash::toString).collect(Collectors.joining("; "))
            + "; nothing was written");
    this.clashes = List.copyOf(clashes);
  }

  /// What is in the way, as far as it was looked at.
  public List<Clash> clashes() {
    return clashes;
  }

  /// The gravest kind.
  public Kind kind() {
    return clashes.stream().map(Clash::kind).min(Kind::compareTo).orElse(Kind.READ_WRITE);
  }
}
