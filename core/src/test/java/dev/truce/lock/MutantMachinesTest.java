package dev.truce.lock;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.lock.LockExplorer.Report;
import dev.truce.lock.LockMachine.Answer;
import dev.truce.lock.LockMachine.Caller;
import dev.truce.lock.LockMachine.Command;
import dev.truce.lock.LockMachine.Outcome;
import dev.truce.lock.LockMachine.Rules;
import dev.truce.lock.LockMachine.Why;
import dev.truce.lock.LockPlan.Act;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.LockState.Counters;
import dev.truce.lock.LockState.Hold;
import dev.truce.lock.LockState.Phase;
import dev.truce.lock.LockState.Wait;
import dev.truce.lock.LockWorld.Stepper;
import dev.truce.lock.NamedLock.Mode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Machines with one defect each, most of them seen in real lock services. The exploration has to
/// find every one: a test that cannot fail proves nothing.
class MutantMachinesTest {
  private static final int MAX_STATES = 20_000;

  /// A broken machine, and a world small enough to show it.
  record Mutant(String name, LockPlan plan, Stepper machine) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static final LockPlan PLAIN =
      LockPlan.of("plain", List.of(0, 2, 1), Act.READ, Act.WRITE, Act.TRY, Act.CANCEL, Act.TIME);
  private static final LockPlan FOUR =
      LockPlan.of("two by two", List.of(0, 2, 2), Act.READ, Act.WRITE, Act.TIME);
  private static final LockPlan STALE =
      LockPlan.of("stale", List.of(0, 2, 1), Act.READ, Act.TERM, Act.STALE, Act.TIME);
  private static final LockPlan UPGRADES =
      LockPlan.of(
          "upgrades", List.of(0, 2, 1), Act.READ, Act.WRITE, Act.UPGRADE, Act.DOWNGRADE, Act.TIME);
  private static final LockPlan DEATHS =
      LockPlan.of("deaths", List.of(0, 1, 1, 1), Act.READ, Act.WRITE, Act.TIME).dying(1);
  private static final LockPlan FENCED =
      LockPlan.of(
              "fenced",
              List.of(0, 2, 1),
              Act.READ,
              Act.WRITE,
              Act.TERM,
              Act.EXPORT,
              Act.REVOKE,
              Act.TIME)
          .ruled(LockPlan.rules(10, 16));
  private static final LockPlan BOUND =
      LockPlan.of("bound", List.of(0, 1, 1), Act.WRITE, Act.EXPORT, Act.REVOKE, Act.LEASE, Act.TIME)
          .dying(1);
  private static final LockPlan STOPS =
      LockPlan.of("stops", List.of(0, 1, 1), Act.WRITE, Act.LEASE, Act.STOP, Act.TIME);
  private static final LockPlan HASTY =
      LockPlan.of("hasty", List.of(0, 1, 1), Act.WRITE, Act.LEASE, Act.STOP, Act.HASTY, Act.TIME);
  private static final LockPlan BOUNDED =
      LockPlan.of("bounded", List.of(0, 1, 1), Act.READ, Act.LEASE, Act.BOUNDS, Act.TERM, Act.TIME);
  private static final LockPlan PRIORITIES =
      LockPlan.of("priorities", List.of(0, 1, 2, 1), Act.READ, Act.WRITE, Act.TIME)
          .priorities(0, -1)
          .ruled(LockPlan.rules(10, 1));
  private static final LockPlan AGED =
      LockPlan.of("aged", List.of(0, 1, 2, 1), Act.WRITE, Act.TIME)
          .priorities(0, -1)
          .ruled(LockPlan.rules(10, 1));
  private static final LockPlan PERMITS =
      LockPlan.of("permits", List.of(0, 2, 1), Act.WRITE, Act.DOWNGRADE, Act.TIME).permits(2);
  private static final Claim PARENT = new Claim(1, LockPlan.claim(0, 0));
  private static final LockPlan BRANCHES =
      LockPlan.of(
              "branches",
              List.of(0, 1, 2, 1),
              Act.READ,
              Act.WRITE,
              Act.DOWNGRADE,
              Act.TERM,
              Act.TIME)
          .under(Map.of(2L, List.of(PARENT), 3L, List.of(PARENT)));
  private static final LockPlan TICKETS =
      LockPlan.of("tickets", List.of(1, 1, 1), Act.READ, Act.WRITE, Act.TIME);

