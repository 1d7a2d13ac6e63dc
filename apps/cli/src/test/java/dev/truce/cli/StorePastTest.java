package dev.truce.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What happened in a store, and what is different: `diff`.
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
}
