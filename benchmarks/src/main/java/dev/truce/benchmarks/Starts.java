package dev.truce.benchmarks;

import dev.truce.benchmarks.Comparison.Goal;
import dev.truce.benchmarks.Comparison.Peer;
import dev.truce.benchmarks.Comparison.Unit;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Whole commands, from a shell to their end.
final class Starts implements Row {
  private static final String RUN = "truce run bench -- true";
  private static final String VERSION = "truce --version";
  private static final String WHY = "truce why bench";
  private static final String HELLO = "java hello world";
  private static final String FLOCK = "flock FILE true";

  /// Calls each command in turn, the rounds over, and prints its name, status and microseconds. The
  /// shell is the clock, so that no JVM stands between it and the commands.
  private static final String SCRIPT =
      """
      rounds=$1
      shift
      commands=("$@")
      for ((round = 0; round <= rounds; round++)); do
        for ((i = 0; i < ${#commands[@]}; i += 2)); do
          eval "set -- ${commands[i + 1]}"
          start=${EPOCHREALTIME/[.,]/}
          "$@" </dev/null >/dev/null
          status=$?
          end=${EPOCHREALTIME/[.,]/}
          printf '%s\\t%d\\t%d\\n' "${commands[i]}" $status $((end - start))
        done
      done
      """;

  @Override
  public String name() {
    return "commands";
  }

  @Override
  public List<Comparison> measure(Workshop workshop) throws IOException, InterruptedException {
    Map<String, Series> taken = time(workshop, commands(workshop));
    List<Comparison> lines = new ArrayList<>();
    lines.add(line(taken, RUN, HELLO, Goal.ratio(2)));
    if (taken.containsKey(FLOCK)) {
      lines.add(line(taken, RUN, FLOCK, null));
    }
    lines.add(line(taken, VERSION, HELLO, null));
    lines.add(line(taken, WHY, VERSION, Goal.ratio(2)));
    return lines;
  }

  private Comparison line(
      Map<String, Series> taken, String ours, String theirs, @Nullable Goal goal) {
    return new Comparison(
        name(), ours, Unit.MILLIS, of(taken, ours), new Peer(theirs, of(taken, theirs)), goal);
  }

  private static Series of(Map<String, Series> taken, String name) {
    Series series = taken.get(name);
    if (series == null) {
      throw new IllegalStateException(name + " was not called");
    }
    return series;
  }

  private static Map<String, List<String>> commands(Workshop workshop) {
    String truce = workshop.launcher().toString();
    List<String> hello = new ArrayList<>(Jvm.commandLine());
    hello.add(Hello.class.getName());
    Map<String, List<String>> commands = new LinkedHashMap<>();
    commands.put(RUN, List.of(truce, "run", "bench", "--", "true"));
    commands.put(HELLO, hello);
    commands.put(VERSION, List.of(truce, "--version"));
    commands.put(WHY, List.of(truce, "why", "bench"));
    if (onPath("flock")) {
      commands.put(FLOCK, List.of("flock", Workshop.lockFile(workshop.place()).toString(), "true"));
    }
    return commands;
  }

  private static boolean onPath(String command) {
    for (String folder : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
      if (Files.isExecutable(Path.of(folder, command))) {
        return true;
      }
    }
    return false;
  }

  /// Milliseconds by command. The first round warms the machine's caches and is not counted.
  private static Map<String, Series> time(Workshop workshop, Map<String, List<String>> commands)
      throws IOException, InterruptedException {
    List<String> call =
        new ArrayList<>(
            List.of("bash", "-c", SCRIPT, "bash", String.valueOf(workshop.effort().starts())));
    commands.forEach((name, words) -> call.addAll(List.of(name, quoted(words))));
    ProcessBuilder builder = new ProcessBuilder(call);
    builder.environment().put("TRUCE_DIR", Workshop.root(workshop.place()).toString());
    builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    Map<String, List<Double>> taken = new LinkedHashMap<>();
    Process bash = builder.start();
    try (BufferedReader lines = bash.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] words = line.split("\t", -1);
        if (!words[1].equals("0")) {
          throw new IOException(words[0] + " ended with " + words[1]);
        }
        taken.computeIfAbsent(words[0], _ -> new ArrayList<>()).add(Long.parseLong(words[2]) / 1e3);
      }
    } finally {
      bash.destroy();
    }
    Map<String, Series> series = new LinkedHashMap<>();
    taken.forEach((name, all) -> series.put(name, new Series(all.subList(1, all.size()))));
    return series;
  }

  private static String quoted(List<String> words) {
    StringBuilder line = new StringBuilder();
    words.forEach(word -> line.append('\'').append(word.replace("'", "'\\''")).append("' "));
    return line.toString();
  }
}
