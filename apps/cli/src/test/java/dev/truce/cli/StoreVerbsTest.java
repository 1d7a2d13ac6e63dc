package dev.truce.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The verbs of stores as they are called: what they answer, refuse and leave alone.
class StoreVerbsTest {
  /// More than a store takes.
  private static final int TOO_LONG = (16 << 20) + 1;

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

  @Test
  void put_saysItsRevision_andGetTheBytesAlone() {
    assertThat(truce("store", "put", "flags", "dark-mode", "on")).isEqualTo(done("1\n"));
    assertThat(truce("store", "get", "flags", "dark-mode")).isEqualTo(done("on"));
    assertThat(truce("store", "put", "flags", "dark-mode", "")).isEqualTo(done("2\n"));
    assertThat(truce("store", "get", "flags", "dark-mode")).isEqualTo(done(""));
    assertThat(truce("store", "get", "flags", "other")).isEqualTo(new Captured(1, "", ""));
    assertThat(truce("store", "get", "none", "other")).isEqualTo(new Captured(1, "", ""));
  }

  @Test
  void aValueFromStdin_isTakenAsItIs() {
    String value = "a\0b\r\n\n\u001b[31m\n";
    assertThat(fed(value, "store", "put", "s", "k", "-")).isEqualTo(done("1\n"));
    assertThat(truce("store", "get", "s", "k")).isEqualTo(done(value));
    byte[] bytes = {(byte) 0xff, 0, (byte) 0xfe};
    assertThat(Captured.fed(bytes, temp, environment, "store", "put", "s", "b", "-").status())
        .isEqualTo(0);
    assertThat(truce("store", "get", "s", "b", "--json").out())
        .isEqualTo(
            "{\"schema\":\"truce.entry/1\",\"store\":\"s\",\"key\":\"b\",\"present\":true,"
                + "\"revision\":2,\"value_base64\":\"/wD+\"}\n");
  }

  @Test
  void hostileKeys_areKeys_andAreShownAsPlainText() {
    List<String> keys = List.of(" ", "../../etc", "a\nb", "\u001b[31mred", "é\u202Eé", "\0");
    for (String key : keys) {
      assertThat(truce("store", "put", "s", "--", key, "of " + key).status()).isEqualTo(0);
      assertThat(truce("store", "get", "s", "--", key)).isEqualTo(done("of " + key));
    }
    assertThat(truce("store", "put", "s", "--", "-n", "dash").status()).isEqualTo(0);
    assertThat(truce("store", "ls", "s", "--keys"))
        .isEqualTo(done("\\x00\n\\x1b[31mred\n \n-n\n../../etc\na\\nb\né\\u{202e}é\n"));
    assertThat(truce("store", "ls", "s").out()).doesNotContain("\u001b", "\u202e", "\0");
    assertThat(truce("store", "ls", "s", "--json").out())
        .contains("{\"key\":\"\\u001b[31mred\",\"revision\":4,\"bytes\":11}");
  }

  @Test
  void ls_isInTheOrderOfTheBytes_fromAPrefixOn_andAsItWas() {
    for (String key : List.of("b/2", "a", "b/1", "c")) {
      truce("store", "put", "s", key, key);
    }
    truce("store", "rm", "s", "b/2");
    assertThat(truce("store", "ls", "s", "b/"))
        .isEqualTo(done("KEY  REVISION  BYTES\nb/1         3      3\n"));
    assertThat(truce("store", "ls", "s", "--keys", "-n", "2")).isEqualTo(done("a\nb/1\n"));
    assertThat(truce("store", "ls", "s", "--keys", "--at", "2")).isEqualTo(done("a\nb/2\n"));
    assertThat(truce("store", "get", "s", "b/2", "--at", "4")).isEqualTo(done("b/2"));
    assertThat(truce("store", "get", "s", "b/2").status()).isEqualTo(1);
    assertThat(truce("store", "ls", "s", "-n", "3", "--json").out()).endsWith("\"more\":false}\n");
    assertThat(truce("store", "ls", "s", "-n", "2", "--json").out()).endsWith("\"more\":true}\n");
    assertThat(truce("store", "get", "s", "a", "--at", "99"))
        .isEqualTo(
            new Captured(
                64,
                "",
                "truce: no revision 99: the last one of " + temp.resolve(".truce") + " is 5\n"));
  }

