package dev.truce.lock;

import dev.truce.lock.LockMachine.Answer;
import dev.truce.lock.LockMachine.Caller;
import dev.truce.lock.LockMachine.Command;
import dev.truce.lock.LockMachine.Granted;
import dev.truce.lock.LockMachine.Outcome;
import dev.truce.lock.LockMachine.Rules;
import dev.truce.lock.LockMachine.Run;
import dev.truce.lock.LockMachine.Tokens;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.LockState.Hold;
import dev.truce.lock.LockState.Phase;
import dev.truce.lock.LockState.Wait;
import dev.truce.lock.NamedLock.Mode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Some owners, each a member of its own, take and give back locks and permits by chance, wait,
/// tell so, and look for rings; between any two cells that one of them looks at the others may go
/// on.
///
/// Whether somebody could ever be served is found out in another way than the detector's: all who
/// do not wait give everything back, whoever is served then does the same, and so on, on a copy of
/// the world.
final class RingWorld {
  static final Rules RULES = new Rules(100, 2, 1_000, 1_000);

  private static final int LOCKS = 4;
  private static final int STEPS = 60;
  private static final String PERMITS = "l3";
  private static final dev.truce.Owner SOMEBODY = new dev.truce.Owner("x", "y", 1);

  /// Chooses who gives way, if anybody shall, from what it sees.
  interface Detector {
    Optional<Waiting> victim(Waiting start, Supplier<WaitGraph.View> pictures);
  }

  /// What the owners of a world do otherwise.
  enum Habit {
    LOOKS_FIRST,
    JUDGES_ALONE,
    HIDES_UPGRADES,
    SEES_NO_READERS,
    SEES_NOBODY_AHEAD,
    WAITS_FOR_ALL_PERMITS
  }

