package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import dev.truce.OutcomeUnknownException;
import dev.truce.spi.Journal;
import dev.truce.spi.Ticker;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// One journal as this process has it open, whatever the number of handles.
///
/// **Threads.** Safe for any number of them, virtual ones too: they queue in memory, and none of
/// them waits in the kernel but for the flush that it makes itself.
final class SharedJournal implements Journal, AutoCloseable {
  /// How long an opener waits for one that is alone.
  private static final long OPENING_NANOS = TimeUnit.SECONDS.toNanos(10);

  /// How long appends of other processes may go unnoticed by who waits for one.
  private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  /// A journal to which nobody appends for so long rests.
  static final long REST_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final JournalFiles files;
  private final JournalLocks locks;
  private final Control control;
  private final Ticker ticker;
  private final Executor aside;
  private final Executor later;
  private final int slot;
  private final Segments segments;
  private final Tail tail;
  private final Appender appender;
  private final Flusher flusher;
  private final Checkpoints checkpoints;
  private final ReentrantLock marking = new ReentrantLock();
  private final AtomicLong durable = new AtomicLong();

  /// The durable place up to which [#durable] knows: what is appended later lies above it, so the
  /// position below it stays what it was.
  private volatile long judged = -1;

  private final AtomicBoolean preparing = new AtomicBoolean();
  private final AtomicBoolean awaitingRest = new AtomicBoolean();
  private final List<Watch> watches = new CopyOnWriteArrayList<>();
  private volatile @Nullable Thread resting;
  private volatile boolean closed;

  private SharedJournal(
      JournalFiles files,
      JournalLocks locks,
      Control control,
      Ticker ticker,
      Executor aside,
      Executor later,
      int slot) {
    this.files = files;
    this.locks = locks;
    this.control = control;
    this.ticker = ticker;
    this.aside = aside;
    this.later = later;
    this.slot = slot;
    this.segments = new Segments(files, control);
    this.tail = new Tail(files, control, segments);
    Flushes flushes = new Flushes(files, control, slot);
    this.appender = new Appender(files, locks, control, segments, flushes, tail, ticker);
    this.flusher =
        new Flusher(files, locks, control, segments, flushes, tail, ticker, slot, appender);
    this.checkpoints =
        new Checkpoints(files, locks, control, tail, ticker, this::writeWhole, this::settle);
  }

  // ---- opening ----------------------------------------------------------------------------------

