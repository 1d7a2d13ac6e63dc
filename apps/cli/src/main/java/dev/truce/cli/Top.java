package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.lock.LockStatistics;
import dev.truce.lock.LockStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// `truce top`: the locks as they change, those first for which the most wait. In a terminal it
/// fills the screen until `q` or ^C; else it prints a table for each look, or with `--json` a line.
final class Top {
  private static final Duration USUAL = Duration.ofSeconds(1);
  private static final Duration SHORTEST = Duration.ofMillis(50);

  private static final List<String> TITLES =
      List.of(
          "LOCK",
          "MODE",
          "HOLDER",
          "HELD",
          "WAITING",
          "LONGEST",
          "ACQ/S",
          "ACQUIRED",
          "LOST",
          "WAIT-P99",
          "HOLD-P99",
          "TOKEN");

  /// From this column on, numbers.
  private static final int FIRST_NUMBER = 3;

  /// One lock at one moment.
  ///
  /// @param perSecond grants a second since the look before, negative where there was none
  record Line(LockStatistics statistics, double perSecond) {
    LockStatus status() {
      return statistics.status();
    }

    private boolean isBusy() {
      return perSecond > 0 || !status().holders().isEmpty() || !status().queue().isEmpty();
    }

    private Duration heldFor() {
      return statistics.oldestHolder().map(LockStatus.Holder::heldFor).orElse(Duration.ZERO);
    }

    private Duration waitedFor() {
      return statistics.oldestWaiter().map(LockStatus.Waiter::waitedFor).orElse(Duration.ZERO);
    }
  }

  private final Set<String> names;
  private Map<String, Long> before = Map.of();
  private long beforeNanos;

  /// @param names the locks to show; those where something happens when there are none
  Top(Set<String> names) {
    this.names = names;
  }

  /// Where looks are shown.
  private interface View {
    void show(List<Line> lines);

    /// Waits so long; whether another look is wanted.
    boolean pause(Duration interval);
  }

  static int run(Options options, Console console) {
    @Nullable Duration asked = options.duration("interval");
    Duration interval = asked == null ? USUAL : asked;
    if (interval.compareTo(SHORTEST) < 0) {
      throw Failure.usage(options.verb(), "--interval is at least " + Text.exact(SHORTEST));
    }
    long count = options.number("count", 1, 1_000_000_000, Long.MAX_VALUE);
    Top top = new Top(Set.copyOf(options.operands().stream().map(options::name).toList()));
    boolean json = options.has("json");
    try (Truce truce = Look.at(options, console);
        Terminal terminal = json ? null : Terminal.open(console)) {
      View view = terminal == null ? onPaper(console, json) : on(terminal);
      top.watch(truce, interval, count, view);
    }
    return 0;
  }

  private void watch(Truce truce, Duration interval, long count, View view) {
    view.show(look(truce.statistics(), System.nanoTime()));
    for (long looks = 1; looks < count && view.pause(interval); looks++) {
      view.show(look(truce.statistics(), System.nanoTime()));
    }
  }

  private static View on(Terminal terminal) {
    return new View() {
      @Override
      public void show(List<Line> lines) {
        List<String> screen = new ArrayList<>();
        screen.add(head(lines, Instant.now()));
        screen.addAll(table(lines));
        terminal.show(screen, 1);
      }

      @Override
      public boolean pause(Duration interval) {
        return !terminal.isQuitWithin(interval);
      }
    };
  }

  private static View onPaper(Console console, boolean json) {
    return new View() {
      @Override
      public void show(List<Line> lines) {
        if (json) {
          console.print(Top.json(lines, Instant.now()));
        } else {
          console.print(head(lines, Instant.now()));
          table(lines).forEach(console::print);
        }
      }

      @Override
      public boolean pause(Duration interval) {
        if (console.out().checkError()) {
          return false; // whoever read it has gone
        }
        try {
          Thread.sleep(interval);
          return true;
        } catch (InterruptedException ended) {
          return false;
        }
      }
    };
  }

  // ---- looking

