package dev.truce.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Truce;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What happened in a store, what is different, and what is there: `log`, `diff`, `watch`, `stats`.
class StorePastTest {
  @TempDir private Path temp;
  private final Map<String, String> environment = new HashMap<>();

  @BeforeEach
  void fourCommits() {
    environment.put("TRUCE_OWNER", "ci");
    assertThat(truce("init").status()).isEqualTo(0);
    truce("store", "put", "s", "a", "1");
    commit(
        """
        {"op":"put","key":"a","value":"2"}
        {"op":"put","key":"b","value":"1"}
        {"op":"put","key":"c","value":"1"}
        {"op":"put","key":"d\\n","value":"1"}
        """);
    truce("store", "put", "other", "a", "1");
    commit("{\"op\":\"rm\",\"key\":\"b\"}\n{\"op\":\"put\",\"key\":\"c\",\"value\":\"1\"}\n");
  }

  private Captured truce(String... args) {
    return Captured.of(temp, environment, args);
  }

  private void commit(String lines) {
    assertThat(Captured.fed(lines.getBytes(UTF_8), temp, environment, "store", "commit", "s"))
        .extracting(Captured::status)
        .isEqualTo(0);
  }

  private static Captured done(String said) {
    return new Captured(0, said, "");
  }

  private static String user() {
    return System.getProperty("user.name");
  }

  private static String normal(Captured said) {
    return said.out()
        .replaceAll("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z", "TIME")
        .replaceAll("(ci|" + user() + ")@[^ ]+ \\(pid \\d+\\)", "WHO")
        .replaceAll(" +", " ");
  }

  @Test
  void log_isTheCommitsOfTheStore_newestFirst() {
    assertThat(normal(truce("store", "log", "s")))
        .isEqualTo(
            """
            REVISION WHEN WHO CHANGED FENCE KEYS
            4 TIME WHO 2 - -b c
            2 TIME WHO 4 - a b c +1
            1 TIME WHO 1 - a
            """);
    assertThat(normal(truce("store", "log", "s", "a", "-n", "1")))
        .endsWith("KEYS\n2 TIME WHO 4 - a b c +1\n");
    assertThat(truce("store", "log", "s", "--since", "2").out()).hasLineCount(2);
    assertThat(truce("store", "log", "s", "--since", "1h").out()).hasLineCount(4);
    assertThat(truce("store", "log", "s", "--since", "2999-01-01T00:00:00Z").out()).hasLineCount(1);
    assertThat(truce("store", "log", "none").out()).hasLineCount(1);
    assertThat(truce("store", "log", "s", "b", "--json").out().lines().toList())
        .hasSize(2)
        .first()
        .asString()
        .startsWith("{\"schema\":\"truce.log/1\",\"store\":\"s\",\"revision\":4,\"at\":\"")
        .contains("\"owner\":\"ci\",", "\"fence\":{},")
        .endsWith(
            "\"resolved\":0,\"changes\":[{\"key\":\"b\",\"change\":\"rm\",\"bytes\":null},"
                + "{\"key\":\"c\",\"change\":\"put\",\"bytes\":1}]}");
  }

  @Test
  void diff_isWhatIsDifferent_byTheValues() {
    assertThat(truce("store", "diff", "s", "1"))
        .isEqualTo(new Captured(1, "~ a\n+ c\n+ d\\n\n", ""));
    assertThat(truce("store", "diff", "s", "4", "1"))
        .isEqualTo(new Captured(1, "~ a\n- c\n- d\\n\n", ""));
    assertThat(truce("store", "diff", "s", "2", "3")).isEqualTo(done(""));
    assertThat(truce("store", "diff", "s", "2")).isEqualTo(new Captured(1, "- b\n", ""));
    assertThat(truce("store", "diff", "s", "1", "--json").out().lines())
        .containsExactly(
            "{\"schema\":\"truce.diff/1\",\"key\":\"a\",\"change\":\"changed\",\"from\":1,\"to\":2}",
            "{\"schema\":\"truce.diff/1\",\"key\":\"c\",\"change\":\"added\",\"from\":null,\"to\":4}",
            "{\"schema\":\"truce.diff/1\",\"key\":\"d\\n\",\"change\":\"added\",\"from\":null,\"to\":2}");
    assertThat(truce("store", "diff", "s", "soon").status()).isEqualTo(64);
    assertThat(truce("store", "diff", "s", "99").status()).isEqualTo(64);
  }

