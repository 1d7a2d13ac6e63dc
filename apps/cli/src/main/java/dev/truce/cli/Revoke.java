package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.lock.LockStatus;
import java.time.Instant;
import java.util.List;

/// `truce revoke`: ends by force whatever is held of a lock.
final class Revoke {
  private Revoke() {}

  static int run(Options options, Console console) {
    String name = options.lock();
    if (name == null) {
      throw Failure.usage(Verb.REVOKE, "which lock?");
    }
    String reason = RunOptions.reason(options, true);
    List<LockStatus.Holder> ended;
    try (Truce truce = Look.at(options, console)) {
      ended = truce.lock(name).revoke(reason);
    }
    if (options.has("json")) {
      Instant now = Instant.now();
      console.print(
          Json.object()
              .put("schema", "truce.revoke/1")
              .put("lock", name)
              .put("revoked", ended.stream().map(holder -> Holders.holder(holder, now)).toList())
              .toString());
    } else if (ended.isEmpty()) {
      console.error("truce: nobody holds " + Text.shown(name));
    }
    return ended.isEmpty() ? Failure.MOVED_ON : 0;
  }
}
