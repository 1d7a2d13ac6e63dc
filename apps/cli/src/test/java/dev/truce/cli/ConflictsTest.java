package dev.truce.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.truce.Truce;
import dev.truce.store.ConflictException;
import dev.truce.store.Resolver;
import dev.truce.store.Store;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Commits that were put aside: shown to a person, who decides.
class ConflictsTest {
  @TempDir private Path temp;
  private String id = "";

  private Captured truce(String... args) {
    return Captured.of(temp, Map.of(), args);
  }

  /// One writes while another one is about to, and that one's resolver puts it aside.
  @BeforeEach
  void park() {
    assertThat(truce("init").status()).isEqualTo(0);
    truce("store", "put", "s", "k", "base");
    id = parked(Map.of("k", "theirs"), "k");
  }

  /// The id of a commit to these keys, into which others come with theirs.
  private String parked(Map<String, String> theirs, String... keys) {
    try (Truce mine = Truce.open(temp.resolve(".truce"))) {
      Store<byte[]> store = mine.store("s").withResolver(Resolver.park());
      ConflictException refused =
          catchThrowableOfType(
              ConflictException.class,
              () ->
                  store.commit(draft -> {
                    theirs.forEach((key, value) -> truce("store", "put", "s", key, value));
                    for (String key : keys) {
                      draft.put(key, "ours".getBytes(UTF_8));
                    }
                  }));
      return refused.parked().orElseThrow();
    }
  }

  @Test
  void ls_andShow_haveAllSides() {
    assertThat(truce("store", "conflict", "ls").out())
        .startsWith("ID ")
        .containsPattern(id + "  s      k    \\d+s ago ");
    assertThat(truce("store", "conflict", "show", id).out())
        .contains(id + " of ", "\ns: k\n", "  base ", "  base", "  ours ", "  theirs ")
        .containsPattern("  base +1 +- +base\n")
        .containsPattern("  theirs +2 +.*theirs\n");
    assertThat(truce("store", "conflict", "show", id, "--json").out())
        .startsWith("{\"schema\":\"truce.parked/1\",\"id\":\"" + id + "\"")
        .contains("\"base\":{\"revision\":1,\"value\":\"base\"}", "\"decision\":null");
    assertThat(truce("store", "conflict", "ls", "--json").out())
        .startsWith("{\"schema\":\"truce.conflicts/1\",\"conflicts\":[{\"id\":\"" + id);
    assertThat(truce("store", "conflict", "show", "none").status()).isEqualTo(64);
  }

  @Test
  void resolve_isDoneOnce() {
    assertThat(truce("store", "conflict", "resolve", id).status()).isEqualTo(64);
    assertThat(truce("store", "conflict", "resolve", id, "--take", "mine").status()).isEqualTo(64);
    Captured decided = truce("store", "conflict", "resolve", id, "--take", "ours");
    assertThat(decided.status()).as(decided.err()).isEqualTo(0);
    assertThat(truce("store", "get", "s", "k").out()).isEqualTo("ours");
    assertThat(truce("store", "conflict", "ls").out()).hasLineCount(1);
    assertThat(truce("store", "conflict", "ls", "--all").out()).contains(id).contains("ours");
    String over = id + " was decided by ";
    Captured late = truce("store", "conflict", "resolve", id, "--take", "base");
    assertThat(late.status()).isEqualTo(76);
    assertThat(late.err())
        .startsWith("truce: " + over)
        .endsWith(": ours; nothing was written: look at what is there now\n")
        .hasLineCount(1);
    assertThat(truce("store", "conflict", "resolve", id, "--take", "base", "--json").out())
        .startsWith("{\"schema\":\"truce.conflict/1\",\"kind\":\"stale\",\"message\":\"" + over)
        .contains(": ours; nothing was written: look at what is there now\",")
        .contains("\"clashes\":[]");
    assertThat(truce("store", "get", "s", "k").out()).isEqualTo("ours");
  }

  @Test
  void resolve_withAValue_writesThat() {
    assertThat(truce("store", "conflict", "resolve", id, "--value", "both").status()).isEqualTo(0);
    assertThat(truce("store", "get", "s", "k").out()).isEqualTo("both");
  }

