package dev.truce.lock;

import dev.truce.Owner;
import dev.truce.lock.LockMachine.Answer;
import dev.truce.lock.LockMachine.Caller;
import dev.truce.lock.LockMachine.Command;
import dev.truce.lock.LockMachine.Granted;
import dev.truce.lock.LockMachine.Outcome;
import dev.truce.lock.LockMachine.Rules;
import dev.truce.lock.LockMachine.Run;
import dev.truce.lock.LockMachine.Tokens;
import dev.truce.lock.LockPlan.Act;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.LockState.Hold;
import dev.truce.lock.LockState.Phase;
import dev.truce.lock.LockState.Wait;
import dev.truce.lock.NamedLock.Mode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Consumer;

/// One lock, the members around it and their actors, without threads or an engine: everything that
/// may happen next is an [Option].
///
/// A member does what a process does: its waiting actors stand in runs, one that finds its run at
/// the queue's end joins it in memory, and grants are handed to the first of the run. Every step of
/// the machine is judged by [LockReferee].
///
/// Beside the cell stands a journal: an end is written there, later it is safe there, and only then
/// it is done with. When the machine stops, the cell is gone, what was only written is gone, and
/// the leases that are not ended there are restored.
final class LockWorld {
  /// The machine, or something that pretends to be it.
  interface Stepper {
    Outcome step(
        LockState state, Caller caller, Command command, long now, Tokens tokens, Rules rules);
  }

  /// Something that may happen.
  record Option(String who, String what, Consumer<LockWorld> happens) {
    Option(String name, Consumer<LockWorld> happens) {
      this("", name, happens);
    }

    String name() {
      return who + what;
    }

    /// What would be most of a long life if it happened as often as everything else.
    boolean rare() {
      return what.contains("revokes") || what.contains("looks") || what.contains("dies");
    }
  }

