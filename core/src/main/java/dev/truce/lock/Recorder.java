package dev.truce.lock;

import dev.truce.EngineException;
import dev.truce.OutcomeUnknownException;
import dev.truce.Owner;
import dev.truce.TruceException;
import dev.truce.lock.NamedLock.Mode;
import dev.truce.lock.Traffic.Cause;
import dev.truce.lock.Traffic.Event;
import dev.truce.lock.Traffic.Gap;
import dev.truce.lock.Traffic.Part;
import dev.truce.lock.Traffic.What;
import dev.truce.spi.Cells;
import dev.truce.spi.Cells.Cell;
import dev.truce.spi.Cells.Swap;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Notes what one handle does with the locks whose [Traffic] is recorded, and adds it to the
/// [log][TrafficLog] on the [Bookkeeper]'s thread.
///
/// ```
///   cell traffic/NAME     format                            exists while the lock is recorded
///   cell noting/MEMBER    format | told until | name | host | pid
/// ```
///
/// The second is there before its member notes anything, and goes when it has told everything: so a
/// member that is dead and has one took something with it, and whoever finds that puts down the
/// gap, once. It is a cell because acquiring waits for no disk. Cells end with the boot: of what
/// was cut off by the end of the machine the journal tells, which has batches of it and not its
/// last.
///
/// A lock is worth more than its record: nothing here fails an acquire, and what is noted while
/// [#ROOM] entries wait is counted and dropped.
///
/// **Threads.** Safe for any number of them; one at a time adds and reads.
final class Recorder {
  private static final String SWITCH = "traffic/";
  private static final String NOTING = "noting/";
  private static final int FORMAT = 1;
  private static final byte[] ON = {FORMAT};
  private static final byte[] NOTHING = new byte[0];
  private static final long KILLED = 0x6b696c6c65642e2eL;

  /// How many entries wait for being added.
  static final int ROOM = 8_192;

  /// For how many locks it is counted apart what was dropped.
  private static final int MANY_LOCKS = 256;

  /// How often others may be faster, or outcomes unknown.
  private static final int ROUNDS = 16;

  private final Locks room;
  private final Cells cells;
  private final TrafficLog log;
  private final int mostBytes;

  /// Guarded by this, as all that follows: what is to be added.
  private List<Part> noted = new ArrayList<>(0);

  private Map<Optional<String>, Gap> dropped = new LinkedHashMap<>(0);
  private Set<Long> died = new HashSet<>(0);

  /// How many locks are recorded here.
  private int locks;

  private boolean closed;

  /// One at a time swaps the member's own cell.
  private final ReentrantLock saying = new ReentrantLock();

  /// Whether that is there. Guarded by `saying`.
  private boolean said;

  /// One at a time adds and reads.
  private final ReentrantLock turn = new ReentrantLock();

  /// What was taken and is not in the log for certain. Guarded by `turn`, as all that follows.
  private final ArrayDeque<Pending> pending = new ArrayDeque<>(0);

  /// Whether the log has a batch of this member and not its last one.
  private boolean begun;

  /// Up to when that one tells.
  private Instant told = Instant.MIN;

  private boolean complained;

  private record Pending(UUID id, Batch batch) {}

  /// What a member says of itself while it notes.
  private record Noting(Instant until, Owner owner) {
    byte[] write() {
      Varints.Writer out = new Varints.Writer().number(FORMAT).number(Batch.nanos(until));
      return out.text(owner.name()).text(owner.host()).number(owner.pid()).bytes();
    }

    /// Empty if this release cannot read it.
    static Optional<Noting> read(byte[] bytes) {
      try {
        Varints.Reader in = new Varints.Reader(bytes);
        in.count(FORMAT);
        return Optional.of(
            new Noting(Batch.instant(in.number()), new Owner(in.text(), in.text(), in.number())));
      } catch (Varints.Unreadable strange) {
        return Optional.empty();
      }
    }
  }

  Recorder(Locks room) {
    this.room = room;
    this.cells = room.engine().cells();
    this.log = new TrafficLog(room.engine());
    this.mostBytes = room.maxCell() / 2;
  }

  // ---- the switch