  static List<Mutant> mutants() {
    return List.of(
        new Mutant("a new reader goes before a waiting writer", PLAIN, bargingReader()),
        new Mutant("a try goes before those who wait", PLAIN, bargingTry()),
        new Mutant("readers are gathered from behind a writer", FOUR, readersFromBehind()),
        new Mutant("two writers are offered the lock", PLAIN, offerToTwo()),
        new Mutant("an offer is not told", PLAIN, noWakes()),
        new Mutant("a lapsed offer costs the place", PLAIN, lapsedGoesLast()),
        new Mutant("a lapsed offer ends the waiting", PLAIN, lapsedIsGone()),
        new Mutant("an offer never lapses", PLAIN, neverLapses()),
        new Mutant("a lapsed waiter is offered the lock again at once", PLAIN, lapsedIsPresent()),
        new Mutant("a waiter that goes removes the holder", PLAIN, cancelFreesTheHolder()),
        new Mutant("a waiter that goes lowers the readers", PLAIN, cancelLowersTheReaders()),
        new Mutant("a waiter that goes stays in the queue", PLAIN, cancelDoesNothing()),
        new Mutant("a release frees another reader", STALE, releaseByRange()),
        new Mutant("a release wakes nobody", PLAIN, releaseHandsNothingOn()),
        new Mutant("releases are not counted", PLAIN, releaseUncounted()),
        new Mutant("a token comes again", PLAIN, tokenComesAgain()),
        new Mutant("an upgrade ignores other readers", UPGRADES, hastyUpgrade()),
        new Mutant("a second upgrade waits", UPGRADES, secondUpgradeWaits()),
        new Mutant("an upgrade admits new readers", UPGRADES, upgradeAdmitsReaders()),
        new Mutant("an upgrade keeps its reader's token", UPGRADES, upgradeKeepsToken()),
        new Mutant("a dead member's end frees another", DEATHS, buryFreesAnother()),
        new Mutant("a dead member stays in the queue", DEATHS, buryForgetsTheQueue()),
        new Mutant("a given out token is not fenced", FENCED, releaseSkipsEnding()),
        new Mutant("the next grant comes before the fence", FENCED, grantBeforeFence()),
        new Mutant("a bound token is given back quietly", BOUND, quietRelease()),
        new Mutant("force ends a bound token without a fence", BOUND, fenceSkipped()),
        new Mutant("a lease ends with its process", BOUND, leaseDies()),
        new Mutant("a lease is restored without its token", STOPS, restoredFresh()),
        new Mutant("an end counts before it is safe", HASTY, LockMachine::step),
        new Mutant("given back early, a lease is free at once", BOUNDED, keptByNobody()),
        new Mutant("a lease is renewed without end", BOUNDED, renewalsUncounted()),
        new Mutant("an expired grant is renewed to life", FENCED, renewRevives()),
        new Mutant("what was given back is renewed to life", STALE, renewRestores()),
        new Mutant("one reader's term is all readers' term", FENCED, renewHitsTheGroup()),
        new Mutant("force ends the wrong grant", FENCED, revokeByRange()),
        new Mutant("overtaken for ever", PRIORITIES, overtakenForEver()),
        new Mutant("who may not be overtaken overtakes", AGED, agedFirst()),
        new Mutant("priorities are ignored", PRIORITIES, noPriorities()),
        new Mutant("one permit too many", PERMITS, onePermitMore()),
        new Mutant("a reader beside another's permit", PERMITS, downgradeBesidePermit()),
        new Mutant("siblings at once", BRANCHES, siblingsAtOnce()),
        new Mutant("a branch is left without a parent", BRANCHES, orphanedBranch()),
        new Mutant("a branch writes under a reader", BRANCHES, downgradeOverBranch()),
        new Mutant("a ticket is granted for ever", TICKETS, ticketForEver()));
  }

  @ParameterizedTest
  @MethodSource("mutants")
  void explore_brokenMachine_isFound(Mutant mutant) {
    if (!mutant.plan().allows(Act.HASTY)) {
      Report sound = LockExplorer.explore(mutant.plan(), LockMachine::step, 100);
      assertThat(sound.violation()).isNull();
    }
    Report report = LockExplorer.explore(mutant.plan(), mutant.machine(), MAX_STATES);
    assertThat(report.violation()).as("what shows that " + mutant.name()).isNotNull();
  }

