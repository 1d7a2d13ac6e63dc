package dev.truce.cli;

import java.util.List;
import java.util.Locale;

/// The manual page `truce(1)`, made of what [Help] says, so that the two cannot differ. It is
/// written in the `man` macros, which groff and mandoc know.
final class Manual {
  private final StringBuilder page = new StringBuilder();

  private Manual() {}

  static String page() {
    Manual manual = new Manual();
    manual.line(".TH TRUCE 1 \"\" \"truce " + escaped(Version.TEXT) + "\"");
    manual.line(".nh");
    manual.line(".ad l");
    manual.section("Name");
    manual.line("truce \\- locks and leases for many writers");
    manual.section("Synopsis");
    manual.text(".B ", "truce VERB [ARGUMENT]...");
    manual.section("Description");
    manual.part(Help.WHAT);
    for (Verb.Group group : Verb.Group.values()) {
      manual.section(title(group));
      for (Verb verb : Verb.in(group)) {
        manual.text(".SS ", verb.word());
        Help.parts(verb).forEach(manual::part);
      }
    }
    Help.everywhere().forEach(manual::part);
    return manual.page.toString();
  }

  private static String title(Verb.Group group) {
    return switch (group) {
      case HOLD -> "Holding locks";
      case LOOK -> "Looking at them";
      case STORE -> "Stores";
      case CARE -> "Care of a root";
      case INDEX -> "An index of files";
      case MORE -> "More";
    };
  }

  private void part(Part part) {
    switch (part) {
      case Part.Title title -> section(title.text());
      case Part.Usage usage -> sample(usage.line());
      case Part.Paragraph paragraph -> paragraph(paragraph.lines());
      case Part.Terms terms -> terms.terms().forEach(this::term);
      case Part.Sample sample -> sample(sample.line());
    }
  }

  private void section(String title) {
    text(".SH ", title.toUpperCase(Locale.ROOT));
  }

  private void paragraph(List<String> lines) {
    line(".PP");
    lines.forEach(each -> text("", each));
  }

  private void term(Part.Term term) {
    line(".TP");
    text(".B ", term.term().strip());
    text("", term.meaning());
  }

  /// A line that is to be copied: neither filled nor hyphenated.
  private void sample(String sample) {
    line(".PP");
    line(".RS 4");
    line(".EX");
    text("", sample);
    line(".EE");
    line(".RE");
  }

  private void text(String macro, String text) {
    String escaped = escaped(text);
    boolean control = macro.isEmpty() && (escaped.startsWith(".") || escaped.startsWith("'"));
    line(macro + (control ? "\\&" : "") + escaped);
  }

  private void line(String line) {
    page.append(line).append('\n');
  }

  /// `text` as characters that roff does not interpret and does not make prettier.
  private static String escaped(String text) {
    StringBuilder escaped = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '\\' -> escaped.append("\\e");
        case '-' -> escaped.append("\\-");
        case '"' -> escaped.append("\\(dq");
        case '\'' -> escaped.append("\\(aq");
        case '`' -> escaped.append("\\(ga");
        case '^' -> escaped.append("\\(ha");
        case '~' -> escaped.append("\\(ti");
        default -> escaped.append(c);
      }
    }
    return escaped.toString();
  }
}
