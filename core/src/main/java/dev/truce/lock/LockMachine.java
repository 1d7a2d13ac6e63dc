package dev.truce.lock;

import dev.truce.Fence;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.LockState.Counters;
import dev.truce.lock.LockState.Hold;
import dev.truce.lock.LockState.Phase;
import dev.truce.lock.LockState.Wait;
import dev.truce.lock.NamedLock.Mode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/// Every decision about a lock: a pure function from what its cell holds, a command and the time to
/// what its cell shall hold and what that means.
///
/// No clock, no thread, no chance, no input or output. Each step first settles what time has ended
/// (grants past their expiry, offers and tickets past theirs), then obeys the command, then hands
/// on what became free.
///
/// **Who is next** is the waiter with the lowest (priority, arrival) of those present, except that
/// a waiter overtaken [Rules#overtakes] times is overtaken no more. Adjacent readers go together.
/// An upgrade goes before the queue. A waiter of the calling member is granted at once, one of
/// another member is *offered* the lock for a while and accepts it by a step of its own; an offer
/// that lapses costs its waiter nothing but the turn, until it shows life again.
///
/// **Branches.** A claim with a live parent stands beside its parent, with the parent's token, one
/// of the siblings at a time; it does not stand in the main queue. When the parent is given back or
/// dies, its branches go on under the parent's own parent, or on their own; when it expires or is
/// ended by force, they end with it.
///
/// **Ends.** A grant that its own process gives back ends at once, unless its token is
/// [exported][Hold#exported]. Every other end stands as [Phase#ENDING] until whoever finds it has
/// put it down for good and says [Command.Fenced]; until then nothing else is granted if it is
/// exported, or if [too many][#UNWRITTEN] stand like that.
///
/// Sources: arrival order with grouped readers after Krieger et al., *A Fair Fast Scalable
/// Reader-Writer Lock* (ICPP 1993); the bound on overtaking is ageing by count instead of time.
final class LockMachine {
  /// What holds for all locks of a room.
  ///
  /// @param maxWaiters how many runs may queue
  /// @param overtakes how often a waiter may be overtaken
  /// @param offer how long a lock is kept for a waiting process, in nanoseconds
  /// @param ticketOffer how long it is kept for an absent ticket
  record Rules(int maxWaiters, int overtakes, long offer, long ticketOffer) {
    static final Rules USUAL = new Rules(100, 16, 1_000_000_000L, 5_000_000_000L);
  }

  /// Who gives a command.
  ///
  /// @param member the member, whose waits count as present from now on
  /// @param command the number of this command, rising within the member
  /// @param runs what the member's runs stand for now, by the number of their claim
  record Caller(long member, long command, Map<Long, Run> runs) {}

  /// What a run of local waiters stands for.
  ///
  /// @param count how many wait in it
  /// @param next the claim number of its first
  record Run(int count, long next) {}

  /// Numbers drawn for this step, all above every number drawn before.
  record Tokens(long first, int count) {
    static final Tokens NONE = new Tokens(0, 0);
  }

  sealed interface Command {
    /// Asks for the lock. A claim that is queued or held already is not asked for twice.
    ///
    /// @param queue whether to stand in the queue when it cannot be had at once
    /// @param until when the grant shall expire, 0 for never
    /// @param ticket when the place in the queue shall expire, 0 for never
    /// @param limit how many write grants may stand side by side, the same in every command
    /// @param ancestors the grants to be a branch of, the first that stands here counts
    record Acquire(
        Claim claim,
        Mode mode,
        int priority,
        boolean queue,
        long until,
        long ticket,
        int limit,
        List<Claim> ancestors,
        String reason)
        implements Command {}

    /// Takes up what was offered to the run or ticket; one that is offered nothing shows life.
    ///
    /// @param until when the grant shall expire, 0 for never
    /// @param ticket when the place shall expire if there is nothing to take up, 0 for no change
    /// @param reason what the grant says of itself from now on, empty for what the place said
    record Accept(Claim claim, long until, long ticket, String reason) implements Command {
      Accept(Claim claim) {
        this(claim, 0, 0, "");
      }
    }

    /// A waiter goes and leaves a ticket, which keeps its place.
    ///
    /// @param claim the run of the one that waits alone
    /// @param ticket the detached claim that stands there from now on
    /// @param until when the ticket ends
    record Leave(Claim claim, Claim ticket, long until, String reason) implements Command {}

    /// A grant of the caller becomes a detached one, with the token it has. Refused for a branch
    /// and while branches go through it.
    ///
    /// @param claim the detached claim that has it from now on
    /// @param until when it expires
    record Detach(long token, Claim claim, long until, String reason) implements Command {}

    /// A detached grant that outlived its cell stands again. Nothing may have been granted since.
    record Restore(Claim claim, Mode mode, long token, long until, String reason)
        implements Command {}

    /// Gives back one grant of the hold that has this token.
    ///
    /// @param claim under which claim it is held, or [Claim#NONE]: branches that follow each other
    ///   share a token, and the one given back twice is not the next
    record Release(long token, Claim claim) implements Command {
      Release(long token) {
        this(token, Claim.NONE);
      }
    }

