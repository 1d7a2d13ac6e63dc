package dev.truce.testkit;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What the users of an engine tried and what it told them was done, in the order in which it
/// happened: what it must answer for after a crash.
///
/// Entries are values, each tried under one name.
///
/// **Threads.** Of a [SimulatedMachine] one runs at a time, and that is enough.
public final class Account<E> {
  private enum Kind {
    ATTEMPTED,
    ACKNOWLEDGED,
    GONE
  }

  private record Line<E>(E entry, Kind kind) {}

  private final List<Line<E>> lines;
  private long hash;

  /// An account with nothing on it.
  public Account() {
    this(new ArrayList<>(), 0);
  }

  private Account(List<Line<E>> lines, long hash) {
    this.lines = lines;
    this.hash = hash;
  }

  /// The same up to now, going on by itself.
  Account<E> fork() {
    return new Account<>(new ArrayList<>(lines), hash);
  }

  /// Equal for equal accounts.
  long hash() {
    return hash;
  }

  private void add(Line<E> line) {
    lines.add(line);
    hash = Sector.mix(hash, line.entry().hashCode() * 31L + line.kind().name().hashCode());
  }

  /// Says that `entry` is asked for from now on, and may be there whether or not that is ever
  /// acknowledged.
  public void attempt(E entry) {
    add(new Line<>(entry, Kind.ATTEMPTED));
  }

  /// Says that the engine answered for `entry`: it is never lost from now on. A recovery does so
  /// with what it showed as safe.
  public void acknowledge(E entry) {
    add(new Line<>(entry, Kind.ACKNOWLEDGED));
  }

  /// What was tried, in this order.
  public List<E> attempted() {
    return entries(Kind.ATTEMPTED);
  }

  /// What was acknowledged, in this order.
  public List<E> acknowledged() {
    return entries(Kind.ACKNOWLEDGED);
  }

  private List<E> entries(Kind kind) {
    Set<E> entries = new LinkedHashSet<>();
    for (Line<E> line : lines) {
      if (line.kind() == kind) {
        entries.add(line.entry());
      }
    }
    return Collections.unmodifiableList(new ArrayList<>(entries));
  }

  /// Why `found`, a sequence in its order, does not agree with the account; empty if it does.
  ///
  /// Everything acknowledged is there, once; nothing is there that nobody tried, or that a recovery
  /// [missed][#settle]; and what was acknowledged before something else was tried stands before it.
  public Optional<String> refute(List<E> found) {
    Map<E, Integer> tried = firsts(Kind.ATTEMPTED);
    Map<E, Integer> answered = firsts(Kind.ACKNOWLEDGED);
    Map<E, Integer> gone = firsts(Kind.GONE);
    Set<E> seen = new HashSet<>();
    int latest = -1;
    for (E entry : found) {
      if (!tried.containsKey(entry)) {
        return Optional.of("nobody ever tried " + entry + ", which is there: " + found);
      }
      if (gone.containsKey(entry)) {
        return Optional.of(entry + " was gone and is back: " + found);
      }
      if (!seen.add(entry)) {
        return Optional.of(entry + " is there twice: " + found);
      }
      if (answered.getOrDefault(entry, Integer.MAX_VALUE) < latest) {
        return Optional.of(entry + " stands behind what was tried after it was done: " + found);
      }
      latest = Math.max(latest, tried.get(entry));
    }
    return answered.keySet().stream()
        .filter(entry -> !seen.contains(entry))
        .findFirst()
        .map(entry -> entry + " was acknowledged and is lost; there is " + found);
  }

  private Map<E, Integer> firsts(Kind kind) {
    Map<E, Integer> firsts = new HashMap<>();
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).kind() == kind) {
        firsts.putIfAbsent(lines.get(i).entry(), i);
      }
    }
    return firsts;
  }

  /// Holds what was shown as safe to this account, and acknowledges it.
  ///
  /// @throws AssertionError saying what is lost, invented, doubled, back or out of order
  public void check(List<E> found) {
    refute(found)
        .ifPresent(why -> {
          throw new AssertionError(why);
        });
    found.forEach(this::acknowledge);
  }

  /// The same when all who tried are dead: what is not among `found` never comes back.
  ///
  /// @throws AssertionError saying what is lost, invented, doubled, back or out of order
  public void settle(List<E> found) {
    check(found);
    List<E> missing = new ArrayList<>(attempted());
    missing.removeAll(found);
    missing.forEach(entry -> add(new Line<>(entry, Kind.GONE)));
  }

  @Override
  public String toString() {
    return "acknowledged " + acknowledged() + " of " + attempted();
  }
}
