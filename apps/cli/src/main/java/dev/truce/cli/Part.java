package dev.truce.cli;

import java.util.List;

/// One part of what is said about the command. A terminal and the manual page show the same parts.
sealed interface Part {
  /// What is explained next.
  record Title(String text) implements Part {}

  /// How a verb is called.
  record Usage(String line) implements Part {}

  /// A paragraph, in lines that fit a terminal.
  record Paragraph(List<String> lines) implements Part {
    Paragraph(String... lines) {
      this(List.of(lines));
    }
  }

  /// Terms, and what each of them means.
  ///
  /// @param width of the column of the terms
  record Terms(int width, List<Term> terms) implements Part {}

  /// A term and what it means.
  record Term(String term, String meaning) {}

  /// A call as one may type it.
  record Sample(String line) implements Part {}
}