    /// Takes one waiter out of a run that the caller says nothing of; the run goes with its last.
    /// What a caller [says][Caller#runs] of its runs is true before the command begins.
    record Cancel(Claim claim) implements Command {}

    /// A reader's grant shall become a writer's, under the claim it has then.
    record Upgrade(long token, Claim claim) implements Command {}

    /// An upgrade is given up; the reader's grant stays.
    record Abandon(long token) implements Command {}

    /// A writer's grant shall become a reader's. Refused while a branch of it writes or waits to,
    /// and for a permit.
    record Downgrade(long token) implements Command {}

    /// So many write grants may stand side by side from now on. Those that stand beyond that go on.
    /// Refused for what may be a lock, as long as somebody holds it or waits: it is not to be
    /// shared.
    record Resize(int limit) implements Command {}

    /// Moves the expiry of the hold.
    record Renew(long token, long until) implements Command {}

    /// A journal goes by this token, whoever has it: from now on its end must be fenced.
    record Export(long token) implements Command {}

    /// Ends whatever the member has here, which is gone for good.
    record Bury(long member) implements Command {}

    /// Ends the hold with this token by force, and what goes through it.
    ///
    /// @param by who ordered it
    /// @param why for what reason
    record Revoke(long token, String by, String why) implements Command {}

    /// The end of every token of the hold whose newest this is was put down for good.
    record Fenced(long token) implements Command {}

    /// Shows life, and settles what time has ended.
    record Look() implements Command {}
  }

  /// What became of a command. What it granted to the caller stands in [Outcome#grants].
  sealed interface Answer {
    /// It is so.
    record Done() implements Answer {}

    /// It stands in the queue.
    record Queued(Wait place) implements Answer {}

    /// It cannot be, and nothing was changed for it.
    record Refused(Why why) implements Answer {}

    /// There is no such claim or token here, any more or yet.
    record Gone() implements Answer {}
  }

  enum Why {
    HELD,
    QUEUE_FULL,
    DEADLOCK,
    OTHER_LIMIT,
    NO_RENEWALS
  }

  /// A grant that a step made for its caller.
  ///
  /// @param claim the claim that asked or the run that waited; [Claim#NONE] for an upgrade
  /// @param first the token of the first of `count` grants, the others follow it
  /// @param arrival the place in the queue it had, 0 for none or after a turn it let pass
  record Granted(Claim claim, Hold hold, long first, int count, long arrival) {}

  /// What a step does.
  ///
  /// @param changed whether there is anything to swap in
  /// @param state the next state; the old one when nothing changed
  /// @param wake the members that should look at the lock
  /// @param missing when positive, the step needs so many tokens and is to be asked again with them
  record Outcome(
      boolean changed,
      LockState state,
      Answer answer,
      List<Granted> grants,
      Set<Long> wake,
      int missing) {}

  /// How many ends may stand that are to be put down while the lock goes on: a bound for the cell.
  static final int UNWRITTEN = 16;

  private static final Answer DONE = new Answer.Done();
  private static final Answer GONE = new Answer.Gone();

  private final Caller caller;
  private final long now;
  private final Tokens tokens;
  private final Rules rules;
  private final LockState before;
  private final List<Hold> holds;
  private final List<Wait> queue;
  private final List<Granted> grants = new ArrayList<>(1);
  private final Set<Long> wake = new LinkedHashSet<>(2);
  private int limit;
  private long token;
  private long arrival;
  private int taken;
  private boolean changed;
  private long granted;
  private long released;
  private long lost;
  private long queued;
  private long left;

  private LockMachine(LockState state, Caller caller, long now, Tokens tokens, Rules rules) {
    before = state;
    this.caller = caller;
    this.now = now;
    this.tokens = tokens;
    this.rules = rules;
    holds = new ArrayList<>(state.holds());
    queue = new ArrayList<>(state.queue());
    limit = state.limit();
    token = state.token();
    arrival = state.arrival();
  }

  /// One step.
  static Outcome step(
      LockState state, Caller caller, Command command, long now, Tokens tokens, Rules rules) {
    LockMachine machine = new LockMachine(state, caller, now, tokens, rules);
    machine.settle();
    machine.showLife();
    Answer answer = machine.obey(command);
    machine.handOn();
    return machine.outcome(answer);
  }

  /// The run at the queue's tail that one more waiter may join in memory, without a step: nobody
  /// came after it.
  static @Nullable Wait joinable(
      LockState state, long member, Mode mode, int priority, Claim parent) {
    if (state.queue().isEmpty()) {
      return null;
    }
    Wait tail = state.queue().getLast();
    return tail.claim().member() == member
            && tail.mode() == mode
            && tail.priority() == priority
            && tail.parent().equals(parent)
            && tail.present()
            && tail.offered() == 0
            && tail.until() == 0
        ? tail
        : null;
  }

  /// Whether an end stands in the way of every grant until it is put down.
  static boolean blocks(Hold hold, List<Hold> holds) {
    return hold.phase() == Phase.ENDING && (hold.exported() || unwritten(holds) > UNWRITTEN);
  }

  private static int unwritten(List<Hold> holds) {
    int count = 0;
    for (Hold hold : holds) {
      count += hold.unwritten() ? 1 : 0;
    }
    return count;
  }

