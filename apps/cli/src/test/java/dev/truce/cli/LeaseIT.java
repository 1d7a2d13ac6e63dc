package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.cli.Shell.Line;
import dev.truce.cli.Shell.Result;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Leases, tickets and force, each call a process of its own.
class LeaseIT {
  @TempDir private Path temp;
  private Shell shell;

  @BeforeEach
  void init() {
    shell = new Shell(temp);
    assertThat(Captured.of(temp, Map.of(), "init").status()).isEqualTo(0);
  }

  static String field(String json, String name) {
    Matcher found = Pattern.compile("\"" + name + "\":\"?([^\",}]+)").matcher(json);
    assertThat(found.find()).as(name + " in " + json).isTrue();
    return found.group(1);
  }

  private int status(String line) throws Exception {
    return shell.run(line).status();
  }

  @Test
  void aLeaseThatIsOver_isAnothersAndNeverComesBack() throws Exception {
    String a = shell.out("truce acquire build --ttl 2s --owner a --json");
    String b = shell.out("truce acquire build --ttl 5m --owner b -q -w 15 --json");
    assertThat(Long.parseLong(field(b, "token"))).isGreaterThan(Long.parseLong(field(a, "token")));

    Result late = shell.run("TRUCE_LEASE=" + field(a, "lease") + " truce renew");
    assertThat(late.status()).isEqualTo(76);
    assertThat(late.err()).contains("its term is over");
    assertThat(status("truce check build --token " + field(a, "token"))).isEqualTo(76);
    assertThat(status("truce check build --token " + field(b, "token"))).isEqualTo(0);
    assertThat(status("TRUCE_LEASE=" + field(a, "lease") + " truce check --lease")).isEqualTo(76);
    assertThat(status("echo " + field(b, "lease") + " | truce check --lease -")).isEqualTo(0);
    assertThat(status("truce release " + field(a, "lease"))).isEqualTo(76);
    assertThat(status("truce release " + field(b, "lease"))).isEqualTo(0);
    assertThat(status("truce run -n build -- true")).isEqualTo(0);
  }

  /// Refused, called wrongly, or ended by a signal: nothing behind the `&&` goes on without the
  /// lock.
  @Test
  void env_withoutALease_failsTheEval() throws Exception {
    String held = shell.out("truce acquire build --owner a");
    String eval = "eval \"$(truce acquire %s --env)\" && echo on";
    assertThat(shell.run(eval.formatted("build -n -E 0"), 2).out()).isEmpty();
    assertThat(shell.run(eval.formatted("build -w 0.2 -q"), 2)).isEqualTo(new Result(1, "", ""));
    assertThat(shell.run(eval.formatted("build --no-such"), 2).out()).isEmpty();
    Result refused = shell.run("truce acquire build -n --env");
    assertThat(refused.status()).isEqualTo(75);
    assertThat(refused.out()).isEqualTo("false\n");
    assertThat(shell.run("truce acquire build -n --env --json").out())
        .startsWith("{\"schema\":\"truce.refusal/1\"")
        .hasLineCount(1);
    Line waits = shell.start("exec truce acquire build -q --env");
    shell.awaitWaiting("build", 1);
    waits.signal("TERM");
    Result stopped = waits.result();
    assertThat(stopped.status()).isEqualTo(143);
    assertThat(stopped.out()).isEqualTo("false\n");
    shell.out("truce release " + held);
    assertThat(shell.run(eval.formatted("build -n"), 2)).isEqualTo(new Result(0, "on\n", ""));
  }

  @Test
  void aLease_outlivesItsMachineByABackup() throws Exception {
    String lease = shell.out("truce acquire build --owner a");
    String made = shell.out("truce backup kept --json");
    assertThat(field(made, "schema")).isEqualTo("truce.backup/1");
    assertThat(status("cd kept && sha256sum --quiet -c SHA256SUMS")).isEqualTo(0);
    assertThat(status("truce backup kept")).isEqualTo(73);

    assertThat(shell.run("truce restore kept --dir new").err()).isEmpty();
    assertThat(shell.run("TRUCE_DIR=new truce check --lease " + lease))
        .isEqualTo(new Result(0, "", ""));
    assertThat(status("TRUCE_DIR=new truce run -nq build -- true")).isEqualTo(75);
    assertThat(status("TRUCE_DIR=new truce release " + lease)).isEqualTo(0);
    String old = shell.out("truce run x -- sh -c 'echo $TRUCE_TOKEN'").strip();
    String later = shell.out("TRUCE_DIR=new truce run x -- sh -c 'echo $TRUCE_TOKEN'").strip();
    assertThat(Long.parseLong(later)).isGreaterThan(Long.parseLong(old) + (1L << 32));
    assertThat(status("truce restore kept --dir new")).isEqualTo(73);
  }

