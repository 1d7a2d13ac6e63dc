package dev.truce.lock;

import dev.truce.lock.NamedLock.Mode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Everything there is to know about one lock: what its cell holds.
///
/// Immutable. Absent cells are [#IDLE]. A [Hold] keeps others out; a [Wait] stands in the queue,
/// and while it is [offered][Wait#offered] it keeps others out like a hold.
///
/// ```
///   acquire            accept               release
///  ---------> Wait ---------------> Hold ---------------> gone
///     |         ^ |                  | ^                    ^
///     |    lapse| |cancel            | |upgrade, downgrade  | fenced
///     |         | v                  v |                    |
///     |        offered --> gone     upgrading   Hold(ENDING) <--- expire, bury, revoke
///     `----------------------------> Hold
/// ```
///
/// @param limit how many write grants may stand side by side: 1 for a lock, more for permits
/// @param token the highest token this lock ever gave since the name was last forgotten
/// @param arrival the last arrival number
/// @param holds in the order of their grants
/// @param queue in the order of arrival
record LockState(
    int limit, long token, long arrival, List<Hold> holds, List<Wait> queue, Counters counters) {
  static final LockState IDLE = new LockState(1, 0, 0, List.of(), List.of(), Counters.ZERO);

  /// Which claim: what one acquire of one member asked for. Nothing re-enters by accident, because
  /// every acquire makes a new one.
  ///
  /// @param member the member that claims, 0 for a detached claim that nobody's death ends
  /// @param number unique within the member
  record Claim(long member, long number) {
    static final Claim NONE = new Claim(0, 0);
  }

  /// What stands granted. The readers of one member share a hold and have a token each.
  ///
  /// @param token the newest token of those that stand
  /// @param earlier its other tokens, all lower, in rising order: those of the other readers, or,
  ///   of an upgraded grant that was given out, the one it had as a reader
  /// @param count how many grants of its member share it
  /// @param command the number of its member's last command that touched it
  /// @param since when it was granted
  /// @param until when anybody may end it, 0 for never; of an ending one until when nobody else is
  ///   granted though it was given back, 0 for no longer than it takes to put that down
  /// @param parent the grant that this one is a branch of, or [Claim#NONE]
  /// @param exported whether a journal goes by one of its tokens, so that the end must be fenced
  /// @param reason what for; of a detached grant [Terms], of an ending one [how it ended][Ended]
  record Hold(
      Claim claim,
      Mode mode,
      Phase phase,
      long token,
      List<Long> earlier,
      int count,
      long command,
      long since,
      long until,
      Claim parent,
      boolean exported,
      String reason) {
    /// Whether it has ended, no journal goes by it, and that is still to be put down.
    boolean unwritten() {
      return phase == Phase.ENDING && !exported;
    }

    /// Whether this is one of its tokens.
    boolean has(long wanted) {
      return token == wanted || (!earlier.isEmpty() && earlier.contains(wanted));
    }

    /// All its tokens in rising order.
    List<Long> tokens() {
      List<Long> all = new ArrayList<>(earlier);
      all.add(token);
      return all;
    }

    /// With `more` grants, whose tokens begin at `first`.
    Hold joined(long first, int more, long newCommand) {
      List<Long> all = tokens();
      for (int i = 0; i < more; i++) {
        all.add(first + i);
      }
      return with(claim, all, count + more, newCommand);
    }

    /// Without the grant that has this token, one of several.
    Hold without(long gone, long newCommand) {
      List<Long> rest = tokens();
      rest.remove(gone);
      return with(claim, rest, count - 1, newCommand);
    }

    /// The grant that has this token, on its own.
    Hold only(long wanted, Claim newClaim, long newCommand) {
      return with(newClaim, List.of(wanted), 1, newCommand);
    }

    /// What is left of it when it has ended: tokens whose end is to be put down.
    ///
    /// @param kept until when nobody else is granted, 0 for no longer
    Hold ending(List<Long> rest, long newCommand, Ended how, long kept) {
      Hold left = with(claim, rest, count, newCommand).in(Phase.ENDING, newCommand);
      return left.endingAt(kept, newCommand).saying(how.write(reason));
    }

    /// The same grant without a member, for a term.
    Hold detached(Claim newClaim, long newUntil, String newReason, long newCommand) {
      return with(newClaim, tokens(), count, newCommand)
          .endingAt(newUntil, newCommand)
          .exportedBy(newCommand)
          .saying(newReason);
    }

    Hold saying(String newReason) {
      return new Hold(
          claim, mode, phase, token, earlier, count, command, since, until, parent, exported,
          newReason);
    }

    /// Under another parent, as its own token's last carrier if it has to be fenced.
    Hold under(Claim newParent, boolean fence) {
      return new Hold(
          claim,
          mode,
          phase,
          token,
          earlier,
          count,
          command,
          since,
          until,
          newParent,
          exported || fence,
          reason);
    }

    private Hold with(Claim newClaim, List<Long> rising, int newCount, long newCommand) {
      int last = rising.size() - 1;
      return new Hold(
          newClaim,
          mode,
          phase,
          rising.get(last),
          List.copyOf(rising.subList(0, last)),
          newCount,
          newCommand,
          since,
          until,
          parent,
          exported,
          reason);
    }

    Hold in(Phase newPhase, long newCommand) {
      return new Hold(
          claim,
          mode,
          newPhase,
          token,
          earlier,
          count,
          newCommand,
          since,
          until,
          parent,
          exported,
          reason);
    }

    /// In the other mode, with its old token or a new one. A token that was given out stays with it
    /// until its end, to be fenced then.
    Hold as(Mode newMode, long newToken, long newCommand) {
      List<Long> known = newToken == token ? earlier : exported ? tokens() : List.of();
      return new Hold(
          claim,
          newMode,
          Phase.HELD,
          newToken,
          List.copyOf(known),
          count,
          newCommand,
          since,
          until,
          parent,
          exported,
          reason);
    }

    Hold endingAt(long newUntil, long newCommand) {
      return new Hold(
          claim,
          mode,
          phase,
          token,
          earlier,
          count,
          newCommand,
          since,
          newUntil,
          parent,
          exported,
          reason);
    }

    Hold exportedBy(long newCommand) {
      return new Hold(
          claim,
          mode,
          phase,
          token,
          earlier,
          count,
          newCommand,
          since,
          until,
          parent,
          true,
          reason);
    }
  }

  /// Where a hold stands.
  enum Phase {
    /// Its holder may act.
    HELD,
    /// A reader that waits for the other readers to leave, and then writes.
    UPGRADING,
    /// It has ended, and that is to be put down for good. Until then nothing else is granted if a
    /// journal goes by its token.
    ENDING
  }

  /// What stands in the queue: a run of waiters of one member that arrived one after the other with
  /// nobody between them.
  ///
  /// @param arrival its place
  /// @param priority lower goes first
  /// @param overtaken how often somebody who came later went before it
  /// @param count how many waiters the run stands for
  /// @param offered until when the lock is kept for it, 0 when it is not
  /// @param absent it let an offer lapse and has not shown life since
  /// @param late it let an offer lapse at some time
  /// @param until when a ticket ends, 0 for never
  /// @param reason what for; of a ticket the [Terms] of the lease it is to become
  record Wait(
      Claim claim,
      Mode mode,
      long arrival,
      int priority,
      int overtaken,
      int count,
      long command,
      long since,
      long offered,
      boolean absent,
      boolean late,
      long until,
      Claim parent,
      String reason) {
    boolean present() {
      return !absent;
    }

    Wait offeredUntil(long deadline) {
      return new Wait(
          claim, mode, arrival, priority, overtaken, count, command, since, deadline, absent, late,
          until, parent, reason);
    }

    Wait lapsed() {
      return new Wait(
          claim, mode, arrival, priority, overtaken, count, command, since, 0, true, true, until,
          parent, reason);
    }

    Wait seen() {
      return new Wait(
          claim, mode, arrival, priority, overtaken, count, command, since, offered, false, late,
          until, parent, reason);
    }

    Wait passed() {
      return new Wait(
          claim,
          mode,
          arrival,
          priority,
          overtaken + 1,
          count,
          command,
          since,
          offered,
          absent,
          late,
          until,
          parent,
          reason);
    }

    Wait counted(int newCount, long newCommand) {
      return new Wait(
          claim,
          mode,
          arrival,
          priority,
          overtaken,
          newCount,
          newCommand,
          since,
          offered,
          absent,
          late,
          until,
          parent,
          reason);
    }

    Wait under(Claim newParent) {
      return new Wait(
          claim, mode, arrival, priority, overtaken, count, command, since, offered, absent, late,
          until, newParent, reason);
    }

    /// As a ticket, for which an offer stands as long as it stood.
    Wait left(Claim ticket, long newUntil, String newReason) {
      return new Wait(
          ticket, mode, arrival, priority, overtaken, count, command, since, offered, absent, late,
          newUntil, parent, newReason);
    }

    Wait lasting(long newUntil) {
      return left(claim, newUntil, reason);
    }

    Wait saying(String newReason) {
      return left(claim, until, newReason);
    }
  }

  /// What was counted, exactly: each moves in the same swap as the thing it counts.
  ///
  /// @param granted grants that began
  /// @param released grants that their holder gave back
  /// @param lost grants that ended in any other way
  /// @param queued waiters that had to stand in the queue
  /// @param left waiters that went without a grant: timed out, cancelled, in a ring, dead
  record Counters(long granted, long released, long lost, long queued, long left) {
    static final Counters ZERO = new Counters(0, 0, 0, 0, 0);

    Counters plus(long g, long r, long l, long q, long w) {
      return new Counters(granted + g, released + r, lost + l, queued + q, left + w);
    }
  }

  /// The place in the queue that this claim has, `null` for none.
  @Nullable Wait waitOf(Claim claim) {
    for (Wait wait : queue) {
      if (wait.claim().equals(claim)) {
        return wait;
      }
    }
    return null;
  }

  /// Whether a grant of this claim stands.
  boolean stands(Claim claim) {
    if (claim.equals(Claim.NONE)) {
      return false;
    }
    for (Hold hold : holds) {
      if (hold.claim().equals(claim) && hold.phase() != Phase.ENDING) {
        return true;
      }
    }
    return false;
  }

  boolean idle() {
    return holds.isEmpty() && queue.isEmpty();
  }

  byte[] encode() {
    return LockCodec.encode(this);
  }

  /// @throws dev.truce.EngineException if the bytes were not written by a release this one reads
  static LockState decode(byte[] bytes) {
    return LockCodec.decode(bytes);
  }
}
