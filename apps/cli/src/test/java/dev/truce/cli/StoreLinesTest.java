package dev.truce.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Many keys at once: batches, and stores as lines.
class StoreLinesTest {
  @TempDir private Path temp;
  private final Map<String, String> environment = new HashMap<>();

  @BeforeEach
  void init() {
    assertThat(truce("init").status()).isEqualTo(0);
  }

  private Captured truce(String... args) {
    return Captured.of(temp, environment, args);
  }

  private Captured fed(String input, String... args) {
    return Captured.fed(input.getBytes(UTF_8), temp, environment, args);
  }

  private static Captured done(String said) {
    return new Captured(0, said, "");
  }

  private String value(String key) {
    return truce("store", "get", "s", key).out();
  }

  // ---- commit

  @Test
  void aBatch_isOneCommit() throws IOException {
    truce("store", "put", "s", "old", "there");
    assertThat(
            fed(
                """
                {"op":"put","key":"a","value":"one\\ntwo","if_revision":0}

                {"value":{"n": 1.50, "list": [1, null, "é"]},"key":"b","op":"put"}
                {"op":"put","key":"c","value_base64":"/wD+"}
                {"op":"rm","key":"old","if_revision":1}
                {"op":"rm","key":"never"}
                """,
                "store",
                "commit",
                "s"))
        .isEqualTo(done("2\n"));
    assertThat(value("a")).isEqualTo("one\ntwo");
    assertThat(value("b")).isEqualTo("{\"n\":1.50,\"list\":[1,null,\"é\"]}");
    assertThat(truce("store", "ls", "s").out())
        .isEqualTo(
            "KEY  REVISION  BYTES\na           2      7\nb           2     31\nc           2      3\n");
    Files.writeString(temp.resolve("batch"), "{\"op\":\"put\",\"key\":\"d\",\"value\":true}");
    assertThat(truce("store", "commit", "s", "batch", "--json").out())
        .contains("\"revision\":3,", "\"changed\":1,");
    assertThat(value("d")).isEqualTo("true");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{ | is no JSON: Unexpected end-of-input: expected close marker for Object, column 2; nothing",
        "{\"op\":\"put\"] | is no JSON: Unexpected close marker ']': expected '}', column 12; nothing",
        "[]                                                   | is no JSON object",
        "{} {}                                                | has something behind its JSON object",
        "{\"op\":\"put\",\"key\":\"k\"}                       | has no value",
        "{\"op\":\"put\",\"value\":1}                         | has no key",
        "{\"op\":\"put\",\"key\":1,\"value\":1}               | has a key that is no text",
        "{\"op\":\"put\",\"key\":\"\",\"value\":1}            | has a key of 0 bytes",
        "{\"op\":\"put\",\"key\":\"\\ud800\",\"value\":1}     | has half a character in its key",
        "{\"op\":\"put\",\"key\":\"k\",\"value\":\"\\udc00\"} | has half a character in its value",
        "{\"op\":\"put\",\"key\":\"k\",\"key\":\"l\",\"value\":1} | is no JSON: Duplicate",
        "{\"op\":\"put\",\"key\":\"k\",\"value\":1,\"value_base64\":\"\"} | has two values",
        "{\"op\":\"put\",\"key\":\"k\",\"value_base64\":\"?\"} | has a value_base64 that is no Base64",
        "{\"op\":\"put\",\"key\":\"k\",\"value\":1,\"if_revison\":1} | a field that is not known: if_revison",
        "{\"op\":\"put\",\"key\":\"k\",\"value\":1,\"if_revision\":-1} | has an if_revision that is no revision",
        "{\"op\":\"put\",\"key\":\"k\",\"value\":1,\"if_revision\":1.0} | has an if_revision that is no revision",
        "{\"op\":\"rm\",\"key\":\"k\",\"value\":1}            | removes a key and has a value",
        "{\"op\":\"get\",\"key\":\"k\"}                       | has no op that is put or rm",
        "{\"key\":\"k\",\"value\":1}                          | has no op that is put or rm"
      })
  void aMalformedLine_isNamed_andNothingOfItsBatchIsWritten(String line, String why) {
    Captured refused =
        fed("{\"op\":\"put\",\"key\":\"k\",\"value\":1}\n" + line + "\n", "store", "commit", "s");
    assertThat(refused.status()).isEqualTo(64);
    assertThat(refused.err()).startsWith("truce: line 2 ").contains(why, "nothing was written");
    assertThat(truce("store", "get", "s", "k").status()).isEqualTo(1);
  }