  @Test
  void verify_namesTheFirstDamagedRecord_andSavesWhatIsWhole() throws Exception {
    String kept = shell.out("truce acquire kept --owner a").strip();
    shell.out("truce acquire lost --owner a");
    assertThat(shell.out("truce verify"))
        .startsWith("journal locks: 2 records")
        .endsWith("sound\n");
    Path segment = temp.resolve(".truce/journal.locks.1");
    byte[] bytes = Files.readAllBytes(segment);
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    bytes[text.indexOf("lost")] ^= 1;
    Files.write(segment, bytes);

    Result wanting = shell.run("truce verify");
    assertThat(wanting.status()).isEqualTo(1);
    assertThat(wanting.out()).contains("wanting: " + segment);
    assertThat(status("truce verify --salvage saved")).isEqualTo(1);
    assertThat(status("truce restore saved --dir new")).isEqualTo(0);
    assertThat(shell.run("TRUCE_DIR=new truce verify").out()).endsWith("sound\n");
    assertThat(status("TRUCE_DIR=new truce check --lease " + kept)).isEqualTo(0);
  }

  @Test
  void tickets_keepTheOrderOverCallsThatEnd_andNobodyOvertakes() throws Exception {
    String held = shell.out("truce acquire build --owner holder");
    List<String> tickets = new ArrayList<>();
    for (String owner : List.of("one", "two", "three")) {
      Result refused =
          shell.run("truce acquire build -w 0.2 --ticket-ttl 10m --json --owner " + owner);
      assertThat(refused.status()).isEqualTo(75);
      assertThat(field(refused.out(), "position")).isEqualTo(Integer.toString(tickets.size() + 1));
      tickets.add(field(refused.out(), "ticket"));
    }
    shell.out("truce release " + held);
    for (String ticket : tickets) {
      String lease = shell.out("truce acquire build --ticket " + ticket);
      assertThat(status("truce acquire build -n -q")).isEqualTo(75);
      assertThat(status("truce run -n -q build -- true")).isEqualTo(75);
      assertThat(shell.out("truce acquire build --ticket " + ticket)).isEqualTo(lease);
      shell.out("truce release " + lease);
    }
    assertThat(status("truce run -n build -- true")).isEqualTo(0);
    assertThat(status("truce acquire build --ticket " + tickets.getFirst())).isEqualTo(76);
    assertThat(status("truce acquire other --ticket " + tickets.getFirst())).isEqualTo(64);
  }

  @Test
  void revoke_stopsTheCommandAndIsPutDown() throws Exception {
    Line run = shell.start("exec truce run --owner ci deploy -- sh -c 'echo up; exec sleep 1000'");
    Shell.await("the holder is up", () -> run.said().contains("up"));
    assertThat(status("truce revoke deploy")).isEqualTo(64);
    shell.out("truce revoke deploy --reason 'it hangs'");
    assertThat(run.result().status()).isEqualTo(123);
    assertThat(status("truce revoke deploy --reason again")).isEqualTo(76);
    String history = shell.out("truce history deploy --json");
    assertThat(field(history, "kind")).isEqualTo("revoked");
    assertThat(field(history, "owner")).isEqualTo("ci");
    assertThat(field(history, "reason")).isEqualTo("it hangs");
    assertThat(shell.out("truce history --since 2100-01-01T00:00:00Z")).hasLineCount(1);
  }

  @Test
  void force_takesTheLockFromItsHolderAndBeforeThoseWhoWait() throws Exception {
    Line run = shell.start("exec truce run deploy -- sh -c 'echo up; exec sleep 1000'");
    Shell.await("the holder is up", () -> run.said().contains("up"));
    Line waits = shell.start("exec truce run -q deploy -- true");
    shell.awaitWaiting("deploy", 1);
    assertThat(status("truce run --force deploy -- true")).isEqualTo(64);
    assertThat(shell.out("truce run --force --reason now deploy -- echo mine")).isEqualTo("mine\n");
    assertThat(run.result().status()).isEqualTo(123);
    assertThat(waits.result().status()).isEqualTo(0);
    String lease = shell.out("truce acquire deploy --force --reason again");
    shell.out("truce release " + lease);
  }
}
