package dev.truce.lock;

import dev.truce.lock.LockMachine.Answer;
import dev.truce.lock.LockMachine.Caller;
import dev.truce.lock.LockMachine.Command;
import dev.truce.lock.LockMachine.Granted;
import dev.truce.lock.LockMachine.Outcome;
import dev.truce.lock.LockMachine.Rules;
import dev.truce.lock.LockMachine.Run;
import dev.truce.lock.LockMachine.Tokens;
import dev.truce.lock.LockMachine.Why;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.LockState.Counters;
import dev.truce.lock.LockState.Hold;
import dev.truce.lock.LockState.Phase;
import dev.truce.lock.LockState.Wait;
import dev.truce.lock.LockWorld.Stepper;
import dev.truce.lock.LockWorld.Violation;
import dev.truce.lock.NamedLock.Mode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/// Judges one step of the lock machine: what a lock promises, said once more and in other words
/// than the machine's own.
///
/// It looks at what stood before, what was asked and what stands now. Grants are compared token by
/// token, waiters place by place: each difference needs a reason, and each command must have done
/// what it says.
final class LockReferee {
  private final Stepper stepper;
  private final Rules rules;
  private final LockState before;
  private final Caller caller;
  private final Command command;
  private final long now;
  private final Tokens tokens;
  private final Outcome outcome;
  private final LockState after;

  /// One grant: a token of a hold. Branches share theirs with others.
  ///
  /// @param branch the number of a branch's claim, 0 for what is none
  private record Unit(long member, long token, long branch) {}

  LockReferee(
      Stepper stepper,
      Rules rules,
      LockState before,
      Caller caller,
      Command command,
      long now,
      Tokens tokens,
      Outcome outcome) {
    this.stepper = stepper;
    this.rules = rules;
    this.before = before;
    this.caller = caller;
    this.command = command;
    this.now = now;
    this.tokens = tokens;
    this.outcome = outcome;
    this.after = outcome.state();
  }

  void judge() {
    try {
      form();
      exclusion();
      progress();
      counters();
      units();
      waits();
      order();
      wakes();
      answers();
      repetition();
    } catch (Violation violation) {
      throw new Violation(
          violation.getMessage()
              + "\n  "
              + caller
              + " "
              + command
              + " at "
              + now
              + " with "
              + tokens
              + "\n  before "
              + before
              + "\n  after  "
              + after
              + "\n  "
              + outcome.answer()
              + " "
              + outcome.grants()
              + " wakes "
              + outcome.wake());
    }
  }

  /// The words are put together only when they are needed: most of what is required is so.
  private static void require(boolean so, Object... otherwise) {
    if (!so) {
      StringBuilder words = new StringBuilder();
      for (Object word : otherwise) {
        words.append(word);
      }
      throw new Violation(words.toString());
    }
  }

  // ---- every state

  private void form() {
    require(after.limit() >= 1, "no limit");
    require(outcome.changed() || after.equals(before), "changed and does not say so");
    for (Hold hold : after.holds()) {
      if (hold.phase() == Phase.ENDING) {
        continue;
      }
      require(hold.count() >= 1, "a hold that nobody has");
      require(hold.token() <= after.token(), "a token above the lock's last");
      long below = 0;
      for (long token : hold.tokens()) {
        require(token > below, "tokens of a hold do not rise");
        below = token;
      }
      if (!hold.exported()) {
        require(hold.count() == hold.tokens().size(), "not one token for each grant");
      }
      require(hold.mode() == Mode.READ || hold.count() == 1, "writers share a hold");
      require(
          hold.phase() != Phase.UPGRADING || (hold.mode() == Mode.READ && hold.count() == 1),
          "what upgrades is not one reader");
    }
    require(after.queue().size() <= Math.max(rules.maxWaiters(), 0), "the queue is too long");
    long arrival = 0;
    Set<Claim> claims = new HashSet<>();
    for (Wait wait : after.queue()) {
      require(wait.arrival() > arrival, "the queue is not in the order of arrival");
      arrival = wait.arrival();
      require(wait.count() >= 1, "a run of nobody");
      require(wait.overtaken() <= rules.overtakes(), "overtaken too often");
      require(wait.offered() == 0 || wait.present(), "an offer to one who is not present");
      require(claims.add(wait.claim()), "a claim waits twice");
    }
    require(arrival <= after.arrival(), "an arrival above the lock's last");
    require(LockState.decode(after.encode()).equals(after), "encoded and decoded differ");
  }

