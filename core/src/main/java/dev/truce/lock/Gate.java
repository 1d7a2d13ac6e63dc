package dev.truce.lock;

import dev.truce.EngineException;
import dev.truce.Fence;
import dev.truce.OutcomeUnknownException;
import dev.truce.Owner;
import dev.truce.TruceException;
import dev.truce.lock.LocalQueue.LocalRun;
import dev.truce.lock.LocalQueue.Waiter;
import dev.truce.lock.LockMachine.Answer;
import dev.truce.lock.LockMachine.Command;
import dev.truce.lock.LockMachine.Granted;
import dev.truce.lock.LockMachine.Outcome;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.LockState.Hold;
import dev.truce.lock.LockState.Phase;
import dev.truce.lock.LockState.Wait;
import dev.truce.lock.NamedLock.Mode;
import dev.truce.spi.Cells.Cell;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// One lock as this process sees it: its threads in front, the cell behind.
///
/// All commands of the process go through here one after the other, under [#mutex]; between two of
/// them everything below is consistent with the [cell][LockCell] as it was read last. Its threads
/// wait in a [LocalQueue]: one that finds its own process's run at the very end of the cell's queue
/// joins it in memory, any other adds a run to both. The leader alone wakes up to look at the cell
/// and at whether those in front of it still live, the others sleep until they are called.
final class Gate {
  /// How often a process that is not the first in the queue looks at the holders.
  private static final long HOLDERS_NANOS = 1_000_000_000L;

  private static final VarHandle ALONE = alone();

  private final Locks room;
  private final String name;
  private final LockCell cell;
  private final Meter meter;
  private final Upgrading upgrading;

  /// Fair: threads that run would take it again and again before one that sleeps for it is awake,
  /// and a writer would wait for milliseconds to be put in the queue.
  private final ReentrantLock mutex = new ReentrantLock(true);

  private final LocalQueue queue = new LocalQueue();

  /// What this process holds, by token.
  private final Map<Long, Held> holds = new ConcurrentHashMap<>();

  /// The one grant that went the short way, if it still stands; see [#acquireIdle].
  private volatile @Nullable Held alone;

  /// Whether ends are being put down in the background.
  private boolean unwritten;

  /// When this process looks at the holders next, even if it is not the first in the queue.
  private long holdersDue;

  /// How many releases are still to be made in the background.
  private int unsettled;

  private volatile boolean retired;

  /// What those were refused with who waited when the room closed.
  private volatile @Nullable TruceException parting;

  Gate(Locks room, String name) {
    this.room = room;
    this.name = name;
    this.cell = new LockCell(room, name);
    this.meter = new Meter(room, name);
    this.upgrading = new Upgrading(room, this, mutex, cell, holds);
  }

  Fence fence(long token) {
    return room.fence(name, token);
  }

  String name() {
    return name;
  }

  Meter meter() {
    return meter;
  }

  // ---- acquiring

  /// A grant, or a refusal as an exception; `null` only when the gate was retired meanwhile.
  @Nullable Held acquire(NamedLock wanted, Claim claim, boolean patient, long now, long deadline)
      throws InterruptedException {
    Held idle = acquireIdle(wanted, claim, now);
    if (idle != null) {
      return idle;
    }
    Waiter waiter = new Waiter(claim, now);
    if (!enter(wanted, waiter, patient)) {
      return null;
    }
    if (!waiter.answered()) {
      await(wanted, waiter, deadline);
    }
    TruceException refused = waiter.refused();
    if (refused != null) {
      room.maybeForget();
      throw refused;
    }
    return waiter.held();
  }

  /// A grant that takes no waiting, for nobody in particular; `null` where it would, or where that
  /// is not to be told without asking.
  @Nullable Held acquireAtOnce(NamedLock wanted, Claim claim, long now)
      throws InterruptedException {
    Held held = acquireIdle(wanted, claim, now);
    if (held == null && wanted.isPlain() && wanted.mode() == Mode.READ && onlyRead()) {
      held = acquire(wanted, claim, false, now, Long.MIN_VALUE);
    }
    if (held != null) {
      held.handOver();
    }
    return held;
  }

  private boolean onlyRead() {
    if (queue.busy()) {
      return false;
    }
    LockState state = LockState.decode(cell.raw().bytes());
    return state.queue().isEmpty()
        && state.holds().stream()
            .allMatch(hold -> hold.mode() == Mode.READ && hold.phase() != Phase.ENDING);
  }

