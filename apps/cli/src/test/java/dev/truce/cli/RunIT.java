package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.cli.Shell.Line;
import dev.truce.cli.Shell.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// `truce run` through the real launcher: what the command sees, what becomes of it and of the
/// lock.
class RunIT {
  /// What pgrep answers when it finds none.
  private static final Result NOBODY = new Result(1, "", "");

  @TempDir private Path temp;
  private Shell shell;

  @BeforeEach
  void init() {
    shell = new Shell(temp);
    assertThat(Captured.of(temp, java.util.Map.of(), "init").status()).isEqualTo(0);
  }

  // ---- what the command sees

  @Test
  void theCommand_hasItsDescriptors() throws Exception {
    assertThat(shell.run("truce run x -- diff <(echo a) <(echo a)"))
        .isEqualTo(new Result(0, "", ""));
    assertThat(shell.out("truce run x -- sh -c 'echo hi >&3' 3>log; cat log")).isEqualTo("hi\n");
    assertThat(shell.out("echo in | truce run x -- cat")).isEqualTo("in\n");
    assertThat(shell.out("truce run x -- sh -c '[ ! -e /proc/self/fd/0 ] && echo closed' <&-"))
        .isEqualTo("closed\n");
    // A pipe of tokens, as make hands it to those it starts: taken and given back.
    assertThat(
            shell.out(
                "mkfifo jobs; exec 8<>jobs; printf '+' >&8;"
                    + " truce run x -- truce run y -- bash -c 'read -N1 -u 8 t; printf %s $t >&8';"
                    + " read -N1 -u 8 t; echo $t"))
        .isEqualTo("+\n");
  }

  @Test
  void nobodyButTheCommand_keepsADescriptorOpen() throws Exception {
    // The reader of 3 sees the end although descendants linger, for they closed theirs.
    assertThat(
            shell.out(
                "mkfifo p; { cat p; echo end >ended; } & truce run x -- sh -c 'exec 3>&-;"
                    + " sleep 1000 >/dev/null 2>&1 & echo $! >pid' 3>p;"
                    + " while [ ! -e ended ]; do :; done; kill -9 $(cat pid); cat ended"))
        .isEqualTo("end\n");
  }

  @Test
  void theCommand_hasItsEnvironmentToTheByte() throws Exception {
    String environment =
        "env -i A=1 b-c=2 =q $'N=a\\nb' 'BASH_FUNC_f%%=() { echo hi; }' SHELLOPTS=xtrace BASH_ENV=/no"
            + " POSIXLY_CORRECT=1 PPID=7 IFS=, RANDOM=5 UID=9 _=foo SHLVL=abc OLDPWD=/q LC_ALL=none"
            + " JAVA_TOOL_OPTIONS=-Dx PATH=\"$PATH\" TRUCE_EXTRA=1 ";
    String without = shell.out(environment + "env -0 | tr '\\0' '|'");
    Result with = shell.run(environment + "truce run x -- env -0 | tr '\\0' '|'");
    List<String> kept = new ArrayList<>();
    for (String entry : with.out().split("\\|", -1)) {
      if (!entry.startsWith("TRUCE_") || entry.startsWith("TRUCE_EXTRA=")) {
        kept.add(entry);
      }
    }
    assertThat(String.join("|", kept)).isEqualTo(without);
    assertThat(without).contains("BASH_FUNC_f%%=() { echo hi; }|", "SHLVL=abc|", "|IFS=,|");
  }

  @Test
  void theCommand_isToldOfItsLocks() throws Exception {
    String said =
        shell.out(
            "truce run b --read a --owner me -- env | grep ^TRUCE_ | sed 's/[0-9A-Z]\\{26\\}/ID/g'");
    String token = said.replaceAll("(?s).*TRUCE_TOKEN=(\\d+).*", "$1");
    String other =
        said.replaceAll("(?s).*\"lock\":\"a\",\"mode\":\"read\",\"token\":(\\d+).*", "$1");
    assertThat(said)
        .isEqualTo(
            "TRUCE_LOCK=b\nTRUCE_TOKEN="
                + token
                + "\nTRUCE_GRANTS={\"schema\":\"truce.grants/1\",\"grants\":[{\"dir\":\""
                + temp
                + "/.truce\",\"lock\":\"a\",\"mode\":\"read\",\"token\":"
                + other
                + ",\"lease_id\":\"ID\"},{\"dir\":\""
                + temp
                + "/.truce\",\"lock\":\"b\",\"mode\":\"write\",\"token\":"
                + token
                + ",\"lease_id\":\"ID\"}]}\nTRUCE_LEASE_ID=ID\nTRUCE_OWNER=me\nTRUCE_DIR="
                + temp
                + "/.truce\n");
    assertThat(shell.run("truce run x -- truce check")).isEqualTo(new Result(0, "", ""));
    assertThat(shell.run("truce run x -- truce check --token 999999").status()).isEqualTo(76);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {":", "trap '' INT QUIT", "trap '' HUP TERM USR1 TSTP TTOU", "trap '' PIPE CHLD"})
  void theCommand_hasItsDispositions(String before) throws Exception {
    String look = " grep -E 'Sig(Ign|Cgt|Blk)' /proc/self/status";
    assertThat(shell.out(before + "; exec truce run x --" + look))
        .isEqualTo(shell.out(before + "; exec" + look));
  }

