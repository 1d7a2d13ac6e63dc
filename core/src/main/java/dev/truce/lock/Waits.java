package dev.truce.lock;

import dev.truce.EngineException;
import dev.truce.Fence;
import dev.truce.OutcomeUnknownException;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.WaitGraph.Knot;
import dev.truce.spi.Cells;
import dev.truce.spi.Cells.Cell;
import dev.truce.spi.Cells.Swap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The waits of this process by those who hold something, and what they make of each other's.
///
/// Whoever holds something and begins to wait (1) stands in the queue, (2) says so in its member's
/// cell, (3) looks for a ring. Of the waits of a ring one was told last, and it sees all others; so
/// no ring is overlooked. It looks again now and then, for the case that the last one was killed
/// before it looked.
///
/// The one that gives way is *struck* in the cell of its own member, where its wait stands as long
/// as it waits; its process sees that, and refuses it. One that is served just then keeps what it
/// got.
///
/// A member tells of as many waits as its cell has room for, some hundreds; those of one process
/// see each other all the same.
final class Waits {
  private static final String PREFIX = "wait/";
  private static final String VERDICT = "verdict";
  private static final byte[] NOTHING = new byte[0];

  /// Leaves room for a verdict in the smallest cells that engines have.
  private static final int MAX_CELL = 32_768;

  /// Others write here only to strike somebody: this many lost swaps in a row are an engine's
  /// fault.
  private static final int ROUNDS = 64;

  // A second look is for one that was killed before it looked, so it may come late.
  private static final long FIRST_PAUSE_NANOS = 250_000_000L;
  private static final long LONGEST_PAUSE_NANOS = 8_000_000_000L;

  private static final Comparator<Waiting> YOUNGER = Comparator.comparingLong(Waiting::id);
  static final Comparator<Waiting> LESS_IMPORTANT =
      Comparator.comparingInt(Waiting::priority).thenComparing(YOUNGER);

  private final Locks room;
  private final Cells cells;
  private final ReentrantLock mutex = new ReentrantLock();

  /// What this process waits for, oldest first. Changed under `mutex`.
  private final ConcurrentSkipListMap<Long, Told> told = new ConcurrentSkipListMap<>();

  private final Map<Waiting.Token, List<Told>> byToken = new ConcurrentHashMap<>();

  /// The places in queues of those of this process that were told to give way.
  private final Set<Claim> leaving = ConcurrentHashMap.newKeySet();

  private volatile boolean hinted;
  private boolean closed;
  private boolean late;

  /// A wait of this process, as long as it lasts.
  final class Told implements AutoCloseable {
    private final Thread thread = Thread.currentThread();

    /// The grant that it upgrades, whoever acquired it.
    private final Waiting.@Nullable Token upgrades;

    private volatile Waiting wait;
    private boolean reported;
    private long pause = FIRST_PAUSE_NANOS;
    private long due = Long.MIN_VALUE;

    private Told(Waiting wait, Waiting.@Nullable Token upgrades) {
      this.wait = wait;
      this.upgrades = upgrades;
    }

    /// Looks for a ring when it is time to. Answers when it wants to be called again, in its own
    /// thread.
    long attend() {
      if (hinted) {
        hinted = false;
        hear();
      }
      long now = room.ticker().nanos();
      if (now >= due && !wait.isStruck()) {
        resolve(this);
        due = now + pause;
        pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
      }
      return wait.isStruck() ? Long.MIN_VALUE : due;
    }

    /// Whether it is to [attend][#attend()] before it sleeps: whoever called it may have woken it
    /// from the wait for a mutex.
    boolean isCalled() {
      return hinted || wait.isStruck();
    }

    /// The ring for which it was chosen to give way, itself first; empty if it was not.
    List<Refusal.Link> struck() {
      return wait.struck();
    }

    @Override
    public void close() {
      withdraw(this);
    }
  }

  Waits(Locks room) {
    this.room = room;
    this.cells = room.engine().cells();
  }

  // ---- telling

  /// Tells everybody that the calling thread waits; `null` when it holds nothing, so that nobody
  /// waits for it.
  @Nullable Told tell(NamedLock wanted, Claim run) {
    return tell(wanted, run, null);
  }

