package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.lock.LockStatistics;
import dev.truce.lock.LockStatistics.End;
import dev.truce.lock.LockStatistics.Operation;
import dev.truce.lock.LockStatistics.Spread;
import dev.truce.lock.LockStatistics.Window;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// `truce stats`: what the locks have done. `docs/statistics.md` says what each figure means.
final class Stats {
  private static final List<String> TITLES =
      List.of(
          "LOCK",
          "ACQUIRED",
          "RELEASED",
          "LOST",
          "HELD",
          "WAITING",
          "QUEUED",
          "LEFT",
          "WAIT-P50",
          "WAIT-P99",
          "WAIT-MAX",
          "HOLD-P50",
          "HOLD-P99",
          "HOLD-MAX");

  /// So many of the last operations are shown to people.
  private static final int SHOWN = 10;

  private Stats() {}

  static int run(Options options, Console console) {
    List<String> names = options.operands().stream().map(options::name).toList();
    @Nullable Instant since = options.has("since") ? Past.since(options) : null;
    List<LockStatistics> all;
    try (Truce truce = Look.at(options, console)) {
      if (options.has("reset")) {
        reset(truce, names);
      }
      all = of(truce, names);
    }
    if (options.has("json")) {
      console.print(json(all, since, Instant.now()));
    } else {
      lines(all, since, !names.isEmpty()).forEach(console::print);
    }
    return 0;
  }

  private static List<LockStatistics> of(Truce truce, List<String> names) {
    return names.isEmpty()
        ? truce.statistics()
        : names.stream().map(name -> truce.lock(name).statistics()).toList();
  }

  private static void reset(Truce truce, List<String> names) {
    List<String> meant =
        names.isEmpty() ? truce.statistics().stream().map(LockStatistics::lock).toList() : names;
    meant.forEach(name -> truce.lock(name).resetStatistics());
  }

  // ---- for people

  static List<String> lines(List<LockStatistics> all, @Nullable Instant since, boolean each) {
    if (each) {
      return all.stream().flatMap(one -> detail(one, since).stream()).toList();
    }
    if (since != null) {
      return all.stream().flatMap(one -> window(one.lock(), one.since(since)).stream()).toList();
    }
    return Table.of(TITLES, all.stream().map(Stats::row).toList(), 1);
  }

  private static List<String> row(LockStatistics one) {
    return List.of(
        Text.shown(one.lock()),
        Long.toString(one.acquired()),
        Long.toString(one.released()),
        Long.toString(one.lost()),
        Long.toString(one.held()),
        Long.toString(one.waiting()),
        Long.toString(one.queued()),
        Long.toString(one.left()),
        Text.fine(one.waits().p50()),
        Text.fine(one.waits().p99()),
        Text.fine(one.waits().max()),
        Text.fine(one.holds().p50()),
        Text.fine(one.holds().p99()),
        Text.fine(one.holds().max()));
  }

  private static List<String> detail(LockStatistics one, @Nullable Instant since) {
    if (since != null) {
      return window(one.lock(), one.since(since));
    }
    List<String> lines = new ArrayList<>();
    lines.add(
        Text.shown(one.lock())
            + ": "
            + one.acquired()
            + " acquired = "
            + one.released()
            + " released + "
            + one.lost()
            + " lost + "
            + one.held()
            + " held");
    lines.add(
        "  queue   "
            + one.queued()
            + " had to wait ("
            + percent(one.contention())
            + "), "
            + one.left()
            + " left without, "
            + one.waiting()
            + " wait now");
    measured(lines, one.ends(), one.waits(), one.holds());
    one.oldestHolder()
        .ifPresent(oldest ->
            lines.add(
                "  oldest  holder "
                    + Text.who(oldest.owner())
                    + " for "
                    + Text.span(oldest.heldFor())));
    one.oldestWaiter()
        .ifPresent(oldest ->
            lines.add(
                "  oldest  waiter "
                    + Text.who(oldest.owner())
                    + " for "
                    + Text.span(oldest.waitedFor())));
    last(lines, one.last());
    one.resetAt().ifPresent(at -> lines.add("  since   " + Leases.at(at)));
    return lines;
  }

  private static List<String> window(String lock, Window window) {
    List<String> lines = new ArrayList<>();
    lines.add(
        Text.shown(lock)
            + ": since "
            + Leases.at(window.since())
            + (window.complete() ? "" : ", as far as is remembered"));
    measured(lines, window.ends(), window.waits(), window.holds());
    last(lines, window.operations());
    return lines;
  }

  private static void measured(
      List<String> lines, Map<End, Long> ends, Spread waits, Spread holds) {
    lines.add("  wait    " + spread(waits));
    lines.add("  hold    " + spread(holds));
    StringBuilder text = new StringBuilder();
    for (End end : End.values()) {
      if (ends.containsKey(end)) {
        text.append("  ").append(word(end)).append(' ').append(ends.get(end));
      }
    }
    lines.add("  ends  " + (text.isEmpty() ? "  none" : text));
  }