  @Test
  void theCommand_hasItsUmaskDirectoryAndArguments() throws Exception {
    assertThat(shell.out("umask 0137; truce run x -- sh -c umask")).isEqualTo("0137\n");
    assertThat(shell.out("mkdir d; cd d; truce run x -- pwd")).isEqualTo(temp + "/d\n");
    String arguments = " '' 'a b' $'n\\nl' '*' -- -n '$(x)' \"it's\" 'é'";
    assertThat(shell.out("truce run x -- printf '<%s>'" + arguments))
        .isEqualTo(shell.out("printf '<%s>'" + arguments));
    assertThat(
            shell.out(
                "printf '#!/bin/sh\\necho \"$0 $1\"' >a=b; chmod +x a=b; PATH=.:$PATH;"
                    + " truce run x -- ./a=b 1; truce run x -- a=b 2"))
        .isEqualTo("./a=b 1\n./a=b 2\n");
    assertThat(shell.out("truce run x -c 'echo \"$0\" $TRUCE_LOCK; exit 0' -n"))
        .isEqualTo("/bin/sh x\n");
  }

  @Test
  void names_areAnyText() throws Exception {
    String names = "'a:b' a_b ../x 'a b' $'n\\nl' 'größe/中文' -- ";
    assertThat(shell.out("LC_ALL=C truce run --lock -x " + names + "truce ls --json"))
        .contains("\"a:b\"", "\"a_b\"", "\"../x\"", "\"n\\nl\"", "\"größe/中文\"", "\"-x\"");
    assertThat(shell.out("LC_ALL=C truce run $'n\\nl' 'größe' -- truce ls"))
        .contains("\nn\\nl ", "\ngröße ");
    // One lock, whatever the locale of those who ask.
    assertThat(
            shell
                .run(
                    "LC_ALL=C truce run 'größe' -- env -u TRUCE_LEASE_ID LC_ALL=C.UTF-8 truce run -nq 'größe' -- true")
                .status())
        .isEqualTo(75);
    assertThat(shell.run("truce run $'a\\xffb' -- true").status()).isEqualTo(64);
  }

  // ---- exit status

  @ParameterizedTest
  @CsvSource({
    "truce run x -- true, 0",
    "truce run x -- sh -c 'exit 7', 7",
    "truce run x -- sh -c 'exit 255', 255",
    "truce run x -- sh -c 'kill -9 $$', 137",
    "truce run x -- sh -c 'kill -TERM $$', 143",
    "truce run x -- no-such-command, 127",
    "truce run x -- ./no-such-file, 127",
    "truce run x -- /, 126",
    "truce run x -- ./.truce/id, 126",
    "truce run x, 64",
    "truce run x --, 64",
    "truce run -- true, 64",
    "truce run x -w soon -- true, 64",
    "truce run x --reason -- true, 64",
    "truce run x -c 'exit 3', 3",
    "cd / && truce run x -- true, 78",
    "truce run --engine redis://h x -- true, 78",
    "truce run --help, 0"
  })
  void status_isThatOfTheTable(String line, int status) throws Exception {
    assertThat(shell.run(line).status()).isEqualTo(status);
  }

  @Test
  void aScriptWithoutFirstLine_runsAsWithoutTruce() throws Exception {
    assertThat(shell.out("echo 'echo ran $1' >s; chmod +x s; truce run x -- ./s 1"))
        .isEqualTo("ran 1\n");
  }

  // ---- signals

  @ParameterizedTest
  @ValueSource(strings = {"TERM", "HUP", "USR1", "USR2", "INT", "QUIT"})
  void aSignal_reachesTheCommand(String signal) throws Exception {
    Line run =
        shell.start(
            "exec truce run x -- sh -c 'trap \"echo got; exit 42\" "
                + signal
                + "; echo up; while :; do sleep 0.01; done'");
    Shell.await("the command is up", () -> run.said().contains("up"));
    run.signal(signal);
    assertThat(run.result()).isEqualTo(new Result(42, "up\ngot\n", ""));
    assertThat(shell.run("truce run -n x -- true")).isEqualTo(new Result(0, "", ""));
  }

