package dev.truce.spi;

import dev.truce.EngineException;
import dev.truce.Fence;
import dev.truce.OutcomeUnknownException;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A journal with one cell per place: whoever swaps the first absent cell of the sequence has
/// appended.
///
/// It is slow, and it never forgets a commit id or an ended token: each leaves about fifty bytes
/// for ever. An engine that keeps many records brings its own journal.
final class CellJournal implements Journal {
  /*
   * Places and positions. Place n is the cell `journal/n/NAME`. Besides units it holds notes: END
   * (a token has ended) and GIVEN_UP (a commit id will never land), which is how `end` and `find`
   * are decided at the same tail as everything else. Positions count units only, so they have no
   * gaps. Everything known is derived by reading the places in order, once; nothing is kept apart
   * that could disagree.
   *
   * Unknown outcomes. A swap whose outcome is unknown can only land in its own place, and only while
   * that place is free. So the very same bytes are tried again there until the place is taken, by
   * them or by others, and only then is the decider asked again, at a later place. When the tries are
   * used up the outcome stays unknown, and `find` settles it by writing a note: the place is taken,
   * and whoever still tries to append that commit id, in whichever process, reads the note first.
   *
   * Checkpoints. The cell `journal/base/NAME` holds the newest. Records below it lose their bytes and
   * keep their place, position and commit id.
   *
   * Parts. What a cell has no room for lies in cells of its own, which are there before a place or the
   * base refers to them and go after that. So whoever finds a part missing looks again at what referred
   * to it: unless that has changed, it is damage.
   */

  private static final int TRIES = 16;
  private static final long LOOK_AGAIN_NANOS = Duration.ofMillis(20).toNanos();

  /// What a place holds.
  private sealed interface Note {
    byte KEPT = 1;
    byte DROPPED = 2;
    byte END = 3;
    byte GIVEN_UP = 4;
    byte PARTED = 6;

    record Kept(long position, UUID commitId, byte[] record) implements Note {}

    /// A unit whose bytes are elsewhere.
    record Parted(long position, UUID commitId, Parts.Where where) implements Note {}

    /// A unit below the checkpoint, without its bytes.
    record Dropped(long position, UUID commitId) implements Note {}

    record End(String lock, long token) implements Note {}

    record GivenUp(UUID commitId) implements Note {}

    default byte[] toBytes() {
      SealedCell cell =
          switch (this) {
            case Kept(long position, UUID id, byte[] record) ->
                new SealedCell(KEPT, position, id, record);
            case Parted(long position, UUID id, Parts.Where where) ->
                new SealedCell(PARTED, position, id, where.toBytes());
            case Dropped(long position, UUID id) ->
                new SealedCell(DROPPED, position, id, new byte[0]);
            case End(String lock, long token) ->
                new SealedCell(END, token, new UUID(0, 0), lock.getBytes(StandardCharsets.UTF_8));
            case GivenUp(UUID id) -> new SealedCell(GIVEN_UP, 0, id, new byte[0]);
          };
      return cell.toBytes();
    }

    static Note of(String key, byte[] bytes) {
      SealedCell cell = SealedCell.of(key, bytes);
      return switch (cell.kind()) {
        case KEPT -> new Kept(cell.number(), cell.id(), cell.rest());
        case PARTED -> new Parted(cell.number(), cell.id(), Parts.Where.of(key, cell.rest()));
        case DROPPED -> new Dropped(cell.number(), cell.id());
        case END -> new End(new String(cell.rest(), StandardCharsets.UTF_8), cell.number());
        case GIVEN_UP -> new GivenUp(cell.id());
        default ->
            throw SealedCell.damaged(key, "holds a record of an unknown kind, " + cell.kind());
      };
    }
  }

  /// @param state what it holds, or `null` if that is in parts
  /// @param parts where, or `null` if it holds it
  private record Checkpoint(long upTo, byte @Nullable [] state, Parts.@Nullable Where parts) {
    static final byte KEPT = 5;
    static final byte PARTED = 7;
    static final Checkpoint NONE = new Checkpoint(0, new byte[0], null);

