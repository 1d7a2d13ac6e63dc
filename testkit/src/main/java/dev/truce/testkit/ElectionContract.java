package dev.truce.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.truce.EngineException;
import dev.truce.Truce;
import dev.truce.lock.Candidacy;
import dev.truce.lock.DeadlockException;
import dev.truce.lock.Election;
import dev.truce.lock.Grant;
import dev.truce.lock.LockStatus;
import dev.truce.spi.Engine;
import dev.truce.testkit.Referee.Hold;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What elections promise, over whatever engine. Each handle stands for a process.
public abstract class ElectionContract extends EngineContract {
  private static final String NAME = "scheduler";

  private final Map<Truce, Engine> handles = new HashMap<>();
  private final List<Leader> leaders = new ArrayList<>();

  /// For a subclass, which names the engine.
  protected ElectionContract() {}

  /// How many terms are led in the test with many candidates; fewer where operations are slow.
  protected int terms() {
    return 200;
  }

  @AfterEach
  void closeHandles() {
    leaders.forEach(leader -> leader.ends.release(Integer.MAX_VALUE / 2));
    handles.keySet().forEach(Truce::close);
  }

  private Truce open() {
    Engine engine = place().open();
    Truce truce = Truce.over(engine);
    handles.put(truce, engine);
    return truce;
  }

  /// Leads until it is told to return, to fail, or to end.
  private final class Leader implements Election.Body {
    private final boolean heeds;
    private final Semaphore ends = new Semaphore(0);
    private final AtomicInteger terms = new AtomicInteger();
    private final AtomicInteger interrupts = new AtomicInteger();
    private volatile boolean fails;
    private volatile @Nullable Grant grant;

    /// @param heeds whether it ends when it is interrupted
    Leader(boolean heeds) {
      this.heeds = heeds;
      leaders.add(this);
    }

    @Override
    public void lead(Grant mine) throws Exception {
      assertNull(grant, "two bodies of one candidacy side by side");
      grant = mine;
      terms.incrementAndGet();
      try {
        while (!ended()) {
          // A body that heeds nothing.
        }
      } finally {
        grant = null;
      }
      if (fails) {
        throw new IllegalStateException("as planned");
      }
    }

    private boolean ended() throws InterruptedException {
      try {
        ends.acquire();
        return true;
      } catch (InterruptedException told) {
        interrupts.incrementAndGet();
        if (heeds) {
          throw told;
        }
        return false;
      }
    }

    boolean leads() {
      return grant != null;
    }

    Grant grant() {
      return Objects.requireNonNull(grant);
    }
  }

  private Candidacy campaign(Truce truce, Leader body) {
    return truce.election(NAME).campaign(body);
  }

  /// Stands, and is seen in the queue before the next one comes.
  private Candidacy queued(Truce truce, Leader body) {
    int before = status(truce).waiting();
    Candidacy candidacy = campaign(truce, body);
    passUntil(() -> status(truce).waiting() == before + 1, "another candidate waits");
    return candidacy;
  }

  private static LockStatus status(Truce truce) {
    return truce.lock(NAME).status();
  }

  private void passUntil(BooleanSupplier so, String what) {
    passUntil(so, () -> what);
  }

  private void passUntilLeads(Leader leader) {
    passUntil(leader::leads, "it leads");
  }

  private static void assertFree(Truce truce) {
    truce.lock(NAME).tryAcquire().orElseThrow(() -> new AssertionError("not free")).close();
  }

  private static void assertHeld(Truce truce) {
    assertEquals(Optional.empty(), truce.lock(NAME).tryAcquire());
  }

  // ---- leading

  @Test
  void campaign_alone_leadsByTheLockOfItsName() throws Exception {
    Truce truce = open();
    Leader leader = new Leader(true);

    Candidacy candidacy = campaign(truce, leader);
    passUntilLeads(leader);

    assertTrue(candidacy.isLeading());
    assertEquals(NAME, leader.grant().lock());
    assertTrue(status(open()).isCurrent(leader.grant().token()), "who leads is seen by all");
    assertHeld(open());
  }

  @Test
  void campaign_lockIsHeldByAnother_waitsForIt() throws Exception {
    Truce truce = open();
    Leader leader = new Leader(true);
    try (Grant held = truce.lock(NAME).tryAcquire().orElseThrow()) {
      Candidacy candidacy = queued(open(), leader);

      assertFalse(candidacy.isLeading());
      assertTrue(held.isValid());
      assertEquals(0, leader.terms.get(), "a leader beside a holder of the lock");
    }
    passUntilLeads(leader);
  }

  @Test
  void campaign_bodyTakesTheLockOfTheElection_isToldThatItWaitsForItself() throws Exception {
    Truce truce = open();
    Semaphore told = new Semaphore(0);

    truce
        .election(NAME)
        .campaign(grant -> {
          assertThrows(
              DeadlockException.class, () -> truce.lock(NAME).acquire(Duration.ofHours(1)));
          assertTrue(grant.isValid());
          told.release();
        });

    passUntil(told::tryAcquire, "it was told");
  }