  /// Holds and offers are claims to the same room. A tree of branches is one party: its members
  /// stand beside their ancestors, one child each.
  private void exclusion() {
    List<Hold> live = after.holds().stream().filter(h -> h.phase() != Phase.ENDING).toList();
    int readers = 0;
    int writers = 0;
    Map<Claim, Integer> children = new HashMap<>();
    for (Hold hold : live) {
      Hold parent = parent(after, hold.parent());
      if (parent == null) {
        require(hold.parent().equals(Claim.NONE), "a branch of nothing");
        readers += hold.mode() == Mode.READ ? 1 : 0;
        writers += hold.mode() == Mode.WRITE ? 1 : 0;
      } else {
        children.merge(hold.parent(), 1, Integer::sum);
        require(
            hold.mode() == Mode.READ || parent.mode() == Mode.WRITE, "a reader's branch writes");
        require(
            parent.mode() == Mode.READ || parent.has(hold.token()),
            "a branch with a token of its own");
      }
    }
    for (Wait wait : after.queue()) {
      if (wait.offered() != 0) {
        Hold parent = parent(after, wait.parent());
        if (parent == null) {
          readers += wait.mode() == Mode.READ ? 1 : 0;
          writers += wait.mode() == Mode.WRITE ? 1 : 0;
        } else {
          children.merge(wait.parent(), 1, Integer::sum);
          require(
              wait.mode() == Mode.READ || parent.mode() == Mode.WRITE,
              "a reader's branch is offered writing");
        }
      }
    }
    require(writers <= after.limit(), writers, " writers at once");
    require(writers == 0 || readers == 0, "writers beside readers");
    children.forEach((parent, count) -> require(count == 1, "siblings at once under ", parent));
    Set<Long> main = new HashSet<>();
    for (Hold hold : live) {
      if (parent(after, hold.parent()) == null) {
        hold.tokens().forEach(token -> require(main.add(token), "two grants with token ", token));
      }
    }
    require(
        live.stream().filter(hold -> hold.phase() == Phase.UPGRADING).count() <= 1,
        "two upgrades at once");
  }

  /// Nothing is free for the one whose turn it is.
  private void progress() {
    Hold upgrading = upgrading(after);
    boolean offers = after.queue().stream().anyMatch(wait -> wait.offered() != 0);
    long others = after.holds().stream().filter(hold -> !hold.unwritten()).count();
    require(upgrading == null || others > 1 || offers, "an upgrade waits for nobody");
    Wait next = next(after);
    require(next == null || !room(after, next.mode()), "free, but not given to the next");
    for (Hold hold : after.holds()) {
      boolean taken =
          after.holds().stream().anyMatch(other -> other.parent().equals(hold.claim()))
              || after.queue().stream()
                  .anyMatch(wait -> wait.offered() != 0 && wait.parent().equals(hold.claim()));
      boolean wanted =
          after.queue().stream()
              .anyMatch(wait -> wait.present() && wait.parent().equals(hold.claim()));
      require(hold.phase() == Phase.ENDING || taken || !wanted, "a branch is free and not given");
    }
  }

  private boolean room(LockState state, Mode mode) {
    int readers = 0;
    int writers = 0;
    for (Hold hold : state.holds()) {
      if (hold.phase() != Phase.HELD && !hold.unwritten()) {
        return false;
      }
      if (!hold.unwritten() && parent(state, hold.parent()) == null) {
        readers += hold.mode() == Mode.READ ? 1 : 0;
        writers += hold.mode() == Mode.WRITE ? 1 : 0;
      }
    }
    for (Wait wait : state.queue()) {
      if (wait.offered() != 0 && main(state, wait)) {
        readers += wait.mode() == Mode.READ ? 1 : 0;
        writers += wait.mode() == Mode.WRITE ? 1 : 0;
      }
    }
    return mode == Mode.READ ? writers == 0 : readers == 0 && writers < state.limit();
  }

  private Wait next(LockState state) {
    List<Wait> waiting =
        state.queue().stream()
            .filter(wait -> wait.present() && wait.offered() == 0 && main(state, wait))
            .toList();
    long barrier =
        waiting.stream()
            .filter(wait -> wait.overtaken() >= rules.overtakes())
            .mapToLong(Wait::arrival)
            .min()
            .orElse(Long.MAX_VALUE);
    return waiting.stream()
        .filter(wait -> wait.arrival() <= barrier)
        .min(Comparator.comparingInt(Wait::priority).thenComparingLong(Wait::arrival))
        .orElse(null);
  }

  private void counters() {
    Counters was = before.counters();
    Counters is = after.counters();
    require(
        is.granted() >= was.granted()
            && is.released() >= was.released()
            && is.lost() >= was.lost()
            && is.queued() >= was.queued()
            && is.left() >= was.left(),
        "a counter fell");
    require(
        is.granted() - is.released() - is.lost() - standing(after)
            == was.granted() - was.released() - was.lost() - standing(before),
        "granted is not released and lost and standing");
    long served = 0;
    for (Granted granted : outcome.grants()) {
      if (!granted.claim().equals(Claim.NONE)
          && (granted.arrival() != 0 || waited(granted.claim()))) {
        served += granted.count();
      }
    }
    require(
        is.queued() - is.left() - waiting(after) - served
            == was.queued() - was.left() - waiting(before),
        "queued is not granted and left and waiting");
  }

  private boolean waited(Claim claim) {
    Wait was = wait(before, claim);
    return was != null && !over(was.until());
  }

  private static long standing(LockState state) {
    return state.holds().stream()
        .filter(hold -> hold.phase() != Phase.ENDING)
        .mapToLong(Hold::count)
        .sum();
  }

  private static long waiting(LockState state) {
    return state.queue().stream().mapToLong(Wait::count).sum();
  }

