package dev.truce.testkit;

import dev.truce.testkit.SimulatedDisk.Fault;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// What befalls the processes of a [SimulatedMachine] and when: a value that repeats a run exactly.
///
/// Moments are points, counted from 1 through all processes: each call to the storage is one, and
/// each [SimulatedMachine#reach]. An event comes just before what happens at its point, and befalls
/// the process that is there. In between a process runs until it waits or ends, then the next in
/// turn does.
///
/// As text, which [#parse] reads: `12>b` is b goes on at point 12; `14!stop:1000` stopped for so
/// many milliseconds; `20!kill`, `20!tear` killed before or in the middle of the call; `22!io`,
/// `22!full` this call fails; `22!io*`, `22!full*` and every later one; `30!power` the machine
/// loses its power.
///
/// @param events in the order of their points
/// @param random where processes go on at other points too, by chance, or `null`
public record Schedule(List<Event> events, @Nullable Seed random) {
  /// Nothing happens.
  public static final Schedule PLAIN = new Schedule(List.of(), null);

  /// Something that happens at one point.
  public sealed interface Event {
    int point();

    /// Another process goes on.
    record Switch(int point, String to) implements Event {
      @Override
      public String toString() {
        return point + ">" + to;
      }
    }

    /// The process stands still for so long, others do not.
    record Stop(int point, Duration time) implements Event {
      @Override
      public String toString() {
        return point + "!stop:" + time.toMillis();
      }
    }

    /// The process is killed.
    ///
    /// @param midway after half of what it does at this point; a call other than a write is then
    ///   done
    record Kill(int point, boolean midway) implements Event {
      @Override
      public String toString() {
        return point + (midway ? "!tear" : "!kill");
      }
    }

    /// The call fails.
    ///
    /// @param forEver whether all later ones do too, whosever they are
    record Fail(int point, Fault fault, boolean forEver) implements Event {
      @Override
      public String toString() {
        return point + "!" + fault.name().toLowerCase(Locale.ROOT) + (forEver ? "*" : "");
      }
    }

    /// All processes end, and the memory with them.
    record PowerCut(int point) implements Event {
      @Override
      public String toString() {
        return point + "!power";
      }
    }
  }

  private static final Pattern EVENT =
      Pattern.compile("(\\d+)(?:>(\\S+)|!(stop:\\d+|kill|tear|io\\*?|full\\*?|power))");

  private static final Pattern WORDS = Pattern.compile("\\s+");

  private static final double CHANCE = 0.2;

  public Schedule {
    events = List.copyOf(events);
  }

  /// These events and no others.
  public static Schedule of(Event... events) {
    return new Schedule(List.of(events), null);
  }

  /// Processes go on by chance, from one seed.
  public static Schedule random(Seed seed) {
    return new Schedule(List.of(), seed);
  }

  /// Reads what [#toString] wrote.
  public static Schedule parse(String text) {
    List<Event> events = new ArrayList<>();
    WORDS
        .splitAsStream(text)
        .filter(word -> !word.isEmpty() && !word.equals("plain"))
        .forEach(word -> events.add(event(word)));
    return new Schedule(events, null);
  }

  private static Event event(String word) {
    Matcher matcher = EVENT.matcher(word);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("no event: " + word);
    }
    int point = Integer.parseInt(matcher.group(1));
    if (matcher.group(2) != null) {
      return new Event.Switch(point, matcher.group(2));
    }
    return switch (matcher.group(3)) {
      case "kill" -> new Event.Kill(point, false);
      case "tear" -> new Event.Kill(point, true);
      case "io" -> new Event.Fail(point, Fault.IO, false);
      case "io*" -> new Event.Fail(point, Fault.IO, true);
      case "full" -> new Event.Fail(point, Fault.FULL, false);
      case "full*" -> new Event.Fail(point, Fault.FULL, true);
      case "power" -> new Event.PowerCut(point);
      default ->
          new Event.Stop(point, Duration.ofMillis(Long.parseLong(matcher.group(3).substring(5))));
    };
  }

  /// This one and then that.
  Schedule and(Event event) {
    List<Event> more = new ArrayList<>(events);
    more.add(event);
    return new Schedule(more, random);
  }

  int lastPoint() {
    return events.stream().mapToInt(Event::point).max().orElse(0);
  }

  List<Event> at(int point) {
    List<Event> here = List.of(); // asked at every point of every run, and nearly always that
    for (Event event : events) {
      if (event.point() == point) {
        here = new ArrayList<>(here);
        here.add(event);
      }
    }
    return here;
  }

  boolean fails() {
    return events.stream().anyMatch(Event.Fail.class::isInstance);
  }

  /// Whom chance lets go on, of those who can; empty for the one who does.
  static Optional<Integer> chance(@Nullable SplittableRandom random, int candidates) {
    return random != null && candidates > 1 && random.nextDouble() < CHANCE
        ? Optional.of(random.nextInt(candidates))
        : Optional.empty();
  }

  @Override
  public String toString() {
    if (random != null) {
      return "by chance, " + random;
    }
    return events.isEmpty()
        ? "plain"
        : String.join(" ", events.stream().map(Object::toString).toList());
  }
}
