package dev.truce.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import org.junit.jupiter.api.Test;

class MainTest {

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @Test
  void version_isTheOneTheBuildGives() {
    assertThat(run("--version")).isEqualTo(0);
    assertThat(out.toString(UTF_8))
        .isEqualTo("truce " + System.getProperty("truce.version") + "\n");
    assertThat(err.toString(UTF_8)).isEmpty();
  }

  @Test
  void nothing_isAUsageError() {
    assertThat(run()).isEqualTo(64);
    assertThat(out.toString(UTF_8)).isEmpty();
    assertThat(err.toString(UTF_8)).startsWith("usage: truce ");
  }

  private int run(String... args) {
    return Main.run(new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8), args);
  }
}