  // ---- each grant

  private void units() {
    Map<Unit, Hold> was = units(before);
    Map<Unit, Hold> is = units(after);
    was.forEach((unit, hold) ->
        require(
            lives(unit, hold, is) || detached(unit, hold, is) || ends(unit, hold), "lost ", unit));
    is.forEach((unit, hold) -> {
      if (!was.containsKey(unit)
          && !restored(unit, hold)
          && !wasDetached(unit, was)
          && !keeps(unit, hold)) {
        begins(unit, hold);
      }
    });
    require(after.token() >= before.token(), "the lock's last token fell");
    for (Hold hold : before.holds()) {
      if (hold.phase() == Phase.ENDING) {
        boolean stays = after.holds().stream().anyMatch(hold::equals);
        boolean done = command instanceof Command.Fenced(long token) && token == hold.token();
        require(stays != done, "an end was not fenced, or not dropped when it was");
        require(
            !done || hold.until() <= now || is.keySet().stream().anyMatch(u -> keeps(u, is.get(u))),
            "given back early, and free at once");
      }
    }
    for (Hold hold : after.holds()) {
      if (hold.phase() == Phase.ENDING && !before.holds().contains(hold)) {
        require(hold.until() == kept(hold), "kept too long or not long enough: ", hold);
      }
    }
  }

  /// Until when a lease that has just ended keeps others out.
  private long kept(Hold ending) {
    boolean givenBack =
        command instanceof Command.Release release
            && release.claim().equals(ending.claim())
            && ending.claim().member() == 0;
    Bounds bounds = givenBack ? Terms.read(Ended.said(ending.reason())).bounds() : Bounds.NONE;
    long until = ending.since() + bounds.atLeast().toNanos();
    return until <= now ? 0 : until;
  }

  /// Whether a grant is nobody's, and only keeps others out after a lease that was given back
  /// early.
  private boolean keeps(Unit unit, Hold hold) {
    return command instanceof Command.Fenced(long token)
        && hold.claim().equals(new Claim(0, -token))
        && drawn(unit.token())
        && before.holds().stream()
            .anyMatch(ended ->
                ended.phase() == Phase.ENDING
                    && ended.token() == token
                    && ended.until() == hold.until()
                    && ended.until() > now
                    && ended.mode() == hold.mode());
  }

  private static Map<Unit, Hold> units(LockState state) {
    Map<Unit, Hold> units = new LinkedHashMap<>();
    for (Hold hold : state.holds()) {
      if (hold.phase() != Phase.ENDING) {
        for (long token : hold.tokens()) {
          boolean branch = parent(state, hold.parent()) != null;
          Unit unit = new Unit(hold.claim().member(), token, branch ? hold.claim().number() : 0);
          require(units.put(unit, hold) == null, "twice ", unit);
        }
      }
    }
    return units;
  }

  /// Whether a grant still stands, changed in nothing but what the command says.
  private boolean lives(Unit unit, Hold hold, Map<Unit, Hold> is) {
    Hold next = is.get(unit);
    if (next == null && unit.branch() != 0) {
      next = is.get(new Unit(unit.member(), unit.token(), 0));
    }
    if (next == null) {
      return false;
    }
    require(!endedByForce(hold), "still stands ", unit);
    require(
        !(command instanceof Command.Release release) || !given(unit, hold, release),
        "released and still stands ",
        unit);
    Claim heir = heir(hold.parent());
    require(next.parent().equals(heir), "another parent for ", unit);
    require(
        next.mode() == (downgraded(unit, hold) ? Mode.READ : hold.mode())
            || becameWriter(unit, next),
        "another mode for ",
        unit);
    require(next.phase() == phase(unit, hold) || becameWriter(unit, next), "phase of ", unit);
    require(
        next.until()
            == (command instanceof Command.Renew(long _, long until) && renewed(unit, hold)
                ? until
                : hold.until()),
        "another term for ",
        unit);
    boolean given = command instanceof Command.Export(long t) && hold.has(t) && next.exported();
    boolean inherits = !hold.parent().equals(heir);
    require(
        next.exported() == (hold.exported() || given)
            || (next.exported() && (inherits || anotherEnded(unit))),
        "given out or not ",
        unit);
    require(next.since() == hold.since() || next.count() > 1, "another beginning for ", unit);
    require(next.reason().equals(said(unit, hold)), "another reason for ", unit);
    return true;
  }

  private boolean renewed(Unit unit, Hold hold) {
    return command instanceof Command.Renew(long t, long _)
        && asked(unit, hold, t)
        && outcome.answer() instanceof Answer.Done;
  }

  /// What a grant says of itself: of a lease, how often it may still be renewed.
  private String said(Unit unit, Hold hold) {
    return unit.member() == 0
            && renewed(unit, hold)
            && command instanceof Command.Renew(long _, long until)
            && until != hold.until()
        ? Terms.read(hold.reason()).renewed().write()
        : hold.reason();
  }

  /// Whether somebody else ended with the same token, which this grant has to fence now.
  private boolean anotherEnded(Unit unit) {
    Set<Unit> is = units(after).keySet();
    return units(before).keySet().stream()
        .anyMatch(other -> other.token() == unit.token() && !is.contains(other));
  }

