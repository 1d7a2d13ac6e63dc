package dev.truce.lock;

import dev.truce.EngineException;
import dev.truce.Owner;
import dev.truce.lock.NamedLock.Mode;
import dev.truce.lock.Traffic.Cause;
import dev.truce.lock.Traffic.Event;
import dev.truce.lock.Traffic.Gap;
import dev.truce.lock.Traffic.Part;
import dev.truce.lock.Traffic.What;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// One record of the journal `traffic`: what one member noted in about a second, or, put down by
/// whoever found it dead, that it told no more.
///
/// ```
///   format | number of the first entry | member | told until | 1 for its last one
///   | number of owners, each: name | host | pid               the first is the member's
///   | number of locks, each: name
///   | number of entries, each: kind | moment | lock, one more, 0 for any | owner
///     and of an event    mode | token | waited | held
///         of a gap       until | how many
/// ```
///
/// All numbers as [Varints]. A moment is nanoseconds since 1970, within the entries the distance
/// from the one before; the end of a gap the distance from its beginning. A duration that is not
/// known is 0, any other one more than it is.
///
/// @param first the number of its first entry: they count from 1, those that were let go of
///   included
/// @param until up to when the member has told everything
/// @param last whether the member has told everything that it ever will
record Batch(long first, long member, Owner owner, Instant until, boolean last, List<Part> parts) {
  /// How many entries it has at most.
  static final int MOST = 256;

  private static final int FORMAT = 1;
  private static final int BILLION = 1_000_000_000;

  /// Their places here are part of the format: a new one comes last.
  private static final List<What> WHATS =
      List.of(
          What.SWITCHED_ON,
          What.SWITCHED_OFF,
          What.WAITING,
          What.GRANTED,
          What.UPGRADED,
          What.DOWNGRADED,
          What.LEASED,
          What.RELEASED,
          What.DIED,
          What.EXPIRED,
          What.REVOKED,
          What.TIMED_OUT,
          What.REFUSED,
          What.DEADLOCK,
          What.CANCELLED,
          What.FAILED);

  /// Kinds of gaps come before those of events, in this order.
  private static final List<Cause> CAUSES = List.of(Cause.KILLED, Cause.DROPPED);

  Batch {
    parts = List.copyOf(parts);
  }

  /// The number of the entry behind it.
  long next() {
    return first + parts.size();
  }

  Batch from(long number) {
    return new Batch(number, member, owner, until, last, parts);
  }

  /// The same in as many as it takes for each to have at most [#MOST] entries and so many bytes.
  /// One that others follow has told what was before their entries.
  List<Batch> split(int mostBytes) {
    if (parts.size() <= 1 || (parts.size() <= MOST && write().length <= mostBytes)) {
      return List.of(this);
    }
    List<Part> some = parts.subList(0, parts.size() / 2);
    List<Part> others = parts.subList(some.size(), parts.size());
    Instant told =
        Stream.concat(others.stream().map(Part::at), Stream.of(until))
            .min(Instant::compareTo)
            .orElse(until);
    List<Batch> all = new ArrayList<>();
    all.addAll(new Batch(first, member, owner, told, false, some).split(mostBytes));
    all.addAll(new Batch(first, member, owner, until, last, others).split(mostBytes));
    return all;
  }

  // ---- as bytes

  byte[] write() {
    Map<Owner, Integer> owners = new LinkedHashMap<>();
    Map<String, Integer> locks = new LinkedHashMap<>();
    owners.put(owner, 0);
    for (Part part : parts) {
      owners.putIfAbsent(ownerOf(part), owners.size());
      lockOf(part).ifPresent(lock -> locks.putIfAbsent(lock, locks.size() + 1));
    }
    Varints.Writer out = new Varints.Writer().number(FORMAT).number(first).number(member);
    out.number(nanos(until)).number(last ? 1 : 0).number(owners.size());
    owners.keySet().forEach(one -> out.text(one.name()).text(one.host()).number(one.pid()));
    out.number(locks.size());
    locks.keySet().forEach(out::text);
    out.number(parts.size());
    long before = 0;
    for (Part part : parts) {
      long at = nanos(part.at());
      out.number(kind(part)).number(at - before);
      out.number(lockOf(part).map(locks::get).orElse(0));
      out.number(owners.getOrDefault(ownerOf(part), 0));
      write(part, out);
      before = at;
    }
    return out.bytes();
  }

