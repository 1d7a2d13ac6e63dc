package dev.truce.lock;

import dev.truce.Owner;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.NamedLock.Mode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What somebody who holds something waits for: one edge of the wait-for graph, as its member tells
/// everybody.
///
/// ```
///   cell wait/MEMBER   format | number of waits, and of each
///                      id | lock | mode | upgrade | run | priority
///                      | number of tokens, lock and token of each
///                      | number of ancestors, member and number of each
///                      | number of links it was struck for, owner, holds, waits for, mode of each
///   cell verdict       format | member | what it waited for
/// ```
///
/// @param id drawn from the root's counter when the wait began: whoever waits longer has the lower
/// @param member whose it is
/// @param lock what is waited for
/// @param upgrade whether a reader of it waits for the others to leave
/// @param run under which claim of its member it stands in the queue; of an upgrade nothing
/// @param held what the one that waits holds
/// @param ancestors the grants under which its process was started, which count as its own
/// @param struck the ring for which it was chosen to give way, empty while it was not
record Waiting(
    long id,
    long member,
    String lock,
    Mode mode,
    boolean upgrade,
    long run,
    int priority,
    List<Token> held,
    List<Claim> ancestors,
    List<Refusal.Link> struck) {
  static final int FORMAT = 1;

  /// More than any cell has room for.
  private static final int MANY = 1 << 20;

  /// How many of a ring are told: with the longest names they take 15 KiB.
  private static final int TOLD = 16;

  /// One grant.
  record Token(String lock, long token) {}

  Claim claim() {
    return new Claim(member, run);
  }

  boolean holds(String name, Claim claim, long token) {
    return (member == claim.member() && held.contains(new Token(name, token)))
        || ancestors.contains(claim);
  }

  boolean isStruck() {
    return !struck.isEmpty();
  }

  Waiting holding(List<Token> newHeld) {
    return new Waiting(id, member, lock, mode, upgrade, run, priority, newHeld, ancestors, struck);
  }

  /// As a verdict: what it holds is of no matter any more, and of a long ring the beginning is
  /// told.
  Waiting verdict(List<Refusal.Link> ring) {
    List<Refusal.Link> told = ring.size() <= TOLD ? ring : List.copyOf(ring.subList(0, TOLD));
    return new Waiting(id, member, lock, mode, upgrade, run, priority, List.of(), List.of(), told);
  }

  Waiting struckFor(List<Refusal.Link> ring) {
    return new Waiting(id, member, lock, mode, upgrade, run, priority, held, ancestors, ring);
  }

  // ---- bytes

  static byte[] write(List<Waiting> waits) {
    if (waits.isEmpty()) {
      return new byte[0];
    }
    Varints.Writer out = new Varints.Writer().number(FORMAT).number(waits.size());
    waits.forEach(wait -> wait.write(out));
    return out.bytes();
  }

  /// Who gave way last.
  static byte[] writeVerdict(Waiting victim) {
    Varints.Writer out = new Varints.Writer().number(FORMAT).number(victim.member());
    victim.write(out);
    return out.bytes();
  }

  static Optional<Waiting> readVerdict(byte[] bytes) {
    if (bytes.length == 0) {
      return Optional.empty();
    }
    try {
      Varints.Reader in = new Varints.Reader(bytes);
      in.count(FORMAT);
      return Optional.of(read(in.number(), in));
    } catch (Varints.Unreadable strange) {
      return Optional.empty();
    }
  }

  private void write(Varints.Writer out) {
    out.number(id).text(lock).number(code(mode)).number(upgrade ? 1 : 0).number(run);
    out.number(priority - (long) Integer.MIN_VALUE);
    out.number(held.size());
    held.forEach(token -> out.text(token.lock()).number(token.token()));
    out.number(ancestors.size());
    ancestors.forEach(claim -> out.number(claim.member()).number(claim.number()));
    out.number(struck.size());
    struck.forEach(link -> write(link, out));
  }

  private static void write(Refusal.Link link, Varints.Writer out) {
    out.text(link.owner().name()).text(link.owner().host()).number(link.owner().pid());
    out.text(link.holds()).text(link.waitsFor()).number(code(link.mode()));
  }

  /// What a member says it waits for; nothing, where this release cannot read it.
  static List<Waiting> read(long member, byte[] bytes) {
    if (bytes.length == 0) {
      return List.of();
    }
    try {
      Varints.Reader in = new Varints.Reader(bytes);
      in.count(FORMAT);
      int count = in.count(MANY);
      List<Waiting> waits = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        waits.add(read(member, in));
      }
      return List.copyOf(waits);
    } catch (Varints.Unreadable strange) {
      return List.of();
    }
  }

  private static Waiting read(long member, Varints.Reader in) {
    long id = in.number();
    String lock = in.text();
    Mode mode = mode(in);
    boolean upgrade = in.count(1) == 1;
    long run = in.number();
    int priority = (int) (in.upTo(0xffff_ffffL) + Integer.MIN_VALUE);
    List<Token> held = new ArrayList<>();
    for (int left = in.count(MANY); left > 0; left--) {
      held.add(new Token(in.text(), in.number()));
    }
    List<Claim> ancestors = new ArrayList<>();
    for (int left = in.count(MANY); left > 0; left--) {
      ancestors.add(new Claim(in.number(), in.number()));
    }
    List<Refusal.Link> ring = new ArrayList<>();
    for (int left = in.count(MANY); left > 0; left--) {
      ring.add(link(in));
    }
    return new Waiting(
        id,
        member,
        lock,
        mode,
        upgrade,
        run,
        priority,
        List.copyOf(held),
        List.copyOf(ancestors),
        List.copyOf(ring));
  }

  private static Refusal.Link link(Varints.Reader in) {
    Owner owner = new Owner(in.text(), in.text(), in.number());
    return new Refusal.Link(owner, in.text(), in.text(), mode(in));
  }

  private static int code(Mode mode) {
    return mode == Mode.READ ? 0 : 1;
  }

  private static Mode mode(Varints.Reader in) {
    return in.count(1) == 0 ? Mode.READ : Mode.WRITE;
  }
}