  /// Whether a grant goes on as a detached one, changed in nothing but that.
  private boolean detached(Unit unit, Hold hold, Map<Unit, Hold> is) {
    if (!(command instanceof Command.Detach wanted)
        || wanted.token() != unit.token()
        || unit.member() != caller.member()
        || unit.branch() != 0
        || !(outcome.answer() instanceof Answer.Done)) {
      return false;
    }
    Hold next = is.get(new Unit(0, unit.token(), 0));
    require(next != null && next.claim().equals(wanted.claim()), "detached and not there ", unit);
    require(!endedByForce(hold), "detached after its end ", unit);
    require(
        next.mode() == hold.mode()
            && next.until() == wanted.until()
            && next.exported()
            && next.count() == 1
            && next.parent().equals(Claim.NONE)
            && next.reason().equals(wanted.reason()),
        "detached otherwise than asked ",
        next);
    return true;
  }

  private boolean wasDetached(Unit unit, Map<Unit, Hold> was) {
    return command instanceof Command.Detach wanted
        && unit.member() == 0
        && unit.token() == wanted.token()
        && was.containsKey(new Unit(caller.member(), unit.token(), 0));
  }

  private boolean restored(Unit unit, Hold hold) {
    return command instanceof Command.Restore lost
        && unit.equals(new Unit(0, lost.token(), 0))
        && hold.claim().equals(lost.claim())
        && hold.mode() == lost.mode()
        && hold.until() == lost.until()
        && hold.exported();
  }

  private boolean given(Unit unit, Hold hold, Command.Release release) {
    if (release.claim().equals(Claim.NONE)) {
      return asked(unit, hold, release.token());
    }
    return unit.member() == release.claim().member()
        && (unit.member() != 0 || hold.claim().equals(release.claim()))
        && (unit.token() == release.token() || (hold.exported() && hold.has(release.token())))
        && (unit.branch() == 0 || release.claim().number() == unit.branch());
  }

  private boolean becameWriter(Unit unit, Hold next) {
    return next.mode() == Mode.WRITE
        && next.exported()
        && next.token() != unit.token()
        && next.has(unit.token());
  }

  private Phase phase(Unit unit, Hold hold) {
    if (command instanceof Command.Upgrade(long token, Claim _)
        && asked(unit, hold, token)
        && outcome.answer() instanceof Answer.Done
        && hold.mode() == Mode.READ) {
      return Phase.UPGRADING;
    }
    return command instanceof Command.Abandon(long token) && asked(unit, hold, token)
        ? Phase.HELD
        : hold.phase();
  }

  private boolean downgraded(Unit unit, Hold hold) {
    return command instanceof Command.Downgrade(long token)
        && asked(unit, hold, token)
        && outcome.answer() instanceof Answer.Done;
  }

  /// Whether a command that names a token means this grant: one's own, else a detached one.
  private boolean asked(Unit unit, Hold hold, long token) {
    if (unit.token() != token && !(hold.exported() && hold.has(token))) {
      return false;
    }
    boolean own =
        before.holds().stream()
            .anyMatch(other ->
                other.claim().member() == caller.member()
                    && other.phase() != Phase.ENDING
                    && other.has(token));
    return unit.member() == caller.member() || (unit.member() == 0 && !own);
  }

  private boolean endedByForce(Hold hold) {
    if (over(hold.until())
        || (command instanceof Command.Revoke(long token, String _, String _) && hold.has(token))
        || (command instanceof Command.Bury(long member)
            && member != 0
            && member == hold.claim().member())) {
      return true;
    }
    Hold parent = parent(before, hold.parent());
    return parent != null && treeEnds(parent);
  }

  /// What ends a grant and everything that goes through it.
  private boolean treeEnds(Hold hold) {
    if (over(hold.until())
        || (command instanceof Command.Revoke(long token, String _, String _) && hold.has(token))) {
      return true;
    }
    Hold parent = parent(before, hold.parent());
    return parent != null && treeEnds(parent);
  }

  private boolean over(long moment) {
    return moment != 0 && moment <= now;
  }

  /// Whether a grant had a reason to end, and ended as it should.
  private boolean ends(Unit unit, Hold hold) {
    boolean released = command instanceof Command.Release release && given(unit, hold, release);
    boolean forced = endedByForce(hold);
    boolean upgraded =
        (hold.phase() == Phase.UPGRADING
                || (command instanceof Command.Upgrade(long token, Claim _)
                    && asked(unit, hold, token)))
            && after.holds().stream().anyMatch(h -> h.mode() == Mode.WRITE && drawn(h.token()));
    boolean shared =
        units(before).keySet().stream()
            .anyMatch(other -> other.token() == unit.token() && !other.equals(unit));
    if (!upgraded && forced && !shared) {
      require(
          after.holds().stream().anyMatch(h -> h.has(unit.token())),
          "the end of ",
          unit,
          " is not put down");
    }
    if (!upgraded && hold.exported()) {
      require(
          after.holds().stream().anyMatch(h -> h.has(unit.token()) && h.exported()),
          "nobody fences ",
          unit);
    }
    return released || forced || upgraded;
  }