    static Checkpoint of(String key, Cells.Cell cell) {
      if (cell.absent()) {
        return NONE;
      }
      SealedCell sealed = SealedCell.of(key, cell.bytes());
      return switch (sealed.kind()) {
        case KEPT -> new Checkpoint(sealed.number(), sealed.rest(), null);
        case PARTED -> new Checkpoint(sealed.number(), null, Parts.Where.of(key, sealed.rest()));
        default -> throw SealedCell.damaged(key, "is not a checkpoint");
      };
    }

    /// Each is another one, so that nobody takes somebody else's for its own.
    byte[] toBytes() {
      UUID id = UUID.randomUUID();
      return parts == null
          ? new SealedCell(KEPT, upTo, id, Objects.requireNonNull(state)).toBytes()
          : new SealedCell(PARTED, upTo, id, parts.toBytes()).toBytes();
    }
  }

  private final Cells cells;
  private final Parts parts;
  private final Ticker ticker;
  private final String name;
  private final CopyOnWriteArrayList<Watch> watches = new CopyOnWriteArrayList<>();

  private final ReentrantLock turn = new ReentrantLock();

  // Guarded by `turn`: what the places before `free` say.
  private long free = 1;
  private long last;
  private long[] places = new long[16];
  private final Map<UUID, Long> landed = new HashMap<>();
  private final Set<UUID> givenUp = new HashSet<>();
  private final Map<String, Set<Long>> ended = new HashMap<>();

  CellJournal(Cells cells, int maxCell, Ticker ticker, String name) {
    this.cells = cells;
    this.parts = new Parts(cells, maxCell);
    this.ticker = ticker;
    this.name = name;
  }

  @Override
  public List<Result> append(List<Unit> units) {
    List<Result> results = new ArrayList<>(units.size());
    turn.lock();
    try {
      for (Unit unit : units) {
        results.add(append(unit));
      }
    } catch (EngineException e) {
      if (results.isEmpty()) {
        throw e;
      }
      while (results.size() < units.size()) {
        results.add(new Result.Unknown(String.valueOf(e.getMessage())));
      }
    } finally {
      turn.unlock();
    }
    hint();
    return results;
  }

  private Result append(Unit unit) {
    // What `write` is told to write next, and the outcome once there is nothing more to write.
    var step =
        new Supplier<@Nullable Note>() {
          Result outcome = new Result.Unknown("the engine does not say whether it was appended");

          @Override
          public @Nullable Note get() {
            Result known = known(unit);
            if (known != null) {
              outcome = known;
              return null;
            }
            Optional<byte[]> record = unit.decider().decide(here);
            if (record.isEmpty()) {
              outcome = new Result.Refused("it decided not to be written", null);
              return null;
            }
            return new Note.Kept(last + 1, unit.commitId(), record.get());
          }
        };
    write(step);
    return step.outcome;
  }

  /// The place up to which everything was read.
  private final Past here =
      new Past() {
        @Override
        public long last() {
          return last;
        }

        @Override
        public Optional<List<Entry>> since(long position, int most, int bytes) {
          if (last - position > most) {
            return Optional.empty();
          }
          List<Entry> entries = entries(position + 1, most);
          return entries == null || entries.size() < last - position || bytesOf(entries) > bytes
              ? Optional.empty()
              : Optional.of(List.copyOf(entries));
        }
      };

  private static long bytesOf(List<Entry> entries) {
    return entries.stream().mapToLong(entry -> entry.record().length).sum();
  }

  private @Nullable Result known(Unit unit) {
    Long position = landed.get(unit.commitId());
    if (position != null) {
      return new Result.Appended(position);
    }
    if (givenUp.contains(unit.commitId())) {
      return new Result.Refused("it was given up when somebody looked for it", null);
    }
    Fence over = unit.fence() == null ? null : endedOf(unit.fence());
    return over == null ? null : new Result.Refused("ended: " + over.tokens(), over);
  }

  private @Nullable Fence endedOf(Fence fence) {
    SortedMap<String, Long> over = new TreeMap<>(fence.tokens());
    over.entrySet().removeIf(entry -> !isEnded(entry.getKey(), entry.getValue()));
    return over.isEmpty() ? null : new Fence(over);
  }

  private boolean isEnded(String lock, long token) {
    return ended.getOrDefault(lock, Set.of()).contains(token);
  }

