package dev.truce.lock;

import dev.truce.EngineException;
import dev.truce.OutcomeUnknownException;
import dev.truce.lock.History.Entry;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.LockState.Hold;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import dev.truce.spi.Journal.Page;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/// What this room puts down for good, in two journals of the engine: `locks` has the
/// [history][History], from which leases are restored when the cells are gone; `root`, in which
/// guarded commits land, has the ends of the tokens that a journal goes by.
///
/// They are two because they live differently: this room lets go of its own records, and reads all
/// of them to know its leases, whatever else a root commits.
///
/// Each decision has one commit id, made of its token, so that whoever completes what another left
/// half done writes it once.
///
/// **Threads.** Safe for any number of them; one at a time reads and writes.
final class Ledger {
  private static final String HISTORY = "locks";
  private static final String FENCES = "root";

  /// How many entries are kept at least; twice as many at most.
  static final int KEPT = 1024;

  private static final int PAGE = 256;

  /// How often others may be faster, or outcomes unknown, before an append gives up.
  private static final int ROUNDS = 1_000;

  private static final long BEGAN = 0x6c65617365642e2eL;
  private static final long ENDED = 0x656e6465642e2e2eL;
  private static final byte[] NO_HASH = new byte[History.HASH];

  private final Engine engine;
  private final ReentrantLock turn = new ReentrantLock();
  private final Lazily<Journal> history;
  private final Lazily<Journal> fences;

  // Guarded by `turn`: what the records up to `known` say; those up to `floor` were let go.
  private long known;
  private long floor;
  private boolean grows;
  private byte[] hash = NO_HASH;
  private Map<Claim, Entry> leasesBefore = new LinkedHashMap<>();
  private final ArrayDeque<Entry> entries = new ArrayDeque<>();
  private final ArrayDeque<byte[]> hashes = new ArrayDeque<>();
  private OptionalLong broken = OptionalLong.empty();

  Ledger(Engine engine) {
    this.engine = engine;
    this.history = new Lazily<>(() -> engine.journal(HISTORY));
    this.fences = new Lazily<>(() -> engine.journal(FENCES));
  }

  /// How far the history goes: what came later is known by its number.
  long position() {
    turn.lock();
    try {
      catchUp();
      return known;
    } finally {
      turn.unlock();
    }
  }

  /// A lease began: safe when this returns. False, and nothing is put down, if its end may have
  /// been put down already, because whoever took it was stopped: a beginning behind its end would
  /// stand again after a restart.
  ///
  /// @param stood a [position][#position] after which the lease still stood
  boolean began(Entry entry, long stood) {
    turn.lock();
    try {
      OptionalLong position =
          append(new UUID(BEGAN, entry.token()), entry, () -> !endedSince(entry.token(), stood));
      position.ifPresent(this::settle);
      letGo();
      return position.isPresent();
    } finally {
      turn.unlock();
    }
  }

  /// Whether this token ended behind that position, or what is behind it was let go.
  private boolean endedSince(long token, long position) {
    return floor > position
        || entries.stream()
            .anyMatch(entry -> entry.number() > position && entry.token() == token && entry.ends());
  }

  /// A grant has ended: that is safe when this returns, and no guarded commit with one of its
  /// tokens lands later. Idempotent.
  void ended(Entry entry, Hold ending) {
    put(new UUID(ENDED, entry.token()), entry);
    if (ending.exported()) {
      ending.tokens().forEach(token -> fences.get().end(entry.lock(), token));
    }
  }

  /// A lease was restored.
  void restored(Entry entry) {
    put(UUID.randomUUID(), entry);
  }

  /// The leases that began and did not end, by the entries of their beginnings.
  List<Entry> leases() {
    turn.lock();
    try {
      catchUp();
      return List.copyOf(leases(Long.MAX_VALUE).values());
    } finally {
      turn.unlock();
    }
  }

  /// How a lease ended, if that is known.
  Optional<Entry> endOf(Claim lease) {
    String id = LeaseId.write(lease);
    return history().entries().stream()
        .filter(entry -> entry.id().equals(id) && entry.ends())
        .findFirst();
  }

  History history() {
    turn.lock();
    try {
      catchUp();
      return new History(List.copyOf(entries), broken);
    } finally {
      turn.unlock();
    }
  }

  // ---- writing

  private void put(UUID id, Entry entry) {
    turn.lock();
    try {
      settle(append(id, entry, () -> true).orElseThrow());
      letGo();
    } finally {
      turn.unlock();
    }
  }

  /// Each record names the hash of the one before it, so it is decided at a tail that was read.
  /// Empty when it was not wanted there.
  private OptionalLong append(UUID id, Entry entry, BooleanSupplier wanted) {
    for (int round = 0; round < ROUNDS; round++) {
      catchUp();
      if (!wanted.getAsBoolean()) {
        return OptionalLong.empty();
      }
      long tail = known;
      byte[] record = entry.write(hash);
      Unit unit =
          new Unit(id, null, past -> past.last() == tail ? Optional.of(record) : Optional.empty());
      if (history.get().append(List.of(unit)).getFirst()
          instanceof Result.Appended(long position)) {
        return OptionalLong.of(position);
      }
    }
    throw new OutcomeUnknownException(
        "nobody can tell whether the history of "
            + engine.place()
            + " has that "
            + entry.lock()
            + " was "
            + entry.kind()
            + "; doing it again is safe",
        null);
  }