  private void begins(Unit unit, Hold hold) {
    if (unit.branch() == 0 && wasBranch(unit, hold)) {
      return;
    }
    if (unit.branch() != 0) {
      require(unit.member() == caller.member(), "granted to another ", unit);
      require(hold.command() == caller.command(), "no mark of its command ", unit);
      return;
    }
    require(drawn(unit.token()), "a token that was not drawn ", unit);
    require(unit.token() > before.token(), "a token that does not rise ", unit);
    boolean upgrade =
        hold.mode() == Mode.WRITE
            && (before.holds().stream()
                    .anyMatch(
                        h -> h.phase() == Phase.UPGRADING && h.claim().member() == unit.member())
                || (command instanceof Command.Upgrade
                    && (unit.member() == caller.member() || unit.member() == 0)));
    boolean detached =
        unit.member() == 0
            && ((command instanceof Command.Acquire acquire && acquire.claim().equals(hold.claim()))
                || (command instanceof Command.Accept accept
                    && accept.claim().equals(hold.claim())));
    require(unit.member() == caller.member() || upgrade || detached, "granted to another ", unit);
    require(
        detached || unit.member() != caller.member() || hold.command() == caller.command(),
        "no mark of its command ",
        unit);
    if (unit.member() == 0) {
      require(hold.until() > now, "a detached grant without a term");
      require(hold.exported(), "the end of a detached grant would be quiet");
    }
    if (!upgrade) {
      require(
          outcome.grants().stream()
              .anyMatch(g -> g.first() <= unit.token() && unit.token() < g.first() + g.count()),
          "granted and not told ",
          unit);
      require(
          accepted() != null
              || after.holds().stream().noneMatch(h -> h.phase() == Phase.ENDING && h.exported()),
          "granted before an end was fenced ",
          unit);
      Hold upgrading = upgrading(after);
      require(upgrading == null || accepted() != null, "granted beside an upgrade ", unit);
    }
  }

  private boolean wasBranch(Unit unit, Hold hold) {
    return units(before).containsKey(new Unit(unit.member(), unit.token(), hold.claim().number()));
  }

  private boolean drawn(long token) {
    return tokens.first() <= token && token < tokens.first() + tokens.count();
  }

  /// Where the branches of a grant go when it ends and they do not: to the next that stands.
  private Claim heir(Claim parent) {
    Claim next = parent;
    while (!next.equals(Claim.NONE) && parent(after, next) == null) {
      Hold gone = parent(before, next);
      next = gone == null ? Claim.NONE : gone.parent();
    }
    return next;
  }

  // ---- each waiter

  private void waits() {
    for (Wait was : before.queue()) {
      Wait is = later(was);
      int served =
          outcome.grants().stream()
              .filter(granted -> granted.claim().equals(was.claim()))
              .mapToInt(Granted::count)
              .sum();
      if (is == null) {
        require(served > 0 || mayLeave(was), "left the queue without a reason: ", was);
        require(served == 0 || served == said(was), "granted to fewer than waited: ", was);
      } else {
        stays(was, is, served);
      }
    }
    for (Wait is : after.queue()) {
      if (is.arrival() > before.arrival()) {
        arrives(is);
      }
    }
  }

  /// The same place now; a claim may have come again after its ticket was over, or left a ticket.
  private Wait later(Wait was) {
    Wait is = wait(after, leaves(was) ? ((Command.Leave) command).ticket() : was.claim());
    return is != null && is.arrival() == was.arrival() ? is : null;
  }

  private boolean leaves(Wait was) {
    return command instanceof Command.Leave leaving
        && leaving.claim().equals(was.claim())
        && own(was)
        && outcome.answer() instanceof Answer.Done;
  }

  private long untilOf(Wait was) {
    return switch (command) {
      case Command.Leave leaving when leaves(was) -> leaving.until();
      case Command.Accept accept when accept.claim().equals(was.claim()) && was.offered() == 0 ->
          Math.max(was.until(), accept.ticket());
      default -> was.until();
    };
  }

  private int said(Wait was) {
    Run run = own(was) ? caller.runs().get(was.claim().number()) : null;
    return run == null ? was.count() : run.count();
  }

  private boolean own(Wait wait) {
    return wait.claim().member() == caller.member() && caller.member() != 0;
  }

  private boolean mayLeave(Wait was) {
    boolean cancelled =
        command instanceof Command.Cancel(Claim claim)
            && claim.equals(was.claim())
            && (own(was) || was.claim().member() == 0)
            && was.count() == 1;
    boolean buried =
        command instanceof Command.Bury(long member)
            && member == was.claim().member()
            && member != 0;
    return over(was.until()) || said(was) == 0 || cancelled || buried;
  }