  @Test
  void rm_ofWhatIsNotThere_writesNothing() {
    truce("store", "put", "s", "k", "v");
    assertThat(truce("store", "rm", "s", "k")).isEqualTo(done("2\n"));
    assertThat(truce("store", "rm", "s", "k")).isEqualTo(done(""));
    assertThat(truce("store", "rm", "s", "k", "--json").out())
        .contains("\"revision\":2,", "\"changed\":0,");
    assertThat(truce("store", "put", "s", "k", "v")).isEqualTo(done("3\n"));
  }

  @Test
  void ifRevision_writesOnlyWhatIsAsItWasSeen() {
    assertThat(truce("store", "put", "s", "k", "a", "--if-revision", "0")).isEqualTo(done("1\n"));
    assertThat(truce("store", "put", "s", "k", "b", "--if-revision", "0").status()).isEqualTo(76);
    assertThat(truce("store", "rm", "s", "k", "--if-revision", "7").status()).isEqualTo(76);
    assertThat(truce("store", "put", "s", "k", "b", "--if-revision", "1")).isEqualTo(done("2\n"));
    assertThat(truce("store", "rm", "s", "none", "--if-revision", "1").status()).isEqualTo(76);
    assertThat(truce("store", "get", "s", "k")).isEqualTo(done("b"));
    assertThat(truce("store", "rm", "s", "k", "--if-revision", "2")).isEqualTo(done("3\n"));
  }

  @Test
  void aRefusedCommit_isToldFromBothSides() {
    environment.put("TRUCE_OWNER", "ci");
    truce("store", "put", "flags", "dark-mode", "off");
    environment.put("TRUCE_OWNER", "me");
    Captured refused =
        truce("store", "put", "flags", "dark-mode", "on\nand on", "--if-revision", "0");
    String pid = "pid " + ProcessHandle.current().pid();
    assertThat(refused.status()).isEqualTo(76);
    assertThat(refused.out()).isEmpty();
    assertThat(refused.err().replaceAll("@[^ ]+", "@HOST").replaceAll(", \\d+s ago", ", SPAN ago"))
        .isEqualTo(
            """
            truce: flags: dark-mode is at revision 1, and should not be there; nothing was written
              theirs  1  ci@HOST (%1$s), SPAN ago  off
              ours    -  me@HOST (%1$s)          on...
            """
                .formatted(pid));
    assertThat(truce("store", "rm", "flags", "dark-mode", "--if-revision", "9", "--json").out())
        .startsWith(
            "{\"schema\":\"truce.conflict/1\",\"kind\":\"stale\",\"message\":\"flags: dark-mode is at"
                + " revision 1 by ci@")
        .contains("\",\"store\":\"flags\",")
        .contains("\"theirs\":{\"owner\":\"ci\",", "\"revision\":1,\"value\":\"off\",\"at\":\"")
        .contains("\"ours\":{\"owner\":\"me\",", "\"revision\":9,\"value\":null}")
        .endsWith("\"hint\":\"truce store get flags dark-mode\"}\n");
  }

  @Test
  void anId_makesARepeatHarmless() {
    String id = UUID.randomUUID().toString();
    assertThat(truce("store", "put", "s", "k", "a", "--id", id)).isEqualTo(done("1\n"));
    assertThat(truce("store", "put", "s", "k", "b")).isEqualTo(done("2\n"));
    assertThat(truce("store", "put", "s", "k", "a", "--id", id))
        .isEqualTo(
            new Captured(
                0,
                "1\n",
                "truce: --id "
                    + id
                    + " has landed before, as revision 1; nothing was written now\n"));
    assertThat(truce("store", "put", "s", "k", "a", "--id", id, "--json").out())
        .isEqualTo(
            "{\"schema\":\"truce.commit/1\",\"revision\":1,\"durability\":\"fsync\",\"fence\":{},"
                + "\"id\":\""
                + id
                + "\",\"store\":\"s\",\"changed\":1,\"resolved\":0,\"repeated\":true}\n");
    assertThat(truce("store", "get", "s", "k")).isEqualTo(done("b"));
    assertThat(truce("store", "put", "s", "k", "a", "--id", "1-1-1-1-1").status()).isEqualTo(64);
  }

