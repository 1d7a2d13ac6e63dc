package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/// Each [LockMutant] is caught by the test that is meant to catch it, which passes over right
/// locks.
final class LockMutantsIT {
  @ParameterizedTest
  @EnumSource
  void mutant_inTheExamMeantForIt_isCaught(LockMutant mutant) throws Exception {
    TestExecutionSummary right = SuitesTest.run(mutant.rightSuite(), mutant.exam);
    assertThat(right.getTestsSucceededCount()).as("%s over right locks", mutant.exam).isOne();

    TestExecutionSummary wrong = SuitesTest.run(mutant.suite(), mutant.exam);
    assertThat(wrong.getTestsFailedCount()).as("%s passes %s", mutant, mutant.exam).isOne();
    System.out.println(mutant + ": " + wrong.getFailures().getFirst().getException().getMessage());
  }
}
