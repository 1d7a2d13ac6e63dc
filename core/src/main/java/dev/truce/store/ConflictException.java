package dev.truce.store;

import dev.truce.Owner;
import dev.truce.TruceException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// A commit was refused because others have changed what it rests on, and nothing of it was
/// written. Doing the same again does not help: read again, and decide anew.
///
/// One that a resolver has [put aside][#parked()] is kept for a person, and nothing of it is
/// written either.
public final class ConflictException extends TruceException {
  private static final long serialVersionUID = 1L;

  /// How many clashes are kept, and how many the message names.
  private static final int KEPT = 64;

  private static final int NAMED = 3;

  private final transient List<Clash> clashes;
  private final int rounds;
  private final @Nullable String parked;

  /// How a change of somebody else is in the way, the gravest first.
  public enum Kind {
    /// A key does not have the revision that was required.
    STALE,
    /// Both write a key.
    WRITE_WRITE,
    /// What was read was changed.
    READ_WRITE
  }

  /// One key, from both sides.
  ///
  /// @param key empty where the store itself is another one
  /// @param ourBase the revision that was required, or that this commit read
  /// @param theirRevision the key's revision now, 0 where it is not there
  /// @param theirs who changed it; somebody called `nobody` where that is not known, as of a key
  ///   that never was there
  /// @param theirsAt when, by their clock; the beginning of 1970 where that is not known
  /// @param ourValue what this commit would have written, empty where it removes it or only reads
  /// @param theirValue what is there now, empty where it is not there
  public record Clash(
      String store,
      String key,
      Kind kind,
      long ourBase,
      long theirRevision,
      Owner ours,
      Owner theirs,
      Instant theirsAt,
      Optional<byte[]> ourValue,
      Optional<byte[]> theirValue) {
    /// `flags: dark-mode is at revision 43 by ci@build-3 (pid 8112), not at 41 as you@ws4 (pid
    /// 9120) requires`.
    @Override
    public String toString() {
      return key.isEmpty() ? replaced() : store + ": " + key + theirSide() + ourSide();
    }

    private String replaced() {
      if (kind != Kind.STALE) {
        return store + " was made, renamed or dropped meanwhile by " + theirs;
      }
      return theirRevision == 0
          ? "there is no store " + store
          : "there is a store " + store + " already, by " + theirs;
    }

    private String theirSide() {
      boolean known = !theirsAt.equals(Instant.EPOCH);
      if (theirRevision == 0) {
        return known ? " was removed by " + theirs : " is not there";
      }
      return " is at revision " + theirRevision + (known ? " by " + theirs : "");
    }

    private String ourSide() {
      if (kind != Kind.STALE) {
        return ", changed since " + ourBase + ", which " + ours + " read";
      }
      return (ourBase == 0 ? ", and should not be there" : ", not at " + ourBase)
          + " as "
          + ours
          + " requires";
    }
  }

  /// @param clashes of which the first few are kept
  /// @param parked the id under which it was put aside
  /// @param next what to do now
  ConflictException(List<Clash> clashes, int rounds, @Nullable String parked, String next) {
    super(named(clashes) + "; nothing was written: " + next);
    this.clashes = List.copyOf(clashes.subList(0, Math.min(clashes.size(), KEPT)));
    this.rounds = rounds;
    this.parked = parked;
  }

  /// @param what is in the way, where that is no key of theirs
  ConflictException(String what, String next) {
    super(what + "; nothing was written: " + next);
    this.clashes = List.of();
    this.rounds = 1;
    this.parked = null;
  }

  private static String named(List<Clash> clashes) {
    String first =
        clashes.stream().limit(NAMED).map(Clash::toString).collect(Collectors.joining("; "));
    int more = clashes.size() - NAMED;
    return more > 0 ? first + "; and " + more + " more" : first;
  }

  /// What is in the way, the first 64 of it.
  public List<Clash> clashes() {
    return clashes;
  }

  /// The gravest kind, [Kind#STALE] where no key is in the way.
  public Kind kind() {
    return clashes.stream().map(Clash::kind).min(Kind::compareTo).orElse(Kind.STALE);
  }

  /// How often it tried to land.
  public int rounds() {
    return rounds;
  }

  /// The id under which it is put aside for a person, if a resolver wanted that.
  public Optional<String> parked() {
    return Optional.ofNullable(parked);
  }
}
