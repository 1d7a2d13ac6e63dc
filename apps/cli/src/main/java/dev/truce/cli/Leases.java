package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.lock.Lease;
import dev.truce.lock.LockStatus;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The verbs for a lease that somebody has: `renew`, `release`, and `check --lease`.
final class Leases {
  /// More than any handle has.
  private static final int LONGEST = 1024;

  private Leases() {}

  static int renew(Options options, Console console) {
    String handle = handle(options, console);
    Duration ttl = options.term("ttl");
    try (Truce truce = Look.at(options, console)) {
      Lease lease = truce.lease(handle);
      Duration term = ttl == null ? lease.term() : ttl;
      Instant end = renew(lease, term);
      console.print(
          options.has("json")
              ? json(lease).put("ttl_ms", term.toMillis()).put("expires_at", at(end)).toString()
              : at(end));
    }
    return 0;
  }

  private static Instant renew(Lease lease, Duration term) {
    try {
      return lease.renew(term);
    } catch (IllegalStateException usedUp) {
      throw Failure.movedOn("used_up", usedUp);
    }
  }

  static int release(Options options, Console console) {
    String handle = handle(options, console);
    try (Truce truce = Look.at(options, console)) {
      Lease lease = truce.lease(handle);
      lease.release();
      if (options.has("json")) {
        console.print(json(lease).put("released", true).toString());
      }
    }
    return 0;
  }

  static int check(Options options, Console console) {
    String handle = handle(options, console);
    try (Truce truce = Look.at(options, console)) {
      Lease lease = truce.lease(handle);
      boolean current = lease.isValid();
      if (options.has("json")) {
        LockStatus status = truce.lock(lease.lock()).status();
        console.print(Check.json(status, lease.token(), current));
      }
      return current ? 0 : Failure.MOVED_ON;
    }
  }

  private static Json json(Lease lease) {
    return Json.object()
        .put("schema", "truce.lease/1")
        .put("lock", lease.lock())
        .put("lease_id", lease.id())
        .put("token", lease.token());
  }

  /// The handle that is given, or read from stdin for `-`, or in `TRUCE_LEASE`.
  private static String handle(Options options, Console console) {
    List<String> operands = options.operands();
    if (operands.size() > 1) {
      throw Failure.usage(options.verb(), "one LEASE at a time");
    }
    @Nullable String handle =
        operands.isEmpty() ? console.variable("TRUCE_LEASE") : operands.getFirst();
    if (handle == null) {
      throw Failure.usage(
          options.verb(),
          "which lease? There is no TRUCE_LEASE in the environment, or it is empty");
    }
    String given = handle.equals("-") ? fromStdin(console) : handle.strip();
    if (given.isEmpty()) {
      throw Failure.usage(
          options.verb(),
          (operands.isEmpty()
                  ? "TRUCE_LEASE"
                  : handle.equals("-") ? "what was read from stdin" : "the LEASE")
              + " is empty: there is no lease in it");
    }
    return given;
  }

  private static String fromStdin(Console console) {
    try {
      return new String(console.in().readNBytes(LONGEST), StandardCharsets.UTF_8).strip();
    } catch (IOException unreadable) {
      throw Failure.unreadable("stdin", unreadable);
    }
  }

  /// A moment as people read it: whole seconds, rounded down.
  static String at(Instant moment) {
    return moment.truncatedTo(ChronoUnit.SECONDS).toString();
  }
}
