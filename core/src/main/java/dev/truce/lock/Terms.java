package dev.truce.lock;

import dev.truce.Owner;
import java.time.Duration;

/// What a lease or a ticket says of itself where a member's description says it for a grant.
///
/// @param owner who; of no process
/// @param ttl for how long it lasts when it is renewed
record Terms(Owner owner, Duration ttl, Bounds bounds, String reason) {
  /// The same lease, renewed once more.
  Terms renewed() {
    return new Terms(owner, ttl, bounds.renewed(), reason);
  }

  /// What is said where a lease was given back before its [time][Bounds#atLeast].
  Terms kept() {
    return new Terms(owner, ttl, Bounds.NONE, "given back, and kept for its least time");
  }

  String write() {
    return Fields.write(
        owner.name(),
        owner.host(),
        Long.toString(ttl.toNanos()),
        Integer.toString(bounds.renewals()),
        Long.toString(bounds.atLeast().toNanos()),
        reason);
  }

  static Terms read(String text) {
    String[] fields = Fields.read(text, 6);
    Duration ttl = Duration.ofNanos(Fields.number(fields[2], Long.MAX_VALUE));
    int renewals = (int) Fields.number(fields[3], Bounds.UNBOUNDED);
    Duration atLeast = Duration.ofNanos(Fields.number(fields[4], Long.MAX_VALUE));
    return new Terms(
        new Owner(fields[0], fields[1], 0), ttl, new Bounds(renewals, atLeast), fields[5]);
  }
}
