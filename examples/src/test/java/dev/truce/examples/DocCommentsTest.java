package dev.truce.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// A plain `//` line between two `///` lines cuts a doc comment in two, and javadoc shows only the
/// last part without a word. Formatters have been seen to make such lines from long ones.
class DocCommentsTest {

  @Test
  void noDocCommentIsCutInTwo() throws IOException {
    List<String> cuts = new ArrayList<>();
    for (Path source : House.filesIn("src", ".java")) {
      for (int line : cuts(Files.readAllLines(source))) {
        cuts.add(House.ROOT.relativize(source) + ":" + line);
      }
    }
    assertThat(cuts).isEmpty();
  }

  @Test
  void aCutIsFound() {
    List<String> source =
        List.of(
            "// an ordinary comment",
            "/// The first line, which was",
            "// too long",
            "// by far",
            "/// and its end.",
            "class Example {",
            "  // ordinary",
            "  int field; // ordinary",
            "  /// whole",
            "  /// also whole",
            "  // between a doc comment and its field: not cut",
            "  int other;",
            "}");

    assertThat(cuts(source)).containsExactly(3);
  }

  @Test
  void thereIsSomethingToLookAt() {
    assertThat(House.filesIn("src", ".java")).hasSizeGreaterThan(10);
  }

  private static List<Integer> cuts(List<String> lines) {
    List<Integer> cuts = new ArrayList<>();
    boolean inDoc = false;
    int plainSince = 0;
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (line.startsWith("///")) {
        if (plainSince > 0) {
          cuts.add(plainSince);
        }
        inDoc = true;
        plainSince = 0;
      } else if (line.startsWith("//") && inDoc) {
        plainSince = plainSince == 0 ? i + 1 : plainSince;
      } else {
        inDoc = false;
        plainSince = 0;
      }
    }
    return cuts;
  }
}
