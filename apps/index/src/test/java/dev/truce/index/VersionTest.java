package dev.truce.index;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class VersionTest {
  /// From semver.org, and what a comparison of texts would get wrong.
  private static final List<String> RISING =
      List.of(
          "0.0.9",
          "0.0.10",
          "1.0.0-0",
          "1.0.0-9",
          "1.0.0-10",
          "1.0.0-alpha",
          "1.0.0-alpha.1",
          "1.0.0-alpha.beta",
          "1.0.0-beta",
          "1.0.0-beta.2",
          "1.0.0-beta.11",
          "1.0.0-rc.1",
          "1.0.0",
          "1.9.0",
          "1.10.0",
          "2.0.0",
          "99999999999999999999.0.0");

  @Test
  void versions_rise() {
    List<String> mixed = new ArrayList<>(RISING);
    Collections.shuffle(mixed, new Random(7));

    assertThat(mixed.stream().map(Version::of).sorted())
        .isEqualTo(RISING.stream().map(Version::of).toList());
  }

  @Test
  void whatItWasBuiltOf_isNoDifference() {
    assertThat(Version.of("1.0.0+b1")).isEqualByComparingTo(Version.of("1.0.0+b2"));
    assertThat(Version.of("1.0.0+a-b")).isGreaterThan(Version.of("1.0.0-a"));
  }
}