  /// What must not be.
  static final class Wrong extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Wrong(String what) {
      super(what);
    }
  }

  private record Held(String lock, Claim claim, long token) {}

  private static final class Owner {
    private final long member;
    private final List<Held> held = new ArrayList<>();
    private @Nullable Waiting wait;
    private boolean told;
    private boolean looked;
    private boolean looking;
    private boolean struck;

    /// Whether anything happened while it looked last, so that it has to look again some time.
    private boolean disturbed;

    Owner(long member) {
      this.member = member;
    }

    Owner copy() {
      Owner copy = new Owner(member);
      copy.held.addAll(held);
      copy.wait = wait;
      copy.struck = struck;
      return copy;
    }
  }

  private final SplittableRandom random;
  private final Detector detector;
  private final Set<Habit> habits;
  private final Map<String, LockState> locks = new HashMap<>();
  private final List<Owner> owners = new ArrayList<>();
  private long numbers;
  private long struck;
  private int depth;
  private long acts;
  private long verdicts;
  private boolean still;

  RingWorld(long seed, Detector detector, Set<Habit> habits) {
    random = new SplittableRandom(seed);
    this.detector = detector;
    this.habits = habits;
    for (int i = 0; i < 2 + random.nextInt(4); i++) {
      owners.add(new Owner(i + 1));
    }
  }

  private RingWorld(RingWorld other) {
    random = new SplittableRandom(0);
    detector = other.detector;
    habits = Set.of();
    locks.putAll(other.locks);
    other.owners.forEach(owner -> owners.add(owner.copy()));
    numbers = other.numbers;
  }

  /// How many gave way.
  long run() {
    for (int step = 0; step < STEPS; step++) {
      act(owners.get(random.nextInt(owners.size())));
    }
    still = true;
    for (Owner owner : owners) {
      settle(owner);
    }
    for (Owner owner : owners) {
      if (owner.disturbed && owner.wait != null && !owner.struck) {
        look(owner);
      }
    }
    for (Owner owner : owners) {
      if (!served(owner)) {
        throw new Wrong("owner " + owner.member + " is never served, and nobody gave way" + this);
      }
    }
    return struck;
  }

  /// Everybody who waits has told so and looked.
  private void settle(Owner owner) {
    while (owner.wait != null && !owner.struck && !owner.looked) {
      act(owner);
    }
  }

  private void act(Owner owner) {
    if (owner.looking) {
      return;
    }
    acts++;
    if (owner.wait == null) {
      work(owner);
    } else if (owner.struck) {
      leave(owner);
      giveAllBack(owner);
    } else if (!taken(owner)) {
      waitOn(owner);
    }
  }

  private void waitOn(Owner owner) {
    boolean looksFirst = habits.contains(Habit.LOOKS_FIRST);
    if (looksFirst && !owner.looked) {
      look(owner);
    } else if (!owner.told) {
      owner.told = true;
    } else if (!owner.looked) {
      look(owner);
    } else if (depth == 0 && random.nextInt(20) == 0) {
      leave(owner); // its time is over; never while another looks, so that rings stand
    }
  }

  // ---- working

  private void work(Owner owner) {
    int choice = random.nextInt(10);
    if (choice < 3 && !owner.held.isEmpty()) {
      giveBack(owner, owner.held.get(random.nextInt(owner.held.size())));
    } else if (choice == 3 && !owner.held.isEmpty()) {
      upgrade(owner, owner.held.get(random.nextInt(owner.held.size())));
    } else {
      take(owner, "l" + random.nextInt(LOCKS), random.nextBoolean() ? Mode.READ : Mode.WRITE);
    }
  }

  private void take(Owner owner, String lock, Mode mode) {
    boolean permits = lock.equals(PERMITS);
    if (!permits && owner.held.stream().anyMatch(held -> held.lock().equals(lock))) {
      return;
    }
    Claim claim = new Claim(owner.member, ++numbers);
    int priority = random.nextInt(3) - 1;
    Command ask =
        new Command.Acquire(
            claim,
            permits ? Mode.WRITE : mode,
            priority,
            true,
            0,
            0,
            permits ? 2 : 1,
            List.of(),
            "");
    LockState after = step(owner, lock, ask).state();
    if (after.waitOf(claim) != null) {
      begin(owner, lock, permits ? Mode.WRITE : mode, false, claim, priority);
    }
  }

  private void upgrade(Owner owner, Held held) {
    Claim claim = new Claim(owner.member, ++numbers);
    Answer answer = step(owner, held.lock(), new Command.Upgrade(held.token(), claim)).answer();
    if (answer instanceof Answer.Done) {
      begin(owner, held.lock(), Mode.WRITE, true, held.claim(), 0);
      taken(owner);
    }
  }

  private void begin(
      Owner owner, String lock, Mode mode, boolean upgrade, Claim run, int priority) {
    owner.wait =
        new Waiting(
            ++numbers,
            owner.member,
            lock,
            mode,
            upgrade,
            run.number(),
            priority,
            tokens(owner),
            List.of(),
            List.of());
    owner.told = false;
    owner.looked = false;
  }

  private static List<Waiting.Token> tokens(Owner owner) {
    return owner.held.stream().map(held -> new Waiting.Token(held.lock(), held.token())).toList();
  }

  /// Takes up what came meanwhile. False when it still waits.
  private boolean taken(Owner owner) {
    Waiting wait = owner.wait;
    if (wait == null) {
      return true;
    }
    LockState state = lock(wait.lock());
    if (wait.upgrade()) {
      for (Hold hold : state.holds()) {
        if (hold.claim().equals(wait.claim()) && hold.mode() == Mode.WRITE) {
          owner.held.removeIf(held -> held.claim().equals(hold.claim()));
          owner.held.add(new Held(wait.lock(), hold.claim(), hold.token()));
          owner.wait = null;
          return true;
        }
      }
      return false;
    }
    Wait place = state.waitOf(wait.claim());
    if (place != null && place.offered() != 0) {
      step(owner, wait.lock(), new Command.Accept(wait.claim()));
    }
    return owner.wait == null;
  }

  private void leave(Owner owner) {
    Waiting wait = owner.wait;
    if (wait != null && !taken(owner)) {
      step(
          owner,
          wait.lock(),
          wait.upgrade()
              ? new Command.Abandon(ownToken(owner, wait))
              : new Command.Cancel(wait.claim()));
    }
    owner.wait = null;
    owner.struck = false;
  }

  private static long ownToken(Owner owner, Waiting wait) {
    return owner.held.stream()
        .filter(held -> held.claim().equals(wait.claim()))
        .findFirst()
        .orElseThrow()
        .token();
  }

  private void giveAllBack(Owner owner) {
    List.copyOf(owner.held).forEach(held -> giveBack(owner, held));
  }

  private void giveBack(Owner owner, Held held) {
    owner.held.remove(held);
    step(owner, held.lock(), new Command.Release(held.token(), held.claim()));
  }

  // ---- cells

  private LockState lock(String name) {
    return locks.getOrDefault(name, LockState.IDLE);
  }

  private Outcome step(Owner owner, String lock, Command command) {
    Caller caller = new Caller(owner.member, ++numbers, runs(owner, command));
    LockState before = lock(lock);
    Outcome outcome = LockMachine.step(before, caller, command, 1, Tokens.NONE, RULES);
    if (outcome.missing() > 0) {
      Tokens tokens = new Tokens(numbers + 1, outcome.missing());
      numbers += outcome.missing();
      outcome = LockMachine.step(before, caller, command, 1, tokens, RULES);
    }
    locks.put(lock, outcome.state());
    for (Granted granted : outcome.grants()) {
      if (!granted.claim().equals(Claim.NONE)) {
        owner.held.add(new Held(lock, granted.hold().claim(), granted.first()));
        owner.wait = null;
      }
    }
    return outcome;
  }

  private static Map<Long, Run> runs(Owner owner, Command command) {
    Waiting wait = owner.wait;
    return wait == null || wait.upgrade() || command instanceof Command.Cancel
        ? Map.of()
        : Map.of(wait.run(), new Run(1, wait.run()));
  }

  // ---- rings

  private void look(Owner owner) {
    Waiting wait = owner.wait;
    if (wait == null || owner.struck) {
      return;
    }
    owner.looking = true;
    long before = acts;
    Optional<Waiting> victim = Optional.empty();
    long last = -1;
    while (last != verdicts && !owner.struck) {
      last = verdicts;
      victim = detector.victim(wait, Picture::new);
      last = habits.contains(Habit.JUDGES_ALONE) ? verdicts : last;
    }
    owner.disturbed = acts > before;
    owner.looking = false;
    owner.looked = true;
    if (last == verdicts && victim.isPresent()) {
      strike(victim.get());
      look(owner); // it may be tied up in another ring as well
    }
  }

  private void strike(Waiting victim) {
    Owner owner = owners.get((int) victim.member() - 1);
    if (owner.wait == null || owner.wait.id() != victim.id() || owner.struck) {
      return;
    }
    if (served(owner)) {
      throw new Wrong("owner " + owner.member + " gave way, and would have been served" + this);
    }
    owner.struck = true;
    struck++;
    verdicts++;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (Owner owner : owners) {
      text.append("\n").append(owner.member).append(" has ").append(owner.held);
      text.append(owner.struck ? " struck " : " ").append(owner.wait);
    }
    locks.forEach((name, state) -> text.append("\n").append(name).append(' ').append(state));
    return text.toString();
  }

  /// Whether it does not wait, or would not for ever.
  private boolean served(Owner owner) {
    RingWorld future = new RingWorld(this);
    for (boolean more = true; more; ) {
      more = false;
      for (Owner one : future.owners) {
        boolean waited = one.wait != null;
        if (one.struck) {
          future.leave(one);
        } else {
          future.taken(one);
        }
        if (one.wait == null && (waited || !one.held.isEmpty())) {
          future.giveAllBack(one);
          more = true;
        }
      }
    }
    return future.owners.get((int) owner.member - 1).wait == null;
  }

  /// What an owner sees: each cell once, and between two of them the others go on.
  private final class Picture implements WaitGraph.View {
    private final Map<String, LockState> seen = new HashMap<>();
    private final Map<Long, Optional<Waiting>> waits = new HashMap<>();

    @Override
    public LockState lock(String name) {
      return seen.computeIfAbsent(
          name,
          fresh -> {
            others();
            return seenAs(RingWorld.this.lock(fresh));
          });
    }

    private LockState seenAs(LockState state) {
      LockState seen = state;
      if (habits.contains(Habit.SEES_NO_READERS)) {
        List<Hold> writers =
            seen.holds().stream()
                .filter(hold -> hold.mode() == Mode.WRITE || hold.phase() == Phase.UPGRADING)
                .toList();
        seen = with(seen, seen.limit(), writers, seen.queue());
      }
      if (habits.contains(Habit.SEES_NOBODY_AHEAD)) {
        seen = with(seen, seen.limit(), seen.holds(), seen.queue().reversed());
      }
      if (habits.contains(Habit.WAITS_FOR_ALL_PERMITS)) {
        seen = with(seen, 1, seen.holds(), seen.queue());
      }
      return seen;
    }

    private LockState with(LockState state, int limit, List<Hold> holds, List<Wait> queue) {
      return new LockState(limit, state.token(), state.arrival(), holds, queue, state.counters());
    }

    @Override
    public List<Waiting> of(String lock, Claim claim, long token) {
      List<Waiting> found = new ArrayList<>();
      for (Owner owner : owners) {
        waits
            .computeIfAbsent(owner.member, member -> said(owner))
            .filter(wait -> wait.holds(lock, claim, token))
            .ifPresent(found::add);
      }
      return found;
    }

    @Override
    public boolean leaves(Claim run) {
      return owners.stream()
          .map(owner -> waits.computeIfAbsent(owner.member, member -> said(owner)))
          .flatMap(Optional::stream)
          .anyMatch(wait -> wait.isStruck() && wait.claim().equals(run));
    }

    private Optional<Waiting> said(Owner owner) {
      others();
      Waiting wait = owner.wait;
      boolean hidden =
          wait == null || !owner.told || (wait.upgrade() && habits.contains(Habit.HIDES_UPGRADES));
      if (wait == null || hidden) {
        return Optional.empty();
      }
      return Optional.of(
          owner.struck
              ? wait.struckFor(List.of(new Refusal.Link(SOMEBODY, "", wait.lock(), wait.mode())))
              : wait);
    }

    private void others() {
      if (still || depth > 2 || random.nextInt(3) > 0) {
        return;
      }
      depth++;
      for (int i = random.nextInt(6); i > 0; i--) {
        act(owners.get(random.nextInt(owners.size())));
      }
      depth--;
    }
  }
}
