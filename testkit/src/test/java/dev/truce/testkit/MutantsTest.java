package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.testkit.LockUnderTest.World;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Broken locks are caught by the scenario meant for them, and right ones pass all of them: the
/// harness sees what it is there to see, and nothing else.
final class MutantsTest {
  @ParameterizedTest
  @EnumSource
  void mutant_inTheScenarioMeantForIt_isCaught(Mutants mutant) {
    World world = new World();

    assertThatThrownBy(() -> mutant.meantFor().run(world, mutant.in(world)))
        .as("%s passes %s", mutant, mutant.meantFor())
        .isInstanceOf(AssertionError.class)
        .message()
        .matches(Pattern.compile("(" + mutant.meantFor().finds() + ").*", Pattern.DOTALL));
  }

  @ParameterizedTest
  @EnumSource
  void plainLock_inEveryScenario_passes(Scenario scenario) {
    World world = new World();

    assertThatCode(() -> scenario.run(world, new PlainLock(world))).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @EnumSource
  void truce_inEveryScenario_passes(Scenario scenario) {
    World world = new World();

    assertThatCode(() -> scenario.run(world, new LockUnderTest.OverTruce(world)))
        .doesNotThrowAnyException();
  }

  @Test
  void scenario_each_hasAMutant() {
    EnumSet<Scenario> without = EnumSet.allOf(Scenario.class);
    Arrays.stream(Mutants.values()).map(Mutants::meantFor).forEach(without::remove);

    assertThat(without).isEmpty();
  }
}
