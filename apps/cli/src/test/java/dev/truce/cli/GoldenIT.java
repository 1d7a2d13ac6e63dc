package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.cli.Shell.Line;
import dev.truce.cli.Shell.Result;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The commonest calls, each with all that it says. What differs from run to run is written as its
/// name: HOST, PID, HELD, TOKEN, MS.
class GoldenIT {
  @TempDir private Path temp;
  private Shell shell;

  @BeforeEach
  void init() {
    shell = new Shell(temp);
    assertThat(Captured.of(temp, Map.of(), "init").status()).isEqualTo(0);
  }

  @Test
  void run_saysNothingOfItsOwn() throws Exception {
    assertThat(golden("truce run deploy -- sh -c 'echo deployed; exit 3'"))
        .isEqualTo(new Result(3, "deployed\n", ""));
  }

  @Test
  void whatIsSuggestedOfAHostileName_isPlainTextAndTheSameName() throws Exception {
    String name = "a'\u001b[31m\u202Eb\nc";
    String lease = Captured.of(temp, Map.of(), "acquire", name, "--owner", "ci").out().strip();
    String why = Captured.of(temp, Map.of(), "why", name).out();
    assertThat(why).doesNotContain("\u001b", "\u202E");
    int from = why.indexOf("truce revoke ");
    String line = why.substring(from, why.indexOf("TEXT", from)) + "TEXT";
    assertThat(line).isEqualTo("truce revoke $'a\\'\\x1b[31m\\xe2\\x80\\xaeb\\x0ac' --reason TEXT");
    shell.out(line);
    assertThat(Captured.of(temp, Map.of(), "renew", lease).status()).isEqualTo(76);
  }

  @Test
  void whatIsSaidWhileSomebodyHolds() throws Exception {
    Line holder =
        shell.start(
            "exec truce run --owner ci --reason 'release 2.4' deploy -- sh -c 'echo up; exec sleep 1000'");
    Shell.await("the holder is up", () -> holder.said().contains("up"));

    assertThat(golden("truce run -n -E 0 deploy -- ./backup.sh"))
        .isEqualTo(
            new Result(0, "", "truce: deploy is held by ci@HOST (pid PID) for HELD; not run\n"));
    assertThat(golden("truce run -n -q deploy -- ./backup.sh")).isEqualTo(new Result(75, "", ""));
    assertThat(golden("truce run -n --json deploy -- ./backup.sh"))
        .isEqualTo(
            new Result(
                75,
                "",
                "{\"schema\":\"truce.refusal/1\",\"kind\":\"held\",\"lock\":\"deploy\",\"mode\":\"write\","
                    + "\"holder\":{\"owner\":\"ci\",\"host\":\"HOST\",\"pid\":PID,\"reason\":\"release"
                    + " 2.4\"},\"held_ms\":MS,\"alive\":\"yes\",\"alive_evidence\":\"its process lock"
                    + " is held\",\"same_owner\":false,\"ticket\":null,\"position\":null,"
                    + "\"retry_after_ms\":null,\"hint\":\"wait with -w 5m, or see: truce why"
                    + " deploy\"}\n"));
    assertThat(golden("truce run --read deploy -w 5 -- ./test.sh"))
        .isEqualTo(
            new Result(
                75,
                "",
                """
                truce: waiting for deploy: ci@HOST (pid PID) has held it for HELD, you are next
                truce: deploy is held by ci@HOST (pid PID) for HELD; not had within 5s; not run
                """));
    assertThat(golden("truce ls"))
        .isEqualTo(
            new Result(
                0,
                """
                LOCK MODE HOLDER HELD EXPIRES WAITING TOKEN
                deploy write ci@HOST:PID HELD - 0 TOKEN
                """,
                ""));
    assertThat(golden("truce why deploy"))
        .isEqualTo(
            new Result(
                0,
                "deploy is held for writing by ci@HOST (pid PID) for HELD, token TOKEN, \"release"
                    + " 2.4\"; alive: its process lock is held\n"
                    + "  it frees when pid PID ends; by force: truce revoke deploy --reason"
                    + " TEXT\n",
                ""));
    holder.signal("TERM");
    assertThat(holder.result().status()).isEqualTo(143);
  }

