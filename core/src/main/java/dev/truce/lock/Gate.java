package dev.truce.lock;

import dev.truce.EngineException;
import dev.truce.OutcomeUnknownException;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
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

  /// Fair: threads that run would take it again and again before one that sleeps for it is awake,
  /// and a writer would wait for milliseconds to be put in the queue.
  private final ReentrantLock mutex = new ReentrantLock(true);

  private final LocalQueue queue = new LocalQueue();

  /// What this process holds, by token.
  private final Map<Long, Held> holds = new ConcurrentHashMap<>();

  /// The one grant that went the short way, if it still stands; see [#acquireIdle].
  private volatile @Nullable Held alone;

  /// The reader of this process that becomes a writer, if one does.
  private volatile @Nullable Upgrade upgrade;

  /// Whether ends are being put down in the background.
  private boolean unwritten;

  /// When this process looks at the holders next, even if it is not the first in the queue.
  private long holdersDue;

  /// How many releases are still to be made in the background.
  private int unsettled;

  private volatile boolean retired;

  /// A thread that waits for the other readers to leave.
  private static final class Upgrade {
    private final Held held;
    private final Thread thread = Thread.currentThread();

    /// Whether the thread has gone, and the engine could not be told.
    private boolean givenUp;

    Upgrade(Held held) {
      this.held = held;
    }
  }

  Gate(Locks room, String name) {
    this.room = room;
    this.name = name;
    this.cell = new LockCell(room, name);
    this.meter = new Meter(room, name);
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
      waiter.refuse(refusal(wanted, Refusal.Kind.QUEUE_FULL, OptionalInt.empty()));
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
                ? limitRefusal(wanted)
                : refusal(wanted, kind(why, waitsForItself), OptionalInt.empty()));
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
    boolean listening = false;
    boolean interrupted = false;
    boolean asked = false;
    Waits.@Nullable Told told = null;
    Jfr.LockWait recorded = meter.waits(wanted);
    try {
      room.listen(this, true);
      listening = true;
      while (!waiter.answered()) {
        interrupted |= Thread.interrupted();
        if (interrupted && !wanted.wish().heedless()) {
          leave(waiter, null);
          throw new InterruptedException("while waiting for " + name);
        }
        long now = room.ticker().nanos();
        if (now >= deadline) {
          leave(waiter, wanted);
          return;
        }
        long wake = deadline;
        if (!asked) {
          asked = true;
          told = tell(wanted, waiter);
        }
        if (told != null) {
          wake = Math.min(wake, told.attend());
          giveWay(waiter, wanted, told.struck());
        }
        // No lock is taken between this look and the sleep: it would use up a wake that came since.
        if (waiter == queue.leader() && !waiter.answered()) {
          wake = Math.min(wake, look(waiter.since()));
        }
        if (!waiter.answered() && (told == null || !told.isCalled())) {
          room.ticker().park(this, wake);
        }
      }
    } catch (RuntimeException | Error failure) {
      leave(waiter, null);
      throw failure;
    } finally {
      if (told != null) {
        told.close();
      }
      if (listening) {
        room.listen(this, false);
      }
      meter.waited(recorded, wanted, waiter.held());
      if (interrupted && wanted.wish().heedless()) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /// Tells others what the waiter waits for, if they could wait for it.
  private Waits.@Nullable Told tell(NamedLock wanted, Waiter waiter) {
    Claim run = runOf(waiter);
    return run == null ? null : room.waits().tell(wanted, false, run);
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
    if (ring.isEmpty()) {
      return;
    }
    mutex.lock();
    try {
      if (!waiter.answered()) {
        remove(waiter);
      }
      if (!waiter.answered()) {
        waiter.refuse(ringRefusal(wanted.mode(), ring));
      }
    } finally {
      mutex.unlock();
    }
  }

  private DeadlockException ringRefusal(Mode mode, List<Refusal.Link> ring) {
    return new DeadlockException(
        new Refusal(
            Refusal.Kind.DEADLOCK,
            name,
            mode,
            firstHolder(),
            OptionalInt.empty(),
            Optional.empty(),
            OptionalInt.empty(),
            ring));
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
          waiter.refuse(refusal(wanted, Refusal.Kind.TIMEOUT, position));
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
    waiter.refuse(ticketRefusal(wanted, position, ticket));
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
  private long look(long since) {
    mutex.lock();
    try {
      refreshed();
      for (LocalRun run : queue.runs()) {
        if (queue.has(run)) {
          attend(run, cell.state());
        }
      }
      buryTheDead(false);
      endWhatIsOver();
      long now = room.ticker().nanos();
      return Math.min(now + room.recheck(now - since), LockMachine.nextSettling(cell.state()));
    } finally {
      mutex.unlock();
    }
  }

  /// Ends what the dead have and what time has ended, and answers what is left; `null` when the
  /// gate was retired meanwhile.
  @Nullable LockState settle() {
    mutex.lock();
    try {
      if (retired) {
        return null;
      }
      refreshed();
      buryTheDead(true);
      endWhatIsOver();
      finishAllEnds();
      return cell.state();
    } finally {
      mutex.unlock();
    }
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
      refuseAll(run, room.gone());
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
      refuseAll(run, limitRefusal(run.wanted()));
    }
  }

  private void refuseAll(LocalRun run, TruceException refused) {
    List<Waiter> told = queue.disband(run);
    withdraw(run);
    told.forEach(waiter -> waiter.refuse(refused));
  }

  /// Ends what dead members have here. The leader looks only at whom it waits for, so that a
  /// hundred waiting processes do not all ask the kernel: at the one right before it in the queue,
  /// and at the holders when it is the first.
  private boolean buryTheDead(boolean everybody) {
    boolean found = false;
    for (long member : suspects(cell.state(), everybody)) {
      if (room.dead(member)) {
        apply(new Command.Bury(member));
        room.waits().forget(member);
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
    if (Thread.interrupted()) {
      throw new InterruptedException("before waiting to write " + name);
    }
    long began = room.ticker().nanos();
    long deadline = Locks.deadline(began, wait);
    if (beginUpgrade(held)) {
      return;
    }
    boolean interrupted = false;
    boolean over = false;
    List<Refusal.Link> ring = List.of();
    try (Listening _ = new Listening();
        Waits.Told told = room.waits().tellUpgrade(name, held)) {
      while (!upgraded(held)) {
        interrupted = Thread.interrupted();
        long now = room.ticker().nanos();
        long wake = deadline;
        if (told != null) {
          wake = Math.min(wake, told.attend());
          ring = told.struck();
        }
        if (interrupted || now >= deadline || !ring.isEmpty()) {
          break;
        }
        wake = Math.min(wake, lookForUpgrade(held, began));
        if (told == null || !told.isCalled()) {
          room.ticker().park(this, wake);
        }
      }
      over = true;
    } finally {
      endUpgrade(held, interrupted);
      if (interrupted && !over) {
        Thread.currentThread().interrupt();
      }
    }
    if (interrupted) {
      throw new InterruptedException("while waiting to write " + name);
    }
    if (held.mode() == Mode.READ && !ring.isEmpty()) {
      throw ringRefusal(Mode.WRITE, ring);
    }
    if (held.mode() == Mode.READ) {
      throw upgradeRefusal(Locks.waits(wait) ? Refusal.Kind.TIMEOUT : Refusal.Kind.HELD);
    }
  }

  /// Has wakes come to this gate while it is open.
  private final class Listening implements AutoCloseable {
    Listening() {
      room.listen(Gate.this, true);
    }

    @Override
    public void close() {
      room.listen(Gate.this, false);
    }
  }

  /// Asks to write; true if that is so at once.
  private boolean beginUpgrade(Held held) {
    mutex.lock();
    try {
      if (held.mode() == Mode.WRITE) {
        held.wanted(true);
        return true;
      }
      settleAlone(held);
      checkHeld(held);
      if (upgrade != null || holdsAnother(Thread.currentThread(), held)) {
        throw upgradeRefusal(Refusal.Kind.DEADLOCK);
      }
      upgrade = new Upgrade(held);
      Claim claim = room.newClaim();
      held.changing(claim);
      boolean asked = false;
      try {
        Answer answer = apply(new Command.Upgrade(held.token(), claim)).answer();
        if (answer instanceof Answer.Refused) {
          throw upgradeRefusal(Refusal.Kind.DEADLOCK);
        }
        if (!(answer instanceof Answer.Done)) {
          throw lost(held);
        }
        asked = true;
      } finally {
        if (!asked) {
          abandonUpgrade(held);
        }
      }
      return held.mode() == Mode.WRITE;
    } finally {
      mutex.unlock();
    }
  }

  private boolean holdsAnother(Thread thread, Held held) {
    return holds.values().stream()
        .anyMatch(other -> other != held && other.belongsTo(thread) && holds(other));
  }

  /// Whether there is nothing more to wait for.
  ///
  /// @throws LockLostException if the grant has ended meanwhile
  private boolean upgraded(Held held) {
    if (held.mode() == Mode.READ && !held.valid()) {
      throw lost(held);
    }
    return held.mode() == Mode.WRITE;
  }

  private long lookForUpgrade(Held held, long since) {
    mutex.lock();
    try {
      refreshed();
      buryTheDead(true);
      endWhatIsOver();
      long now = room.ticker().nanos();
      return held.mode() == Mode.WRITE
          ? Long.MIN_VALUE
          : Math.min(now + room.recheck(now - since), LockMachine.nextSettling(cell.state()));
    } finally {
      mutex.unlock();
    }
  }

  /// The wait is over, in whatever way. One that was interrupted leaves nothing behind.
  private void endUpgrade(Held held, boolean interrupted) {
    mutex.lock();
    try {
      if (held.mode() == Mode.READ) {
        abandonUpgrade(held);
      }
      if (interrupted && held.mode() == Mode.WRITE && holds.containsKey(held.token())) {
        toReader(held);
      }
    } finally {
      mutex.unlock();
    }
  }

  /// Gives an upgrade up, unless it has come about. If the engine does not answer, that is done
  /// later.
  private void abandonUpgrade(Held held) {
    Upgrade one = upgrade;
    if (one == null || one.held != held) {
      return;
    }
    try {
      apply(new Command.Abandon(held.token()));
      endOf(one);
    } catch (EngineException | OutcomeUnknownException failure) {
      one.givenUp = true;
      room.later(() -> abandonLater(one));
    }
  }

  private boolean abandonLater(Upgrade one) {
    mutex.lock();
    try {
      if (upgrade == one) {
        apply(new Command.Abandon(one.held.token()));
        endOf(one);
      }
      return true;
    } finally {
      mutex.unlock();
    }
  }

  private void endOf(Upgrade one) {
    if (upgrade == one) {
      upgrade = null;
      one.held.unchanged();
    }
  }

  /// Takes up what the upgrade of this process has become, by whoever's step.
  private void takeUpUpgrade() {
    Upgrade one = upgrade;
    if (one == null) {
      return;
    }
    for (Hold hold : cell.state().holds()) {
      if (hold.claim().member() != room.member() || hold.phase() == Phase.ENDING) {
        continue;
      }
      if (one.held.isNow(hold)) {
        written(one, hold);
        return;
      }
      if (hold.parent().equals(Claim.NONE) && hold.has(one.held.token())) {
        one.held.under(hold.claim());
      }
    }
  }

  private void written(Upgrade one, Hold hold) {
    if (holds.remove(one.held.token(), one.held)) {
      holds.put(hold.token(), one.held);
    }
    one.held.become(hold);
    upgrade = null;
    room.waits().heldChanged(one.held.party());
    if (one.givenUp) {
      one.held.wanted(false);
      room.later(() -> readAgain(one.held));
    }
    if (!one.thread.equals(Thread.currentThread())) {
      LockSupport.unpark(one.thread);
    }
  }

  /// A grant that was made a writer's after its upgrade had failed is made a reader's again, unless
  /// somebody wants it so by now.
  private boolean readAgain(Held held) {
    mutex.lock();
    try {
      if (!held.wanted() && held.mode() == Mode.WRITE && holds.get(held.token()) == held) {
        toReader(held);
      }
      return true;
    } finally {
      mutex.unlock();
    }
  }

  private NotAcquiredException upgradeRefusal(Refusal.Kind kind) {
    Optional<LockStatus.Holder> other =
        room.describe(name, cell.state()).holders().stream()
            .filter(holder -> holds.values().stream().noneMatch(mine -> isOf(mine, holder)))
            .findFirst();
    Refusal refusal =
        new Refusal(kind, name, Mode.WRITE, other, OptionalInt.empty(), Optional.empty());
    return kind == Refusal.Kind.DEADLOCK
        ? new DeadlockException(refusal)
        : new NotAcquiredException(refusal);
  }

  private static boolean isOf(Held mine, LockStatus.Holder holder) {
    return holder.grants() == 1 && holder.token() == mine.token();
  }

  /// Makes a writer's grant a reader's.
  void downgrade(Held held) {
    mutex.lock();
    try {
      settleAlone(held);
      checkHeld(held);
      if (held.mode() == Mode.WRITE) {
        toReader(held);
      }
    } finally {
      mutex.unlock();
    }
  }

  /// From before it is asked for it counts as a reader's: nobody can tell when others come in.
  private void toReader(Held held) {
    held.reads();
    Answer answer = apply(new Command.Downgrade(held.token())).answer();
    if (answer instanceof Answer.Refused) {
      held.writes();
      throw new IllegalStateException(
          name + " cannot be held for reading: a nested run writes, or it is a permit");
    }
    if (!(answer instanceof Answer.Done)) {
      throw lost(held);
    }
  }

  private void settleAlone(Held held) {
    if (ALONE.compareAndSet(this, held, null)) {
      holds.put(held.token(), held);
    }
  }

  private void checkHeld(Held held) {
    if (holds.get(held.token()) != held) {
      throw lost(held);
    }
  }

  private LockLostException lost(Held held) {
    return new LockLostException(name, held.token());
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
    try {
      return releaseIdle(held);
    } catch (EngineException failure) {
      return false;
    }
  }

  /// Releases it, and what it became meanwhile, by an upgrade that came about at the last moment.
  private void giveBack(Held held) {
    boolean done = false;
    for (long token = 0; !done && token != held.token(); ) {
      token = held.token();
      done = apply(new Command.Release(token, held.claim())).answer() instanceof Answer.Done;
    }
    if (done) {
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
  @Nullable Hold takeUp(NamedLock wanted, Handle ticket, Duration ttl, long deadline)
      throws InterruptedException {
    Claim claim = ticket.claim();
    long began = room.ticker().nanos();
    while (true) {
      if (Thread.interrupted()) {
        throw new InterruptedException("while waiting for " + name);
      }
      long now = room.ticker().nanos();
      long next;
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
          return taken;
        }
        if (outcome.answer() instanceof Answer.Gone) {
          return null;
        }
        if (now >= deadline) {
          throw ticketRefusal(wanted, position(claim), ticket);
        }
        next = Math.min(LockMachine.nextSettling(cell.state()), now + room.recheck(now - began));
      } finally {
        mutex.unlock();
      }
      room.ticker().park(this, Math.min(deadline, next));
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
    refreshed();
    buryTheDead(true);
    endWhatIsOver();
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

  /// Gives back and refuses everything, because the room closes.
  void close() {
    mutex.lock();
    try {
      retired = true;
      for (LocalRun run : queue.runs()) {
        refuseAll(run, room.gone());
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
    Upgrade one = upgrade;
    if (one != null) {
      LockSupport.unpark(one.thread);
    }
  }

  // ---- commands

  /// Carries a command to its end, and what has ended with it.
  private Outcome apply(Command command) {
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
      putDown(ending);
      command(new Command.Fenced(ending.token()));
    }
    return true;
  }

  private void putDown(Hold ending) {
    meter.putDown(ending, room.putDown(name, ending));
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
      putDown(ending);
      carry(new Command.Fenced(ending.token()));
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
    takeUpUpgrade();
    return state;
  }

  /// Grants for local waiters are delivered.
  private Outcome carry(Command command) {
    Outcome outcome = cell.carry(command, queue.told());
    takeUpUpgrade();
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

  private TruceException refusal(NamedLock wanted, Refusal.Kind kind, OptionalInt position) {
    Refusal refusal =
        new Refusal(kind, name, wanted.mode(), firstHolder(), position, Optional.empty());
    return kind == Refusal.Kind.DEADLOCK
        ? new DeadlockException(refusal)
        : new NotAcquiredException(refusal);
  }

  private NotAcquiredException limitRefusal(NamedLock wanted) {
    return new NotAcquiredException(
        new Refusal(
            Refusal.Kind.OTHER_LIMIT,
            name,
            wanted.mode(),
            firstHolder(),
            OptionalInt.empty(),
            Optional.empty(),
            OptionalInt.of(cell.state().limit()),
            List.of()));
  }

  private NotAcquiredException ticketRefusal(
      NamedLock wanted, OptionalInt position, Handle ticket) {
    return new NotAcquiredException(
        new Refusal(
            Refusal.Kind.TIMEOUT,
            name,
            wanted.mode(),
            firstHolder(),
            position,
            Optional.of(ticket.text())));
  }

  private Optional<LockStatus.Holder> firstHolder() {
    return room.describe(name, cell.state()).holders().stream().findFirst();
  }

  private static VarHandle alone() {
    try {
      return MethodHandles.lookup().findVarHandle(Gate.class, "alone", Held.class);
    } catch (ReflectiveOperationException impossible) {
      throw new ExceptionInInitializerError(impossible);
    }
  }
}
