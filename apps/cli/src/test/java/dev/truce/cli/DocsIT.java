package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.cli.Shell.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What the documents show of the command is what it does: each block of code is run, in the order
/// of the document, in one shell and one empty directory.
///
/// | block | |
/// |---|---|
/// | `console` | lines behind `$ ` (and `> `) are run, and say what stands below them; `...` is any number of lines |
/// | `sh` | each line is run and succeeds; what it says is not looked at |
/// | a language and a name | is written to the file of that name; one that begins with `#!` can be run |
/// | behind `<!-- shown -->` | is only shown, for the reason that stands there |
/// | behind `<!-- needs: make -->` | is left out where that program is not, but with `-Pfull` |
///
/// What differs from run to run (machines, pids, tokens, handles, ages, moments) counts as the
/// same.
class DocsIT {
  private static final boolean FULL = Boolean.getBoolean("truce.full");
  private static final Path CHECKOUT = Path.of("").toAbsolutePath().getParent().getParent();

  private static final Pattern BLOCK =
      Pattern.compile(
          "(?:<!-- (shown|needs: (\\w+))[^>]*-->\\n)?```(\\w*)(?: ([^\\n]+))?\\n(.*?)\\n?```\\n",
          Pattern.DOTALL);

  private static final Pattern COMMANDS = Pattern.compile("(?m)^```(sh|console)\\b");

  /// What is compiled elsewhere, or is no command.
  private static final Set<String> NO_SHELL = Set.of("java", "xml", "");

  @TempDir private Path temp;

  /// All that have such blocks.
  static List<String> documents() throws IOException {
    List<String> documents = new ArrayList<>();
    for (String folder : List.of("", "docs")) {
      try (Stream<Path> files = Files.list(CHECKOUT.resolve(folder))) {
        for (Path file : files.filter(each -> each.toString().endsWith(".md")).sorted().toList()) {
          if (COMMANDS.matcher(Files.readString(file)).find()) {
            documents.add(CHECKOUT.relativize(file).toString());
          }
        }
      }
    }
    return documents;
  }

  /// A command, and what it is to say; `null` where that is free and it has to succeed.
  private record Step(String command, String says) {}

  @ParameterizedTest
  @MethodSource("documents")
  void document_showsWhatHappens(String document) throws Exception {
    List<Step> steps = steps(Files.readString(CHECKOUT.resolve(document)));
    assertThat(steps).isNotEmpty();
    write("truce", "#!/bin/sh\nexec " + Text.quoted(Installed.TRUCE.toString()) + " \"$@\"\n");
    Result all = new Shell(temp).run(script(steps), steps.size());
    assertThat(all.err()).isEmpty();
    for (int i = 0; i < steps.size(); i++) {
      Step step = steps.get(i);
      String said = Files.readString(temp.resolve(".said-" + i));
      if (step.says == null) {
        assertThat(temp.resolve(".status-" + i)).as(step.command + "\n" + said).hasContent("0");
      } else {
        assertThat(normal(said)).as(step.command + "\n" + said).matches(expected(step.says));
      }
    }
  }

  private List<Step> steps(String document) throws Exception {
    List<Step> steps = new ArrayList<>();
    Matcher block = BLOCK.matcher(document);
    while (block.find()) {
      boolean shown = "shown".equals(block.group(1)) || NO_SHELL.contains(block.group(3));
      boolean absent = block.group(2) != null && !FULL && !Shell.has(block.group(2));
      String content = block.group(5) + "\n";
      if (shown || absent) {
        continue;
      }
      if (block.group(4) != null) {
        write(block.group(4), content);
      } else if (block.group(3).equals("console")) {
        steps.addAll(transcript(content));
      } else if (block.group(3).equals("sh")) {
        content.lines().forEach(line -> steps.add(new Step(line, null)));
      } else {
        throw new AssertionError("nothing is done with this block: " + block.group());
      }
    }
    return steps;
  }

  private void write(String name, String content) throws Exception {
    Path file = temp.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
    if (content.startsWith("#!")) {
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
  }

  private static List<Step> transcript(String content) {
    List<Step> steps = new ArrayList<>();
    for (String part : content.split("(?m)^\\$ ", -1)) {
      String[] lines = part.split("\n", -1);
      int command = 1;
      while (command < lines.length && lines[command].startsWith("> ")) {
        command++;
      }
      String typed = String.join("\n", List.of(lines).subList(0, command)).replace("\n> ", "\n");
      String says = String.join("\n", List.of(lines).subList(command, lines.length));
      if (!part.isEmpty()) {
        steps.add(new Step(typed, says));
      }
    }
    return steps;
  }

  /// One shell for all: what a command sets, and its status, the next one sees.
  private String script(List<Step> steps) {
    StringBuilder script = new StringBuilder("HOME=$PWD; unset TRUCE_DIR TRUCE_OWNER\n");
    for (int i = 0; i < steps.size(); i++) {
      String command = steps.get(i).command.replace("/tmp/app", temp + "/app");
      script.append("(exit ${__status:-0})\n{ ").append(command).append("\n} >.said-").append(i);
      script.append(" 2>&1\n__status=$?; echo $__status >.status-").append(i).append('\n');
    }
    return script.toString();
  }

  /// A pattern for what was said, as it is normal.
  private Pattern expected(String says) {
    return Pattern.compile(
        normal(says)
            .lines()
            .map(line -> line.equals("...") ? "(?:.*\n)*?" : Pattern.quote(line) + "\n")
            .collect(Collectors.joining()));
  }

  private String normal(String text) {
    return text.replace(temp.toString(), "HERE")
        .replaceAll("/(work|srv/app)\\b", "HERE")
        .replace(System.getProperty("user.name") + "@", "you@")
        .replaceAll(" on \\w+, format (\\d+), \\d+ bytes", " on FS, format $1, N bytes")
        .replaceAll("\\d+ (records|entries)", "N $1")
        .replaceAll("\\d+:\\d+: there is no record", "PLACE: there is no record")
        .replaceAll("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z", "TIME")
        .replaceAll("\\b(t[lk])_[0-9A-Z.]+", "$1_HANDLE")
        .replaceAll("\"lease_id\":\"[^\"]*\"", "\"lease_id\":\"ID\"")
        .replaceAll("\\(ticket [^)]+", "(ticket ID")
        .replaceAll("\\b\\d+(\\.\\d+)?(ns|us|ms|s|m|h|d)(\\d+[smh])?\\b", "SPAN")
        .replaceAll("(@[\\w.-]+):\\d+\\b", "$1:PID")
        .replaceAll("@[\\w-]+[\\w.-]*", "@HOST")
        .replaceAll("\"host\":\"[^\"]*\"", "\"host\":\"HOST\"")
        .replaceAll("\\bpid \\d+", "pid PID")
        .replaceAll("\"pid\":\\d+", "\"pid\":PID")
        .replaceAll("_ms\":\\d+", "_ms\":MS")
        .replaceAll("(?i)(token[\"': =]+)\\d+", "$1TOKEN")
        .replaceAll("(?m)^(\\S+ +\\S+ +\\S+@HOST\\S* +SPAN +\\S+ +\\d+ +)\\d+$", "$1TOKEN")
        .replaceAll("[ \\t]+", " ")
        .replaceAll("(?m)^(TIME \\S+ \\w+ )\\d+", "$1TOKEN")
        .replaceAll("(?m) +$", "");
  }
}
