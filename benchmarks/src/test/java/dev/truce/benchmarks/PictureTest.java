package dev.truce.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.benchmarks.Comparison.Peer;
import dev.truce.benchmarks.Comparison.Unit;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class PictureTest {
  private static final Pattern BAR =
      Pattern.compile("height=\"([0-9.]+)\" fill=\"#[0-9a-f]{6}\"/>");
  private static final double LEGEND = 10;
  private static final Offset<Double> ROUNDED = Offset.offset(0.3);

  private static final Conditions CONDITIONS =
      new Conditions(
          "A<B & C",
          2,
          "Linux 6",
          "Server VM 25",
          "ext4",
          "0.10 0.20 0.30",
          Instant.parse("2026-01-02T03:04:05Z"));

  private static Comparison line(
      int processes, String what, double ours, String peer, double theirs) {
    return new Comparison(
        StoreCommits.name(processes),
        what,
        Unit.MICROS,
        Series.of(ours),
        new Peer(peer, Series.of(theirs)),
        null);
  }

  private static String drawn(boolean quick, Comparison... lines) {
    return Picture.of(new Report("store", CONDITIONS, "0 0 0", quick, 1, List.of(lines), Map.of()))
        .svg();
  }

  private static Stream<Double> bars(String svg) {
    return BAR.matcher(svg)
        .results()
        .map((MatchResult found) -> Double.valueOf(found.group(1)))
        .filter(height -> height != LEGEND);
  }

  @Test
  void bars_areAsHighAsCommitsASecond() {
    String svg =
        drawn(
            false,
            line(1, StoreCommits.OWN, 1_000, "LMDB", 2_000),
            line(16, StoreCommits.OWN, 250, "LMDB", 1_000));

    assertThat(svg).contains(">1,000<", ">500<", ">4,000<");
    List<Double> heights = bars(svg).toList();
    assertThat(heights).hasSize(1 + 2 + 2); // the background first
    assertThat(heights.get(1)).isCloseTo(2 * heights.get(2), ROUNDED);
    assertThat(heights.get(3)).isCloseTo(4 * heights.get(1), ROUNDED);
    assertThat(heights.get(4)).isEqualTo(heights.get(1));
  }

  @Test
  void whoDoesNotTakePart_hasNoBar() {
    String svg =
        drawn(
            false,
            line(1, StoreCommits.OWN, 1_000, "LMDB", 2_000),
            line(1, StoreCommits.OWN, 1_000, "H2 MVStore", 2_000),
            line(4, StoreCommits.OWN, 1_000, "LMDB", 2_000));

    assertThat(bars(svg)).hasSize(1 + 3 + 2);
  }

  @Test
  void whatIsNoCommitOfOwnKeys_isNotDrawn() {
    String svg =
        drawn(
            false,
            line(1, StoreCommits.OWN, 1_000, "LMDB", 2_000),
            line(1, StoreCommits.HOT, 1, "LMDB", 1));

    assertThat(bars(svg)).hasSize(1 + 2);
    assertThat(svg).doesNotContain("1,000,000");
  }

  @Test
  void caption_saysWhereAndWhenAndIsEscaped() {
    assertThat(drawn(false)).contains("A&lt;B &amp; C, 2 cores, ext4, 2026-01-02<");
    assertThat(drawn(true)).contains("quick: no figure to quote");
  }
}