  /// The short way: when the lock is idle and no thread of this process is busy with it, the cell
  /// is swapped without the mutex and the machine. `null` leaves everything to the long way.
  ///
  /// The claim's number stands for the command's too: this way makes one command of a claim.
  ///
  /// Whoever closes the gate or lets it go sets [#retired] and then looks at [#alone]; this way
  /// sets `alone` and then looks at `retired`: one of them sees the other.
  private @Nullable Held acquireIdle(NamedLock wanted, Claim claim, long now) {
    meter.asking(now);
    if (!room.shortWay() || queue.busy() || alone != null || retired || !wanted.isPlain()) {
      return null;
    }
    Cell idle = cell.raw();
    if (!LockCodec.isIdle(idle.bytes())) {
      return null;
    }
    long token = cell.draw();
    byte[] next =
        LockCodec.acquireIdle(
            idle.bytes(),
            claim.member(),
            claim.number(),
            wanted.mode(),
            token,
            claim.number(),
            now);
    if (next == null) {
      return null;
    }
    Held held = new Held(this, token, wanted.mode(), claim, 0, Thread.currentThread());
    if (!ALONE.compareAndSet(this, null, held)) {
      return null;
    }
    boolean won = false;
    try {
      Cell left = retired ? null : cell.swap(idle, next);
      if (left != null) {
        held.left(left);
        meter.began(held, now);
        won = true;
      }
    } finally {
      if (!won) {
        ALONE.compareAndSet(this, held, null);
      }
    }
    if (won && (alone != held || retired)) {
      settleIn(held);
    }
    return won ? held : null;
  }

  /// Moves a grant that went the short way to where the long way looks for it.
  private void settleIn(Held held) {
    mutex.lock();
    try {
      ALONE.compareAndSet(this, held, null);
      holds.put(held.token(), held);
    } finally {
      mutex.unlock();
    }
    if (room.closed()) {
      held.leave();
      throw room.gone();
    }
  }

  /// The short way back, from the cell as the way there left it: if somebody was there meanwhile,
  /// the swap is lost. False leaves everything to the long way.
  private boolean releaseIdle(Held held) {
    Cell left = held.left();
    if (left == null || alone != held || queue.busy() || !room.current()) {
      return false;
    }
    byte[] next = LockCodec.releaseLast(left.bytes(), held.claim().member(), held.token());
    return next != null && cell.swap(left, next) != null && ALONE.compareAndSet(this, held, null);
  }

  /// Asks for the lock; false when the gate was retired meanwhile. Afterwards the waiter is
  /// answered or stands in a run.
  private boolean enter(NamedLock wanted, Waiter waiter, boolean patient) {
    mutex.lock();
    try {
      if (retired) {
        return false;
      }
      boolean waitsForItself = patient && wanted.wish().limit() == 1 && holdsAny(waiter.thread());
      if (patient && !waitsForItself && join(wanted, waiter)) {
        return true;
      }
      ask(wanted, waiter, patient && !waitsForItself, waitsForItself);
      return true;
    } finally {
      mutex.unlock();
    }
  }

  private boolean join(NamedLock wanted, Waiter waiter) {
    if (queue.isEmpty()) {
      return false;
    }
    LockState state = refreshed();
    int priority = wanted.wish().priority();
    Wait tail =
        state.limit() == wanted.wish().limit()
            ? LockMachine.joinable(state, room.member(), wanted.mode(), priority, parentIn(state))
            : null;
    LocalRun run = tail == null ? null : queue.at(tail.claim());
    if (run == null || !run.admits(wanted)) {
      return false;
    }
    if (queue.waiting() >= room.maxLocalWaiters()) {
      waiter.refuse(refused(wanted.mode(), Refusal.Kind.QUEUE_FULL).exception());
      return true;
    }
    queue.join(run, waiter);
    return true;
  }

  private void ask(NamedLock wanted, Waiter waiter, boolean patient, boolean waitsForItself) {
    LocalRun run = queue.begin(wanted, waiter);
    try {
      boolean force = wanted.wish().force();
      Command command = asking(run, patient || force);
      Outcome outcome = apply(command);
      Answer answer = outcome.answer();
      if (answer instanceof Answer.Refused && (buryTheDead(true) || movedOn(outcome))) {
        answer = apply(command).answer();
      }
      if (force && !waitsForItself && !waiter.answered() && answer instanceof Answer.Queued) {
        revokeAll(wanted.reason());
      }
      if (!waiter.answered() && answer instanceof Answer.Refused(LockMachine.Why why)) {
        queue.dissolve(run);
        waiter.refuse(
            why == LockMachine.Why.OTHER_LIMIT
                ? otherLimit(wanted)
                : refused(wanted.mode(), kind(why, waitsForItself)).exception());
      }
    } catch (RuntimeException | Error failure) {
      queue.disband(run);
      room.later(() -> withdrawLater(run));
      throw failure;
    }
  }

