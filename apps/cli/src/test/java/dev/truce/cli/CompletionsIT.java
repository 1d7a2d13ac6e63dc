package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.cli.Shell.Line;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Lines as people begin them, completed by a tab at a terminal in the shells that this machine
/// has, and run. With `-Pfull` it has to have all of them, which `.ci/install` installs.
class CompletionsIT {
  private static final boolean FULL = Boolean.getBoolean("truce.full");

  @TempDir private Path temp;
  private Shell shell;

  /// How a shell is started, and made to complete.
  enum At {
    BASH("bash --norc -i", "source <(truce completions bash)"),
    ZSH("zsh -f -i", "autoload -U compinit; compinit -D; source <(truce completions zsh)"),
    FISH("fish --no-config -i", "truce completions fish | source");

    private final String start;
    private final String first;

    At(String start, String first) {
      this.start = start;
      this.first = first;
    }

    String program() {
      return start.substring(0, start.indexOf(' '));
    }
  }

  static List<At> here() {
    return Stream.of(At.values()).filter(at -> FULL || Shell.has(at.program())).toList();
  }

  @BeforeEach
  void init() throws Exception {
    shell = new Shell(temp);
    assertThat(Captured.of(temp, Map.of(), "init").status()).isEqualTo(0);
    shell.out(
        "truce acquire 'release 2.4'; truce acquire relay; truce acquire db:migrate;"
            + " truce init other; truce acquire elsewhere --dir other; mkdir typo");
  }

  /// What is said when the tab has made a line of this, and that is run.
  private String completed(At at, String line) throws Exception {
    return completed(at, "", line);
  }

  private String completed(At at, String environment, String line) throws Exception {
    Path answer = temp.resolve("answer");
    Files.deleteIfExists(answer);
    Line terminal =
        shell.start("TERM=dumb " + environment + " exec script -qec '" + at.start + "' /dev/null");
    terminal.type(at.first + "; echo is-''up\n");
    Shell.await(at + " is up", () -> terminal.said().contains("is-up"));
    terminal.type(line + "\t >answer; echo was-''run\n");
    Shell.await(at + " has run it", () -> terminal.said().contains("was-run"));
    terminal.type("exit\n");
    assertThat(terminal.result().status()).as(terminal.said()).isEqualTo(0);
    return Files.readString(answer);
  }

  @ParameterizedTest
  @MethodSource("here")
  void aTab_completesTheNamesOfLocks(At at) throws Exception {
    assertThat(completed(at, "truce why rela")).startsWith("relay is held for writing by ");
    assertThat(completed(at, "truce why releas")).startsWith("release 2.4 is held ");
    assertThat(completed(at, "truce why db:m")).startsWith("db:migrate is held ");
    assertThat(completed(at, "truce why --lock rela")).startsWith("relay is held ");
  }

  @ParameterizedTest
  @MethodSource("here")
  void theRootOfTheLine_isTheOneWhoseLocksAreNamed(At at) throws Exception {
    assertThat(completed(at, "truce why --dir other else")).startsWith("elsewhere is held ");
    assertThat(completed(at, "truce why --dir=other else")).startsWith("elsewhere is held ");
    assertThat(completed(at, "TRUCE_DIR=other", "true; truce why else"))
        .startsWith("elsewhere is held ");
  }

  @ParameterizedTest
  @MethodSource("here")
  void aTab_completesVerbsFlagsAndTheirValues(At at) throws Exception {
    assertThat(completed(at, "truce ini")).endsWith(" is there already\n");
    assertThat(completed(at, "truce ls --js")).startsWith("{\"schema\":\"truce.locks/1\"");
    assertThat(completed(at, "truce run -n x -c 'echo ran' --on-lost wa")).isEqualTo("ran\n");
    assertThat(completed(at, "truce run x -- ech")).isEqualTo("\n");
  }

  /// A tab behind a path that is no root makes none.
  @Test
  void locks_ofNoRoot_areNone() throws Exception {
    assertThat(shell.run("truce completions locks --dir none"))
        .isEqualTo(new Shell.Result(0, "", ""));
    assertThat(temp.resolve("none")).doesNotExist();
    assertThat(shell.run("truce completions locks --dir typo").status()).isEqualTo(78);
    assertThat(temp.resolve("typo")).isEmptyDirectory();
    assertThat(shell.out("truce completions locks")).isEqualTo("db:migrate\nrelay\nrelease 2.4\n");
    assertThat(shell.out("truce completions locks --dir=other")).isEqualTo("elsewhere\n");
  }
}
