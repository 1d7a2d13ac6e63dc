package dev.truce.cli;

import java.util.ArrayList;
import java.util.List;

/// Rows under their titles, in columns two spaces apart.
final class Table {
  private Table() {}

  /// @param firstNumber from this column on, numbers: they stand at the right
  static List<String> of(List<String> titles, List<List<String>> rows, int firstNumber) {
    List<List<String>> all = new ArrayList<>();
    all.add(titles);
    all.addAll(rows);
    int[] widths = new int[titles.size()];
    for (List<String> row : all) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], width(row.get(i)));
      }
    }
    List<String> lines = new ArrayList<>();
    for (List<String> row : all) {
      lines.add(line(row, widths, firstNumber));
    }
    return lines;
  }

  private static String line(List<String> row, int[] widths, int firstNumber) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < widths.length; i++) {
      String pad = " ".repeat(widths[i] - width(row.get(i)));
      boolean last = i == widths.length - 1 && i < firstNumber;
      line.append(i == 0 ? "" : "  ");
      line.append(i < firstNumber ? row.get(i) + (last ? "" : pad) : pad + row.get(i));
    }
    return line.toString();
  }

  private static int width(String text) {
    return text.codePointCount(0, text.length());
  }
}
