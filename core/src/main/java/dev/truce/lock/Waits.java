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
  private static final byte[] NOTHING = new byte[0];
  private static final int MAX_CELL = 32_768;
  private static final int ROUNDS = 64;

  /// How often two pictures in a row are compared before it is left to the next look.
  private static final int PICTURES = 4;

  private static final long FIRST_PAUSE_NANOS = 250_000_000L;
  private static final long LONGEST_PAUSE_NANOS = 8_000_000_000L;

  private static final Comparator<Waiting> YOUNGER = Comparator.comparingLong(Waiting::id);
  private static final Comparator<Waiting> LESS_IMPORTANT =
      Comparator.comparingInt(Waiting::priority).thenComparing(YOUNGER);

  private final Locks room;
  private final Cells cells;
  private final ReentrantLock mutex = new ReentrantLock();

  /// What this process waits for, oldest first. Changed under `mutex`.
  private final ConcurrentSkipListMap<Long, Told> told = new ConcurrentSkipListMap<>();

  private final Map<Waiting.Token, List<Told>> byToken = new ConcurrentHashMap<>();
  private volatile boolean rung;
  private boolean closed;

  /// A wait of this process, as long as it lasts.
  final class Told implements AutoCloseable {
    private final Thread thread = Thread.currentThread();
    private volatile Waiting wait;
    private boolean reported;
    private long pause = FIRST_PAUSE_NANOS;
    private long due = Long.MIN_VALUE;

    private Told(Waiting wait) {
      this.wait = wait;
    }

    /// Looks for a ring when it is time to. Answers when it wants to be called again, in its own
    /// thread.
    long attend() {
      if (rung) {
        rung = false;
        hear();
      }
      long now = room.ticker().nanos();
      if (now >= due && !wait.isStruck()) {
        resolve(this);
        due = room.ticker().nanos() + pause;
        pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
      }
      return wait.isStruck() ? Long.MIN_VALUE : due;
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
  @Nullable Told tell(NamedLock wanted, boolean upgrade, Claim run) {
    Thread thread = Thread.currentThread();
    List<Waiting.Token> held = room.heldBy(thread);
    if (held.isEmpty() && room.ancestors().isEmpty()) {
      return null;
    }
    Told one =
        new Told(
            new Waiting(
                cells.draw(1),
                room.member(),
                wanted.name(),
                wanted.mode(),
                upgrade,
                run.number(),
                wanted.wish().priority(),
                held,
                room.ancestors(),
                List.of()));
    mutex.lock();
    try {
      told.put(one.wait.id(), one);
      index(one);
      publish();
    } finally {
      mutex.unlock();
    }
    return one;
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
      for (Waiting.Token token : one.wait.held()) {
        byToken.computeIfPresent(token, (_, all) -> without(all, one));
      }
      publish();
    } finally {
      mutex.unlock();
    }
  }

  private static @Nullable List<Told> without(List<Told> all, Told one) {
    List<Told> rest = all.stream().filter(other -> other != one).toList();
    return rest.isEmpty() ? null : rest;
  }

  /// Makes the cell say what this process waits for, and hears what others have written there. If
  /// the engine does not answer, the next look makes up for it.
  private void publish() {
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
          return;
        }
      }
    } catch (EngineException | OutcomeUnknownException unreachable) {
      Log.LOG.log(System.Logger.Level.DEBUG, "others cannot be told who waits", unreachable);
    }
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
    return Stream.concat(mine, new Picture().others().stream().filter(wait -> !isDead(wait)))
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
  void ring() {
    Map.Entry<Long, Told> eldest = told.firstEntry();
    if (eldest != null) {
      rung = true;
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

  private static void strike(Told one, List<Refusal.Link> ring) {
    if (!one.wait.isStruck()) {
      one.wait = one.wait.struckFor(ring);
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
  private void resolve(Told one) {
    try {
      Optional<Knot> knot = seenTwice(one.wait);
      if (knot.isPresent()) {
        giveWay(one, knot.get());
      }
    } catch (EngineException unreachable) {
      Log.LOG.log(System.Logger.Level.DEBUG, "cannot look for rings now", unreachable);
    }
  }

  /// A knot that two pictures in a row show.
  private Optional<Knot> seenTwice(Waiting wait) {
    Optional<Knot> first = WaitGraph.knot(wait, new Picture(), room.rules());
    for (int i = 1; i < PICTURES && first.isPresent(); i++) {
      Optional<Knot> second = WaitGraph.knot(wait, new Picture(), room.rules());
      if (second.isPresent() && second.get().sameAs(first.get())) {
        return second;
      }
      first = second;
    }
    return Optional.empty();
  }

  private void giveWay(Told finder, Knot knot) {
    List<Waiting> seen = knot.ring(finder.wait);
    if (seen.stream().anyMatch(this::isDead)) {
      return; // whoever waits for the dead ends what they hold, and there is no ring any more
    }
    DeadlockPolicy policy = room.deadlockPolicy();
    if (policy == DeadlockPolicy.REPORT) {
      if (!finder.reported) {
        finder.reported = true;
        room.deadlock(links(seen), false);
      }
      return;
    }
    Waiting victim = knot.victim(policy == DeadlockPolicy.YOUNGEST ? YOUNGER : LESS_IMPORTANT);
    List<Refusal.Link> ring = links(knot.ring(victim));
    if (strike(victim, ring)) {
      room.deadlock(ring, true);
    }
  }

  private boolean isDead(Waiting wait) {
    return wait.member() != room.member() && room.dead(wait.member());
  }

  /// True when it is this that struck it.
  private boolean strike(Waiting victim, List<Refusal.Link> ring) {
    String key = key(victim.member());
    for (int round = 0; round < ROUNDS; round++) {
      Cell cell = cells.read(key);
      List<Waiting> waits = Waiting.read(victim.member(), cell.bytes());
      Optional<Waiting> stands =
          waits.stream().filter(wait -> wait.id() == victim.id()).findFirst();
      if (stands.isEmpty()) {
        return victim.member() == room.member() && strikeHere(victim, ring);
      }
      if (stands.get().isStruck()) {
        return false;
      }
      byte[] next =
          Waiting.write(
              waits.stream()
                  .map(wait -> wait.id() == victim.id() ? wait.struckFor(ring) : wait)
                  .toList());
      if (next.length <= room.maxCell() && cells.swap(key, cell, next) instanceof Swap.Won) {
        if (victim.member() == room.member()) {
          hear();
        } else {
          room.wake(Set.of(victim.member()));
        }
        return true;
      }
    }
    return false;
  }

  /// One of this process for which its cell had no room.
  private boolean strikeHere(Waiting victim, List<Refusal.Link> ring) {
    mutex.lock();
    try {
      Told one = told.get(victim.id());
      boolean now = one != null && !one.wait.isStruck();
      if (one != null) {
        strike(one, ring);
      }
      return now;
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

  /// All that can be seen now, each cell looked at once.
  private final class Picture implements WaitGraph.View {
    private final Map<String, LockState> locks = new HashMap<>();
    private @Nullable List<Waiting> others;

    @Override
    public LockState lock(String name) {
      return locks.computeIfAbsent(
          name, fresh -> LockState.decode(cells.read(Locks.key(fresh)).bytes()));
    }

    @Override
    public List<Waiting> of(String lock, Claim claim, long token) {
      Stream<Waiting> mine = mine(new Waiting.Token(lock, token), claim);
      return Stream.concat(mine, others().stream())
          .filter(wait -> wait.holds(lock, claim, token))
          .toList();
    }

    private Stream<Waiting> mine(Waiting.Token token, Claim claim) {
      if (room.ancestors().contains(claim)) {
        return told.values().stream().map(one -> one.wait);
      }
      return byToken.getOrDefault(token, List.of()).stream().map(one -> one.wait);
    }

    private List<Waiting> others() {
      List<Waiting> known = others;
      if (known == null) {
        known = new ArrayList<>();
        for (String key : cells.keys(PREFIX)) {
          long member = Long.parseUnsignedLong(key.substring(PREFIX.length()), 16);
          if (member != room.member()) {
            known.addAll(Waiting.read(member, cells.read(key).bytes()));
          }
        }
        others = known;
      }
      return known;
    }
  }
}
