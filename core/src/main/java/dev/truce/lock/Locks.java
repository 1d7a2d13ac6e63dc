package dev.truce.lock;

import dev.truce.EngineException;
import dev.truce.Fence;
import dev.truce.FencedException;
import dev.truce.OutcomeUnknownException;
import dev.truce.Owner;
import dev.truce.TruceException;
import dev.truce.event.LockEvent;
import dev.truce.event.TruceEvent;
import dev.truce.event.TruceListener;
import dev.truce.lock.LockMachine.Answer;
import dev.truce.lock.LockMachine.Caller;
import dev.truce.lock.LockMachine.Command;
import dev.truce.lock.LockMachine.Outcome;
import dev.truce.lock.LockMachine.Rules;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.LockState.Hold;
import dev.truce.lock.LockState.Wait;
import dev.truce.lock.NamedLock.Wish;
import dev.truce.spi.Capabilities;
import dev.truce.spi.Engine;
import dev.truce.spi.Members;
import dev.truce.spi.Members.Standing;
import dev.truce.spi.Ticker;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The lock room of one handle: its membership, and a gate for every lock it is busy with.
///
/// Applications reach it through `Truce`; it is public only because that door stands in another
/// package.
///
/// **Threads.** Safe for any number of them.
public final class Locks implements AutoCloseable {
  /// How many gates without work are kept before the idle ones are let go.
  private static final int IDLE_GATES = 1024;

  /// How many threads of one process may wait for one lock.
  private static final int LOCAL_WAITERS = 10_000;

  /// How often a leader looks at those before it when nothing wakes it: a dead holder is found
  /// within this time, or [#RECHECK_PART] of what was waited for already.
  private static final long RECHECK_NANOS = 5_000_000;

  private static final long RECHECK_PART = 64;
  private static final long LONGEST_RECHECK_NANOS = 100_000_000;

  private static final long WATCH_NANOS = 250_000_000;
  private static final int MAX_NESTING = 32;

  /// Longer terms are cut to this, so that sums never overflow.
  private static final Duration LONGEST = Duration.ofDays(36_500);

  /// Whether the owner of a lease lives is nobody's business.
  private static final Standing LEASED = new Standing.Silent(Duration.ZERO);

  static final String PREFIX = "lock/";
  private static final Answer GONE = new Answer.Gone();

  private final Engine engine;
  private final Owner self;
  private final Ledger ledger;
  private final Bookkeeper book;
  private final Recorder recorder;
  private final List<Announcer> announcers;
  private final Names names;
  private final Members.Membership membership;
  private final Rules rules;
  private final List<Claim> ancestors;
  private final DeadlockPolicy deadlocks;
  private final boolean measuring;
  private final Waits waits;
  private final long recheck;
  private final int maxCell;
  private final boolean shortWay;
  private final ConcurrentHashMap<String, Gate> gates = new ConcurrentHashMap<>();
  private final Set<Gate> listening = ConcurrentHashMap.newKeySet();
  private final Set<Watched> watched = ConcurrentHashMap.newKeySet();
  private final Set<Candidacy> candidacies = ConcurrentHashMap.newKeySet();
  private final AtomicLong numbers = new AtomicLong();
  private volatile int manyGates = IDLE_GATES;
  private volatile boolean namesMade;
  private volatile boolean closed;
  private int listeners;
  private volatile @Nullable Thread watcher;

  /// Whether the watcher is to look once more before it sleeps.
  private volatile boolean hinted;

  private Locks(
      Engine engine,
      Owner self,
      Members.Membership membership,
      Rules rules,
      List<Claim> ancestors,
      DeadlockPolicy deadlocks,
      boolean measuring,
      List<TruceListener> listeners) {
    this.engine = engine;
    this.self = self;
    this.announcers = Announcer.of(listeners);
    this.ledger = new Ledger(engine);
    this.book = new Bookkeeper(engine, this::addFigures);
    this.names = new Names(engine.cells(), book);
    this.membership = membership;
    this.rules = rules;
    this.ancestors = ancestors;
    this.deadlocks = deadlocks;
    this.measuring = measuring;
    this.waits = new Waits(this);
    this.recheck = Math.max(RECHECK_NANOS, engine.capabilities().wakeLatency().toNanos());
    this.maxCell = engine.capabilities().maxCell();
    this.recorder = new Recorder(this);
    this.shortWay =
        ancestors.isEmpty()
            && engine.capabilities().proofOfDeath()
            && !engine.capabilities().unknownOutcomes();
  }