  /// Whether a lock is to be recorded; empty if that cannot be told now. A switch of a newer
  /// release is one that is on.
  Optional<Boolean> isOn(String lock) {
    try {
      return Optional.of(!cells.read(SWITCH + lock).absent());
    } catch (TruceException notNow) {
      Log.LOG.log(System.Logger.Level.DEBUG, "nobody can tell now what is recorded", notNow);
      return Optional.empty();
    }
  }

  /// Switches it on or off, for everybody. That is noted, too, and safe when this returns.
  ///
  /// The cell decides, and the log ends as the cell does. Whoever has changed the cell appends
  /// behind what was appended before, and whoever appends reads the cell after the log's end: so
  /// nothing that was read before the last change is appended behind it. One who finds the cell as
  /// he wants it appends where the log says otherwise, for whoever changed it may be dead.
  void turn(String lock, boolean on) {
    boolean changed = swapSwitch(lock, on ? ON : NOTHING);
    turn.lock();
    try {
      boolean _ = addAll();
      log.append(UUID.randomUUID(), () -> switched(lock, on, changed));
      log.settle();
    } catch (EngineException failure) {
      throw new OutcomeUnknownException(
          "the traffic of "
              + lock
              + (on ? " is" : " is not")
              + " recorded from now on, but a restart of the machine may end that: "
              + failure.getMessage()
              + "; doing it again is safe",
          failure);
    } finally {
      turn.unlock();
    }
  }

  /// What the log lacks for saying what the switch does; nothing if somebody has turned that back
  /// and said so.
  private Optional<Batch> switched(String lock, boolean on, boolean changed) {
    room.checkOpen();
    boolean is = !cells.read(SWITCH + lock).absent();
    if (log.read().recorded().contains(lock) == is && (is != on || !changed)) {
      return Optional.empty();
    }
    Instant now = Instant.now();
    What what = is ? What.SWITCHED_ON : What.SWITCHED_OFF;
    Optional<Duration> none = Optional.empty();
    Event event = new Event(now, what, lock, Mode.WRITE, 0, room.owner(), none, none);
    Instant until = begun ? told : now;
    return Optional.of(new Batch(1, room.member(), room.owner(), until, !begun, List.of(event)));
  }

  /// True if that changed something, or may have.
  private boolean swapSwitch(String lock, byte[] next) {
    String unknown = "";
    for (int round = 0; round < ROUNDS || unknown.isEmpty(); round++) {
      Cell before = cells.read(SWITCH + lock);
      check(before);
      if (before.absent() == (next.length == 0)) {
        return !unknown.isEmpty();
      }
      switch (cells.swap(SWITCH + lock, before, next)) {
        case Swap.Won _ -> {
          return true;
        }
        case Swap.Lost _ -> {}
        case Swap.Unknown(String why) -> unknown = why;
      }
    }
    throw new OutcomeUnknownException(
        "nobody can tell whether the traffic of "
            + lock
            + " is recorded: "
            + unknown
            + "; doing it again is safe",
        null);
  }

  private static void check(Cell on) {
    if (!on.absent() && on.bytes()[0] > FORMAT) {
      throw Batch.newer(on.bytes()[0]);
    }
  }

  /// Switches on again what was on when the machine stopped. As of leases, a swap is lost if
  /// anybody has touched the switch since, and there is nothing to be done once `done` is there.
  void restore(BooleanSupplier done) {
    try {
      log.read().recorded().forEach(lock -> restore(lock, done));
    } catch (TruceException unreadable) {
      complain(unreadable);
    }
  }

  private void restore(String lock, BooleanSupplier done) {
    for (int round = 0; round < ROUNDS; round++) {
      Cell before = cells.read(SWITCH + lock);
      if (!before.absent()
          || done.getAsBoolean()
          || cells.swap(SWITCH + lock, before, ON) instanceof Swap.Won) {
        return;
      }
    }
  }

  private List<String> recorded() {
    List<String> keys = cells.keys(SWITCH);
    keys.forEach(key -> check(cells.read(key)));
    return keys.stream().map(key -> key.substring(SWITCH.length())).sorted().toList();
  }

  // ---- noting

  /// One more lock is recorded here from now on: a death is a gap from this moment on.
  void begin() {
    synchronized (this) {
      locks++;
    }
    try {
      appear();
    } catch (TruceException notNow) {
      Log.LOG.log(System.Logger.Level.DEBUG, "that traffic is recorded was not said", notNow);
    }
  }

