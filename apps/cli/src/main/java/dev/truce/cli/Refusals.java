package dev.truce.cli;

import dev.truce.lock.LockStatus.Holder;
import dev.truce.lock.Refusal;
import java.time.Duration;
import java.time.Instant;
import java.util.stream.Collectors;

/// Why the locks were not had, in words and as an object.
final class Refusals {
  /// For so long the lock is kept for a ticket whose turn has come.
  private static final long RETRY_AFTER_MILLIS = 5_000;

  private Refusals() {}

  /// `truce: backup is held by root@db1 (pid 911) for 12m; not run`.
  static String text(Refusal refusal, Duration wait, String outcome) {
    StringBuilder text = new StringBuilder("truce: ").append(Text.shown(refusal.lock()));
    if (refusal.limit().isPresent()) {
      return text.append(" has ")
          .append(permits(refusal.limit().getAsInt()))
          .append(", another number than was asked for; ")
          .append(outcome)
          .toString();
    }
    if (refusal.holder().isPresent()) {
      Holder holder = refusal.holder().get();
      text.append(" is held by ")
          .append(Text.who(holder.owner()))
          .append(" for ")
          .append(Text.span(holder.heldFor()));
    } else {
      text.append(" is waited for by others");
    }
    switch (refusal.kind()) {
      case HELD, OTHER_LIMIT -> {}
      case TIMEOUT -> {
        int ahead = refusal.position().orElse(1) - 1;
        text.append(ahead > 0 ? ", " + ahead + " ahead of you" : "")
            .append("; not had within ")
            .append(Text.exact(wait));
      }
      case QUEUE_FULL -> text.append(", and too many wait for it already");
      case DEADLOCK -> text.append(ring(refusal)).append(": waiting would never end");
    }
    text.append("; ").append(outcome);
    refusal
        .ticket()
        .ifPresent(ticket ->
            text.append(": your place is kept, take it up with ").append(again(refusal, ticket)));
    if (refusal.kind() == Refusal.Kind.DEADLOCK) {
      text.append(": ").append(hint(refusal));
    }
    return text.toString();
  }

  private static String ring(Refusal refusal) {
    return refusal.cycle().isEmpty()
        ? ", and this run is a part of that"
        : refusal.cycle().stream()
            .map(link ->
                Text.who(link.owner())
                    + " has "
                    + Text.shown(link.holds())
                    + " and waits for "
                    + Text.shown(link.waitsFor()))
            .collect(Collectors.joining(", ", ", and they wait for each other: ", ""));
  }

  /// With which status it ends: where waiting would not help, with none that says it does.
  static int status(Refusal refusal, int usual) {
    return refusal.kind() == Refusal.Kind.OTHER_LIMIT ? Failure.CONFIGURATION : usual;
  }

  static String json(Refusal refusal, String owner) {
    Json json =
        Json.object()
            .put("schema", "truce.refusal/1")
            .put(
                "kind",
                switch (refusal.kind()) {
                  case HELD -> "held";
                  case TIMEOUT -> "timeout";
                  case QUEUE_FULL -> "queue_full";
                  case DEADLOCK -> "deadlock";
                  case OTHER_LIMIT -> "other_limit";
                })
            .put("lock", refusal.lock())
            .put("mode", Holders.word(refusal.mode()));
    boolean same = false;
    if (refusal.holder().isPresent()) {
      Holder holder = refusal.holder().get();
      same = holder.owner().name().equals(owner);
      json.put("holder", Holders.owner(holder)).put("held_ms", holder.heldFor().toMillis());
      if (holder.expiresIn().isPresent()) {
        json.put("expires_at", Instant.now().plus(holder.expiresIn().get()).toString());
      }
      json.put("alive", Holders.word(holder.alive())).put("alive_evidence", holder.evidence());
    } else {
      json.putNull("holder").putNull("held_ms").putNull("alive").putNull("alive_evidence");
    }
    json.put("same_owner", same).put("ticket", refusal.ticket().orElse(null));
    if (refusal.position().isPresent()) {
      json.put("position", refusal.position().getAsInt());
    } else {
      json.putNull("position");
    }
    if (!refusal.cycle().isEmpty()) {
      json.put("cycle", refusal.cycle().stream().map(Refusals::link).toList());
    }
    refusal.limit().ifPresent(limit -> json.put("limit", limit));
    return (refusal.ticket().isPresent()
            ? json.put("retry_after_ms", RETRY_AFTER_MILLIS)
            : json.putNull("retry_after_ms"))
        .put("hint", hint(refusal))
        .toString();
  }

  private static String permits(int limit) {
    return limit == 1 ? "one permit, as a lock has" : limit + " permits";
  }

  private static Json link(Refusal.Link link) {
    return Json.object()
        .put("owner", Holders.owner(link.owner()))
        .put("holds", link.holds())
        .put("waits_for", link.waitsFor())
        .put("mode", Holders.word(link.mode()));
  }

  private static String again(Refusal refusal, String ticket) {
    return "truce acquire " + Text.word(refusal.lock()) + " --ticket " + ticket;
  }

  private static String hint(Refusal refusal) {
    if (refusal.ticket().isPresent()) {
      return again(refusal, refusal.ticket().get());
    }
    String why = "truce why " + Text.word(refusal.lock());
    return switch (refusal.kind()) {
      case HELD -> "wait with -w 5m, or see: " + why;
      case TIMEOUT -> "wait longer with -w, or see: " + why;
      case QUEUE_FULL -> "try again later, or see: " + why;
      case DEADLOCK -> "give back what you hold, then repeat";
      case OTHER_LIMIT ->
          "ask with truce run --permit "
              + Text.word(refusal.lock() + ":" + refusal.limit().orElseThrow());
    };
  }
}
