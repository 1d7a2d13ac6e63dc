package dev.truce.cli;

import dev.truce.lock.NamedLock;
import dev.truce.lock.Permits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// What `truce run` was asked to do.
///
/// @param wanted the locks in the order they were given
/// @param line which argument is the shell line of `-c`, -1 when the command follows `--`
/// @param refused the status when the locks were not acquired
/// @param patience how long to wait for them
/// @param maxHold null without a limit
/// @param priority lower goes first
record RunOptions(
    List<Wanted> wanted,
    int line,
    Duration patience,
    int refused,
    @Nullable Duration maxHold,
    OnLost onLost,
    Duration grace,
    String reason,
    boolean force,
    int priority,
    @Nullable String owner,
    boolean quiet,
    boolean json) {

  /// One lock to hold, or one of its permits.
  ///
  /// @param limit how many permits there are, 0 for a lock
  record Wanted(String name, boolean read, int limit) {
    Wanted(String name, boolean read) {
      this(name, read, 0);
    }
  }

  /// What becomes of the command when a lock is lost.
  enum OnLost {
    TERM,
    KILL,
    WARN
  }

  private static final Duration GRACE = Duration.ofSeconds(5);
  private static final int MAX_REASON = 200;
  private static final int MAX_OWNER = 200;
  private static final Pattern LIMIT = Pattern.compile("[0-9]{1,4}");

  /// @param command whether `--` and a command follow the options
  static RunOptions of(Options options, boolean command) {
    // First, for in `-w NAME` it is the duration that is missing, and no name.
    Duration patience = wait(options);
    return new RunOptions(
        wanted(options),
        line(options, command),
        patience,
        (int) options.number("conflict-exit-code", 0, 255, Failure.NOT_ACQUIRED),
        maxHold(options),
        onLost(options),
        orElse(options.duration("grace"), GRACE),
        reason(options, options.has("force")),
        options.has("force"),
        priority(options),
        owner(options),
        options.has("quiet"),
        options.has("json"));
  }

  private static List<Wanted> wanted(Options options) {
    boolean shared = options.has("shared");
    if (shared && options.has("exclusive")) {
      throw Failure.usage(Verb.RUN, "-s and -x exclude each other");
    }
    List<Wanted> wanted = new ArrayList<>();
    for (Options.Given given : options.given()) {
      switch (given.flag()) {
        case "", "lock" -> wanted.add(new Wanted(options.name(given.value()), shared));
        case "read" -> wanted.add(new Wanted(options.name(given.value()), true));
        case "permit" -> wanted.add(permit(options, given.value()));
        default -> {}
      }
    }
    if (wanted.isEmpty()) {
      throw Failure.usage(Verb.RUN, "which lock?");
    }
    refuseBoth(wanted);
    return wanted;
  }

  /// `licences:10`: what stands behind the last colon is the number.
  private static Wanted permit(Options options, String value) {
    int colon = value.lastIndexOf(':');
    int limit = 0;
    if (colon > 0 && LIMIT.matcher(value.substring(colon + 1)).matches()) {
      limit = Integer.parseInt(value.substring(colon + 1));
    }
    if (limit < 1 || limit > Permits.MAX) {
      throw Failure.usage(
          Verb.RUN,
          "--permit takes NAME:LIMIT with a LIMIT from 1 to " + Permits.MAX + ", not: " + value);
    }
    if (options.has("force")) {
      throw Failure.usage(Verb.RUN, "--force ends who holds a lock: no --permit");
    }
    return new Wanted(options.name(value.substring(0, colon)), false, limit);
  }

  /// A name is a lock or has so many permits, and nobody waits for two permits of one name: with
  /// few of them, two who have one each would wait for ever.
  private static void refuseBoth(List<Wanted> wanted) {
    Set<String> permits = new HashSet<>();
    for (Wanted one : wanted) {
      if (one.limit > 0 && !permits.add(one.name)) {
        throw Failure.usage(Verb.RUN, "one permit of " + one.name + " at a time");
      }
    }
    for (Wanted one : wanted) {
      if (one.limit == 0 && permits.contains(one.name)) {
        throw Failure.usage(Verb.RUN, one.name + " is a lock or has permits, not both");
      }
    }
  }

  private static int line(Options options, boolean command) {
    Options.Given line = options.last("command");
    if (command) {
      if (line != null) {
        throw Failure.usage(Verb.RUN, "-c LINE and -- CMD exclude each other");
      }
      return -1;
    }
    if (line == null) {
      throw Failure.usage(Verb.RUN, "which command? It stands after '--', or in -c 'LINE'");
    }
    if (line.value().isEmpty()) {
      throw Failure.usage(Verb.RUN, "-c has an empty line");
    }
    return line.index();
  }

  /// What for; not empty where it is needed.
  static String reason(Options options, boolean needed) {
    if (needed && !options.has("reason")) {
      throw Failure.usage(options.verb(), "force needs a --reason");
    }
    return text(options, "reason", MAX_REASON, needed ? null : "");
  }

  private static int priority(Options options) {
    if (options.has("priority") && options.has("force")) {
      throw Failure.usage(Verb.RUN, "--force goes before everybody: no --priority");
    }
    return (int) options.number("priority", NamedLock.FIRST_PRIORITY, NamedLock.LAST_PRIORITY, 0);
  }

  static @Nullable String owner(Options options) {
    return options.has("owner") ? text(options, "owner", MAX_OWNER, null) : null;
  }

  static Duration wait(Options options) {
    Duration wait = options.duration("wait");
    if (options.has("nonblock")) {
      if (wait != null && !wait.isZero()) {
        throw Failure.usage(options.verb(), "-n and -w exclude each other");
      }
      return Duration.ZERO;
    }
    return orElse(wait, Durations.FOREVER);
  }

  private static @Nullable Duration maxHold(Options options) {
    Duration maxHold = options.duration("max-hold");
    if (maxHold != null && maxHold.isZero()) {
      throw Failure.usage(Verb.RUN, "--max-hold 0 would leave no time to run");
    }
    return maxHold;
  }

  private static OnLost onLost(Options options) {
    String value = options.value("on-lost");
    if (value == null) {
      return OnLost.TERM;
    }
    return switch (value) {
      case "term" -> OnLost.TERM;
      case "kill" -> OnLost.KILL;
      case "warn" -> OnLost.WARN;
      default -> throw Failure.usage(Verb.RUN, "--on-lost takes term, kill or warn, not: " + value);
    };
  }

  private static Duration orElse(@Nullable Duration given, Duration otherwise) {
    return given == null ? otherwise : given;
  }

  private static String text(Options options, String flag, int most, @Nullable String otherwise) {
    String value = options.value(flag);
    if (value == null || (value.isEmpty() && otherwise == null)) {
      if (otherwise == null) {
        throw Failure.usage(options.verb(), "--" + flag + " is empty");
      }
      return otherwise;
    }
    if (value.length() > most) {
      throw Failure.usage(
          options.verb(),
          "--" + flag + " has at most " + most + " characters, not " + value.length());
    }
    return value;
  }
}
