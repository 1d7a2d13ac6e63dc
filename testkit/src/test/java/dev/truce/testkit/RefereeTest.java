package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.testkit.Referee.Hold;
import dev.truce.testkit.Referee.Verdict;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
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

  /// The one that is long inside must not be forgotten while short ones come and go.
  @Test
  void judge_longReaderUnderManyShortOnes_isStillSeen() {
    Verdict verdict =
        judge(read(1, 0, 0, 100), read(2, 0, 10, 20), read(3, 0, 30, 40), write(4, 0, 90, 95));
    assertThat(verdict.overlaps()).isEqualTo(1);
    assertThat(verdict.clean()).isFalse();
  }

  @Test
  void judge_leftTheMomentTheNextEntered_findsNothing() {
    assertThat(judge(write(1, 0, 0, 10), write(2, 0, 10, 20)).clean()).isTrue();
  }

  @Test
  void judge_tokenGivenTwice_isFoundEvenBetweenReaders() {
    assertThat(judge(read(7, 0, 0, 10), read(7, 0, 1, 20)).tokensRose()).isFalse();
    assertThat(judge(write(7, 0, 0, 10), write(7, 0, 11, 20)).tokensRose()).isFalse();
  }

  /// Two readers were let in together; which thread was quicker to say so means nothing.
  @Test
  void judge_readersTogetherInAnyOrder_findsNothing() {
    assertThat(judge(read(8, 2, 0, 3), read(7, 1, 5, 9)).clean()).isTrue();
  }

  @Test
  void judge_readerOvertakesAWaitingWriter_isFound() {
    Verdict verdict = judge(read(1, 1, 0, 10), read(2, 3, 1, 12), write(3, 2, 13, 20));
    assertThat(verdict.orderKept()).isFalse();
    assertThat(verdict.overlaps()).isZero();
  }

  @Test
  void judge_reportsInAnyOrder_isTheSame() {
    List<Hold> holds =
        new ArrayList<>(
            List.of(
                write(1, 1, 0, 10), write(2, 2, 9, 20), write(1, 4, 30, 40), write(5, 3, 41, 50)));
    for (int shuffle = 0; shuffle < 20; shuffle++) {
      Collections.shuffle(holds, new Random(shuffle));
      Verdict verdict = Referee.judge(holds);
      assertThat(verdict.overlaps()).isEqualTo(1);
      assertThat(verdict.orderKept()).isFalse();
      assertThat(verdict.tokensRose()).isFalse();
    }
  }

  /// Random right histories pass; the same with two neighbours pushed into each other do not.
  @Test
  void judge_randomHistories_onlyTheRightOnesPass() {
    Seed seed = Seed.choose();
    SplittableRandom random = seed.random("holds");
    for (int round = 0; round < 200; round++) {
      List<Hold> holds = new ArrayList<>();
      long now = 0;
      for (int number = 1; number <= 50; number++) {
        long left = now + 2 + random.nextInt(100);
        holds.add(write(number * 3L, number, now, left));
        now = left + random.nextInt(10);
      }
      assertThat(Referee.judge(holds).clean()).as("%s", seed).isTrue();

      int at = 1 + random.nextInt(49);
      Hold moved = holds.get(at);
      holds.set(at, write(moved.token(), moved.arrival(), holds.get(at - 1).left() - 1, now + 1));
      assertThat(Referee.judge(holds).overlaps()).as("%s, round %s", seed, round).isPositive();
    }
  }

  @Test
  void hold_leftBeforeItEntered_isRefused() {
    assertThatThrownBy(() -> write(1, 0, 10, 9)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void tornReads_versionNobodyWrote_isFound() {
    assertThat(Referee.tornReads(Set.of("v1", "v2"), List.of("v1", "v1v2", "v2")))
        .containsExactly("v1v2");
  }
}