  @Test
  void aLineThatIsNotUtf8_isMalformed() {
    byte[] line = "{\"op\":\"put\",\"key\":\"k\",\"value\":\"\u00ff\"}".getBytes(ISO_8859_1);
    assertThat(Captured.fed(line, temp, environment, "store", "commit", "s").err())
        .isEqualTo("truce: line 1 is not UTF-8 text; nothing was written\n");
  }

  @Test
  void aRefusedBatch_changesNothing_andTellsBothSides() {
    truce("store", "put", "s", "b", "theirs");
    Captured refused =
        fed(
            """
            {"op":"put","key":"a","value":"new"}
            {"op":"put","key":"b","value":"ours","if_revision":9}
            """,
            "store",
            "commit",
            "s");
    assertThat(refused.status()).isEqualTo(76);
    assertThat(refused.err())
        .contains("b is at revision 1, not at 9")
        .contains("  theirs ", "  ours ");
    assertThat(truce("store", "ls", "s", "--keys")).isEqualTo(done("b\n"));
    assertThat(value("b")).isEqualTo("theirs");
  }

  @Test
  void moreThanACommitHolds_isRefused() {
    String line = "{\"op\":\"put\",\"key\":\"%s\",\"value\":\"" + "v".repeat(12 << 20) + "\"}\n";
    Captured many =
        fed(
            line.formatted("a") + line.formatted("b") + line.formatted("c"),
            "store",
            "commit",
            "s");
    assertThat(many.status()).isEqualTo(64);
    assertThat(many.err()).contains("33554432");
    assertThat(truce("store", "ls", "s", "--keys")).isEqualTo(done(""));
  }

  // ---- import and export

  @ParameterizedTest
  @ValueSource(strings = {"--tsv", "--jsonl"})
  void whatIsExported_isImportedAsItWas(String format) {
    String nasty = "a\tb\nc\\d\r\0\u2028é\"";
    truce("store", "put", "s", "plain", "text");
    truce("store", "put", "s", "k", "");
    fed(nasty, "store", "put", "s", "value", "-");
    truce("store", "put", "s", nasty.replace("\0", ""), "of a nasty key");
    Captured.fed(
        new byte[] {(byte) 0xff, 0, 1}, temp, environment, "store", "put", "s", "bytes", "-");
    Path lines = temp.resolve("lines");
    assertThat(shell(lines, "store", "export", "s", format)).isEqualTo(0);
    assertThat(truce("store", "import", "t", "lines", format))
        .isEqualTo(done("imported 5 lines in 1 commits, revision 6\n"));
    Path again = temp.resolve("again");
    assertThat(shell(again, "store", "export", "t", format)).isEqualTo(0);
    assertThat(again).hasSameBinaryContentAs(lines);
    assertThat(truce("store", "get", "t", "value").out()).isEqualTo(nasty);
    assertThat(truce("store", "get", "t", "bytes", "--json").out()).contains("/wAB");
  }

  /// Runs it with its answer in a file: bytes are no text.
  private int shell(Path out, String... args) {
    try (var answer = new java.io.PrintStream(out.toFile(), UTF_8)) {
      return Main.run(
          new Console(java.io.InputStream.nullInputStream(), answer, System.err, environment, temp),
          List.of(args));
    } catch (IOException failure) {
      throw new java.io.UncheckedIOException(failure);
    }
  }

