package dev.truce.cli;

import dev.truce.Owner;
import dev.truce.Truce;
import dev.truce.lock.LockStatus;
import dev.truce.lock.LockStatus.Holder;
import dev.truce.lock.LockWait;
import dev.truce.lock.NamedLock.Mode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/// `truce why NAME`: who holds it, who waits, and what frees it.
final class Why {
  private Why() {}

  static int run(Options options, Console console) {
    String name = options.lock();
    if (name == null) {
      throw Failure.usage(Verb.WHY, "which lock?");
    }
    LockStatus status;
    Behind behind;
    try (Truce truce = Look.at(options, console)) {
      status = truce.lock(name).status();
      behind = Behind.of(truce, status);
    }
    if (options.has("json")) {
      console.print(json(status, behind, Instant.now()));
    } else {
      lines(status, behind).forEach(console::print);
    }
    return 0;
  }

  static String json(LockStatus status, Behind behind, Instant now) {
    Json json =
        Json.object()
            .put("schema", "truce.why/1")
            .put("lock", status.lock())
            .put("state", Holders.word(status.state()));
    Holders.mode(json, status)
        .put("token", status.token())
        .put("holders", holders(status.lock(), status.holders(), behind, List.of(), now))
        .put("queue", Holders.queue(status))
        .put("waiting", status.waiting());
    String unblock = unblock(status, behind);
    return (unblock.isEmpty() ? json.putNull("unblock") : json.put("unblock", unblock)).toString();
  }

  /// @param above the locks on the way to this one
  private static List<Json> holders(
      String lock, List<Holder> holders, Behind behind, List<String> above, Instant now) {
    List<String> way = and(above, lock);
    List<Json> all = new ArrayList<>();
    for (Holder holder : holders) {
      List<Json> waits = new ArrayList<>();
      for (LockWait wait : behind.of(lock, holder)) {
        boolean ring = way.contains(wait.lock());
        List<Holder> next = ring ? List.of() : behind.at(wait).holders();
        waits.add(
            Json.object()
                .put("lock", wait.lock())
                .put("mode", Holders.word(wait.mode()))
                .put("ring", ring)
                .put("holders", holders(wait.lock(), next, behind, way, now)));
      }
      all.add(Holders.holder(holder, now).put("waits_for", waits));
    }
    return all;
  }

  private static List<String> and(List<String> some, String one) {
    List<String> all = new ArrayList<>(some);
    all.add(one);
    return all;
  }

  static List<String> lines(LockStatus status, Behind behind) {
    List<String> lines = new ArrayList<>();
    String name = Text.shown(status.lock());
    if (status.holders().isEmpty()) {
      lines.add(
          name
              + (status.queue().isEmpty() ? " is free" : " is on its way to the next that waits")
              + (status.token() == 0 ? "" : ", last token " + status.token()));
    }
    for (Holder holder : status.holders()) {
      lines.add(name + " " + holding(status, holder));
      behind(lines, status.lock(), holder, behind, List.of());
    }
    for (LockStatus.Waiter waiter : status.queue()) {
      lines.add("  " + waiting(waiter));
    }
    String unblock = unblock(status, behind);
    if (!unblock.isEmpty()) {
      lines.add(
          "  it frees when "
              + unblock
              + "; by force: truce revoke "
              + Text.word(status.lock())
              + " --reason TEXT");
    }
    return lines;
  }

  /// The tree of what a holder waits for, each step further in.
  private static void behind(
      List<String> lines, String lock, Holder holder, Behind behind, List<String> above) {
    List<String> way = and(above, lock);
    String indent = "  ".repeat(way.size() + 1);
    for (LockWait wait : behind.of(lock, holder)) {
      String waits = indent + "it waits for " + Text.shown(wait.lock());
      if (way.contains(wait.lock())) {
        lines.add(waits + ", which one of those above holds: a ring");
        continue;
      }
      LockStatus next = behind.at(wait);
      lines.add(
          waits
              + " ("
              + Holders.word(wait.mode())
              + (next.holders().isEmpty()
                  ? "), which is on its way to the next that waits"
                  : "), which"));
      for (Holder further : next.holders()) {
        lines.add(indent + "  " + holding(next, further));
        behind(lines, wait.lock(), further, behind, way);
      }
    }
  }

  private static String holding(LockStatus status, Holder holder) {
    StringBuilder text =
        new StringBuilder("is held ")
            .append(purpose(status, holder))
            .append(" by ")
            .append(Text.who(holder.owner()))
            .append(" for ")
            .append(Text.span(holder.heldFor()))
            .append(", token ")
            .append(holder.token());
    if (holder.branch()) {
      text.append(", within another holder's grant");
    }
    if (!holder.reason().isEmpty()) {
      text.append(", \"").append(Text.shown(holder.reason())).append('"');
    }
    text.append("; ")
        .append(
            switch (holder.alive()) {
              case YES -> "alive";
              case NO -> "dead";
              case UNKNOWN -> "not known to be alive";
            });
    return text.append(": ").append(Text.shown(holder.evidence())).toString();
  }

  private static String purpose(LockStatus status, Holder holder) {
    if (status.permits() > 1) {
      return "(one of " + status.permits() + " permits)";
    }
    return holder.mode() == Mode.READ ? "for reading" : "for writing";
  }

  private static String waiting(LockStatus.Waiter waiter) {
    return waiter.position()
        + ". "
        + Text.who(waiter.owner())
        + waiter.ticket().map(id -> " (ticket " + id + ")").orElse("")
        + (waiter.waiters() > 1 ? " x" + waiter.waiters() : "")
        + " "
        + Holders.word(waiter.mode())
        + " "
        + Text.span(waiter.waitedFor())
        + (waiter.absent() ? " (does not answer)" : "")
        + (waiter.reason().isEmpty() ? "" : ", \"" + Text.shown(waiter.reason()) + "\"");
  }

  /// What has to happen for it to be free, empty when it is.
  private static String unblock(LockStatus status, Behind behind) {
    List<String> ends = new ArrayList<>();
    for (Holder holder : status.holders()) {
      if (!holder.branch()) {
        List<LockWait> waits = behind.of(status.lock(), holder);
        ends.add(
            end(holder)
                + (waits.isEmpty()
                    ? ""
                    : " (it waits for " + Text.shown(waits.getFirst().lock()) + ")"));
      }
    }
    return String.join(" and ", ends);
  }

  private static String end(Holder holder) {
    if (holder.alive() == LockStatus.Alive.NO) {
      return "the next one asks for it, as its holder is dead";
    }
    if (holder.expiresIn().isPresent()) {
      return "its term is over in " + Text.span(holder.expiresIn().get());
    }
    Owner owner = holder.owner();
    if (owner.pid() == 0) {
      return Text.who(owner) + " gives it back";
    }
    return isGone(owner)
        ? "what pid " + owner.pid() + " left running ends"
        : "pid " + owner.pid() + " ends";
  }

  /// Whether the process that a run was called as has ended here, and what it started has not.
  private static boolean isGone(Owner owner) {
    return owner.host().equals(Console.host())
        && !Files.exists(Path.of("/proc", Long.toString(owner.pid())));
  }
}