  // ---- ends of a term

  @Test
  void lead_bodyReturns_thoseWhoWaitLeadFirstAndInOrder() throws Exception {
    Truce observer = open();
    List<Leader> candidates = List.of(new Leader(true), new Leader(true), new Leader(true));
    campaign(observer, candidates.getFirst());
    passUntilLeads(candidates.getFirst());
    queued(open(), candidates.get(1));
    queued(open(), candidates.get(2));

    long token = 0;
    for (int term = 0; term < 7; term++) {
      Leader leader = candidates.get(term % 3);
      passUntilLeads(leader);
      assertEquals(1, candidates.stream().filter(Leader::leads).count(), "one leads at a time");
      assertEquals(term / 3 + 1, leader.terms.get());
      assertTrue(leader.grant().token() > token, "tokens rise");
      token = leader.grant().token();
      passUntil(() -> status(observer).waiting() == 2, "the others stand");
      leader.ends.release();
    }
  }

  @Test
  void lead_bodyThrows_isGivenBackAndStandsAgainLater() throws Exception {
    Truce truce = open();
    Leader failing = new Leader(true);
    failing.fails = true;
    campaign(truce, failing);
    for (int term = 1; term <= 3; term++) {
      int before = term;
      passUntil(() -> failing.terms.get() == before, "it leads again");
      failing.ends.release();
      passUntil(() -> !failing.leads() || failing.terms.get() > before, "the term ends");
    }
    Leader other = new Leader(true);
    Truce theirs = open();
    campaign(theirs, other);
    failing.ends.release(1_000);
    passUntilLeads(other);
    assertFalse(failing.leads());
  }

  @Test
  void lead_bodyClosesItsGrant_leadsNoMoreAndOthersDo() throws Exception {
    Truce mine = open();
    Leader leader = new Leader(true);
    Candidacy candidacy = campaign(mine, leader);
    passUntilLeads(leader);
    Leader other = new Leader(true);
    queued(open(), other);

    leader.grant().close();

    assertFalse(candidacy.isLeading());
    passUntilLeads(other);
    assertTrue(leader.leads(), "the body goes on until it ends");
    leader.ends.release();
    passUntil(() -> status(mine).waiting() == 1, "it stands again");
  }

  // ---- loss

  @Test
  void lead_endedByForce_isInterruptedAndStandsAgain() throws Exception {
    Truce truce = open();
    Leader leader = new Leader(true);
    Candidacy candidacy = campaign(truce, leader);
    passUntilLeads(leader);
    long lost = leader.grant().token();

    open().lock(NAME).revoke("it hangs");

    assertTrue(!candidacy.isLeading() || leader.terms.get() > 1, "it believes that it leads");
    passUntil(() -> leader.terms.get() == 2, "it leads again");
    assertEquals(1, leader.interrupts.get());
    assertTrue(leader.grant().token() > lost);
    assertTrue(candidacy.isLeading());
  }

  /// The next leader is not kept waiting by a body that goes on; this candidate's next term is.
  @Test
  void lead_lostAndInterruptIgnored_noSecondBodyBeforeTheFirstHasEnded() throws Exception {
    Truce truce = open();
    Leader deaf = new Leader(false);
    Candidacy candidacy = campaign(truce, deaf);
    passUntilLeads(deaf);
    Leader next = new Leader(true);
    Candidacy nexts = queued(open(), next);

    open().lock(NAME).revoke("it hangs");

    passUntilLeads(next);
    assertFalse(candidacy.isLeading());
    assertTrue(nexts.isLeading());
    passUntil(() -> deaf.interrupts.get() == 1, "it was interrupted");
    assertTrue(deaf.leads());
    next.ends.release();
    passUntil(() -> next.terms.get() == 2, "the other one leads again");
    assertEquals(1, deaf.terms.get(), "it stood again before its body had ended");
    deaf.ends.release();
    passUntil(() -> status(truce).waiting() == 1, "it stands again");
    next.ends.release();
    passUntil(() -> deaf.terms.get() == 2, "it leads again");
  }

  @Test
  void kill_leader_nextInLineLeadsAsSoonAsTheDeathIsKnown() throws Exception {
    Truce observer = open();
    Truce dying = open();
    Leader dead = new Leader(true);
    campaign(dying, dead);
    passUntilLeads(dead);
    long token = dead.grant().token();
    Leader heir = new Leader(true);
    queued(observer, heir);
    Leader last = new Leader(true);
    queued(open(), last);

    place().kill(Objects.requireNonNull(handles.remove(dying)));

    // Step by step: the living have to show life, too.
    passUntilLeads(heir);
    assertTrue(heir.grant().token() > token);
    assertFalse(last.leads());
    dead.ends.release(1_000);
    dying.close();
  }

  // ---- closing