  /// After it has landed all that it wrote looks as if somebody was in the way.
  @Test
  void resolve_withAValue_isForOneKey_andMayBeRepeated() {
    String parked = parked(Map.of("k", "theirs again"), "k", "free");
    String uuid = UUID.randomUUID().toString();
    String[] resolve = {"store", "conflict", "resolve", parked, "--value", "both", "--id", uuid};
    Captured decided = truce(resolve);
    assertThat(decided.status()).as(decided.err()).isEqualTo(0);
    Captured repeated = truce(resolve);
    assertThat(repeated.status()).as(repeated.err()).isEqualTo(0);
    assertThat(repeated.out()).isEqualTo(decided.out());
    assertThat(truce("store", "get", "s", "free").out()).isEqualTo("ours");

    truce("store", "put", "s", "k", "theirs");
    String two = parked(Map.of("k", "theirs again", "free", "theirs"), "k", "free");
    Captured ofTwo = truce("store", "conflict", "resolve", two, "--value", "both");
    assertThat(ofTwo.status()).isEqualTo(64);
    assertThat(ofTwo.err())
        .startsWith("truce: it is about several keys, and --value is for one\nusage: ");
    assertThat(truce("store", "get", "s", "k").out()).isEqualTo("theirs again");
  }

  /// Who was in the way has taken it back: what is decided then is about all that it wants.
  @Test
  void resolve_nobodyIsInTheWayAnyMore_doesWhatItSays() {
    Map.of(
            List.of("--take", "theirs"), "",
            List.of("--take", "base"), "",
            List.of("--take", "ours"), "ours",
            List.of("--value", "both"), "both")
        .forEach((how, value) -> {
          String parked = parked(Map.of("new", "theirs"), "new");
          truce("store", "rm", "s", "new");
          List<String> resolve = new ArrayList<>(List.of("store", "conflict", "resolve", parked));
          resolve.addAll(how);
          Captured decided = truce(resolve.toArray(String[]::new));
          assertThat(decided.status()).as(decided.err()).isEqualTo(0);
          assertThat(truce("store", "get", "s", "new").out()).as("%s", how).isEqualTo(value);
          truce("store", "rm", "s", "new");
        });
    String two = parked(Map.of("new", "theirs"), "new", "free");
    assertThat(truce("store", "conflict", "show", two).out())
        .contains("\ns: new\n", "\ns: free, which nobody else has changed\n")
        .containsPattern("changed\n  base +- +- +-\n  ours +- +.*ours\n");
    truce("store", "rm", "s", "new");
    assertThat(truce("store", "conflict", "ls").out()).contains(two + "  s      free +1  ");
    assertThat(truce("store", "conflict", "show", two, "--json").out())
        .contains("\"clashes\":[],\"others\":[{\"store\":\"s\",\"key\":\"free\"");
    assertThat(truce("store", "conflict", "resolve", two, "--value", "both").err())
        .startsWith("truce: it is about several keys, and --value is for one\nusage: ");
    assertThat(truce("store", "get", "s", "free").status()).isEqualTo(1);
  }

  /// Decided under a lock, it lands only while that is held, in however many stores.
  @Test
  void resolve_ofSeveralStores_carriesTheFence_theIdAndTheDurability() {
    String several;
    try (Truce mine = Truce.open(temp.resolve(".truce"))) {
      Store<byte[]> store = mine.store("s").withResolver(Resolver.park());
      Store<byte[]> other = mine.store("t").withResolver(Resolver.park());
      other.put("k", "base".getBytes(UTF_8));
      ConflictException refused =
          catchThrowableOfType(
              ConflictException.class,
              () ->
                  store.commit(draft -> {
                    truce("store", "put", "s", "k", "theirs");
                    truce("store", "put", "t", "k", "theirs");
                    draft.put("k", "ours".getBytes(UTF_8));
                    draft.in(other).put("k", "ours".getBytes(UTF_8));
                  }));
      several = refused.parked().orElseThrow();
    }
    String[] resolve = {
      "store", "conflict", "resolve", several, "--take", "ours", "--json", "--durability", "os"
    };
    Map<String, String> lost = Map.of("TRUCE_LOCK", "build", "TRUCE_TOKEN", "1");
    assertThat(Captured.of(temp, lost, resolve).status()).isEqualTo(76);
    assertThat(truce("store", "get", "t", "k").out()).isEqualTo("theirs");
    String token =
        truce("acquire", "build", "--json").out().replaceAll(".*\"token\":(\\d+),.*\n", "$1");
    Captured decided =
        Captured.of(temp, Map.of("TRUCE_LOCK", "build", "TRUCE_TOKEN", token), resolve);
    assertThat(decided.status()).as(decided.out()).isEqualTo(0);
    assertThat(decided.out())
        .contains("\"durability\":\"os\"", "\"fence\":{\"build\":" + token + "}");
    assertThat(truce("store", "get", "s", "k", "--applied").out()).isEqualTo("ours");
    assertThat(truce("store", "get", "t", "k", "--applied").out()).isEqualTo("ours");
    assertThat(truce("store", "stats", "--json").out()).contains("\"parked\":1,");
  }
}
