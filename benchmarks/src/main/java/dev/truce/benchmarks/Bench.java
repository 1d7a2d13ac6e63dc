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

/// `truce bench locks|journal [--json] [--quick]`: measures this machine, beside peers in the same
/// run.
public final class Bench {
  private static final String USAGE = "usage: truce bench locks|journal [--json] [--quick]";
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

  private static final Map<String, List<Row>> SUITES = Map.of("locks", LOCKS, "journal", JOURNAL);

  private Bench() {}

  /// What `truce` calls, with the arguments after `bench`; answers the exit status: 0 when every
  /// row was measured, whatever the figures, 1 when one could not be.
  public static int run(List<String> arguments, PrintStream out, PrintStream err) {
    List<String> rest = new ArrayList<>(arguments);
    boolean json = rest.remove("--json");
    boolean quick = rest.remove("--quick");
    List<Row> rows = rest.size() == 1 ? SUITES.get(rest.getFirst()) : null;
    if (rows == null) {
      err.println(
          "truce: bench measures `locks` or `journal`, not `" + String.join(" ", rest) + "`");
      err.println(USAGE);
      return USAGE_STATUS;
    }
    try {
      Report report = measured(rest.getFirst(), rows, quick, row -> tell(json, row, err));
      out.println(json ? report.json() : report.table());
      return report.failures().isEmpty() ? 0 : 1;
    } catch (IOException failure) {
      err.println("truce: " + failure.getMessage());
      return 74;
    } catch (InterruptedException interrupted) {
      return 130;
    }
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
