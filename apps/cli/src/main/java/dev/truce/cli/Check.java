package dev.truce.cli;

import dev.truce.Fence;
import dev.truce.Truce;
import dev.truce.lock.LockStatus;

/// `truce check`: is this token current? A look, not a fence.
final class Check {
  private Check() {}

  static int run(Options options, Console console) {
    if (options.has("lease")) {
      return Leases.check(options, console);
    }
    String name = options.lock();
    String fromParent = console.variable("TRUCE_LOCK");
    if (name == null) {
      name = fromParent;
    }
    if (name == null) {
      throw Failure.usage(Verb.CHECK, "which lock? There is no TRUCE_LOCK in the environment");
    }
    long token = options.number("token", 1, Fence.MAX_TOKEN, 0);
    if (token == 0) {
      token =
          name.equals(fromParent)
              ? tokenOfParent(console)
              : Grants.token(Place.find(options, console), name, console);
    }
    if (token == 0) {
      throw Failure.usage(
          Verb.CHECK, "which token? None of " + name + " is in the environment: give --token");
    }
    LockStatus status;
    try (Truce truce = Look.at(options, console)) {
      status = truce.lock(name).status();
    }
    boolean current = status.isCurrent(token);
    if (options.has("json")) {
      console.print(json(status, token, current));
    }
    return current ? 0 : Failure.MOVED_ON;
  }

  static String json(LockStatus status, long token, boolean current) {
    return Json.object()
        .put("schema", "truce.check/1")
        .put("lock", status.lock())
        .put("token", token)
        .put("current", current)
        .put("state", Holders.word(status.state()))
        .put("current_token", status.token())
        .toString();
  }

  private static long tokenOfParent(Console console) {
    String text = console.variable("TRUCE_TOKEN");
    try {
      long token = text == null ? 0 : Long.parseLong(text);
      if (token > 0 && token <= Fence.MAX_TOKEN) {
        return token;
      }
    } catch (NumberFormatException noNumber) {
      // said below
    }
    if (text == null) {
      return 0;
    }
    throw Failure.usage(Verb.CHECK, "TRUCE_TOKEN is no token: " + text);
  }
}
