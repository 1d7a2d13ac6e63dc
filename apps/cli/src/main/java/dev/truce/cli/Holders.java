package dev.truce.cli;

import dev.truce.Owner;
import dev.truce.lock.LockStatus;
import dev.truce.lock.NamedLock.Mode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/// Holders and waiters as JSON, the same in every answer.
final class Holders {
  private Holders() {}

  static String word(Mode mode) {
    return mode == Mode.READ ? "read" : "write";
  }

  /// `read`, `write`, `permit`, or `-` where nobody holds it.
  static String how(LockStatus status) {
    return status.permits() > 1 && status.mode().isPresent()
        ? "permit"
        : status.mode().map(Holders::word).orElse("-");
  }

  /// How it is held, and how many permits there are where it is no lock.
  static Json mode(Json json, LockStatus status) {
    if (status.mode().isPresent()) {
      json.put("mode", word(status.mode().get()));
    } else {
      json.putNull("mode");
    }
    return status.permits() > 1 ? json.put("permits", status.permits()) : json;
  }

  static String word(LockStatus.State state) {
    return switch (state) {
      case FREE -> "free";
      case HELD -> "held";
      case OFFERED -> "offered";
      case ENDING -> "ending";
    };
  }

  static String word(LockStatus.Alive alive) {
    return switch (alive) {
      case YES -> "yes";
      case NO -> "no";
      case UNKNOWN -> "unknown";
    };
  }

  static Json owner(Owner who) {
    return owner(Json.object(), who);
  }

  static Json owner(Json json, Owner who) {
    json.put("owner", who.name()).put("host", who.host());
    return who.pid() == 0 ? json.putNull("pid") : json.put("pid", who.pid());
  }

  static Json owner(LockStatus.Holder holder) {
    Json owner = owner(holder.owner());
    if (holder.reason().isEmpty()) {
      owner.putNull("reason");
    } else {
      owner.put("reason", holder.reason());
    }
    return owner;
  }

  static Json holder(LockStatus.Holder holder, Instant now) {
    Json json =
        owner(holder)
            .put("mode", word(holder.mode()))
            .put("token", holder.token())
            .put("lease_id", holder.id())
            .put("branch", holder.branch())
            .put("held_ms", holder.heldFor().toMillis());
    if (holder.expiresIn().isPresent()) {
      json.put("expires_at", now.plus(holder.expiresIn().get()).toString());
    } else {
      json.putNull("expires_at");
    }
    return json.put("alive", word(holder.alive())).put("alive_evidence", holder.evidence());
  }

  static List<Json> holders(LockStatus status, Instant now) {
    List<Json> all = new ArrayList<>();
    for (LockStatus.Holder holder : status.holders()) {
      all.add(holder(holder, now));
    }
    return all;
  }

  static List<Json> queue(LockStatus status) {
    List<Json> all = new ArrayList<>();
    for (LockStatus.Waiter waiter : status.queue()) {
      all.add(waiter(waiter));
    }
    return all;
  }

  static Json waiter(LockStatus.Waiter waiter) {
    Json json =
        Json.object()
            .put("position", waiter.position())
            .put("owner", waiter.owner().name())
            .put("host", waiter.owner().host());
    if (waiter.owner().pid() == 0) {
      json.putNull("pid");
    } else {
      json.put("pid", waiter.owner().pid());
    }
    if (waiter.reason().isEmpty()) {
      json.putNull("reason");
    } else {
      json.put("reason", waiter.reason());
    }
    return json.put("mode", word(waiter.mode()))
        .put("waiting_ms", waiter.waitedFor().toMillis())
        .put("waiters", waiter.waiters())
        .put("absent", waiter.absent())
        .put("ticket", waiter.ticket().orElse(null));
  }
}