  private static String spread(Spread spread) {
    return spread.count() == 0
        ? "none"
        : "min "
            + Text.fine(spread.min())
            + "  mean "
            + Text.fine(spread.mean())
            + "  p50 "
            + Text.fine(spread.p50())
            + "  p95 "
            + Text.fine(spread.p95())
            + "  p99 "
            + Text.fine(spread.p99())
            + "  max "
            + Text.fine(spread.max())
            + "  of "
            + spread.count();
  }

  private static void last(List<String> lines, List<Operation> operations) {
    int from = Math.max(0, operations.size() - SHOWN);
    for (Operation one : operations.subList(from, operations.size())) {
      lines.add("  " + operation(one));
    }
  }

  private static String operation(Operation one) {
    return Leases.at(one.at())
        + " "
        + word(one.end())
        + " "
        + Holders.word(one.mode())
        + " "
        + Text.who(one.owner())
        + (one.token() == 0 ? "" : " token " + one.token())
        + one.waited().map(waited -> " waited " + Text.fine(waited)).orElse("")
        + one.held().map(held -> " held " + Text.fine(held)).orElse("")
        + (one.times() == 1 ? "" : " x" + one.times());
  }

  private static String percent(double part) {
    return Math.round(part * 1_000) / 10.0 + "%";
  }

  // ---- for programs

  static String json(List<LockStatistics> all, @Nullable Instant since, Instant now) {
    return Json.object()
        .put("schema", "truce.stats/1")
        .put("at", now.toString())
        .put("locks", all.stream().map(one -> json(one, since, now)).toList())
        .toString();
  }

  private static Json json(LockStatistics one, @Nullable Instant since, Instant now) {
    Json json =
        Json.object()
            .put("lock", one.lock())
            .put("acquisitions", one.acquired())
            .put("releases", one.released())
            .put("lost", one.lost())
            .put("held", one.held())
            .put("queued", one.queued())
            .put("left", one.left())
            .put("waiting", one.waiting())
            .putRounded("contention", one.contention())
            .putRounded("abandonment", one.abandonment());
    measured(json, one.ends(), one.waits(), one.holds());
    if (one.oldestHolder().isPresent()) {
      json.put("hold_oldest_ms", one.oldestHolder().get().heldFor().toMillis())
          .put("oldest_holder", Holders.holder(one.oldestHolder().get(), now));
    } else {
      json.putNull("hold_oldest_ms").putNull("oldest_holder");
    }
    if (one.oldestWaiter().isPresent()) {
      json.put("wait_oldest_ms", one.oldestWaiter().get().waitedFor().toMillis())
          .put("oldest_waiter", Holders.waiter(one.oldestWaiter().get()));
    } else {
      json.putNull("wait_oldest_ms").putNull("oldest_waiter");
    }
    json.put("operations", one.last().stream().map(Stats::json).toList())
        .put("reset_at", one.resetAt().map(Instant::toString).orElse(null));
    return since == null ? json : json.put("window", json(one.since(since)));
  }

  private static Json json(Window window) {
    Json json =
        Json.object().put("since", window.since().toString()).put("complete", window.complete());
    measured(json, window.ends(), window.waits(), window.holds());
    return json.put("operations", window.operations().stream().map(Stats::json).toList());
  }

  private static void measured(Json json, Map<End, Long> ends, Spread waits, Spread holds) {
    Json each = Json.object();
    for (End end : End.values()) {
      each.put(word(end), ends.getOrDefault(end, 0L));
    }
    json.put("ends", each).put("acquire_duration", json(waits)).put("hold_duration", json(holds));
  }

  static Json json(Spread spread) {
    return Json.object()
        .put("count", spread.count())
        .put("total_ns", spread.total().toNanos())
        .put("min_ns", spread.min().toNanos())
        .put("mean_ns", spread.mean().toNanos())
        .put("p50_ns", spread.p50().toNanos())
        .put("p95_ns", spread.p95().toNanos())
        .put("p99_ns", spread.p99().toNanos())
        .put("max_ns", spread.max().toNanos());
  }

  private static Json json(Operation one) {
    Json json =
        Json.object()
            .put("at", one.at().toString())
            .put("outcome", word(one.end()))
            .put("mode", Holders.word(one.mode()))
            .put("owner", one.owner().name())
            .put("host", one.owner().host());
    json = one.owner().pid() == 0 ? json.putNull("pid") : json.put("pid", one.owner().pid());
    json = one.token() == 0 ? json.putNull("token") : json.put("token", one.token());
    json = put(json, "wait_ns", one.waited().orElse(null));
    return put(json, "hold_ns", one.held().orElse(null)).put("times", one.times());
  }

  private static Json put(Json json, String key, @Nullable Duration duration) {
    return duration == null ? json.putNull(key) : json.put(key, duration.toNanos());
  }

  static String word(End end) {
    return switch (end) {
      case RELEASED -> "released";
      case DIED -> "died";
      case EXPIRED -> "expired";
      case REVOKED -> "revoked";
      case LEASED -> "leased";
      case TIMED_OUT -> "timed_out";
      case REFUSED -> "refused";
      case DEADLOCK -> "deadlock";
      case CANCELLED -> "cancelled";
      case FAILED -> "failed";
    };
  }
}
