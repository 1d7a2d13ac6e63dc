package dev.truce.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.truce.Fence;
import dev.truce.FencedException;
import dev.truce.Truce;
import dev.truce.lock.Crew.Job;
import dev.truce.lock.History.Kind;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Leases, tickets, force and the history, in memory whose time stands still.
class LeaseTest {
  private static final Duration TERM = Duration.ofSeconds(10);
  private static final Duration LONG = Duration.ofHours(1);
  private static final Duration NOT_AT_ALL = Duration.ZERO;

  private final TestTicker ticker = new TestTicker();
  private final MemoryEngine memory = MemoryEngine.create(ticker);
  private final List<Truce> open = new ArrayList<>();
  private final Crew crew = new Crew();

  @AfterEach
  void close() {
    crew.close();
    open.forEach(Truce::close);
  }

  private Truce open(Engine engine, String owner) {
    Truce truce = Truce.builder().engine(engine).owner(owner).host("here").open();
    open.add(truce);
    return truce;
  }

  private Truce open(String owner) {
    return open(memory.another(), owner);
  }

  private void pass(Duration time) {
    ticker.advance(time.toNanos());
  }

  /// Whether a journal takes a write that carries this fence now.
  private static boolean taken(Engine engine, Fence fence) {
    Unit unit = new Unit(UUID.randomUUID(), fence, _ -> Optional.of(new byte[] {9}));
    return engine.journal("root").append(List.of(unit)).getFirst() instanceof Result.Appended;
  }

  // ---- leases

  @Test
  void lease_outlivesItsProcess_andIsKnownByItsHandle() throws Exception {
    Truce first = open("a");
    Lease lease = first.lock("build").lease(TERM, NOT_AT_ALL);
    String handle = lease.handle();
    first.close();

    Truce other = open("b");
    Lease again = other.lease(handle);
    assertThat(again.isValid()).isTrue();
    assertThat(again.lock()).isEqualTo("build");
    assertThat(again.token()).isEqualTo(lease.token());
    assertThat(again.id()).isEqualTo(lease.id());
    assertThat(again.term()).isEqualTo(TERM);
    assertThat(other.lock("build").tryAcquire()).isEmpty();
    again.release();
    assertThat(again.isValid()).isFalse();
    assertThat(other.lock("build").tryAcquire()).isPresent();
  }

  @Test
  void lease_itsTermIsOver_isAnybodysAndNeverComesBack() throws Exception {
    Truce a = open("a");
    Truce b = open("b");
    Lease lease = a.lock("build").lease(TERM, NOT_AT_ALL);
    pass(TERM.minusNanos(1));
    assertThat(lease.isValid()).isTrue();
    pass(Duration.ofNanos(1));
    assertThat(lease.isValid()).isFalse();
    assertThatThrownBy(lease::renew).hasMessageContaining("its term is over");

    Lease next = b.lock("build").lease(TERM, NOT_AT_ALL);
    assertThat(next.token()).isGreaterThan(lease.token());
    assertThatThrownBy(lease::renew)
        .isInstanceOf(LockLostException.class)
        .hasMessageContaining("its term is over");
    assertThatThrownBy(lease::release).isInstanceOf(LockLostException.class);
    assertThat(next.isValid()).isTrue();
    next.release();
    assertThatThrownBy(lease::renew).isInstanceOf(LockLostException.class);
  }

  @Test
  void renew_beforeItsEnd_lastsAnotherTermFromThen() throws Exception {
    Truce a = open("a");
    Lease lease = a.lock("build").lease(TERM, NOT_AT_ALL);
    for (int round = 0; round < 20; round++) {
      pass(TERM.minusSeconds(1));
      lease.renew();
    }
    lease.renew(LONG);
    pass(LONG.minusSeconds(1));
    assertThat(lease.isValid()).isTrue();
    assertThat(open("b").lock("build").tryAcquire()).isEmpty();
    pass(Duration.ofSeconds(1));
    assertThat(lease.isValid()).isFalse();
  }

  @Test
  void renew_asOftenAsItMay_isRefusedThenAndTheLeaseStandsUntilItsEnd() throws Exception {
    Truce a = open("a");
    Lease lease = a.lock("build").withRenewals(2).withReason("why").lease(TERM, NOT_AT_ALL);
    for (int renewal = 0; renewal < 2; renewal++) {
      pass(TERM.minusSeconds(1));
      open("b").lease(lease.handle()).renew();
    }
    pass(TERM.minusSeconds(1));
    assertThatIllegalStateException()
        .isThrownBy(lease::renew)
        .withMessageContaining("as often as it may be");
    assertThatIllegalStateException().isThrownBy(() -> lease.renew(LONG));
    assertThat(lease.isValid()).isTrue();
    assertThat(a.lock("build").status().holders().getFirst().reason()).isEqualTo("why");
    pass(Duration.ofSeconds(1));
    assertThat(lease.isValid()).isFalse();
  }