  private static void write(Part part, Varints.Writer out) {
    switch (part) {
      case Event event ->
          out.number(event.mode() == Mode.READ ? 1 : 2)
              .number(event.token())
              .number(plusOne(event.waited()))
              .number(plusOne(event.held()));
      case Gap gap -> out.number(nanos(gap.until()) - nanos(gap.at())).number(gap.count());
    }
  }

  private static Owner ownerOf(Part part) {
    return switch (part) {
      case Event event -> event.owner();
      case Gap gap -> gap.owner();
    };
  }

  private static Optional<String> lockOf(Part part) {
    return switch (part) {
      case Event event -> Optional.of(event.lock());
      case Gap gap -> gap.lock();
    };
  }

  private static int kind(Part part) {
    return switch (part) {
      case Event event -> CAUSES.size() + WHATS.indexOf(event.what());
      case Gap gap -> CAUSES.indexOf(gap.cause());
    };
  }

  /// @param position where it stands in the journal, for messages
  static Batch read(long position, byte[] record) {
    try {
      Varints.Reader in = new Varints.Reader(record);
      long format = in.number();
      if (format > FORMAT) {
        throw newer(format);
      }
      return read(format, in);
    } catch (Varints.Unreadable damaged) {
      throw new EngineException(
          EngineException.Kind.DAMAGED,
          "record " + position + " of the locks' traffic holds bytes that no release wrote",
          damaged);
    }
  }

  private static Batch read(long format, Varints.Reader in) {
    if (format != FORMAT) {
      throw new Varints.Unreadable();
    }
    long first = in.upTo(Long.MAX_VALUE);
    long member = in.number();
    Instant until = instant(in.number());
    boolean last = in.count(1) == 1;
    List<Owner> owners = new ArrayList<>();
    for (int left = in.count(MOST + 1); left > 0; left--) {
      owners.add(new Owner(in.text(), in.text(), in.number()));
    }
    if (owners.isEmpty()) {
      throw new Varints.Unreadable();
    }
    List<String> locks = new ArrayList<>();
    for (int left = in.count(MOST); left > 0; left--) {
      locks.add(in.text());
    }
    List<Part> parts = new ArrayList<>();
    long at = 0;
    for (int left = in.count(MOST); left > 0; left--) {
      int kind = in.count(CAUSES.size() + WHATS.size() - 1);
      at += in.number();
      int lock = in.count(locks.size());
      Owner owner = owners.get(in.count(owners.size() - 1));
      Optional<String> name = lock == 0 ? Optional.empty() : Optional.of(locks.get(lock - 1));
      parts.add(
          kind < CAUSES.size()
              ? gap(CAUSES.get(kind), at, name, owner, in)
              : event(WHATS.get(kind - CAUSES.size()), at, name, owner, in));
    }
    return new Batch(first, member, owners.getFirst(), until, last, parts);
  }

  private static Gap gap(
      Cause cause, long at, Optional<String> lock, Owner owner, Varints.Reader in) {
    return new Gap(instant(at), instant(at + in.number()), cause, owner, lock, in.number());
  }

  private static Event event(
      What what, long at, Optional<String> lock, Owner owner, Varints.Reader in) {
    return new Event(
        instant(at),
        what,
        lock.orElseThrow(Varints.Unreadable::new),
        in.count(2) == 1 ? Mode.READ : Mode.WRITE,
        in.number(),
        owner,
        minusOne(in.number()),
        minusOne(in.number()));
  }

  static EngineException newer(long format) {
    return new EngineException(
        EngineException.Kind.CONFIGURATION,
        "the locks' traffic was written in format " + format + " by a newer release: use that");
  }

  /// Since 1970; reaches until 2262.
  static long nanos(Instant moment) {
    return moment.getEpochSecond() * BILLION + moment.getNano();
  }

  static Instant instant(long nanos) {
    return Instant.ofEpochSecond(Math.floorDiv(nanos, BILLION), Math.floorMod(nanos, BILLION));
  }

  private static long plusOne(Optional<Duration> duration) {
    return duration.isEmpty() ? 0 : duration.get().toNanos() + 1;
  }

  private static Optional<Duration> minusOne(long nanos) {
    return nanos == 0 ? Optional.empty() : Optional.of(Duration.ofNanos(nanos - 1));
  }
}
