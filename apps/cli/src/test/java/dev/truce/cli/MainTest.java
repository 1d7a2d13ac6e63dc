package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MainTest {
  @TempDir private Path temp;

  private Captured truce(String... args) {
    return Captured.of(temp, Map.of(), args);
  }

  @Test
  void version_isTheOneTheBuildGives() {
    assertThat(truce("--version"))
        .isEqualTo(new Captured(0, "truce " + System.getProperty("truce.version") + "\n", ""));
  }

  @Test
  void alone_itPrintsWhatIsNeededEveryDay() {
    Captured alone = truce();
    assertThat(alone.status()).isEqualTo(0);
    assertThat(alone.out())
        .contains("  run ", "  check ", "  ls ", "  why ")
        .doesNotContain("doctor");
    assertThat(truce("help")).isEqualTo(alone);
    assertThat(truce("--help")).isEqualTo(alone);
  }

  @Test
  void helpAll_namesEveryVerbAndEveryStatus() {
    Captured all = truce("help", "--all");
    for (Verb verb : Verb.values()) {
      assertThat(all.out()).contains("  " + verb.word() + " ");
    }
    assertThat(all.out()).contains("64 ", "65 ", "69 ", "73 ", "74 ", "75 ", "76 ", "77 ", "78 ");
    assertThat(all.out()).contains("123 ", "124 ", "125 ", "126 ", "127 ", "130 ");
  }

  @Test
  void helpOfAVerb_namesEveryFlag() {
    for (Verb verb : Verb.values()) {
      if (verb == Verb.VERSION) {
        continue;
      }
      Captured help = truce(("help " + verb.word()).split(" ", -1));
      assertThat(help.status()).isEqualTo(0);
      assertThat(help.out()).startsWith("usage: truce " + verb.word());
      for (Flag flag : verb.flags()) {
        assertThat(help.out()).contains("--" + flag.name());
      }
    }
    assertThat(truce("why", "--help")).isEqualTo(truce("help", "why"));
  }

  @Test
  void aCommonMistake_isAnsweredByWhatWasMeant() {
    assertThat(truce("lock", "x"))
        .isEqualTo(
            new Captured(
                64, "", "truce: there is no 'lock': did you mean 'truce run x -- CMD'?\n"));
    assertThat(truce("unlock", "x").err()).contains("did you mean 'truce why x'?");
    assertThat(truce("lock", "a b").err()).contains("did you mean 'truce run 'a b' -- CMD'?");
    assertThat(truce("status").err()).contains("did you mean 'truce ls'?");
    assertThat(truce("--dir", "x").err())
        .isEqualTo("truce: flags come after the verb: truce VERB --dir\n");
    assertThat(truce("dcotor").err()).contains("did you mean 'truce doctor'?");
    assertThat(truce("stor", "put", "s", "k", "v").err())
        .isEqualTo("truce: there is no 'stor': did you mean 'truce store put'?\n");
    assertThat(truce("store", "gte", "s", "k").err()).contains("did you mean 'truce store get'?");
    assertThat(truce("wyh", "x").err()).contains("did you mean 'truce why'?");
    assertThat(truce("hist").err()).contains("did you mean 'truce history'?");
    assertThat(truce("help", "nope").err())
        .isEqualTo("truce: there is no 'nope': see truce help\n");
    assertThat(truce("re").err()).isEqualTo("truce: there is no 're': see truce help\n");
    assertThat(truce("frobnicate").err())
        .isEqualTo("truce: there is no 'frobnicate': see truce help\n");
    assertThat(truce("\u001b[31m").err())
        .isEqualTo("truce: there is no '\\x1b[31m': see truce help\n");
  }

  @Test
  void aSwitchOfTraffic_isForOneLockAndOneWay() {
    assertThat(truce("history", "x", "--on").err()).contains("--on and --off are for --traffic");
    assertThat(truce("history", "--traffic", "--off").err()).contains("for one lock: NAME");
    assertThat(truce("history", "x", "--traffic", "--on", "--off").err())
        .contains("either --on or --off");
    assertThat(truce("history", "x", "--traffic", "--on", "--since", "1h").err())
        .contains("leave out --since");
    assertThat(truce("history", "x", "y", "--traffic").status()).isEqualTo(Failure.USAGE);
  }

  @Test
  void aWrongCall_isAnsweredByItsProblemAndTheUsageLine() {
    assertThat(truce("why"))
        .isEqualTo(
            new Captured(
                64,
                "",
                """
                truce: which lock?
                usage: truce why NAME [--dir D] [--engine URI] [--json]
                """));
    assertThat(truce("why", "a", "b").status()).isEqualTo(64);
    assertThat(truce("why", "").status()).isEqualTo(64);
    assertThat(truce("why", "é".repeat(128)).err()).contains("at most 255 bytes, this one 256");
    assertThat(truce("ls", "x").status()).isEqualTo(64);
    assertThat(truce("ls", "--jsn").err()).startsWith("truce: truce ls has no flag --jsn\nusage: ");
    assertThat(truce("ls", "--json=1").status()).isEqualTo(64);
    assertThat(truce("ls", "--dir").err()).startsWith("truce: --dir needs its value: D\n");
    assertThat(truce("check", "a", "--token", "0").status()).isEqualTo(64);
    assertThat(truce("check", "a", "--token", "9007199254740992").status()).isEqualTo(64);
    assertThat(truce("check").err()).contains("which lock?");
    assertThat(truce("completions", "tcsh").status()).isEqualTo(64);
    assertThat(truce("why", "--json").out())
        .isEqualTo(
            "{\"schema\":\"truce.error/1\",\"kind\":\"usage\",\"status\":64,"
                + "\"message\":\"which lock?\","
                + "\"usage\":\"usage: truce why NAME [--dir D] [--engine URI] [--json]\"}\n");
  }

  @Test
  void aRootIsLookedForAbove_andNeverMadeByLooking() throws Exception {
    Path deep = Files.createDirectories(temp.resolve("a/b/c"));
    Captured none = Captured.of(deep, Map.of(), "ls");
    assertThat(none.status()).isEqualTo(78);
    assertThat(none.err()).contains("truce init", "--dir", "TRUCE_DIR").hasLineCount(1);
    assertThat(deep).isEmptyDirectory();

    assertThat(truce("init")).isEqualTo(new Captured(0, temp.resolve(".truce") + "\n", ""));
    assertThat(truce("init"))
        .isEqualTo(new Captured(0, temp.resolve(".truce") + " is there already\n", ""));
    assertThat(Captured.of(deep, Map.of(), "ls").status()).isEqualTo(0);
  }

  @Test
  void aRootThatIsNamed_isMade() {
    assertThat(truce("ls", "--dir", "one").status()).isEqualTo(0);
    assertThat(temp.resolve("one")).isDirectory();
    assertThat(Captured.of(temp, Map.of("TRUCE_DIR", "two"), "ls").status()).isEqualTo(0);
    assertThat(temp.resolve("two")).isDirectory();
    assertThat(truce("ls", "--engine", "file:" + temp.resolve("three")).status()).isEqualTo(0);
    assertThat(temp.resolve("three")).isDirectory();
    assertThat(truce("init", "four").out()).isEqualTo(temp.resolve("four") + "\n");
  }

  @Test
  void aRootNamedTwice_isRefused() {
    assertThat(truce("ls", "--dir", "a", "--engine", "file:/b").status()).isEqualTo(64);
    assertThat(
            Captured.of(temp, Map.of("TRUCE_DIR", "a", "TRUCE_ENGINE", "file:/b"), "ls").status())
        .isEqualTo(78);
  }

  @Test
  void anEngineOfAnotherArtifact_isNamed() {
    Captured postgres = truce("ls", "--engine", "postgresql://db/app");
    assertThat(postgres.status()).isEqualTo(78);
    assertThat(postgres.err()).contains("dev.truce:truce-postgres");
    assertThat(truce("ls", "--engine", "nonsense").status()).isEqualTo(78);
  }

  @Test
  void aFreeLock_isSaidToBe() {
    truce("init");
    assertThat(truce("why", "x")).isEqualTo(new Captured(0, "x is free\n", ""));
    assertThat(truce("check", "x", "--token", "1")).isEqualTo(new Captured(76, "", ""));
    assertThat(truce("check", "x", "--token", "1", "--json").out())
        .isEqualTo(
            "{\"schema\":\"truce.check/1\",\"lock\":\"x\",\"token\":1,\"current\":false,"
                + "\"state\":\"free\",\"current_token\":0}\n");
    assertThat(truce("ls", "--json").out())
        .isEqualTo("{\"schema\":\"truce.locks/1\",\"locks\":[]}\n");
  }

  @Test
  void doctor_findsANewRootSound() {
    truce("init");
    Captured doctor = truce("doctor");
    assertThat(doctor.status()).isEqualTo(0);
    assertThat(doctor.out()).endsWith("\nsound\n");
    assertThat(truce("doctor", "--json").out()).startsWith("{\"schema\":\"truce.examination/1\",");
  }

  @Test
  void aJournalOfWhichNothingCouldBeSaved_isNamed() throws Exception {
    truce("init");
    truce("acquire", "build", "--owner", "a");
    truce("store", "put", "s", "k", "v");
    lose("root");
    Captured partly = truce("verify", "--salvage", "partly");
    assertThat(partly.status()).isEqualTo(1);
    assertThat(partly.out())
        .endsWith(
            """

            nothing of journal root could be saved
            what is whole is in partly; make a root of it: truce restore partly --dir NEW
            """);
    assertThat(truce("verify", "--salvage", "again", "--json").out())
        .endsWith(",\"salvaged\":[],\"unsaved\":[\"root\"]}\n");
    assertThat(names(temp.resolve("partly"))).doesNotContain("locks", "cells");
    assertThat(truce("restore", "partly", "--dir", "new").status()).isZero();
    lose("locks");
    assertThat(truce("verify", "--salvage", "none").out())
        .endsWith(
            """

            nothing of journal locks could be saved
            nothing of journal root could be saved
            no record is in none: use an earlier backup
            """);
    assertThat(truce("verify", "--json").out()).endsWith(",\"unsaved\":[]}\n");
  }

  private void lose(String journal) throws Exception {
    Path segment = temp.resolve(".truce/journal." + journal + ".1");
    Files.write(segment, new byte[(int) Files.size(segment)]);
  }

  @Test
  void verbsThatMakeNoRoot_sayTheSameOfOneThatIsMissing() {
    Captured missing =
        new Captured(
            78,
            "",
            "truce: " + temp.resolve("none") + " is no Truce root; `truce init` makes one\n");
    for (String call : List.of("verify", "verify --salvage s", "doctor", "backup s")) {
      String[] words = (call + " --dir none").split(" ", -1);
      assertThat(Captured.of(temp, Map.of(), words)).as(call).isEqualTo(missing);
      assertThat(truce("help", call.split(" ", 2)[0]).out())
          .contains("the root (TRUCE_DIR)")
          .doesNotContain("made if there is none");
    }
    assertThat(truce("help", "ls").out()).contains("the root; made if there is none (TRUCE_DIR)");
    assertThat(temp.resolve("none")).doesNotExist();
    assertThat(temp.resolve("s")).doesNotExist();
  }

  @Test
  void aBackup_isNoRootToLookAt_andStaysAsItIs() throws Exception {
    Captured.of(temp, Map.of(), "init");
    Captured.of(temp, Map.of(), "acquire", "build", "--owner", "a");
    Captured.of(temp, Map.of(), "backup", "kept");
    Path kept = temp.resolve("kept");
    List<String> files = names(kept);
    assertThat(files).contains("SHA256SUMS");
    Captured backup =
        new Captured(
            78,
            "",
            "truce: " + kept + " is a backup: truce restore " + kept + " makes a root of it\n");
    for (String call : List.of("verify", "verify --salvage s", "doctor", "doctor --adopt")) {
      String[] words = (call + " --dir kept").split(" ", -1);
      assertThat(Captured.of(temp, Map.of(), words)).as(call).isEqualTo(backup);
    }
    assertThat(Captured.of(temp, Map.of(), "backup", "s", "--dir", "kept")).isEqualTo(backup);
    assertThat(names(kept)).isEqualTo(files);
    assertThat(temp.resolve("s")).doesNotExist();
    assertThat(Captured.of(temp, Map.of(), "restore", "kept", "--dir", "new").status()).isZero();
    assertThat(Captured.of(temp, Map.of(), "verify", "--dir", "new").out()).endsWith("sound\n");
  }

  private static List<String> names(Path directory) throws Exception {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void completions_areScriptsForEveryShell() {
    assertThat(truce("completions", "bash").out()).contains("complete -F _truce truce");
    assertThat(truce("completions", "zsh").out()).startsWith("#compdef truce");
    assertThat(truce("completions", "fish").out()).contains("complete -c truce");
  }

  @Test
  void whatIsMissing_isSaid() throws Exception {
    assertThat(Captured.of(temp, Map.of(), "init").status()).isEqualTo(0);
    Files.createDirectory(temp.resolve("there"));
    Captured backup = Captured.of(temp, Map.of(), "backup", "there");
    assertThat(backup.status()).isEqualTo(73);
    assertThat(backup.err()).contains("there is there already").doesNotContain("no directory");
    Captured salvage = Captured.of(temp, Map.of(), "verify", "--salvage", "there");
    assertThat(salvage.status()).isEqualTo(73);
    assertThat(salvage.err()).isEqualTo(backup.err());
    Captured given = Captured.of(temp, Map.of(), "renew", "");
    assertThat(given.status()).isEqualTo(64);
    assertThat(given.err()).startsWith("truce: the LEASE is empty");
    Captured inherited = Captured.of(temp, Map.of("TRUCE_LEASE", ""), "release");
    assertThat(inherited.status()).isEqualTo(64);
    assertThat(inherited.err()).contains("no TRUCE_LEASE in the environment, or it is empty");
  }

  @Test
  void aNameInThePlaceOfTheDuration_isToldSo() {
    Options parsed = Options.parse(Verb.RUN, List.of("-w", "deploy"));
    assertThatThrownBy(() -> RunOptions.of(parsed, true))
        .hasMessageStartingWith("-w takes a duration such as ")
        .hasMessageEndingWith("not: deploy");
  }
}