  /// Joins the engine's members.
  ///
  /// @param maxWaiters how many processes and tickets may wait for one lock
  /// @param within the id of a grant of an ancestor process, whose locks are then gone through; one
  ///   that is no longer live is ignored
  /// @param deadlocks who gives way where some wait for each other
  /// @param measuring whether waits and holds are measured; the exact counters go on in any case
  /// @param listeners who are told what happens
  public static Locks over(
      Engine engine,
      Owner owner,
      int maxWaiters,
      Optional<String> within,
      DeadlockPolicy deadlocks,
      boolean measuring,
      List<TruceListener> listeners) {
    if (maxWaiters < 0) {
      throw new IllegalArgumentException("maxWaiters is negative: " + maxWaiters);
    }
    Optional<Claim> parent = within.flatMap(LeaseId::read);
    List<Claim> ancestors = ancestors(engine.members(), parent);
    Members.Membership membership =
        engine.members().join(Description.write(owner, parent.orElse(Claim.NONE)));
    Rules usual = Rules.USUAL;
    Rules rules = new Rules(maxWaiters, usual.overtakes(), usual.offer(), usual.ticketOffer());
    Locks room =
        new Locks(engine, owner, membership, rules, ancestors, deadlocks, measuring, listeners);
    try {
      room.restoring().restore();
      return room;
    } catch (RuntimeException | Error failure) {
      membership.close();
      throw failure;
    }
  }

  /// The same, measuring, with nobody who listens.
  public static Locks over(
      Engine engine,
      Owner owner,
      int maxWaiters,
      Optional<String> within,
      DeadlockPolicy deadlocks) {
    return over(engine, owner, maxWaiters, within, deadlocks, true, List.of());
  }

  private Restoring restoring() {
    Caller caller = new Caller(member(), nextNumber(), Map.of());
    return new Restoring(engine, ledger, recorder, caller, rules);
  }

  private static List<Claim> ancestors(Members members, Optional<Claim> parent) {
    List<Claim> found = new ArrayList<>();
    Optional<Claim> next = parent;
    while (next.isPresent() && found.size() < MAX_NESTING) {
      Claim claim = next.get();
      found.add(claim);
      next =
          members
              .description(claim.member())
              .map(Description::read)
              .map(Description::parent)
              .filter(up -> !up.equals(Claim.NONE));
    }
    return List.copyOf(found);
  }

  /// The lock of this name, for writing.
  ///
  /// @throws IllegalArgumentException if the name is empty, longer than [NamedLock#MAX_NAME] bytes
  ///   in UTF-8, or not well-formed
  public NamedLock lock(String name) {
    checkName(name);
    return new NamedLock(this, name, NamedLock.Wish.WRITE);
  }

  /// The permits of this name.
  ///
  /// @throws IllegalArgumentException if the name is none for a [lock][#lock], or there are not
  ///   from 1 to [Permits#MAX] of them
  public Permits permits(String name, int limit) {
    Permits.check(limit);
    return new Permits(this, new NamedLock(this, lock(name).name(), Wish.WRITE.ofSeveral(limit)));
  }

  Permits.Utilisation utilisation(String name) {
    LockState state = settled(name);
    return new Permits.Utilisation(
        state.limit(),
        (int) state.holds().stream().filter(hold -> LockMachine.takesAPermit(hold, state)).count(),
        state.queue().stream().mapToInt(Wait::count).sum());
  }

  void resize(String name, int limit) {
    if (command(name, new Command.Resize(limit)).answer() instanceof Answer.Refused) {
      throw new IllegalStateException(
          name + " is held by one alone: there can be more permits when nobody holds it or waits");
    }
  }

  /// Several locks that are had together or not at all.
  public LockSet set(List<NamedLock> locks) {
    locks.forEach(this::checkOwn);
    locks.forEach(NamedLock::checkNoLease);
    return new LockSet(this, locks);
  }

  /// The election of this name: who holds the lock of this name leads.
  ///
  /// @throws IllegalArgumentException as [#lock]
  public Election election(String name) {
    return new Election(this, lock(name));
  }

  /// Those who campaign; their bodies end before this room gives back what they lead by.
  Set<Candidacy> candidacies() {
    return candidacies;
  }

  /// All locks that somebody holds or waits for, by name.
  public List<LockStatus> status() {
    return status(names.all()).stream()
        .filter(lock -> !lock.holders().isEmpty() || !lock.queue().isEmpty())
        .sorted((a, b) -> a.lock().compareTo(b.lock()))
        .toList();
  }