  @ParameterizedTest
  @CsvSource({"INT, 130", "TERM, 143", "HUP, 129"})
  void aSignalWhileWaiting_givesTheClaimBack(String signal, int status) throws Exception {
    Line holder = hold("x");
    Line waiter = shell.start("exec truce run -q x -- touch ran");
    shell.awaitWaiting("x", 1);
    waiter.signal(signal);
    assertThat(waiter.result()).isEqualTo(new Result(status, "", ""));
    assertThat(shell.out("truce why x --json")).contains("\"queue\":[]");
    assertThat(temp.resolve("ran")).doesNotExist();
    end(holder);
  }

  @Test
  void aSignalAtAnyMoment_leavesNothingBehind() throws Exception {
    for (int i = 0; i < 25; i++) {
      Line run = shell.start("exec truce run x -- sleep 1000");
      // Waits for nothing: it chooses another moment of the start for each signal.
      Thread.sleep(8L * i);
      run.signal(i % 2 == 0 ? "INT" : "TERM");
      assertThat(run.result())
          .as("after %d ms", 8 * i)
          .isEqualTo(new Result(i % 2 == 0 ? 130 : 143, "", ""));
    }
    assertThat(shell.run("truce run -n x -- true")).isEqualTo(new Result(0, "", ""));
  }

  @Test
  void theTerminal_isTheCommands() throws Exception {
    Line run =
        shell.start(
            "exec script -qec \"exec truce run x -- sh -c 'echo up; read l </dev/tty; echo got \\$l'\" /dev/null");
    Shell.await("the command is up", () -> run.said().contains("up"));
    run.type("hello\n");
    assertThat(run.result().status()).isEqualTo(0);
    assertThat(run.said()).contains("got hello");
  }

  @Test
  void interruptAtTheTerminal_reachesTheCommandOnce_andEndsAScriptThatCalledUs() throws Exception {
    Line once =
        shell.start(
            "exec script -qec \"exec truce run x -- bash -c 'trap \\\"echo int; heard=1\\\" INT; echo up; until [ \\$heard ]; do read -t 1; done; read -t 0.2; exit 9'\" /dev/null");
    Shell.await("the command is up", () -> once.said().contains("up"));
    once.type("\u0003");
    Result result = once.result();
    assertThat(result.status()).isEqualTo(9);
    assertThat(result.out().split("int\r\n", -1)).hasSize(2);

    Files.writeString(
        temp.resolve("script"),
        "truce run x -- sh -c 'echo up; exec sleep 1000'\necho not reached\n");
    // The end of the command and the signal to us come together, in either order.
    for (int i = 0; i < 10; i++) {
      Line script = shell.start("exec script -qec 'exec bash ./script' /dev/null");
      Shell.await("the command is up", () -> script.said().contains("up"));
      script.type("\u0003");
      assertThat(script.result().status()).isEqualTo(130);
      assertThat(script.said()).doesNotContain("not reached");
    }
  }

  // ---- deaths

  /// The shell that was called, the nurse, the keeper and the command of a run.
  private record Family(Line run, long nurse, long keeper, long command, long grandchild) {}

  private Family family(String name) throws Exception {
    return family(name, "");
  }

  /// One whose command closes all descriptors above 2, as sudo does: the life pipe says nothing of
  /// it.
  private Family closedFamily(String name) throws Exception {
    return family(
        name, "for fd in 3 4 5 6 7 8 9 10 11 12 13 14 15; do eval \"exec $fd>&-\"; done; ");
  }

  private Family family(String name, String first) throws Exception {
    Line run =
        shell.start(
            "exec truce run " + name + " -- bash -c '" + first + "sleep 1000 & echo $$ $!; wait'");
    Shell.await("the command is up", () -> run.said().endsWith("\n"));
    String[] pids = run.said().strip().split(" ", -1);
    long nurse = 0;
    long keeper = 0;
    for (String child : children(run.pid())) {
      String grandchild = children(Long.parseLong(child))[0];
      if (!grandchild.isEmpty() && proc(grandchild + "/cmdline").contains(".Keeper")) {
        nurse = Long.parseLong(child);
        keeper = Long.parseLong(grandchild);
      }
    }
    return new Family(run, nurse, keeper, Long.parseLong(pids[0]), Long.parseLong(pids[1]));
  }

  private static String[] children(long pid) {
    return proc(pid + "/task/" + pid + "/children").strip().split(" ", -1);
  }

