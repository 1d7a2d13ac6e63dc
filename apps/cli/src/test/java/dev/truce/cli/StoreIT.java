package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.cli.Shell.Line;
import dev.truce.cli.Shell.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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

  /// Whoever follows sees each commit once, in their order, as others make them.
  @Test
  void aWatch_tellsWhatOthersCommit_asTheyDo() throws Exception {
    Line watch = shell.start("exec truce store watch s --from 0 -n 6");
    assertThat(
            shell
                .run("for i in 1 2 3; do truce store put s k $i && truce store rm s k; done", 6)
                .status())
        .isZero();
    assertThat(watch.result(2).out())
        .isEqualTo(
            """
            1 put k 1
            1 --
            2 rm k
            2 --
            3 put k 1
            3 --
            4 rm k
            4 --
            5 put k 1
            5 --
            6 rm k
            6 --
            """);
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
  void aStdinThatIsClosed_isNotReadAsAnotherFile() throws Exception {
    for (String read : List.of("store put s k -", "store commit s", "release -")) {
      Result closed = shell.run("truce " + read + " <&-");
      assertThat(closed.status()).as(closed.err()).isEqualTo(74);
      assertThat(closed.err()).contains(" cannot be read: ");
    }
    assertThat(shell.out("truce store put s k v <&- && truce store get s k <&-")).isEqualTo("1\nv");
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
    assertThat(released.err()).contains("; after truce release, unset TRUCE_LOCK TRUCE_TOKEN;");
    assertThat(truce("store", "get", "s", "k").out()).isEqualTo("v");
    assertThat(
            shell.out(
                "eval \"$(truce acquire build --env)\" && truce release && unset TRUCE_LOCK"
                    + " TRUCE_TOKEN && truce store put s k w"))
        .isEqualTo("2\n");
  }

  @Test
  void aLeaseOfTheShell_isTheFenceOfWhatARunInItWrites() throws Exception {
    Result revoked =
        shell.run(
            "eval \"$(truce acquire rel --ttl 50s --env)\" && truce run other -- truce store put s k v"
                + " --json && truce run other -- truce check rel && truce revoke rel --reason test;"
                + " truce run other -- truce run more -- truce store put s nested 1; echo $?;"
                + " truce run other -- truce check rel; echo $?; truce store get s nested",
            1);
    assertThat(revoked.out()).contains("\"fence\":{\"other\":").endsWith("}\n76\n76\n");
    assertThat(revoked.out()).contains(",\"rel\":");
    assertThat(revoked.err()).contains(" of rel is not current");
    assertThat(shell.run("TRUCE_LOCK=rel TRUCE_TOKEN=soon truce run other -- true").status())
        .isEqualTo(78);
  }

  @Test
  void twoLeases_oneAfterTheOther_areBothTheFence() throws Exception {
    String both =
        "eval \"$(truce acquire a --env)\" && first=$TRUCE_LEASE && eval \"$(truce acquire b --env)\""
            + " && ";
    assertThat(
            shell.out(
                both
                    + "truce store put s k v --json | grep -o '\"[ab]\":' | tr -d '\n'"
                    + " && truce release && unset TRUCE_LEASE TRUCE_LOCK TRUCE_TOKEN"
                    + " && truce store put s k w --json | grep -o '\"[ab]\":'"
                    + " && truce release $first && unset TRUCE_GRANTS"
                    + " && truce store put s k x --json | grep -o '\"fence\":{}'"))
        .isEqualTo("\"a\":\"b\":\"a\":\n\"fence\":{}\n");
    Result revoked = shell.run(both + "truce revoke a --reason test; truce store put s k late");
    assertThat(revoked.status()).isEqualTo(76);
    assertThat(revoked.err()).contains(" of a is not current");
    assertThat(shell.out("truce store get s k")).isEqualTo("x");
  }

  /// Lines of many, imported by several processes at once, are there once each, sorted by bytes.
  @Test
  void severalImportsAtOnce_loseNothing() throws Exception {
    assertThat(
            shell.out(
                "for i in $(seq 20000); do echo $((i * 7919 % 30011))-é$i; echo $((i % 5000)); done"
                    + " >list; split -n l/4 list part-; for part in part-*; do truce store import s"
                    + " $part --lines --batch 500 >/dev/null || echo failed & done; wait; truce"
                    + " store export s --lines | cmp - <(LC_ALL=C sort -u list) && wc -l <list"))
        .isEqualTo("40000\n");
  }

  @Test
  void anImportThatIsKilled_leavesWholeBatches() throws Exception {
    Line killed =
        shell.start("seq -w 100000 >list; exec truce store import s list --lines --batch 100");
    Shell.await(
        "some batches are in", () -> truce("store", "ls", "s", "--keys").out().length() > 7 * 300);
    killed.signal("KILL");
    assertThat(killed.result().status()).isEqualTo(137);
    long there = truce("store", "ls", "s", "--keys").out().lines().count();
    assertThat(there).isBetween(300L, 99_900L);
    assertThat(there % 100).isZero();
    assertThat(shell.run("truce store import s list --lines ", 3).out())
        .startsWith("imported 100000 lines in 25 commits");
    assertThat(shell.out("truce store export s --lines | cmp - list && truce verify >verified"))
        .isEmpty();
  }

  /// A byte of a checkpoint, in the middle of its keys: those of its page are lost, and no others.
  @Test
  void aDamagedCheckpoint_isSaid_andAllElseIsSaved() throws Exception {
    shell.out(
        "seq -f '%06.0f the quick brown fox jumps over the lazy dog and is not seen again, not that"
            + " anybody minds: see above' 100000 >list; truce store import s list --lines &&"
            + " truce store put t k behind");
    Path base;
    try (var files = Files.newDirectoryStream(temp.resolve(".truce"), "journal.root.base.*")) {
      base = files.iterator().next();
    }
    byte[] bytes = Files.readAllBytes(base);
    bytes[3_000_000] ^= 1;
    Files.write(base, bytes);

    Result read = shell.run("truce store export s --lines >part");
    assertThat(read.status()).as(read.err()).isEqualTo(65);
    assertThat(read.err()).contains("the checkpoint of the stores of ").contains(" is damaged ");
    Result wanting = shell.run("truce verify");
    assertThat(wanting.status()).isEqualTo(1);
    assertThat(wanting.out()).contains("wanting: " + base);

    Result saved = shell.run("truce verify --salvage saved");
    assertThat(saved.status()).isEqualTo(1);
    Matcher keys =
        Pattern.compile("\nsaved of the damaged checkpoint: (\\d+) of (\\d+) keys\n")
            .matcher(saved.out());
    assertThat(keys.find()).as(saved.out()).isTrue();
    int lost = Integer.parseInt(keys.group(2)) - Integer.parseInt(keys.group(1));
    assertThat(lost).isBetween(1, 4096 / 100 + 1);
    shell.out("truce restore saved --dir new; export TRUCE_DIR=new; truce verify");
    assertThat(
            shell.out(
                "export TRUCE_DIR=new; truce store get t k; echo; truce store export s --lines >left;"
                    + " wc -l <left; LC_ALL=C comm -13 list left | wc -l"))
        .isEqualTo("behind\n" + (100_000 - lost) + "\n0\n");
  }

  /// The limit is of what a file may grow to: to the command it is a disk that is full.
  @Test
  void aFullDisk_isSaid_andNothingIsWritten() throws Exception {
    shell.out("truce store put s k kept");
    Result full =
        shell.run("head -c 3000000 /dev/zero >big; ulimit -f 1500; truce store put s k - <big", 2);
    assertThat(full.status()).as(full.err()).isEqualTo(74);
    assertThat(full.out()).isEmpty();
    assertThat(truce("store", "get", "s", "k").out()).isEqualTo("kept");
    assertThat(shell.out("truce store put s k - <big && truce store get s k | cmp - big"))
        .isEqualTo("2\n");
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
