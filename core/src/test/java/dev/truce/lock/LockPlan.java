package dev.truce.lock;

import dev.truce.lock.LockMachine.Rules;
import dev.truce.lock.LockState.Claim;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What a [LockWorld] is made of, and what may happen in it.
///
/// @param actors how many actors each member has; the first entry counts the tickets, which belong
///   to nobody
/// @param acquires how often each actor asks for the lock
/// @param limit how many writers stand side by side
/// @param priorities what an acquire may ask for
/// @param acts what may happen
/// @param ancestors under which grants a member was started
/// @param deaths how many members may die
record LockPlan(
    String name,
    List<Integer> actors,
    int acquires,
    int limit,
    List<Integer> priorities,
    Set<Act> acts,
    Map<Long, List<Claim>> ancestors,
    int deaths,
    Rules rules) {

  /// How long an offer stands in a world. Ticks, not nanoseconds: nothing depends on the unit.
  static final long OFFER = 10;

  static final long TICKET_OFFER = 20;
  static final long TICKET = 45;
  static final long TERM = 35;
  static final long LEAST_HOLD = 25;

  /// Numbers of claims tell which actor made them.
  static final int CLAIMS_PER_ACTOR = 100_000;

  /// What may happen. `LEASE`: grants and places become detached ones. `BOUNDS`: leases are renewed
  /// once, and have a least hold. `STOP`: the machine stops and starts again, once. `HASTY`, a
  /// defect: ends count as put down before they are safe.
  enum Act {
    READ,
    WRITE,
    TRY,
    CANCEL,
    UPGRADE,
    DOWNGRADE,
    TERM,
    EXPORT,
    REVOKE,
    TIME,
    STALE,
    LEASE,
    BOUNDS,
    STOP,
    HASTY
  }

  static LockPlan of(String name, List<Integer> actors, Act... acts) {
    Set<Act> some = EnumSet.noneOf(Act.class);
    some.addAll(List.of(acts));
    return new LockPlan(name, actors, 1, 1, List.of(0), some, Map.of(), 0, rules(10, 16));
  }

  static Rules rules(int maxWaiters, int overtakes) {
    return new Rules(maxWaiters, overtakes, OFFER, TICKET_OFFER);
  }

  /// The claim of an actor's n-th acquire, from 0.
  static long claim(int actor, int acquire) {
    return (long) (actor + 1) * CLAIMS_PER_ACTOR + acquire;
  }

  LockPlan acquiring(int times) {
    return new LockPlan(name, actors, times, limit, priorities, acts, ancestors, deaths, rules);
  }

  LockPlan permits(int many) {
    return new LockPlan(name, actors, acquires, many, priorities, acts, ancestors, deaths, rules);
  }

  LockPlan priorities(Integer... some) {
    return new LockPlan(
        name, actors, acquires, limit, List.of(some), acts, ancestors, deaths, rules);
  }

  LockPlan under(Map<Long, List<Claim>> parents) {
    return new LockPlan(name, actors, acquires, limit, priorities, acts, parents, deaths, rules);
  }

  LockPlan dying(int members) {
    return new LockPlan(name, actors, acquires, limit, priorities, acts, ancestors, members, rules);
  }

  LockPlan ruled(Rules others) {
    return new LockPlan(name, actors, acquires, limit, priorities, acts, ancestors, deaths, others);
  }

  boolean allows(Act act) {
    return acts.contains(act);
  }

  int members() {
    return actors.size() - 1;
  }
}