  @Test
  void aLease_acrossCommands() throws Exception {
    assertThat(
            golden(
                "eval \"$(truce acquire build --ttl 10m --env)\" && echo $TRUCE_LOCK && truce check"
                    + " --lease && truce check && truce renew && truce release && truce release"))
        .isEqualTo(
            new Result(
                76,
                "build\nTIME\n",
                "truce: the lease of build with token TOKEN does not stand: it was given back\n"));
    assertThat(golden("truce acquire build --ttl 10m --owner a1 --json"))
        .isEqualTo(
            new Result(
                0,
                "{\"schema\":\"truce.lease/1\",\"lock\":\"build\",\"mode\":\"write\","
                    + "\"lease\":\"tl_HANDLE\",\"lease_id\":\"ID\",\"token\":TOKEN,"
                    + "\"owner\":\"a1\",\"ttl_ms\":MS,\"expires_at\":\"TIME\"}\n",
                ""));
    assertThat(golden("truce acquire build -w 0.2 --ticket-ttl 10m --owner a2 --json"))
        .isEqualTo(
            new Result(
                75,
                "{\"schema\":\"truce.refusal/1\",\"kind\":\"timeout\",\"lock\":\"build\","
                    + "\"mode\":\"write\",\"holder\":{\"owner\":\"a1\",\"host\":\"HOST\","
                    + "\"pid\":null,\"reason\":null},\"held_ms\":MS,\"expires_at\":\"TIME\","
                    + "\"alive\":\"unknown\",\"alive_evidence\":\"lease term not over\","
                    + "\"same_owner\":false,\"ticket\":\"tk_HANDLE\",\"position\":1,"
                    + "\"retry_after_ms\":MS,\"hint\":\"truce acquire build --ticket"
                    + " tk_HANDLE\"}\n",
                ""));
    assertThat(golden("truce why build"))
        .isEqualTo(
            new Result(
                0,
                "build is held for writing by a1@HOST for HELD, token TOKEN; not known to be alive:"
                    + " lease term not over\n"
                    + "  1. a2@HOST (ticket ID) write HELD\n"
                    + "  it frees when its term is over in 9mHELD; by force: truce revoke build"
                    + " --reason TEXT\n",
                ""));
    assertThat(golden("truce acquire build -n --owner a3"))
        .isEqualTo(new Result(75, "", "truce: build is held by a1@HOST for HELD; not acquired\n"));
    assertThat(golden("truce revoke build --reason 'it hangs'")).isEqualTo(new Result(0, "", ""));
    assertThat(golden("truce history build | awk '{ print $2, $3, $5, $8, $9 }'"))
        .isEqualTo(
            new Result(
                0,
                """
                LOCK WHAT OWNER \s
                build leased NAME@HOST \s
                build released NAME@HOST \s
                build leased a1@HOST \s
                build revoked a1@HOST PID) it
                """,
                ""));
    assertThat(golden("truce release tl_mistyped"))
        .isEqualTo(
            new Result(
                64,
                "",
                "truce: this lease was mistyped or cut, its checksum does not match: copy the whole of it\n"));
  }

  @Test
  void traffic_isRecordedWhereItIsSwitchedOn() throws Exception {
    assertThat(golden("truce run deploy -- true && truce history --traffic | tr -s ' '"))
        .isEqualTo(
            new Result(
                0,
                "WHEN LOCK WHAT TOKEN MODE OWNER WAITED HELD MISSING\n",
                "truce: no traffic is recorded of any lock; switch it on: truce history NAME"
                    + " --traffic --on\n"));
    assertThat(golden("truce history deploy --traffic --on")).isEqualTo(new Result(0, "", ""));
    assertThat(golden("truce run --owner ci deploy -- true")).isEqualTo(new Result(0, "", ""));
    assertThat(golden("truce run deploy -- truce run -n --owner a2 --read deploy -- true"))
        .isEqualTo(new Result(0, "", ""));
    assertThat(golden("truce history deploy --traffic | awk '{ print $2, $3, $5, $6 }'"))
        .isEqualTo(
            new Result(
                0,
                """
                LOCK WHAT MODE OWNER
                deploy switched_on - NAME@HOST
                deploy granted write ci@HOST
                deploy released write ci@HOST
                deploy granted write NAME@HOST
                deploy granted read a2@HOST
                deploy released read a2@HOST
                deploy released write NAME@HOST
                """,
                ""));
    assertThat(golden("truce history other --traffic --json"))
        .isEqualTo(
            new Result(
                0,
                "{\"schema\":\"truce.traffic/1\",\"recorded\":[],\"let_go\":0,\"entries\":[]}\n",
                ""));
    assertThat(golden("truce history deploy --traffic --off --json"))
        .isEqualTo(
            new Result(
                0,
                "{\"schema\":\"truce.traffic-switch/1\",\"lock\":\"deploy\",\"recorded\":false}\n",
                ""));
    assertThat(golden("truce run deploy -- true; truce history deploy --traffic | tail -1"))
        .extracting(Result::out, Result::err)
        .satisfies(said -> {
          assertThat((String) said.getFirst()).contains("switched_off");
          assertThat((String) said.getLast()).contains("no traffic of deploy is recorded");
        });
  }