  private void settle(long position) {
    Settling.await(engine, history.get(), position);
  }

  // ---- reading

  private void catchUp() {
    while (true) {
      switch (history.get().read(known + 1, PAGE)) {
        case Page.TooOld _ -> rebase();
        case Page.Records(List<Journal.Entry> page) -> {
          if (page.isEmpty()) {
            return;
          }
          page.forEach(this::take);
        }
      }
    }
  }

  private void take(Journal.Entry next) {
    known = next.position();
    byte[] record = next.record();
    if (record.length == 0 || record[0] != History.ROOM) {
      return;
    }
    Entry entry = Entry.read(next.position(), record);
    if (broken.isEmpty() && !Arrays.equals(Entry.hashBefore(record), hash)) {
      broken = OptionalLong.of(entry.number());
    }
    hash = sha256(record);
    entries.add(entry);
    hashes.add(hash);
  }

  private Map<Claim, Entry> leases(long upTo) {
    Map<Claim, Entry> live = new LinkedHashMap<>(leasesBefore);
    for (Entry entry : entries) {
      Optional<Claim> claim = LeaseId.read(entry.id());
      if (entry.number() <= upTo && claim.isPresent()) {
        if (entry.kind() == History.Kind.LEASED) {
          live.put(claim.get(), entry);
        } else if (entry.ends()) {
          live.remove(claim.get());
        }
      }
    }
    return live;
  }

  private static byte[] sha256(byte[] record) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(record);
    } catch (NoSuchAlgorithmException everyPlatformHasIt) {
      throw new IllegalStateException(everyPlatformHasIt);
    }
  }

  // ---- letting go

  /// What was put down is safe, whether or not older entries can be let go of now; the next one who
  /// puts something down tries again.
  private void letGo() {
    try {
      forget();
      grows = false;
    } catch (EngineException | OutcomeUnknownException notNow) {
      if (!grows) {
        Log.LOG.log(
            System.Logger.Level.WARNING,
            "the history of the locks of "
                + engine.place()
                + " grows until this is mended: "
                + notNow.getMessage());
      }
      grows = true;
    }
  }

  /// Lets go of the older half when there are twice as many entries as are kept. What they leave
  /// behind, the leases and the hash that the chain goes on from, is the checkpoint.
  private void forget() {
    catchUp();
    if (entries.size() < 2 * KEPT) {
      return;
    }
    int gone = entries.size() - KEPT;
    long upTo = entries.stream().skip(gone - 1L).findFirst().orElseThrow().number();
    byte[] last = hashes.stream().skip(gone - 1L).findFirst().orElseThrow();
    Journal.State state = Journal.State.of(checkpoint(upTo, last, leases(upTo)));
    history.get().checkpoint(upTo, state);
    rebase();
    catchUp();
  }

  /// ```
  ///   up to: 8 | hash of the last entry: 32 | leases: 4 | each: number: 8 | length: 4 | record
  /// ```
  private static byte[] checkpoint(long upTo, byte[] last, Map<Claim, Entry> leases) {
    List<byte[]> records = leases.values().stream().map(entry -> entry.write(NO_HASH)).toList();
    int size = 8 + History.HASH + 4 + records.stream().mapToInt(r -> 12 + r.length).sum();
    ByteBuffer out = ByteBuffer.allocate(size).putLong(upTo).put(last).putInt(records.size());
    int at = 0;
    for (Entry entry : leases.values()) {
      byte[] record = records.get(at++);
      out.putLong(entry.number()).putInt(record.length).put(record);
    }
    return out.array();
  }

  /// Begins again from the newest checkpoint.
  private void rebase() {
    byte[] state =
        history
            .get()
            .checkpoint()
            .map(Journal.Base::all)
            .orElseThrow(() ->
                new EngineException(
                    EngineException.Kind.DAMAGED,
                    "the beginning of the locks' history of " + engine.place() + " is missing"));
    ByteBuffer in = ByteBuffer.wrap(state);
    floor = in.getLong();
    known = floor;
    hash = new byte[History.HASH];
    in.get(hash);
    Map<Claim, Entry> leases = new LinkedHashMap<>();
    for (int left = in.getInt(); left > 0; left--) {
      long number = in.getLong();
      byte[] record = new byte[in.getInt()];
      in.get(record);
      Entry entry = Entry.read(number, record);
      LeaseId.read(entry.id()).ifPresent(claim -> leases.put(claim, entry));
    }
    leasesBefore = leases;
    entries.clear();
    hashes.clear();
  }
}