  private void stays(Wait was, Wait is, int served) {
    require(!over(was.until()), "a ticket that is over stays");
    require(said(was) > 0, "a run of nobody stays");
    require(
        !(command instanceof Command.Bury(long member))
            || member == 0
            || member != was.claim().member(),
        "buried and still waits");
    boolean cancelled =
        command instanceof Command.Cancel(Claim claim)
            && claim.equals(was.claim())
            && (own(was) || was.claim().member() == 0)
            && !(own(was) && caller.runs().containsKey(claim.number()));
    require(is.count() == said(was) - served - (cancelled ? 1 : 0), "miscounted ", is);
    require(
        is.mode() == was.mode()
            && is.arrival() == was.arrival()
            && is.priority() == was.priority()
            && is.since() == was.since()
            && (is.until() == untilOf(was) || (over(was.offered()) && is.until() >= was.until()))
            && (is.reason().equals(was.reason()) || leaves(was)),
        "changed while it waited: ",
        was);
    require(is.parent().equals(heir(was.parent())), "another parent for ", was);
    boolean lapsed = over(was.offered());
    boolean accepted = accepted() != null && accepted().claim().equals(was.claim());
    boolean showsLife =
        own(was)
            || (was.claim().member() == 0
                && ((command instanceof Command.Acquire a && a.claim().equals(was.claim()))
                    || (command instanceof Command.Accept b && b.claim().equals(was.claim()))));
    require(is.absent() == ((was.absent() || lapsed) && !showsLife), "absent or not: ", is);
    require(is.late() == (was.late() || lapsed), "late or not: ", is);
    if (was.offered() != 0 && !lapsed && !accepted) {
      require(is.offered() == was.offered(), "an offer was changed: ", was);
    } else if (is.offered() != 0) {
      offeredNow(is);
    }
    require(is.overtaken() >= was.overtaken(), "overtaken less often than before: ", is);
    long passed = overtakers(is);
    require(is.overtaken() <= was.overtaken() + passed, "miscounted who overtook ", is);
    if (passed > 0 && is.present() && is.offered() == 0 && main(after, is) && main(before, was)) {
      require(is.overtaken() > was.overtaken(), "overtaken and not counted: ", is);
    }
  }

  private void offeredNow(Wait is) {
    long window = is.claim().member() == 0 ? rules.ticketOffer() : rules.offer();
    require(is.offered() == now + window, "offered for another time: ", is);
    require(is.claim().member() != caller.member(), "offered to the caller: ", is);
    require(
        !main(after, is)
            || after.holds().stream().noneMatch(h -> h.phase() == Phase.ENDING && h.exported()),
        "offered before an end was fenced: ",
        is);
    require(!main(after, is) || upgrading(after) == null, "offered beside an upgrade: ", is);
  }

  private void arrives(Wait is) {
    require(
        command instanceof Command.Acquire acquire
            && acquire.queue()
            && acquire.claim().equals(is.claim())
            && acquire.mode() == is.mode(),
        "nobody asked for ",
        is);
    require(
        is.arrival() == before.arrival() + 1 && after.queue().getLast().equals(is),
        "did not arrive last: ",
        is);
    require(is.count() == 1 && is.present() && !is.late() && is.since() == now, "odd ", is);
    require(is.offered() == 0 || is.claim().member() == 0, "offered to the caller: ", is);
  }

  private long overtakers(Wait wait) {
    return served().stream().filter(other -> other.arrival() > wait.arrival()).count();
  }

  // ---- order

  /// The places that were served in this step: offered the lock, or granted it without an offer.
  /// One that was granted several times counts as often.
  private List<Wait> served() {
    List<Wait> served = new ArrayList<>();
    for (Wait is : after.queue()) {
      Wait was = wait(before, is.claim());
      if (is.offered() != 0 && (was == null || was.offered() != is.offered()) && main(after, is)) {
        served.add(is);
      }
    }
    for (Granted granted : outcome.grants()) {
      Wait was = wait(before, granted.claim());
      Wait place = was == null ? fresh(granted) : was;
      boolean offered = was != null && was.offered() != 0 && !over(was.offered());
      if (place != null && !offered && granted.hold().parent().equals(Claim.NONE)) {
        served.add(place);
      }
    }
    return served;
  }

  /// The place of one that asked, queued and was served in this very step.
  private Wait fresh(Granted granted) {
    if (granted.arrival() == 0 || !(command instanceof Command.Acquire acquire)) {
      return null;
    }
    return new Wait(
        acquire.claim(),
        acquire.mode(),
        granted.arrival(),
        acquire.priority(),
        0,
        1,
        caller.command(),
        now,
        0,
        false,
        false,
        acquire.ticket(),
        Claim.NONE,
        acquire.reason());
  }

  private void order() {
    List<Wait> served = served();
    for (Wait left : after.queue()) {
      if (!left.present() || left.offered() != 0 || !main(after, left)) {
        continue;
      }
      for (Wait other : served) {
        require(
            other.claim().equals(left.claim()) || mayPrecede(other, left, served.size()),
            other,
            " went before ",
            left);
      }
    }
    if (direct()) {
      for (Wait left : after.queue()) {
        require(
            !left.present() || !main(after, left) || wait(before, left.claim()) == null,
            "went before ",
            left);
      }
    }
  }

