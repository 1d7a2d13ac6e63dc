package dev.truce.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// A [Shared] that is wrong in one place is caught by the very test of [SharedTest] that is meant
/// to catch it, and the right one passes that test in the same way. Most of them were seen in a
/// predecessor.
class SharedMutantsIT {

  /// What is wrong with it.
  enum Mutant {
    LATE_BODY_COMMITS(
        "Shared",
        "took.compareTo(limit) >= 0",
        "took.isNegative()",
        "update_bodyOf600MillisWithin50_cannotCommit"),

    BODY_HAS_WHAT_THE_WAIT_LEFT(
        "Shared",
        "turns.take(limit);\n    try {\n      return body.apply(writer.begin());",
        "writer.begin();\n    turns.take(limit);\n    try {\n      return body.apply(writer);",
        "update_afterAWaitOfNearlyItsLimit_hasTheWholeLimitForItsBody"),

    DISCARD_KEEPS(
        "Shared",
        "if (end == null) {\n        end = ",
        "if (end == null) {\n        shared.publish(value());\n        end = ",
        "write_withoutCommit_discards"),

    READERS_SEE_WHAT_IS_HALF_MADE(
        "Shared",
        "shared.copy.apply(shared.get())",
        "shared.get()",
        "read_whileAWriteIsHalfDone_seesTheStateBeforeIt"),

    EPOCH_MOVED_BY_A_FAILED_WRITE(
        "Shared",
        "      draft = null;\n",
        "      if (end != Turns.End.COMMITTED) { shared.publish(shared.get()); }\n",
        "update_bodyThrows_changesNothingAndTheNextWrites"),

    READER_THAT_THROWS_IS_COUNTED_FOR_EVER(
        "Shared",
        "return body.apply(get());\n    } finally {\n      readersLeft.increment();\n    }",
        "R answer = body.apply(get());\nreadersLeft.increment();\nreturn answer;\n} finally {}",
        "read_bodyThrows_isCountedNoMore"),

    BODY_THAT_THROWS_KEEPS_THE_TURN(
        "Shared",
        "    } finally {\n      turns.pass(writer.end());\n    }\n",
        "    } finally {\n      if (writer.end != null) { turns.pass(writer.end()); }\n    }\n",
        "update_bodyThrows_changesNothingAndTheNextWrites"),

    BEGINS_WITH_WHAT_IT_SAW_WHEN_IT_ASKED(
        "Shared",
        "turns.take(limit);",
        "writer.value(); turns.take(limit);",
        "update_afterAWait_beginsWithWhatWasCommittedMeanwhile"),

    WRITER_OUTLIVES_ITS_WRITE(
        "Shared", "if (end != null) {", "if (false) {", "writer_usedAfterItsBody_isRefused"),

    RATE_OF_THE_ADMITTED(
        "Shared",
        "(double) contended / asked",
        "(double) contended / epoch",
        "stats_ofThreeOfWhomTwoWaited_areExact"),

    NEXT_IS_NOT_WOKEN(
        "Turns",
        "LockSupport.unpark(next.thread);",
        "",
        "update_afterAWait_beginsWithWhatWasCommittedMeanwhile"),

    WHO_TIMED_OUT_STAYS_IN_THE_LINE(
        "Turns",
        "if (line.remove(me)) {\n      refused++;",
        "if (line.contains(me)) {\n      refused++;",
        "update_theOneBeforeItTimedOut_isWokenWhenTheHolderEnds"),

    WHO_TIMES_OUT_TAKES_THE_TURN_ALONG(
        "Turns",
        "if (line.remove(me)) {\n      refused++;",
        "if (line.remove(me) || me.called) {\n      refused++;",
        "update_turnComesJustBeforeItsTimeIsOver_writesAndPassesTheTurnOn"),

    WHO_WAS_INTERRUPTED_STAYS_IN_THE_LINE(
        "Turns",
        "if (line.remove(me)) {\n      interrupted++;",
        "if (line.contains(me)) {\n      interrupted++;",
        "update_interruptedWhileItWaits_leavesNothingBehind"),

    WHO_IS_INTERRUPTED_TAKES_THE_TURN_ALONG(
        "Turns",
        "if (line.remove(me)) {\n      interrupted++;",
        "if (line.remove(me) || me.called) {\n      interrupted++;",
        "update_turnComesJustBeforeItIsInterrupted_writesAndStaysInterrupted"),

    TURN_PUT_DOWN_WHILE_OTHERS_WAIT(
        "Turns",
        "writer = next == null ? null : next.thread;",
        "writer = null;",
        "update_whileTheNextOneHasTheTurn_waitsBehindThoseWhoWait"),

    LAST_COME_FIRST_SERVED(
        "Turns",
        "line.poll()",
        "line.pollLast()",
        "update_aHundredWait_areServedInOrderAndOneMoreIsRefused"),

    LINE_WITHOUT_END(
        "Turns",
        "line.size() >= Shared.MAX_WAITING",
        "line.size() < 0",
        "update_aHundredWait_areServedInOrderAndOneMoreIsRefused"),

    LONG_LIMIT_IS_OVER_AT_ONCE(
        "Turns",
        "now + nanos < now ? Long.MAX_VALUE : now + nanos",
        "now + nanos",
        "update_withTheLongestLimits_waitsAndWrites");

    private final String type;
    private final String passage;
    private final String instead;
    private final String exam;

    /// @param exam the test that catches it
    Mutant(String type, String passage, String instead, String exam) {
      this.type = type;
      this.passage = passage;
      this.instead = instead;
      this.exam = exam;
    }

    private Mutated world() throws IOException {
      return Mutated.with(type, passage, instead);
    }
  }

  /// More than a test takes that gives up its threads as stuck.
  private static final long LIVENESS_SECONDS = 60;

  /// Beside each other, for some of them are caught by nothing but that they are stuck.
  private static final Map<Mutant, FutureTask<Throwable>> BROKEN = new EnumMap<>(Mutant.class);

  @BeforeAll
  static void begin() throws Exception {
    for (Mutant mutant : Mutant.values()) {
      Mutated world = mutant.world();
      Callable<Throwable> exam = () -> caught(world, mutant.exam);
      FutureTask<Throwable> task = new FutureTask<>(exam);
      BROKEN.put(mutant, task);
      Thread.ofPlatform().daemon().name(mutant.name()).start(task);
    }
  }

  @AfterAll
  static void forget() {
    BROKEN.clear();
  }

  @ParameterizedTest
  @EnumSource
  void mutant_inTheTestMeantForIt_isCaught(Mutant mutant) throws Exception {
    Throwable caught = BROKEN.get(mutant).get(LIVENESS_SECONDS, TimeUnit.SECONDS);
    assertThat(caught).as("what catches %s in %s", mutant, mutant.exam).isNotNull();
    System.out.println(mutant + ": " + brief(caught.toString()));
  }

  private static String brief(String caught) {
    String line = caught.replaceAll("\\s+", " ");
    return line.substring(0, Math.min(line.length(), 160));
  }

  static Stream<String> exams() {
    return Arrays.stream(Mutant.values()).map(mutant -> mutant.exam).distinct();
  }

  /// So what catches a mutant is that it is one.
  @ParameterizedTest
  @MethodSource("exams")
  void shared_inTheSameTestAndWorld_passes(String exam) {
    assertThat(caught(Mutated.nowhere(), exam)).isNull();
  }

  private static Throwable caught(Mutated world, String exam) {
    return catchThrowable(() -> world.take(SharedTest.class, exam, "nobodyIsLeft"));
  }
}
