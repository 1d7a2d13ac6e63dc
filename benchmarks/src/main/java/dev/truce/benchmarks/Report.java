package dev.truce.benchmarks;

import dev.truce.benchmarks.Comparison.Goal;
import dev.truce.benchmarks.Comparison.Peer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// All that one run measured, and how it is shown.
///
/// @param suite what was measured: `locks`
/// @param failures why a row has no figures, by row
record Report(
    String suite,
    Conditions conditions,
    String loadAfter,
    boolean quick,
    long wallMillis,
    List<Comparison> lines,
    Map<String, String> failures) {

  String schema() {
    return "truce.bench." + suite + "/1";
  }

  // ---- for people

  String table() {
    StringBuilder text = new StringBuilder();
    conditions.named().forEach((name, value) -> text.append(condition(name, value)));
    text.append(condition("load_after", loadAfter));
    text.append(
        condition("took", wallMillis / 1000 + " s" + (quick ? ", quick: no figure to quote" : "")));
    text.append("figures: medians; in brackets the middle half of the rounds, or of their pairs\n");
    String row = "";
    List<List<String>> cells = cells();
    int[] widths = widths(cells);
    for (int i = 0; i < lines.size(); i++) {
      if (!lines.get(i).row().equals(row)) {
        row = lines.get(i).row();
        text.append('\n').append(row).append('\n');
      }
      text.append(aligned(cells.get(i), widths));
    }
    failures.forEach((failed, why) ->
        text.append('\n').append(failed).append("\n  not measured: ").append(why).append('\n'));
    return text.toString();
  }

  private static String condition(String name, Object value) {
    return String.format(Locale.ROOT, "%-12s %s%n", name.replace('_', ' '), value);
  }

  private List<List<String>> cells() {
    List<List<String>> cells = new ArrayList<>();
    for (Comparison line : lines) {
      cells.add(
          List.of(
              "  " + line.what(),
              figure(line.truce().median()) + " " + line.unit().sign(),
              beside(line),
              ratio(line.ratio()),
              verdict(line)));
    }
    return cells;
  }

  private static String beside(Comparison line) {
    Peer peer = line.peer();
    return peer == null
        ? spread(line.truce())
        : figure(peer.series().median()) + " " + line.unit().sign() + "  " + peer.name();
  }

  private static String spread(Series series) {
    return "(" + figure(series.low()) + " to " + figure(series.high()) + ")";
  }

  private static String ratio(@Nullable Series ratio) {
    return ratio == null ? "" : figure(ratio.median()) + "x " + spread(ratio);
  }

  private static String verdict(Comparison line) {
    Goal goal = line.goal();
    if (goal == null) {
      return "";
    }
    String wanted = "goal " + figure(goal.atMost()) + (goal.ofRatio() ? "x" : "");
    return Boolean.TRUE.equals(line.met()) ? wanted + ": met" : wanted + ": missed";
  }

  /// Three digits that count, and no exponent.
  static String figure(double value) {
    double size = Math.abs(value);
    int decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4;
    String text = String.format(Locale.ROOT, "%." + decimals + "f", value);
    return text.contains(".") ? text.replaceAll("\\.?0+$", "") : text;
  }

  private static int[] widths(List<List<String>> cells) {
    int[] widths = new int[5];
    for (List<String> line : cells) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], line.get(i).length());
      }
    }
    return widths;
  }

  private static String aligned(List<String> cells, int[] widths) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < widths.length; i++) {
      String gap = " ".repeat(widths[i] - cells.get(i).length());
      line.append(i == 1 ? gap + cells.get(i) : cells.get(i) + gap).append("  ");
    }
    return line.toString().stripTrailing() + "\n";
  }

  // ---- for programs

  String json() {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("schema", schema());
    root.put("quick", quick);
    root.put("wall_ms", wallMillis);
    Map<String, Object> where = conditions.named();
    where.put("load_after", loadAfter);
    root.put("conditions", where);
    root.put("lines", lines.stream().map(Report::named).toList());
    root.put("failures", failures);
    return Json.write(root);
  }

  private static Map<String, Object> named(Comparison line) {
    Map<String, Object> named = new LinkedHashMap<>();
    named.put("row", line.row());
    named.put("what", line.what());
    named.put("unit", line.unit().sign());
    named.put("truce", named(line.truce()));
    Peer peer = line.peer();
    Series ratio = line.ratio();
    if (peer != null && ratio != null) {
      named.put("peer", peer.name());
      named.put("peer_figures", named(peer.series()));
      named.put("ratio", named(ratio));
    }
    Goal goal = line.goal();
    Boolean met = line.met();
    if (goal != null && met != null) {
      named.put(goal.ofRatio() ? "goal_ratio" : "goal", goal.atMost());
      named.put("met", met);
    }
    return named;
  }

  private static Map<String, Object> named(Series series) {
    Map<String, Object> named = new LinkedHashMap<>();
    named.put("min", series.min());
    named.put("low", series.low());
    named.put("median", series.median());
    named.put("high", series.high());
    named.put("max", series.max());
    named.put("rounds", series.rounds().size());
    return named;
  }
}