  @Test
  void release_beforeItsLeastHold_endsItAtOnceAndLetsNobodyInUntilThen() throws Exception {
    Truce a = open("a");
    Truce b = open("b");
    Lease lease = a.lock("cron").withLeastHold(Duration.ofSeconds(30)).lease(TERM, NOT_AT_ALL);
    pass(Duration.ofSeconds(4));
    lease.release();
    assertThat(taken(memory, lease.fence())).isFalse();
    assertThat(b.lock("cron").tryAcquire()).isEmpty();
    LockStatus.Holder kept = b.lock("cron").status().holders().getFirst();
    assertThat(kept.expiresIn()).contains(Duration.ofSeconds(26));
    assertThat(kept.reason()).contains("least time");
    assertThat(kept.owner().name()).isEqualTo("a");
    pass(Duration.ofSeconds(26));
    assertThat(b.lock("cron").acquire(NOT_AT_ALL).token()).isGreaterThan(kept.token());
    assertThat(a.history().entries())
        .extracting(History.Entry::kind)
        .containsExactly(Kind.LEASED, Kind.RELEASED, Kind.EXPIRED);
  }

  @Test
  void release_afterItsLeastHold_freesItAtOnce() throws Exception {
    Truce a = open("a");
    Lease lease = a.lock("cron").withLeastHold(Duration.ofSeconds(5)).lease(TERM, NOT_AT_ALL);
    pass(Duration.ofSeconds(5));
    lease.release();
    assertThat(open("b").lock("cron").tryAcquire()).isPresent();
  }

  @Test
  void bounds_overARestart_areThoseOfTheBeginning() throws Exception {
    Truce before = open("a");
    NamedLock bounded = before.lock("n").withRenewals(1).withLeastHold(Duration.ofSeconds(5));
    Lease lease = bounded.lease(TERM, NOT_AT_ALL);
    pass(Duration.ofSeconds(1));
    lease.renew();
    Truce after = open(restarted(), "b");
    Lease again = after.lease(lease.handle());
    pass(Duration.ofSeconds(1));
    again.renew();
    pass(Duration.ofSeconds(1));
    assertThatIllegalStateException().isThrownBy(again::renew);
    again.release();
    pass(Duration.ofSeconds(3).minusNanos(1));
    assertThat(after.lock("n").tryAcquire()).isEmpty();
    pass(Duration.ofNanos(1));
    assertThat(after.lock("n").tryAcquire()).isPresent();
  }