  // ---- how to break a machine

  private interface Spoiler {
    Outcome spoil(LockState before, Caller caller, Command command, long now, Outcome outcome);
  }

  /// The real machine, with its outcome spoilt.
  private static Stepper spoilt(Spoiler spoiler) {
    return (state, caller, command, now, tokens, rules) -> {
      Outcome outcome = LockMachine.step(state, caller, command, now, tokens, rules);
      return outcome.missing() > 0 ? outcome : spoiler.spoil(state, caller, command, now, outcome);
    };
  }

  /// The real machine on another state, whose difference is taken back afterwards.
  private static Stepper blindTo(
      Class<? extends Command> when, UnaryOperator<LockState> blind, Restorer restorer) {
    return (state, caller, command, now, tokens, rules) -> {
      if (!when.isInstance(command)) {
        return LockMachine.step(state, caller, command, now, tokens, rules);
      }
      Outcome outcome = LockMachine.step(blind.apply(state), caller, command, now, tokens, rules);
      return outcome.missing() > 0
          ? outcome
          : with(outcome, restorer.restore(state, outcome.state()));
    };
  }

  private interface Restorer {
    LockState restore(LockState before, LockState after);
  }

  private static Outcome with(Outcome outcome, LockState state) {
    return new Outcome(
        true, state, outcome.answer(), outcome.grants(), outcome.wake(), outcome.missing());
  }

  private static LockState rows(LockState state, List<Hold> holds, List<Wait> queue) {
    return new LockState(
        state.limit(), state.token(), state.arrival(), holds, queue, state.counters());
  }

  private static LockState holds(LockState state, UnaryOperator<Hold> each) {
    return rows(state, state.holds().stream().map(each).toList(), state.queue());
  }

  private static LockState queue(LockState state, UnaryOperator<Wait> each) {
    return rows(state, state.holds(), state.queue().stream().map(each).toList());
  }

  private static LockState withoutFirst(LockState state) {
    return rows(state, state.holds().subList(1, state.holds().size()), state.queue());
  }

  // ---- order

  private static LockState withoutQueue(LockState state) {
    return rows(state, state.holds(), List.of());
  }

  private static LockState queueBack(LockState before, LockState after) {
    List<Wait> queue = new ArrayList<>(before.queue());
    queue.addAll(after.queue());
    return rows(after, after.holds(), queue);
  }

  private static Stepper bargingReader() {
    return barging(acquire -> acquire.mode() == Mode.READ && acquire.queue());
  }

  private static Stepper bargingTry() {
    return barging(acquire -> !acquire.queue());
  }

  private static Stepper barging(Predicate<Command.Acquire> who) {
    Stepper blind =
        blindTo(
            Command.Acquire.class, MutantMachinesTest::withoutQueue, MutantMachinesTest::queueBack);
    return (state, caller, command, now, tokens, rules) -> {
      boolean offered = state.queue().stream().anyMatch(wait -> wait.offered() != 0);
      boolean barges = !offered && command instanceof Command.Acquire a && who.test(a);
      return barges
          ? blind.step(state, caller, command, now, tokens, rules)
          : LockMachine.step(state, caller, command, now, tokens, rules);
    };
  }

  private static Stepper readersFromBehind() {
    return spoilt((before, caller, command, now, outcome) -> {
      boolean reads =
          outcome.state().queue().stream()
              .anyMatch(wait -> wait.offered() != 0 && wait.mode() == Mode.READ);
      return reads
          ? with(
              outcome,
              queue(
                  outcome.state(),
                  wait ->
                      wait.mode() == Mode.READ && wait.offered() == 0 && wait.present()
                          ? wait.offeredUntil(now + LockPlan.OFFER)
                          : wait))
          : outcome;
    });
  }

  private static Stepper offerToTwo() {
    return spoilt((before, caller, command, now, outcome) -> {
      boolean offered = outcome.state().queue().stream().anyMatch(wait -> wait.offered() != 0);
      return offered
          ? with(outcome, queue(outcome.state(), w -> w.offeredUntil(now + LockPlan.OFFER)))
          : outcome;
    });
  }

  private static Stepper noWakes() {
    return spoilt((before, caller, command, now, outcome) ->
        new Outcome(
            outcome.changed(), outcome.state(), outcome.answer(), outcome.grants(), Set.of(), 0));
  }

