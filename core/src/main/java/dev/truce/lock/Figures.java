package dev.truce.lock;

import dev.truce.Owner;
import dev.truce.lock.LockState.Counters;
import dev.truce.lock.LockStatistics.End;
import dev.truce.lock.LockStatistics.Operation;
import dev.truce.lock.NamedLock.Mode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What was measured of one lock, beside the counters that its own cell has: in memory what this
/// process has not added yet, in the cell `stat/NAME` what all of them have.
///
/// ```
///   format | when it was reset, 0 for never | five counters as they stood then
///   | number of ends | how often each
///   | the waits | the holds                                     (see Histogram)
///   | number of owners | each: name | host | pid
///   | number of operations | each: end and mode | milliseconds | owner | token | waited | held
///     | for how many it stands
/// ```
///
/// All numbers as [Varints]; a duration that is not known is 0, any other one more than it is. A
/// moment is the distance from the one before.
///
/// Not for several threads at once.
final class Figures {
  private static final int FORMAT = 1;

  /// The cell is kept to this; when owners have long names, fewer operations are kept.
  static final int MOST_BYTES = 8_192;

  /// The year 10000: no moment comes later.
  private static final long LATEST = 253_402_300_800_000L;

  /// Their places here are part of the format: a new one comes last.
  private static final List<End> ENDS =
      List.of(
          End.RELEASED,
          End.DIED,
          End.EXPIRED,
          End.REVOKED,
          End.LEASED,
          End.TIMED_OUT,
          End.REFUSED,
          End.DEADLOCK,
          End.CANCELLED,
          End.FAILED);

  private final EnumMap<End, Long> ends = new EnumMap<>(End.class);
  private final Histogram waits = new Histogram();
  private final Histogram holds = new Histogram();
  private final List<Operation> last = new ArrayList<>();
  private Reset reset = Reset.NEVER;

  /// When somebody set everything to zero, and what the exact counters were to be diminished by
  /// from then on.
  record Reset(long millis, Counters base) {
    static final Reset NEVER = new Reset(0, Counters.ZERO);

    Optional<Instant> at() {
      return millis == 0 ? Optional.empty() : Optional.of(Instant.ofEpochMilli(millis));
    }
  }

  static Figures reset(Reset reset) {
    Figures fresh = new Figures();
    fresh.reset = reset;
    return fresh;
  }

  Reset reset() {
    return reset;
  }

  Map<End, Long> ends() {
    return Map.copyOf(ends);
  }

  Histogram waits() {
    return waits;
  }

  Histogram holds() {
    return holds;
  }

  List<Operation> last() {
    return List.copyOf(last);
  }

  boolean isEmpty() {
    return ends.isEmpty();
  }

  void add(Operation one) {
    long times = one.times();
    ends.merge(one.end(), times, Long::sum);
    if (one.token() != 0) {
      one.waited().ifPresent(waited -> waits.add(waited.toNanos(), times));
    }
    one.held().ifPresent(held -> holds.add(held.toNanos(), times));
    if (last.size() == LockStatistics.LAST) {
      last.removeFirst();
    }
    last.add(one);
  }

  void add(Figures other) {
    other.ends.forEach((end, times) -> ends.merge(end, times, Long::sum));
    waits.add(other.waits);
    holds.add(other.holds);
    last.addAll(other.last);
    last.sort(Comparator.comparing(Operation::at));
    keep(LockStatistics.LAST);
  }

  private void keep(int most) {
    last.subList(0, Math.max(0, last.size() - most)).clear();
  }

  // ---- as bytes

  /// At most so many bytes; what does not fit is the oldest of the operations.
  byte[] write(int most) {
    byte[] bytes = write();
    while (bytes.length > most && !last.isEmpty()) {
      keep(last.size() / 2);
      bytes = write();
    }
    return bytes;
  }

  private byte[] write() {
    Varints.Writer out = new Varints.Writer().number(FORMAT).number(reset.millis());
    Counters base = reset.base();
    out.number(base.granted()).number(base.released()).number(base.lost());
    out.number(base.queued()).number(base.left());
    out.number(ENDS.size());
    for (End end : ENDS) {
      out.number(ends.getOrDefault(end, 0L));
    }
    waits.write(out);
    holds.write(out);
    writeLast(out);
    return out.bytes();
  }

  private void writeLast(Varints.Writer out) {
    Map<Owner, Integer> owners = new LinkedHashMap<>();
    last.forEach(one -> owners.putIfAbsent(one.owner(), owners.size()));
    out.number(owners.size());
    owners.keySet().forEach(owner -> out.text(owner.name()).text(owner.host()).number(owner.pid()));
    out.number(last.size());
    long before = 0;
    for (Operation one : last) {
      long millis = one.at().toEpochMilli();
      out.number(ENDS.indexOf(one.end()) * 2L + (one.mode() == Mode.READ ? 1 : 0));
      out.number(millis - before).number(owners.getOrDefault(one.owner(), 0));
      out.number(one.token()).number(plusOne(one.waited())).number(plusOne(one.held()));
      out.number(one.times());
      before = millis;
    }
  }

  /// Whether a newer release wrote them, which knows better what to add to them.
  static boolean isNewer(byte[] bytes) {
    return bytes.length > 0 && bytes[0] > FORMAT;
  }

  /// Those of an absent cell, or of one that this release cannot read, are empty: nothing depends
  /// on them.
  static Figures read(byte[] bytes) {
    if (bytes.length == 0) {
      return new Figures();
    }
    try {
      return read(new Varints.Reader(bytes));
    } catch (Varints.Unreadable damaged) {
      Log.LOG.log(System.Logger.Level.DEBUG, "the figures of a lock begin anew", damaged);
      return new Figures();
    }
  }

  private static Figures read(Varints.Reader in) {
    if (in.number() != FORMAT) {
      throw new Varints.Unreadable();
    }
    Figures read = new Figures();
    long millis = in.number();
    read.reset =
        new Reset(
            millis, new Counters(in.number(), in.number(), in.number(), in.number(), in.number()));
    int known = in.count(ENDS.size());
    for (int i = 0; i < known; i++) {
      long times = in.number();
      if (times != 0) {
        read.ends.put(ENDS.get(i), times);
      }
    }
    read.waits.add(Histogram.read(in));
    read.holds.add(Histogram.read(in));
    read.readLast(in);
    return read;
  }

  private void readLast(Varints.Reader in) {
    List<Owner> owners = new ArrayList<>();
    for (int left = in.count(LockStatistics.LAST); left > 0; left--) {
      owners.add(new Owner(in.text(), in.text(), in.number()));
    }
    long millis = 0;
    for (int left = in.count(LockStatistics.LAST); left > 0; left--) {
      int kind = in.count(2 * ENDS.size() - 1);
      millis += in.upTo(LATEST - millis);
      last.add(
          new Operation(
              Instant.ofEpochMilli(millis),
              ENDS.get(kind / 2),
              kind % 2 == 1 ? Mode.READ : Mode.WRITE,
              owners.get(in.count(owners.size() - 1)),
              in.number(),
              minusOne(in.number()),
              minusOne(in.number()),
              in.number()));
    }
  }

  private static long plusOne(Optional<Duration> duration) {
    return duration.isEmpty() ? 0 : duration.get().toNanos() + 1;
  }

  private static Optional<Duration> minusOne(long nanos) {
    return nanos == 0 ? Optional.empty() : Optional.of(Duration.ofNanos(nanos - 1));
  }
}
