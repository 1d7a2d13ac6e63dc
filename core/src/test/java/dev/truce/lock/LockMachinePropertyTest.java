package dev.truce.lock;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.lock.LockMachine.Caller;
import dev.truce.lock.LockMachine.Command;
import dev.truce.lock.LockMachine.Outcome;
import dev.truce.lock.LockMachine.Tokens;
import dev.truce.lock.LockPlan.Act;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.LockWorld.Option;
import dev.truce.lock.LockWorld.Violation;
import dev.truce.lock.NamedLock.Mode;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Random lives of worlds too large to explore, every step judged by [LockReferee].
///
/// `-Dtruce.seed=N` repeats a life.
class LockMachinePropertyTest {
  private static final long SEED = Long.getLong("truce.seed", System.nanoTime());
  private static final int REST_EVERY = 1_000;
  private static final int REMEMBERED = 40;
  private static final int RARELY = 20;
  private static final List<Integer> TEN_BY_FIVE = List.of(3, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5);
  private static final Claim PARENT = new Claim(1, LockPlan.claim(3, 0));

  /// How long a life is.
  int steps() {
    return 1_500;
  }

  /// How this test is run alone.
  String command() {
    return "./mvnw test -pl core -Dtest=LockMachinePropertyTest";
  }

  static List<LockPlan> plans() {
    return List.of(
        LockPlan.of(
                "ten processes of five threads, and tickets",
                TEN_BY_FIVE,
                Act.READ,
                Act.WRITE,
                Act.TRY,
                Act.CANCEL,
                Act.UPGRADE,
                Act.DOWNGRADE,
                Act.TIME)
            .priorities(0, 0, 0, -1, 1)
            .ruled(LockPlan.rules(20, 4))
            .acquiring(90_000),
        LockPlan.of(
                "ten processes of five threads under force and fences",
                TEN_BY_FIVE,
                Act.READ,
                Act.WRITE,
                Act.TRY,
                Act.CANCEL,
                Act.UPGRADE,
                Act.DOWNGRADE,
                Act.TERM,
                Act.EXPORT,
                Act.REVOKE,
                Act.STALE,
                Act.TIME)
            .ruled(LockPlan.rules(20, 16))
            .under(Map.of(2L, List.of(PARENT), 3L, List.of(PARENT)))
            .dying(4)
            .acquiring(90_000),
        LockPlan.of(
                "three permits of ten processes",
                TEN_BY_FIVE,
                Act.WRITE,
                Act.TRY,
                Act.CANCEL,
                Act.STALE,
                Act.TIME)
            .permits(3)
            .dying(4)
            .acquiring(90_000));
  }

  @ParameterizedTest
  @MethodSource("plans")
  void step_randomLife_keepsEveryPromise(LockPlan plan) {
    Random random = new Random(SEED);
    LockWorld world = new LockWorld(plan, LockMachine::step);
    Deque<String> latest = new ArrayDeque<>();
    for (int step = 0; step < steps(); step++) {
      List<Option> options = world.options();
      Option option = options.get(random.nextInt(options.size()));
      while (option.rare() && random.nextInt(RARELY) != 0) {
        option = options.get(random.nextInt(options.size()));
      }
      latest.addLast(option.name());
      if (latest.size() > REMEMBERED) {
        latest.removeFirst();
      }
      try {
        option.happens().accept(world);
      } catch (Violation | IllegalArgumentException violation) {
        throw new AssertionError(failure(plan, step, latest, violation.getMessage()), violation);
      }
      if (step % REST_EVERY == 0 && !world.copy().comesToRest(500)) {
        throw new AssertionError(failure(plan, step, latest, "does not come to rest"));
      }
    }
  }

  private String failure(LockPlan plan, int step, Deque<String> latest, String what) {
    return plan.name()
        + ", step "
        + step
        + ": "
        + what
        + "\n  after\n    "
        + String.join("\n    ", latest)
        + "\n  again: "
        + command()
        + " -Dtruce.seed="
        + SEED;
  }

  /// A full queue of reasons of 200 characters, as long as they are plain ones.
  @Test
  void encode_fullQueueOfLongReasons_staysBelowTheSmallestCell() {
    String reason = "x".repeat(200);
    LockState state = LockState.IDLE;
    for (int member = 1; member <= LockMachine.Rules.USUAL.maxWaiters() + 1; member++) {
      Command acquire =
          new Command.Acquire(
              new Claim(member, 1), Mode.WRITE, 0, true, 0, 0, 1, List.of(), reason);
      Caller caller = new Caller(member, 1, Map.of());
      Outcome outcome =
          LockMachine.step(state, caller, acquire, 1, new Tokens(9, 1), LockMachine.Rules.USUAL);
      state = outcome.state();
    }
    assertThat(state.queue()).hasSize(LockMachine.Rules.USUAL.maxWaiters());
    assertThat(state.encode()).hasSizeLessThan(1 << 16);
  }
}
