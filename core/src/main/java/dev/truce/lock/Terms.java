package dev.truce.lock;

import dev.truce.Owner;
import java.time.Duration;

/// What a lease or a ticket says of itself where a member's description says it for a grant.
///
/// @param owner who; of no process
/// @param ttl for how long it lasts when it is renewed
record Terms(Owner owner, Duration ttl, String reason) {
  String write() {
    return Fields.write(owner.name(), owner.host(), Long.toString(ttl.toNanos()), reason);
  }

  static Terms read(String text) {
    String[] fields = Fields.read(text, 4);
    Duration ttl = Duration.ofNanos(Fields.number(fields[2], Long.MAX_VALUE));
    return new Terms(new Owner(fields[0], fields[1], 0), ttl, fields[3]);
  }
}