  private Command asking(LocalRun run, boolean patient) {
    NamedLock wanted = run.wanted();
    return new Command.Acquire(
        run.claim(),
        wanted.mode(),
        wanted.wish().priority(),
        patient,
        0,
        0,
        wanted.wish().limit(),
        room.ancestors(),
        wanted.reason());
  }

  /// Whether the cell says something else by now, such as that an end that stood in the way is done
  /// with.
  private boolean movedOn(Outcome outcome) {
    return !cell.state().equals(outcome.state());
  }

  private static Refusal.Kind kind(LockMachine.Why why, boolean waitsForItself) {
    return switch (why) {
      case HELD -> waitsForItself ? Refusal.Kind.DEADLOCK : Refusal.Kind.HELD;
      case QUEUE_FULL -> Refusal.Kind.QUEUE_FULL;
      case DEADLOCK -> Refusal.Kind.DEADLOCK;
      case OTHER_LIMIT -> Refusal.Kind.OTHER_LIMIT;
      case NO_RENEWALS -> throw new IllegalStateException("nothing was renewed");
    };
  }

  /// What this thread holds of this lock.
  void addHeldBy(Thread thread, List<Waiting.Token> found) {
    Held shortly = alone;
    if (shortly != null && shortly.belongsTo(thread)) {
      found.add(new Waiting.Token(name, shortly.token()));
    }
    for (Held held : holds.values()) {
      if (held.belongsTo(thread)) {
        found.add(new Waiting.Token(name, held.token()));
      }
    }
  }

  private boolean holdsAny(Thread thread) {
    Held shortly = alone;
    if (shortly != null && shortly.belongsTo(thread) && holds(shortly)) {
      return true;
    }
    for (Held held : holds.values()) {
      if (held.belongsTo(thread) && holds(held)) {
        return true;
      }
    }
    return false;
  }

  private Claim parentIn(LockState state) {
    for (Claim ancestor : room.ancestors()) {
      for (Hold hold : state.holds()) {
        if (hold.claim().equals(ancestor)) {
          return ancestor;
        }
      }
    }
    return Claim.NONE;
  }

  // ---- waiting

  private void await(NamedLock wanted, Waiter waiter, long deadline) throws InterruptedException {
    Jfr.Waited recorded = meter.waits(wanted.mode(), 0);
    Vigil.End end;
    try (Vigil vigil = new InQueue(wanted, waiter)) {
      end = vigil.keep(deadline);
      switch (end) {
        case SERVED -> {}
        case TIME_OVER -> leave(waiter, wanted);
        case INTERRUPTED -> leave(waiter, null);
        case STRUCK -> giveWay(waiter, wanted, vigil.struck());
      }
    } catch (RuntimeException | Error failure) {
      leave(waiter, null);
      throw failure;
    } finally {
      Held held = waiter.held();
      meter.waited(recorded, wanted.mode(), held == null ? 0 : held.token());
    }
    if (end == Vigil.End.INTERRUPTED) {
      throw Vigil.interrupted("while waiting for " + name);
    }
  }

  /// The wait of one who stands in the queue.
  private final class InQueue extends Vigil {
    private final NamedLock wanted;
    private final Waiter waiter;

    InQueue(NamedLock wanted, Waiter waiter) {
      super(room, Gate.this, wanted.wish().heedless());
      this.wanted = wanted;
      this.waiter = waiter;
    }

    @Override
    Waits.@Nullable Told tell() {
      Claim run = runOf(waiter);
      return run == null ? null : room.waits().tell(wanted, run);
    }

    @Override
    boolean isServed() {
      return waiter.answered();
    }

    @Override
    long look() {
      long next = waiter == queue.leader() && !isServed() ? lookAt(waiter.since()) : Long.MAX_VALUE;
      return isServed() ? Long.MIN_VALUE : next;
    }
  }

