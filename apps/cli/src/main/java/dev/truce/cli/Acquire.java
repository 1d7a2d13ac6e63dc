package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.lock.Lease;
import dev.truce.lock.NamedLock;
import dev.truce.lock.NotAcquiredException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// `truce acquire`: a lease, which lasts across commands.
final class Acquire {
  static final Duration TTL = Duration.ofMinutes(5);

  /// What `--env` answers where there is no lease: `eval` of nothing succeeds, and what stands
  /// behind it would go on without the lock.
  static final String NO_LEASE = "false";

  private Acquire() {}

  /// Whether a shell is to evaluate the answer, also of a call that cannot even be taken apart.
  static boolean isEvaluated(List<String> args) {
    return Verb.leading(args) == Verb.ACQUIRE
        && Main.isGiven("--env", args)
        && !Main.isGiven("--json", args);
  }

  static int run(Options options, Console console) {
    Wanted wanted = Wanted.of(options);
    Place place = Place.find(options, console);
    String owner = owner(options, console);
    String kept = wanted.environment() ? Grants.kept(wanted.name(), console) : null;
    try (Truce truce = open(place, owner, console)) {
      NamedLock lock = wanted.lock(truce);
      try {
        answer(acquire(lock, wanted, console), wanted, owner, kept, console);
        return 0;
      } catch (NotAcquiredException refused) {
        refused(refused, wanted, owner, console);
        return Refusals.status(refused.refusal(), wanted.refused());
      }
    } catch (InterruptedException nobodyDoes) {
      throw new IllegalStateException(nobodyDoes);
    }
  }

  /// What was asked for.
  ///
  /// @param refused the status when it was not acquired
  /// @param keep for how long a place is kept by a ticket, null for not at all
  private record Wanted(
      String name,
      boolean read,
      Duration ttl,
      Duration patience,
      int refused,
      @Nullable Duration keep,
      @Nullable String ticket,
      boolean force,
      String reason,
      boolean environment,
      boolean quiet,
      boolean json) {

    static Wanted of(Options options) {
      String name = options.lock();
      if (name == null) {
        throw Failure.usage(Verb.ACQUIRE, "which lock?");
      }
      Duration ttl = options.term("ttl");
      boolean force = options.has("force");
      return new Wanted(
          name,
          options.has("shared"),
          ttl == null ? TTL : ttl,
          RunOptions.wait(options),
          (int) options.number("conflict-exit-code", 0, 255, Failure.NOT_ACQUIRED),
          options.term("ticket-ttl"),
          options.value("ticket"),
          force,
          RunOptions.reason(options, force),
          options.has("env"),
          options.has("quiet"),
          options.has("json"));
    }

    NamedLock lock(Truce truce) {
      NamedLock lock = truce.lock(name);
      lock = read ? lock.read() : lock;
      lock = force ? lock.byForce(reason) : lock.withReason(reason);
      lock = keep == null ? lock : lock.withTicket(keep);
      return ticket == null ? lock : lock.withTicket(ticket);
    }
  }

  static String owner(Options options, Console console) {
    String given = RunOptions.owner(options);
    String inherited = console.variable("TRUCE_OWNER");
    return given != null
        ? given
        : inherited != null ? inherited : System.getProperty("user.name", "somebody");
  }

  private static Truce open(Place place, String owner, Console console) {
    return Truce.builder().engine(place.open(console)).owner(owner).host(Console.host()).open();
  }

  private static Lease acquire(NamedLock lock, Wanted wanted, Console console)
      throws InterruptedException {
    NamedLock[] locks = {lock};
    Waiting waiting = new Waiting(locks, ProcessHandle.current().pid(), console);
    if (!wanted.quiet() && !wanted.json() && !wanted.patience().isZero()) {
      waiting.start();
    }
    try {
      return lock.lease(wanted.ttl(), wanted.patience());
    } finally {
      waiting.end();
    }
  }

  /// A lease whose handle cannot be told is nobody's: it is given back.
  private static void answer(
      Lease lease, Wanted wanted, String owner, @Nullable String kept, Console console) {
    if (wanted.json()) {
      console.print(
          Json.object()
              .put("schema", "truce.lease/1")
              .put("lock", lease.lock())
              .put("mode", wanted.read() ? "read" : "write")
              .put("lease", lease.handle())
              .put("lease_id", lease.id())
              .put("token", lease.token())
              .put("owner", owner)
              .put("ttl_ms", wanted.ttl().toMillis())
              .put("expires_at", Leases.at(lease.expiresAt()))
              .toString());
    } else {
      console.print(wanted.environment() ? environment(lease, kept) : lease.handle());
    }
    console.out().flush();
    if (console.out().checkError()) {
      lease.release();
    }
  }

  /// `export TRUCE_LEASE='tl_...' TRUCE_LOCK='build' TRUCE_TOKEN='7'`, and `TRUCE_GRANTS` where a
  /// lease was there before that still counts.
  private static String environment(Lease lease, @Nullable String kept) {
    return "export TRUCE_LEASE="
        + Text.quoted(lease.handle())
        + " TRUCE_LOCK="
        + Text.quoted(lease.lock())
        + " TRUCE_TOKEN="
        + Text.quoted(Long.toString(lease.token()))
        + (kept == null ? "" : " TRUCE_GRANTS=" + Text.quoted(kept));
  }

  private static void refused(
      NotAcquiredException refused, Wanted wanted, String owner, Console console) {
    if (wanted.environment() && !wanted.json()) {
      console.print(NO_LEASE);
    }
    if (wanted.json()) {
      console.print(Refusals.json(refused.refusal(), owner));
    } else if (!wanted.quiet() || refused.refusal().ticket().isPresent()) {
      console.error(Refusals.text(refused.refusal(), wanted.patience(), "not acquired"));
    }
  }
}