  @Override
  public Optional<Result.Appended> find(UUID commitId) {
    turn.lock();
    try {
      boolean settled =
          write(() ->
              landed.containsKey(commitId) || givenUp.contains(commitId)
                  ? null
                  : new Note.GivenUp(commitId));
      if (!settled) {
        throw new EngineException(
            EngineException.Kind.UNREACHABLE,
            "journal " + name + " cannot tell yet what became of " + commitId + "; ask again");
      }
      return Optional.ofNullable(landed.get(commitId)).map(Result.Appended::new);
    } finally {
      turn.unlock();
    }
  }

  @Override
  public void end(String lock, long token) {
    turn.lock();
    try {
      if (!write(() -> isEnded(lock, token) ? null : new Note.End(lock, token))) {
        throw new OutcomeUnknownException(
            "journal "
                + name
                + " may not have ended token "
                + token
                + " of "
                + lock
                + " yet; ending it again is safe",
            null);
      }
    } finally {
      turn.unlock();
    }
  }

  /// Writes what `next` says into the first free place, asks again there, and so on, until `next`
  /// says that there is nothing more to write. False when the outcome of a swap stayed unknown.
  ///
  /// @throws EngineException if the engine failed before anything was left in the open
  private boolean write(Supplier<@Nullable Note> next) {
    Attempt attempt = null;
    int unknown = 0;
    try {
      while (true) {
        Cells.Cell place = catchUp();
        if (attempt != null && attempt.place != free) {
          settle(attempt);
          attempt = null;
        }
        if (attempt == null) {
          Note note = next.get();
          if (note == null) {
            return true;
          }
          attempt = attempt(note);
        }
        switch (cells.swap(key(free), place, attempt.bytes)) {
          case Cells.Swap.Won _ -> {
            apply(attempt.note);
            attempt = null;
          }
          case Cells.Swap.Lost _ -> {
            // The next look shows whether somebody was faster.
          }
          case Cells.Swap.Unknown _ -> {
            attempt.open = true;
            if (++unknown == TRIES) {
              return false;
            }
          }
        }
      }
    } catch (EngineException e) {
      if (attempt == null || !attempt.open) {
        throw e;
      }
      return false;
    }
  }

  /// What is tried at one place.
  private static final class Attempt {
    final long place;
    final Note note;
    final byte[] bytes;

    /// Whether it may be there already, or come to be there.
    boolean open;

    Attempt(long place, Note note) {
      this.place = place;
      this.note = note;
      this.bytes = note.toBytes();
    }
  }

  private Attempt attempt(Note note) {
    return note instanceof Note.Kept(long position, UUID id, byte[] record)
            && parts.needed(record.length)
        ? new Attempt(free, new Note.Parted(position, id, parts.write(record)))
        : new Attempt(free, note);
  }

  /// The place is taken: if not by this, then never by this.
  private void settle(Attempt attempt) {
    if (attempt.note instanceof Note.Parted(long _, UUID _, Parts.Where where)
        && !Arrays.equals(cells.read(key(attempt.place)).bytes(), attempt.bytes)) {
      parts.delete(where);
    }
  }

  /// Reads up to the first free place, and answers its cell.
  private Cells.Cell catchUp() {
    while (true) {
      String key = key(free);
      Cells.Cell cell = cells.read(key);
      if (cell.absent()) {
        return cell;
      }
      apply(Note.of(key, cell.bytes()));
    }
  }

  private void apply(Note note) {
    switch (note) {
      case Note.Kept(long position, UUID id, byte[] _) -> land(position, id);
      case Note.Parted(long position, UUID id, Parts.Where _) -> land(position, id);
      case Note.Dropped(long position, UUID id) -> land(position, id);
      case Note.End(String lock, long token) ->
          ended.computeIfAbsent(lock, _ -> new HashSet<>()).add(token);
      case Note.GivenUp(UUID id) -> givenUp.add(id);
    }
    free++;
  }

  private void land(long position, UUID id) {
    if (position != last + 1) {
      throw SealedCell.damaged(key(free), "holds position " + position + " after " + last);
    }
    if (last == places.length) {
      places = Arrays.copyOf(places, places.length * 2);
    }
    places[(int) last] = free;
    landed.putIfAbsent(id, position); // first: when memory runs out here, this is looked at again
    last = position;
  }

