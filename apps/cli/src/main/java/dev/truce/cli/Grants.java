package dev.truce.cli;

import dev.truce.lock.Grant;
import dev.truce.lock.LockSet;
import java.util.ArrayList;
import java.util.List;

/// What the command is told of the locks it runs under, in its environment.
final class Grants {
  private Grants() {}

  /// The words of `go`.
  static String[] go(LockSet.Held held, Place place, RunOptions run, String owner) {
    String first = run.wanted().getFirst().name();
    Grant leading = held.grants().getFirst();
    List<Json> all = new ArrayList<>();
    for (Grant grant : held.grants()) {
      if (grant.lock().equals(first)) {
        leading = grant;
      }
      all.add(
          Json.object()
              .put("lock", grant.lock())
              .put("mode", Holders.word(grant.mode()))
              .put("token", grant.token())
              .put("lease_id", grant.id()));
    }
    return new String[] {
      "go",
      Integer.toString(run.line()),
      "TRUCE_LOCK=" + leading.lock(),
      "TRUCE_TOKEN=" + leading.token(),
      "TRUCE_GRANTS=" + head(place).put("grants", all),
      "TRUCE_LEASE_ID=" + leading.id(),
      "TRUCE_OWNER=" + owner,
      "TRUCE_DIR=" + place.directory(),
      ""
    };
  }

  /// Whether the grants in the environment are of this root: an id of another one could name a
  /// stranger's grant here.
  static boolean areOf(Place place, Console console) {
    String grants = console.variable("TRUCE_GRANTS");
    String head = head(place).toString();
    return grants != null && grants.startsWith(head.substring(0, head.length() - 1) + ",");
  }

  private static Json head(Place place) {
    return Json.object().put("schema", "truce.grants/1").put("dir", place.directory().toString());
  }
}