  private static Stepper lapsedGoesLast() {
    return spoilt((before, caller, command, now, outcome) -> {
      List<Wait> stay = new ArrayList<>(outcome.state().queue());
      List<Wait> late = stay.stream().filter(wait -> wait.absent()).toList();
      stay.removeAll(late);
      stay.addAll(late);
      return stay.equals(outcome.state().queue())
          ? outcome
          : with(outcome, rows(outcome.state(), outcome.state().holds(), stay));
    });
  }

  private static Stepper lapsedIsGone() {
    return spoilt((before, caller, command, now, outcome) -> {
      List<Wait> stay = outcome.state().queue().stream().filter(wait -> !wait.absent()).toList();
      return stay.size() == outcome.state().queue().size()
          ? outcome
          : with(outcome, rows(outcome.state(), outcome.state().holds(), stay));
    });
  }

  private static Stepper neverLapses() {
    return (state, caller, command, now, tokens, rules) ->
        LockMachine.step(
            queue(state, w -> w.offered() != 0 ? w.offeredUntil(now + LockPlan.OFFER) : w),
            caller,
            command,
            now,
            tokens,
            rules);
  }

  private static Stepper lapsedIsPresent() {
    return spoilt((before, caller, command, now, outcome) ->
        outcome.state().queue().stream().anyMatch(Wait::absent)
            ? with(
                outcome,
                queue(
                    outcome.state(),
                    w -> w.absent() ? w.seen().offeredUntil(now + LockPlan.OFFER) : w))
            : outcome);
  }

  private static Stepper noPriorities() {
    return (state, caller, command, now, tokens, rules) -> {
      Outcome outcome =
          LockMachine.step(
              queue(state, wait -> priority(wait, 0)), caller, command, now, tokens, rules);
      return outcome.missing() > 0
          ? outcome
          : with(
              outcome,
              queue(
                  outcome.state(),
                  wait ->
                      state.queue().stream()
                          .filter(was -> was.claim().equals(wait.claim()))
                          .findFirst()
                          .map(was -> priority(wait, was.priority()))
                          .orElse(wait)));
    };
  }

  private static Wait priority(Wait wait, int priority) {
    return new Wait(
        wait.claim(),
        wait.mode(),
        wait.arrival(),
        priority,
        wait.overtaken(),
        wait.count(),
        wait.command(),
        wait.since(),
        wait.offered(),
        wait.absent(),
        wait.late(),
        wait.until(),
        wait.parent(),
        wait.reason());
  }

  private static Stepper overtakenForEver() {
    return (state, caller, command, now, tokens, rules) ->
        LockMachine.step(
            state,
            caller,
            command,
            now,
            tokens,
            new Rules(rules.maxWaiters(), 1000, rules.offer(), rules.ticketOffer()));
  }

  /// Serves the first who may not be overtaken again before those who came before it.
  private static Stepper agedFirst() {
    return (state, caller, command, now, tokens, rules) -> {
      Outcome outcome =
          LockMachine.step(
              queue(
                  state,
                  wait ->
                      wait.overtaken() >= rules.overtakes()
                          ? priority(wait, wait.priority() - 10)
                          : wait),
              caller,
              command,
              now,
              tokens,
              rules);
      return outcome.missing() > 0
          ? outcome
          : with(
              outcome,
              queue(
                  outcome.state(),
                  wait -> wait.priority() < -5 ? priority(wait, wait.priority() + 10) : wait));
    };
  }

  // ---- one party's end is another's

  private static Stepper cancelFreesTheHolder() {
    return spoilt((before, caller, command, now, outcome) ->
        command instanceof Command.Cancel && !outcome.state().holds().isEmpty()
            ? with(outcome, withoutFirst(outcome.state()))
            : outcome);
  }

  private static Stepper cancelLowersTheReaders() {
    return spoilt((before, caller, command, now, outcome) ->
        command instanceof Command.Cancel
            ? with(
                outcome,
                holds(
                    outcome.state(),
                    hold -> hold.count() > 1 ? hold.without(hold.token(), 0) : hold))
            : outcome);
  }

  private static Stepper cancelDoesNothing() {
    return (state, caller, command, now, tokens, rules) ->
        command instanceof Command.Cancel
            ? new Outcome(false, state, new Answer.Done(), List.of(), Set.of(), 0)
            : LockMachine.step(state, caller, command, now, tokens, rules);
  }

