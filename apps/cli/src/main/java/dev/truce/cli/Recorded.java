package dev.truce.cli;

import dev.truce.Owner;
import dev.truce.Truce;
import dev.truce.lock.Traffic;
import dev.truce.lock.Traffic.Event;
import dev.truce.lock.Traffic.Gap;
import dev.truce.lock.Traffic.Part;
import dev.truce.lock.Traffic.What;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// `truce history --traffic`: each wait, grant and end of the locks for which that is recorded.
final class Recorded {
  private static final List<String> TITLES =
      List.of("WHEN", "LOCK", "WHAT", "TOKEN", "MODE", "OWNER", "WAITED", "HELD", "MISSING");

  private Recorded() {}

  static int run(Options options, Console console) {
    @Nullable String name = options.lock();
    if (options.has("on") || options.has("off")) {
      return turn(options, name, console);
    }
    Traffic all;
    try (Truce truce = Look.at(options, console)) {
      all = truce.traffic();
    }
    Traffic asked = (name == null ? all : all.of(name)).since(Past.since(options));
    if (options.has("json")) {
      console.print(json(asked));
    } else {
      table(asked).forEach(console::print);
      if (asked.recorded().isEmpty()) {
        console.error(notRecorded(name));
      }
    }
    return 0;
  }

  static String notRecorded(@Nullable String name) {
    return name == null
        ? "truce: no traffic is recorded of any lock; switch it on: truce history NAME --traffic --on"
        : "truce: no traffic of "
            + Text.shown(name)
            + " is recorded; switch it on: truce history "
            + Text.word(name)
            + " --traffic --on";
  }

  private static int turn(Options options, @Nullable String name, Console console) {
    if (name == null) {
      throw Failure.usage(options.verb(), "--on and --off are for one lock: NAME");
    }
    if (options.has("on") && options.has("off")) {
      throw Failure.usage(options.verb(), "either --on or --off");
    }
    if (options.has("since")) {
      throw Failure.usage(options.verb(), "--on and --off begin now: leave out --since");
    }
    try (Truce truce = Look.at(options, console)) {
      truce.lock(name).recordTraffic(options.has("on"));
    }
    if (options.has("json")) {
      console.print(
          Json.object()
              .put("schema", "truce.traffic-switch/1")
              .put("lock", name)
              .put("recorded", options.has("on"))
              .toString());
    }
    return 0;
  }

  // ---- for people

  static List<String> table(Traffic traffic) {
    List<List<String>> rows = new ArrayList<>();
    for (Part part : traffic.parts()) {
      rows.add(
          switch (part) {
            case Event event -> row(event);
            case Gap gap -> row(gap);
          });
    }
    return Table.of(TITLES, rows, TITLES.size());
  }

  private static List<String> row(Event event) {
    return List.of(
        at(event),
        Text.shown(event.lock()),
        word(event.what()),
        event.token() == 0 ? "-" : Long.toString(event.token()),
        isSwitch(event) ? "-" : Holders.word(event.mode()),
        Text.who(event.owner()),
        event.waited().map(Text::fine).orElse("-"),
        event.held().map(Text::fine).orElse("-"),
        "-");
  }

  private static List<String> row(Gap gap) {
    return List.of(
        at(gap),
        gap.lock().map(Text::shown).orElse("-"),
        "gap",
        "-",
        "-",
        Text.who(gap.owner()),
        "-",
        "-",
        (gap.count() == 0 ? "what it did" : gap.count() + " entries")
            + " until "
            + gap.until().truncatedTo(ChronoUnit.MICROS)
            + switch (gap.cause()) {
              case KILLED -> ", when it was found dead";
              case DROPPED -> ", faster than it could add them";
            });
  }

  /// To the microsecond: the order of what several processes did is of interest.
  private static String at(Part part) {
    return part.at().truncatedTo(ChronoUnit.MICROS).toString();
  }

  private static boolean isSwitch(Event event) {
    return event.what() == What.SWITCHED_ON || event.what() == What.SWITCHED_OFF;
  }

  static String word(What what) {
    return what.name().toLowerCase(Locale.ROOT);
  }

  // ---- for programs

  static String json(Traffic traffic) {
    return Json.object()
        .put("schema", "truce.traffic/1")
        .putTexts("recorded", traffic.recorded())
        .put("let_go", traffic.letGo())
        .put("entries", traffic.parts().stream().map(Recorded::json).toList())
        .toString();
  }

  private static Json json(Part part) {
    return switch (part) {
      case Event event -> json(event);
      case Gap gap -> json(gap);
    };
  }

  private static Json json(Event event) {
    Json json =
        Json.object()
            .put("at", event.at().toString())
            .put("what", word(event.what()))
            .put("lock", event.lock())
            .put("mode", isSwitch(event) ? null : Holders.word(event.mode()));
    json = event.token() == 0 ? json.putNull("token") : json.put("token", event.token());
    json = owner(json, event.owner());
    json = nanos(json, "wait_ns", event.waited());
    return nanos(json, "hold_ns", event.held());
  }

  private static Json json(Gap gap) {
    Json json =
        Json.object()
            .put("at", gap.at().toString())
            .put("what", "gap")
            .put("lock", gap.lock().orElse(null))
            .put("until", gap.until().toString())
            .put("cause", gap.cause().name().toLowerCase(Locale.ROOT));
    json = gap.count() == 0 ? json.putNull("count") : json.put("count", gap.count());
    return owner(json, gap.owner());
  }

  private static Json owner(Json json, Owner owner) {
    json.put("owner", owner.name()).put("host", owner.host());
    return owner.pid() == 0 ? json.putNull("pid") : json.put("pid", owner.pid());
  }

  private static Json nanos(Json json, String key, Optional<Duration> duration) {
    return duration.isEmpty() ? json.putNull(key) : json.put(key, duration.get().toNanos());
  }
}