  @Override
  public long appended() {
    turn.lock();
    try {
      catchUp();
      return last;
    } finally {
      turn.unlock();
    }
  }

  /// A cell that others can read is as durable as this engine makes it.
  @Override
  public long durable() {
    return appended();
  }

  @Override
  public boolean awaitDurable(long position, Duration wait) throws InterruptedException {
    long start = ticker.nanos();
    long nanos = nanos(wait);
    Thread waiter = Thread.currentThread();
    try (Watch _ = hinted(() -> LockSupport.unpark(waiter))) {
      while (true) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        // From before the look: time that passes during it is time that nobody has looked at.
        long waited = ticker.nanos() - start;
        if (durable() >= position) {
          return true;
        }
        if (waited >= nanos) {
          return false;
        }
        // Others' appends announce themselves only in their own process.
        ticker.park(this, start + waited + Math.min(LOOK_AGAIN_NANOS, nanos - waited));
      }
    }
  }

  private static long nanos(Duration wait) {
    try {
      return wait.toNanos();
    } catch (ArithmeticException tooLong) {
      return wait.isNegative() ? 0 : Long.MAX_VALUE;
    }
  }

  @Override
  public Page read(long from, int max) {
    if (from < 1 || max < 1) {
      throw new IllegalArgumentException("nothing to read: " + max + " records from " + from);
    }
    turn.lock();
    try {
      while (true) {
        catchUp();
        long floor = newest().upTo() + 1;
        if (from < floor) {
          return new Page.TooOld(floor);
        }
        List<Entry> entries = entries(from, max);
        if (entries != null) {
          return new Page.Records(List.copyOf(entries));
        }
      }
    } finally {
      turn.unlock();
    }
  }

  /// The records from `from` on; `null` if a checkpoint let go of one meanwhile.
  private @Nullable List<Entry> entries(long from, int max) {
    List<Entry> entries = new ArrayList<>();
    long bytes = 0;
    for (long position = from;
        position <= last && entries.size() < max && bytes < PAGE_BYTES;
        position++) {
      Note.Kept kept = whole(key(places[(int) position - 1]));
      if (kept == null) {
        return null;
      }
      entries.add(new Entry(kept.position(), kept.commitId(), kept.record()));
      bytes += kept.record().length;
    }
    return entries;
  }

  /// The unit in a place with its bytes; `null` if it was dropped.
  private Note.@Nullable Kept whole(String key) {
    Parts.Where missing = null;
    while (true) {
      switch (Note.of(key, cells.read(key).bytes())) {
        case Note.Kept kept -> {
          return kept;
        }
        case Note.Parted(long position, UUID id, Parts.Where where) -> {
          byte[] record = parts.read(where);
          if (record != null) {
            return new Note.Kept(position, id, record);
          }
          if (where.equals(missing)) {
            throw SealedCell.damaged(key, "has lost a part of its record");
          }
          missing = where;
        }
        case Note.Dropped _, Note.End _, Note.GivenUp _ -> {
          return null;
        }
      }
    }
  }

  @Override
  public AutoCloseable watch(Runnable hint) {
    return hinted(hint);
  }

  private Watch hinted(Runnable hint) {
    Watch watch = new Watch(hint);
    watches.add(watch);
    return watch;
  }

  private void hint() {
    watches.forEach(watch -> watch.hint.run());
  }

  private final class Watch implements AutoCloseable {
    private final Runnable hint;

    Watch(Runnable hint) {
      this.hint = hint;
    }

    @Override
    public void close() {
      watches.remove(this);
    }
  }

  @Override
  public boolean checkpoint(long upTo, State state) {
    long end = appended();
    if (upTo < 1 || upTo > end) {
      throw new IllegalArgumentException(
          "no checkpoint at " + upTo + ": the journal ends at " + end);
    }
    if (newest().upTo() >= upTo) {
      return false;
    }
    byte[] bytes = all(state); // outside of `turn`: whoever writes it may wait for readers of this
    turn.lock();
    try {
      if (!replace(upTo, bytes)) {
        return false;
      }
      drop(upTo);
      return true;
    } finally {
      turn.unlock();
    }
  }

  private boolean replace(long upTo, byte[] bytes) {
    Parts.Where where = parts.needed(bytes.length) ? parts.write(bytes) : null;
    Checkpoint mine = new Checkpoint(upTo, where == null ? bytes : null, where);
    boolean taken = replace(mine);
    if (!taken && where != null) {
      parts.delete(where);
    }
    return taken;
  }

  private boolean replace(Checkpoint checkpoint) {
    String key = baseKey();
    byte[] mine = checkpoint.toBytes();
    Checkpoint before = Checkpoint.NONE;
    for (int unknown = 0; unknown < TRIES; ) {
      Cells.Cell cell = cells.read(key);
      if (Arrays.equals(cell.bytes(), mine)) {
        dropState(before);
        return true;
      }
      before = Checkpoint.of(key, cell);
      if (before.upTo() >= checkpoint.upTo()) {
        return false;
      }
      switch (cells.swap(key, cell, mine)) {
        case Cells.Swap.Won _ -> {
          dropState(before);
          return true;
        }
        case Cells.Swap.Lost _ -> {
          // Somebody else's checkpoint; the next look shows which.
        }
        case Cells.Swap.Unknown _ -> unknown++;
      }
    }
    throw new OutcomeUnknownException(
        "the checkpoint of journal " + name + " may or may not stand; taking it again is safe",
        null);
  }

  private void dropState(Checkpoint checkpoint) {
    if (checkpoint.parts() != null) {
      parts.delete(checkpoint.parts());
    }
  }

  private static byte[] all(State state) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    state.writeTo(bytes -> {
      byte[] part = new byte[bytes.remaining()];
      bytes.get(part);
      all.writeBytes(part);
    });
    return all.toByteArray();
  }

  /// Takes the bytes from the records up to `upTo`, oldest first, so that what an earlier call did
  /// not get to is found by walking down.
  private void drop(long upTo) {
    try {
      long first = upTo;
      while (first >= 1 && !isDropped(first)) {
        first--;
      }
      for (long position = first + 1; position <= upTo; position++) {
        drop(key(places[(int) position - 1]));
      }
    } catch (EngineException e) {
      // The checkpoint stands. The next one lets go of what this one did not.
    }
  }

  private void drop(String key) {
    Parts.Where where = null;
    for (int tries = 0; tries < TRIES; tries++) {
      Cells.Cell cell = cells.read(key);
      Note dropped =
          switch (Note.of(key, cell.bytes())) {
            case Note.Kept(long at, UUID id, byte[] _) -> new Note.Dropped(at, id);
            case Note.Parted(long at, UUID id, Parts.Where parted) -> {
              where = parted;
              yield new Note.Dropped(at, id);
            }
            case Note.Dropped _, Note.End _, Note.GivenUp _ -> null;
          };
      if (dropped == null || cells.swap(key, cell, dropped.toBytes()) instanceof Cells.Swap.Won) {
        if (where != null) {
          parts.delete(where);
        }
        return;
      }
    }
  }

  private boolean isDropped(long position) {
    String key = key(places[(int) position - 1]);
    return Note.of(key, cells.read(key).bytes()) instanceof Note.Dropped;
  }

  @Override
  public long floor() {
    return newest().upTo();
  }

  @Override
  public Optional<Base> checkpoint() {
    Parts.Where missing = null;
    while (true) {
      Checkpoint newest = newest();
      byte[] state = newest.parts() == null ? newest.state() : parts.read(newest.parts());
      if (newest.upTo() == 0) {
        return Optional.empty();
      }
      if (state != null) {
        return Optional.of(new Taken(newest.upTo(), MemorySegment.ofArray(state).asReadOnly()));
      }
      if (Objects.equals(newest.parts(), missing)) {
        throw SealedCell.damaged(baseKey(), "has lost a part of its state");
      }
      missing = newest.parts();
    }
  }

  private record Taken(long upTo, MemorySegment bytes) implements Base {}

  private Checkpoint newest() {
    return Checkpoint.of(baseKey(), cells.read(baseKey()));
  }

  private String key(long place) {
    return "journal/" + place + "/" + name;
  }

  private String baseKey() {
    return "journal/base/" + name;
  }
}