  /// The next moment at which time alone changes the state, or [Long#MAX_VALUE]; a moment long past
  /// while an end stands in the way.
  static long nextSettling(LockState state) {
    long next = Long.MAX_VALUE;
    for (Hold hold : state.holds()) {
      if (blocks(hold, state.holds())) {
        return Long.MIN_VALUE;
      }
      next = sooner(next, hold.unwritten() ? 0 : hold.until());
    }
    for (Wait wait : state.queue()) {
      next = sooner(sooner(next, wait.offered()), wait.until());
    }
    return next;
  }

  /// Whether a hold is one of those that the limit counts.
  static boolean takesAPermit(Hold hold, LockState state) {
    return hold.phase() != Phase.ENDING
        && hold.mode() == Mode.WRITE
        && !state.stands(hold.parent());
  }

  /// The waiters in the order in which they would be served if nobody else came: those in the queue
  /// by age, priority and arrival, the absent ones last.
  static List<Wait> inOrder(LockState state, Rules rules) {
    List<Wait> rest = new ArrayList<>(state.queue());
    List<Wait> order = new ArrayList<>(rest.size());
    for (int next = first(rest, rules); next >= 0; next = first(rest, rules)) {
      Wait served = rest.remove(next);
      order.add(served);
      rest.replaceAll(wait -> wait.arrival() < served.arrival() ? wait.passed() : wait);
    }
    order.addAll(rest);
    return order;
  }

  /// The first of those in the queue, -1 when nobody of them is present.
  private static int first(List<Wait> queue, Rules rules) {
    int first = -1;
    for (int i = 0; i < queue.size(); i++) {
      Wait wait = queue.get(i);
      if (wait.present() && (first < 0 || wait.priority() < queue.get(first).priority())) {
        first = i;
      }
      if (wait.present() && wait.overtaken() >= rules.overtakes()) {
        break;
      }
    }
    return first;
  }

  private static long sooner(long next, long moment) {
    return moment == 0 ? next : Math.min(next, moment);
  }

  // ---- what time has ended

  private void settle() {
    loseTrees(hold -> over(hold.until()), Ended.EXPIRED);
    for (int i = queue.size() - 1; i >= 0; i--) {
      Wait wait = queue.get(i);
      if (over(wait.until())) {
        left += wait.count();
        removeWait(i);
      } else if (over(wait.offered())) {
        setWait(i, wait.lapsed());
      }
    }
  }

  private boolean over(long moment) {
    return moment != 0 && moment <= now;
  }

  /// The caller lives: its runs are present and stand for what it says.
  private void showLife() {
    for (int i = queue.size() - 1; i >= 0; i--) {
      Wait wait = queue.get(i);
      if (wait.claim().member() != caller.member() || wait.claim().member() == 0) {
        continue;
      }
      Run run = caller.runs().get(wait.claim().number());
      if (run != null && run.count() != wait.count()) {
        queued += Math.max(0, run.count() - wait.count());
        left += Math.max(0, wait.count() - run.count());
        setWait(i, wait.counted(run.count(), caller.command()));
      }
      if (queue.get(i).count() == 0) {
        removeWait(i);
      } else if (queue.get(i).absent()) {
        setWait(i, queue.get(i).seen());
      }
    }
  }

  // ---- commands

  private Answer obey(Command command) {
    return switch (command) {
      case Command.Acquire acquire -> acquire(acquire);
      case Command.Accept taken -> accept(taken);
      case Command.Release release -> release(release);
      case Command.Cancel(Claim claim) -> cancel(claim);
      case Command.Upgrade upgrade -> upgrade(upgrade);
      case Command.Abandon(long upgrading) -> abandon(upgrading);
      case Command.Downgrade(long writing) -> downgrade(writing);
      case Command.Resize(int wanted) -> resize(wanted);
      case Command.Renew(long held, long until) -> renew(held, until);
      case Command.Export(long held) -> export(held);
      case Command.Leave leaving -> leave(leaving);
      case Command.Detach detaching -> detach(detaching);
      case Command.Restore lost -> restore(lost);
      case Command.Bury(long member) -> bury(member);
      case Command.Revoke(long held, String by, String why) ->
          revoke(held, new Ended(Ended.Kind.REVOKED, by, why));
      case Command.Fenced(long ended) -> fenced(ended);
      case Command.Look() -> DONE;
    };
  }

  private Answer acquire(Command.Acquire wanted) {
    int standing = waitOf(wanted.claim());
    if (standing >= 0) {
      if (wanted.claim().member() == 0 && queue.get(standing).absent()) {
        setWait(standing, queue.get(standing).seen());
      }
      return new Answer.Queued(queue.get(standing));
    }
    if (grantedBefore(wanted.claim())) {
      return DONE;
    }
    for (Claim ancestor : wanted.ancestors()) {
      Hold parent = liveHold(ancestor);
      if (parent != null) {
        return branch(wanted, parent);
      }
    }
    if (wanted.limit() != limit) {
      if (before.token() != 0 || !before.idle() || limit != 1) {
        return new Answer.Refused(Why.OTHER_LIMIT);
      }
      limit = wanted.limit();
    }
    if (free(wanted.mode()) && nobodyWaits()) {
      grant(wanted.claim(), wanted.mode(), 1, wanted.until(), Claim.NONE, wanted.reason());
      return DONE;
    }
    return wanted.queue() ? enqueue(wanted, Claim.NONE) : new Answer.Refused(Why.HELD);
  }

