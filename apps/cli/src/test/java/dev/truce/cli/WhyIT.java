package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.cli.Shell.Line;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What `truce why`, `stats` and `top` say of real commands.
class WhyIT {
  @TempDir private Path temp;
  private Shell shell;

  @BeforeEach
  void init() {
    shell = new Shell(temp);
    assertThat(Captured.of(temp, Map.of(), "init").status()).isEqualTo(0);
  }

  private Line holder(String name) throws Exception {
    Line holder =
        shell.start("exec truce run --owner ci " + name + " -- sh -c 'echo up; exec sleep 1000'");
    Shell.await("the holder is up", () -> holder.said().contains("up"));
    return holder;
  }

  private void untilWaiting(String lock, int waiters) throws Exception {
    Shell.await(
        waiters + " wait for " + lock,
        () -> shell.out("truce why --json " + lock).contains("\"waiting\":" + waiters + ","));
  }

  @Test
  void threeWaiters_areShownInTheirOrder() throws Exception {
    Line holder = holder("deploy");
    Line first = shell.start("exec truce run -q --owner one deploy -- true");
    untilWaiting("deploy", 1);
    Line second = shell.start("exec truce run -q --owner two --reason later deploy -- true");
    untilWaiting("deploy", 2);
    Line third = shell.start("exec truce run -q --owner three --read deploy -- true");
    untilWaiting("deploy", 3);

    List<String> lines = shell.out("truce why deploy").lines().toList();
    assertThat(lines).hasSize(5);
    assertThat(lines.get(0))
        .startsWith("deploy is held for writing by ci@")
        .contains("(pid " + holder.pid() + ") for ")
        .endsWith("; alive: its process lock is held");
    assertThat(lines.get(1)).startsWith("  1. one@").contains("(pid " + first.pid() + ") write ");
    assertThat(lines.get(2)).startsWith("  2. two@").endsWith(", \"later\"");
    assertThat(lines.get(3)).startsWith("  3. three@").contains(") read ");
    assertThat(lines.get(4))
        .isEqualTo(
            "  it frees when pid "
                + holder.pid()
                + " ends; by force: truce revoke deploy --reason TEXT");

    assertThat(shell.out("truce stats deploy"))
        .startsWith("deploy: 1 acquired = 0 released + 0 lost + 1 held\n")
        .contains("  oldest  waiter one@");
    assertThat(shell.out("truce top --count 1").lines().toList().get(2))
        .startsWith("deploy  write  ci@")
        .contains(":" + holder.pid() + " ");

    holder.signal("TERM");
    assertThat(holder.result().status()).isEqualTo(143);
    for (Line waiter : List.of(first, second, third)) {
      assertThat(waiter.result().status()).isEqualTo(0);
    }
    assertThat(shell.out("truce stats deploy"))
        .startsWith("deploy: 4 acquired = 4 released + 0 lost + 0 held\n  queue   3 had to wait");
    // What was measured is added when the caller has gone on.
    Shell.await(
        "all have added what they measured",
        () -> shell.out("truce stats deploy").contains("  ends    released 4 "));
  }

  @Test
  void whatTheHolderWaitsFor_isShownBelowIt() throws Exception {
    Line holder = holder("inner");
    Line between =
        shell.start("exec truce run -q --owner mid -c 'truce run -q inner -- true' outer");
    untilWaiting("inner", 1);
    Line waiter = shell.start("exec truce run -q --owner last outer -- true");
    untilWaiting("outer", 1);
    Shell.await(
        "the wait behind outer is told",
        () -> shell.out("truce why outer").contains("it waits for inner"));
    assertThat(shell.out("truce why outer"))
        .contains(
            "    it waits for inner (write), which\n      is held for writing by ci@",
            " ends (it waits for inner); by force: ");
    assertThat(shell.out("truce why outer --json"))
        .contains("\"waits_for\":[{\"lock\":\"inner\",\"mode\":\"write\",\"ring\":false,");
    holder.signal("TERM");
    assertThat(holder.result().status()).isEqualTo(143);
    assertThat(between.result().status()).isEqualTo(0);
    assertThat(waiter.result().status()).isEqualTo(0);
  }
}
