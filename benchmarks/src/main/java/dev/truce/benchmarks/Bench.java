package dev.truce.benchmarks;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// `truce bench locks|journal|store [--json] [--quick] [--svg FILE]`: measures this machine, beside
/// peers in the same run. Of the store it draws a picture, too.
public final class Bench {
  private static final String USAGE =
      "usage: truce bench locks|journal|store [--json] [--quick] [--svg FILE]";
  private static final int USAGE_STATUS = 64;

  /// The rows, in the order of the table.
  private static final List<Row> LOCKS =
      List.of(
          InOneJvm.onDirectory(),
          InOneJvm.inMemory(),
          InOneJvm.reading(),
          InOneJvm.contended(),
          InOneJvm.measuring(),
          InOneJvm.async(),
          new WritersWait(),
          new BetweenProcesses.HandOver(),
          new AfterDeath(),
          new Starts(),
          new Waiters(),
          new BetweenProcesses.Contended(4),
          new BetweenProcesses.Contended(8));

  private static final List<Row> JOURNAL =
      List.of(
          new Commits(1),
          new Commits(4),
          new Commits(16),
          new Appends.Right(),
          new Appends.Recovered());

  private static final List<Row> STORE =
      List.of(new StoreCommits(1), new StoreCommits(4), new StoreCommits(16), new StoreOfMany());

  private static final Map<String, List<Row>> SUITES =
      Map.of("locks", LOCKS, "journal", JOURNAL, "store", STORE);

  private Bench() {}

  /// What `truce` calls, with the arguments after `bench`; answers the exit status: 0 when every
  /// row was measured, whatever the figures, 1 when one could not be.
  public static int run(List<String> arguments, PrintStream out, PrintStream err) {
    List<String> rest = new ArrayList<>(arguments);
    boolean json = rest.remove("--json");
    boolean quick = rest.remove("--quick");
    String picture = picture(rest);
    List<Row> rows = rest.size() == 1 ? SUITES.get(rest.getFirst()) : null;
    if (rows == null) {
      err.println(
          "truce: bench measures `locks`, `journal` or `store`, not `"
              + String.join(" ", rest)
              + "`");
      err.println(USAGE);
      return USAGE_STATUS;
    }
    if (picture != null && !rest.getFirst().equals("store")) {
      err.println("truce: bench draws a picture of `store` alone");
      err.println(USAGE);
      return USAGE_STATUS;
    }
    try {
      Report report = measured(rest.getFirst(), rows, quick, row -> tell(json, row, err));
      out.println(json ? report.json() : report.table());
      if (picture != null) {
        Files.writeString(Path.of(picture), Picture.of(report).svg());
      }
      return report.failures().isEmpty() ? 0 : 1;
    } catch (IOException failure) {
      err.println("truce: " + failure.getMessage());
      return 74;
    } catch (InterruptedException interrupted) {
      return 130;
    }
  }

  /// Takes the file of the picture out of the arguments; `null` if none is wanted.
  private static @Nullable String picture(List<String> arguments) {
    int at = arguments.indexOf("--svg");
    if (at < 0 || at + 1 == arguments.size()) {
      return null;
    }
    arguments.remove(at);
    return arguments.remove(at);
  }

  private static void tell(boolean json, String row, PrintStream err) {
    if (!json) {
      err.println("measuring: " + row);
    }
  }

  private static Report measured(
      String suite, List<Row> rows, boolean quick, Consumer<String> progress)
      throws IOException, InterruptedException {
    long start = System.nanoTime();
    Path place = Workshop.makePlace();
    try {
      Conditions conditions = Conditions.of(place);
      Workshop workshop = new Workshop(place, launcher(), quick ? Effort.QUICK : Effort.FULL);
      List<Comparison> lines = new ArrayList<>();
      Map<String, String> failures = new LinkedHashMap<>();
      for (Row row : rows) {
        progress.accept(row.name());
        try {
          lines.addAll(row.measure(workshop));
        } catch (IOException | RuntimeException failure) {
          failures.put(row.name(), String.valueOf(failure.getMessage()));
        }
      }
      long wall = (System.nanoTime() - start) / 1_000_000;
      return new Report(suite, conditions, Conditions.loadNow(), quick, wall, lines, failures);
    } finally {
      delete(place);
    }
  }

  /// The launcher says where it stands.
  private static Path launcher() throws IOException {
    String launcher = System.getProperty("truce.launcher");
    if (launcher == null) {
      throw new IOException("this is called as `truce bench`");
    }
    return Path.of(launcher);
  }

  private static void delete(Path place) throws IOException {
    List<Path> found;
    try (Stream<Path> all = Files.walk(place)) {
      found = all.toList().reversed();
    }
    for (Path path : found) {
      Files.deleteIfExists(path);
    }
  }
}