  /// Takes any token below a hold's newest for one of its own.
  private static Stepper releaseByRange() {
    return (state, caller, command, now, tokens, rules) -> {
      Outcome outcome = LockMachine.step(state, caller, command, now, tokens, rules);
      if (command instanceof Command.Release release && outcome.answer() instanceof Answer.Gone) {
        for (Hold hold : outcome.state().holds()) {
          if (hold.claim().member() == caller.member() && release.token() < hold.token()) {
            return LockMachine.step(
                state, caller, new Command.Release(hold.token()), now, tokens, rules);
          }
        }
      }
      return outcome;
    };
  }

  private static Stepper releaseHandsNothingOn() {
    return spoilt((before, caller, command, now, outcome) ->
        command instanceof Command.Release && outcome.grants().isEmpty()
            ? with(
                outcome,
                queue(
                    outcome.state(),
                    wait ->
                        before.queue().stream()
                            .filter(was -> was.claim().equals(wait.claim()))
                            .findFirst()
                            .orElse(wait)))
            : outcome);
  }

  private static Stepper buryFreesAnother() {
    return spoilt((before, caller, command, now, outcome) ->
        command instanceof Command.Bury && !outcome.state().holds().isEmpty()
            ? with(outcome, withoutFirst(outcome.state()))
            : outcome);
  }

  private static Stepper buryForgetsTheQueue() {
    return blindTo(
        Command.Bury.class, MutantMachinesTest::withoutQueue, MutantMachinesTest::queueBack);
  }

  // ---- counters and tokens

  private static Stepper releaseUncounted() {
    return spoilt((before, caller, command, now, outcome) -> {
      LockState state = outcome.state();
      Counters c = state.counters();
      Counters less =
          new Counters(c.granted(), before.counters().released(), c.lost(), c.queued(), c.left());
      return command instanceof Command.Release
          ? with(
              outcome,
              new LockState(
                  state.limit(),
                  state.token(),
                  state.arrival(),
                  state.holds(),
                  state.queue(),
                  less))
          : outcome;
    });
  }

  private static Stepper tokenComesAgain() {
    return spoilt((before, caller, command, now, outcome) ->
        before.token() != 0 && outcome.state().token() > before.token()
            ? with(
                outcome,
                holds(
                    outcome.state(),
                    hold ->
                        hold.count() == 1 && hold.token() > before.token()
                            ? hold.only(before.token(), hold.claim(), hold.command())
                            : hold))
            : outcome);
  }

  // ---- upgrades

  private static Stepper hastyUpgrade() {
    return (state, caller, command, now, tokens, rules) -> {
      if (!(command instanceof Command.Upgrade upgrade)) {
        return LockMachine.step(state, caller, command, now, tokens, rules);
      }
      List<Hold> alone = state.holds().stream().filter(hold -> hold.has(upgrade.token())).toList();
      Outcome outcome =
          LockMachine.step(rows(state, alone, state.queue()), caller, command, now, tokens, rules);
      if (outcome.missing() > 0) {
        return outcome;
      }
      List<Hold> holds = new ArrayList<>(outcome.state().holds());
      state.holds().stream().filter(hold -> !alone.contains(hold)).forEach(holds::add);
      return with(outcome, rows(outcome.state(), holds, outcome.state().queue()));
    };
  }

  private static Stepper secondUpgradeWaits() {
    return spoilt((before, caller, command, now, outcome) ->
        command instanceof Command.Upgrade && outcome.answer() instanceof Answer.Refused
            ? new Outcome(false, outcome.state(), new Answer.Done(), List.of(), outcome.wake(), 0)
            : outcome);
  }

  private static Stepper upgradeAdmitsReaders() {
    return (state, caller, command, now, tokens, rules) -> {
      boolean joins = command instanceof Command.Acquire a && a.mode() == Mode.READ;
      Outcome outcome =
          LockMachine.step(
              joins ? holds(state, MutantMachinesTest::held) : state,
              caller,
              command,
              now,
              tokens,
              rules);
      return outcome.missing() > 0 || !joins
          ? outcome
          : with(
              outcome,
              holds(
                  outcome.state(),
                  hold ->
                      state.holds().stream()
                              .anyMatch(
                                  was -> was.phase() == Phase.UPGRADING && was.has(hold.token()))
                          ? hold.in(Phase.UPGRADING, hold.command())
                          : hold));
    };
  }