  private @Nullable Claim runOf(Waiter waiter) {
    mutex.lock();
    try {
      LocalRun run = queue.of(waiter);
      return run == null ? null : run.claim();
    } finally {
      mutex.unlock();
    }
  }

  /// Takes a waiter out that was chosen to give way in a ring, unless it has been served.
  private void giveWay(Waiter waiter, NamedLock wanted, List<Refusal.Link> ring) {
    mutex.lock();
    try {
      if (!waiter.answered()) {
        remove(waiter);
      }
      if (!waiter.answered()) {
        waiter.refuse(refused(wanted.mode(), Refusal.Kind.DEADLOCK).inRing(ring).exception());
      }
    } finally {
      mutex.unlock();
    }
  }

  /// Takes a waiter out that has not been answered; one that was granted meanwhile keeps its grant
  /// when `wanted` is given, and gives it back otherwise.
  private void leave(Waiter waiter, @Nullable NamedLock wanted) {
    Held late = null;
    mutex.lock();
    try {
      if (waiter.answered()) {
        late = wanted == null ? waiter.held() : null;
      } else {
        OptionalInt position =
            wanted == null
                ? OptionalInt.empty()
                : queue.position(waiter, cell.state().queue(), room.member());
        if (wanted == null || !leftTicket(waiter, wanted, position)) {
          remove(waiter);
        }
        if (wanted != null && !waiter.answered()) {
          waiter.refuse(refused(wanted.mode(), Refusal.Kind.TIMEOUT).at(position).exception());
        }
      }
    } finally {
      mutex.unlock();
    }
    if (late != null) {
      late.leave();
    }
  }

  /// Leaves a ticket in the waiter's place, if it wants one. True when there is nothing left to
  /// take out: the ticket stands, or the lock came at the last moment.
  private boolean leftTicket(Waiter waiter, NamedLock wanted, OptionalInt position) {
    Duration keep = wanted.wish().keep();
    LocalRun run = queue.of(waiter);
    if (keep == null || run == null) {
      return false;
    }
    Handle ticket = Handle.fresh(Handle.Kind.TICKET, name);
    long until = Locks.later(room.ticker().nanos(), keep);
    Answer answer =
        apply(
                new Command.Leave(
                    run.claim(), ticket.claim(), until, room.terms(wanted, Duration.ZERO)))
            .answer();
    if (waiter.answered()) {
      return true;
    }
    if (!(answer instanceof Answer.Done)) {
      return false;
    }
    queue.dissolve(run);
    waiter.refuse(inVain(wanted, position, ticket));
    return true;
  }

  private void remove(Waiter waiter) {
    LocalRun run = queue.of(waiter);
    if (run != null) {
      queue.leave(run, waiter);
      if (run.isEmpty()) {
        withdraw(run);
      }
    }
  }

  /// Takes an empty run out of the queue. If the engine does not answer, that is done later; until
  /// then the run stands here as one of nobody, so that any other command takes its place away.
  private void withdraw(LocalRun run) {
    try {
      cancel(run);
    } catch (TruceException failure) {
      room.later(() -> withdrawLater(run));
    }
  }

  private boolean withdrawLater(LocalRun run) {
    mutex.lock();
    try {
      if (run.isEmpty()) {
        cancel(run);
      }
      return true;
    } finally {
      mutex.unlock();
    }
  }

  private void cancel(LocalRun run) {
    apply(new Command.Cancel(run.claim()));
    releaseOrphans();
    queue.remove(run);
  }

  /// Gives back what was granted by a command whose outcome nobody could tell.
  private void releaseOrphans() {
    for (Hold hold : refreshed().holds()) {
      for (long token : hold.tokens()) {
        if (hold.claim().member() == room.member() && !hold.exported() && !held(token)) {
          apply(new Command.Release(token, hold.claim()));
        }
      }
    }
  }

  private boolean held(long token) {
    Held shortly = alone;
    return holds.containsKey(token) || (shortly != null && shortly.token() == token);
  }

  /// What the leader does whenever it is awake: takes up what was offered, settles what time has
  /// ended, and buries those in front that are dead. Answers until when it may sleep.
  private long lookAt(long since) {
    mutex.lock();
    try {
      // From before the look: time that passes during it is time that nobody has looked at.
      long now = room.ticker().nanos();
      refreshed();
      for (LocalRun run : queue.runs()) {
        if (queue.has(run)) {
          attend(run, cell.state());
        }
      }
      LockState attended = cell.state();
      buryTheDead(false);
      endWhatIsOver();
      // Putting an end down waits, which may have used up the wake that told of this.
      return !cell.state().equals(attended) && isCalled()
          ? Long.MIN_VALUE
          : Math.min(now + room.recheck(now - since), LockMachine.nextSettling(cell.state()));
    } finally {
      mutex.unlock();
    }
  }

