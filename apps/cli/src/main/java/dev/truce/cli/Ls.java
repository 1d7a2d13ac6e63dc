package dev.truce.cli;

import dev.truce.Owner;
import dev.truce.Truce;
import dev.truce.lock.LockStatus;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/// `truce ls`: the locks that somebody holds or waits for.
final class Ls {
  private static final List<String> TITLES =
      List.of("LOCK", "MODE", "HOLDER", "HELD", "EXPIRES", "WAITING", "TOKEN");

  /// From this column on, numbers: they stand at the right.
  private static final int FIRST_NUMBER = 5;

  private Ls() {}

  static int run(Options options, Console console) {
    options.noOperands();
    List<LockStatus> locks;
    try (Truce truce = Look.at(options, console)) {
      locks = truce.status();
    }
    if (options.has("json")) {
      console.print(json(locks, Instant.now()));
    } else {
      table(locks).forEach(console::print);
    }
    return 0;
  }

  static String json(List<LockStatus> locks, Instant now) {
    List<Json> all = new ArrayList<>();
    for (LockStatus status : locks) {
      all.add(json(status, now));
    }
    return Json.object().put("schema", "truce.locks/1").put("locks", all).toString();
  }

  static Json json(LockStatus status, Instant now) {
    return Holders.mode(Json.object().put("lock", status.lock()), status)
        .put("state", Holders.word(status.state()))
        .put("token", status.token())
        .put("holders", Holders.holders(status, now))
        .put("waiting", status.waiting());
  }

  static List<String> table(List<LockStatus> locks) {
    List<List<String>> rows = new ArrayList<>();
    for (LockStatus status : locks) {
      rows.add(row(status));
    }
    return Table.of(TITLES, rows, FIRST_NUMBER);
  }

  private static List<String> row(LockStatus status) {
    List<LockStatus.Holder> holders = status.holders();
    String name = Text.shown(status.lock());
    String waiting = Integer.toString(status.waiting());
    String token = Long.toString(status.token());
    if (holders.isEmpty()) {
      return List.of(name, "-", Holders.word(status.state()), "-", "-", waiting, token);
    }
    LockStatus.Holder first = holders.getFirst();
    return List.of(
        name,
        Holders.how(status),
        holders(status),
        Text.span(first.heldFor()),
        first.expiresIn().map(Text::span).orElse("-"),
        waiting,
        token);
  }

  /// `ci@build-3:8112 +1`.
  static String holders(LockStatus status) {
    int more = status.holders().size() - 1;
    return brief(status.holders().getFirst().owner()) + (more > 0 ? " +" + more : "");
  }

  /// `ci@build-3:8112`.
  private static String brief(Owner owner) {
    return Text.shown(
        owner.name() + "@" + owner.host() + (owner.pid() == 0 ? "" : ":" + owner.pid()));
  }
}