  private static Hold held(Hold hold) {
    return hold.phase() == Phase.UPGRADING ? hold.in(Phase.HELD, hold.command()) : hold;
  }

  private static Stepper upgradeKeepsToken() {
    return spoilt((before, caller, command, now, outcome) ->
        with(
            outcome,
            holds(
                outcome.state(),
                hold ->
                    before.holds().stream()
                        .filter(was ->
                            was.claim().equals(hold.claim())
                                && was.mode() == Mode.READ
                                && hold.mode() == Mode.WRITE)
                        .findFirst()
                        .map(was -> hold.only(was.token(), hold.claim(), hold.command()))
                        .orElse(hold))));
  }

  // ---- fences, terms, force

  private static Stepper releaseSkipsEnding() {
    return spoilt((before, caller, command, now, outcome) ->
        command instanceof Command.Release
            ? with(
                outcome,
                rows(
                    outcome.state(),
                    outcome.state().holds().stream()
                        .filter(hold -> hold.phase() != Phase.ENDING)
                        .toList(),
                    outcome.state().queue()))
            : outcome);
  }

  private static Stepper quietRelease() {
    return blindTo(
        Command.Release.class,
        state -> holds(state, MutantMachinesTest::unbound),
        (_, next) -> next);
  }

  private static Hold unbound(Hold hold) {
    return new Hold(
        hold.claim(),
        hold.mode(),
        hold.phase(),
        hold.token(),
        hold.earlier(),
        hold.count(),
        hold.command(),
        hold.since(),
        hold.until(),
        hold.parent(),
        false,
        hold.reason());
  }

  private static Stepper fenceSkipped() {
    return spoilt((before, caller, command, now, outcome) ->
        command instanceof Command.Revoke
            ? with(
                outcome,
                rows(
                    outcome.state(),
                    outcome.state().holds().stream()
                        .filter(
                            hold -> hold.phase() != Phase.ENDING || before.holds().contains(hold))
                        .toList(),
                    outcome.state().queue()))
            : outcome);
  }

  private static Stepper leaseDies() {
    return spoilt((before, caller, command, now, outcome) ->
        command instanceof Command.Bury
            ? with(
                outcome,
                rows(
                    outcome.state(),
                    outcome.state().holds().stream()
                        .filter(hold -> hold.claim().member() != 0)
                        .toList(),
                    outcome.state().queue()))
            : outcome);
  }

  private static Stepper restoredFresh() {
    return (state, caller, command, now, tokens, rules) ->
        LockMachine.step(
            state,
            caller,
            command instanceof Command.Restore r
                ? new Command.Restore(r.claim(), r.mode(), r.token() + 1, r.until(), r.reason())
                : command,
            now,
            tokens,
            rules);
  }

  private static Stepper grantBeforeFence() {
    return blindTo(
        Command.Acquire.class,
        state ->
            rows(
                state,
                state.holds().stream().filter(hold -> hold.phase() != Phase.ENDING).toList(),
                state.queue()),
        (before, after) -> {
          List<Hold> holds =
              new ArrayList<>(
                  before.holds().stream().filter(h -> h.phase() == Phase.ENDING).toList());
          holds.addAll(after.holds());
          return rows(after, holds, after.queue());
        });
  }

  private static Stepper keptByNobody() {
    return spoilt((before, caller, command, now, outcome) ->
        command instanceof Command.Fenced
            ? with(
                outcome,
                rows(
                    outcome.state(),
                    outcome.state().holds().stream()
                        .filter(hold -> hold.claim().number() > 0)
                        .toList(),
                    outcome.state().queue()))
            : outcome);
  }

  private static Stepper renewalsUncounted() {
    return spoilt((before, caller, command, now, outcome) ->
        command instanceof Command.Renew
            ? with(
                outcome,
                holds(
                    outcome.state(),
                    hold ->
                        before.holds().stream()
                            .filter(was -> was.claim().equals(hold.claim()))
                            .findFirst()
                            .map(was -> hold.saying(was.reason()))
                            .orElse(hold)))
            : outcome);
  }

  private static Stepper renewRevives() {
    return (state, caller, command, now, tokens, rules) ->
        LockMachine.step(
            command instanceof Command.Renew
                ? holds(
                    state,
                    hold ->
                        hold.phase() == Phase.HELD && hold.until() != 0
                            ? hold.endingAt(now + 1, hold.command())
                            : hold)
                : state,
            caller,
            command,
            now,
            tokens,
            rules);
  }

