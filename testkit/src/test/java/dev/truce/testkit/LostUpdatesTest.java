package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class LostUpdatesTest {
  @Test
  void judge_allThere_isClean() {
    LostUpdates.Verdict<String> verdict =
        LostUpdates.judge(Map.of("a", 1, "b", 2), List.of("a", "b"), Map.of("a", 1, "b", 2));

    assertThat(verdict.clean()).isTrue();
    assertThat(verdict.acknowledged()).isEqualTo(2);
    assertThat(verdict.present()).isEqualTo(2);
  }

  @Test
  void judge_acknowledgedIsMissing_isLost() {
    LostUpdates.Verdict<String> verdict =
        LostUpdates.judge(Map.of("a", 1, "b", 2), List.of(), Map.of("a", 1));

    assertThat(verdict.lost()).containsExactly("b");
    assertThat(verdict.clean()).isFalse();
  }

  @Test
  void judge_acknowledgedHasAnotherValue_isWrong() {
    LostUpdates.Verdict<String> verdict =
        LostUpdates.judge(Map.of("a", 1), List.of(), Map.of("a", 2));

    assertThat(verdict.wrong()).containsExactly("a");
    assertThat(verdict.lost()).isEmpty();
    assertThat(verdict.clean()).isFalse();
  }

  @Test
  void judge_writerWasKilled_itsLastEntryMayBeThereOrNot() {
    assertThat(LostUpdates.judge(Map.of(), List.of("a"), Map.of("a", 1)).clean()).isTrue();
    assertThat(LostUpdates.judge(Map.of(), List.of("a"), Map.of()).clean()).isTrue();
  }

  @Test
  void judge_entryFromNowhere_isForeign() {
    LostUpdates.Verdict<String> verdict = LostUpdates.judge(Map.of(), List.of("a"), Map.of("b", 1));

    assertThat(verdict.foreign()).containsExactly("b");
    assertThat(verdict.clean()).isFalse();
  }

  @Test
  void ofCounter_betweenAcknowledgedAndAttempted_isClean() {
    assertThat(LostUpdates.ofCounter(10, 12, 10).clean()).isTrue();
    assertThat(LostUpdates.ofCounter(10, 12, 12).clean()).isTrue();
  }

  @Test
  void ofCounter_outside_isNot() {
    assertThat(LostUpdates.ofCounter(10, 12, 9).lost()).isEqualTo(1);
    assertThat(LostUpdates.ofCounter(10, 12, 13).foreign()).isEqualTo(1);
    assertThatThrownBy(() -> LostUpdates.ofCounter(2, 1, 1))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
