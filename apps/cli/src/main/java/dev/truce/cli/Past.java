package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.lock.History;
import dev.truce.lock.History.Entry;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// `truce history`: what was decided about locks, and whether that was tampered with.
final class Past {
  private static final List<String> TITLES =
      List.of("WHEN", "LOCK", "WHAT", "TOKEN", "OWNER", "BY", "REASON");

  private Past() {}

  static int run(Options options, Console console) {
    if (options.has("traffic")) {
      return Recorded.run(options, console);
    }
    if (options.has("on") || options.has("off")) {
      throw Failure.usage(options.verb(), "--on and --off are for --traffic");
    }
    String name = options.lock();
    Instant since = since(options);
    History history;
    try (Truce truce = Look.at(options, console)) {
      history = truce.history();
    }
    List<Entry> entries =
        history.entries().stream()
            .filter(entry -> name == null || entry.lock().equals(name))
            .filter(entry -> !entry.at().isBefore(since))
            .toList();
    if (options.has("json")) {
      console.print(json(entries, history));
    } else {
      table(entries).forEach(console::print);
    }
    return history.broken().isEmpty() ? 0 : broken(history, console);
  }

  private static int broken(History history, Console console) {
    console.error(
        "truce: entry "
            + history.broken().getAsLong()
            + " does not follow from the one before it: the history was tampered with");
    return Failure.DAMAGED;
  }

  /// The moment that `--since` means.
  static Instant since(Options options) {
    @Nullable String value = options.value("since");
    if (value == null) {
      return Instant.MIN;
    }
    @Nullable Duration ago = Durations.parse(value);
    if (ago != null) {
      return Instant.now().minus(ago);
    }
    try {
      return Instant.parse(value);
    } catch (DateTimeParseException refused) {
      throw Failure.usage(
          options.verb(),
          "--since takes a duration such as 2h or a time such as 2026-01-05T10:00:00Z, not: "
              + value);
    }
  }

  static List<String> table(List<Entry> entries) {
    List<List<String>> rows = new ArrayList<>();
    for (Entry entry : entries) {
      rows.add(
          List.of(
              Leases.at(entry.at()),
              Text.shown(entry.lock()),
              word(entry.kind()),
              Long.toString(entry.token()),
              Text.shown(entry.owner().toString()),
              entry.by().isEmpty() ? "-" : Text.shown(entry.by()),
              entry.reason().isEmpty() ? "-" : Text.shown(entry.reason())));
    }
    return Table.of(TITLES, rows, TITLES.size());
  }

  static String json(List<Entry> entries, History history) {
    Json json =
        Json.object()
            .put("schema", "truce.history/1")
            .put("entries", entries.stream().map(Past::json).toList());
    return (history.broken().isPresent()
            ? json.put("broken_at", history.broken().getAsLong())
            : json.putNull("broken_at"))
        .toString();
  }

  private static Json json(Entry entry) {
    Json json =
        Json.object()
            .put("number", entry.number())
            .put("at", entry.at().toString())
            .put("kind", word(entry.kind()))
            .put("lock", entry.lock())
            .put("mode", Holders.word(entry.mode()))
            .put("token", entry.token())
            .put("lease_id", entry.id())
            .put("owner", entry.owner().name())
            .put("host", entry.owner().host());
    json = entry.owner().pid() == 0 ? json.putNull("pid") : json.put("pid", entry.owner().pid());
    json =
        entry.term().isZero()
            ? json.putNull("ttl_ms")
            : json.put("ttl_ms", entry.term().toMillis());
    return json.put("by", entry.by().isEmpty() ? null : entry.by())
        .put("reason", entry.reason().isEmpty() ? null : entry.reason());
  }

  private static String word(History.Kind kind) {
    return switch (kind) {
      case LEASED -> "leased";
      case RESTORED -> "restored";
      case RELEASED -> "released";
      case EXPIRED -> "expired";
      case DIED -> "died";
      case REVOKED -> "revoked";
    };
  }
}