  @Test
  void lines_areKeysWithoutValues_sorted() {
    assertThat(fed("b\na\r\n\u00e9\nb", "store", "import", "s", "-", "--lines"))
        .isEqualTo(done("imported 4 lines in 1 commits, revision 1\n"));
    assertThat(truce("store", "export", "s", "--lines")).isEqualTo(done("a\r\nb\n\u00e9\n"));
    truce("store", "put", "s", "b", "value");
    assertThat(truce("store", "export", "s", "--lines").err())
        .startsWith("truce: --lines has no room for the value of b");
    assertThat(truce("store", "export", "s", "--lines", "--at", "1").status()).isEqualTo(0);
    assertThat(fed("", "store", "import", "s", "-", "--lines", "--json").out())
        .isEqualTo(
            "{\"schema\":\"truce.import/1\",\"store\":\"s\",\"lines\":0,\"commits\":0,\"revision\":0}\n");
  }

  @Test
  void aMalformedLine_leavesTheBatchesBeforeItsOwn() {
    Captured refused =
        fed(
            "a\tb\nc\td\ne\tf\nno tab\ng\th\n",
            "store",
            "import",
            "s",
            "-",
            "--tsv",
            "--batch",
            "2");
    assertThat(refused)
        .isEqualTo(
            new Captured(
                64,
                "",
                "truce: line 4 has no TAB; lines 1 to 2 are imported: go on from line 3\n"));
    assertThat(truce("store", "export", "s", "--tsv")).isEqualTo(done("a\tb\nc\td\n"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "--tsv   | a\\tb\\tc                                  | has more than one TAB",
        "--tsv   | a\\tb\\\\x                                 | has a backslash that escapes nothing",
        "--tsv   | a\\tb\\\\                                  | has a backslash that escapes nothing",
        "--tsv   | \\tb                                       | has a key of 0 bytes",
        "--lines | ``                                         | has a key of 0 bytes",
        "--jsonl | {\"op\":\"put\",\"key\":\"a\",\"value\":1} | has op, which is for truce store commit",
        "--jsonl | {\"key\":\"a\"}                            | has no value"
      })
  void whatIsNoLineOfAFormat_isNamed(String format, String line, String why) {
    String meant = line.replace("\\\\", "\0").replace("\\t", "\t").replace('\0', '\\') + "\n";
    Captured refused = fed(meant, "store", "import", "s", "-", format);
    assertThat(refused.status()).isEqualTo(64);
    assertThat(refused.err())
        .startsWith("truce: line 1 ")
        .contains(why, "nothing was imported before");
  }

  @Test
  void aLockThatIsLost_endsAnImport() {
    environment.put("TRUCE_LOCK", "build");
    environment.put("TRUCE_TOKEN", "7");
    Captured refused = fed("a\n", "store", "import", "s", "-", "--lines");
    assertThat(refused.status()).isEqualTo(76);
    assertThat(refused.err()).contains("is not current").endsWith("nothing was imported before\n");
  }

  @Test
  void formatsExcludeEachOther_andAFileHasToBeThere() {
    assertThat(truce("store", "export", "s", "--tsv", "--lines").status()).isEqualTo(64);
    assertThat(truce("store", "import", "s", "none"))
        .isEqualTo(new Captured(74, "", "truce: none cannot be read: there is no such file\n"));
    assertThat(truce("store", "import", "s").err()).startsWith("truce: which FILE?");
    assertThat(truce("store", "commit", "s", "none").err())
        .isEqualTo("truce: none cannot be read: there is no such file\n");
  }

  @Test
  void whyAFileCannotBeUsed_isSaidInWords() {
    assertThat(Failure.unreadable("f", new AccessDeniedException("/tmp/f")).text())
        .isEqualTo("f cannot be read: permission denied");
    Failure failure =
        Failure.of(
            new UncheckedIOException("d/f cannot be written", new NotDirectoryException("d")));
    assertThat(failure.text()).isEqualTo("d/f cannot be written: there is no such directory");
    assertThat(failure.status()).isEqualTo(74);
    assertThat(Failure.unreadable("f", new FileSystemException("f", null, "Is a directory")).text())
        .isEqualTo("f cannot be read: Is a directory");
  }
}
