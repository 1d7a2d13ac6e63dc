package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every wrong way to use a lease, a ticket or force: what is answered, in words and as JSON, and
/// that nothing was granted, given back or put down.
class RefusedTest {
  @TempDir private static Path temp;
  private static Scene scene;

  /// What there is: in one root a lease of `build`, for which a ticket waits, and what has ended;
  /// and another root with a lease and a ticket for a lock of the same name and the same token.
  ///
  /// @param build a lease that stands
  /// @param back one that was given back
  /// @param over one whose term is over
  /// @param ended one that was ended by force
  /// @param ticket a place in the queue for `build`
  /// @param late one that is over
  /// @param elsewhere a lease of another root
  /// @param away a ticket of another root
  record Scene(
      String build,
      String back,
      String over,
      String ended,
      String ticket,
      String late,
      String elsewhere,
      String away) {}

  /// A wrong call.
  ///
  /// @param said what the message has, piece by piece
  record Case(
      String what, Function<Scene, List<String>> call, int status, String kind, String... said) {
    @Override
    public String toString() {
      return what;
    }
  }

  private static Captured truce(String... args) {
    return Captured.of(temp.resolve("here"), Map.of(), args);
  }

  private static Captured away(String... args) {
    return Captured.of(temp.resolve("there"), Map.of(), args);
  }

  @BeforeAll
  static void prepare() throws Exception {
    for (String root : List.of("here", "there")) {
      Files.createDirectories(temp.resolve(root));
    }
    assertThat(truce("init").status() + away("init").status()).isZero();
    String build = truce("acquire", "build").out().strip();
    String back = truce("acquire", "back").out().strip();
    assertThat(truce("release", back).status()).isZero();
    String over = truce("acquire", "over", "--ttl", "1s").out().strip();
    String ended = truce("acquire", "ended").out().strip();
    assertThat(truce("revoke", "ended", "--reason", "it hangs").status()).isZero();
    String late = ticket(truce("acquire", "build", "-n", "--ticket-ttl", "1s", "--json"));
    String elsewhere = away("acquire", "build").out().strip();
    String away = ticket(away("acquire", "build", "-n", "--ticket-ttl", "1h", "--json"));
    Shell.await("the term is over", () -> truce("check", "--lease", over).status() == 76);
    Shell.await(
        "the ticket is over", () -> truce("why", "build", "--json").out().contains("\"queue\":[]"));
    String ticket = ticket(truce("acquire", "build", "-n", "--ticket-ttl", "1h", "--json"));
    scene = new Scene(build, back, over, ended, ticket, late, elsewhere, away);
  }

  private static String ticket(Captured refused) {
    assertThat(refused.status()).isEqualTo(75);
    return LeaseIT.field(refused.out(), "ticket");
  }

  private static Function<Scene, List<String>> call(String... arguments) {
    return _ -> List.of(arguments);
  }

  private static String cut(String handle) {
    return handle.substring(0, handle.length() - 1);
  }

  private static String mistyped(String handle) {
    char last = handle.charAt(handle.length() - 8);
    return handle.substring(0, handle.length() - 8)
        + (last == '7' ? '8' : '7')
        + handle.substring(handle.length() - 7);
  }