  /// One lock less.
  void end() {
    synchronized (this) {
      locks--;
    }
    room.book().due();
  }

  void note(Event event) {
    boolean hurry;
    synchronized (this) {
      if (noted.size() < ROOM) {
        noted.add(event);
      } else {
        drop(event);
      }
      hurry = noted.size() == ROOM / 2;
    }
    if (hurry) {
      room.book().hurry();
    }
    room.book().due();
  }

  private void drop(Event event) {
    Optional<String> lock = Optional.of(event.lock());
    Optional<String> key =
        dropped.size() < MANY_LOCKS || dropped.containsKey(lock) ? lock : Optional.empty();
    dropped.merge(
        key,
        new Gap(event.at(), event.at(), Cause.DROPPED, room.owner(), key, 1),
        Recorder::together);
  }

  private static Gap together(Gap one, Gap other) {
    Instant from = one.at().isBefore(other.at()) ? one.at() : other.at();
    Instant until = one.until().isAfter(other.until()) ? one.until() : other.until();
    return new Gap(from, until, one.cause(), one.owner(), one.lock(), one.count() + other.count());
  }

  // ---- adding

  /// Adds what was noted until now, and the gaps of those that were found dead. True if there was
  /// anything, or there is still.
  boolean add() {
    turn.lock();
    try {
      return addAll();
    } catch (TruceException notNow) {
      complain(notNow);
      return true;
    } finally {
      turn.unlock();
    }
  }

  /// Adds the last of it.
  void close() {
    synchronized (this) {
      closed = true;
    }
    turn.lock();
    try {
      boolean _ = addAll();
    } catch (TruceException lost) {
      complain(lost);
    } finally {
      turn.unlock();
    }
  }

  private void complain(TruceException why) {
    Log.LOG.log(
        complained ? System.Logger.Level.DEBUG : System.Logger.Level.WARNING,
        "the traffic of locks cannot be added to " + room.engine().place() + " now",
        why);
    complained = true;
  }

  /// What a member noted that was taken for dead stays away: its gap may have been put down.
  private boolean addAll() {
    if (!room.current()) {
      return false;
    }
    boolean any = addPending();
    Set<Long> buried = takeDied();
    any |= !buried.isEmpty();
    buried.forEach(member -> noting(member).ifPresent(noting -> putDown(member, noting)));
    Batch all = take();
    if (all != null) {
      if (!begun && !all.last()) {
        appear();
        gone(this::notingMembers).forEach(this::putDown);
      }
      all.split(mostBytes).forEach(batch -> pending.add(new Pending(UUID.randomUUID(), batch)));
      any |= addPending();
    }
    return any;
  }

  private boolean addPending() {
    Batch added = null;
    while (!pending.isEmpty()) {
      Pending next = pending.getFirst();
      log.append(next.id(), next.batch());
      added = next.batch();
      begun = !added.last();
      told = added.until();
      pending.removeFirst();
    }
    if (added == null) {
      return false;
    }
    told(added);
    complained = false;
    log.letGo();
    return true;
  }

  /// What is to be added, if anything.
  private synchronized @Nullable Batch take() {
    boolean last = isOver();
    if (noted.isEmpty() && !(last && begun)) {
      boolean _ = disappeared();
      return null;
    }
    List<Part> parts = noted;
    parts.addAll(dropped.values());
    noted = new ArrayList<>(parts.size());
    dropped = new LinkedHashMap<>(0);
    return new Batch(1, room.member(), room.owner(), Instant.now(), last, parts);
  }

  /// Whether nothing more is noted here for now.
  private synchronized boolean isOver() {
    return closed || locks == 0;
  }

  private synchronized Set<Long> takeDied() {
    Set<Long> found = died;
    if (!found.isEmpty()) {
      died = new HashSet<>(0);
    }
    return found;
  }

  // ---- the member's own cell

  private void appear() {
    saying.lock();
    try {
      if (!said) {
        said = say(new Noting(Instant.now(), room.owner()).write());
      }
    } finally {
      saying.unlock();
    }
  }

  private void told(Batch added) {
    if (added.last() && disappeared()) {
      return;
    }
    saying.lock();
    try {
      said = say(new Noting(added.until(), room.owner()).write());
    } finally {
      saying.unlock();
    }
  }