  /// Whether the cell has something for one of those who wait here.
  private boolean isCalled() {
    for (LocalRun run : queue.runs()) {
      Wait wait = cell.state().waitOf(run.claim());
      if (!run.isEmpty() && (wait == null || wait.offered() != 0 || wait.absent())) {
        return true;
      }
    }
    return false;
  }

  /// Ends what the dead have and what time has ended, and answers what is left; `null` when the
  /// gate was retired meanwhile.
  @Nullable LockState settle() {
    mutex.lock();
    try {
      if (retired) {
        return null;
      }
      settled();
      finishAllEnds();
      return cell.state();
    } finally {
      mutex.unlock();
    }
  }

  /// The lock without what the dead have and what time has ended.
  LockState settled() {
    refreshed();
    buryTheDead(true);
    endWhatIsOver();
    return cell.state();
  }

  private void endWhatIsOver() {
    if (LockMachine.nextSettling(cell.state()) <= room.ticker().nanos()) {
      apply(new Command.Look());
    }
  }

  private void attend(LocalRun run, LockState state) {
    Wait wait = state.waitOf(run.claim());
    if (run.isEmpty()) {
      return;
    }
    if (!room.current()) {
      var _ = refuseAll(run, room.gone());
    } else if (wait == null) {
      askAgain(run);
    } else if (wait.offered() != 0) {
      apply(new Command.Accept(run.claim()));
    } else if (wait.absent()) {
      apply(new Command.Look());
    }
  }

  /// The cell is not the one in which it was queued.
  private void askAgain(LocalRun run) {
    if (apply(asking(run, true)).answer() instanceof Answer.Refused(LockMachine.Why why)
        && why == LockMachine.Why.OTHER_LIMIT) {
      var _ = refuseAll(run, otherLimit(run.wanted()));
    }
  }

  /// Answers who they were.
  private List<Waiter> refuseAll(LocalRun run, TruceException refused) {
    List<Waiter> told = queue.disband(run);
    withdraw(run);
    told.forEach(waiter -> waiter.refuse(refused));
    return told;
  }

  /// Ends what dead members have here. The leader looks only at whom it waits for, so that a
  /// hundred waiting processes do not all ask the kernel: at the one right before it in the queue,
  /// and at the holders when it is the first.
  private boolean buryTheDead(boolean everybody) {
    boolean found = false;
    for (long member : suspects(cell.state(), everybody)) {
      if (room.dead(member)) {
        apply(new Command.Bury(member));
        room.buried(member);
        found = true;
      }
    }
    return found;
  }

  private List<Long> suspects(LockState state, boolean everybody) {
    List<Long> suspects = new ArrayList<>();
    long before = 0;
    for (Wait wait : state.queue()) {
      long member = wait.claim().member();
      if (member == room.member() && !everybody) {
        break;
      }
      if (everybody || wait.offered() != 0 || wait.absent()) {
        suspect(suspects, member);
      } else {
        before = member;
      }
    }
    if (before != 0) {
      suspect(suspects, before);
    }
    if (before == 0 || everybody || holdersDue()) {
      state.holds().forEach(hold -> suspect(suspects, hold.claim().member()));
    }
    return suspects;
  }

  /// Whether it is time to look at the holders although somebody stands before: he may be stopped,
  /// and then nobody else would see that they are dead.
  private boolean holdersDue() {
    long now = room.ticker().nanos();
    if (now < holdersDue) {
      return false;
    }
    holdersDue = now + HOLDERS_NANOS;
    return true;
  }

  private void suspect(List<Long> suspects, long member) {
    if (member != 0 && member != room.member() && !suspects.contains(member)) {
      suspects.add(member);
    }
  }

  /// What this thread waits for is told anew: it holds less.
  void handedOver(@Nullable Thread party) {
    room.waits().heldChanged(party);
  }

  // ---- changing the mode

  /// Makes a reader's grant a writer's.
  void upgrade(Held held, Duration wait) throws InterruptedException {
    upgrading.upgrade(held, wait);
  }