  /// Whether a detached claim, which bears no mark of its caller's commands, is granted already.
  private boolean grantedBefore(Claim claim) {
    Hold detached = claim.member() == 0 ? liveHold(claim) : null;
    if (detached != null) {
      grants.add(new Granted(claim, detached, detached.token(), 1, 0));
    }
    return detached != null;
  }

  /// A branch of a reader cannot write: its own ancestor would never let it.
  private Answer branch(Command.Acquire wanted, Hold parent) {
    if (wanted.mode() == Mode.WRITE && parent.mode() == Mode.READ) {
      return new Answer.Refused(Why.DEADLOCK);
    }
    if (branchIsFree(parent.claim()) && !siblingsWait(parent.claim())) {
      grantBranch(wanted.claim(), wanted.mode(), parent, wanted.reason());
      return DONE;
    }
    return wanted.queue() ? enqueue(wanted, parent.claim()) : new Answer.Refused(Why.HELD);
  }

  private Answer enqueue(Command.Acquire wanted, Claim parent) {
    if (queue.size() >= rules.maxWaiters()) {
      return new Answer.Refused(Why.QUEUE_FULL);
    }
    Wait wait =
        new Wait(
            wanted.claim(),
            wanted.mode(),
            ++arrival,
            wanted.priority(),
            0,
            1,
            caller.command(),
            now,
            0,
            false,
            false,
            wanted.ticket(),
            parent,
            wanted.reason());
    queue.add(wait);
    queued++;
    changed = true;
    return new Answer.Queued(wait);
  }

  private Answer accept(Command.Accept taken) {
    int at = waitOf(taken.claim());
    if (at < 0 || !mine(taken.claim())) {
      return grantedBefore(taken.claim()) ? DONE : GONE;
    }
    Wait wait = queue.get(at);
    if (wait.offered() == 0) {
      if (wait.absent() || taken.ticket() > wait.until()) {
        setWait(at, wait.seen().lasting(Math.max(wait.until(), taken.ticket())));
      }
      return new Answer.Queued(queue.get(at));
    }
    Wait ready = wait.offeredUntil(0);
    setWait(at, taken.reason().isEmpty() ? ready : ready.saying(taken.reason()));
    grantWait(queue.get(at), taken.until());
    return DONE;
  }

  private Answer leave(Command.Leave leaving) {
    if (waitOf(leaving.ticket()) >= 0 || liveHold(leaving.ticket()) != null) {
      return DONE;
    }
    int at = waitOf(leaving.claim());
    if (at < 0 || leaving.claim().member() != caller.member()) {
      return GONE;
    }
    Wait wait = queue.get(at);
    if (wait.count() != 1 || !wait.parent().equals(Claim.NONE)) {
      return new Answer.Refused(Why.HELD);
    }
    setWait(at, wait.left(leaving.ticket(), leaving.until(), leaving.reason()));
    return DONE;
  }

  private Answer detach(Command.Detach detaching) {
    if (liveHold(detaching.claim()) != null) {
      return DONE;
    }
    int at = holdOf(detaching.token(), caller.member());
    if (at < 0) {
      return GONE;
    }
    Hold hold = holds.get(at);
    if (hold.phase() != Phase.HELD || !hold.parent().equals(Claim.NONE) || isParent(hold.claim())) {
      return new Answer.Refused(Why.HELD);
    }
    int one = apart(at, detaching.token(), detaching.claim());
    setHold(
        one,
        holds
            .get(one)
            .detached(detaching.claim(), detaching.until(), detaching.reason(), caller.command()));
    return DONE;
  }

  private boolean isParent(Claim claim) {
    return holds.stream().anyMatch(hold -> hold.parent().equals(claim))
        || queue.stream().anyMatch(wait -> wait.parent().equals(claim));
  }

  private Answer restore(Command.Restore lost) {
    if (holds.stream().anyMatch(hold -> hold.claim().equals(lost.claim()))) {
      return DONE;
    }
    token = Math.max(token, lost.token());
    holds.add(
        new Hold(
            lost.claim(),
            lost.mode(),
            Phase.HELD,
            lost.token(),
            List.of(),
            1,
            caller.command(),
            now,
            lost.until(),
            Claim.NONE,
            true,
            lost.reason()));
    changed = true;
    granted++;
    return DONE;
  }

  private Answer release(Command.Release wanted) {
    boolean any = wanted.claim().equals(Claim.NONE);
    int at = any ? holdOf(wanted.token()) : holdOf(wanted.token(), wanted.claim().member());
    if (at < 0 || !mine(holds.get(at).claim()) || !meant(holds.get(at), wanted.claim())) {
      return GONE;
    }
    Hold hold = holds.get(at);
    released++;
    if (hold.count() > 1) {
      setHold(at, hold.without(wanted.token(), caller.command()));
    } else {
      end(at, false, Ended.RELEASED, keptUntil(hold));
    }
    return DONE;
  }

  /// Until when nobody else is granted, though a hold is given back now; 0 for at once.
  private long keptUntil(Hold hold) {
    if (hold.claim().member() != 0) {
      return 0;
    }
    long kept = hold.since() + Terms.read(hold.reason()).bounds().atLeast().toNanos();
    return kept <= now ? 0 : kept;
  }

