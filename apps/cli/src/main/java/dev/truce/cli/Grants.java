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
/// read back here without a parser: it is written by this class alone, in this order of keys. A
/// lease that a shell has evaluated is in `TRUCE_LOCK` and `TRUCE_TOKEN`, which do not say of which
/// root; what overwrites those puts it here, with null for what is not known of it.
final class Grants {
  private static final String HEAD = "{\"schema\":\"truce.grants/1\",\"grants\":[";
  private static final String TAIL = "]}";

  private Grants() {}

  /// The words of `go`.
  ///
  /// @param outer the objects of what the run itself runs under, from [#outer]
  static String[] go(LockSet.Held held, Place place, RunOptions run, String owner, String outer) {
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
    if (!outer.isEmpty()) {
      all.add(outer);
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

  /// What the environment tells of, as objects separated by commas, the lease of `TRUCE_LOCK` among
  /// them: for whoever overwrites that.
  ///
  /// @throws Failure if its token cannot be told: it would be lost unseen
  static String outer(Console console) {
    String inherited = inherited(console);
    Known lease = lease(ours(console), console);
    if (lease == null) {
      return inherited;
    }
    String json =
        Json.object()
            .put("dir", (String) null)
            .put("lock", lease.lock)
            .put("mode", (String) null)
            .put("token", lease.token)
            .put("lease_id", (String) null)
            .toString();
    return inherited.isEmpty() ? json : json + "," + inherited;
  }

  /// The variable that keeps what the environment tells of where `lock` takes the place of what is
  /// in `TRUCE_LOCK`; null where it is kept already.
  static @Nullable String kept(String lock, Console console) {
    Known lease = lease(known(console), console);
    return lease == null || lease.lock.equals(lock) ? null : HEAD + outer(console) + TAIL;
  }

  /// The lease in `TRUCE_LOCK` and `TRUCE_TOKEN`, null where what is there is a grant of a run.
  private static @Nullable Known lease(List<Known> grants, Console console) {
    String lock = console.variable("TRUCE_LOCK");
    if (lock == null) {
      return null;
    }
    Known lease = new Known("", lock, token(console), "");
    for (Known grant : grants) {
      if (grant.lock.equals(lock) && grant.token == lease.token) {
        return null;
      }
    }
    return lease;
  }

  /// The id of the nearest grant in the environment that is of this root: an id of another root
  /// could name a stranger's grant here. Who takes `TRUCE_LEASE_ID` out of the environment wants no
  /// part in any.
  static @Nullable String parent(Place place, Console console) {
    String nearest = console.variable("TRUCE_LEASE_ID");
    List<Known> grants = ours(console);
    if (nearest != null && grants.stream().anyMatch(grant -> grant.id.equals(nearest))) {
      String root = root(place);
      for (Known grant : grants) {
        if (grant.dir.equals(root)) {
          return grant.id;
        }
      }
    }
    return null;
  }

  /// The token of the nearest grant of this lock, 0 for none.
  static long token(Place place, String lock, Console console) {
    String root = root(place);
    for (Known grant : ours(console)) {
      if (grant.lock.equals(lock) && grant.isOf(root)) {
        return grant.token;
      }
    }
    return 0;
  }

  /// What a write here rests on: the tokens of the runs that this is a part of, where they are of
  /// this root, and of what `acquire --env` has put into the environment. Of one lock the nearest
  /// counts. Null where there is none.
  ///
  /// @throws Failure if it cannot be told: nobody shall write without the fence that was meant
  static @Nullable Fence fence(Place place, Console console) {
    SortedMap<String, Long> tokens = new TreeMap<>();
    String root = root(place);
    List<Known> grants = known(console);
    for (Known grant : grants) {
      if (grant.isOf(root)) {
        tokens.putIfAbsent(grant.lock, grant.token);
      }
    }
    Known lease = lease(grants, console);
    if (lease != null) {
      tokens.put(lease.lock, lease.token);
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
        "TRUCE_LOCK is set and TRUCE_TOKEN is no token: unset both; --no-fence writes without them");
  }

  /// A grant in the environment.
  ///
  /// @param dir the root, empty where it may be any
  /// @param id empty of a lease, in which nothing can take part
  private record Known(String dir, String lock, long token, String id) {
    boolean isOf(String root) {
      return dir.isEmpty() || dir.equals(root);
    }
  }

  /// Those of this release: what is foreign is nobody's.
  private static List<Known> ours(Console console) {
    return inherited(console).isEmpty() ? List.of() : known(console);
  }

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
          long token = scan.number();
          scan.skip(",\"lease_id\":");
          known.add(new Known(dir, lock, token, scan.text()));
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

    /// Empty for null.
    String text() {
      if (skips("null")) {
        return "";
      }
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