  private @Nullable Told tell(NamedLock wanted, Claim run, Waiting.@Nullable Token upgrades) {
    if (held(Thread.currentThread(), upgrades).isEmpty() && room.ancestors().isEmpty()) {
      return null;
    }
    Told one =
        new Told(
            new Waiting(
                cells.draw(1),
                room.member(),
                wanted.name(),
                wanted.mode(),
                upgrades != null,
                run.number(),
                wanted.wish().priority(),
                List.of(),
                room.ancestors(),
                List.of()),
            upgrades);
    mutex.lock();
    try {
      // Known before it is looked at what it holds: whoever changes that looks for it afterwards.
      told.put(one.wait.id(), one);
      one.wait = one.wait.holding(held(one.thread, upgrades));
      index(one);
      publish();
    } finally {
      mutex.unlock();
    }
    return one;
  }

  /// The same for the reader's grant that upgrades.
  @Nullable Told tellUpgrade(String lock, Held held) {
    return tell(
        new NamedLock(room, lock, NamedLock.Wish.WRITE),
        held.claim(),
        new Waiting.Token(lock, held.token()));
  }

  private List<Waiting.Token> held(Thread thread, Waiting.@Nullable Token upgrades) {
    List<Waiting.Token> held = room.heldBy(thread);
    return upgrades == null || held.contains(upgrades)
        ? held
        : Stream.concat(held.stream(), Stream.of(upgrades)).toList();
  }

  /// What this thread holds is not what it was when it said so.
  void heldChanged(@Nullable Thread party) {
    if (party == null || told.isEmpty()) {
      return;
    }
    mutex.lock();
    try {
      boolean changed = false;
      for (Told one : told.values()) {
        if (one.thread.equals(party)) {
          unindex(one);
          one.wait = one.wait.holding(held(party, one.upgrades));
          index(one);
          changed = true;
        }
      }
      if (changed) {
        publish();
      }
    } finally {
      mutex.unlock();
    }
  }

  private void unindex(Told one) {
    for (Waiting.Token token : one.wait.held()) {
      byToken.computeIfPresent(token, (_, all) -> without(all, one));
    }
  }

  private void index(Told one) {
    for (Waiting.Token token : one.wait.held()) {
      byToken.merge(token, List.of(one), Waits::both);
    }
  }

  private static List<Told> both(List<Told> some, List<Told> more) {
    return Stream.concat(some.stream(), more.stream()).toList();
  }

  private void withdraw(Told one) {
    mutex.lock();
    try {
      told.remove(one.wait.id());
      leaving.remove(one.wait.claim());
      unindex(one);
      publish();
    } finally {
      mutex.unlock();
    }
  }

  private static @Nullable List<Told> without(List<Told> all, Told one) {
    List<Told> rest = all.stream().filter(other -> other != one).toList();
    return rest.isEmpty() ? null : rest;
  }

  /// Makes the cell say what this process waits for, and hears what others have written there; if
  /// the engine does not answer, later.
  private void publish() {
    if (!published() && !late) {
      late = true;
      room.later(this::publishLater);
    }
  }

  private boolean publishLater() {
    mutex.lock();
    try {
      late = !published();
      return !late;
    } finally {
      mutex.unlock();
    }
  }

  private boolean published() {
    String key = key(room.member());
    try {
      for (int round = 0; round < ROUNDS; round++) {
        Cell cell = cells.read(key);
        if (!cell.absent()) {
          hear(cell);
        }
        byte[] wanted = bytes();
        if (Arrays.equals(cell.bytes(), wanted)
            || cells.swap(key, cell, wanted) instanceof Swap.Won) {
          return true;
        }
      }
    } catch (EngineException | OutcomeUnknownException unreachable) {
      Log.LOG.log(System.Logger.Level.DEBUG, "others cannot be told who waits", unreachable);
    }
    return false;
  }

  private byte[] bytes() {
    if (closed) {
      return NOTHING;
    }
    List<Waiting> all = new ArrayList<>(told.values().stream().map(one -> one.wait).toList());
    byte[] bytes = Waiting.write(all);
    while (bytes.length > Math.min(MAX_CELL, room.maxCell())) {
      all.subList(all.size() / 2, all.size()).clear();
      bytes = Waiting.write(all);
    }
    return bytes;
  }

  private static String key(long member) {
    return PREFIX + Long.toHexString(member);
  }

  /// All that is told now, by the living.
  List<LockWait> all() {
    Stream<Waiting> mine = told.values().stream().map(one -> one.wait);
    return Stream.concat(mine, new Picture().read().stream().filter(wait -> !isDead(wait)))
        .map(this::shown)
        .toList();
  }