  /// Opens a journal, which is created where there is none. Whoever is alone in it recovers it
  /// first, where that is needed.
  ///
  /// @param aside does what nobody waits for
  /// @param later does the same with what takes its time; what is still to be done when the journal
  ///   is closed may be left
  static SharedJournal open(
      JournalFiles files,
      Locks kernel,
      Control.Owner owner,
      Ticker ticker,
      Executor aside,
      Executor later) {
    JournalLocks locks = new JournalLocks(kernel, files.locks());
    Patience patience = new Patience(ticker);
    boolean interrupted = Thread.interrupted();
    try {
      for (; ; ) {
        Control control = enter(files, locks, owner);
        if (control != null) {
          return open(files, locks, control, ticker, aside, later);
        }
        if (patience.spentNanos() > OPENING_NANOS) {
          throw new EngineException(
              Kind.UNREACHABLE,
              files.path(files.control())
                  + ": another process has been opening this journal for 10 seconds, or has it open"
                  + " though this file is gone; if that process is stopped, let it go on or kill"
                  + " it");
        }
        patience.wait(files);
        interrupted |= Thread.interrupted();
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /// One try, without waiting; `null` while another process is alone in the journal, or was killed
  /// before it was done.
  private static @Nullable Control enter(
      JournalFiles files, JournalLocks locks, Control.Owner owner) {
    if (locks.tryAlone()) {
      try {
        files.<@Nullable Void>io(
            files.control(),
            () -> {
              Control control = Control.map(files, owner);
              if (control == null
                  || !control.sound()
                  || control.poisoned()
                  || Recovery.leftBehind(files, control)) {
                new Recovery(files, owner).run();
              }
              return null;
            });
      } finally {
        locks.leave();
      }
    }
    if (!locks.tryInside()) {
      return null;
    }
    boolean inside = false;
    try {
      Control control = Faults.io(files.path(files.control()), () -> Control.map(files, owner));
      inside = control != null;
      return control;
    } finally {
      if (!inside) {
        locks.leave();
      }
    }
  }

  private static SharedJournal open(
      JournalFiles files,
      JournalLocks locks,
      Control control,
      Ticker ticker,
      Executor aside,
      Executor later) {
    int slot = -1;
    try {
      slot = takeSlot(files, locks, control);
      return new SharedJournal(files, locks, control, ticker, aside, later, slot);
    } catch (RuntimeException | Error e) {
      if (slot >= 0) {
        locks.releaseSlot(slot);
      }
      locks.leave();
      throw e;
    }
  }

  /// Takes the lowest free slot, but none whose process died in a flush that is still in doubt.
  private static int takeSlot(JournalFiles files, JournalLocks locks, Control control) {
    for (int slot = 0; slot < Control.SLOTS; slot++) {
      if (locks.trySlot(slot)) {
        if (control.flushing(slot) <= control.durable()) {
          control.done(slot);
          control.use(slot, ProcessHandle.current().pid());
          return slot;
        }
        locks.releaseSlot(slot);
      }
    }
    throw new EngineException(
        Kind.UNREACHABLE,
        files.path(files.control())
            + ": "
            + Control.SLOTS
            + " processes have this journal open, which is all that can");
  }

  // ---- appending --------------------------------------------------------------------------------

  @Override
  public List<Result> append(List<Unit> units) {
    List<Wish.ToLand> wishes = units.stream().map(Wish.ToLand::new).toList();
    RuntimeException failure = write(wishes);
    List<Result> results = new ArrayList<>(wishes.size());
    for (Wish.ToLand wish : wishes) {
      results.add(wish.settled() ? wish.result() : new Result.Unknown(String.valueOf(failure)));
    }
    return results;
  }

  @Override
  public Optional<Result.Appended> find(UUID commitId) {
    Wish.ToSettle wish = new Wish.ToSettle(commitId);
    writeWhole(wish, "may not have been settled yet; asking again is safe");
    if (wish.position() != null) {
      return Optional.of(new Result.Appended(wish.position()));
    }
    settle();
    return Optional.empty();
  }

  @Override
  public void end(String lock, long token) {
    writeWhole(
        new Wish.ToEnd(lock, token),
        "token " + token + " of " + lock + " may not have ended yet; ending it again is safe");
    settle();
  }

  private void writeWhole(Wish wish, String otherwise) {
    RuntimeException failure = write(List.of(wish));
    if (!wish.settled()) {
      throw new OutcomeUnknownException("journal " + files.name() + ": " + otherwise, failure);
    }
  }

  private @Nullable RuntimeException write(List<? extends Wish> wishes) {
    if (wishes.isEmpty()) {
      return null;
    }
    refuseClosed();
    RuntimeException failure = appender.append(wishes);
    for (Wish wish : wishes) {
      switch (wish.failure()) {
        case null -> {
          // it was asked, or something else failed
        }
        case RuntimeException e -> throw e;
        case Error e -> throw e;
        default -> throw new IllegalStateException(wish.failure());
      }
    }
    afterwards(wishes);
    return failure;
  }

  /// What was appended is appended: whatever fails from here on is no matter of who appended it.
  private void afterwards(List<? extends Wish> wishes) {
    try {
      watches.forEach(Watch::hint);
      prepareAhead();
      if (!awaitingRest.get() && wishes.stream().anyMatch(Wish::writes)) {
        expectRest();
      }
    } catch (RuntimeException | Error failure) {
      System.getLogger("dev.truce")
          .log(
              System.Logger.Level.DEBUG,
              "journal " + files.name() + ": what was to be done beside it comes later",
              failure);
    }
  }

  private void expectRest() {
    if (awaitingRest.compareAndSet(false, true)) {
      boolean handedOn = false;
      try {
        later.execute(this::rest);
        handedOn = true;
      } finally {
        if (!handedOn) {
          awaitingRest.set(false);
        }
      }
    }
  }

  /// Makes the next segment once half of the present one is used, so that no disk block has to be
  /// found while somebody appends.
  private void prepareAhead() {
    long word = control.tail();
    int next = Place.segment(word) + 1;
    if (preparing.compareAndSet(false, true)) {
      boolean handedOn = false;
      try {
        if (!closed && wants(word, next)) {
          aside.execute(() -> prepare(next));
          handedOn = true;
        }
      } finally {
        if (!handedOn) {
          preparing.set(false);
        }
      }
    }
  }

  private boolean wants(long word, int next) {
    return files.io(
        files.segment(next),
        () -> {
          try {
            Segment present = segments.open(Place.segment(word));
            return Place.offset(word) > present.size() / 2 && !segments.prepared(next);
          } catch (NoSuchFileException retired) {
            return false;
          }
        });
  }

  private void prepare(int number) {
    try {
      segments.prepare(number, files.sizes().after(tail.now(Ledger::weight)));
    } catch (IOException | EngineException e) {
      // whoever needs the segment makes it then, and is told if that fails too
    } finally {
      preparing.set(false);
    }
  }

  // ---- durability -------------------------------------------------------------------------------

  @Override
  public long appended() {
    refuseClosed();
    return tail.last();
  }

  @Override
  public long durable() {
    refuseClosed();
    while (true) {
      long place = control.durable();
      if (place == judged) {
        return durable.get();
      }
      long position = tail.now(ledger -> leadsPast(ledger, place) ? -1 : ledger.lastBelow(place));
      if (position >= 0) {
        long now = known(position);
        judged = place;
        return now;
      }
      settle(); // what was said to others to be safe is to be seen here, too
    }
  }

  /// Whether records are on disk below this place and were written once more behind it. Whose flush
  /// brought them there may have said so.
  private boolean leadsPast(Ledger ledger, long place) throws IOException {
    return !control.poisoned() && tail.reached(ledger, place) < place;
  }

  /// The highest position that was known to be on disk, this one included. The way on may lead past
  /// a place that was called durable and where that record is on disk, until its copy is, too: what
  /// was said once is not taken back meanwhile.
  private long known(long position) {
    return durable.accumulateAndGet(position, Math::max);
  }

  @Override
  public boolean awaitDurable(long position, Duration wait) throws InterruptedException {
    long start = ticker.nanos();
    long nanos = nanos(wait);
    long deadline = nanos > Long.MAX_VALUE - start ? Long.MAX_VALUE : start + nanos;
    if (nanos <= 0) {
      return durable() >= position;
    }
    while (true) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      refuseClosed();
      long place = awaitAppended(position, deadline);
      if (place >= 0 && flusher.await(place, deadline)) {
        known(position);
        return true;
      }
      if (ticker.nanos() >= deadline) {
        return false;
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

  /// A place by which the record with this position is on disk as soon as all below it is; waits a
  /// while for it to be appended, and answers -1 if it is not.
  private long awaitAppended(long position, long deadline) {
    if (position > tail.last()) {
      Thread waiter = Thread.currentThread();
      try (Watch _ = hinted(() -> LockSupport.unpark(waiter))) {
        if (position > tail.last()) {
          ticker.park(this, Math.min(deadline, ticker.nanos() + LOOK_AGAIN_NANOS));
        }
      }
    }
    return tail.now(ledger ->
        position > ledger.last()
            ? -1
            : position <= ledger.below() ? 0 : ledger.start(position) + Words.BYTES);
  }

  /// Waits until all that was appended is on disk.
  private void settle() {
    settle(control.tail());
  }

  private void settle(long place) {
    boolean interrupted = Thread.interrupted();
    try {
      while (!flusher.await(place, Long.MAX_VALUE)) {
        interrupted |= Thread.interrupted();
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  // ---- reading ----------------------------------------------------------------------------------

  @Override
  public Page read(long from, int max) {
    if (from < 1 || max < 1) {
      throw new IllegalArgumentException("nothing to read: " + max + " records from " + from);
    }
    refuseClosed();
    return tail.now(ledger -> {
      if (from <= ledger.below()) {
        return new Page.TooOld(ledger.below() + 1);
      }
      List<Entry> entries = new ArrayList<>();
      long[] bytes = {0};
      if (from <= ledger.last()) {
        tail.walk(
            ledger,
            ledger.start(from),
            frame -> {
              if (frame.note() instanceof Note.Landed(long position, UUID id, byte[] record)) {
                entries.add(new Entry(position, id, record));
                bytes[0] += record.length;
              }
              return entries.size() < max && bytes[0] < PAGE_BYTES;
            });
      }
      return new Page.Records(List.copyOf(entries));
    });
  }

  @Override
  public AutoCloseable watch(Runnable hint) {
    refuseClosed();
    Watch watch = hinted(hint);
    long seen = control.tail();
    Thread.ofVirtual().name("truce-journal-watch").start(() -> look(watch, seen));
    return watch;
  }

  /// Looks for appends of other processes, ever more rarely while there are none.
  private void look(Watch watch, long before) {
    long seen = before;
    Patience patience = new Patience(ticker);
    while (watch.open && !closed) {
      long word = control.tail();
      if (word != seen) {
        seen = word;
        patience = new Patience(ticker);
        watch.hint();
      }
      patience.wait(watch);
    }
  }

  private Watch hinted(Runnable hint) {
    Watch watch = new Watch(hint);
    watches.add(watch);
    return watch;
  }

  private final class Watch implements AutoCloseable {
    private final Runnable hint;
    private volatile boolean open = true;

    Watch(Runnable hint) {
      this.hint = hint;
    }

    void hint() {
      hint.run();
    }

    @Override
    public void close() {
      open = false;
      watches.remove(this);
    }
  }

  // ---- checkpoints ------------------------------------------------------------------------------

  @Override
  public long floor() {
    refuseClosed();
    return tail.below();
  }

  @Override
  public boolean checkpoint(long upTo, State state) {
    refuseClosed();
    long last = tail.last();
    if (upTo < 1 || upTo > last) {
      throw new IllegalArgumentException(
          "no checkpoint at " + upTo + ": the journal ends at " + last);
    }
    return checkpoints.take(upTo, state);
  }

  @Override
  public Optional<Base> checkpoint() {
    refuseClosed();
    return checkpoints.newest();
  }

  // ---- closing ----------------------------------------------------------------------------------

  private void refuseClosed() {
    if (closed) {
      throw Faults.closed(files.path(files.control()));
    }
  }

  /// Marks the end, and leaves.
  @Override
  public void close() {
    marking.lock();
    try {
      mark();
    } finally {
      closed = true;
      LockSupport.unpark(resting);
      flusher.close();
      appender.close();
      awaitPrepared();
      locks.releaseSlot(slot);
      locks.leave();
      segments.close();
      marking.unlock();
    }
  }

  /// Who has left makes no files: whoever is alone then would not expect them.
  private void awaitPrepared() {
    Patience patience = new Patience(ticker);
    while (preparing.get()) {
      patience.wait(this);
    }
  }

  /// Says what is on disk, so that damage to the last acknowledged record is told from a torn end.
  private void mark() {
    if (!control.poisoned() && !tail.now(Ledger::marked)) {
      settle();
      appender.append(List.of(new Wish.ToMarkOnce()));
      settle();
    }
  }

  /// Waits until nobody has appended for a while, and marks the end: closing may be far away, and a
  /// crash may come before it. Once for all that was appended by then, whichever process did it;
  /// killed anywhere it leaves what another append would.
  void rest() {
    try {
      awaitRest();
      awaitingRest.set(false); // whoever appends from here on has it awaited anew
      markAtRest();
    } catch (EngineException | OutcomeUnknownException e) {
      // whoever appends next is told, and marks it in turn
    }
  }

  private void awaitRest() {
    resting = Thread.currentThread();
    long end = control.tail();
    long since = ticker.nanos();
    while (!closed && ticker.nanos() - since < REST_NANOS) {
      ticker.park(this, since + REST_NANOS);
      long word = control.tail();
      if (word != end) {
        end = word;
        since = ticker.nanos();
      }
    }
  }

  private void markAtRest() {
    marking.lock();
    try {
      if (!closed) {
        mark();
      }
    } finally {
      marking.unlock();
    }
  }
}
