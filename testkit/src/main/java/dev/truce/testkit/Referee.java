package dev.truce.testkit;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// Judges holds that different processes report of themselves: whether two of them excluded each
/// other and did not, whether grants followed the order of arrival, whether tokens only rose.
///
/// It believes nothing but the times, taken by the holders on one monotonic clock *inside* what
/// they claim to have held, so that an overlap it finds has happened. Within one host
/// `System.nanoTime()` is such a clock, between processes too.
public final class Referee {
  /// What one holder says of one hold.
  ///
  /// @param token the token of the grant, 0 where there is none
  /// @param arrival the grant's place in the order of arrival, 0 where it has none
  /// @param entered when it held already
  /// @param left when it still held; `entered` where the holder died before it could say
  public record Hold(
      String lock, boolean write, long token, long arrival, long entered, long left) {
    public Hold {
      if (left < entered) {
        throw new IllegalArgumentException("left at " + left + ", before it entered at " + entered);
      }
    }

    private boolean overlaps(Hold other) {
      return entered < other.left && other.entered < left;
    }
  }

  /// What the referee found.
  ///
  /// @param overlaps pairs of holds that stood at one moment and of which one wrote
  /// @param findings one line for each violation, for people
  public record Verdict(
      int overlaps, boolean orderKept, boolean tokensRose, List<String> findings) {
    public boolean clean() {
      return findings.isEmpty();
    }
  }

  private int overlaps;
  private boolean orderKept = true;
  private boolean tokensRose = true;
  private final List<String> findings = new ArrayList<>();

  private Referee() {}

  public static Verdict judge(Collection<Hold> holds) {
    Referee referee = new Referee();
    Map<String, List<Hold>> byLock = holds.stream().collect(Collectors.groupingBy(Hold::lock));
    byLock.values().forEach(referee::judgeLock);
    return new Verdict(
        referee.overlaps, referee.orderKept, referee.tokensRose, List.copyOf(referee.findings));
  }

  private void judgeLock(List<Hold> holds) {
    List<Hold> byTime = holds.stream().sorted(Comparator.comparingLong(Hold::entered)).toList();
    judgeOverlaps(byTime);
    judgeTokens(byTime.stream().filter(hold -> hold.token() != 0).toList());
    judgeReuse(holds.stream().filter(hold -> hold.token() != 0).toList());
    judgeOrder(
        holds.stream()
            .filter(hold -> hold.token() != 0 && hold.arrival() != 0)
            .sorted(Comparator.comparingLong(Hold::token))
            .toList());
  }

  private void judgeOverlaps(List<Hold> byTime) {
    List<Hold> standing = new ArrayList<>();
    for (Hold hold : byTime) {
      standing.removeIf(other -> other.left() <= hold.entered());
      for (Hold other : standing) {
        if ((hold.write() || other.write()) && hold.overlaps(other)) {
          overlaps++;
          findings.add("overlap: " + other + " and " + hold);
        }
      }
      standing.add(hold);
    }
  }

  /// Whoever enters after a writer has a higher token, and a writer has a higher one than all
  /// before.
  private void judgeTokens(List<Hold> byTime) {
    long writers = 0;
    long all = 0;
    for (Hold hold : byTime) {
      if (hold.token() <= (hold.write() ? all : writers)) {
        tokensRose = false;
        findings.add("a token that did not rise: " + hold);
      }
      all = Math.max(all, hold.token());
      writers = hold.write() ? Math.max(writers, hold.token()) : writers;
    }
  }

  /// Every grant has a token of its own, readers that share the lock included.
  private void judgeReuse(List<Hold> holds) {
    Set<Long> given = new HashSet<>();
    for (Hold hold : holds) {
      if (!given.add(hold.token())) {
        tokensRose = false;
        findings.add("a token that was given before: " + hold);
      }
    }
  }

  /// Readers that are granted together take their tokens in any order; a writer stands between
  /// those that arrived before it and those that arrived after.
  private void judgeOrder(List<Hold> byToken) {
    long writers = 0;
    long all = 0;
    for (Hold hold : byToken) {
      if (hold.arrival() < (hold.write() ? all : writers)) {
        orderKept = false;
        findings.add("served after somebody who came later: " + hold);
      }
      all = Math.max(all, hold.arrival());
      writers = hold.write() ? Math.max(writers, hold.arrival()) : writers;
    }
  }

  /// Which of the versions that readers saw nobody ever wrote: half of one and half of another.
  ///
  /// @param written every version that a writer has begun to write, noted before it began, so that
  ///   one that was killed after writing and before reporting is among them
  /// @param seen what readers saw, in a form that tells one version from another: a digest, a
  ///   number
  public static <V> List<V> tornReads(Set<V> written, Collection<V> seen) {
    return seen.stream().filter(version -> !written.contains(version)).toList();
  }
}