  @Test
  void aStore_isWrittenAndRead() throws Exception {
    assertThat(golden("truce store put flags dark-mode on && truce store get flags dark-mode"))
        .isEqualTo(new Result(0, "1\non", ""));
    assertThat(golden("echo off | truce store put flags dark-mode - --if-revision 1 --json"))
        .isEqualTo(
            new Result(
                0,
                "{\"schema\":\"truce.commit/1\",\"revision\":2,\"durability\":\"fsync\","
                    + "\"fence\":{},\"id\":\"UUID\",\"store\":\"flags\",\"changed\":1,"
                    + "\"resolved\":0,\"repeated\":false}\n",
                ""));
    assertThat(golden("truce store ls flags && truce store get flags other"))
        .isEqualTo(new Result(1, "KEY        REVISION  BYTES\ndark-mode         2      4\n", ""));
    assertThat(golden("truce run build -- truce store rm flags dark-mode --json"))
        .isEqualTo(
            new Result(
                0,
                "{\"schema\":\"truce.commit/1\",\"revision\":3,\"durability\":\"fsync\","
                    + "\"fence\":{\"build\":TOKEN},\"id\":\"UUID\",\"store\":\"flags\","
                    + "\"changed\":1,\"resolved\":0,\"repeated\":false}\n",
                ""));
  }

  @Test
  void check_isSilent() throws Exception {
    assertThat(golden("truce run build -- truce check")).isEqualTo(new Result(0, "", ""));
    assertThat(golden("TRUCE_LOCK=build TRUCE_TOKEN=7 truce check || exit 1"))
        .isEqualTo(new Result(1, "", ""));
  }

  @Test
  void aMistake_isAnswered() throws Exception {
    assertThat(golden("truce lock x"))
        .isEqualTo(
            new Result(64, "", "truce: there is no 'lock': did you mean 'truce run x -- CMD'?\n"));
  }

  private Result golden(String line) throws Exception {
    Result result = shell.run(line);
    return new Result(result.status(), normal(result.out()), normal(result.err()));
  }

  private static String normal(String text) {
    return text.replace("@" + Console.host(), "@HOST")
        .replace("\"host\":\"" + Console.host() + "\"", "\"host\":\"HOST\"")
        .replace(System.getProperty("user.name") + "@HOST", "NAME@HOST")
        .replaceAll("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z", "TIME")
        .replaceAll("(t[lk]_)[0-9A-Z]+", "$1HANDLE")
        .replaceAll("\\b0{9,}[0-9A-Z]+", "ID")
        .replaceAll("\"token\":\\d+", "\"token\":TOKEN")
        .replaceAll("\"build\":\\d+", "\"build\":TOKEN")
        .replaceAll("\"id\":\"[0-9a-f-]{36}\"", "\"id\":\"UUID\"")
        .replaceAll("write \\d+s", "write HELD")
        .replaceAll("9m\\d+s", "9mHELD")
        .replaceAll("\\b\\d+\\)", "PID)")
        .replaceAll("pid \\d+", "pid PID")
        .replaceAll("\"pid\":\\d+", "\"pid\":PID")
        .replaceAll("HOST:\\d+ +\\d+s +- +0 +\\d+", "HOST:PID HELD - 0 TOKEN")
        .replaceAll("_ms\":\\d+", "_ms\":MS")
        .replaceAll("for \\d+s", "for HELD")
        .replaceAll("token \\d+", "token TOKEN")
        .replaceAll(
            "LOCK +MODE +HOLDER +HELD +EXPIRES +WAITING +TOKEN",
            "LOCK MODE HOLDER HELD EXPIRES WAITING TOKEN")
        .replaceAll("(?m)^(\\w+) +(\\w+) +(\\w+@HOST:)", "$1 $2 $3");
  }
}