  private static boolean meant(Hold hold, Claim claim) {
    return claim.equals(Claim.NONE)
        || (hold.parent().equals(Claim.NONE) && claim.member() != 0)
        || hold.claim().equals(claim);
  }

  private Answer cancel(Claim claim) {
    int at = waitOf(claim);
    if (at < 0 || !mine(claim)) {
      return GONE;
    }
    if (runOf(claim) != null) {
      return DONE;
    }
    Wait wait = queue.get(at);
    left++;
    if (wait.count() == 1) {
      removeWait(at);
    } else {
      setWait(at, wait.counted(wait.count() - 1, caller.command()));
    }
    return DONE;
  }

  private Answer upgrade(Command.Upgrade wanted) {
    int at = holdOf(wanted.token());
    if (at < 0) {
      return GONE;
    }
    Hold hold = holds.get(at);
    if (hold.mode() == Mode.WRITE || hold.phase() == Phase.UPGRADING) {
      return DONE;
    }
    if (!hold.parent().equals(Claim.NONE)
        || holds.stream().anyMatch(other -> other.phase() == Phase.UPGRADING)) {
      return new Answer.Refused(Why.DEADLOCK);
    }
    int reader = apart(at, wanted.token(), wanted.claim());
    setHold(reader, holds.get(reader).in(Phase.UPGRADING, caller.command()));
    return DONE;
  }

  private Answer abandon(long upgrading) {
    int at = holdOf(upgrading);
    if (at < 0) {
      return GONE;
    }
    if (holds.get(at).phase() == Phase.UPGRADING) {
      setHold(at, holds.get(at).in(Phase.HELD, caller.command()));
    }
    return DONE;
  }

  private Answer downgrade(long writing) {
    int at = holdOf(writing);
    if (at < 0) {
      return GONE;
    }
    Hold hold = holds.get(at);
    if (hold.mode() == Mode.READ) {
      return DONE;
    }
    if (limit > 1 || othersWrite(hold) || branchesWrite(hold.claim())) {
      return new Answer.Refused(Why.HELD);
    }
    setHold(at, hold.as(Mode.READ, hold.token(), caller.command()));
    return DONE;
  }

  private boolean othersWrite(Hold hold) {
    return !covered(hold)
        && (holds.stream()
                .anyMatch(other ->
                    !other.equals(hold)
                        && other.mode() == Mode.WRITE
                        && !other.unwritten()
                        && !covered(other))
            || queue.stream().anyMatch(wait -> wait.offered() != 0 && inMainQueue(wait)));
  }

  private boolean branchesWrite(Claim parent) {
    return holds.stream()
            .anyMatch(hold -> hold.mode() == Mode.WRITE && hold.parent().equals(parent))
        || queue.stream()
            .anyMatch(wait -> wait.mode() == Mode.WRITE && wait.parent().equals(parent));
  }

  private Answer resize(int wanted) {
    if (limit == 1 && wanted != 1 && !idle()) {
      return new Answer.Refused(Why.HELD);
    }
    changed |= wanted != limit;
    limit = wanted;
    return DONE;
  }

  private Answer renew(long held, long until) {
    int at = holdOf(held);
    if (at < 0) {
      return GONE;
    }
    Hold hold = holds.get(at);
    if (hold.claim().member() == 0) {
      return renewLease(at, Terms.read(hold.reason()), until);
    }
    int one = apart(at, held, hold.claim());
    setHold(one, holds.get(one).endingAt(until, caller.command()));
    return DONE;
  }

  /// To the moment at which it ends anyway is no other renewal: the same one, repeated.
  private Answer renewLease(int at, Terms terms, long until) {
    Hold lease = holds.get(at);
    if (lease.until() == until) {
      return DONE;
    }
    if (terms.bounds().renewals() == 0) {
      return new Answer.Refused(Why.NO_RENEWALS);
    }
    Hold renewed = lease.endingAt(until, caller.command());
    setHold(at, renewed.saying(terms.renewed().write()));
    return DONE;
  }

  private Answer export(long held) {
    int at = firstOf(hold -> hold.has(held));
    if (at < 0) {
      return GONE;
    }
    if (firstOf(hold -> hold.has(held) && hold.exported()) < 0) {
      bind(at, held);
    }
    return DONE;
  }

  /// Marks one token of a row as one whose end must be fenced.
  private void bind(int at, long held) {
    int one = apart(at, held, holds.get(at).claim());
    setHold(one, holds.get(one).exportedBy(markOf(holds.get(one))));
  }

  /// The number of a command that touches a row: the caller's own on its rows, no other on others'.
  private long markOf(Hold hold) {
    return mine(hold.claim()) ? caller.command() : hold.command();
  }

  /// What is detached has no member, and nobody's death ends it.
  private Answer bury(long member) {
    boolean found = false;
    for (int i = holds.size() - 1; i >= 0 && member != 0; i--) {
      Hold hold = holds.get(i);
      if (hold.claim().member() == member && hold.phase() != Phase.ENDING) {
        found = true;
        lose(i, Ended.DIED);
      }
    }
    for (int i = queue.size() - 1; i >= 0 && member != 0; i--) {
      if (queue.get(i).claim().member() == member) {
        found = true;
        left += queue.get(i).count();
        removeWait(i);
      }
    }
    return found ? DONE : GONE;
  }