  /// The machine did what it must not do.
  static final class Violation extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Violation(String what) {
      super(what);
    }
  }

  enum Stage {
    IDLE,
    WAITING,
    HOLDING,
    UPGRADING
  }

  /// One who wants the lock. Immutable, replaced in its world.
  private record Actor(long member, Stage stage, long claim, long token, Mode mode, int acquired) {
    /// Outlives its process, with what it has.
    Actor detached(long newClaim) {
      return new Actor(0, stage, newClaim, token, mode, acquired);
    }

    Actor at(Stage newStage) {
      return new Actor(member, newStage, claim, token, mode, acquired);
    }

    Actor asking(long newClaim, Mode newMode) {
      return new Actor(member, Stage.WAITING, newClaim, 0, newMode, acquired + 1);
    }

    Actor holding(long newClaim, long newToken, Mode newMode) {
      return new Actor(member, Stage.HOLDING, newClaim, newToken, newMode, acquired);
    }

    boolean ticket() {
      return member == 0;
    }
  }

  private final LockPlan plan;

  /// What every lease and ticket says of itself.
  private final String terms;

  private final Stepper stepper;
  private final Actor[] actors;
  private final String[] names;
  private final boolean[] dead;
  private final long[] home;

  /// Tokens that a journal goes by and whose end is not safe yet.
  private final TreeSet<Long> bound;

  /// Tokens whose end is written, and those whose end is safe as well.
  private final TreeSet<Long> written;

  private final TreeSet<Long> safe;

  /// The leases that were answered, by their token.
  private final Map<Long, Command.Restore> leases;

  /// By the number of a run's claim, the actors that wait in it; a number tells its member.
  private final Map<Long, List<Integer>> runs;

  private LockState state = LockState.IDLE;
  private long now = 1000;
  private long drawn = 100;
  private long commands;
  private int deaths;
  private int stops;
  private boolean judged = true;

  LockWorld(LockPlan plan, Stepper stepper) {
    this.plan = plan;
    terms =
        new Terms(
                new Owner("o", "h", 0),
                Duration.ofNanos(LockPlan.TERM),
                plan.allows(Act.BOUNDS)
                    ? new Bounds(1, Duration.ofNanos(LockPlan.LEAST_HOLD))
                    : Bounds.NONE,
                "")
            .write();
    this.stepper = stepper;
    List<Actor> all = new ArrayList<>();
    for (int member = 0; member < plan.actors().size(); member++) {
      for (int i = 0; i < plan.actors().get(member); i++) {
        all.add(new Actor(member, Stage.IDLE, 0, 0, Mode.READ, 0));
      }
    }
    actors = all.toArray(new Actor[0]);
    names = new String[actors.length];
    for (int at = 0; at < names.length; at++) {
      names[at] = actors[at].ticket() ? "ticket " + at : "m" + actors[at].member() + "." + at;
    }
    dead = new boolean[plan.actors().size()];
    runs = new LinkedHashMap<>();
    home = new long[actors.length];
    for (int at = 0; at < home.length; at++) {
      home[at] = actors[at].member();
    }
    bound = new TreeSet<>();
    written = new TreeSet<>();
    safe = new TreeSet<>();
    leases = new LinkedHashMap<>();
  }

  private LockWorld(LockWorld other) {
    plan = other.plan;
    terms = other.terms;
    stepper = other.stepper;
    actors = other.actors.clone();
    names = other.names;
    dead = other.dead.clone();
    home = other.home;
    bound = new TreeSet<>(other.bound);
    written = new TreeSet<>(other.written);
    safe = new TreeSet<>(other.safe);
    leases = new LinkedHashMap<>(other.leases);
    stops = other.stops;
    runs = new LinkedHashMap<>();
    other.runs.forEach((claim, waiting) -> runs.put(claim, new ArrayList<>(waiting)));
    state = other.state;
    now = other.now;
    drawn = other.drawn;
    commands = other.commands;
    deaths = other.deaths;
  }

  LockWorld copy() {
    return new LockWorld(this);
  }

  // ---- what may happen

  List<Option> options() {
    List<Option> options = new ArrayList<>();
    for (int actor = 0; actor < actors.length; actor++) {
      if (!dead[(int) actors[actor].member()] && someoneLives()) {
        options(actor, options);
      }
    }
    for (long member = 1; member <= plan.members(); member++) {
      if (!dead[(int) member]) {
        options(member, options);
      }
    }
    if (plan.allows(Act.TIME) && LockMachine.nextSettling(state) != Long.MAX_VALUE) {
      options.add(new Option("time passes", LockWorld::timePasses));
    }
    return options;
  }

  private void options(int at, List<Option> options) {
    Actor actor = actors[at];
    String who = name(at);
    switch (actor.stage()) {
      case IDLE -> {
        if (actor.acquired() < plan.acquires()) {
          acquires(at, options);
        }
        if (actor.token() != 0) {
          renewsLate(at, options);
        }
      }
      case WAITING -> waits(at, options);
      case HOLDING -> {
        if (stands(actor) || plan.allows(Act.STALE)) {
          options.add(new Option(who, " releases", world -> world.release(at)));
        }
        changes(at, options);
      }
      case UPGRADING -> {
        options.add(new Option(who, " abandons", world -> world.abandon(at)));
        options.add(new Option(who, " releases", world -> world.release(at)));
      }
    }
  }

  private void acquires(int at, List<Option> options) {
    for (Mode mode : Mode.values()) {
      if (!plan.allows(mode == Mode.READ ? Act.READ : Act.WRITE)) {
        continue;
      }
      for (int priority : plan.priorities()) {
        String how = mode + (priority == 0 ? "" : " with priority " + priority);
        options.add(
            new Option(
                name(at) + " asks to " + how,
                world -> world.acquire(at, mode, priority, true, false)));
      }
      if (plan.allows(Act.TRY)) {
        options.add(
            new Option(
                name(at) + " tries to " + mode, world -> world.acquire(at, mode, 0, false, false)));
      }
      if (plan.allows(Act.TERM) && !actors[at].ticket()) {
        options.add(
            new Option(
                name(at) + " tries to " + mode + " for a term",
                world -> world.acquire(at, mode, 0, false, true)));
      }
    }
  }

  private void waits(int at, List<Option> options) {
    Actor actor = actors[at];
    if (plan.allows(Act.CANCEL)) {
      options.add(new Option(name(at), " cancels", world -> world.cancel(at)));
    }
    Wait wait = waitOf(actor);
    if (wait != null && wait.offered() != 0) {
      options.add(new Option(name(at), " accepts", world -> world.accept(at)));
    }
    if (plan.allows(Act.LEASE) && !actor.ticket()) {
      options.add(new Option(name(at), " leaves a ticket", world -> world.ticket(at)));
    }
    if (actor.ticket()) {
      if (wait == null) {
        options.add(new Option(name(at), " finds its ticket void", world -> world.idle(at)));
      } else if (wait.absent()) {
        options.add(new Option(name(at), " asks again", world -> world.askAgain(at)));
      }
    }
  }

  private void changes(int at, List<Option> options) {
    Actor actor = actors[at];
    if (!stands(actor)) {
      renewsLate(at, options);
      return;
    }
    if (plan.allows(Act.UPGRADE) && actor.mode() == Mode.READ) {
      options.add(new Option(name(at), " upgrades", world -> world.upgrade(at)));
    }
    if (plan.allows(Act.DOWNGRADE) && actor.mode() == Mode.WRITE) {
      options.add(new Option(name(at), " downgrades", world -> world.downgrade(at)));
    }
    if (plan.allows(Act.TERM)) {
      options.add(new Option(name(at), " renews", world -> world.renew(at)));
    }
    if (plan.allows(Act.LEASE) && !actor.ticket()) {
      options.add(new Option(name(at), " makes it a lease", world -> world.detach(at)));
    }
  }

  private void renewsLate(int at, List<Option> options) {
    if (plan.allows(Act.TERM) && plan.allows(Act.STALE)) {
      options.add(new Option(name(at), " renews what it had", world -> world.renew(at)));
    }
  }

  private void options(long member, List<Option> options) {
    options.add(new Option("m" + member + " looks", world -> world.look(member)));
    if (deaths < plan.deaths()) {
      options.add(new Option("m" + member + " dies", world -> world.die(member)));
    }
    for (long other = 1; other <= plan.members(); other++) {
      long gone = other;
      if (dead[(int) other] && appears(other)) {
        options.add(
            new Option("m" + member + " buries m" + gone, world -> world.bury(member, gone)));
      }
    }
    for (Hold hold : state.holds()) {
      long token = hold.token();
      if (hold.phase() == Phase.ENDING) {
        completes(member, hold, options);
        continue;
      }
      if (plan.allows(Act.REVOKE)) {
        options.add(
            new Option("m" + member + " revokes " + token, world -> world.revoke(member, token)));
      }
      if (plan.allows(Act.EXPORT) && !hold.exported()) {
        options.add(
            new Option(
                "m" + member + " writes by " + token,
                world -> world.command(member, new Command.Export(token))));
      }
    }
    if (plan.allows(Act.STOP) && stops == 0) {
      options.add(new Option("the machine stops", LockWorld::stop));
    }
  }

  /// Whoever finds an end half done goes on where it stands.
  private void completes(long member, Hold hold, List<Option> options) {
    String who = "m" + member;
    if (!written.containsAll(hold.tokens())) {
      options.add(
          new Option(who + " puts down " + hold.tokens(), w -> w.written.addAll(hold.tokens())));
    } else if (!safe.containsAll(hold.tokens())) {
      options.add(new Option("the disk has " + hold.tokens(), w -> w.safe.addAll(hold.tokens())));
    }
    if (safe.containsAll(hold.tokens())
        || (plan.allows(Act.HASTY) && written.containsAll(hold.tokens()))) {
      options.add(
          new Option(
              who + " has fenced " + hold.token(), world -> world.fenced(member, hold.token())));
    }
  }

  // ---- what happens

  private void acquire(int at, Mode mode, int priority, boolean queue, boolean term) {
    Actor actor = actors[at];
    long claim = LockPlan.claim(at, actor.acquired());
    actors[at] = actor.asking(claim, mode);
    if (queue && !actor.ticket() && joined(at, mode, priority)) {
      return;
    }
    if (!actor.ticket()) {
      runs.put(claim, new ArrayList<>(List.of(at)));
    }
    Answer answer = ask(at, priority, queue, term);
    if (answer instanceof Answer.Refused && actors[at].stage() == Stage.WAITING) {
      runs.remove(claim);
      idle(at);
    }
  }

  private boolean joined(int at, Mode mode, int priority) {
    long member = actors[at].member();
    Wait tail = LockMachine.joinable(state, member, mode, priority, parentOf(member));
    List<Integer> run = tail == null ? null : runs.get(tail.claim().number());
    if (run == null) {
      return false;
    }
    run.add(at);
    return true;
  }

  private Answer ask(int at, int priority, boolean queue, boolean term) {
    Actor actor = actors[at];
    long caller = callerFor(actor);
    long until = term || actor.ticket() ? now + LockPlan.TERM : 0;
    return command(
        caller,
        new Command.Acquire(
            new Claim(actor.member(), actor.claim()),
            actor.mode(),
            priority,
            queue,
            until,
            actor.ticket() ? now + LockPlan.TICKET : 0,
            plan.limit(),
            plan.ancestors().getOrDefault(caller, List.of()),
            actor.ticket() ? terms : ""));
  }

  private void askAgain(int at) {
    Actor actor = actors[at];
    command(
        callerFor(actor),
        new Command.Accept(
            new Claim(0, actor.claim()), now + LockPlan.TERM, now + LockPlan.TICKET, ""));
  }

  private void cancel(int at) {
    Actor actor = actors[at];
    Claim claim = new Claim(actor.member(), actor.claim());
    if (!actor.ticket()) {
      long run = runOf(at);
      runs.get(run).remove(Integer.valueOf(at));
      if (!runs.get(run).isEmpty()) {
        idle(at);
        return;
      }
      claim = new Claim(actor.member(), run);
    }
    idle(at);
    command(callerFor(actor), new Command.Cancel(claim));
    runs.remove(claim.number());
  }

  private void accept(int at) {
    Actor actor = actors[at];
    Wait wait = waitOf(actor);
    command(callerFor(actor), accepting(actor, wait.claim()));
  }

  private Command accepting(Actor actor, Claim claim) {
    return new Command.Accept(claim, actor.ticket() ? now + LockPlan.TERM : 0, 0, "");
  }

  private void release(int at) {
    Actor actor = actors[at];
    idle(at);
    command(callerFor(actor), releasing(actor));
  }

  private static Command releasing(Actor actor) {
    return new Command.Release(actor.token(), new Claim(actor.member(), actor.claim()));
  }

  private void upgrade(int at) {
    Actor actor = actors[at];
    Claim claim = new Claim(actor.member(), LockPlan.claim(at, plan.acquires() + 1));
    actors[at] = actor.at(Stage.UPGRADING);
    Answer answer = command(callerFor(actor), new Command.Upgrade(actor.token(), claim));
    if (!(answer instanceof Answer.Done)) {
      actors[at] = actors[at].at(Stage.HOLDING);
    }
  }

  private void abandon(int at) {
    actors[at] = actors[at].at(Stage.HOLDING);
    command(callerFor(actors[at]), new Command.Abandon(actors[at].token()));
  }

  private void downgrade(int at) {
    Actor actor = actors[at];
    Answer answer = command(callerFor(actor), new Command.Downgrade(actor.token()));
    if (answer instanceof Answer.Done) {
      actors[at] = actor.holding(actor.claim(), actor.token(), Mode.READ);
    }
  }

  private void renew(int at) {
    Actor actor = actors[at];
    command(callerFor(actor), new Command.Renew(actor.token(), now + LockPlan.TERM));
  }

  private void detach(int at) {
    Actor actor = actors[at];
    Claim claim = new Claim(0, LockPlan.claim(at, plan.acquires() + 2));
    Answer answer =
        command(
            actor.member(), new Command.Detach(actor.token(), claim, now + LockPlan.TERM, terms));
    if (answer instanceof Answer.Done) {
      actors[at] = actor.detached(claim.number());
      answered(at);
    }
  }

  /// A lease is put down for good before it is answered.
  private void answered(int at) {
    Hold hold = holdOf(actors[at]);
    leases.put(
        hold.token(),
        new Command.Restore(
            hold.claim(), hold.mode(), hold.token(), now + LockPlan.TERM, hold.reason()));
  }

  private void ticket(int at) {
    Actor actor = actors[at];
    long run = runOf(at);
    Claim ticket = new Claim(0, LockPlan.claim(at, plan.acquires() + 3));
    Answer answer =
        command(
            actor.member(),
            new Command.Leave(
                new Claim(actor.member(), run), ticket, now + LockPlan.TICKET, terms));
    if (answer instanceof Answer.Done) {
      actors[at] = actor.detached(ticket.number());
      runs.remove(run);
    }
  }

  private void stop() {
    stops++;
    state = LockState.IDLE;
    runs.clear();
    Arrays.fill(dead, false);
    written.retainAll(safe);
    leases.keySet().removeAll(safe);
    for (int at = 0; at < actors.length; at++) {
      if (actors[at].stage() != Stage.HOLDING || !leases.containsKey(actors[at].token())) {
        idle(at);
      }
    }
    for (Command.Restore lease : List.copyOf(leases.values())) {
      command(
          1,
          new Command.Restore(
              lease.claim(), lease.mode(), lease.token(), now + LockPlan.TERM, lease.reason()));
    }
  }

  private void look(long member) {
    command(member, new Command.Look());
  }

  private void die(long member) {
    deaths++;
    dead[(int) member] = true;
    for (int at = 0; at < actors.length; at++) {
      if (actors[at].member() == member) {
        actors[at] = new Actor(member, Stage.IDLE, 0, 0, Mode.READ, 0);
        int gone = at;
        runs.values().removeIf(run -> run.contains(gone));
      }
    }
  }

  private void bury(long member, long gone) {
    command(member, new Command.Bury(gone));
  }

  private void revoke(long member, long token) {
    command(member, new Command.Revoke(token, "", ""));
  }

  private void fenced(long member, long token) {
    command(member, new Command.Fenced(token));
  }

  private void timePasses() {
    now = Math.max(now, LockMachine.nextSettling(state));
  }

  private void idle(int at) {
    Actor actor = actors[at];
    long had = plan.allows(Act.STALE) ? actor.token() : 0;
    actors[at] = new Actor(home[at], Stage.IDLE, 0, had, Mode.READ, actor.acquired());
  }

  // ---- one step of the machine

  private Answer command(long member, Command command) {
    Map<Long, Run> said = new HashMap<>();
    runs.forEach((claim, waiting) -> {
      if (memberOf(claim) == member) {
        said.put(
            claim,
            new Run(
                waiting.size(), waiting.isEmpty() ? claim : actors[waiting.getFirst()].claim()));
      }
    });
    Caller caller = new Caller(member, ++commands, said);
    Tokens tokens = Tokens.NONE;
    Outcome outcome = stepper.step(state, caller, command, now, tokens, plan.rules());
    while (outcome.missing() > 0) {
      tokens = draw(outcome.missing());
      outcome = stepper.step(state, caller, command, now, tokens, plan.rules());
    }
    if (judged) {
      new LockReferee(stepper, plan.rules(), state, caller, command, now, tokens, outcome).judge();
    }
    state = outcome.state();
    outcome.grants().forEach(this::deliver);
    takeUpgrades();
    fences();
    return outcome.answer();
  }

  /// No token that a journal goes by is gone before its end is safe there.
  private void fences() {
    TreeSet<Long> there = new TreeSet<>();
    for (Hold hold : state.holds()) {
      there.addAll(hold.tokens());
      if (hold.exported()) {
        bound.addAll(hold.tokens());
      }
    }
    for (long token : bound) {
      require(
          there.contains(token) || safe.contains(token) || stops > 0,
          "token " + token + " is gone and a late write with it is not refused");
    }
    bound.retainAll(there);
    if (leases.isEmpty()) {
      written.retainAll(there);
      safe.retainAll(there);
    }
  }

  private Tokens draw(int count) {
    long first = drawn + 1;
    drawn += count;
    return new Tokens(first, count);
  }

  private void deliver(Granted granted) {
    if (granted.claim().equals(Claim.NONE)) {
      return;
    }
    Hold hold = granted.hold();
    if (granted.claim().member() == 0) {
      int at = actorOf(granted.claim().number());
      require(actors[at].stage() == Stage.WAITING, "a ticket that nobody waits with was granted");
      actors[at] = actors[at].holding(hold.claim().number(), granted.first(), hold.mode());
      answered(at);
      return;
    }
    List<Integer> run = runs.get(granted.claim().number());
    for (int i = 0; i < granted.count(); i++) {
      require(run != null && !run.isEmpty(), "a grant that nobody waits for");
      int at = run.removeFirst();
      actors[at] = actors[at].holding(hold.claim().number(), granted.first() + i, hold.mode());
    }
    if (run.isEmpty()) {
      runs.remove(granted.claim().number());
    }
  }

  /// Whoever waits for its upgrade finds it in the state, whoever completed it.
  private void takeUpgrades() {
    for (int at = 0; at < actors.length; at++) {
      Actor actor = actors[at];
      if (actor.stage() == Stage.UPGRADING && !stands(actor)) {
        Hold writing = upgraded(at);
        actors[at] =
            writing == null
                ? actor.at(Stage.HOLDING)
                : actor.holding(writing.claim().number(), writing.token(), Mode.WRITE);
      } else if (actor.stage() == Stage.UPGRADING && holdOf(actor).mode() == Mode.WRITE) {
        actors[at] = actor.holding(actor.claim(), holdOf(actor).token(), Mode.WRITE);
      }
    }
  }

  private Hold upgraded(int at) {
    for (Hold hold : state.holds()) {
      long claim = hold.claim().number();
      if (hold.claim().member() == actors[at].member()
          && hold.mode() == Mode.WRITE
          && (claim == actors[at].claim() || claim == LockPlan.claim(at, plan.acquires() + 1))) {
        return hold;
      }
    }
    return null;
  }

  // ---- a fair end

  /// Whether everybody who lives can bring the lock to rest by doing what he does anyway.
  boolean comesToRest(int rounds) {
    judged = false;
    for (int round = 0; round < rounds && someoneLives(); round++) {
      LockState before = state;
      restRound();
      if (state.idle()) {
        return true;
      }
      if (state.equals(before)) {
        if (LockMachine.nextSettling(state) == Long.MAX_VALUE) {
          return false;
        }
        timePasses();
      }
    }
    return state.idle() || !someoneLives();
  }

  private void restRound() {
    for (long member = 1; member <= plan.members(); member++) {
      if (!dead[(int) member]) {
        for (long other = 1; other <= plan.members(); other++) {
          if (dead[(int) other] && appears(other)) {
            bury(member, other);
          }
        }
        for (Hold hold : state.holds()) {
          if (hold.phase() == Phase.ENDING) {
            written.addAll(hold.tokens());
            safe.addAll(hold.tokens());
            fenced(member, hold.token());
          }
        }
        look(member);
      }
    }
    for (int at = 0; at < actors.length; at++) {
      if (!dead[(int) actors[at].member()]) {
        restOf(at);
      }
    }
  }

  private void restOf(int at) {
    Actor actor = actors[at];
    if (actor.stage() == Stage.HOLDING) {
      release(at);
    } else if (actor.stage() == Stage.WAITING) {
      Wait wait = waitOf(actor);
      if (wait == null) {
        require(actor.ticket(), "somebody waits in no queue");
        idle(at);
      } else if (wait.offered() != 0) {
        accept(at);
      } else if (wait.absent() && actor.ticket()) {
        askAgain(at);
      }
    }
  }

  // ---- looking around

  private boolean someoneLives() {
    for (int member = 1; member < dead.length; member++) {
      if (!dead[member]) {
        return true;
      }
    }
    return false;
  }

  private long callerFor(Actor actor) {
    if (!actor.ticket()) {
      return actor.member();
    }
    int member = 1;
    while (dead[member]) {
      member++;
    }
    return member;
  }

  private int actorOf(long claim) {
    return (int) (claim / LockPlan.CLAIMS_PER_ACTOR) - 1;
  }

  private long memberOf(long claim) {
    return actors[actorOf(claim)].member();
  }

  private long runOf(int at) {
    for (Map.Entry<Long, List<Integer>> run : runs.entrySet()) {
      if (run.getValue().contains(at)) {
        return run.getKey();
      }
    }
    throw new Violation(name(at) + " waits in no run");
  }

  private Wait waitOf(Actor actor) {
    Claim claim = new Claim(actor.member(), actor.claim());
    if (!actor.ticket()) {
      for (Map.Entry<Long, List<Integer>> run : runs.entrySet()) {
        for (int at : run.getValue()) {
          if (actors[at].equals(actor)) {
            claim = new Claim(actor.member(), run.getKey());
          }
        }
      }
    }
    for (Wait wait : state.queue()) {
      if (wait.claim().equals(claim)) {
        return wait;
      }
    }
    return null;
  }

  private boolean stands(Actor actor) {
    return holdOf(actor) != null;
  }

  private Hold holdOf(Actor actor) {
    for (Hold hold : state.holds()) {
      if (hold.claim().member() == actor.member()
          && hold.phase() != Phase.ENDING
          && hold.has(actor.token())) {
        return hold;
      }
    }
    return null;
  }

  private Claim parentOf(long member) {
    for (Claim ancestor : plan.ancestors().getOrDefault(member, List.of())) {
      for (Hold hold : state.holds()) {
        if (hold.claim().equals(ancestor) && hold.phase() != Phase.ENDING) {
          return ancestor;
        }
      }
    }
    return Claim.NONE;
  }

  private boolean appears(long member) {
    return state.holds().stream()
            .anyMatch(hold -> hold.claim().member() == member && hold.phase() != Phase.ENDING)
        || state.queue().stream().anyMatch(wait -> wait.claim().member() == member);
  }

  private static void require(boolean so, String otherwise) {
    if (!so) {
      throw new Violation(otherwise);
    }
  }

  private String name(int at) {
    return names[at];
  }

  // ---- which world it is

  /// Equal for worlds that differ only in names: ranks for tokens, distances for times, the order
  /// for arrivals; without what nothing depends on, such as counters.
  String key() {
    TreeSet<Long> tokens = new TreeSet<>();
    state.holds().forEach(hold -> tokens.addAll(hold.tokens()));
    List<Long> ranks = new ArrayList<>(tokens);
    StringBuilder key = new StringBuilder(160);
    for (Hold hold : state.holds()) {
      key.append('H').append(hold.claim().member()).append(',').append(hold.claim().number());
      key.append(hold.mode() == Mode.READ ? 'r' : 'w').append(hold.phase().name().charAt(0));
      hold.tokens().forEach(token -> key.append('t').append(ranks.indexOf(token)));
      key.append('c').append(hold.count()).append('u').append(distance(hold.until()));
      key.append('p').append(hold.parent().number()).append(hold.exported() ? 'x' : '-');
    }
    for (Wait wait : state.queue()) {
      key.append('Q').append(wait.claim().member()).append(',').append(wait.claim().number());
      key.append(wait.mode() == Mode.READ ? 'r' : 'w').append(wait.priority());
      key.append('v').append(wait.overtaken()).append('c').append(wait.count());
      key.append('o').append(distance(wait.offered())).append(wait.absent() ? 'a' : '-');
      key.append('u').append(distance(wait.until()));
      key.append('p').append(wait.parent().number());
    }
    for (Actor actor : actors) {
      key.append('A').append(actor.stage().name().charAt(0)).append(',').append(actor.claim());
      key.append('t').append(actor.token() == 0 ? "n" : ranks.indexOf(actor.token()));
      key.append(actor.mode() == Mode.READ ? 'r' : 'w').append(actor.acquired());
    }
    runs.forEach((claim, waiting) -> key.append('R').append(claim).append(waiting));
    for (boolean gone : dead) {
      key.append(gone ? '+' : '-');
    }
    ranks.forEach(
        token -> key.append(safe.contains(token) ? 's' : written.contains(token) ? 'w' : '-'));
    if (plan.allows(Act.STOP)) {
      key.append(stops);
      leases.forEach((token, lease) -> {
        key.append('L')
            .append(lease.claim().number())
            .append(lease.mode() == Mode.READ ? 'r' : 'w');
        key.append(ranks.indexOf(token));
        key.append(safe.contains(token) ? 's' : written.contains(token) ? 'w' : '-');
      });
    }
    return key.append(state.limit()).append(state.token() == 0 ? 'n' : 'o').toString();
  }

  private long distance(long moment) {
    return moment == 0 ? -1 : Math.max(0, moment - now);
  }
}