  /// The named locks, or those where something happens.
  List<Line> look(List<LockStatistics> all, long nanos) {
    double seconds = (nanos - beforeNanos) / 1e9;
    Map<String, Long> now = new HashMap<>();
    List<Line> lines = new ArrayList<>();
    for (LockStatistics one : all) {
      now.put(one.lock(), one.acquired());
      Line line = new Line(one, perSecond(one, seconds));
      if (names.isEmpty() ? line.isBusy() : names.contains(one.lock())) {
        lines.add(line);
      }
    }
    before = now;
    beforeNanos = nanos;
    lines.sort(
        Comparator.comparingLong((Line line) -> line.statistics().waiting())
            .thenComparing(Line::heldFor)
            .reversed()
            .thenComparing(line -> line.statistics().lock()));
    return lines;
  }

  /// A name that is new, or was forgotten meanwhile, began from zero; one whose counters fell was
  /// reset.
  private double perSecond(LockStatistics one, double seconds) {
    if (beforeNanos == 0) {
      return -1;
    }
    long was = before.getOrDefault(one.lock(), 0L);
    return Math.max(0, one.acquired() - was) / seconds;
  }

  // ---- showing

  static String head(List<Line> lines, Instant now) {
    long held = lines.stream().filter(line -> !line.status().holders().isEmpty()).count();
    long waiting = lines.stream().mapToLong(line -> line.statistics().waiting()).sum();
    Duration oldest = Duration.ZERO;
    Duration longest = Duration.ZERO;
    for (Line line : lines) {
      oldest = max(oldest, line.heldFor());
      longest = max(longest, line.waitedFor());
    }
    return "truce top  "
        + Leases.at(now)
        + "  "
        + held
        + " held, the longest for "
        + Text.span(oldest)
        + "; "
        + waiting
        + " waiting, the longest for "
        + Text.span(longest);
  }

  private static Duration max(Duration one, Duration other) {
    return one.compareTo(other) >= 0 ? one : other;
  }

  static List<String> table(List<Line> lines) {
    return Table.of(TITLES, lines.stream().map(Top::row).toList(), FIRST_NUMBER);
  }

  private static List<String> row(Line line) {
    LockStatistics one = line.statistics();
    LockStatus status = line.status();
    return List.of(
        Text.shown(one.lock()),
        Holders.how(status),
        status.holders().isEmpty() ? Holders.word(status.state()) : Ls.holders(status),
        status.holders().isEmpty() ? "-" : Text.span(line.heldFor()),
        Long.toString(one.waiting()),
        one.waiting() == 0 ? "-" : Text.span(line.waitedFor()),
        line.perSecond() < 0 ? "-" : rate(line.perSecond()),
        Long.toString(one.acquired()),
        Long.toString(one.lost()),
        Text.fine(one.waits().p99()),
        Text.fine(one.holds().p99()),
        Long.toString(status.token()));
  }

  private static String rate(double perSecond) {
    return perSecond >= 10 || perSecond == 0
        ? Long.toString(Math.round(perSecond))
        : Double.toString(Math.round(perSecond * 10) / 10.0);
  }

  static String json(List<Line> lines, Instant now) {
    return Json.object()
        .put("schema", "truce.top/1")
        .put("at", now.toString())
        .put("locks", lines.stream().map(line -> json(line, now)).toList())
        .toString();
  }

  private static Json json(Line line, Instant now) {
    LockStatistics one = line.statistics();
    Json json =
        Ls.json(line.status(), now)
            .put("acquisitions", one.acquired())
            .put("releases", one.released())
            .put("lost", one.lost())
            .put("held", one.held())
            .put("hold_oldest_ms", line.heldFor().toMillis())
            .put("wait_oldest_ms", line.waitedFor().toMillis())
            .put("acquire_duration", Stats.json(one.waits()))
            .put("hold_duration", Stats.json(one.holds()));
    return line.perSecond() < 0
        ? json.putNull("acquisitions_per_s")
        : json.putRounded("acquisitions_per_s", line.perSecond());
  }
}
