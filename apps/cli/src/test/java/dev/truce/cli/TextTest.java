package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextTest {
  @Test
  void shown_leavesReadableTextAlone() {
    for (String text : new String[] {"", "deploy", "a b", "größe/中文/😀"}) {
      assertThat(Text.shown(text)).isEqualTo(text);
    }
  }

  @Test
  void shown_neverShowsTwoTextsAlike() {
    assertThat(Text.shown("C:\\x1b")).isEqualTo("C:\\\\x1b");
    assertThat(Text.shown("a\\nb")).isNotEqualTo(Text.shown("a\nb"));
  }

  @Test
  void shown_escapesWhatMovesACursorOrTurnsTheReadingDirection() {
    assertThat(Text.shown("a\nb\tc\rd")).isEqualTo("a\\nb\\tc\\rd");
    assertThat(Text.shown("\u001b[2J\u0000\u007f\u0085")).isEqualTo("\\x1b[2J\\x00\\x7f\\x85");
    assertThat(Text.shown("x\u202Etxt.exe")).isEqualTo("x\\u{202e}txt.exe");
    assertThat(Text.shown("\u2028\uD800")).isEqualTo("\\u{2028}\\u{d800}");
    assertThat(Text.shown("\uDB40\uDC41")).isEqualTo("\\u{e0041}");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0s",
    "59, 59s",
    "60, 1m",
    "252, 4m12s",
    "720, 12m",
    "3600, 1h",
    "3661, 1h1m",
    "86400, 1d",
    "90000, 1d1h",
    "-5, 0s"
  })
  void span_saysAtMostTwoUnits(long seconds, String said) {
    assertThat(Text.span(Duration.ofSeconds(seconds))).isEqualTo(said);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0s",
    "-1, 0s",
    "85, 85ns",
    "999, 999ns",
    "1000, 1us",
    "1250, 1.25us",
    "1209, 1.2us",
    "1050, 1.05us",
    "12340, 12.3us",
    "12040, 12us",
    "999999, 999us",
    "1500000, 1.5ms",
    "2000000000, 2s",
    "59990000000, 59.9s",
    "252000000000, 4m12s"
  })
  void fine_saysThreeDigits(long nanos, String said) {
    assertThat(Text.fine(Duration.ofNanos(nanos))).isEqualTo(said);
  }

  @Test
  void exact_saysWhatWasTyped() {
    assertThat(Text.exact(Duration.ofMillis(250))).isEqualTo("250ms");
    assertThat(Text.exact(Duration.ofMillis(1500))).isEqualTo("1.5s");
    assertThat(Text.exact(Duration.ofSeconds(30))).isEqualTo("30s");
  }

  @Test
  void word_quotesForAShell() {
    assertThat(Text.word("deploy/prod-1")).isEqualTo("deploy/prod-1");
    assertThat(Text.word("a b")).isEqualTo("'a b'");
    assertThat(Text.word("it's")).isEqualTo("'it'\\''s'");
    assertThat(Text.word("")).isEqualTo("''");
    assertThat(Text.word("$(x)")).isEqualTo("'$(x)'");
  }

  @Test
  void word_ofWhatMovesACursorOrTurnsTheReadingDirection_isEscapedAsBashAndZshReadIt() {
    assertThat(Text.word("a\u001b[2Jb")).isEqualTo("$'a\\x1b[2Jb'");
    assertThat(Text.word("it's\n\\")).isEqualTo("$'it\\'s\\x0a\\\\'");
    assertThat(Text.word("x\u202Etxt")).isEqualTo("$'x\\xe2\\x80\\xaetxt'");
    assertThat(Text.word("\uDB40\uDC41")).isEqualTo("$'\\xf3\\xa0\\x81\\x81'");
    assertThat(Text.word("größe/😀")).isEqualTo("'größe/😀'");
    assertThat(Text.word("C:\\x1b")).isEqualTo("'C:\\x1b'");
  }

  @Test
  void quote_escapesWhatJsonAndTerminalsCannotHold() {
    StringBuilder text = new StringBuilder();
    Json.quote(text, "a\"\\\n\u0001\u007f\u009b\uD83D\uDE00\uD83Dx\uDE00é");
    assertThat(text.toString())
        .isEqualTo("\"a\\\"\\\\\\n\\u0001\\u007f\\u009b\uD83D\uDE00\\ud83dx\\ude00é\"");
  }
}
