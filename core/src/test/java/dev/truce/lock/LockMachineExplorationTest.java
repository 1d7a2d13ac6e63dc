package dev.truce.lock;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.lock.LockExplorer.Report;
import dev.truce.lock.LockPlan.Act;
import dev.truce.lock.LockState.Claim;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The first states of small worlds, every step in them judged by [LockReferee].
class LockMachineExplorationTest {
  /// The first acquire of the first actor after the tickets.
  private static final Claim PARENT = new Claim(1, LockPlan.claim(0, 0));

  /// How many states of each world are seen.
  int maxStates() {
    return 500;
  }

  static List<LockPlan> plans() {
    return List.of(
        LockPlan.of(
            "two processes of two threads",
            List.of(0, 2, 2),
            Act.READ,
            Act.WRITE,
            Act.CANCEL,
            Act.TIME),
        LockPlan.of("tries and again", List.of(0, 2, 1), Act.READ, Act.WRITE, Act.TRY, Act.TIME)
            .acquiring(2),
        LockPlan.of(
            "readers that upgrade and writers that downgrade",
            List.of(0, 2, 1, 1),
            Act.READ,
            Act.WRITE,
            Act.UPGRADE,
            Act.DOWNGRADE,
            Act.TIME),
        LockPlan.of(
                "deaths and victims",
                List.of(0, 1, 1, 1),
                Act.READ,
                Act.WRITE,
                Act.CANCEL,
                Act.TIME)
            .dying(2),
        LockPlan.of(
                "terms, force and fences",
                List.of(0, 2, 1),
                Act.READ,
                Act.WRITE,
                Act.TERM,
                Act.EXPORT,
                Act.REVOKE,
                Act.STALE,
                Act.TIME)
            .dying(1),
        LockPlan.of(
                "leases, tickets and a machine that stops",
                List.of(0, 2, 1),
                Act.READ,
                Act.WRITE,
                Act.LEASE,
                Act.STOP,
                Act.CANCEL,
                Act.TIME)
            .dying(1),
        LockPlan.of(
                "leases under force",
                List.of(1, 1, 1),
                Act.READ,
                Act.WRITE,
                Act.LEASE,
                Act.EXPORT,
                Act.REVOKE,
                Act.TERM,
                Act.TIME)
            .dying(1),
        LockPlan.of(
                "leases with bounds",
                List.of(0, 1, 1),
                Act.READ,
                Act.WRITE,
                Act.LEASE,
                Act.BOUNDS,
                Act.REVOKE,
                Act.TERM,
                Act.STOP,
                Act.TIME)
            .ruled(LockPlan.rules(10, 16)),
        LockPlan.of(
                "given out, upgraded, fenced",
                List.of(0, 2, 1),
                Act.READ,
                Act.WRITE,
                Act.UPGRADE,
                Act.DOWNGRADE,
                Act.EXPORT,
                Act.REVOKE,
                Act.TIME)
            .ruled(LockPlan.rules(10, 16)),
        LockPlan.of(
                "two permits", List.of(0, 2, 1, 1), Act.READ, Act.WRITE, Act.DOWNGRADE, Act.TIME)
            .permits(2),
        LockPlan.of("priorities with a bound", List.of(0, 1, 2, 1), Act.READ, Act.WRITE, Act.TIME)
            .priorities(0, -1)
            .ruled(LockPlan.rules(10, 1)),
        LockPlan.of("writers' priorities with a bound", List.of(0, 1, 2, 1), Act.WRITE, Act.TIME)
            .priorities(0, -1)
            .ruled(LockPlan.rules(10, 1)),
        LockPlan.of("tickets", List.of(2, 1, 1), Act.READ, Act.WRITE, Act.CANCEL, Act.TIME)
            .ruled(LockPlan.rules(10, 16)),
        LockPlan.of("a short queue", List.of(0, 1, 2, 1), Act.READ, Act.WRITE, Act.CANCEL, Act.TIME)
            .ruled(LockPlan.rules(1, 16)),
        branches(),
        LockPlan.of(
                "branches that die or lose",
                List.of(0, 1, 1, 1),
                Act.READ,
                Act.WRITE,
                Act.TERM,
                Act.EXPORT,
                Act.REVOKE,
                Act.DOWNGRADE,
                Act.TIME)
            .under(
                Map.of(
                    2L, List.of(PARENT), 3L, List.of(new Claim(2, LockPlan.claim(1, 0)), PARENT)))
            .ruled(LockPlan.rules(10, 16))
            .dying(1),
        LockPlan.of(
                "branches under a lease",
                List.of(1, 1, 1),
                Act.READ,
                Act.WRITE,
                Act.REVOKE,
                Act.DOWNGRADE,
                Act.UPGRADE,
                Act.TIME)
            .under(
                Map.of(
                    1L, List.of(new Claim(0, LockPlan.claim(0, 0))),
                    2L, List.of(new Claim(0, LockPlan.claim(0, 0))))));
  }

  private static LockPlan branches() {
    return LockPlan.of(
            "branches",
            List.of(0, 1, 2, 1),
            Act.READ,
            Act.WRITE,
            Act.UPGRADE,
            Act.DOWNGRADE,
            Act.EXPORT,
            Act.TIME)
        .under(Map.of(2L, List.of(PARENT), 3L, List.of(PARENT)))
        .ruled(LockPlan.rules(10, 16));
  }

  @ParameterizedTest
  @MethodSource("plans")
  void step_everyReachableState_keepsEveryPromise(LockPlan plan) {
    Report report = LockExplorer.explore(plan, LockMachine::step, maxStates());
    System.out.println(
        report.plan()
            + ": "
            + report.states()
            + " states, "
            + report.transitions()
            + " transitions"
            + (report.exhausted() ? ", all there are" : ""));
    assertThat(report.violation()).as(report.plan()).isNull();
  }
}
