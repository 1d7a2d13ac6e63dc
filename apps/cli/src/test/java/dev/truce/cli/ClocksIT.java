package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.cli.Shell.Line;
import dev.truce.cli.Shell.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Leases between processes that do not agree on the time, the boot or the place: each call a
/// process of its own.
class ClocksIT {
  private static final boolean FULL = Boolean.getBoolean("truce.full");
  private static final Duration TERM = Duration.ofSeconds(2);
  private static final String ELSEWHEN =
      "unshare -r --time --boottime 864000 --monotonic 3600 --fork ";

  @TempDir private Path temp;
  private Shell shell;

  @BeforeEach
  void init() {
    shell = new Shell(temp);
    assertThat(Captured.of(temp, Map.of(), "init").status()).isEqualTo(0);
  }

  private int status(String line) throws Exception {
    return shell.run(line).status();
  }

  private static long token(String json) {
    return Long.parseLong(LeaseIT.field(json, "token"));
  }

  /// The command in a JVM whose wall clock is off.
  private String off(Duration by) throws IOException {
    Path truce = temp.resolve("truce" + by.toSeconds());
    Files.writeString(
        truce,
        "exec "
            + Path.of(System.getProperty("java.home"), "bin", "java")
            + " -XX:TieredStopAtLevel=1 -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED "
            + Text.quoted(WallClock.off(temp, by))
            + " -cp "
            + Text.quoted(System.getProperty("java.class.path"))
            + " dev.truce.cli.Main \"$@\"\n");
    return "bash " + Text.quoted(truce.toString());
  }

  @Test
  void wallClocksAnHourOff_endNoLeaseAndKeepNone() throws Exception {
    Duration hour = Duration.ofHours(1);
    String ahead = off(hour);
    List<String> clocks = new ArrayList<>(List.of("truce", ahead, off(hour.negated())));
    if (FULL) {
      assertThat(status("command -v faketime")).as("faketime: .ci/install installs it").isZero();
      clocks.add("FAKETIME_DONT_FAKE_MONOTONIC=1 faketime -f +1h truce");
    }
    String b = termIsTheSameFor(clocks, ahead);
    assertThat(Instant.parse(LeaseIT.field(b, "expires_at"))).isAfter(Instant.now().plus(hour));
  }

  @Test
  void timeNamespaces_endNoLeaseAndKeepNone() throws Exception {
    termIsTheSameFor(List.of(ELSEWHEN + "truce", "truce"), "truce");
    termIsTheSameFor(List.of("truce", ELSEWHEN + "truce"), ELSEWHEN + "truce");
  }

  /// Owner a leases by the first of the clocks, and nobody has the lock before the term is over;
  /// then owner b has it, and a has lost it, whoever looks. Answers what b was told.
  private String termIsTheSameFor(List<String> clocks, String next) throws Exception {
    long began = System.nanoTime();
    String a =
        shell.out(clocks.getFirst() + " acquire build --owner a --json --ttl " + TERM.toSeconds());
    for (String clock : clocks) {
      Result early = shell.run(clock + " acquire build -nq --ttl 100ms");
      if (System.nanoTime() - began < TERM.toNanos()) {
        assertThat(early.status()).as(clock + ": " + early).isEqualTo(75);
      }
    }
    String b = shell.out(next + " acquire build --owner b -q -w 15 --json");
    assertThat(System.nanoTime() - began).isGreaterThan(TERM.toNanos());
    assertThat(token(b)).isGreaterThan(token(a));
    for (String clock : clocks) {
      Result late = shell.run(clock + " renew " + LeaseIT.field(a, "lease"));
      assertThat(late.status()).isEqualTo(76);
      assertThat(late.err()).contains("its term is over");
      assertThat(status(clock + " check build --token " + token(a))).isEqualTo(76);
      assertThat(status(clock + " check build --token " + token(b))).isEqualTo(0);
    }
    assertThat(status(next + " release " + LeaseIT.field(b, "lease"))).isEqualTo(0);
    return b;
  }

  @Test
  void anotherBoot_leasesStandAgain_andTwoBootsAtOnceAreRefused() throws Exception {
    String boot = UUID.randomUUID().toString();
    Files.writeString(temp.resolve("boot_id"), boot + "\n");
    String rebooted =
        "unshare -r --mount bash -c 'mount --bind boot_id /proc/sys/kernel/random/boot_id && exec"
            + " truce \"$@\"' - ";
    String a = shell.out("truce acquire build --owner a --json");
    shell.out("truce run other -- true");

    assertThat(status(rebooted + "check --lease " + LeaseIT.field(a, "lease"))).isEqualTo(0);
    assertThat(status(rebooted + "check build --token " + token(a))).isEqualTo(0);
    assertThat(status(rebooted + "acquire build -nq")).isEqualTo(75);
    assertThat(shell.out(rebooted + "history build")).contains("restored").hasLineCount(3);
    assertThat(token(shell.out(rebooted + "acquire other --json"))).isGreaterThan(token(a));

    Line inside = shell.start("exec truce acquire build --owner b -q -w 60");
    shell.awaitWaiting("build", 1);
    Result refused = shell.run(rebooted + "acquire third --json");
    assertThat(refused.status()).isEqualTo(73);
    assertThat(refused.out()).contains("refused_place", boot, "stop the others first");
    assertThat(status("truce release " + LeaseIT.field(a, "lease"))).isEqualTo(0);
    assertThat(inside.result().status()).isEqualTo(0);
  }

  @Test
  void aCopiedRoot_isRefusedUntilItIsAdopted_andIsAnotherOneThen() throws Exception {
    String a = shell.out("truce acquire build --owner a --json");
    Line holder = shell.start("exec truce run live -- sh -c 'echo up; exec sleep 1000'");
    Shell.await("the holder is up", () -> holder.said().contains("up"));
    shell.out("cp -a .truce copy");

    for (String verb :
        List.of(
            "acquire other",
            "renew " + LeaseIT.field(a, "lease"),
            "release " + LeaseIT.field(a, "lease"),
            "revoke build --reason now",
            "run -n live -- true",
            "ls")) {
      Result refused = shell.run("TRUCE_DIR=copy truce " + verb);
      assertThat(refused.status()).as(verb).isEqualTo(73);
      assertThat(refused.err()).contains("copy is a copy of another root", "doctor --adopt");
    }
    assertThat(status("truce check --lease " + LeaseIT.field(a, "lease"))).isEqualTo(0);

    shell.out("truce doctor --adopt --dir copy");
    assertThat(status("truce run -nq build --dir copy -- true")).isEqualTo(75);
    assertThat(status("truce run -nq live --dir copy -- true")).isEqualTo(0);
    assertThat(status("truce run -nq live -- true")).isEqualTo(75);
    long here = token(shell.out("truce acquire other --json"));
    long there = token(shell.out("truce acquire other --dir copy --json"));
    assertThat(there).isGreaterThan(here + (1L << 32));
    shell.out("truce release --dir copy " + LeaseIT.field(a, "lease"));
    assertThat(status("truce check --lease " + LeaseIT.field(a, "lease"))).isEqualTo(0);
    holder.signal("TERM");
    assertThat(holder.result().status()).isEqualTo(143);
  }
}