  /// Answers a renewal that finds nothing by making it anew.
  private static Stepper renewRestores() {
    return spoilt((before, caller, command, now, outcome) ->
        command instanceof Command.Renew(long token, long until)
                && outcome.answer() instanceof Answer.Gone
                && outcome.state().holds().isEmpty()
            ? new Outcome(
                true,
                rows(
                    outcome.state(),
                    List.of(
                        new Hold(
                            new Claim(caller.member(), 1),
                            Mode.READ,
                            Phase.HELD,
                            token,
                            List.of(),
                            1,
                            caller.command(),
                            now,
                            until,
                            Claim.NONE,
                            false,
                            "")),
                    outcome.state().queue()),
                new Answer.Done(),
                List.of(),
                Set.of(),
                0)
            : outcome);
  }

  private static Stepper renewHitsTheGroup() {
    return (state, caller, command, now, tokens, rules) ->
        command instanceof Command.Renew(long token, long until)
                && state.holds().stream().anyMatch(h -> h.count() > 1 && h.has(token))
            ? new Outcome(
                true,
                holds(state, h -> h.has(token) ? h.endingAt(until, caller.command()) : h),
                new Answer.Done(),
                List.of(),
                Set.of(),
                0)
            : LockMachine.step(state, caller, command, now, tokens, rules);
  }

  private static Stepper revokeByRange() {
    return spoilt((before, caller, command, now, outcome) ->
        command instanceof Command.Revoke && outcome.state().holds().size() > 1
            ? with(outcome, withoutFirst(outcome.state()))
            : outcome);
  }

  // ---- permits

  private static Stepper onePermitMore() {
    return blindTo(
        Command.Acquire.class,
        state ->
            state.holds().size() < 2
                ? state
                : rows(state, state.holds().subList(1, state.holds().size()), state.queue()),
        (before, after) -> {
          if (before.holds().size() < 2) {
            return after;
          }
          List<Hold> holds = new ArrayList<>(List.of(before.holds().getFirst()));
          holds.addAll(after.holds());
          return rows(after, holds, after.queue());
        });
  }

  private static Stepper downgradeBesidePermit() {
    return downgradeAnyway();
  }

  private static Stepper downgradeOverBranch() {
    return downgradeAnyway();
  }

  private static Stepper downgradeAnyway() {
    return (state, caller, command, now, tokens, rules) -> {
      Outcome outcome = LockMachine.step(state, caller, command, now, tokens, rules);
      return command instanceof Command.Downgrade(long token)
              && outcome.answer().equals(new Answer.Refused(Why.HELD))
          ? new Outcome(
              true,
              holds(
                  outcome.state(),
                  hold ->
                      hold.has(token) && hold.claim().member() == caller.member()
                          ? hold.as(Mode.READ, hold.token(), caller.command())
                          : hold),
              new Answer.Done(),
              outcome.grants(),
              outcome.wake(),
              0)
          : outcome;
    };
  }

  // ---- branches and tickets

  private static Stepper siblingsAtOnce() {
    return blindTo(
        Command.Acquire.class,
        state ->
            rows(
                state,
                state.holds().stream().filter(hold -> hold.parent().equals(Claim.NONE)).toList(),
                state.queue()),
        (before, after) -> {
          List<Hold> holds = new ArrayList<>(after.holds());
          before.holds().stream()
              .filter(hold -> !hold.parent().equals(Claim.NONE))
              .forEach(holds::add);
          return rows(after, holds, after.queue());
        });
  }

  private static Stepper orphanedBranch() {
    return spoilt((before, caller, command, now, outcome) ->
        command instanceof Command.Release
            ? with(
                outcome,
                holds(
                    outcome.state(),
                    hold ->
                        before.holds().stream()
                            .filter(was -> was.claim().equals(hold.claim()))
                            .findFirst()
                            .map(was -> hold.under(was.parent(), false))
                            .orElse(hold)))
            : outcome);
  }

  private static Stepper ticketForEver() {
    return (state, caller, command, now, tokens, rules) ->
        LockMachine.step(
            state,
            caller,
            command instanceof Command.Accept accept
                ? new Command.Accept(accept.claim(), 0, 0, "")
                : command,
            now,
            tokens,
            rules);
  }
}