  private LockWait shown(Waiting wait) {
    return new LockWait(
        room.owner(wait.member()),
        wait.lock(),
        wait.mode(),
        wait.held().stream().map(token -> Fence.of(token.lock(), token.token())).toList(),
        wait.ancestors().stream().map(LeaseId::write).toList());
  }

  // ---- being told

  /// A hint that something may have been written to this process's cell.
  void hint() {
    Map.Entry<Long, Told> eldest = told.firstEntry();
    if (eldest != null) {
      hinted = true;
      LockSupport.unpark(eldest.getValue().thread);
    }
  }

  private void hear() {
    mutex.lock();
    try {
      publish();
    } finally {
      mutex.unlock();
    }
  }

  /// Takes over who was struck.
  private void hear(Cell cell) {
    for (Waiting written : Waiting.read(room.member(), cell.bytes())) {
      Told one = told.get(written.id());
      if (one != null && written.isStruck()) {
        strike(one, written.struck());
      }
    }
  }

  private void strike(Told one, List<Refusal.Link> ring) {
    if (!one.wait.isStruck()) {
      one.wait = one.wait.struckFor(ring);
      leaving.add(one.wait.claim());
      LockSupport.unpark(one.thread);
    }
  }

  /// Lets go of what a dead member waited for.
  void forget(long member) {
    String key = key(member);
    Cell cell = cells.read(key);
    if (!cell.absent()) {
      Swap _ = cells.swap(key, cell, NOTHING);
    }
  }

  /// Leaves nothing behind.
  void close() {
    mutex.lock();
    try {
      closed = true;
      publish();
    } finally {
      mutex.unlock();
    }
  }

  // ---- rings

  /// Looks whether this wait is tied up with itself, and has one of the ring give way.
  ///
  /// Rings can overlap, and then one victim may be enough for several. So the verdicts of a root
  /// are passed one after the other: each is written where the last one stands, unless another was
  /// written since before this look, and carried out before anybody looks again, by whoever comes.
  private void resolve(Told one) {
    try {
      for (int round = 0; round < ROUNDS && !one.wait.isStruck(); round++) {
        Cell last = cells.read(VERDICT);
        carryOut(last);
        Optional<Knot> knot = WaitGraph.seenTwice(one.wait, Picture::new, room.rules());
        Optional<Waiting> victim = knot.flatMap(seen -> judge(one, seen));
        if (victim.isEmpty()) {
          return;
        }
        pass(last, victim.get()); // and look again: it may be tied up in another ring as well
      }
    } catch (EngineException unreachable) {
      Log.LOG.log(System.Logger.Level.DEBUG, "cannot look for rings now", unreachable);
    }
  }

  /// Who gives way, and in which ring, if anybody does.
  private Optional<Waiting> judge(Told finder, Knot knot) {
    List<Waiting> seen = knot.ring(finder.wait);
    if (seen.stream().anyMatch(this::isDead)) {
      return Optional.empty(); // whoever waits for the dead ends what they hold
    }
    DeadlockPolicy policy = room.deadlockPolicy();
    if (policy == DeadlockPolicy.REPORT) {
      if (!finder.reported) {
        finder.reported = true;
        room.deadlock(links(seen), false);
      }
      return Optional.empty();
    }
    Waiting victim = knot.victim(policy == DeadlockPolicy.YOUNGEST ? YOUNGER : LESS_IMPORTANT);
    return Optional.of(victim.verdict(links(knot.ring(victim))));
  }

  /// Passes a verdict, unless somebody else was faster.
  private void pass(Cell last, Waiting victim) {
    if (cells.swap(VERDICT, last, Waiting.writeVerdict(victim)) instanceof Swap.Won) {
      strike(victim);
      room.deadlock(victim.struck(), true);
    }
  }

  private void carryOut(Cell verdict) {
    Waiting.readVerdict(verdict.bytes()).ifPresent(this::strike);
  }

  private boolean isDead(Waiting wait) {
    return wait.member() != room.member() && room.dead(wait.member());
  }

  /// Has this wait give way, if it still stands.
  private void strike(Waiting victim) {
    if (struckNow(victim)) {
      room.wake(Set.of(victim.member()));
    }
    if (victim.member() == room.member()) {
      strikeHere(victim);
    }
  }