  /// Unless something has begun meanwhile.
  private synchronized boolean disappeared() {
    boolean over = isOver();
    if (over) {
      disappear();
    }
    return over;
  }

  private void disappear() {
    saying.lock();
    try {
      if (said) {
        said = !say(NOTHING);
      }
    } finally {
      saying.unlock();
    }
  }

  private boolean say(byte[] next) {
    String key = key(room.member());
    for (int round = 0; round < ROUNDS; round++) {
      Cell before = cells.read(key);
      if (Arrays.equals(before.bytes(), next)
          || cells.swap(key, before, next) instanceof Swap.Won) {
        return true;
      }
    }
    return false;
  }

  private static String key(long member) {
    return NOTING + Long.toHexString(member);
  }

  // ---- the dead

  /// Somebody was found dead: if it noted something, its gap is put down soon.
  void buried(long member) {
    try {
      if (!cells.read(key(member)).absent()) {
        synchronized (this) {
          died.add(member);
        }
        room.book().due();
      }
    } catch (TruceException notNow) {
      Log.LOG.log(System.Logger.Level.DEBUG, "whoever reads finds that one is dead", notNow);
    }
  }

  private Optional<Noting> noting(long member) {
    return Noting.read(cells.read(key(member)).bytes());
  }

  /// All that say that they note something.
  private Map<Long, Noting> notingMembers() {
    Map<Long, Noting> found = new LinkedHashMap<>();
    for (String key : cells.keys(NOTING)) {
      long member = Long.parseUnsignedLong(key.substring(NOTING.length()), 16);
      noting(member).ifPresent(noting -> found.put(member, noting));
    }
    return found;
  }

  /// All that the log has a batch of, and not the last.
  private Map<Long, Noting> begunMembers() {
    Map<Long, Noting> found = new LinkedHashMap<>();
    for (Batch batch : log.read().batches()) {
      if (batch.last()) {
        found.remove(batch.member());
      } else {
        found.put(batch.member(), new Noting(batch.until(), batch.owner()));
      }
    }
    return found;
  }

  private Map<Long, Noting> allMembers() {
    Map<Long, Noting> found = begunMembers();
    found.putAll(notingMembers());
    return found;
  }

  /// Those of them that are dead. Who leaves in order tells everything before: so what is read
  /// before somebody is found dead says nothing, and what is read after it says all.
  private Map<Long, Noting> gone(Supplier<Map<Long, Noting>> notYetTold) {
    Set<Long> dead = new HashSet<>(notYetTold.get().keySet());
    dead.removeIf(member -> member == room.member() || !room.dead(member));
    if (dead.isEmpty()) {
      return Map.of();
    }
    Map<Long, Noting> gone = notYetTold.get();
    gone.keySet().retainAll(dead);
    return gone;
  }

  /// Once for each member, whoever finds it.
  private void putDown(long member, Noting noting) {
    Gap gap = gap(noting);
    Batch last = new Batch(1, member, noting.owner(), gap.until(), true, List.of(gap));
    log.append(new UUID(KILLED, member), last);
    Cell cell = cells.read(key(member));
    if (!cell.absent()) {
      Swap _ = cells.swap(key(member), cell, NOTHING);
    }
  }

  private static Gap gap(Noting noting) {
    Instant now = Instant.now();
    Instant from = noting.until().isBefore(now) ? noting.until() : now;
    return new Gap(from, now, Cause.KILLED, noting.owner(), Optional.empty(), 0);
  }

  // ---- reading

  /// What is recorded, what this handle noted and the gaps of the dead included.
  Traffic read() {
    boolean _ = add();
    turn.lock();
    try {
      List<Part> parts = putDownOrTell(gone(this::allMembers));
      TrafficLog.Kept kept = log.read();
      kept.batches().forEach(batch -> parts.addAll(batch.parts()));
      parts.sort(Comparator.comparing(Part::at));
      return new Traffic(recorded(), kept.letGo(), parts);
    } finally {
      turn.unlock();
    }
  }

  /// A look says what is there, even where it cannot be put down now.
  private List<Part> putDownOrTell(Map<Long, Noting> dead) {
    List<Part> told = new ArrayList<>();
    dead.forEach((member, noting) -> {
      try {
        putDown(member, noting);
      } catch (TruceException notNow) {
        complain(notNow);
        told.add(gap(noting));
      }
    });
    return told;
  }
}