  @Test
  void whatDoesNotFit_isRefused_andNothingIsWritten() {
    byte[] long16 = new byte[TOO_LONG];
    Captured value = Captured.fed(long16, temp, environment, "store", "put", "s", "k", "-");
    assertThat(value.status()).isEqualTo(64);
    assertThat(value.err()).contains("more than the 16777216 bytes");
    assertThat(truce("store", "put", "s", "k".repeat(4097), "v").err()).contains("4097");
    assertThat(truce("store", "put", "s", "", "v").status()).isEqualTo(64);
    assertThat(truce("store", "put", "", "k", "v").status()).isEqualTo(64);
    assertThat(truce("store", "put", "n".repeat(256), "k", "v").status()).isEqualTo(64);
    assertThat(truce("store", "put", "s", "k", "\uFFFD").err()).contains("the VALUE is not UTF-8");
    assertThat(truce("store", "put", "s", "k", "v", "--durability", "most").status()).isEqualTo(64);
    assertThat(truce("store", "put", "s", "k").err()).startsWith("truce: which VALUE?\nusage: ");
    assertThat(truce("store", "put", "s", "k", "v", "w").err())
        .startsWith("truce: one too many: w");
    assertThat(truce("store", "put", "s", "k", "v")).isEqualTo(done("1\n"));
    byte[] fits = new byte[TOO_LONG - 1];
    assertThat(Captured.fed(fits, temp, environment, "store", "put", "s", "k", "-"))
        .isEqualTo(done("2\n"));
  }

  @Test
  void theLocksOfTheEnvironment_haveToBeHad() {
    environment.put("TRUCE_LOCK", "build");
    environment.put("TRUCE_TOKEN", "7");
    Captured refused = truce("store", "put", "s", "k", "v");
    assertThat(refused.status()).isEqualTo(76);
    assertThat(refused.err())
        .startsWith("truce: token 7 of build is not current")
        .contains("--no-fence");
    assertThat(truce("store", "rm", "s", "k", "--json").out()).contains("\"kind\":\"fenced\"");
    assertThat(truce("store", "put", "s", "k", "v", "--no-fence")).isEqualTo(done("1\n"));
    environment.put("TRUCE_TOKEN", "soon");
    assertThat(truce("store", "put", "s", "k", "w").status()).isEqualTo(78);
    environment.clear();
    environment.put("TRUCE_GRANTS", "{\"schema\":\"truce.grants/2\",\"grants\":[]}");
    assertThat(truce("store", "put", "s", "k", "w").status()).isEqualTo(78);
    assertThat(truce("store", "get", "s", "k")).isEqualTo(done("v"));
  }

  @Test
  void theVerbsOfStores_areNamedAndExplained() {
    Captured all = truce("store");
    assertThat(all.status()).isEqualTo(0);
    assertThat(all.out()).contains("store put ", "store get ").doesNotContain("acquire");
    assertThat(truce("store", "--help")).isEqualTo(all);
    assertThat(truce("help", "store")).isEqualTo(all);
    assertThat(truce("store", "put", "--help")).isEqualTo(truce("help", "store", "put"));
    assertThat(Verb.STORE_EXPORT.usage())
        .isEqualTo(
            "usage: truce store export STORE [--lines | --tsv | --jsonl] [--at REV] [--dir D]"
                + " [--engine URI] [--json]");
    assertThat(truce("store", "delete", "s").err()).contains("did you mean 'truce store rm'?");
    assertThat(truce("store", "gte").err()).contains("did you mean 'truce store get'?");
    assertThat(truce("store", "frobnicate").status()).isEqualTo(64);
    assertThat(truce("help", "store", "put", "why").status()).isEqualTo(64);
  }
}