  /// Leaves: has leaders end while what they lead by stands, refuses new work, gives back what it
  /// holds.
  @Override
  public void close() {
    Candidacy.close(candidacies);
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      if (watcher != null) {
        watcher.interrupt();
      }
    }
    Candidacy.close(candidacies); // of those that came meanwhile
    book.close();
    try {
      gates.values().forEach(Gate::close);
      waits.close();
      recorder.close();
      forgetOldNames();
    } finally {
      membership.close();
      announcers.forEach(Announcer::close);
    }
  }

  private void forgetOldNames() {
    try {
      if (namesMade) {
        names.forgetTheOldest();
      }
    } catch (TruceException notNow) {
      Log.LOG.log(System.Logger.Level.DEBUG, "idle names stay for whoever comes next", notNow);
    }
  }

  /// Who holds something and waits for something.
  public List<LockWait> allWaits() {
    checkOpen();
    return waits.all();
  }

  // ---- statistics

  /// What each lock has done whose name is not forgotten, by name.
  public List<LockStatistics> allStatistics() {
    return names.all().stream().sorted().map(this::statistics).toList();
  }

  LockStatistics statistics(String name) {
    Gate gate = gates.get(name);
    if (gate != null) {
      gate.meter().add();
    }
    LockState state = settledIfPast(name);
    return Statistics.of(describe(name, state), state, book.read(name));
  }

  void resetStatistics(String name) {
    Gate gate = gates.get(name);
    if (gate != null) {
      gate.meter().add();
    }
    LockState state = settledIfPast(name);
    if (state.equals(LockState.IDLE)) {
      book.forget(name);
    } else {
      book.reset(name, Statistics.reset(state, Instant.now()));
    }
  }

  private boolean addFigures() {
    boolean any = recorder.add();
    for (Gate gate : gates.values()) {
      any |= gate.meter().add();
    }
    return any;
  }

  // ---- traffic

  /// What was done with the locks whose traffic is recorded.
  public Traffic traffic() {
    checkOpen();
    return recorder.read();
  }

  void recordTraffic(String name, boolean on) {
    checkOpen();
    recorder.turn(name, on);
  }

  // ---- acquiring

  Held acquireHeld(NamedLock lock, long now, long deadline, boolean queue, Claim claim)
      throws InterruptedException {
    while (true) {
      checkOpen();
      Held held = acquire(gate(lock.name()), lock, now, deadline, queue, claim);
      if (held != null && closed) {
        held.leave();
        throw gone();
      }
      if (held != null) {
        return held;
      }
    }
  }

  private @Nullable Held acquire(
      Gate gate, NamedLock lock, long now, long deadline, boolean queue, Claim claim)
      throws InterruptedException {
    try {
      return gate.acquire(lock, claim, queue, now, deadline);
    } catch (TruceException | InterruptedException why) {
      gate.refused(lock.mode(), now, why);
      throw why;
    }
  }

  Grant acquire(NamedLock lock, Duration wait, Claim claim) throws InterruptedException {
    lock.checkNoLease();
    if (Thread.interrupted()) {
      throw new InterruptedException("before waiting for " + lock);
    }
    long now = ticker().nanos();
    return new Grant(acquireHeld(lock, now, deadline(now, wait), waits(wait), claim));
  }

  Optional<Grant> tryAcquire(NamedLock lock) {
    lock.checkNoLease();
    try {
      long now = ticker().nanos();
      return Optional.of(new Grant(acquireHeld(lock, now, Long.MIN_VALUE, false, newClaim())));
    } catch (NotAcquiredException refused) {
      if (!refused.retryable()) {
        throw refused;
      }
      return Optional.empty();
    } catch (InterruptedException impossible) {
      throw new IllegalStateException("a try does not wait", impossible);
    }
  }

  /// A grant for nobody in particular, where the engine is memory that this process shares and
  /// nobody has to be waited for; `null` leaves everything to a thread that may wait.
  @Nullable Grant acquireAtOnce(NamedLock lock) {
    if (!shortWay || lock.wish().force()) {
      return null;
    }
    checkOpen();
    try {
      Held held = gate(lock.name()).acquireAtOnce(lock, newClaim(), ticker().nanos());
      if (held != null && closed) {
        held.leave();
        throw gone();
      }
      return held == null ? null : new Grant(held);
    } catch (NotAcquiredException notAtOnce) {
      return null;
    } catch (InterruptedException impossible) {
      throw new IllegalStateException("this does not wait", impossible);
    }
  }

  Claim newClaim() {
    return new Claim(member(), nextNumber());
  }

  /// When a wait that begins at `now` is over; saturates.
  static long deadline(long now, Duration wait) {
    if (!waits(wait)) {
      return Long.MIN_VALUE;
    }
    long nanos;
    try {
      nanos = wait.toNanos();
    } catch (ArithmeticException veryLong) {
      return Long.MAX_VALUE;
    }
    return now + nanos < now ? Long.MAX_VALUE : now + nanos;
  }

  static boolean waits(Duration wait) {
    return !wait.isNegative() && !wait.isZero();
  }

  private Gate gate(String name) {
    Gate gate = gates.get(name);
    return gate != null ? gate : gates.computeIfAbsent(name, fresh -> new Gate(this, fresh));
  }

  void checkOpen() {
    if (closed || !membership.current()) {
      throw gone();
    }
  }

  private void checkOwn(NamedLock lock) {
    if (!lock.in(this)) {
      throw new IllegalArgumentException(lock + " belongs to another Truce");
    }
  }

  private static void checkName(String name) {
    Objects.requireNonNull(name);
    if (name.isEmpty()) {
      throw new IllegalArgumentException("a lock's name is empty");
    }
    try {
      ByteBuffer utf8 = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(name));
      if (utf8.remaining() > NamedLock.MAX_NAME) {
        throw new IllegalArgumentException(
            "a lock's name has at most "
                + NamedLock.MAX_NAME
                + " bytes in UTF-8, this one has "
                + utf8.remaining());
      }
    } catch (CharacterCodingException malformed) {
      throw new IllegalArgumentException("a lock's name is not well-formed Unicode", malformed);
    }
  }

  // ---- what outlives this process

  /// The lease that this handle entitles to. Asks nobody whether it still stands.
  ///
  /// @throws IllegalArgumentException if the text was mistyped
  public Lease lease(String handle) {
    Handle read = Handle.read(Handle.Kind.LEASE, handle);
    checkName(read.lock());
    return new Lease(this, read);
  }

  /// What was decided about locks, what was due included.
  public History history() {
    status();
    return ledger.history();
  }

  /// Lets a journal go by the tokens of this fence: from now on their ends are in it before anybody
  /// else is granted. To be done once by each handle before its first unit with the fence; what has
  /// ended by then is refused here, and what ends later by the journal.
  ///
  /// @throws FencedException if one of the tokens is not current
  /// @throws IllegalArgumentException if they are known to be those of another root
  public void bind(Fence fence) {
    if (fence.root().isPresent() && !fence.root().get().equals(engine.root())) {
      throw new IllegalArgumentException(
          fence + " is of another root: it says nothing about " + engine.place());
    }
    fence
        .tokens()
        .forEach((lock, token) -> {
          Outcome outcome = gate(lock).command(new Command.Export(token));
          if (!(outcome.answer() instanceof Answer.Done)) {
            throw new FencedException(
                Fence.of(lock, token), "token " + token + " of " + lock + " is not current");
          }
        });
  }

  Fence fence(String lock, long token) {
    return Fence.of(lock, token).ofRoot(engine.root());
  }

  Lease lease(NamedLock lock, Duration wanted, Duration wait) throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("before waiting for " + lock);
    }
    Duration ttl = term(wanted);
    long now = ticker().nanos();
    long deadline = deadline(now, wait);
    String ticket = lock.wish().ticket();
    boolean queue = waits(wait) || lock.wish().keep() != null;
    return ticket == null
        ? detached(lock, ttl, acquireHeld(lock, now, deadline, queue, newClaim()))
        : taken(lock, ttl, Handle.read(Handle.Kind.TICKET, ticket), deadline);
  }

  private Lease detached(NamedLock lock, Duration ttl, Held held) {
    Handle handle = Handle.fresh(Handle.Kind.LEASE, lock.name()).leased(held.token());
    long until = later(ticker().nanos(), ttl);
    Answer answer = GONE;
    try {
      answer = held.gate().detach(held, handle.claim(), until, terms(lock, ttl));
    } finally {
      if (!(answer instanceof Answer.Done)) {
        held.leave();
      }
    }
    return switch (answer) {
      case Answer.Done _ -> began(lock, ttl, handle);
      case Answer.Refused _ ->
          throw new IllegalStateException(
              lock + " is held through a grant of a parent process, which no lease can outlive");
      case Answer.Gone _, Answer.Queued _ -> throw new LockLostException(lock.name(), held.token());
    };
  }

  private Lease taken(NamedLock lock, Duration ttl, Handle ticket, long deadline)
      throws InterruptedException {
    if (!ticket.lock().equals(lock.name())) {
      throw new IllegalArgumentException("this ticket is for " + ticket.lock());
    }
    checkOpen();
    Hold hold = takeUp(gate(lock.name()), lock, ttl, ticket, deadline);
    if (hold == null) {
      throw new LockLostException(
          lock.name(),
          0,
          "this ticket for "
              + lock.name()
              + " is over, or was never given in "
              + engine.place()
              + "; to wait again, ask for another");
    }
    return began(
        hold.mode() == lock.mode() ? lock : lock.in(hold.mode()), ttl, ticket.leased(hold.token()));
  }

  private @Nullable Hold takeUp(
      Gate gate, NamedLock lock, Duration ttl, Handle ticket, long deadline)
      throws InterruptedException {
    long began = ticker().nanos();
    try {
      return gate.takeUp(lock, ticket, ttl, began, deadline);
    } catch (TruceException | InterruptedException why) {
      gate.meter().refused(lock.mode(), began, why);
      throw why;
    }
  }

  /// Puts down that a lease began, or takes it back.
  private Lease began(NamedLock lock, Duration ttl, Handle handle) {
    try {
      long stood = ledger.position();
      if (standing(handle).isEmpty() || !ledger.began(beginning(lock, ttl, handle), stood)) {
        throw lost(handle);
      }
      return new Lease(this, handle);
    } catch (RuntimeException | Error failure) {
      takeBack(handle, failure);
      throw failure;
    }
  }

  private History.Entry beginning(NamedLock lock, Duration ttl, Handle handle) {
    return new History.Entry(
        0,
        Instant.now(),
        History.Kind.LEASED,
        lock.name(),
        lock.mode(),
        handle.token(),
        LeaseId.write(handle.claim()),
        new Owner(self.name(), self.host(), 0),
        ttl,
        lock.wish().boundsOrNone().renewals(),
        lock.wish().boundsOrNone().atLeast(),
        "",
        lock.reason());
  }

  private void takeBack(Handle handle, Throwable failure) {
    try {
      gate(handle.lock()).command(new Command.Release(handle.token(), handle.claim()));
    } catch (TruceException alsoFailed) {
      failure.addSuppressed(alsoFailed);
    }
  }

  /// A term that can be had: positive, and at most [#LONGEST].
  Duration term(Duration wanted) {
    if (!waits(wanted)) {
      throw new IllegalArgumentException("the term of a lease is positive, not " + wanted);
    }
    if (engine.capabilities().clock() == Capabilities.Clock.NONE) {
      throw new EngineException(
          EngineException.Kind.CONFIGURATION,
          engine.place() + " has no clock that the term of a lease could run on");
    }
    return shortened(wanted);
  }

  /// The row of a lease, if it stands.
  Optional<Hold> standing(Handle lease) {
    checkOpen();
    Claim claim = lease.claim();
    long now = ticker().nanos();
    LockState state = LockState.decode(engine.cells().read(key(lease.lock())).bytes());
    return state.holds().stream()
        .filter(hold ->
            hold.claim().equals(claim)
                && hold.phase() != LockState.Phase.ENDING
                && now < hold.until())
        .findFirst();
  }

  Outcome command(String lock, Command command) {
    checkOpen();
    return gate(lock).command(command);
  }

  /// Why a lease does not stand.
  LockLostException lost(Handle lease) {
    return new LockLostException(
        lease.lock(),
        lease.token(),
        "the lease of "
            + lease.lock()
            + (lease.token() == 0 ? "" : " with token " + lease.token())
            + " does not stand: "
            + howItEnded(lease));
  }

  /// How a lease ended; what is due is put down first.
  String howItEnded(Handle lease) {
    status(List.of(lease.lock()));
    return ledger.endOf(lease.claim()).map(Locks::howItEnded).orElseGet(this::unknownHere);
  }

  private String unknownHere() {
    return "it is not known in "
        + engine.place()
        + "; it was taken somewhere else, or ended long ago";
  }

  boolean givenBack(Handle lease) {
    return ledger
        .endOf(lease.claim())
        .filter(end -> end.kind() == History.Kind.RELEASED)
        .isPresent();
  }

  private static String howItEnded(History.Entry end) {
    return switch (end.kind()) {
      case RELEASED -> "it was given back";
      case EXPIRED -> "its term is over; to go on, take the lock anew";
      case REVOKED ->
          "it was ended by force by "
              + end.by()
              + " ("
              + end.reason()
              + "); to go on, take the lock anew";
      case DIED, LEASED, RESTORED -> "it has ended; to go on, take the lock anew";
    };
  }

  List<LockStatus.Holder> revoke(String lock, String why) {
    checkOpen();
    return gate(lock).revoke(why);
  }

  /// Something has ended in the cell, and could not be put down.
  static OutcomeUnknownException notSafe(String what, EngineException failure) {
    return new OutcomeUnknownException(
        what
            + ", but that is not safe yet: "
            + failure.getMessage()
            + "; until it is, which whoever comes next sees to, nobody else is granted the lock",
        failure);
  }

  /// Puts an end down for good, and answers whose grant it was.
  Owner putDown(String lock, Hold ending) {
    Ended how = Ended.read(ending.reason());
    Terms terms = terms(ending.claim(), Ended.said(ending.reason()));
    ledger.ended(
        new History.Entry(
            0,
            Instant.now(),
            History.Kind.of(how.kind()),
            lock,
            ending.mode(),
            ending.token(),
            LeaseId.write(ending.claim()),
            terms.owner(),
            terms.ttl(),
            terms.bounds().renewals(),
            terms.bounds().atLeast(),
            how.by(),
            how.why()),
        ending);
    return terms.owner();
  }

  /// What a row says of itself, or its member says for it.
  private Terms terms(Claim claim, String said) {
    return claim.member() == 0
        ? Terms.read(said)
        : new Terms(owner(claim.member()), Duration.ZERO, Bounds.NONE, said);
  }

  /// What a lease or a ticket of this process says of itself.
  String terms(NamedLock lock, Duration ttl) {
    Owner owner = new Owner(self.name(), self.host(), 0);
    return new Terms(owner, ttl, lock.wish().boundsOrNone(), lock.reason()).write();
  }

  /// Who orders what is done by force.
  String self() {
    return self.toString();
  }

  /// `now` and so long, at most [#LONGEST].
  static long later(long now, Duration time) {
    return now + shortened(time).toNanos();
  }

  static Duration shortened(Duration time) {
    return time.compareTo(LONGEST) > 0 ? LONGEST : time;
  }

  // ---- what gates need

  static String key(String name) {
    return PREFIX + name;
  }

  Engine engine() {
    return engine;
  }

  Bookkeeper book() {
    return book;
  }

  Recorder recorder() {
    return recorder;
  }

  boolean isMeasuring() {
    return measuring;
  }

  /// Whether anybody is told of what happens. Where nobody is, no event is made.
  public boolean isListening() {
    return !announcers.isEmpty();
  }

  /// Has those who listen told.
  public void tell(TruceEvent event) {
    announcers.forEach(announcer -> announcer.tell(event));
  }

  /// Who this handle is to others.
  Owner owner() {
    return self;
  }

  /// The root knows one more name, which is to be looked to in the end.
  void madeName() {
    if (!namesMade) {
      namesMade = true;
    }
  }

  Ticker ticker() {
    return engine.ticker();
  }

  Rules rules() {
    return rules;
  }

  List<Claim> ancestors() {
    return ancestors;
  }

  /// As which this handle takes part.
  public long member() {
    return membership.member();
  }

  boolean current() {
    return membership.current();
  }

  /// For claims and commands: no two of this member have the same.
  long nextNumber() {
    return numbers.incrementAndGet();
  }

  /// Who has waited long looks less often: a hundred waiting processes must not keep a machine
  /// busy.
  long recheck(long waited) {
    return Math.max(recheck, Math.min(waited / RECHECK_PART, LONGEST_RECHECK_NANOS));
  }

  int maxCell() {
    return maxCell;
  }

  /// Whether an idle lock may be had without the machine: where outcomes are known and the living
  /// are never taken for dead.
  boolean shortWay() {
    return shortWay;
  }

  boolean closed() {
    return closed;
  }

  int maxLocalWaiters() {
    return LOCAL_WAITERS;
  }

  /// Whether a member is dead for certain; one that is silent for its whole lease is ended first.
  boolean dead(long member) {
    return switch (engine.members().standing(member)) {
      case Standing.Alive alive -> false;
      case Standing.Dead dead -> true;
      case Standing.Silent silent -> engine.members().end(member);
    };
  }

  Waits waits() {
    return waits;
  }

  /// What a dead member had of a lock was ended.
  void buried(long member) {
    waits.forget(member);
    recorder.buried(member);
  }

  DeadlockPolicy deadlockPolicy() {
    return deadlocks;
  }

  /// What this thread acquired and still holds.
  List<Waiting.Token> heldBy(Thread thread) {
    List<Waiting.Token> found = new ArrayList<>();
    gates.values().forEach(gate -> gate.addHeldBy(thread, found));
    return List.copyOf(found);
  }

  /// Some wait for each other in a ring; one of them was told to give way, or nobody is.
  void deadlock(List<Refusal.Link> ring, boolean resolved) {
    Log.LOG.log(
        resolved ? System.Logger.Level.DEBUG : System.Logger.Level.WARNING,
        () ->
            (resolved ? "one gave way in a ring of waits: " : "nobody of these is ever served: ")
                + ring);
    if (isListening()) {
      List<String> lines = ring.stream().map(Refusal.Link::toString).toList();
      tell(new LockEvent.Ring(Instant.now(), ring.getFirst().waitsFor(), lines, resolved));
    }
  }

  /// Hints: whoever misses one looks by himself soon.
  void wake(Set<Long> members) {
    for (long member : members) {
      try {
        engine.members().wake(member);
      } catch (TruceException | Error lost) {
        Log.LOG.log(System.Logger.Level.DEBUG, "a member was not woken", lost);
      }
    }
  }

  TruceException gone() {
    return new EngineException(
        EngineException.Kind.CLOSED,
        closed
            ? "this Truce is closed: open another one"
            : engine.place() + " took this process for dead: open it again");
  }

  /// Whether wakes are wanted: as long as somebody waits. When this returns they come, whoever of
  /// several began: a monitor, for a lock would use up one that was for the caller.
  synchronized void listen(Gate gate, boolean on) {
    if (on) {
      listening.add(gate);
    }
    int before = listeners;
    listeners += on ? 1 : -1;
    if ((before == 0 || listeners == 0) && !closed) {
      try {
        membership.listen(on, this::hint);
      } catch (TruceException | Error deaf) {
        listeners = before;
        throw deaf;
      }
    }
  }

  private void hint() {
    listening.forEach(Gate::hint);
    waits.hint();
    hinted = true;
    Thread watching = watcher;
    if (watching != null) {
      LockSupport.unpark(watching);
    }
  }

  /// A grant or a lease with listeners.
  interface Watched {
    /// Whether it has ended, of which its listeners were told then.
    boolean ended();
  }

  /// Looks at a grant now and then, until it has ended, so that its listeners hear of its loss.
  void watch(Watched one) {
    watched.add(one);
    synchronized (this) {
      if (watcher == null && !closed) {
        watcher = Thread.ofVirtual().name("truce-watch").start(this::watchAll);
      }
    }
  }

  private void watchAll() {
    while (!closed && !Thread.interrupted()) {
      // Both from before the look: what comes during it may be nothing that was looked at.
      hinted = false;
      long next = ticker().nanos() + WATCH_NANOS;
      watched.removeIf(Locks::seenEnded);
      if (!hinted) {
        ticker().park(this, next);
      }
    }
  }

  private static boolean seenEnded(Watched one) {
    try {
      return one.ended();
    } catch (TruceException unreachable) {
      Log.LOG.log(System.Logger.Level.DEBUG, "cannot look at a grant now", unreachable);
      return false;
    }
  }

  /// Tries again in the background what the engine could not answer, until it could or this room is
  /// closed, when the membership's end settles it.
  void later(BooleanSupplier work) {
    Thread.ofVirtual()
        .name("truce-settle")
        .start(() -> {
          long pause = RECHECK_NANOS;
          while (!closed) {
            ticker().park(this, ticker().nanos() + pause);
            pause = Math.min(pause * 2, 1_000_000_000L);
            try {
              if (work.getAsBoolean()) {
                return;
              }
            } catch (TruceException stillUnreachable) {
              Log.LOG.log(System.Logger.Level.DEBUG, "not settled yet", stillUnreachable);
            }
          }
        });
  }

  /// Lets idle names go when there are many; looks again only when there are twice as many as were
  /// busy, so that looking costs each caller little.
  void maybeForget() {
    if (gates.size() > manyGates) {
      gates.values().removeIf(this::forgotten);
      manyGates = Math.max(IDLE_GATES, 2 * gates.size());
    }
  }

  private boolean forgotten(Gate gate) {
    if (!gate.retire()) {
      return false;
    }
    listening.remove(gate);
    gate.meter().stop();
    return true;
  }

  void closeFailed(String lock, TruceException failure) {
    Log.LOG.log(
        System.Logger.Level.WARNING,
        lock
            + " could not be given back at closing; it is free when the engine sees this process"
            + " end",
        failure);
  }

  // ---- status

  List<LockStatus> status(List<String> names) {
    List<LockStatus> found = new ArrayList<>();
    for (String name : names) {
      found.add(describe(name, settledIfPast(name)));
    }
    return found;
  }

  private LockState settledIfPast(String name) {
    LockState state = LockState.decode(engine.cells().read(key(name)).bytes());
    return isPast(state) ? settledOr(name, state) : state;
  }

  /// Whether somebody who looked would end something: what the dead have, and what time is over.
  private boolean isPast(LockState state) {
    return LockMachine.nextSettling(state) <= ticker().nanos()
        || state.holds().stream().anyMatch(Hold::unwritten)
        || Stream.concat(
                state.holds().stream()
                    .filter(hold -> hold.phase() != LockState.Phase.ENDING)
                    .map(Hold::claim),
                state.queue().stream().map(Wait::claim))
            .mapToLong(Claim::member)
            .distinct()
            .anyMatch(member -> member != 0 && member != member() && dead(member));
  }

  /// A look says what is there, even where an end cannot be put down now.
  private LockState settledOr(String name, LockState seen) {
    try {
      return settled(name);
    } catch (EngineException | OutcomeUnknownException notNow) {
      checkOpen();
      Log.LOG.log(System.Logger.Level.DEBUG, "an end could not be put down", notNow);
      return seen;
    }
  }

  private LockState settled(String name) {
    while (true) {
      checkOpen();
      LockState state = gate(name).settle();
      if (state != null) {
        maybeForget();
        return state;
      }
    }
  }

  LockStatus describe(String name, LockState state) {
    long now = ticker().nanos();
    List<LockStatus.Holder> holders =
        state.holds().stream()
            .filter(hold -> !hold.unwritten())
            .map(hold -> holder(hold, state, now))
            .toList();
    List<LockStatus.Waiter> waiters = new ArrayList<>();
    int position = 1;
    for (Wait wait : LockMachine.inOrder(state, rules)) {
      waiters.add(waiter(wait, position, now));
      position += wait.count();
    }
    return new LockStatus(
        name, stateOf(state), state.token(), state.limit(), holders, List.copyOf(waiters));
  }

  private static LockStatus.State stateOf(LockState state) {
    if (state.holds().stream().anyMatch(hold -> LockMachine.blocks(hold, state.holds()))) {
      return LockStatus.State.ENDING;
    }
    if (state.holds().stream().anyMatch(hold -> !hold.unwritten())) {
      return LockStatus.State.HELD;
    }
    return state.queue().stream().anyMatch(wait -> wait.offered() != 0)
        ? LockStatus.State.OFFERED
        : LockStatus.State.FREE;
  }

  private LockStatus.Holder holder(Hold hold, LockState state, long now) {
    boolean ending = hold.phase() == LockState.Phase.ENDING;
    long member = hold.claim().member();
    Terms terms = terms(hold.claim(), ending ? Ended.said(hold.reason()) : hold.reason());
    Standing standing = member == 0 ? LEASED : engine.members().standing(member);
    return new LockStatus.Holder(
        terms.owner(),
        hold.mode(),
        hold.token(),
        ending ? List.of() : List.copyOf(hold.tokens()),
        hold.count(),
        Duration.ofNanos(Math.max(0, now - hold.since())),
        hold.until() == 0
            ? Optional.empty()
            : Optional.of(Duration.ofNanos(Math.max(0, hold.until() - now))),
        alive(standing),
        member == 0 ? "lease term not over" : evidence(standing),
        terms.reason(),
        LeaseId.write(hold.claim()),
        !hold.parent().equals(Claim.NONE)
            && state.holds().stream().anyMatch(other -> other.claim().equals(hold.parent())));
  }

  private LockStatus.Waiter waiter(Wait wait, int position, long now) {
    Terms terms = terms(wait.claim(), wait.reason());
    return new LockStatus.Waiter(
        terms.owner(),
        wait.mode(),
        position,
        wait.count(),
        Duration.ofNanos(Math.max(0, now - wait.since())),
        wait.absent(),
        wait.claim().member() == 0 ? Optional.of(LeaseId.write(wait.claim())) : Optional.empty(),
        terms.reason());
  }

  private static LockStatus.Alive alive(Standing standing) {
    return switch (standing) {
      case Standing.Alive alive -> LockStatus.Alive.YES;
      case Standing.Dead dead -> LockStatus.Alive.NO;
      case Standing.Silent silent -> LockStatus.Alive.UNKNOWN;
    };
  }

  private static String evidence(Standing standing) {
    return switch (standing) {
      case Standing.Alive(String evidence) -> evidence;
      case Standing.Dead(String evidence) -> evidence;
      case Standing.Silent(Duration since) ->
          "not heard of for " + LockStatus.brief(since) + ", its term is not over";
    };
  }

  Owner owner(long member) {
    return engine
        .members()
        .description(member)
        .map(Description::read)
        .map(Description::owner)
        .orElse(new Owner("somebody", "unknown", 0));
  }
}
