package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.testkit.Referee.Hold;
import dev.truce.testkit.Referee.Verdict;
import java.util.List;
import org.junit.jupiter.api.Test;

class RefereeTest {
  private static Hold write(long token, long arrival, long entered, long left) {
    return new Hold("a", true, token, arrival, entered, left);
  }

  private static Hold read(long token, long arrival, long entered, long left) {
    return new Hold("a", false, token, arrival, entered, left);
  }

  private static Verdict judge(Hold... holds) {
    return Referee.judge(List.of(holds));
  }

  @Test
  void judge_oneAfterTheOther_findsNothing() {
    Verdict verdict =
        judge(
            write(1, 0, 0, 10),
            read(4, 2, 10, 30),
            read(3, 3, 12, 20),
            write(5, 4, 30, 30),
            write(6, 0, 31, 40));
    assertThat(verdict).isEqualTo(new Verdict(0, true, true, List.of()));
  }

  @Test
  void judge_twoWritersAtOnce_countsTheOverlap() {
    assertThat(judge(write(1, 0, 0, 10), write(2, 0, 9, 20)).overlaps()).isEqualTo(1);
  }

  @Test
  void judge_readerBesideWriter_countsTheOverlap() {
    assertThat(judge(read(1, 0, 0, 10), write(2, 0, 5, 6)).overlaps()).isEqualTo(1);
  }

  @Test
  void judge_holderThatDiedInsideAnother_countsTheOverlap() {
    assertThat(judge(write(1, 0, 0, 10), write(2, 0, 5, 5)).overlaps()).isEqualTo(1);
  }

  @Test
  void judge_threeAtOnce_countsEachPair() {
    assertThat(judge(write(1, 0, 0, 9), write(2, 0, 1, 9), write(3, 0, 2, 9)).overlaps())
        .isEqualTo(3);
  }

  @Test
  void judge_otherLockAtTheSameTime_findsNothing() {
    Verdict verdict = judge(write(1, 0, 0, 10), new Hold("b", true, 2, 0, 0, 10));
    assertThat(verdict.overlaps()).isZero();
  }

  @Test
  void judge_tokenGoesBack_isFound() {
    assertThat(judge(write(2, 0, 0, 1), write(1, 0, 2, 3)).tokensRose()).isFalse();
    assertThat(judge(write(2, 0, 0, 1), read(2, 0, 2, 3)).tokensRose()).isFalse();
    assertThat(judge(read(2, 0, 0, 1), write(1, 0, 2, 3)).tokensRose()).isFalse();
  }

  @Test
  void judge_writerBeforeOneThatArrivedEarlier_isFound() {
    assertThat(judge(write(1, 2, 0, 1), write(2, 1, 2, 3)).orderKept()).isFalse();
    assertThat(judge(write(1, 2, 0, 1), read(2, 1, 2, 3)).orderKept()).isFalse();
    assertThat(judge(read(1, 2, 0, 1), write(2, 1, 2, 3)).orderKept()).isFalse();
  }

  @Test
  void judge_withoutTokensOrArrivals_looksAtTimesAlone() {
    Verdict verdict = judge(write(0, 0, 0, 10), write(0, 0, 5, 15));
    assertThat(verdict.overlaps()).isEqualTo(1);
    assertThat(verdict.tokensRose()).isTrue();
    assertThat(verdict.orderKept()).isTrue();
  }
}