  private boolean mayPrecede(Wait served, Wait left, int events) {
    if (served.arrival() < left.arrival()) {
      return served.priority() <= left.priority()
          || before.queue().stream()
              .anyMatch(wait ->
                  wait.arrival() >= served.arrival()
                      && wait.arrival() < left.arrival()
                      && wait.overtaken() + events > rules.overtakes());
    }
    Wait was = wait(before, left.claim());
    boolean barred = was != null && was.overtaken() >= rules.overtakes();
    return served.priority() < left.priority() && !barred;
  }

  /// Whether the lock was granted to one who asked and did not queue.
  private boolean direct() {
    return command instanceof Command.Acquire acquire
        && wait(before, acquire.claim()) == null
        && outcome.grants().stream()
            .anyMatch(granted ->
                granted.claim().equals(acquire.claim())
                    && granted.arrival() == 0
                    && granted.hold().parent().equals(Claim.NONE));
  }

  private Wait accepted() {
    if (!(command instanceof Command.Accept accept)) {
      return null;
    }
    Wait was = wait(before, accept.claim());
    return was != null && was.offered() != 0 && !over(was.offered()) && !over(was.until())
        ? was
        : null;
  }

  // ---- what others are told

  private void wakes() {
    for (Wait is : after.queue()) {
      Wait was = wait(before, is.claim());
      boolean offered = is.offered() != 0 && (was == null || was.offered() != is.offered());
      if (offered) {
        told(is.claim().member(), "not told ", is);
      }
      boolean stalled =
          outcome.changed()
              && after.holds().stream().allMatch(Hold::unwritten)
              && after.queue().stream().noneMatch(wait -> wait.offered() != 0);
      if (stalled) {
        told(is.claim().member(), "free, and not told ", is);
      }
    }
    for (Hold hold : after.holds()) {
      boolean upgraded =
          hold.mode() == Mode.WRITE
              && before.holds().stream()
                  .anyMatch(h -> h.phase() == Phase.UPGRADING && h.claim().equals(hold.claim()));
      if (upgraded) {
        told(hold.claim().member(), "upgraded, and not told ", hold);
      }
    }
    for (Hold hold : before.holds()) {
      if (hold.phase() != Phase.ENDING && endedByForce(hold)) {
        told(hold.claim().member(), "lost, and not told ", hold);
      }
    }
  }

  private void told(long member, Object... otherwise) {
    require(member == 0 || member == caller.member() || outcome.wake().contains(member), otherwise);
  }

  // ---- what the caller is told

  private void answers() {
    switch (command) {
      case Command.Acquire acquire -> acquired(acquire);
      case Command.Accept accept -> {
        if (accepted() != null && (own(accepted()) || accept.claim().member() == 0)) {
          require(
              outcome.grants().stream().anyMatch(g -> g.claim().equals(accept.claim())),
              "accepted and not granted");
        }
      }
      case Command.Release release -> {
        boolean stood =
            units(before).entrySet().stream()
                .anyMatch(
                    e -> given(e.getKey(), e.getValue(), release) && !endedByForce(e.getValue()));
        require(stood == outcome.answer() instanceof Answer.Done, "released, and it is not so");
      }
      case Command.Upgrade(long token, Claim _) -> upgraded(token);
      case Command.Abandon(long token) -> doneIfStood(token);
      case Command.Downgrade(long token) -> {
        if (outcome.answer() instanceof Answer.Done) {
          require(
              units(after).entrySet().stream()
                  .anyMatch(e ->
                      asked(e.getKey(), e.getValue(), token) && e.getValue().mode() == Mode.READ),
              "downgraded and still writes");
        }
      }
      case Command.Renew(long token, long until) -> {
        if (outcome.answer() instanceof Answer.Refused) {
          require(usedUp(token, until), "renewed no more, though it may be");
        } else {
          require(!usedUp(token, until), "renewed too often");
          doneIfStood(token);
        }
      }
      case Command.Export(long token) -> {
        boolean stands =
            after.holds().stream().anyMatch(h -> h.phase() != Phase.ENDING && h.has(token));
        require(stands == outcome.answer() instanceof Answer.Done, "bound, and it is not so");
        require(
            !stands || after.holds().stream().anyMatch(h -> h.has(token) && h.exported()),
            "bound and not marked");
      }
      case Command.Leave leaving -> {
        if (outcome.answer() instanceof Answer.Done) {
          require(
              wait(after, leaving.ticket()) != null || holdOf(leaving.ticket()) != null,
              "left no ticket");
        }
      }
      case Command.Detach detaching -> {
        if (outcome.answer() instanceof Answer.Done) {
          require(holdOf(detaching.claim()) != null, "detached and not there");
        }
      }
      case Command.Restore lost ->
          require(
              after.holds().stream().anyMatch(h -> h.claim().equals(lost.claim())),
              "restored and not there");
      case Command.Bury(long member) ->
          require(
              member == 0
                  || (after.queue().stream().noneMatch(w -> w.claim().member() == member)
                      && after.holds().stream()
                          .noneMatch(
                              h -> h.claim().member() == member && h.phase() != Phase.ENDING)),
              "buried and still there");
      case Command.Revoke(long token, String _, String _) ->
          require(
              after.holds().stream().noneMatch(h -> h.phase() != Phase.ENDING && h.has(token)),
              "revoked and still there");
      case Command.Resize(int limit) ->
          require(
              (after.limit() == limit) == (outcome.answer() instanceof Answer.Done),
              "of another size");
      case Command.Cancel _, Command.Fenced _, Command.Look() -> {}
    }
  }