  private Answer revoke(long held, Ended how) {
    return loseTrees(hold -> hold.has(held), how) ? DONE : GONE;
  }

  private Answer fenced(long ended) {
    boolean found = false;
    for (int i = holds.size() - 1; i >= 0; i--) {
      Hold hold = holds.get(i);
      if (hold.phase() == Phase.ENDING && hold.token() == ended) {
        found = true;
        removeHold(i);
        if (hold.until() > now) {
          keep(hold);
        }
      }
    }
    return found ? DONE : GONE;
  }

  /// Grants the lock to nobody, until a lease that was given back has stood for its least time.
  private void keep(Hold ended) {
    grant(
        new Claim(0, -ended.token()),
        ended.mode(),
        1,
        ended.until(),
        Claim.NONE,
        Terms.read(Ended.said(ended.reason())).kept().write());
    grants.removeLast();
  }

  // ---- handing on

  private void handOn() {
    handOnToBranches();
    int upgrading = upgrader();
    if (upgrading >= 0) {
      finishUpgrade(upgrading);
      return;
    }
    for (int next = next(); next >= 0 && free(queue.get(next).mode()); next = next()) {
      giveTo(next);
    }
    if (!occupied()) {
      queue.forEach(wait -> wake.add(wait.claim().member()));
    }
  }

  private void giveTo(int at) {
    Wait wait = queue.get(at);
    overtake(wait);
    if (wait.claim().member() == caller.member() && wait.claim().member() != 0) {
      grantWait(queue.get(at), 0);
    } else {
      offer(at);
    }
  }

  private void offer(int at) {
    Wait wait = queue.get(at);
    long window = wait.claim().member() == 0 ? rules.ticketOffer() : rules.offer();
    setWait(at, wait.offeredUntil(now + window));
    wake.add(wait.claim().member());
  }

  private void overtake(Wait winner) {
    for (int i = 0; i < queue.size(); i++) {
      Wait other = queue.get(i);
      if (other.arrival() < winner.arrival()
          && other.present()
          && other.offered() == 0
          && inMainQueue(other)) {
        setWait(i, other.passed());
      }
    }
  }

  /// Who is next: the lowest (priority, arrival) of those that came no later than the first who may
  /// not be overtaken again.
  private int next() {
    int best = -1;
    for (int i = 0; i < queue.size(); i++) {
      Wait wait = queue.get(i);
      if (!wait.present() || wait.offered() != 0 || !inMainQueue(wait)) {
        continue;
      }
      if (best < 0 || wait.priority() < queue.get(best).priority()) {
        best = i;
      }
      if (wait.overtaken() >= rules.overtakes()) {
        break;
      }
    }
    return best;
  }

  private void handOnToBranches() {
    for (int i = 0; i < queue.size(); i++) {
      Wait wait = queue.get(i);
      if (wait.parent().equals(Claim.NONE) || !wait.present() || wait.offered() != 0) {
        continue;
      }
      Hold parent = liveHold(wait.parent());
      if (parent == null || !branchIsFree(wait.parent())) {
        continue;
      }
      if (wait.claim().member() == caller.member()) {
        int sizeBefore = queue.size();
        grantWait(wait, 0);
        i -= sizeBefore - queue.size();
      } else {
        offer(i);
      }
    }
  }

  private int upgrader() {
    for (int i = 0; i < holds.size(); i++) {
      if (holds.get(i).phase() == Phase.UPGRADING) {
        return i;
      }
    }
    return -1;
  }

  private void finishUpgrade(int at) {
    Hold hold = holds.get(at);
    boolean alone =
        holds.stream().allMatch(other -> other.equals(hold) || standsAside(other))
            && queue.stream().noneMatch(wait -> wait.offered() != 0);
    if (!alone) {
      return;
    }
    boolean own = hold.claim().member() == caller.member();
    long first = take(1);
    Hold writing = hold.as(Mode.WRITE, first, own ? caller.command() : hold.command());
    setHold(at, writing);
    granted++;
    released++;
    if (own) {
      grants.add(new Granted(Claim.NONE, writing, first, 1, 0));
    } else {
      wake.add(hold.claim().member());
    }
  }

  // ---- what may stand beside what

  private boolean free(Mode mode) {
    int writers = 0;
    int readers = 0;
    for (Hold hold : holds) {
      if (hold.phase() == Phase.UPGRADING || blocks(hold, holds)) {
        return false;
      }
      if (hold.unwritten() || covered(hold)) {
        continue;
      }
      writers += hold.mode() == Mode.WRITE ? 1 : 0;
      readers += hold.mode() == Mode.READ ? 1 : 0;
    }
    for (Wait wait : queue) {
      if (wait.offered() != 0 && inMainQueue(wait)) {
        writers += wait.mode() == Mode.WRITE ? 1 : 0;
        readers += wait.mode() == Mode.READ ? 1 : 0;
      }
    }
    return mode == Mode.READ ? writers == 0 : readers == 0 && writers < limit;
  }