  static Stream<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (List<String> verb : List.of(List.of("renew"), List.of("release"))) {
      cases.addAll(handles(verb));
      cases.add(lost(verb, "given back", Scene::back, "of back", "it was given back"));
      cases.add(lost(verb, "over", Scene::over, "of over", "its term is over", "anew"));
      cases.add(lost(verb, "ended by force", Scene::ended, "of ended", "it hangs", "anew"));
      cases.add(
          lost(verb, "of another root", Scene::elsewhere, "of build", "not known in " + temp));
    }
    cases.addAll(handles(List.of("check", "--lease")));
    cases.addAll(terms());
    cases.addAll(tickets());
    cases.addAll(force());
    return cases.stream();
  }

  private static List<Case> handles(List<String> verb) {
    String name = String.join(" ", verb);
    return List.of(
        with(verb, name + " without a lease", _ -> List.of(), "which lease?", "TRUCE_LEASE"),
        with(verb, name + " of nothing", _ -> List.of(""), "is empty"),
        with(verb, name + " of a name", _ -> List.of("build"), "not a lease", "tl_"),
        with(verb, name + " of a prefix", _ -> List.of("tl_"), "copy the whole"),
        with(verb, name + " of a cut one", s -> List.of(cut(s.build())), "was mistyped or cut"),
        with(verb, name + " of a wrong one", s -> List.of(mistyped(s.build())), "mistyped or cut"),
        with(verb, name + " of a ticket", s -> List.of(s.ticket()), "is a ticket, not a lease"),
        with(verb, name + " of two", s -> List.of(s.build(), s.over()), "one LEASE at a time"));
  }

  private static Case with(
      List<String> verb, String what, Function<Scene, List<String>> rest, String... said) {
    Function<Scene, List<String>> call =
        there -> Stream.concat(verb.stream(), rest.apply(there).stream()).toList();
    return new Case(what, call, 64, "usage", said);
  }

  private static Case lost(
      List<String> verb, String what, Function<Scene, String> lease, String... said) {
    return new Case(
        String.join(" ", verb) + " of one " + what,
        there -> Stream.concat(verb.stream(), Stream.of(lease.apply(there))).toList(),
        76,
        "lost",
        said);
  }

  private static List<Case> terms() {
    List<Case> cases = new ArrayList<>();
    for (String term : List.of("0", "0ms", "-1", "5x", "", "36501d", "99999999999999999999s")) {
      boolean none = term.startsWith("0");
      String said = none ? "would be over at once" : "takes a duration such as 250ms";
      cases.add(
          new Case(
              "renew for '" + term + "'",
              there -> List.of("renew", there.build(), "--ttl", term),
              64,
              "usage",
              "--ttl",
              said));
      for (String flag : List.of("--ttl", "--ticket-ttl")) {
        cases.add(
            new Case(
                "acquire with " + flag + " '" + term + "'",
                call("acquire", "new", "-n", flag, term),
                64,
                "usage",
                flag,
                said));
      }
    }
    return cases;
  }

  private static List<Case> tickets() {
    return List.of(
        ticket("a mistyped ticket", "build", s -> mistyped(s.ticket()), 64, "ticket was mistyped"),
        ticket("a cut ticket", "build", s -> cut(s.ticket()), 64, "ticket was mistyped or cut"),
        ticket("no ticket", "build", _ -> "", 64, "not a ticket", "tk_"),
        ticket("a lease for a ticket", "build", Scene::build, 64, "is a lease, not a ticket"),
        ticket("a ticket of another lock", "other", Scene::ticket, 64, "this ticket is for build"),
        ticket("a ticket that is over", "build", Scene::late, 76, "build is over", "ask for"),
        ticket("a ticket of another root", "build", Scene::away, 76, "never given in " + temp));
  }

  private static Case ticket(
      String what, String lock, Function<Scene, String> ticket, int status, String... said) {
    return new Case(
        what,
        there -> List.of("acquire", lock, "-n", "--ticket", ticket.apply(there)),
        status,
        status == 64 ? "usage" : "lost",
        said);
  }

  private static List<Case> force() {
    return List.of(
        new Case("revoke without a reason", call("revoke", "build"), 64, "usage", "--reason"),
        new Case(
            "revoke for no reason", call("revoke", "build", "--reason", ""), 64, "usage", "empty"),
        new Case("revoke of nothing", call("revoke", "--reason", "x"), 64, "usage", "which lock?"),
        new Case(
            "force without a reason", call("acquire", "build", "--force"), 64, "usage", "--reason"),
        new Case("no name", call("acquire", "", "-n"), 64, "usage", "name of a lock is empty"),
        new Case("two names", call("acquire", "a", "b"), 64, "usage", "one NAME at a time"),
        new Case(
            "a name that is too long",
            call("acquire", "n".repeat(256)),
            64,
            "usage",
            "at most 255 bytes, this one 256"),
        new Case(
            "a token that cannot be",
            call("check", "build", "--token", "9007199254740992"),
            64,
            "usage",
            "--token takes a number from 1 to 9007199254740991"));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void wrongCall_isRefusedInWordsAndChangesNothing(Case wrong) {
    String before = everything();
    String[] call = wrong.call().apply(scene).toArray(String[]::new);
    Captured text = truce(call);
    assertThat(text.status()).as(text.toString()).isEqualTo(wrong.status());
    assertThat(text.out()).isEmpty();
    assertThat(text.err()).startsWith("truce: ").contains(wrong.said());

    String[] asJson = Arrays.copyOf(call, call.length + 1);
    asJson[call.length] = "--json";
    Captured json = truce(asJson);
    assertThat(json.status()).isEqualTo(wrong.status());
    assertThat(json.err()).isEmpty();
    assertThat(json.out()).startsWith("{\"schema\":\"truce.error/1\"").hasLineCount(1);
    assertThat(LeaseIT.field(json.out(), "kind")).isEqualTo(wrong.kind());
    assertThat(LeaseIT.field(json.out(), "status")).isEqualTo(Integer.toString(wrong.status()));
    assertThat(json.out()).contains(wrong.said());
    assertThat(everything()).isEqualTo(before);
  }

  /// All that is held, waited for and put down.
  private static String everything() {
    return (truce("ls", "--json").out()
            + truce("why", "build", "--json").out()
            + truce("history", "--json").out())
        .replaceAll("_ms\":\\d+", "_ms\":MS")
        .replaceAll("expires_at\":\"[^\"]+", "expires_at\":\"AT")
        .replaceAll("is over in [^\"]+", "is over");
  }
}
