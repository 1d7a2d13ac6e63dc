package dev.truce.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.truce.Truce;
import dev.truce.store.ConflictException;
import dev.truce.store.Resolver;
import dev.truce.store.Store;
import java.nio.file.Path;
import java.util.Map;
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
    try (Truce mine = Truce.open(temp.resolve(".truce"))) {
      Store<byte[]> store = mine.store("s").withResolver(Resolver.park());
      ConflictException refused =
          catchThrowableOfType(
              ConflictException.class,
              () ->
                  store.commit(draft -> {
                    truce("store", "put", "s", "k", "theirs");
                    draft.put("k", "ours".getBytes(UTF_8));
                  }));
      id = refused.parked().orElseThrow();
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
    assertThat(truce("store", "conflict", "resolve", id, "--take", "base").status()).isEqualTo(76);
    assertThat(truce("store", "get", "s", "k").out()).isEqualTo("ours");
  }

  @Test
  void resolve_withAValue_writesThat() {
    assertThat(truce("store", "conflict", "resolve", id, "--value", "both").status()).isEqualTo(0);
    assertThat(truce("store", "get", "s", "k").out()).isEqualTo("both");
  }
}
