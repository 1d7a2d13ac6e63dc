package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/// Stores that are wrong in one place about conflicts, or about what they tell, are caught by the
/// test of [ConflictContract] or [FeedContract] that is meant to catch them, which the right ones
/// pass.
final class ConflictMutantsIT {
  private static final Path SOURCES = Path.of("../core/src/main/java/dev/truce/store");

  /// What is wrong.
  enum Mutant {
    WHAT_IS_PUT_ASIDE_IS_WRITTEN_AS_WELL(
        "Committer",
        "    aside.close();\n",
        """
            for (ParkedRow.Wish wish : writes.wishes()) {
              aside.change(aside.part(wish.name()), wish.key(), wish.ours().orElse(null), true);
            }
            aside.close();
        """,
        "park_nothingIsWritten_andAllOfItIsKept"),

    ONLY_THE_KEYS_AT_ODDS_ARE_PUT_ASIDE(
        "Writes",
        "          wishes.add(\n",
        "          if (part.resolvers.containsKey(key) && key.length == 1) wishes.add(\n",
        "resolve_ours_allOfItLands"),

    WHAT_WAS_PUT_ASIDE_IS_TOLD_AS_LANDED(
        "Committer",
        "    if (aside.isPresent()) {\n      ParkedRow row",
        "    if (aside.isPresent() && revision < 0) {\n      ParkedRow row",
        "park_underAnId_repeatedTellsTheSame"),

    DECIDES_TWICE(
        "Aside",
        "writes.change(rows, ParkedRow.open(id), null, false);",
        "writes.change(rows, ParkedRow.open(id), null, true);",
        "resolve_anotherDecidesMeanwhile_isRefused"),

    DECIDES_WHAT_WAS_DECIDED(
        "Aside",
        "    if (row == null) {\n",
        """
            if (row == null) {
              row = now.live(SpaceKey.of(0, ParkedRow.decided(id)));
            }
            if (row == null) {
        """,
        "resolve_again_isRefused"),

    DECIDES_ABOUT_WHAT_NOBODY_SAW(
        "Aside",
        "if (!left.remove(Shown.of(conflict))) {",
        "if (!left.remove(Shown.of(conflict)) && left.size() > 1) {",
        "resolve_theKeyWentOn_isRefusedAndTellsBoth"),

    DECIDES_ABOUT_WHAT_IS_GONE(
        "Aside",
        "    if (!left.isEmpty()) {\n",
        "    if (left.size() > 1) {\n",
        "resolve_theKeyIsAtItsBaseAgain_isRefused"),

    UNASKED_WHERE_NOBODY_IS_IN_THE_WAY_ANY_MORE(
        "Aside",
        "contested.isEmpty() ? all(now, parked, only) : contested",
        "contested",
        "resolve_nobodyIsInTheWayAnyMore_eachDecision_doesWhatItSays"),

    A_KEY_THAT_STAYS_THEIRS_IS_NOT_LOOKED_AT_AGAIN(
        "Writes",
        "      part.changes.keySet().stream()\n          .filter(key -> !part.blind",
        "      part.proposed().keySet().stream()\n          .filter(key -> !part.blind",
        "resolver_keptKeyGoesOn_isAskedAgain"),

    RESOLVERS_SETTLE_WHAT_WAS_READ(
        "StoreMachine",
        ".allMatch(clash -> clash.kind() == Kind.WRITE_WRITE && resolvable.test(clash.key()))",
        ".anyMatch(clash -> resolvable.test(clash.key()))",
        "resolver_serializableAndWhatWasReadHasChanged_theBodyRunsAgain"),

    SETTLED_ON_THE_OLD_BASE(
        "Writes", "    base = now;\n", "", "resolver_isAskedWithAllThree_andItsAnswerLands"),

    WHAT_RESOLVERS_MADE_IS_NOT_SAID(
        "Writes",
        "proposed.put(key, new Change(key, value, true));",
        "proposed.put(key, new Change(key, value, false));",
        "resolver_isAskedWithAllThree_andItsAnswerLands"),

    MAKING_A_STORE_IS_A_TRY(
        "StoreMachine",
        "clashes.stream().noneMatch(Clash::isOfStore);",
        "true;",
        "firstCommits_ofManyAtOnce_areNotCountedAsTries"),

    A_RESOLVER_RUNS_INSIDE_THE_APPEND(
        "Committer",
        """
              answers.put(clash.key(), resolver.resolve(sides.conflict(clash)));
        """,
        """
              journal.append(List.of(new Unit(ids.get(), null, past -> {
                answers.put(clash.key(), resolver.resolve(sides.conflict(clash)));
                return java.util.Optional.empty();
              })));
        """,
        "resolver_takesAsLongAsItLikes_othersCommitMeanwhile"),

    THE_FEED_TELLS_WHAT_IS_NOT_SAFE(
        "Replica",
        "long durable = journal.durable();\n    return revision < durable",
        "long durable = journal.appended();\n    return revision < durable",
        MemoryFeedTest.class,
        "next_whatIsNotSafe_isNeverTold");

    final Class<?> suite;
    final String type;
    final String passage;
    final String instead;
    final String exam;

    Mutant(String type, String passage, String instead, String exam) {
      this(type, passage, instead, MemoryConflictTest.class, exam);
    }

    Mutant(String type, String passage, String instead, Class<?> suite, String exam) {
      this.suite = suite;
      this.type = type;
      this.passage = passage;
      this.instead = instead;
      this.exam = exam;
    }

    Class<?> world() throws Exception {
      return SourceMutant.world(SOURCES.resolve(type + ".java"), passage, instead, "dev.truce.")
          .loadClass(suite.getName());
    }
  }

  @ParameterizedTest
  @EnumSource
  void mutant_inTheTestMeantForIt_isCaught(Mutant mutant) throws Exception {
    TestExecutionSummary right = SuitesTest.run(mutant.suite, mutant.exam);
    assertThat(right.getTestsSucceededCount()).as("%s over right stores", mutant.exam).isOne();

    TestExecutionSummary wrong = SuitesTest.run(mutant.world(), mutant.exam);
    assertThat(wrong.getTestsFailedCount()).as("%s passes %s", mutant, mutant.exam).isOne();
    System.out.println(mutant + ": " + wrong.getFailures().getFirst().getException().getMessage());
  }
}