  private void acquired(Command.Acquire acquire) {
    boolean granted = outcome.grants().stream().anyMatch(g -> g.claim().equals(acquire.claim()));
    Wait waits = wait(after, acquire.claim());
    switch (outcome.answer()) {
      case Answer.Done() -> require(granted && waits == null, "done and not granted");
      case Answer.Queued _ -> {
        require(acquire.queue(), "a try queued");
        require(granted || waits != null, "queued and does not stand there");
      }
      case Answer.Refused(Why why) -> {
        require(!granted && waits == null, "refused and granted or queued");
        require(!acquire.queue() || why != Why.HELD, "refused to wait");
        require(
            why != Why.QUEUE_FULL || before.queue().size() >= rules.maxWaiters(),
            "refused by a queue that is not full");
      }
      case Answer.Gone() -> throw new Violation("an acquire is never gone");
    }
  }

  private void upgraded(long token) {
    Hold other = upgrading(before);
    boolean stood =
        units(before).entrySet().stream()
            .anyMatch(e ->
                asked(e.getKey(), e.getValue(), token)
                    && !endedByForce(e.getValue())
                    && (other == null || !other.equals(e.getValue()))
                    && e.getValue().mode() == Mode.READ);
    if (other != null && stood && !endedByForce(other)) {
      require(
          outcome.answer().equals(new Answer.Refused(Why.DEADLOCK)),
          "a second upgrade was not refused");
    }
  }

  /// Whether the grant that has this token is a lease that may not be renewed again.
  private boolean usedUp(long token, long until) {
    return units(before).entrySet().stream()
        .anyMatch(e ->
            e.getKey().member() == 0
                && asked(e.getKey(), e.getValue(), token)
                && !endedByForce(e.getValue())
                && e.getValue().until() != until
                && Terms.read(e.getValue().reason()).bounds().renewals() == 0);
  }

  private void doneIfStood(long token) {
    boolean stood =
        units(before).entrySet().stream()
            .anyMatch(e -> asked(e.getKey(), e.getValue(), token) && !endedByForce(e.getValue()));
    require(stood == outcome.answer() instanceof Answer.Done, "done, or gone, and it is not so");
  }

  // ---- once more

  /// The same again: it decides alike, and does no harm where a lost answer made it happen twice.
  private void repetition() {
    Outcome again = stepper.step(before, caller, command, now, tokens, rules);
    require(again.equals(outcome), "decides differently the second time");
    if (bears() || outcome.answer() instanceof Answer.Refused) {
      return;
    }
    boolean offeredAgain =
        command instanceof Command.Accept && outcome.answer() instanceof Answer.Queued;
    if (offeredAgain) {
      return;
    }
    Outcome twice = stepper.step(after, caller, command, now, Tokens.NONE, rules);
    require(
        twice.missing() == 0 && rows(twice.state()).equals(rows(after)),
        "done twice it makes a difference: ",
        twice.state());
    boolean detached =
        (command instanceof Command.Accept accept && accept.claim().member() == 0)
            || (command instanceof Command.Acquire acquire && acquire.claim().member() == 0);
    require(
        !detached
            || (twice.answer() instanceof Answer.Done) == (outcome.answer() instanceof Answer.Done),
        "done twice it answers otherwise: ",
        twice.answer());
  }

  private boolean bears() {
    return after.holds().stream()
            .anyMatch(hold ->
                hold.claim().member() == caller.member() && hold.command() == caller.command())
        || after.queue().stream()
            .anyMatch(wait ->
                wait.claim().member() == caller.member() && wait.command() == caller.command());
  }

  private static List<Object> rows(LockState state) {
    List<Object> rows = new ArrayList<>();
    state.holds().forEach(hold -> rows.add(hold.in(hold.phase(), 0)));
    state.queue().forEach(wait -> rows.add(wait.counted(wait.count(), 0)));
    return rows;
  }

  // ---- looking around

  private Hold holdOf(Claim claim) {
    return parent(after, claim);
  }

  private static Hold parent(LockState state, Claim claim) {
    if (claim.equals(Claim.NONE)) {
      return null;
    }
    for (Hold hold : state.holds()) {
      if (hold.claim().equals(claim) && hold.phase() != Phase.ENDING) {
        return hold;
      }
    }
    return null;
  }

  private static boolean main(LockState state, Wait wait) {
    return parent(state, wait.parent()) == null;
  }

  private static Hold upgrading(LockState state) {
    for (Hold hold : state.holds()) {
      if (hold.phase() == Phase.UPGRADING) {
        return hold;
      }
    }
    return null;
  }

  private static Wait wait(LockState state, Claim claim) {
    for (Wait wait : state.queue()) {
      if (wait.claim().equals(claim)) {
        return wait;
      }
    }
    return null;
  }

  @Override
  public String toString() {
    return Objects.toString(Arrays.asList(caller, command, outcome));
  }
}