  /// A branch whose parent still stands takes no room of its own.
  private boolean covered(Hold hold) {
    return !hold.parent().equals(Claim.NONE) && liveHold(hold.parent()) != null;
  }

  private boolean nobodyWaits() {
    for (Wait wait : queue) {
      if (wait.present() && inMainQueue(wait)) {
        return false;
      }
    }
    return true;
  }

  /// An end that only has to be put down, some time.
  private boolean standsAside(Hold hold) {
    return hold.unwritten() && !blocks(hold, holds);
  }

  private boolean idle() {
    return holds.isEmpty() && queue.isEmpty();
  }

  private boolean occupied() {
    for (Hold hold : holds) {
      if (!standsAside(hold)) {
        return true;
      }
    }
    return queue.stream().anyMatch(wait -> wait.offered() != 0);
  }

  /// A wait for a branch leaves the main queue aside as long as its parent stands.
  private boolean inMainQueue(Wait wait) {
    return wait.parent().equals(Claim.NONE) || liveHold(wait.parent()) == null;
  }

  private boolean branchIsFree(Claim parent) {
    return holds.stream().noneMatch(hold -> hold.parent().equals(parent))
        && queue.stream().noneMatch(wait -> wait.offered() != 0 && wait.parent().equals(parent));
  }

  private boolean siblingsWait(Claim parent) {
    return queue.stream().anyMatch(wait -> wait.present() && wait.parent().equals(parent));
  }

  private @Nullable Hold liveHold(Claim claim) {
    if (claim.equals(Claim.NONE)) {
      return null;
    }
    for (Hold hold : holds) {
      if (hold.claim().equals(claim) && hold.phase() != Phase.ENDING) {
        return hold;
      }
    }
    return null;
  }

  // ---- granting

  private void grantWait(Wait wait, long until) {
    Run run = runOf(wait.claim());
    long number = run == null ? wait.claim().number() : run.next();
    Claim claim = new Claim(wait.claim().member(), number);
    int at = waitOf(wait.claim());
    Hold parent = liveHold(wait.parent());
    int count = wait.mode() == Mode.READ && parent == null ? wait.count() : 1;
    if (wait.count() > count) {
      setWait(at, wait.counted(wait.count() - count, caller.command()));
    } else {
      removeWait(at);
    }
    if (parent != null) {
      grantBranch(claim, wait.mode(), parent, wait.reason());
    } else {
      grant(claim, wait.mode(), count, until, Claim.NONE, wait.reason());
    }
    Granted made = grants.removeLast();
    long place = wait.late() ? 0 : wait.arrival();
    grants.add(new Granted(wait.claim(), made.hold(), made.first(), made.count(), place));
  }

  private void grant(Claim claim, Mode mode, int count, long until, Claim parent, String reason) {
    long first = take(count);
    granted += count;
    int group = mode == Mode.READ && until == 0 ? groupOf(claim.member(), reason) : -1;
    Hold hold;
    if (group >= 0) {
      Hold old = holds.get(group);
      hold = old.joined(first, count, caller.command());
      setHold(group, hold);
    } else {
      hold =
          new Hold(
              claim,
              mode,
              Phase.HELD,
              token,
              LongStream.range(first, token).boxed().toList(),
              count,
              caller.command(),
              now,
              until,
              parent,
              claim.member() == 0,
              reason);
      holds.add(hold);
      changed = true;
    }
    grants.add(new Granted(claim, hold, first, count, 0));
  }

  private void grantBranch(Claim claim, Mode mode, Hold parent, String reason) {
    Hold hold =
        new Hold(
            claim,
            mode,
            Phase.HELD,
            parent.token(),
            List.of(),
            1,
            caller.command(),
            now,
            0,
            parent.claim(),
            false,
            reason);
    holds.add(hold);
    changed = true;
    granted++;
    grants.add(new Granted(claim, hold, parent.token(), 1, 0));
  }

  /// The readers' hold of this member that one more may share.
  private int groupOf(long member, String reason) {
    for (int i = 0; i < holds.size(); i++) {
      Hold hold = holds.get(i);
      if (member != 0
          && hold.claim().member() == member
          && hold.mode() == Mode.READ
          && hold.phase() == Phase.HELD
          && hold.until() == 0
          && !hold.exported()
          && hold.parent().equals(Claim.NONE)
          && hold.reason().equals(reason)) {
        return i;
      }
    }
    return -1;
  }

  /// The first of `count` tokens in a row. Those at or below the lock's last are passed over; when
  /// too few were drawn the step is void and says how many it needs.
  private long take(int count) {
    long first = tokens.first() + taken;
    taken += count;
    if ((tokens.count() > 0 && first <= before.token()) || first + count - 1 > Fence.MAX_TOKEN) {
      throw new IllegalArgumentException(
          "token " + first + " does not rise above " + before.token() + ", the lock's last");
    }
    token = first + count - 1;
    return first;
  }

  // ---- rows

  /// The caller's hold that has this token; else the detached one, whoever calls.
  private int holdOf(long wanted) {
    int own = holdOf(wanted, caller.member());
    return own >= 0 ? own : holdOf(wanted, 0);
  }

  private int holdOf(long wanted, long member) {
    for (int i = 0; i < holds.size(); i++) {
      Hold hold = holds.get(i);
      if (hold.claim().member() == member && hold.phase() != Phase.ENDING && hold.has(wanted)) {
        return i;
      }
    }
    return -1;
  }

