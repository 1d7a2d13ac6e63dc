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
    assertThat(golden("truce run --read deploy -w 1.5 -- ./test.sh"))
        .isEqualTo(
            new Result(
                75,
                "",
                """
                truce: waiting for deploy: ci@HOST (pid PID) has held it for HELD, you are next
                truce: deploy is held by ci@HOST (pid PID) for HELD; not had within 1.5s; not run
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
                    + "  it frees when pid PID ends\n",
                ""));
    holder.signal("TERM");
    assertThat(holder.result().status()).isEqualTo(143);
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
    return text.replace(Console.host(), "HOST")
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