  /// What the kernel says of a process; nothing of one that is gone.
  private static String proc(String file) {
    try {
      return Files.readString(Path.of("/proc", file));
    } catch (IOException gone) {
      return "";
    }
  }

  private void assertAllGoneAndFree(Family family, String name) throws Exception {
    assertThat(shell.run("truce run -w 15 " + name + " -- true").status()).isEqualTo(0);
    assertThat(Shell.lives(family.command())).isFalse();
    assertThat(Shell.lives(family.grandchild())).isFalse();
    Shell.await("the keeper has ended", () -> !Shell.lives(family.keeper()));
  }

  @Test
  void killOfTheCalledProcess_endsTheCommandBeforeTheLockIsFree() throws Exception {
    Family family = family("x");
    Line next =
        shell.start(
            "exec truce run x -- sh -c '[ -z \"$(grep -sLE \"^State:.[ZX]\" /proc/"
                + family.command()
                + "/status /proc/"
                + family.grandchild()
                + "/status)\" ] && echo alone'");
    shell.awaitWaiting("x", 1);
    family.run().process().destroyForcibly();
    assertThat(next.result().out()).isEqualTo("alone\n");
    assertAllGoneAndFree(family, "x");
  }

  @Test
  void killOfTheKeeper_endsTheCommand() throws Exception {
    Family family = family("x");
    Shell.kill("KILL", family.keeper());
    Result result = family.run().result();
    assertThat(result.status()).isEqualTo(123);
    assertThat(result.err())
        .isEqualTo("truce: the keeper of the locks was killed, and the command with it\n");
    assertAllGoneAndFree(family, "x");
  }

  @Test
  void killOfTheKeeper_endsACommandThatClosedItsDescriptors() throws Exception {
    Family family = closedFamily("x");
    Shell.kill("KILL", family.keeper());
    assertThat(family.run().result().status()).isEqualTo(123);
    assertAllGoneAndFree(family, "x");
  }

  @Test
  void killOfThePorter_endsTheCommandBeforeTheLockIsFree() throws Exception {
    Family open = family("x");
    Family closed = closedFamily("y");
    Shell.kill("KILL", parent(open.command()));
    Shell.kill("KILL", parent(closed.command()));
    assertAllGoneAndFree(open, "x");
    assertAllGoneAndFree(closed, "y");
    assertThat(open.run().result().status()).isEqualTo(125);
    assertThat(closed.run().result().status()).isEqualTo(125);
  }

