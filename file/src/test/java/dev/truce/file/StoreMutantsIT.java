package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Broken stores are caught by what is meant to catch them, and the right ones pass.
final class StoreMutantsIT {
  /// A failure of the exam itself, and not of who takes it.
  private static final Pattern MISTAKE =
      Pattern.compile("java\\.(util|io|lang\\.(?!AssertionError))");

  @ParameterizedTest
  @EnumSource
  void mutant_inTheExamMeantForIt_isCaught(StoreMutant mutant) throws Exception {
    Callable<?> examinee = mutant.examinee();
    assertThatThrownBy(examinee::call)
        .as("%s passes %s", mutant, mutant.exam)
        .isInstanceOf(AssertionError.class)
        .extracting(caught -> String.valueOf(caught.getMessage()).strip().lines().findFirst().get())
        .asString()
        .satisfies(what -> System.out.println(mutant + ": " + what))
        .doesNotContainPattern(MISTAKE);
  }

  @ParameterizedTest
  @EnumSource
  void stores_inEveryExam_pass(StoreExam exam) {
    assertThatCode(exam::take).doesNotThrowAnyException();
  }

  @Test
  void exam_each_hasAMutant() {
    EnumSet<StoreExam> without = EnumSet.allOf(StoreExam.class);
    without.removeIf(exam ->
        Arrays.stream(StoreMutant.values()).anyMatch(mutant -> mutant.exam.equals(exam.name())));
    assertThat(without).isEmpty();
  }
}
