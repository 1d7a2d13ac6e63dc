package dev.truce.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Every row can be measured, each once and briefly. What comes out is never judged here.
class BenchIT {
  private static final Pattern ROW = Pattern.compile("\\{\"row\":\"([^\"]*)\"");
  private static final Pattern FIGURE = Pattern.compile("\"(?:min|median|max)\":([0-9.]+)");

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @Test
  void everyRowIsMeasured(@TempDir Path temp) throws Exception {
    // The command itself has tests of its own, and a build that is no part of this one.
    Path standIn = temp.resolve("truce");
    Files.writeString(standIn, "#!/bin/sh\nexit 0\n");
    Files.setPosixFilePermissions(standIn, PosixFilePermissions.fromString("rwx------"));
    System.setProperty("truce.launcher", standIn.toString());

    int status = bench("locks", "--quick", "--json");

    String json = out.toString(StandardCharsets.UTF_8);
    assertThat(json).startsWith("{\"schema\":\"truce.bench.locks/1\",\"quick\":true,");
    assertThat(json).endsWith("\"failures\":{}}\n");
    assertThat(ROW.matcher(json).results().map(found -> found.group(1)).distinct())
        .containsExactly(
            "on a directory, one process",
            "in memory",
            "in memory, reading",
            "in memory, contended",
            "statistics",
            "in memory, acquireAsync",
            "in memory, 99 % readers",
            "hand-over to a waiting process",
            "hand-over after SIGKILL of the holder",
            "commands",
            "10,000 virtual threads on one lock",
            "4 processes, contended",
            "8 processes, contended");
    assertThat(FIGURE.matcher(json).results().map(BenchIT::number))
        .hasSizeGreaterThan(100)
        .allSatisfy(number -> assertThat(number).isPositive());
    assertThat(status).isZero();
  }

  @Test
  void everyRowOfTheJournalIsMeasured() {
    System.setProperty("truce.launcher", "none");

    int status = bench("journal", "--quick", "--json");

    String json = out.toString(StandardCharsets.UTF_8);
    assertThat(json).startsWith("{\"schema\":\"truce.bench.journal/1\",\"quick\":true,");
    assertThat(json).endsWith("\"failures\":{}}\n");
    assertThat(ROW.matcher(json).results().map(found -> found.group(1)).distinct())
        .containsExactly(
            "durable commits, 1 process",
            "durable commits, 4 processes",
            "durable commits, 16 processes",
            "an append, not flushed",
            "recovery");
    assertThat(status).isZero();
  }

  @Test
  void everyRowOfTheStoreIsMeasured_andDrawn(@TempDir Path temp) throws Exception {
    System.setProperty("truce.launcher", "none");
    Path picture = temp.resolve("commits.svg");

    int status = bench("store", "--quick", "--json", "--svg", picture.toString());

    String json = out.toString(StandardCharsets.UTF_8);
    assertThat(json).startsWith("{\"schema\":\"truce.bench.store/1\",\"quick\":true,");
    assertThat(json).endsWith("\"failures\":{}}\n");
    assertThat(ROW.matcher(json).results().map(found -> found.group(1)).distinct())
        .containsExactly(
            "durable commits, 1 process",
            "durable commits, 4 processes",
            "durable commits, 16 processes",
            "a million keys");
    assertThat(Files.readString(picture)).contains(">16 processes<").contains(">LMDB<");
    assertThat(status).isZero();
  }

  private static double number(MatchResult found) {
    return Double.parseDouble(found.group(1));
  }

  @Test
  void anythingElse_isRefusedWithTheUsage() {
    assertThat(bench("lochs")).isEqualTo(64);
    assertThat(err.toString(StandardCharsets.UTF_8))
        .isEqualTo(
            """
            truce: bench measures `locks`, `journal` or `store`, not `lochs`
            usage: truce bench locks|journal|store [--json] [--quick] [--svg FILE]
            """);
    assertThat(out.size()).isZero();
  }

  @Test
  void aPictureOfAnythingElse_isRefused(@TempDir Path temp) {
    Path picture = temp.resolve("locks.svg");
    assertThat(bench("locks", "--svg", picture.toString())).isEqualTo(64);
    assertThat(err.toString(StandardCharsets.UTF_8))
        .startsWith("truce: bench draws a picture of `store` alone\n");
    assertThat(picture).doesNotExist();
  }

  private int bench(String... arguments) {
    return Bench.run(
        List.of(arguments),
        new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8));
  }
}