  @Test
  void lease_hugeTermsAndBounds_areCutToAHundredYears() throws Exception {
    Truce a = open("a");
    Duration huge = Duration.ofSeconds(Long.MAX_VALUE, 999_999_999);
    Lease lease = a.lock("n").withLeastHold(huge).withTicket(huge).lease(huge, huge);
    assertThat(lease.term()).isEqualTo(Duration.ofDays(36_500));
    assertThat(lease.renew(huge)).isAfter("2120-01-01T00:00:00Z");
    assertThat(open(restarted(), "b").lease(lease.handle()).isValid()).isTrue();
    assertThatIllegalArgumentException().isThrownBy(() -> a.lock("n").withRenewals(-1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> a.lock("n").withLeastHold(Duration.ofNanos(-1)));
    assertThatIllegalStateException().isThrownBy(() -> a.lock("m").withRenewals(1).tryAcquire());
    assertThatIllegalStateException()
        .isThrownBy(() -> a.lock("m").withLeastHold(TERM).acquire(NOT_AT_ALL));
  }

  @Test
  void onLost_endsByItsTermOrByForce_isCalledOnce() throws Exception {
    Truce a = open("a");
    ConcurrentLinkedQueue<Loss> losses = new ConcurrentLinkedQueue<>();
    Lease over = a.lock("over").lease(TERM, NOT_AT_ALL);
    Lease ended = a.lock("ended").lease(LONG, NOT_AT_ALL);
    Lease back = a.lock("back").lease(LONG, NOT_AT_ALL);
    Lease stands = a.lock("stands").lease(LONG, NOT_AT_ALL);
    for (Lease lease : List.of(over, ended, back, stands)) {
      lease.onLost(losses::add);
    }
    back.release();
    open("b").lock("ended").revoke("for a reason");
    pass(TERM);
    Crew.until(() -> losses.size() == 2);
    assertThat(losses).extracting(Loss::token).containsOnly(over.token(), ended.token());
    assertThat(losses).extracting(Loss::cause).anyMatch(cause -> cause.contains("for a reason"));
    assertThat(losses)
        .extracting(Loss::cause)
        .anyMatch(cause -> cause.contains("its term is over"));
    pass(TERM);
    a.close();
    assertThat(losses).hasSize(2);
  }

  @Test
  void watch_timePassesDuringALook_looksAgain() {
    AtomicInteger looks = new AtomicInteger();
    try (Locks room = locks("a")) {
      room.watch(() -> {
        pass(TERM);
        return looks.incrementAndGet() == 2;
      });
      Crew.until(() -> looks.get() == 2);
    }
  }

  @Test
  void lease_expiredWithNobodyWatching_isOverForTheNextWhoLooks() throws Exception {
    Truce a = open("a");
    a.lock("build").lease(TERM, NOT_AT_ALL);
    a.close();
    pass(TERM);
    Truce looking = open("b");
    assertThat(looking.lock("build").status().state()).isEqualTo(LockStatus.State.FREE);
    assertThat(looking.history().entries())
        .extracting(History.Entry::kind)
        .containsExactly(Kind.LEASED, Kind.EXPIRED);
  }

  @Test
  void acquire_whileALeaseStands_isServedWhenItEnds() throws Exception {
    Truce a = open("a");
    Truce b = open("b");
    Lease lease = a.lock("build").lease(TERM, NOT_AT_ALL);
    Job<Grant> waiting = crew.platform(() -> b.lock("build").acquire(LONG));
    Crew.until(() -> a.lock("build").status().waiting() == 1);
    pass(TERM);
    try (Grant grant = waiting.join()) {
      assertThat(grant.token()).isGreaterThan(lease.token());
    }
  }

  @Test
  void lease_read_standsBesideOtherReaders() throws Exception {
    Truce a = open("a");
    Lease one = a.lock("build").read().lease(TERM, NOT_AT_ALL);
    Lease two = open("b").lock("build").read().lease(TERM, NOT_AT_ALL);
    assertThat(a.lock("build").tryAcquire()).isEmpty();
    one.release();
    assertThat(two.isValid()).isTrue();
    two.release();
    assertThat(a.lock("build").tryAcquire()).isPresent();
  }

  @Test
  void lease_handleMistypedOrUnknown_areToldApart() throws Exception {
    Truce a = open("a");
    String handle = a.lock("build").lease(TERM, NOT_AT_ALL).handle();
    for (int at = 3; at < handle.length(); at++) {
      char other = handle.charAt(at) == '7' ? '8' : '7';
      String wrong = handle.substring(0, at) + other + handle.substring(at + 1);
      assertThatIllegalArgumentException().isThrownBy(() -> a.lease(wrong));
    }
    for (String wrong : List.of("", "tl_", "build", handle.substring(1), handle + "0")) {
      assertThatIllegalArgumentException().isThrownBy(() -> a.lease(wrong));
    }
    assertThat(a.lease(handle.toLowerCase(java.util.Locale.ROOT)).isValid()).isTrue();
    Truce elsewhere = open(MemoryEngine.create(ticker), "c");
    assertThat(elsewhere.lease(handle).isValid()).isFalse();
    assertThatThrownBy(elsewhere.lease(handle)::renew).isInstanceOf(LockLostException.class);
  }

  @Test
  void lease_secret_isNeverShown() throws Exception {
    Truce a = open("a");
    Lease lease = a.lock("build").withReason("why").lease(TERM, NOT_AT_ALL);
    String secret = lease.handle().substring(3, 28);
    String shown =
        lease + " " + a.status() + a.history() + lease.id() + lease.fence() + memoryText();
    assertThat(shown).doesNotContain(secret);
    LockStatus.Holder holder = a.lock("build").status().holders().getFirst();
    assertThat(holder.id()).isEqualTo(lease.id());
    assertThat(holder.owner().toString()).isEqualTo("a@here");
    assertThat(holder.reason()).isEqualTo("why");
    assertThat(holder.expiresIn()).contains(TERM);
    assertThat(holder.alive()).isEqualTo(LockStatus.Alive.UNKNOWN);
  }

  private String memoryText() {
    StringBuilder all = new StringBuilder();
    for (String key : memory.cells().keys("")) {
      all.append(
          new String(memory.cells().read(key).bytes(), java.nio.charset.StandardCharsets.UTF_8));
    }
    return all.toString();
  }

  @Test
  void lease_aHandleForgedForAnotherLease_changesNothing() throws Exception {
    Truce a = open("a");
    Lease victim = a.lock("build").read().lease(TERM, NOT_AT_ALL);
    Lease mine = a.lock("build").read().lease(TERM, NOT_AT_ALL);
    Handle forged = Handle.read(Handle.Kind.LEASE, mine.handle()).leased(victim.token());
    a.lease(forged.text()).release();
    assertThat(victim.isValid()).isTrue();
    assertThat(mine.isValid()).isFalse();
  }

  @Test
  void lease_termOfNothing_isRefused() {
    Truce a = open("a");
    for (Duration none : List.of(Duration.ZERO, Duration.ofSeconds(-1))) {
      assertThatIllegalArgumentException().isThrownBy(() -> a.lock("n").lease(none, NOT_AT_ALL));
    }
    assertThatIllegalStateException().isThrownBy(() -> a.lock("n").withTicket(TERM).tryAcquire());
  }

  /// Whoever takes the lease is stopped before it puts that down, until the term is over and
  /// another has put down the end. A beginning behind it would stand again after a restart.
  @Test
  void lease_stoppedBeforeItsBeginningIsSafe_isOverAndNeverStandsAgain() throws Exception {
    TroubledEngine troubled = new TroubledEngine(memory, true);
    Truce slow = open(troubled, "slow");
    Truce other = open("other");
    troubled.beforeSwap =
        key -> {
          if (key.endsWith("/locks")) {
            troubled.beforeSwap = _ -> true;
            pass(TERM);
            other.lock("n").status();
          }
          return true;
        };
    assertThatThrownBy(() -> slow.lock("n").lease(TERM, NOT_AT_ALL))
        .isInstanceOf(LockLostException.class)
        .hasMessageContaining("its term is over");
    assertThat(other.history().entries())
        .extracting(History.Entry::kind)
        .containsExactly(Kind.EXPIRED);
    assertThat(open(restarted(), "after").lock("n").tryAcquire()).isPresent();
  }

  @Test
  void lease_stoppedSoLongThatTheHistoryLetGoOfItsEnd_isOver() throws Exception {
    TroubledEngine troubled = new TroubledEngine(memory, true);
    Truce slow = open(troubled, "slow");
    Truce other = open("other");
    troubled.beforeSwap =
        key -> {
          if (key.endsWith("/locks")) {
            troubled.beforeSwap = _ -> true;
            pass(TERM);
            for (int i = 0; i <= Ledger.KEPT; i++) {
              leaseAndRelease(other);
            }
          }
          return true;
        };
    assertThatThrownBy(() -> slow.lock("n").lease(TERM, NOT_AT_ALL))
        .isInstanceOf(LockLostException.class);
    assertThat(other.history().entries())
        .extracting(History.Entry::kind)
        .doesNotContain(Kind.EXPIRED);
    assertThat(open(restarted(), "after").lock("n").tryAcquire()).isPresent();
  }

  private static void leaseAndRelease(Truce truce) {
    try {
      truce.lock("n").lease(TERM, NOT_AT_ALL).release();
    } catch (InterruptedException nobodyDoes) {
      throw new IllegalStateException(nobodyDoes);
    }
  }

  @Test
  void lease_endedByForceBeforeItIsOne_isLost() throws Exception {
    TroubledEngine troubled = new TroubledEngine(memory, true);
    Truce slow = open(troubled, "slow");
    Truce other = open("other");
    int[] swaps = {0};
    troubled.beforeSwap =
        key -> {
          if (key.equals(Locks.key("n")) && ++swaps[0] == 2) {
            other.lock("n").revoke("now");
          }
          return true;
        };
    assertThatThrownBy(() -> slow.lock("n").lease(TERM, NOT_AT_ALL))
        .isInstanceOf(LockLostException.class)
        .hasMessageContaining("ended by somebody else");
    assertThat(other.lock("n").tryAcquire()).isPresent();
  }

  @Test
  void lease_interruptedWhileWaiting_leavesNothingBehind() throws Exception {
    Truce a = open("a");
    Grant held = a.lock("n").acquire(NOT_AT_ALL);
    Job<Lease> waiting = crew.platform(() -> open("b").lock("n").lease(TERM, LONG));
    Crew.until(() -> a.lock("n").status().waiting() == 1);
    waiting.thread().interrupt();
    assertThat(waiting.failure()).isInstanceOf(InterruptedException.class);
    assertThat(a.lock("n").status().waiting()).isZero();
    held.close();
    assertThat(a.history().entries()).isEmpty();
  }

  // ---- fences

  @Test
  void release_unboundGrant_writesNothing() throws Exception {
    Truce a = open("a");
    Grant grant = a.lock("n").acquire(NOT_AT_ALL);
    grant.fence();
    grant.close();
    assertThat(memory.cells().keys("journal/")).isEmpty();
  }

  @Test
  void bind_grant_itsEndRefusesLateWritesBeforeTheNextIsGranted() throws Exception {
    Truce a = open("a");
    Grant grant = a.lock("n").acquire(NOT_AT_ALL);
    Fence fence = grant.fence();
    Locks writer = locks("writer");
    writer.bind(fence);
    writer.bind(fence);
    assertThat(taken(memory, fence)).isTrue();
    grant.close();
    assertThat(taken(memory, fence)).isFalse();
    try (Grant next = a.lock("n").acquire(NOT_AT_ALL)) {
      writer.bind(next.fence());
      assertThat(taken(memory, next.fence())).isTrue();
      assertThatThrownBy(() -> writer.bind(fence)).isInstanceOf(FencedException.class);
    }
    writer.close();
  }

  private Locks locks(String owner) {
    return Locks.over(
        memory.another(),
        new dev.truce.Owner(owner, "here", 1),
        100,
        Optional.empty(),
        DeadlockPolicy.LOWEST_PRIORITY);
  }

  @Test
  void bind_holderDied_lateWritesAreRefusedOnceTheLockIsTaken() throws Exception {
    MemoryEngine dying = memory.another();
    Truce dead = open(dying, "dead");
    Fence fence = dead.lock("n").acquire(NOT_AT_ALL).fence();
    Locks writer = locks("writer");
    writer.bind(fence);
    dying.close();
    try (Grant next = open("b").lock("n").acquire(NOT_AT_ALL)) {
      assertThat(taken(memory, fence)).isFalse();
      assertThat(next.token()).isGreaterThan(fence.tokens().get("n"));
    }
    writer.close();
  }

  @Test
  void bind_oneOfManyReaders_fencesThatOneAlone() throws Exception {
    Truce a = open("a");
    Grant one = a.lock("n").read().acquire(NOT_AT_ALL);
    Grant two = a.lock("n").read().acquire(NOT_AT_ALL);
    Locks writer = locks("writer");
    writer.bind(one.fence());
    two.close();
    assertThat(memory.cells().keys("journal/")).isEmpty();
    one.close();
    assertThat(taken(memory, one.fence())).isFalse();
    writer.close();
  }

  /// Whoever swapped the end into the cell was killed before it put it down.
  @Test
  void acquire_anEndIsHalfDone_isCompletedByWhoeverComesNext() throws Exception {
    TroubledEngine troubled = new TroubledEngine(memory, true);
    Truce a = open(troubled, "a");
    Grant grant = a.lock("n").acquire(NOT_AT_ALL);
    Locks writer = locks("writer");
    writer.bind(grant.fence());
    Truce b = open("b");
    troubled.beforeSwap =
        key -> {
          if (key.startsWith("journal/")) {
            troubled.unreachable = true;
          }
          return !troubled.unreachable;
        };
    grant.close();
    assertThat(taken(memory, grant.fence())).isTrue();
    LockState half = LockState.decode(memory.cells().read(Locks.key("n")).bytes());
    assertThat(half.holds().getFirst().phase()).isEqualTo(LockState.Phase.ENDING);

    try (Grant next = b.lock("n").acquire(NOT_AT_ALL)) {
      assertThat(taken(memory, grant.fence())).isFalse();
      assertThat(next.isValid()).isTrue();
    }
    assertThat(b.history().entries())
        .extracting(History.Entry::kind)
        .containsExactly(Kind.RELEASED);
    troubled.beforeSwap = key -> true;
    troubled.unreachable = false;
    writer.close();
  }

  // ---- tickets

  private Refusal refused(Truce truce, NamedLock lock, Duration wait) throws Exception {
    int before = truce.lock(lock.name()).status().waiting();
    Job<Lease> waiting = crew.platform(() -> lock.lease(TERM, wait));
    Crew.until(() -> truce.lock(lock.name()).status().waiting() == before + 1);
    pass(wait);
    Crew.until(waiting::done);
    return ((NotAcquiredException) waiting.failure()).refusal();
  }

  private String ticket(Truce truce, String lock) throws Exception {
    return refused(truce, truce.lock(lock).withTicket(LONG), Duration.ofSeconds(1))
        .ticket()
        .orElseThrow();
  }

  @Test
  void withTicket_threeOwnersWhoseCallsEnd_areServedInOrderAndNotOvertaken() throws Exception {
    Truce a = open("a");
    Grant held = a.lock("n").acquire(NOT_AT_ALL);
    List<String> tickets = new ArrayList<>();
    for (String owner : List.of("one", "two", "three")) {
      Truce caller = open(owner);
      tickets.add(ticket(caller, "n"));
      caller.close();
    }
    assertThat(a.lock("n").status().queue())
        .extracting(waiter -> waiter.owner().name())
        .containsExactly("one", "two", "three");
    held.close();
    Truce later = open("later");
    long last = 0;
    for (int turn = 0; turn < 3; turn++) {
      assertThat(later.lock("n").tryAcquire()).isEmpty();
      for (int other = turn + 1; other < 3; other++) {
        NamedLock behind = later.lock("n").withTicket(tickets.get(other));
        assertThat(
                catchThrowableOfType(
                        NotAcquiredException.class, () -> behind.lease(TERM, NOT_AT_ALL))
                    .refusal()
                    .position())
            .hasValue(other - turn + 1);
      }
      Lease lease = later.lock("n").withTicket(tickets.get(turn)).lease(TERM, NOT_AT_ALL);
      assertThat(lease.token()).isGreaterThan(last);
      assertThat(a.lock("n").status().holders().getFirst().owner().name()).isEqualTo("later");
      last = lease.token();
      lease.release();
    }
    assertThat(later.lock("n").tryAcquire()).isPresent();
  }

  @Test
  void withTicket_takenUpAgainAfterALostAnswer_isTheSameLease() throws Exception {
    Truce a = open("a");
    Grant held = a.lock("n").acquire(NOT_AT_ALL);
    String ticket = ticket(a, "n");
    held.close();
    NamedLock mine = a.lock("n").withTicket(ticket);
    Lease lease = mine.lease(TERM, NOT_AT_ALL);
    assertThat(mine.lease(TERM, NOT_AT_ALL).handle()).isEqualTo(lease.handle());
    lease.release();
    assertThatThrownBy(() -> mine.lease(TERM, NOT_AT_ALL)).isInstanceOf(LockLostException.class);
  }

  @Test
  void withTicket_overForeignOrMistyped_isRefusedEachInItsWay() throws Exception {
    Truce a = open("a");
    Grant held = a.lock("n").acquire(NOT_AT_ALL);
    String ticket = ticket(a, "n");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> a.lock("other").withTicket(ticket).lease(TERM, NOT_AT_ALL))
        .withMessageContaining("is for n");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> a.lock("n").withTicket(ticket + "0").lease(TERM, NOT_AT_ALL));
    Truce elsewhere = open(MemoryEngine.create(ticker), "c");
    assertThatThrownBy(() -> elsewhere.lock("n").withTicket(ticket).lease(TERM, NOT_AT_ALL))
        .isInstanceOf(LockLostException.class);
    pass(LONG);
    assertThatThrownBy(() -> a.lock("n").withTicket(ticket).lease(TERM, NOT_AT_ALL))
        .isInstanceOf(LockLostException.class);
    assertThat(a.lock("n").status().waiting()).isZero();
    held.close();
  }

  @Test
  void withTicket_ownerAwayWhenItsTurnComes_losesTheTurnAndKeepsThePlace() throws Exception {
    Truce a = open("a");
    Grant held = a.lock("n").acquire(NOT_AT_ALL);
    String ticket = ticket(a, "n");
    Truce b = open("b");
    Job<Grant> behind = crew.platform(() -> b.lock("n").acquire(LONG));
    Crew.until(() -> a.lock("n").status().waiting() == 2);
    held.close();
    pass(Duration.ofSeconds(4));
    assertThat(behind.done()).isFalse();
    pass(Duration.ofSeconds(2));
    Grant second = behind.join();
    NamedLock mine = a.lock("n").withTicket(ticket);
    assertThat(
            catchThrowableOfType(NotAcquiredException.class, () -> mine.lease(TERM, NOT_AT_ALL))
                .refusal()
                .position())
        .hasValue(1);
    second.close();
    mine.lease(TERM, NOT_AT_ALL).release();
  }

  /// The one behind reads the cell, then the holder gives back and the ticket's turn passes, then
  /// it goes to sleep: from then on time stands still.
  @Test
  void withTicket_itsTurnPassesWhileTheOneBehindLooks_thatOneIsServed() throws Exception {
    Truce a = open("a");
    Grant held = a.lock("n").acquire(NOT_AT_ALL);
    ticket(a, "n");
    TroubledEngine engine = new TroubledEngine(memory.another(), true);
    Truce b = open(engine, "b");
    AtomicBoolean passed = new AtomicBoolean();
    engine.afterRead =
        _ -> {
          if (a.lock("n").status().waiting() == 2 && passed.compareAndSet(false, true)) {
            held.close();
            pass(Duration.ofSeconds(6));
          }
        };
    crew.platform(() -> b.lock("n").acquire(LONG)).join().close();
    assertThat(passed).isTrue();
  }

  @Test
  void withTicket_callersThatKeepComing_extendIt() throws Exception {
    Truce a = open("a");
    Grant held = a.lock("n").acquire(NOT_AT_ALL);
    NamedLock mine = a.lock("n").withTicket(ticket(a, "n")).withTicket(LONG);
    for (int round = 0; round < 5; round++) {
      pass(LONG.minusSeconds(1));
      assertThatThrownBy(() -> mine.lease(TERM, NOT_AT_ALL))
          .isInstanceOf(NotAcquiredException.class);
    }
    held.close();
    assertThat(mine.lease(TERM, NOT_AT_ALL).isValid()).isTrue();
  }

  // ---- force

  @Test
  void revoke_grant_isLostAtTheNextCallAndPutDown() throws Exception {
    Truce a = open("a");
    Truce b = open("b");
    Grant grant = a.lock("n").acquire(NOT_AT_ALL);
    List<Loss> losses = new ArrayList<>();
    grant.onLost(losses::add);
    List<LockStatus.Holder> ended = b.lock("n").revoke("stuck since noon");
    assertThat(ended).extracting(LockStatus.Holder::token).containsExactly(grant.token());
    assertThat(grant.isValid()).isFalse();
    assertThat(losses).hasSize(1);
    grant.close();
    History.Entry entry = b.history().entries().getFirst();
    assertThat(entry.kind()).isEqualTo(Kind.REVOKED);
    assertThat(entry.by()).startsWith("b@here");
    assertThat(entry.reason()).isEqualTo("stuck since noon");
    assertThat(entry.owner().name()).isEqualTo("a");
    assertThat(b.lock("n").tryAcquire()).isPresent();
  }

  @Test
  void revoke_lease_neverComesBack() throws Exception {
    Truce a = open("a");
    Lease lease = a.lock("n").lease(TERM, NOT_AT_ALL);
    assertThat(open("b").lock("n").revoke("wanted")).hasSize(1);
    assertThatThrownBy(lease::renew)
        .isInstanceOf(LockLostException.class)
        .hasMessageContaining("wanted");
    assertThat(open("b").lock("n").revoke("wanted")).isEmpty();
    assertThatIllegalArgumentException().isThrownBy(() -> a.lock("n").revoke(""));
  }

  @Test
  void revoke_itsTermIsOverAlready_endsNothing() throws Exception {
    Truce a = open("a");
    a.lock("n").lease(TERM, NOT_AT_ALL);
    pass(TERM);
    assertThat(a.lock("n").revoke("late")).isEmpty();
    assertThat(a.history().entries())
        .extracting(History.Entry::kind)
        .containsExactly(Kind.LEASED, Kind.EXPIRED);
  }

  @Test
  void byForce_goesBeforeHoldersAndWaiters() throws Exception {
    Truce a = open("a");
    Truce b = open("b");
    Truce c = open("c");
    Grant held = a.lock("n").acquire(NOT_AT_ALL);
    Job<Grant> waiting = crew.platform(() -> b.lock("n").acquire(LONG));
    Crew.until(() -> a.lock("n").status().waiting() == 1);
    Grant forced = c.lock("n").byForce("now").acquire(LONG);
    assertThat(forced.isValid()).isTrue();
    assertThat(held.isValid()).isFalse();
    assertThat(waiting.done()).isFalse();
    forced.close();
    waiting.join().close();
  }

  // ---- restarts

  /// The memory after a restart: new cells, the journals of before, and numbers that go on.
  private Engine restarted() {
    return new Restarted(MemoryEngine.create(ticker), memory);
  }

  @Test
  void open_afterARestart_leasesStandWithTheirTokenForTheirFullTerm() throws Exception {
    Truce before = open("a");
    Lease stands = before.lock("n").withReason("why").lease(TERM, NOT_AT_ALL);
    Lease ended = before.lock("m").lease(TERM, NOT_AT_ALL);
    Lease reads = before.lock("r").read().lease(LONG, NOT_AT_ALL);
    ended.release();
    Fence fence = stands.fence();
    assertThat(taken(memory, fence)).isTrue();
    pass(TERM.minusSeconds(1));

    Truce after = open(restarted(), "b");
    assertThat(after.lock("n").tryAcquire()).isEmpty();
    assertThat(after.lease(stands.handle()).isValid()).isTrue();
    assertThat(after.lease(reads.handle()).isValid()).isTrue();
    assertThat(after.lock("r").read().tryAcquire()).isPresent();
    assertThat(after.lock("m").tryAcquire()).isPresent();
    assertThatThrownBy(after.lease(ended.handle())::renew).isInstanceOf(LockLostException.class);
    LockStatus.Holder holder = after.lock("n").status().holders().getFirst();
    assertThat(holder.token()).isEqualTo(stands.token());
    assertThat(holder.owner().toString()).isEqualTo("a@here");
    assertThat(holder.reason()).isEqualTo("why");
    assertThat(holder.expiresIn()).contains(TERM);
    pass(TERM);
    try (Grant next = after.lock("n").acquire(NOT_AT_ALL)) {
      assertThat(next.token()).isGreaterThan(stands.token());
      assertThat(taken(memory, fence)).isFalse();
    }
  }

  /// One opener reads the leases and is stopped; another restores them, and the lease is given back
  /// and its name forgotten; then the first goes on.
  @Test
  void open_stoppedWhileItRestores_neverBringsBackWhatHasEndedSince() throws Exception {
    Truce before = open("a");
    Lease lease = before.lock("n").lease(TERM, NOT_AT_ALL);
    Restarted cells = new Restarted(MemoryEngine.create(ticker), memory);
    cells.beforeSwap =
        key -> {
          if (key.equals(Locks.key("n"))) {
            cells.beforeSwap = _ -> {};
            Truce other = open(cells.another(), "b");
            other.lease(lease.handle()).release();
            other.close();
          }
        };
    Truce late = open(cells, "c");
    assertThat(late.lease(lease.handle()).isValid()).isFalse();
    assertThat(late.lock("n").tryAcquire()).isPresent();
  }

  @Test
  void open_killedWhileItRestores_theNextOneRestoresTheRest() throws Exception {
    Truce before = open("a");
    List<Lease> leases = new ArrayList<>();
    for (String name : List.of("k", "l", "m", "n")) {
      leases.add(before.lock(name).lease(TERM, NOT_AT_ALL));
    }
    for (int killed = 1; killed <= 5; killed++) {
      Restarted cells = new Restarted(MemoryEngine.create(ticker), memory);
      int[] left = {killed};
      cells.beforeSwap =
          _ -> {
            if (--left[0] == 0) {
              throw new IllegalStateException("killed");
            }
          };
      assertThatIllegalStateException().isThrownBy(() -> open(cells, "dies"));
      cells.beforeSwap = _ -> {};
      Truce after = open(cells, "b");
      for (Lease lease : leases) {
        assertThat(after.lease(lease.handle()).isValid()).isTrue();
        assertThat(after.lock(lease.lock()).tryAcquire()).isEmpty();
      }
    }
  }

  // ---- history

  @Test
  void history_decisions_areChainedAndInOrder() throws Exception {
    Truce a = open("a");
    MemoryEngine dying = memory.another();
    open(dying, "dead").lock("n").acquire(NOT_AT_ALL);
    dying.close();
    a.lock("n").acquire(NOT_AT_ALL).close();
    a.lock("n").lease(TERM, NOT_AT_ALL).release();
    History history = open("b").history();
    assertThat(history.entries())
        .extracting(History.Entry::kind)
        .containsExactly(Kind.DIED, Kind.LEASED, Kind.RELEASED);
    assertThat(history.broken()).isEmpty();
  }

  @Test
  void history_anEntryThatDoesNotFollow_isFound() throws Exception {
    Truce a = open("a");
    a.lock("n").lease(TERM, NOT_AT_ALL).release();
    History.Entry false1 = a.history().entries().getLast();
    Unit unit =
        new Unit(UUID.randomUUID(), null, _ -> Optional.of(false1.write(new byte[History.HASH])));
    memory.journal("locks").append(List.of(unit));
    a.lock("n").lease(TERM, NOT_AT_ALL).release();
    assertThat(open("b").history().broken()).hasValue(3);
    assertThat(a.history().broken()).hasValue(3);
  }

  @Test
  void history_isBounded_andLeasesSurviveTheLettingGo() throws Exception {
    Truce a = open("a");
    Lease old = a.lock("old").lease(LONG, NOT_AT_ALL);
    for (int i = 0; i < Ledger.KEPT + 10; i++) {
      a.lock("n").lease(TERM, NOT_AT_ALL).release();
    }
    History history = a.history();
    assertThat(history.entries()).hasSizeBetween(Ledger.KEPT, 2 * Ledger.KEPT);
    assertThat(open("b").history()).isEqualTo(history);
    assertThat(history.broken()).isEmpty();
    assertThat(open(restarted(), "c").lease(old.handle()).isValid()).isTrue();
  }
}
