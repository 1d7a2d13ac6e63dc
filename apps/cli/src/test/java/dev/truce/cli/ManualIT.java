package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.cli.Shell.Result;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The manual page, set by the programs that this machine has for that. With `-Pfull` it has to
/// have all of them, which `.ci/install` installs.
class ManualIT {
  private static final boolean FULL = Boolean.getBoolean("truce.full");

  @TempDir private Path temp;

  static List<String> formatters() {
    return Stream.of("groff -man -ww -Tutf8 -P-cbou", "man -l -", "mandoc -Tutf8")
        .filter(formatter -> FULL || Shell.has(formatter.substring(0, formatter.indexOf(' '))))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("formatters")
  void page_saysAllThatTheHelpSays_andNothingIsWrongWithIt(String formatter) throws Exception {
    Shell shell = new Shell(temp);
    Result set = shell.run("truce help --man | LC_ALL=C.UTF-8 MANWIDTH=80 " + formatter);
    assertThat(set.status()).isEqualTo(0);
    assertThat(set.err()).isEmpty();
    String page = words(set.out().replaceAll(".\\x08", "").replace('\u2212', '-'));
    for (Verb verb : Verb.values()) {
      assertThat(page).contains(verb.word());
      Captured.of(temp, Map.of(), ("help " + verb.word()).split(" ", -1))
          .out()
          .lines()
          .forEach(line -> assertThat(page).contains(words(line)));
    }
    Captured.of(temp, Map.of(), "help", "--all")
        .out()
        .lines()
        .skip(Verb.values().length + 1)
        .filter(line -> !line.endsWith(":"))
        .forEach(line -> assertThat(page).contains(words(line)));
  }

  @Test
  void page_standsAlone() throws Exception {
    assertThat(new Shell(temp).run("truce help --man run").status()).isEqualTo(64);
  }

  private static String words(String text) {
    return text.replaceAll("\\s+", " ").strip();
  }
}