  /// Makes a writer's grant a reader's.
  void downgrade(Held held) {
    upgrading.downgrade(held);
  }

  /// Has the long way know a grant that went the short way.
  void settleAlone(Held held) {
    if (ALONE.compareAndSet(this, held, null)) {
      holds.put(held.token(), held);
    }
  }

  // ---- releasing

  void release(Held held) {
    if (alone == held && releasedShortly(held)) {
      meter.released(held);
      room.maybeForget();
      return;
    }
    mutex.lock();
    try {
      boolean mine = ALONE.compareAndSet(this, held, null) || holds.remove(held.token(), held);
      if (mine && !room.closed()) {
        giveBack(held);
        finishTheRest();
      }
    } catch (EngineException | OutcomeUnknownException failure) {
      held.releaseFailed(failure);
      unsettled++;
      room.later(() -> releaseLater(held));
    } finally {
      mutex.unlock();
    }
    room.maybeForget();
  }

  private boolean releasedShortly(Held held) {
    meter.leaving(held);
    try {
      return releaseIdle(held);
    } catch (EngineException failure) {
      return false;
    }
  }

  /// Releases it, and what it became meanwhile, by an upgrade that came about at the last moment.
  private void giveBack(Held held) {
    meter.leaving(held);
    long unknowns = cell.unknowns();
    boolean done = false;
    for (long token = 0; !done && token != held.token(); ) {
      token = held.token();
      done = apply(new Command.Release(token, held.claim())).answer() instanceof Answer.Done;
    }
    if (done || cell.unknowns() > unknowns) {
      meter.released(held);
    }
  }

  private boolean releaseLater(Held held) {
    mutex.lock();
    try {
      giveBack(held);
      unsettled--;
      return true;
    } finally {
      mutex.unlock();
    }
  }

  // ---- what outlives this process

  /// Carries a command that no local waiter waits for.
  Outcome command(Command command) {
    mutex.lock();
    try {
      return apply(command);
    } finally {
      mutex.unlock();
    }
  }

  /// Makes a grant a detached one; refused, and it stands as it stood, when it cannot be.
  Answer detach(Held held, Claim claim, long until, String terms) {
    mutex.lock();
    try {
      settleAlone(held);
      Answer answer = apply(new Command.Detach(held.token(), claim, until, terms)).answer();
      finishAllEnds();
      if (answer instanceof Answer.Done) {
        holds.remove(held.token(), held);
        meter.leased(held);
      }
      return answer;
    } finally {
      mutex.unlock();
    }
  }

  /// Waits in the place that a ticket keeps. `null` when there is no such ticket, any more.
  ///
  /// @throws NotAcquiredException when the time is over; the ticket stays
  /// @throws InterruptedException when the thread was interrupted; the ticket stays
  @Nullable Hold takeUp(NamedLock wanted, Handle ticket, Duration ttl, long began, long deadline)
      throws InterruptedException {
    meter.asking(began);
    Place place = lookAtPlace(wanted, ticket, ttl, began, deadline);
    if (place.over()) {
      return place.had();
    }
    Jfr.Waited recorded = meter.waits(wanted.mode(), 0);
    try {
      while (!place.over()) {
        room.ticker().park(this, Math.min(deadline, place.next()));
        place = lookAtPlace(wanted, ticket, ttl, began, deadline);
      }
      return place.had();
    } finally {
      Hold had = place.had();
      meter.waited(recorded, wanted.mode(), had == null ? 0 : had.token());
    }
  }

  /// What has become of a ticket's place.
  ///
  /// @param over whether there is none any more
  /// @param had what was granted there
  /// @param next when to look again
  private record Place(boolean over, @Nullable Hold had, long next) {}