  private int waitOf(Claim claim) {
    for (int i = 0; i < queue.size(); i++) {
      if (queue.get(i).claim().equals(claim)) {
        return i;
      }
    }
    return -1;
  }

  /// Whether the caller may speak for a claim: its own, and any that is detached.
  private boolean mine(Claim claim) {
    return claim.member() == caller.member() || claim.member() == 0;
  }

  /// What the caller says of a run of its own.
  private @Nullable Run runOf(Claim claim) {
    return claim.member() == caller.member() ? caller.runs().get(claim.number()) : null;
  }

  /// The row of one grant alone, which is taken out of its group if it stands in one.
  private int apart(int at, long wanted, Claim claim) {
    Hold hold = holds.get(at);
    if (hold.count() == 1) {
      return at;
    }
    long mark = markOf(hold);
    setHold(at, hold.without(wanted, mark));
    holds.add(hold.only(wanted, claim, mark));
    return holds.size() - 1;
  }

  /// Ends by time or force every hold that is meant, and what goes through it. Whether there was
  /// any.
  private boolean loseTrees(Predicate<Hold> meant, Ended how) {
    boolean found = false;
    for (int at = firstOf(meant); at >= 0; at = firstOf(meant)) {
      found = true;
      loseTree(at, how);
    }
    return found;
  }

  private int firstOf(Predicate<Hold> meant) {
    for (int i = 0; i < holds.size(); i++) {
      if (holds.get(i).phase() != Phase.ENDING && meant.test(holds.get(i))) {
        return i;
      }
    }
    return -1;
  }

  private void loseTree(int at, Ended how) {
    Claim root = holds.get(at).claim();
    Set<Claim> branches = rowsOf(root) == 1 ? branchesOf(root) : Set.of();
    lose(at, how);
    loseTrees(hold -> branches.contains(hold.claim()), how);
  }

  private Set<Claim> branchesOf(Claim root) {
    return holds.stream()
        .filter(hold -> hold.parent().equals(root))
        .map(Hold::claim)
        .collect(Collectors.toSet());
  }

  private long rowsOf(Claim claim) {
    return holds.stream()
        .filter(hold -> hold.claim().equals(claim) && hold.phase() != Phase.ENDING)
        .count();
  }

  /// Ends a hold against its holder's will, or without it.
  private void lose(int at, Ended how) {
    Hold hold = holds.get(at);
    lost += hold.count();
    wake.add(hold.claim().member());
    end(at, true, how, 0);
  }

  /// Ends a hold. Unless that is quiet, the tokens that nobody else goes on with stand as ending
  /// until that was put down for good.
  private void end(int at, boolean lostIt, Ended how, long kept) {
    Hold hold = holds.remove(at);
    changed = true;
    bequeath(hold);
    if (lostIt || hold.exported()) {
      List<Long> rest = new ArrayList<>();
      for (long ended : hold.tokens()) {
        if (!leftToAnother(ended, hold.exported())) {
          rest.add(ended);
        }
      }
      if (!rest.isEmpty()) {
        holds.add(at, hold.ending(rest, caller.command(), how, kept));
      }
    }
  }

  /// Whether a grant goes on with this token, a parent or a branch. It fences it in the end, if it
  /// has to be.
  private boolean leftToAnother(long ended, boolean fence) {
    for (int i = 0; i < holds.size(); i++) {
      if (holds.get(i).phase() != Phase.ENDING && holds.get(i).has(ended)) {
        if (fence) {
          bind(i, ended);
        }
        return true;
      }
    }
    return false;
  }

  /// The branches of a hold that is gone go on under its parent, or on their own. What goes on with
  /// its token has to fence it in its stead.
  private void bequeath(Hold gone) {
    if (liveHold(gone.claim()) != null) {
      return;
    }
    for (int i = 0; i < holds.size(); i++) {
      if (holds.get(i).parent().equals(gone.claim())) {
        setHold(i, holds.get(i).under(gone.parent(), gone.exported()));
      }
    }
    for (int i = 0; i < queue.size(); i++) {
      if (queue.get(i).parent().equals(gone.claim())) {
        setWait(i, queue.get(i).under(gone.parent()));
      }
    }
  }

  private void setHold(int at, Hold hold) {
    holds.set(at, hold);
    changed = true;
  }

  private void removeHold(int at) {
    holds.remove(at);
    changed = true;
  }

  private void setWait(int at, Wait wait) {
    queue.set(at, wait);
    changed = true;
  }

  private void removeWait(int at) {
    queue.remove(at);
    changed = true;
  }

  private Outcome outcome(Answer answer) {
    wake.remove(caller.member());
    wake.remove(0L);
    if (taken > tokens.count()) {
      return new Outcome(false, before, answer, List.of(), Set.of(), taken);
    }
    if (!changed) {
      return new Outcome(false, before, answer, grants, wake, 0);
    }
    Counters counters = before.counters().plus(granted, released, lost, queued, left);
    LockState next =
        new LockState(limit, token, arrival, List.copyOf(holds), List.copyOf(queue), counters);
    return new Outcome(true, next, answer, grants, wake, 0);
  }
}
