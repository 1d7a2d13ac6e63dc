package dev.truce.benchmarks;

import dev.truce.benchmarks.Comparison.Peer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Durable commits a second against the number of processes, as SVG.
///
/// @param processes of each group, in this order
/// @param lines the figures of each by its name; the first one is Truce's
/// @param caption the machine
record Picture(List<Integer> processes, Map<String, Map<Integer, Double>> lines, String caption) {
  private static final List<Integer> PROCESSES = List.of(1, 4, 16);
  private static final List<String> COLOURS = List.of("#0b6e4f", "#7d8597", "#adb5bd", "#ced4da");

  private static final int WIDTH = 640;
  private static final int HEIGHT = 320;
  private static final int LEFT = 30;
  private static final int TOP = 56;
  private static final int FLOOR = 258;
  private static final int GAP = 34;

  /// Of the commits of own keys.
  static Picture of(Report report) {
    Map<String, Map<Integer, Double>> lines = new LinkedHashMap<>();
    for (Integer processes : PROCESSES) {
      for (Comparison line : report.lines()) {
        Peer peer = line.peer();
        if (line.row().equals(StoreCommits.name(processes))
            && line.what().equals(StoreCommits.OWN)
            && peer != null) {
          lines
              .computeIfAbsent("Truce", _ -> new LinkedHashMap<>())
              .put(processes, rate(line.truce()));
          lines
              .computeIfAbsent(peer.name(), _ -> new LinkedHashMap<>())
              .put(processes, rate(peer.series()));
        }
      }
    }
    Conditions where = report.conditions();
    String caption =
        where.cpu()
            + ", "
            + where.cores()
            + " cores, "
            + where.fileSystem()
            + ", "
            + where.measuredAt().toString().substring(0, 10)
            + (report.quick() ? ", quick: no figure to quote" : "");
    return new Picture(PROCESSES, lines, caption);
  }

  private static double rate(Series micros) {
    return 1e6 / micros.median();
  }

  String svg() {
    List<String> shapes = new ArrayList<>();
    double highest =
        lines.values().stream().flatMap(line -> line.values().stream()).reduce(1.0, Math::max);
    double group = (WIDTH - 2.0 * LEFT - GAP * (processes.size() - 1)) / processes.size();
    for (int at = 0; at < processes.size(); at++) {
      double from = LEFT + at * (group + GAP);
      shapes.addAll(bars(processes.get(at), from, group, highest));
      shapes.add(text(from + group / 2, FLOOR + 20, "middle", label(processes.get(at)), "#495057"));
    }
    shapes.addAll(legend());
    shapes.add(text(LEFT, 22, "start", "Durable commits a second, one key each", "#212529"));
    shapes.add(text(LEFT, HEIGHT - 12, "start", caption, "#868e96"));
    return """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" \
    font-size="12">
    <rect width="%d" height="%d" fill="#ffffff"/>
    %s
    </svg>
    """
        .formatted(WIDTH, HEIGHT, WIDTH, HEIGHT, String.join("\n", shapes));
  }

  private static String label(int processes) {
    return processes == 1 ? "1 process" : processes + " processes";
  }

  private List<String> bars(int count, double from, double group, double highest) {
    List<String> shapes = new ArrayList<>();
    Map<String, Double> rates = new LinkedHashMap<>();
    lines.forEach((name, line) -> {
      Double rate = line.get(count);
      if (rate != null) {
        rates.put(name, rate);
      }
    });
    double width = group / Math.max(1, rates.size());
    double x = from;
    for (Map.Entry<String, Double> one : rates.entrySet()) {
      double rate = one.getValue();
      double height = (FLOOR - TOP) * rate / highest;
      shapes.add(
          String.format(
              Locale.ROOT,
              "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>",
              x,
              FLOOR - height,
              width - 3,
              height,
              colour(one.getKey())));
      shapes.add(
          text(
              x + (width - 3) / 2,
              FLOOR - height - 4,
              "middle",
              String.format(Locale.ROOT, "%,.0f", rate),
              "#495057"));
      x += width;
    }
    return shapes;
  }

  private List<String> legend() {
    List<String> shapes = new ArrayList<>();
    double x = LEFT;
    for (String name : lines.keySet()) {
      shapes.add(
          String.format(
              Locale.ROOT,
              "<rect x=\"%.1f\" y=\"32\" width=\"10\" height=\"10\" fill=\"%s\"/>",
              x,
              colour(name)));
      shapes.add(text(x + 15, 41, "start", name, "#495057"));
      x += 40 + 7 * name.length();
    }
    return shapes;
  }

  private String colour(String name) {
    return COLOURS.get(List.copyOf(lines.keySet()).indexOf(name) % COLOURS.size());
  }

  private static String text(double x, double y, String anchor, String what, String colour) {
    return String.format(
        Locale.ROOT,
        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\">%s</text>",
        x,
        y,
        anchor,
        colour,
        what.replace("&", "&amp;").replace("<", "&lt;"));
  }
}