  /// Whether this wrote it; not where it has gone, or was told to by somebody else.
  private boolean struckNow(Waiting victim) {
    String key = key(victim.member());
    for (int round = 0; round < ROUNDS; round++) {
      Cell cell = cells.read(key);
      List<Waiting> waits = Waiting.read(victim.member(), cell.bytes());
      if (waits.stream().noneMatch(wait -> wait.id() == victim.id() && !wait.isStruck())) {
        return false;
      }
      byte[] next =
          Waiting.write(
              waits.stream()
                  .map(wait -> wait.id() == victim.id() ? wait.struckFor(victim.struck()) : wait)
                  .toList());
      if (next.length > room.maxCell()) {
        return false;
      }
      if (cells.swap(key, cell, next) instanceof Swap.Won) {
        return true;
      }
    }
    return false;
  }

  /// Also one for which the cell had no room.
  private void strikeHere(Waiting victim) {
    mutex.lock();
    try {
      Told one = told.get(victim.id());
      if (one != null) {
        strike(one, victim.struck());
      }
    } finally {
      mutex.unlock();
    }
  }

  private List<Refusal.Link> links(List<Waiting> ring) {
    List<Refusal.Link> links = new ArrayList<>();
    for (int i = 0; i < ring.size(); i++) {
      Waiting wait = ring.get(i);
      Waiting before = ring.get(i == 0 ? ring.size() - 1 : i - 1);
      links.add(
          new Refusal.Link(room.owner(wait.member()), before.lock(), wait.lock(), wait.mode()));
    }
    return List.copyOf(links);
  }

  /// What the other members wait for, by what they hold.
  ///
  /// @param leaving the places in queues of those that were told to give way
  private record Others(
      Map<Granted, List<Waiting>> byGrant,
      Map<Claim, List<Waiting>> byAncestor,
      Set<Claim> leaving) {
    private record Granted(long member, Waiting.Token token) {}

    static Others of(List<Waiting> waits) {
      Others others = new Others(new HashMap<>(), new HashMap<>(), new HashSet<>());
      waits.forEach(others::add);
      return others;
    }

    private void add(Waiting wait) {
      for (Waiting.Token token : wait.held()) {
        byGrant
            .computeIfAbsent(new Granted(wait.member(), token), _ -> new ArrayList<>(1))
            .add(wait);
      }
      for (Claim ancestor : wait.ancestors()) {
        byAncestor.computeIfAbsent(ancestor, _ -> new ArrayList<>(1)).add(wait);
      }
      if (wait.isStruck()) {
        leaving.add(wait.claim());
      }
    }

    Stream<Waiting> holding(Waiting.Token token, Claim claim) {
      return Stream.concat(
          byGrant.getOrDefault(new Granted(claim.member(), token), List.of()).stream(),
          byAncestor.getOrDefault(claim, List.of()).stream());
    }
  }

  /// All that can be seen now, each cell looked at once.
  private final class Picture implements WaitGraph.View {
    private final Map<String, LockState> locks = new HashMap<>();
    private @Nullable Others others;

    @Override
    public LockState lock(String name) {
      return locks.computeIfAbsent(
          name, fresh -> LockState.decode(cells.read(Locks.key(fresh)).bytes()));
    }

    @Override
    public List<Waiting> of(String lock, Claim claim, long token) {
      Waiting.Token held = new Waiting.Token(lock, token);
      return Stream.concat(mine(held, claim), others().holding(held, claim))
          .filter(wait -> wait.holds(lock, claim, token))
          .distinct()
          .toList();
    }

    @Override
    public boolean leaves(Claim run) {
      return leaving.contains(run) || others().leaving().contains(run);
    }

    private Stream<Waiting> mine(Waiting.Token token, Claim claim) {
      if (room.ancestors().contains(claim)) {
        return told.values().stream().map(one -> one.wait);
      }
      return byToken.getOrDefault(token, List.of()).stream().map(one -> one.wait);
    }

    private Others others() {
      Others known = others;
      if (known == null) {
        known = Others.of(read());
        others = known;
      }
      return known;
    }

    private List<Waiting> read() {
      List<Waiting> waits = new ArrayList<>();
      for (String key : cells.keys(PREFIX)) {
        long member = Long.parseUnsignedLong(key.substring(PREFIX.length()), 16);
        if (member != room.member()) {
          waits.addAll(Waiting.read(member, cells.read(key).bytes()));
        }
      }
      return waits;
    }
  }
}
