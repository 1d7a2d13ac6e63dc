package dev.truce.cli;

import dev.truce.Fence;
import dev.truce.lock.Grant;
import dev.truce.lock.LockSet;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What the command is told of the locks it runs under, in its environment.
///
/// `TRUCE_GRANTS` has one object for each grant, those of the nearest `truce run` first, and is
/// read back here without a parser: it is written by this class alone, in this order of keys, and
/// inside a JSON string no quote stands without a backslash before it.
final class Grants {
  private static final String HEAD = "{\"schema\":\"truce.grants/1\",\"grants\":[";
  private static final String TAIL = "]}";

  private Grants() {}

  /// The words of `go`.
  static String[] go(
      LockSet.Held held, Place place, RunOptions run, String owner, Console console) {
    String first = run.wanted().getFirst().name();
    Grant leading = held.grants().getFirst();
    List<String> all = new ArrayList<>();
    for (Grant grant : held.grants()) {
      if (grant.lock().equals(first)) {
        leading = grant;
      }
      String json =
          Json.object()
              .put("dir", root(place))
              .put("lock", grant.lock())
              .put("mode", Holders.word(grant.mode()))
              .put("token", grant.token())
              .put("lease_id", grant.id())
              .toString();
      all.add(json);
    }
    String inherited = inherited(console);
    if (!inherited.isEmpty()) {
      all.add(inherited);
    }
    return new String[] {
      "go",
      Integer.toString(run.line()),
      "TRUCE_LOCK=" + leading.lock(),
      "TRUCE_TOKEN=" + leading.token(),
      "TRUCE_GRANTS=" + HEAD + String.join(",", all) + TAIL,
      "TRUCE_LEASE_ID=" + leading.id(),
      "TRUCE_OWNER=" + owner,
      "TRUCE_DIR=" + place.directory(),
      ""
    };
  }

  /// The id of the nearest grant in the environment that is of this root: an id of another root
  /// could name a stranger's grant here. Who takes `TRUCE_LEASE_ID` out of the environment wants no
  /// part in any.
  static @Nullable String parent(Place place, Console console) {
    String nearest = console.variable("TRUCE_LEASE_ID");
    if (nearest == null || !inherited(console).contains(":\"" + nearest + "\"}")) {
      return null;
    }
    return value(console, Json.object().put("dir", root(place)), "lease_id");
  }

  /// The token of the nearest grant of this lock, 0 for none.
  static long token(Place place, String lock, Console console) {
    Json grant = Json.object().put("dir", root(place)).put("lock", lock);
    String token = value(console, grant, "token");
    try {
      return token == null ? 0 : Long.parseLong(token);
    } catch (NumberFormatException notOurs) {
      return 0;
    }
  }

  /// What a write here rests on: the tokens of the runs that this is a part of, where they are of
  /// this root, and of what `acquire --env` has put into the environment. Of one lock the nearest
  /// counts. Null where there is none.
  ///
  /// @throws Failure if it cannot be told: nobody shall write without the fence that was meant
  static @Nullable Fence fence(Place place, Console console) {
    SortedMap<String, Long> tokens = new TreeMap<>();
    String root = root(place);
    String lock = console.variable("TRUCE_LOCK");
    long token = lock == null ? 0 : token(console);
    boolean inherited = false;
    for (Known grant : known(console)) {
      if (grant.dir.equals(root)) {
        tokens.putIfAbsent(grant.lock, grant.token);
      }
      inherited |= grant.lock.equals(lock) && grant.token == token;
    }
    if (lock != null && !inherited) {
      tokens.put(lock, token);
    }
    return tokens.isEmpty() ? null : new Fence(tokens);
  }

  private static long token(Console console) {
    String text = console.variable("TRUCE_TOKEN");
    try {
      long token = text == null ? 0 : Long.parseLong(text);
      if (token > 0 && token <= Fence.MAX_TOKEN) {
        return token;
      }
    } catch (NumberFormatException noNumber) {
      // said below
    }
    throw Failure.configuration(
        "TRUCE_LOCK is set and TRUCE_TOKEN is no token: --no-fence writes without them");
  }

  /// A grant in the environment.
  private record Known(String dir, String lock, long token) {}

  private static List<Known> known(Console console) {
    String grants = console.variable("TRUCE_GRANTS");
    List<Known> known = new ArrayList<>();
    if (grants != null) {
      try {
        Scan scan = new Scan(grants);
        scan.skip(HEAD);
        do {
          scan.skip("{\"dir\":");
          String dir = scan.text();
          scan.skip(",\"lock\":");
          String lock = scan.text();
          scan.skip(",\"mode\":");
          scan.text();
          scan.skip(",\"token\":");
          known.add(new Known(dir, lock, scan.number()));
          scan.skip(",\"lease_id\":");
          scan.text();
          scan.skip("}");
        } while (scan.skips(","));
        scan.skip(TAIL);
      } catch (IllegalArgumentException | IndexOutOfBoundsException foreign) {
        throw Failure.configuration(
            "TRUCE_GRANTS is not as this release writes it: --no-fence writes without it");
      }
    }
    return known;
  }

  /// Goes through JSON of which it is known what stands where.
  private static final class Scan {
    private final String json;
    private int at;

    Scan(String json) {
      this.json = json;
    }

    boolean skips(String expected) {
      boolean there = json.startsWith(expected, at);
      at += there ? expected.length() : 0;
      return there;
    }

    void skip(String expected) {
      if (!skips(expected)) {
        throw new IllegalArgumentException(expected);
      }
    }

    long number() {
      int from = at;
      while (Character.isDigit(json.charAt(at))) {
        at++;
      }
      return Long.parseLong(json.substring(from, at));
    }

    String text() {
      skip("\"");
      StringBuilder text = new StringBuilder();
      for (char c = json.charAt(at++); c != '"'; c = json.charAt(at++)) {
        text.append(c == '\\' ? escaped() : c);
      }
      return text.toString();
    }

    private char escaped() {
      char c = json.charAt(at++);
      switch (c) {
        case 'n' -> c = '\n';
        case 'r' -> c = '\r';
        case 't' -> c = '\t';
        case 'u' -> {
          c = (char) Integer.parseInt(json, at, at + 4, 16);
          at += 4;
        }
        default -> {}
      }
      return c;
    }
  }

  /// What the first grant that begins like this has under `key`.
  private static @Nullable String value(Console console, Json begins, String key) {
    String grants = inherited(console);
    String object = begins.toString();
    int at = grants.indexOf(object.substring(0, object.length() - 1) + ",");
    String name = "\"" + key + "\":";
    int from = at < 0 ? -1 : grants.indexOf(name, at);
    if (from < 0) {
      return null;
    }
    from += name.length();
    int end = from;
    while (end < grants.length() && ",}".indexOf(grants.charAt(end)) < 0) {
      end++;
    }
    return grants.substring(from, end).replace("\"", "");
  }

  /// The objects in the environment, separated by commas.
  private static String inherited(Console console) {
    String grants = console.variable("TRUCE_GRANTS");
    return grants != null && grants.startsWith(HEAD) && grants.endsWith(TAIL)
        ? grants.substring(HEAD.length(), grants.length() - TAIL.length())
        : "";
  }

  /// The same for every path that leads there.
  private static String root(Place place) {
    Path directory = place.directory();
    try {
      return directory.toRealPath().toString();
    } catch (IOException unreadable) {
      return directory.toString();
    }
  }
}
