package dev.truce.spi;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// Who takes part in a root, and who of them is still there.
///
/// A member is a positive number that is never given twice. It stands for one opened handle: two
/// handles of one process are two members. What a pid says is for messages only.
public interface Members {
  /// Takes part. What the member says of itself is at most 512 bytes, for others to
  /// [read][#description].
  ///
  /// @throws dev.truce.EngineException if nobody more can take part, or the engine cannot be
  ///   reached
  Membership join(byte[] description);

  /// What is known of a member now. The answers [Standing.Dead] and "not listed" are final.
  Standing standing(long member);

  /// What a living member said of itself at joining.
  Optional<byte[]> description(long member);

  /// The members that have not left, in no order, dead ones that nobody has swept included.
  List<Long> list();

  /// Ends a silent member: by a swap against the very heartbeat that was seen silent. True when the
  /// member is dead from now on, whoever ended it; its renewals fail from then on. Answers false,
  /// and changes nothing, for a member that showed life meanwhile or whose lease is not over.
  boolean end(long member);

  /// Asks a member to look at its cells again. A hint: late, lost or spurious, and never what
  /// correctness rests on.
  void wake(long member);

  /// One's own part, held until closed or until the process dies.
  interface Membership extends AutoCloseable {
    long member();

    /// Whether nobody can have ended this member yet. Where the engine proves deaths this is true
    /// until [#close()]; elsewhere it turns false one margin before the lease runs out.
    boolean current();

    /// Whether wakes reach this member: off by default, for listening may cost a thread. While on,
    /// `hint` runs on a thread of the engine or of the caller of [Members#wake]; it must not block.
    void listen(boolean on, Runnable hint);

    /// Leaves. Idempotent; what the member still holds is anybody's to end.
    @Override
    void close();
  }

  /// The standing of a member.
  sealed interface Standing {
    /// It is there, by this evidence.
    record Alive(String evidence) implements Standing {}

    /// It is gone for good, by this evidence.
    record Dead(String evidence) implements Standing {}

    /// It has not been heard of for so long, which proves nothing.
    record Silent(Duration since) implements Standing {}
  }

  /// Members that this process keeps alive by renewing, until closed.
  interface Renewed extends Members, AutoCloseable {
    /// Leaves with every membership that was joined through this object. Idempotent.
    @Override
    void close();
  }

  /// Membership kept in cells, for an engine without proof of death: each member renews a heartbeat
  /// within `term`, and whoever saw it unchanged for a whole term may end it.
  ///
  /// One daemon thread renews while there is something to renew. [#wake] reaches only members that
  /// joined through the same object: an engine that can carry a wake further calls it where the
  /// member is.
  ///
  /// @param term for how long a member that is not heard of cannot be ended; at least 500 ms. Each
  ///   member's own is kept with its heartbeat, and counts.
  static Renewed over(Cells cells, Ticker ticker, Duration term) {
    return new CellMembers(cells, ticker, term);
  }
}