  @Test
  void close_whileItWaits_leavesTheQueue() throws Exception {
    Truce truce = open();
    try (Grant held = truce.lock(NAME).tryAcquire().orElseThrow()) {
      Leader leader = new Leader(true);
      Candidacy candidacy = queued(open(), leader);

      candidacy.close();
      candidacy.close();

      assertEquals(0, status(truce).waiting());
      assertTrue(held.isValid());
      assertEquals(0, leader.terms.get());
    }
    assertFree(truce);
  }

  @Test
  void close_whileItLeads_interruptsAndIsFreeWhenItReturns() throws Exception {
    Truce truce = open();
    Leader leader = new Leader(true);
    Candidacy candidacy = campaign(truce, leader);
    passUntilLeads(leader);

    candidacy.close();

    assertEquals(1, leader.interrupts.get());
    assertFalse(leader.leads() || candidacy.isLeading());
    assertFree(open());
    place().pass(Duration.ofSeconds(20));
    assertEquals(1, leader.terms.get(), "it stood again though it is closed");
  }

  @Test
  void close_bodyIgnoresTheInterrupt_theLockIsKeptUntilItEnds() throws Exception {
    Truce truce = open();
    Leader deaf = new Leader(false);
    Candidacy candidacy = campaign(truce, deaf);
    passUntilLeads(deaf);
    Leader next = new Leader(true);
    queued(open(), next);
    Thread closing = Thread.ofPlatform().daemon().start(candidacy::close);

    passUntil(() -> deaf.interrupts.get() > 0, "it was interrupted");
    assertFalse(candidacy.isLeading());
    place().pass(Duration.ofSeconds(1));

    assertTrue(deaf.grant().isValid(), "given back under a body that runs");
    assertFalse(next.leads());
    deaf.ends.release();
    passUntilLeads(next);
    assertTrue(closing.join(TestClock.LIVENESS), "closing waits for ever");
    assertEquals(1, deaf.terms.get());
  }

  @Test
  void close_byItsOwnBody_endsWhenTheBodyDoes() throws Exception {
    Truce truce = open();
    Semaphore ended = new Semaphore(0);
    AtomicInteger terms = new AtomicInteger();
    List<Candidacy> own = new ArrayList<>();
    Semaphore known = new Semaphore(0);

    own.add(
        truce
            .election(NAME)
            .campaign(grant -> {
              known.acquire();
              own.getFirst().close();
              assertFalse(Thread.currentThread().isInterrupted());
              assertTrue(grant.isValid());
              terms.incrementAndGet();
              ended.release();
            }));
    known.release();

    passUntil(ended::tryAcquire, "the body ends");
    passUntil(() -> status(truce).state() == LockStatus.State.FREE, "the lock is free");
    place().pass(Duration.ofSeconds(20));
    assertEquals(1, terms.get());
  }

  @Test
  void close_ofTheHandle_leadersEndBeforeWhatTheyLeadByDoes() throws Exception {
    Truce truce = open();
    AtomicInteger stoodAtTheEnd = new AtomicInteger();
    Semaphore leads = new Semaphore(0);
    Candidacy candidacy =
        truce
            .election(NAME)
            .campaign(grant -> {
              leads.release();
              try {
                new Semaphore(0).acquire();
              } finally {
                stoodAtTheEnd.addAndGet(grant.isValid() ? 1 : 0);
              }
            });
    passUntil(leads::tryAcquire, "it leads");

    truce.close();

    assertEquals(1, stoodAtTheEnd.get(), "what it led by was given back under its body");
    assertFalse(candidacy.isLeading());
    assertFree(open());
    Election election = truce.election(NAME);
    EngineException refused =
        assertThrows(EngineException.class, () -> election.campaign(new Leader(true)));
    assertEquals(EngineException.Kind.CLOSED, refused.kind());
  }

  // ---- many

  /// Candidates of three processes write two plain fields in each term. Nothing but the election
  /// keeps them right.
  @Test
  void campaign_manyCandidates_neverTwoLeadersAtOnce() throws Exception {
    int[] plain = new int[2];
    ConcurrentLinkedQueue<Hold> holds = new ConcurrentLinkedQueue<>();
    List<Candidacy> candidacies = new ArrayList<>();
    for (int process = 0; process < 3; process++) {
      Truce truce = open();
      for (int each = 0; each < 2; each++) {
        candidacies.add(truce.election(NAME).campaign(grant -> lead(grant, plain, holds)));
      }
    }

    passUntil(() -> holds.size() >= terms(), "all terms are led");
    candidacies.forEach(Candidacy::close);

    assertEquals(plain[0], plain[1]);
    assertEquals(holds.size(), plain[0], "a term was lost");
    Referee.Verdict verdict = Referee.judge(holds);
    assertTrue(verdict.clean(), () -> String.join("\n", verdict.findings()));
    assertFree(open());
    assertNotNull(holds.peek());
  }

  private static void lead(Grant grant, int[] plain, ConcurrentLinkedQueue<Hold> holds) {
    long entered = System.nanoTime();
    plain[0]++;
    Thread.onSpinWait();
    plain[1]++;
    holds.add(
        new Hold(grant.lock(), true, grant.token(), grant.arrival(), entered, System.nanoTime()));
  }
}