  @Test
  void watch_tellsWholeCommits_fromARevisionOn() {
    assertThat(truce("store", "watch", "s", "--from", "1", "-n", "2"))
        .isEqualTo(
            done(
                """
                2 put a 1
                2 put b 1
                2 put c 1
                2 put d\\n 1
                2 --
                4 rm b
                4 put c 1
                4 --
                """));
    assertThat(truce("store", "watch", "s", "b", "--from", "0", "-n", "2", "--json").out().lines())
        .containsExactly(
            "{\"schema\":\"truce.change/1\",\"revision\":2,\"key\":\"b\",\"change\":\"put\","
                + "\"value\":\"1\",\"last\":true}",
            "{\"schema\":\"truce.change/1\",\"revision\":4,\"key\":\"b\",\"change\":\"rm\","
                + "\"value\":null,\"last\":true}");
    assertThat(truce("store", "watch", "s", "--from", "99").status()).isEqualTo(64);
  }

  @Test
  void watch_tellsWhatElseIsThere_whenTheStoreWasRenamed() {
    try (Truce truce = Truce.open(temp.resolve(".truce"))) {
      truce.store("s").drop();
      truce.store("other").rename("s");
    }
    assertThat(truce("store", "watch", "s", "--from", "4", "-n", "2"))
        .isEqualTo(done("5 replaced\n5 --\n6 replaced\n6 put a 1\n6 --\n"));
    assertThat(normal(truce("store", "log", "s", "-n", "2")))
        .endsWith("6 TIME WHO 0 - -\n5 TIME WHO 0 - -\n");
  }

  @Test
  void ls_withoutAStore_isTheStores() {
    assertThat(truce("store", "ls"))
        .isEqualTo(
            done(
                """
                STORE  KEYS  BYTES  REVISION
                other     1      1         3
                s         3      3         4
                """));
    assertThat(truce("store", "ls", "--keys", "-n", "1")).isEqualTo(done("other\n"));
    assertThat(truce("store", "ls", "--json", "-n", "1"))
        .isEqualTo(
            done(
                "{\"schema\":\"truce.stores/1\",\"revision\":4,\"stores\":[{\"store\":\"other\","
                    + "\"keys\":1,\"bytes\":1,\"revision\":3}],\"more\":true}\n"));
    assertThat(truce("store", "ls", "--at", "1").status()).isEqualTo(64);
    assertThat(truce("completions", "stores")).isEqualTo(done("other\ns\n"));
  }

  @Test
  void stats_saysWhatIsThere_andHowFarBack() {
    assertThat(truce("store", "stats", "s").out())
        .matches(
            """
            STORE  KEYS  BYTES  REVISION
            s         3      3         4

            revision 4, on disk up to 4
            every revision can be had; commits: \\d+ bytes
            """);
    assertThat(truce("store", "stats", "none").out())
        .startsWith("STORE  KEYS  BYTES  REVISION\n\n");
    assertThat(truce("store", "stats", "--json").out())
        .startsWith(
            "{\"schema\":\"truce.store_stats/1\",\"revision\":4,\"durable\":4,\"floor\":0,"
                + "\"checkpoint_bytes\":0,\"record_bytes\":")
        .endsWith(
            ",\"parked\":0,\"stores\":[{\"store\":\"other\",\"keys\":1,\"bytes\":1,"
                + "\"revision\":3},{\"store\":\"s\",\"keys\":3,\"bytes\":3,\"revision\":4}],"
                + "\"pins\":[]}\n");
  }

  /// A value of 5 MiB, again and again: the first commits are let go, and what is read in spite of
  /// that is told.
  @Test
  void stats_andLog_sayWhatIsKeptNoLonger_andWhoReadsIt() throws Exception {
    try (Truce truce = Truce.open(temp.resolve(".truce"))) {
      Store<byte[]> store = truce.store("s");
      List<Snapshot<byte[]>> kept = new ArrayList<>();
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      while (truce.storeStatus().pins().isEmpty()) {
        assertThat(System.nanoTime()).as("time to see a checkpoint replaced").isLessThan(end);
        byte[] value = new byte[5 << 20];
        store.put("big", value);
        kept.add(store.snapshot());
      }
      assertThat(truce("store", "stats").out())
          .containsPattern(
              "\nrevisions from \\d+ on can be had; checkpoint: \\d{7,} bytes, commits")
          .containsPattern(
              "\nREAD BY +REVISION +BYTES +REPLACED\n.*@.* \\(pid \\d+\\) +\\d+ +\\d+ ");
      assertThat(truce("store", "stats", "--json").out())
          .containsPattern("\"pins\":\\[\\{\"owner\":\".*\"revision\":\\d+,\"bytes\":\\d+,");
      kept.forEach(Snapshot::close);
    }
    Captured log = truce("store", "log", "s", "-n", "1");
    assertThat(log.status()).isEqualTo(0);
    assertThat(log.err()).matches("truce: the commits up to revision \\d+ are kept no longer\n");
    assertThat(truce("store", "log", "s", "--since", "1").status()).isEqualTo(76);
    assertThat(truce("store", "watch", "s", "--from", "1").err())
        .containsPattern("kept no longer: .* export --at (\\d+), and go on with --from \\1\n");
    assertThat(truce("store", "get", "s", "a", "--at", "1").status()).isEqualTo(76);
  }
}
