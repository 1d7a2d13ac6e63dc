package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.cli.Shell.Line;
import dev.truce.cli.Shell.Result;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The verbs of stores as processes beside each other.
class StoreIT {
  private static final int PUTS = Boolean.getBoolean("truce.full") ? 100 : 25;

  @TempDir private Path temp;
  private Shell shell;

  @BeforeEach
  void init() {
    shell = new Shell(temp);
    assertThat(Captured.of(temp, Map.of(), "init").status()).isEqualTo(0);
  }

  private Captured truce(String... args) {
    return Captured.of(temp, Map.of(), args);
  }

  @Test
  void theyPutBesideEachOther_andAllOfItIsThere() throws Exception {
    String loop = "for i in $(seq %d); do truce store put s %s-$i $i || exit; done";
    Line a = shell.start(loop.formatted(PUTS, "a"));
    Line b = shell.start(loop.formatted(PUTS, "b"));
    assertThat(a.result(PUTS).status() + b.result(PUTS).status()).isZero();
    assertThat(truce("store", "ls", "s", "--keys").out()).hasLineCount(2 * PUTS);
  }

  @Test
  void bytesOfAnyKind_comeBackAsTheyWere() throws Exception {
    assertThat(
            shell.out(
                "head -c 300000 /dev/urandom >a; printf '\\0\\n\\xff\\n\\n' >b; : >c; for f in a b c;"
                    + " do truce store put files $f - <$f && truce store get files $f | cmp - $f ||"
                    + " exit; done"))
        .isEqualTo("1\n2\n3\n");
  }

  @Test
  void aWriteUnderALockThatWasLost_isRefused() throws Exception {
    Result lost =
        shell.run(
            "truce run --on-lost warn build -- sh -c 'truce store put s k kept; truce revoke build"
                + " --reason test; truce store put s k late; echo $?; truce store get s k'",
            3);
    assertThat(lost.out()).isEqualTo("1\n76\nkept");
    assertThat(lost.err()).contains(" of build is not current").contains("nothing was written");
    assertThat(truce("store", "get", "s", "k").out()).isEqualTo("kept");
  }

  @Test
  void aLease_isTheFenceOfWhatIsWrittenUnderIt() throws Exception {
    Result released =
        shell.run(
            "eval \"$(truce acquire build --env)\" && truce store put s k v --json && truce release"
                + " && truce store put s k w",
            2);
    assertThat(released.status()).isEqualTo(76);
    assertThat(released.out()).contains("\"fence\":{\"build\":");
    assertThat(truce("store", "get", "s", "k").out()).isEqualTo("v");
  }

  /// The nested run has a lock of its own, in the same root: a write needs both.
  @Test
  void aNestedRun_writesUnderTheLocksOfAll() throws Exception {
    String json =
        shell.out("truce run outer -- truce run in\\\"ner -- truce store put s k v --json");
    assertThat(json).containsPattern("\"fence\":\\{\"in\\\\\"ner\":\\d+,\"outer\":\\d+}");
    assertThat(truce("init", "other").status()).isEqualTo(0);
    assertThat(shell.out("truce run outer -- truce store put s k v --dir other --json"))
        .contains("\"fence\":{}");
  }
}