  private Place lookAtPlace(
      NamedLock wanted, Handle ticket, Duration ttl, long began, long deadline)
      throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("while waiting for " + name);
    }
    Claim claim = ticket.claim();
    long now = room.ticker().nanos();
    mutex.lock();
    try {
      refreshed();
      buryTheDead(true);
      Duration keep = wanted.wish().keep();
      long kept = keep == null ? 0 : Locks.later(now, keep);
      long until = Locks.later(now, ttl);
      Outcome outcome = apply(new Command.Accept(claim, until, kept, room.terms(wanted, ttl)));
      if (!outcome.grants().isEmpty()) {
        finishAllEnds();
        Hold taken = outcome.grants().getFirst().hold();
        meter.taken(taken, now - began);
        return new Place(true, taken, now);
      }
      if (outcome.answer() instanceof Answer.Gone) {
        return new Place(true, null, now);
      }
      if (now >= deadline) {
        throw inVain(wanted, position(claim), ticket);
      }
      long next = Math.min(LockMachine.nextSettling(cell.state()), now + room.recheck(now - began));
      return new Place(false, null, next);
    } finally {
      mutex.unlock();
    }
  }

  private OptionalInt position(Claim claim) {
    int ahead = 0;
    for (Wait wait : cell.state().queue()) {
      ahead += wait.count();
      if (wait.claim().equals(claim)) {
        return OptionalInt.of(ahead);
      }
    }
    return OptionalInt.empty();
  }

  /// Ends by force every grant that stands, and answers whose they were.
  List<LockStatus.Holder> revoke(String why) {
    mutex.lock();
    try {
      List<LockStatus.Holder> ended = revokeAll(why);
      finishAllEnds();
      return ended;
    } finally {
      mutex.unlock();
    }
  }

  private List<LockStatus.Holder> revokeAll(String why) {
    settled();
    List<LockStatus.Holder> ended = new ArrayList<>();
    for (LockStatus.Holder holder : room.describe(name, cell.state()).holders()) {
      end(new Command.Revoke(holder.token(), room.self(), why));
      // Not by the answer: a swap of unknown outcome may have ended it already.
      if (!stands(holder.token())) {
        ended.add(holder);
      }
    }
    return ended;
  }

  private void end(Command.Revoke revoke) {
    try {
      apply(revoke);
    } catch (EngineException failure) {
      if (stands(revoke.token())) {
        throw failure;
      }
      throw Locks.notSafe("token " + revoke.token() + " of " + name + " is ended", failure);
    }
  }

  private boolean stands(long token) {
    return cell.state().holds().stream()
        .anyMatch(hold -> hold.phase() != Phase.ENDING && hold.has(token));
  }

  boolean holds(Held held) {
    if (!room.current()) {
      return false;
    }
    if (held.standsIn(cell.current(), room.ticker().nanos())) {
      return true;
    }
    // It may have become another one since the cell was read, by an upgrade.
    mutex.lock();
    try {
      return held.standsIn(refreshed(), room.ticker().nanos());
    } finally {
      mutex.unlock();
    }
  }

  void watch(Held held, Consumer<Loss> listener) {
    held.onLost(listener);
    room.watch(held);
  }

  // ---- the whole gate

  /// Tells that a caller was refused, unless that was told when the room closed.
  void refused(Mode mode, long asked, Exception why) {
    if (!why.equals(parting)) {
      meter.refused(mode, asked, why);
    }
  }

  /// Gives back and refuses everything, because the room closes; and tells of it, for the threads
  /// that are refused may come to that when nothing is told any more.
  void close() {
    mutex.lock();
    try {
      retired = true;
      TruceException gone = room.gone();
      parting = gone;
      for (LocalRun run : queue.runs()) {
        List<Waiter> refused = refuseAll(run, gone);
        refused.forEach(waiter -> meter.refused(run.wanted().mode(), waiter.since(), gone));
      }
      Held shortly = (Held) ALONE.getAndSet(this, null);
      if (shortly != null) {
        holds.put(shortly.token(), shortly);
      }
      List<Held> lost = List.copyOf(holds.values());
      holds.clear();
      lost.forEach(held -> held.lose("its Truce was closed"));
      lost.forEach(this::giveBack);
      finishAllEnds();
    } catch (EngineException | OutcomeUnknownException failure) {
      room.closeFailed(name, failure);
    } finally {
      mutex.unlock();
    }
    meter.add();
  }

  /// Retires the gate if this process does nothing here, and lets go of the cell if nobody does.
  boolean retire() {
    if (!mutex.tryLock()) {
      return false;
    }
    try {
      if (!queue.isEmpty() || !holds.isEmpty() || unsettled > 0) {
        return false;
      }
      retired = true;
      if (alone != null) {
        retired = false;
        return false;
      }
      letGo();
      return true;
    } catch (EngineException unreachable) {
      retired = false;
      return false;
    } finally {
      mutex.unlock();
    }
  }

  /// What was measured goes with the cell, unless others are busy with that.
  private void letGo() {
    if (cell.forget()) {
      room.book().forget(name);
    } else {
      meter.add();
    }
  }

  void hint() {
    Waiter first = queue.leader();
    if (first != null) {
      first.hint();
    }
    upgrading.hint();
  }

  // ---- commands

  /// Carries a command to its end, and what has ended with it.
  Outcome apply(Command command) {
    Outcome outcome = carry(command);
    finishEnds();
    return outcome;
  }

  /// The ends that nobody waits for are put down beside everything else, by one who has had the
  /// lock and whom that keeps from nothing any more.
  private void finishTheRest() {
    if (!unwritten && ending() != null) {
      unwritten = true;
      room.later(this::putDownLater);
    }
  }

  private boolean putDownLater() {
    for (Hold ending = nextUnwritten(); ending != null; ending = nextUnwritten()) {
      putDown(ending, this::command);
    }
    return true;
  }

  /// Puts an end down for good and says so in the cell. Several may be at that at the same time:
  /// the one who says so tells of it, and where nobody may learn who that was, each of them.
  private void putDown(Hold ending, Function<Command, Outcome> carried) {
    Owner owner = room.putDown(name, ending);
    Instant at = Instant.now();
    Answer answer = carried.apply(new Command.Fenced(ending.token())).answer();
    if (answer instanceof Answer.Done || room.engine().capabilities().unknownOutcomes()) {
      meter.putDown(ending, owner, at);
    }
  }

  private @Nullable Hold nextUnwritten() {
    mutex.lock();
    try {
      for (Hold hold : refreshed().holds()) {
        if (hold.unwritten()) {
          return hold;
        }
      }
      unwritten = false;
      return null;
    } finally {
      mutex.unlock();
    }
  }

  /// Puts down what has ended, whoever began that, and says so in the cell: until then nothing is
  /// granted.
  private void finishEnds() {
    for (Hold hold : cell.state().holds()) {
      if (LockMachine.blocks(hold, cell.state().holds())) {
        finishAllEnds();
        return;
      }
    }
  }

  /// In the order in which they ended, so that the history of a lock is in order.
  private void finishAllEnds() {
    for (Hold ending = ending(); ending != null; ending = ending()) {
      putDown(ending, this::carry);
    }
  }

  private @Nullable Hold ending() {
    for (Hold hold : cell.state().holds()) {
      if (hold.phase() == Phase.ENDING) {
        return hold;
      }
    }
    return null;
  }

  /// What the cell says now.
  private LockState refreshed() {
    LockState state = cell.read();
    upgrading.takeUp();
    return state;
  }

  /// Grants for local waiters are delivered.
  private Outcome carry(Command command) {
    Outcome outcome = cell.carry(command, queue.told());
    upgrading.takeUp();
    deliver(outcome);
    room.wake(outcome.wake());
    return outcome;
  }

  private void deliver(Outcome outcome) {
    for (Granted granted : outcome.grants()) {
      if (granted.claim().member() == 0) {
        continue;
      }
      LocalRun run = queue.at(granted.claim());
      for (int i = 0; i < granted.count(); i++) {
        Waiter waiter = run == null ? null : queue.next(run);
        if (waiter == null) {
          throw new IllegalStateException("a grant of " + name + " that nobody waits for");
        }
        Hold hold = granted.hold();
        Held held =
            new Held(
                this,
                granted.first() + i,
                hold.mode(),
                hold.claim(),
                granted.arrival(),
                waiter.thread());
        meter.began(held, room.ticker().nanos(), waiter.since());
        holds.put(held.token(), held);
        waiter.grant(held);
      }
    }
  }

  // ---- refusals

  private Refusal refused(Mode mode, Refusal.Kind kind) {
    Optional<LockStatus.Holder> first =
        room.describe(name, cell.state()).holders().stream().findFirst();
    return Refusal.of(kind, name, mode, first);
  }

  private NotAcquiredException inVain(NamedLock wanted, OptionalInt position, Handle ticket) {
    return refused(wanted.mode(), Refusal.Kind.TIMEOUT).at(position).leaving(ticket).exception();
  }

  private NotAcquiredException otherLimit(NamedLock wanted) {
    return refused(wanted.mode(), Refusal.Kind.OTHER_LIMIT)
        .limitedTo(cell.state().limit())
        .exception();
  }

  private static VarHandle alone() {
    try {
      return MethodHandles.lookup().findVarHandle(Gate.class, "alone", Held.class);
    } catch (ReflectiveOperationException impossible) {
      throw new ExceptionInInitializerError(impossible);
    }
  }
}
