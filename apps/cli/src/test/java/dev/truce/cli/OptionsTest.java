package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.truce.cli.RunOptions.OnLost;
import dev.truce.cli.RunOptions.Wanted;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OptionsTest {
  private static RunOptions run(String... args) {
    return RunOptions.of(Options.parse(Verb.RUN, List.of(args)), true);
  }

  @Test
  void run_hasItsDefaults() {
    assertThat(run("x"))
        .isEqualTo(
            new RunOptions(
                List.of(new Wanted("x", false)),
                -1,
                Durations.FOREVER,
                75,
                null,
                OnLost.TERM,
                Duration.ofSeconds(5),
                "",
                false,
                0,
                null,
                false,
                false));
  }

  @Test
  void run_takesAllItsFlags() {
    assertThat(
            run(
                "-nqE0",
                "a",
                "--read",
                "b",
                "--max-hold=2m",
                "--on-lost",
                "kill",
                "--grace",
                "0",
                "--reason",
                "--x",
                "--priority",
                "-7",
                "--owner",
                "ci",
                "--lock",
                "-c",
                "--json"))
        .isEqualTo(
            new RunOptions(
                List.of(new Wanted("a", false), new Wanted("b", true), new Wanted("-c", false)),
                -1,
                Duration.ZERO,
                0,
                Duration.ofMinutes(2),
                OnLost.KILL,
                Duration.ZERO,
                "--x",
                false,
                -7,
                "ci",
                true,
                true));
  }

  @Test
  void run_readsAllWithShared() {
    assertThat(run("a", "-s", "b").wanted())
        .containsExactly(new Wanted("a", true), new Wanted("b", true));
  }

  @Test
  void run_takesPermits_whoseNumberIsBehindTheLastColon() {
    assertThat(run("--permit", "db:pool:10", "-s", "x", "--permit=licences:200").wanted())
        .containsExactly(
            new Wanted("db:pool", false, 10),
            new Wanted("x", true),
            new Wanted("licences", false, 200));
  }

  @Test
  void run_takesAnAttachedOrSeparateValue() {
    for (String[] wait :
        new String[][] {{"-w1.5"}, {"-w", "1.5"}, {"--wait=1.5"}, {"--wait", "1.5s"}}) {
      List<String> args = new java.util.ArrayList<>(List.of(wait));
      args.add("x");
      assertThat(run(args.toArray(String[]::new)).patience()).isEqualTo(Duration.ofMillis(1500));
    }
  }

  @Test
  void run_saysWhichArgumentIsTheShellLine() {
    Options options = Options.parse(Verb.RUN, List.of("x", "-n", "-c", "echo hi"));
    assertThat(RunOptions.of(options, false).line()).isEqualTo(3);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "-s -x a",
        "-n -w 5 a",
        "-w -1 a",
        "-w a",
        "-E 256 a",
        "-E -1 a",
        "-E x a",
        "-E a",
        "--on-lost die a",
        "--max-hold 0 a",
        "--grace soon a",
        "--priority 101 a",
        "--priority -101 a",
        "--priority high a",
        "--priority - a",
        "--priority 1 --force --reason r a",
        "--owner= a",
        "-z a",
        "--no-such a",
        "-c line a",
        "--permit a:3 a",
        "--permit a:3 --read a",
        "--permit a:3 --permit a:3",
        "--permit a:3 --force --reason r",
        "--permit a",
        "--permit :3",
        "--permit a:0",
        "--permit a:201",
        "--permit a:-1",
        "--permit a:x",
        "--permit a:99999999999",
        "--force a",
        "--force --reason= a",
        "--json=1 a",
        "--lock= -n",
        "--read= -n"
      })
  void run_refusesWhatMakesNoSense(String args) {
    List<String> given = args.isEmpty() ? List.of() : List.of(args.split(" ", -1));
    Failure refused =
        catchThrowableOfType(
            Failure.class, () -> RunOptions.of(Options.parse(Verb.RUN, given), true));
    assertThat(refused).isNotNull();
    assertThat(refused.status()).isEqualTo(64);
  }

  @Test
  void name_hasAtMost255Bytes() {
    assertThat(run("é".repeat(127) + "x").wanted()).hasSize(1);
    assertThat(run("😀".repeat(63) + "abc").wanted()).hasSize(1);
    Failure refused = catchThrowableOfType(Failure.class, () -> run("😀".repeat(64)));
    assertThat(refused.text()).isEqualTo("the name of a lock has at most 255 bytes, this one 256");
  }

  @Test
  void name_thatWasNoUtf8IsRefused() {
    assertThat(catchThrowableOfType(Failure.class, () -> run("a\uFFFDb")).status()).isEqualTo(64);
  }
}