  private static long parent(long pid) throws Exception {
    String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
    return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[1]);
  }

  @Test
  void killOfTheNurse_endsTheCommand() throws Exception {
    Family family = family("x");
    Shell.kill("KILL", family.nurse());
    assertThat(family.run().result().status()).isEqualTo(123);
    assertAllGoneAndFree(family, "x");
  }

  @Test
  void killOfCalledProcessAndKeeper_endsTheCommand() throws Exception {
    Family family = family("x");
    Shell.kill("KILL", family.keeper());
    family.run().process().destroyForcibly();
    Shell.await(
        "all are gone", () -> !Shell.lives(family.command()) && !Shell.lives(family.grandchild()));
    assertAllGoneAndFree(family, "x");
  }

  @Test
  void descendantsThatLiveOn_keepTheLock_andNobodyWaitsForThem() throws Exception {
    Family family = family("x");
    Shell.kill("KILL", family.command());
    assertThat(family.run().result())
        .isEqualTo(new Result(137, family.command() + " " + family.grandchild() + "\n", ""));
    assertThat(shell.out("truce why x")).contains("x is held for writing");
    assertThat(shell.run("truce run -nq x -- true").status()).isEqualTo(75);
    Shell.kill("KILL", family.grandchild());
    assertAllGoneAndFree(family, "x");
  }

  @Test
  void aCommandThatClosedItsDescriptors_countsWhileItLives() throws Exception {
    Line run =
        shell.start(
            "exec truce run x -- bash -c 'for f in /proc/self/fd/*; do f=${f##*/};"
                + " ((f < 3)) || eval \"exec $f>&-\"; done; echo $$; exec sleep 1000'");
    Shell.await("the command is up", () -> run.said().endsWith("\n"));
    long command = Long.parseLong(run.said().strip());
    assertThat(shell.run("truce run -nq x -- true").status()).isEqualTo(75);
    run.process().destroyForcibly();
    assertThat(shell.run("truce run -w 15 x -- true").status()).isEqualTo(0);
    assertThat(Shell.lives(command)).isFalse();
  }

  // ---- limits

  @Test
  void maxHold_stopsTheCommand() throws Exception {
    assertThat(shell.run("truce run --max-hold 300ms x -- sleep 1000"))
        .isEqualTo(
            new Result(
                124,
                "",
                "truce: the command under x has held its locks for 300ms, its --max-hold; stopping"
                    + " it\n"));
    assertThat(
            shell
                .run(
                    "truce run --max-hold 300ms --grace 100ms x --"
                        + " sh -c 'trap \"\" TERM; sleep 1000 & sleep 1000'")
                .status())
        .isEqualTo(124);
    assertThat(shell.run("truce run -n x -- true").status()).isEqualTo(0);
  }

  /// The command has ended, and what it left is another process all the time. It ends by itself
  /// only after 25 seconds.
  @Test
  void maxHold_stopsLeftoversThatForkAndExitAllTheTime() throws Exception {
    String hopper = "hopper-" + temp.getFileName();
    String hop = "hop() { ((n--)) && { sleep 0.005; hop & }; }; n=5000; hop; exit 7";
    assertThat(
            shell
                .run(
                    "truce run --max-hold 6s --grace 100ms x -- bash -c '"
                        + hop
                        + "' "
                        + hopper
                        + " 2>&1")
                .status())
        .isEqualTo(7);
    assertThat(shell.run("truce run -nq x -- true").status()).isEqualTo(75);
    String look = "pgrep -r DRST -f '^bash -c.*[ ]" + hopper + "'";
    assertThat(shell.run("truce run -q -w 15 x -- " + look)).isEqualTo(NOBODY);
    assertThat(shell.run(look)).isEqualTo(NOBODY);
  }

  // ---- turns

  @Test
  void eightShellsThatCount_loseNothing() throws Exception {
    int each = Boolean.getBoolean("truce.full") ? 25 : 10;
    Files.writeString(temp.resolve("n"), "0\n");
    List<Line> shells = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      shells.add(
          shell.start(
              "for i in {1.."
                  + each
                  + "}; do truce run --lock c -- sh -c"
                  + " 'n=$(cat n); echo $((n+1)) > n' || exit; done"));
    }
    for (Line line : shells) {
      assertThat(line.process().waitFor()).isEqualTo(0);
    }
    assertThat(Files.readString(temp.resolve("n"))).isEqualTo(8 * each + "\n");
  }

  @Test
  void twelveWaiters_areServedInOrder() throws Exception {
    Line holder = hold("x");
    StringBuilder expected = new StringBuilder();
    List<Line> waiters = new ArrayList<>();
    for (int i = 1; i <= 12; i++) {
      waiters.add(shell.start("exec truce run x -- sh -c 'echo " + i + " >>order'"));
      shell.awaitWaiting("x", i);
      expected.append(i).append('\n');
    }
    end(holder);
    for (Line waiter : waiters) {
      assertThat(waiter.process().waitFor()).isEqualTo(0);
    }
    assertThat(Files.readString(temp.resolve("order"))).isEqualTo(expected.toString());
  }

  @Test
  void aNestedRun_goesThroughAsABranch_siblingsOneAtATime() throws Exception {
    assertThat(
            shell.out(
                "truce run x -- sh -c 'echo $TRUCE_TOKEN; truce run -n x -- sh -c \"echo \\$TRUCE_TOKEN\"' | uniq | wc -l"))
        .isEqualTo("1\n");
    assertThat(shell.out("truce run x y -- truce run -n --read y -- echo through"))
        .isEqualTo("through\n");
    Files.writeString(temp.resolve("n"), "0\n");
    shell.out(
        "truce run x -- sh -c 'for i in 1 2 3 4 5 6; do truce run x -- sh -c"
            + " \"n=\\$(cat n); sleep 0.02; echo \\$((n+1)) >n\" & done; wait'");
    assertThat(Files.readString(temp.resolve("n"))).isEqualTo("6\n");
  }

  @Test
  void nestedRuns_crosswise_oneIsRefusedAtOnceNamingTheRing_theOtherCompletes() throws Exception {
    for (String how : List.of("", "--json ")) {
      Line one = shell.start(nested("a", "b", how));
      Line two = shell.start(nested("b", "a", how));
      List<Integer> ends = List.of(one.process().waitFor(), two.process().waitFor());
      assertThat(ends).containsExactlyInAnyOrder(0, 75);
      boolean first = ends.getFirst() == 75;
      String said = Files.readString(temp.resolve(first ? "said-a" : "said-b"));
      if (how.isEmpty()) {
        // Whoever was first may have waited for a second by then, and said so.
        assertThat(said)
            .matches(
                "(?:truce: waiting for .*\n)?"
                    + (first
                        ? ".* has a and waits for b, .* has b and waits for a: .*; not run: give back what you hold, then repeat\n"
                        : ".* has b and waits for a, .* has a and waits for b: .*; not run: give back what you hold, then repeat\n"));
      } else {
        assertThat(said)
            .contains("\"kind\":\"deadlock\"")
            .contains("\"holds\":\"a\",\"waits_for\":\"b\",\"mode\":\"write\"")
            .contains("\"holds\":\"b\",\"waits_for\":\"a\",\"mode\":\"write\"");
      }
      assertThat(shell.run("rm in-a in-b").status()).isEqualTo(0);
    }
  }

  /// Each has its outer lock before it wants the inner one.
  private static String nested(String outer, String inner, String how) {
    return ("exec truce run OUT -- sh -c 'touch in-OUT; until [ -e in-IN ]; do sleep 0.01; done;"
            + " exec truce run "
            + how
            + "IN -- true 2>said-OUT'")
        .replace("OUT", outer)
        .replace("IN", inner);
  }

  @Test
  void aNestedRun_byAnotherPathOrThroughAnotherRoot_goesThrough() throws Exception {
    Files.createSymbolicLink(temp.resolve("link"), temp.resolve(".truce"));
    assertThat(shell.out("truce run x -- truce run -n --dir link x -- echo through"))
        .isEqualTo("through\n");
    assertThat(
            shell.out(
                "truce run x -- truce run --dir other y -- truce run -n --dir .truce x -- echo"
                    + " through"))
        .isEqualTo("through\n");
    assertThat(
            shell.out(
                "truce run x -- truce run z -- sh -c 'truce check x && truce check z && echo $TRUCE_GRANTS'"
                    + " | grep -o '\"lock\":\"[a-z]*\"' | tr '\\n' ' '"))
        .isEqualTo("\"lock\":\"z\" \"lock\":\"x\" ");
    assertThat(shell.run("truce run x -- truce check y").status()).isEqualTo(64);
  }

  @Test
  void why_itsProcessHasEnded_namesWhatItLeft() throws Exception {
    assertThat(
            shell.out(
                "truce run x -- sh -c 'sleep 1000 >/dev/null 2>&1 & echo $! >left'; truce why x |"
                    + " tail -1 | sed 's/[0-9][0-9]*/N/'; kill $(cat left)"))
        .isEqualTo(
            "  it frees when what pid N left running ends; by force: truce revoke x --reason TEXT\n");
  }

  @Test
  void anAnswerThatNobodyReads_isNoDefect() throws Exception {
    assertThat(shell.run("truce ls >/dev/full"))
        .isEqualTo(
            new Result(
                74, "", "truce: the answer could not be written: No space left on device\n"));
    assertThat(shell.run("truce ls | head -c0; echo ${PIPESTATUS[0]}").out())
        .isIn("141\n", "0\n"); // it may have been faster
  }

  @Test
  void aDirectoryOfOthers_neverBecomesARoot() throws Exception {
    Files.createDirectory(temp.resolve("work"));
    Files.writeString(temp.resolve("work/notes"), "mine");
    assertThat(shell.run("truce run --dir work x -- true"))
        .isEqualTo(
            new Result(
                73,
                "",
                "truce: "
                    + temp.resolve("work")
                    + " is no Truce root and holds notes; name an empty or a new directory, such as "
                    + temp.resolve("work/.truce")
                    + "\n"));
    assertThat(shell.out("ls work")).isEqualTo("notes\n");
    assertThat(shell.run("truce init /etc/passwd").status()).isEqualTo(73);
  }

  @Test
  void anIdThatIsNoLongerLive_orOfAnotherRoot_isIgnored() throws Exception {
    String id = shell.out("truce run x -- sh -c 'echo $TRUCE_LEASE_ID $TRUCE_GRANTS'").strip();
    String[] words = id.split(" ", 2);
    String stale = "export TRUCE_LEASE_ID='" + words[0] + "' TRUCE_GRANTS='" + words[1] + "'; ";
    assertThat(shell.out(stale + "truce run -n x -- echo had")).isEqualTo("had\n");
    // The first member and claim of another root have the same id as those of this one might.
    Line holder =
        shell.start("exec truce run --dir other x -- sh -c 'echo $TRUCE_LEASE_ID; sleep 1000'");
    Shell.await("the holder is up", () -> holder.said().endsWith("\n"));
    String foreign =
        "export TRUCE_LEASE_ID='" + holder.said().strip() + "' TRUCE_GRANTS='" + words[1] + "'; ";
    assertThat(shell.run(foreign + "truce run --dir other -nq x -- true").status()).isEqualTo(75);
    end(holder);
  }

  // ---- places

  @Test
  void cellsDeletedUnderAHolder_letNobodyElseIn() throws Exception {
    Line holder = hold("x");
    Files.delete(temp.resolve(".truce/cells"));
    Result refused = shell.run("truce run -w 15 x -- true");
    assertThat(refused.status()).isEqualTo(65);
    assertThat(refused.err()).startsWith("truce: " + temp.resolve(".truce/cells") + " is damaged");
    end(holder);
    assertThat(shell.run("truce run -n x -- true").status()).isEqualTo(0);
  }

  @Test
  void aFullDisk_isOneLine_andTheNextRunIsFineWhenThereIsRoom() throws Exception {
    Result result =
        mounted(
            "mkdir d; mount -t tmpfs -o size=1500k tmpfs d; truce run --dir d/r x -- echo ran;"
                + " echo $?; mount -o remount,size=3m d; truce run --dir d/r x -- echo ran");
    String cells = "truce: " + temp.resolve("d/r/cells");
    assertThat(result.out()).isEqualTo("74\nran\n");
    assertThat(result.err().lines())
        .containsExactly(
            cells
                + ": the disk is full (No space left on device); nothing was changed, free some"
                + " space",
            cells
                + " was rebuilt: it was missing; what was held is free, and tokens go on above all"
                + " that were given out");
  }

  /// What is there already needs no more room.
  @Test
  void aDiskThatFillsUpLater_stopsNobody() throws Exception {
    assertThat(
            mounted(
                "mkdir d; mount -t tmpfs -o size=3m tmpfs d; truce init d/r >/dev/null; dd"
                    + " if=/dev/zero of=d/fill bs=4k status=none 2>/dev/null; truce run --dir d/r x"
                    + " -- echo ran; truce ls --dir d/r --json"))
        .isEqualTo(new Result(0, "ran\n{\"schema\":\"truce.locks/1\",\"locks\":[]}\n", ""));
  }

  @Test
  void aReadOnlyFileSystem_isOneLine() throws Exception {
    assertThat(
            mounted(
                "mkdir d; truce init --dir d/r >/dev/null; mount --bind d d; mount -o"
                    + " remount,ro,bind d; truce run --dir d/r x -- echo ran"))
        .isEqualTo(
            new Result(
                77,
                "",
                "truce: "
                    + temp.resolve("d/r/locks")
                    + ": the file system is read-only; mount it writable or name another"
                    + " directory\n"));
  }

  /// With mounts of its own, which end with it.
  private Result mounted(String line) throws Exception {
    Path script = Files.writeString(temp.resolve("mounted"), line + "\n");
    return shell.run("unshare -rm bash " + script);
  }

  private Line hold(String name) throws Exception {
    Line holder = shell.start("exec truce run " + name + " -- sh -c 'echo up; exec sleep 1000'");
    Shell.await("the holder is up", () -> holder.said().contains("up"));
    return holder;
  }

  private static void end(Line holder) throws Exception {
    holder.signal("TERM");
    holder.process().waitFor();
  }

  @Test
  void json_whateverEndsTheRun_isOneObjectOnStderr() throws Exception {
    assertSaid(shell.run("truce run --json x -- ./no\\\"such"), 127, "not_found");
    assertSaid(shell.run("truce run --json x -- no-such-command"), 127, "not_found");
    assertSaid(shell.run("truce run --json x -- /etc/passwd"), 126, "not_executable");
    assertSaid(
        shell.run("truce run --json --max-hold 200ms --grace 0 x -- sleep 1000"), 124, "max_hold");
    Line holder = shell.start("exec truce run --json x -- sh -c 'echo up; exec sleep 1000'");
    Shell.await("the holder is up", () -> holder.said().contains("up"));
    Line waits = shell.start("exec truce run --json x -- true");
    shell.awaitWaiting("x", 1);
    waits.signal("INT");
    assertSaid(waits.result(), 130, "interrupted");
    shell.out("truce revoke x --reason test");
    assertSaid(holder.result(), 123, "lost");
  }

  @Test
  void aLockThatTheCommandItselfEndsByForce_isNeverLostInSilence() throws Exception {
    for (int i = 0; i < 5; i++) {
      Result lost = shell.run("truce run x -- truce revoke x --reason own");
      assertThat(lost.status()).as(lost.toString()).isEqualTo(123);
      assertThat(lost.err()).contains("has lost x, ended by force by ").contains(" (own); ");
    }
    assertSaid(shell.run("truce run --json x -- truce revoke x --reason own"), 123, "lost");
    Result nested = shell.run("truce run x -- truce run x -- truce revoke x --reason own");
    assertThat(nested.status()).as(nested.toString()).isEqualTo(123);
    Result warned =
        shell.run("truce run --on-lost warn x -- sh -c 'truce revoke x --reason own; exit 3'");
    assertThat(warned.status()).as(warned.toString()).isEqualTo(3);
    assertThat(warned.err()).contains("has lost x, ended by force by ").contains(" without it");
    Result left =
        shell.run(
            "truce run x -- sh -c 'sleep 1000 > /dev/null 2>&1 & truce revoke x --reason own'");
    assertThat(left.status()).as(left.toString()).isEqualTo(123);
  }

  private static void assertSaid(Result result, int status, String kind) {
    assertThat(result.status()).as(result.toString()).isEqualTo(status);
    assertThat(result.err()).startsWith("{\"schema\":\"truce.error/1\"").hasLineCount(1);
    assertThat(LeaseIT.field(result.err(), "kind")).isEqualTo(kind);
    assertThat(LeaseIT.field(result.err(), "status")).isEqualTo(Integer.toString(status));
    assertThat(result.err()).endsWith("\",\"usage\":null}\n");
  }

  @Test
  void workingDirectoryThatWasDeleted_isSaidInWords() throws Exception {
    for (String call : List.of("ls", "run x -- true")) {
      Result gone = shell.run("mkdir gone; cd gone; rmdir ../gone; exec truce " + call);
      assertThat(gone.status()).isEqualTo(78);
      assertThat(gone.err()).contains("truce: the working directory was deleted");
      assertThat(gone.err()).doesNotContain("Exception", "\tat ");
    }
  }

  // ---- permits, and what people know from flock(1)

  private Line holdPermit() throws Exception {
    Line holder = shell.start("exec truce run --permit pool:2 -- sh -c 'echo up; exec sleep 1000'");
    Shell.await("the holder is up", () -> holder.said().contains("up"));
    return holder;
  }

  @Test
  void permits_areHadBySoMany_inPlaceOfALock() throws Exception {
    Line one = holdPermit();
    Line other = holdPermit();
    assertThat(shell.run("truce run -n --permit pool:2 -- true").status()).isEqualTo(75);
    assertThat(shell.run("truce run -n --permit pool:2 x -- true").status()).isEqualTo(75);
    assertThat(shell.run("truce run -n x -- true").status()).isEqualTo(0);
    Line waiter = shell.start("exec truce run -q -w 15 x --permit pool:2 -- printenv TRUCE_GRANTS");
    shell.awaitWaiting("pool", 1);
    end(one);
    Result had = waiter.result();
    assertThat(had.status()).isEqualTo(0);
    assertThat(had.out()).contains("\"lock\":\"pool\"", "\"lock\":\"x\"");
    end(other);
  }

  @Test
  void permits_ofAnotherNumber_areRefused_whateverTheStatusOfAHeldOne() throws Exception {
    Line holder = holdPermit();
    assertThat(shell.run("truce run -n -E 0 --permit pool:3 -- true"))
        .isEqualTo(
            new Result(
                78, "", "truce: pool has 2 permits, another number than was asked for; not run\n"));
    assertThat(shell.run("truce run -w 15 pool -- true").status()).isEqualTo(78);
    assertThat(shell.run("truce acquire -nq -E 0 pool").status()).isEqualTo(78);
    Result json = shell.run("truce run -n --json --permit pool:3 -- true");
    assertThat(json.err())
        .contains("\"kind\":\"other_limit\",", "\"limit\":2,")
        .contains("\"hint\":\"ask with truce run --permit pool:2\"");
    end(holder);
  }

  /// What util-linux tests of its command, but for the one that starts no process.
  @Test
  void theScenariosOfFlock_comeOutAsThere() throws Exception {
    Line writer = hold("x");
    assertThat(shell.run("truce run -q -n -E 123 x -- true").status()).isEqualTo(123);
    assertThat(shell.run("truce run -q -n -s -E 123 x -- true").status()).isEqualTo(123);
    long began = System.nanoTime();
    assertThat(shell.run("truce run -q -w 0.5 -E 123 x -- true").status()).isEqualTo(123);
    assertThat(System.nanoTime() - began).isGreaterThan(500_000_000L);
    Line waiter = shell.start("exec truce run -q -w 15 x -c 'echo had'");
    shell.awaitWaiting("x", 1);
    end(writer);
    assertThat(waiter.result()).isEqualTo(new Result(0, "had\n", ""));

    Line reader = shell.start("exec truce run -s x -- sh -c 'echo up; exec sleep 1000'");
    Shell.await("the reader is up", () -> reader.said().contains("up"));
    assertThat(shell.run("truce run -s -n x -c 'exit 7'").status()).isEqualTo(7);
    assertThat(shell.run("truce run -q -x -n -E 123 x -- true").status()).isEqualTo(123);
    end(reader);
  }
}
