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
    for (String line :
        List.of(
            "init",
            "acquire relay",
            "acquire db:migrate",
            "init other",
            "acquire elsewhere --dir other",
            "store put s key value",
            "store put settings name value")) {
      truce(line.split(" ", -1));
    }
    truce("acquire", "release 2.4");
    Files.createDirectory(temp.resolve("typo"));
  }

  private void truce(String... line) {
    assertThat(Captured.of(temp, Map.of(), line).status()).isEqualTo(0);
  }

  /// Somebody who types.
  private final class Terminal {
    private final Line line;
    private int lines;

    Terminal(At at) throws Exception {
      line = shell.start("TERM=dumb exec script -qec '" + at.start + "' /dev/null");
      run(at.first);
    }

    private void run(String typed) throws Exception {
      lines++;
      line.type(typed + "; echo was-''" + lines + "\n");
      Shell.await(typed + " has run", () -> line.said().contains("was-" + lines));
    }

    /// What is said when a tab has made a line of this, and that is run.
    String completed(String typed) throws Exception {
      run(typed + "\t >answer");
      return Files.readString(temp.resolve("answer"));
    }
  }

  @ParameterizedTest
  @MethodSource("here")
  void aTab_completesVerbsFlagsValues_andTheLocksOfTheRootThatTheLineNames(At at) throws Exception {
    Terminal terminal = new Terminal(at);
    assertThat(terminal.completed("truce ini")).endsWith(" is there already\n");
    assertThat(terminal.completed("truce ls --js")).startsWith("{\"schema\":\"truce.locks/1\"");
    assertThat(terminal.completed("truce run -n x -c 'echo ran' --on-lost wa")).isEqualTo("ran\n");
    assertThat(terminal.completed("truce run x -- ech")).isEqualTo("\n");
    assertThat(terminal.completed("truce why rela")).startsWith("relay is held for writing by ");
    assertThat(terminal.completed("true; truce why releas")).startsWith("release 2.4 is held ");
    assertThat(terminal.completed("truce why db:m")).startsWith("db:migrate is held ");
    assertThat(terminal.completed("truce why --lock rela")).startsWith("relay is held ");
    assertThat(terminal.completed("truce why --dir other else")).startsWith("elsewhere is held ");
    assertThat(terminal.completed("truce why --dir=other else")).startsWith("elsewhere is held ");
    assertThat(terminal.completed("truce sto")).startsWith("  store put ");
    assertThat(terminal.completed("truce store ls s --ke")).isEqualTo("key\n");
    assertThat(terminal.completed("truce store put s a b --no-fence --durability f"))
        .isEqualTo("3\n");
    assertThat(terminal.completed("truce store ls sett")).contains("\nname ");
    terminal.run("export TRUCE_DIR=other");
    assertThat(terminal.completed("truce why else")).startsWith("elsewhere is held ");
    terminal.line.type("exit\n");
    assertThat(terminal.line.result().status()).as(terminal.line.said()).isEqualTo(0);
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
    assertThat(shell.out("truce completions stores")).isEqualTo("s\nsettings\n");
    assertThat(shell.out("truce completions stores --dir other")).isEmpty();
  }
}
