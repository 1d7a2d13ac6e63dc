package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class JournalFilesTest {
  private static JournalFiles files(String name) {
    return new JournalFiles(new Disk(Path.of("/nowhere")), Path.of("/nowhere"), name);
  }

  @Test
  void names_thatAreHarmless_staySo() {
    assertThat(files("docs-1_a").control()).isEqualTo("journal.docs-1_a");
  }

  @Test
  void names_thatAreHostile_areOneFileEach() {
    Set<String> seen = new HashSet<>();
    List<String> hostile =
        List.of(
            "..",
            "../id",
            "a/b",
            "a%2fb",
            "A",
            "a",
            "a.1",
            "a.base.1",
            ".tmp",
            "=",
            "\0",
            "%",
            "\u00e9",
            "e\u0301",
            "x".repeat(120),
            "x".repeat(121),
            "x".repeat(255),
            "X".repeat(40),
            "X".repeat(41),
            "\uD83D\uDE00".repeat(63));
    for (String name : hostile) {
      JournalFiles files = files(name);
      assertThat(seen.add(files.control())).as(name).isTrue();
      assertThat(seen.add("" + files.digest())).isTrue();
      assertThat(seen.add("" + files.locks())).isTrue();
      assertThat(files.control()).matches("journal\\.[-a-z0-9_%=]+");
      assertThat(files.base(Long.MAX_VALUE, Note.NOBODY).length()).isLessThan(255 - 41);
    }
  }

  @Test
  void names_thatAreNone_areRefused() {
    for (String name : List.of("", "x".repeat(256), "\u00e9".repeat(128), "\uD800")) {
      assertThatThrownBy(() -> files(name)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void locks_ofAnyJournal_areBehindThoseOfMembers() {
    for (int i = 0; i < 1000; i++) {
      assertThat(files("journal " + i).locks()).isGreaterThanOrEqualTo(1L << 62);
      assertThat(files("journal " + i).locks() % 4096).isZero();
      assertThat(files("journal " + i).locks() + 4096).isPositive();
    }
  }
}
