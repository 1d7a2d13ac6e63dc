package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import dev.truce.spi.Ticker;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// Writes records at the end of a journal.
///
/// The threads of a process queue up, and one of them carries what all of them want in one write.
/// It takes the append byte of the present segment, so that no two processes write to one place;
/// reads up to the control word; asks; writes behind the word; and swaps the word forward. That
/// swap is the moment at which its records are there.
///
/// **Who is stopped while it holds the byte** is not waited for. When the word has not moved for
/// [#STOPPED_NANOS] somebody takes the append byte of the next segment, writes into its page where
/// the present one ends, and swaps the word over. The swap of the stopped one then fails, and what
/// it wrote lies behind the end, where nobody reads. It clears that away before it goes on, so that
/// it is not found after a crash that takes the next segment with it. A full segment is left in the
/// very same way.
final class Appender {
  /// How long the control word may stand still under a held append byte.
  static final long STOPPED_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  /// How much one write carries, unless a single record is larger.
  private static final int WRITE_BYTES = 1 << 20;

  /// How often others may go on before the kernel is asked for the append byte while one of them
  /// has it: an append takes a few microseconds, unless who makes it is not running.
  private static final int YIELDS = 32;

  /// How many segments in a row may be in the hands of processes that stopped while changing to
  /// them.
  private static final int STOPPED_IN_A_ROW = 64;

  private final JournalFiles files;
  private final JournalLocks locks;
  private final Control control;
  private final Segments segments;
  private final Flushes flushes;
  private final Tail tail;
  private final Ticker ticker;
  private final Chime freed;

  private final Queue<Letter> waiting = new ConcurrentLinkedQueue<>();
  private final ReentrantLock turn = new ReentrantLock();

  // Guarded by `turn`.
  private ByteBuffer out = direct(1 << 12);
  private int held;

  /// The segment whose append byte was taken while going to sleep, 0 for none.
  private int taken;

  private boolean closed;

  /// What one thread wants.
  private static final class Letter {
    final List<? extends Wish> wishes;
    boolean open = true;
    @Nullable RuntimeException failure;

    Letter(List<? extends Wish> wishes) {
      this.wishes = wishes;
    }
  }

  Appender(
      JournalFiles files,
      JournalLocks locks,
      Control control,
      Segments segments,
      Flushes flushes,
      Tail tail,
      Ticker ticker) {
    this.files = files;
    this.locks = locks;
    this.control = control;
    this.segments = segments;
    this.flushes = flushes;
    this.tail = tail;
    this.ticker = ticker;
    this.freed = new Chime(control, Control.Bell.APPENDED, ticker);
  }

  /// Fulfils the wishes, in their order. Those that are not [settled][Wish#settled] then were
  /// written and may or may not be there; what failed is answered, or `null`.
  ///
  /// @throws EngineException if nothing was written
  @Nullable RuntimeException append(List<? extends Wish> wishes) {
    Letter letter = new Letter(wishes);
    waiting.add(letter);
    turn.lock();
    try {
      if (letter.open) { // if not, somebody has carried it before the end
        refuseClosed();
        carry();
      }
    } finally {
      turn.unlock();
    }
    if (letter.failure != null && wishes.stream().noneMatch(Wish::touched)) {
      throw letter.failure;
    }
    return letter.failure;
  }

  private void refuseClosed() {
    if (closed) {
      throw Faults.closed(files.path(files.control()));
    }
  }

  private void carry() {
    List<Letter> letters = new ArrayList<>();
    List<Wish> wishes = new ArrayList<>();
    for (Letter letter = waiting.poll(); letter != null; letter = waiting.poll()) {
      letters.add(letter);
      wishes.addAll(letter.wishes);
    }
    boolean interrupted = Thread.interrupted();
    try {
      files.<@Nullable Void>io(
          files.control(),
          () -> {
            fulfil(wishes);
            return null;
          });
    } catch (RuntimeException e) {
      letters.forEach(letter -> letter.failure = e);
    } finally {
      letters.forEach(letter -> letter.open = false);
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void fulfil(List<Wish> wishes) throws IOException {
    int done = 0;
    tail.now(Ledger::last); // so that little is left to be read while the byte is held
    while (done < wishes.size()) {
      take();
      try {
        done = fulfil(wishes, done);
      } finally {
        release();
      }
    }
  }

  private void holds(int segment) {
    held = segment;
    segments.keep(Segments.Use.APPENDING, segment);
    control.writing(true);
  }

  private void release() {
    control.writing(false);
    segments.done(Segments.Use.APPENDING);
    locks.releaseAppend(held);
    freed.ring(false);
  }

  /// Goes on from a wish as long as the segment is ours, and answers the first that is not settled.
  private int fulfil(List<Wish> wishes, int from) throws IOException {
    int done = from;
    while (done < wishes.size()) {
      long word = control.tail();
      if (Place.segment(word) != held) {
        return done;
      }
      refusePoisoned();
      Segment segment = opened(held, word);
      if (segment == null) {
        return done;
      }
      List<Wish> left = wishes.subList(done, wishes.size());
      Batch batch = tail.at(word, ledger -> batch(left, ledger, word, segment));
      if (!batch.frames.isEmpty() && !publish(batch, left.subList(0, batch.asked), segment)) {
        return done;
      }
      left.subList(0, batch.asked).forEach(Wish::settle);
      done += batch.asked;
      if (batch.asked == 0 && !move(word, batch.room)) {
        return done;
      }
    }
    return done;
  }

  /// A segment that counts as long as the control word is this one, or `null` when others have gone
  /// on and removed it.
  private @Nullable Segment opened(int number, long word) throws IOException {
    try {
      return segments.open(number);
    } catch (NoSuchFileException retired) {
      if (control.tail() == word) {
        throw retired;
      }
      return null;
    }
  }

  private void refusePoisoned() {
    if (control.poisoned()) {
      throw Flusher.failStop(files, control);
    }
  }

  // ---- the append byte --------------------------------------------------------------------------

  /// Takes the append byte of the present segment, or that of the next one from somebody who has
  /// stopped.
  private void take() throws IOException {
    Patience patience = new Patience(ticker);
    long seen = control.tail();
    while (true) {
      long word = control.tail();
      if (word != seen) {
        seen = word;
        patience = new Patience(ticker);
      }
      letOthersFinish();
      int segment = taken != 0 ? taken : Place.segment(word);
      if (taken != 0 || locks.tryAppend(segment)) {
        taken = 0;
        if (Place.segment(control.tail()) == segment) {
          holds(segment);
          Yield.at(Yield.JOURNAL_APPEND_LOCKED);
          return;
        }
        locks.releaseAppend(segment);
      } else if (patience.spentNanos() > STOPPED_NANOS) {
        held = 0;
        if (move(word, nothing(word))) {
          return;
        }
      } else {
        freed.await(() -> moved(word) || takes(segment), patience, this, Long.MAX_VALUE);
      }
    }
  }

  @SuppressWarnings("ThreadPriorityCheck") // a hint, as it should be
  private void letOthersFinish() {
    for (int i = 0; i < YIELDS && taken == 0 && control.writing(); i++) {
      Thread.yield();
    }
  }

  private boolean moved(long word) {
    return control.tail() != word;
  }

  /// The byte is given back after the word has moved, and no ring is heard by who is not asleep
  /// yet: so whoever is about to sleep tries once more.
  private boolean takes(int segment) {
    taken = locks.tryAppend(segment) ? segment : 0;
    return taken != 0;
  }

  /// How a segment begins.
  ///
  /// @param predecessor where the one before ends
  /// @param chain the checksum of the record that ends there
  /// @param copies what is written into it once more, which stood behind that end
  private record Beginning(long predecessor, int chain, List<Note> copies, long bytes) {}

  private @Nullable Beginning nothing(long word) {
    return tail.at(
        word,
        ledger ->
            ledger.place() == word ? new Beginning(word, ledger.previous(), List.of(), 0) : null);
  }

  /// Ends the present segment here and goes on in a later one, whose append byte is then ours;
  /// false if the word has moved meanwhile.
  private boolean move(long word, @Nullable Beginning beginning) throws IOException {
    int before = Place.segment(word);
    for (int number = before + 1; number <= before + STOPPED_IN_A_ROW; number++) {
      if (beginning == null) {
        return false;
      }
      Yield.at(Yield.JOURNAL_SEAL_DECIDED);
      if (!locks.tryAppend(number)) {
        continue;
      }
      boolean moved = false;
      try {
        if (control.tail() != word) {
          return false; // the byte may be free because this segment counts already
        }
        Yield.at(Yield.JOURNAL_SEAL_LOCKED);
        prepare(number, beginning.bytes);
        Segment next = opened(number, word);
        if (next == null) {
          return false;
        }
        if (next.size() - Page.BYTES < beginning.bytes) {
          continue;
        }
        moved = control.move(word, begin(next, beginning));
        Yield.at(Yield.JOURNAL_SEAL_MOVED);
        if (!moved) {
          return false;
        }
      } finally {
        if (!moved) {
          locks.releaseAppend(number);
        }
      }
      if (held != 0) {
        locks.releaseAppend(held);
      }
      holds(number);
      return true;
    }
    throw new EngineException(
        Kind.UNREACHABLE,
        files.path(files.control())
            + ": "
            + STOPPED_IN_A_ROW
            + " processes have stopped while they changed segments; let them go on, or kill them");
  }

  private void prepare(int number, long bytes) throws IOException {
    long size = files.sizes().after(tail.now(Ledger::weight));
    segments.prepare(number, Math.max(size, Page.BYTES + bytes));
  }

  /// Writes a segment's page and copies, and answers where the next record goes.
  private long begin(Segment segment, Beginning beginning) throws IOException {
    SegmentPage page = segments.begin(segment, beginning.predecessor, beginning.chain);
    long end = page.first();
    int previous = page.crc();
    long hint = control.durable();
    out.clear();
    for (Note note : beginning.copies) {
      makeRoom(Frame.bytes(note));
      previous = Frame.put(out, note, true, end, new Frame.Context(page.salt(), previous), hint);
      end += Frame.bytes(note);
    }
    segment.file().write(out.flip(), Page.BYTES);
    Yield.at(Yield.JOURNAL_SEAL_WRITTEN);
    return end;
  }

  /// Waits for who is writing, and lets nobody write any more.
  void close() {
    turn.lock();
    try {
      closed = true;
    } finally {
      turn.unlock();
    }
  }

  /// Writes all records from the durable place on once more, into a fresh segment, and makes that
  /// the present one. The mark behind them shows that it is, if a crash comes.
  void rewrite() throws IOException {
    turn.lock();
    try {
      take();
      try {
        long word = control.tail();
        if (Place.segment(word) == held && move(word, again(word))) {
          fulfil(List.of(new Wish.ToMark()), 0);
        }
      } finally {
        release();
      }
    } finally {
      turn.unlock();
    }
  }

  private @Nullable Beginning again(long word) {
    List<Note> notes = new ArrayList<>();
    return tail.at(
        word,
        ledger -> {
          notes.clear();
          long durable = tail.reached(ledger, control.durable());
          int chain =
              tail.walk(
                  ledger,
                  durable,
                  frame -> {
                    notes.add(frame.note());
                    return true;
                  });
          long bytes = Frame.HEADER;
          for (Note note : notes) {
            bytes += Frame.bytes(note);
          }
          return ledger.place() == word ? new Beginning(durable, chain, notes, bytes) : null;
        });
  }

  // ---- writing ----------------------------------------------------------------------------------

  /// What one write brings.
  ///
  /// @param asked how many wishes were asked; none when the first already finds no room
  /// @param room where the next one would find room, if it finds none here
  private record Batch(
      List<Frame> frames, long word, long end, int asked, @Nullable Beginning room) {}

  /// Asks as many wishes as one write can carry, and writes what they want into the buffer.
  private Batch batch(List<Wish> wishes, Ledger ledger, long word, Segment segment)
      throws IOException {
    List<Frame> frames = new ArrayList<>();
    out.clear();
    if (ledger.place() != word) {
      return new Batch(frames, word, word, 0, null);
    }
    Draft draft = new Draft(ledger, (position, bytes) -> tail.after(ledger, position, bytes));
    long salt = segments.page(segment.number()).salt();
    long hint = control.durable();
    long end = word;
    int previous = ledger.previous();
    int asked = 0;
    for (Wish wish : wishes) {
      Note note = wish.decide(draft);
      if (note != null) {
        int bytes = Frame.bytes(note);
        boolean fits = Place.offset(end) + (long) bytes <= segment.size();
        if (!fits || (!frames.isEmpty() && out.position() + bytes > WRITE_BYTES)) {
          return new Batch(
              frames, word, end, asked, new Beginning(word, ledger.previous(), List.of(), bytes));
        }
        makeRoom(bytes);
        previous = Frame.put(out, note, false, end, new Frame.Context(salt, previous), hint);
        frames.add(new Frame(end, end + bytes, previous, false, hint, note));
        draft.add(note);
        end += bytes;
      }
      asked++;
    }
    return new Batch(frames, word, end, asked, null);
  }

  /// Writes the buffer and swaps the word; false if the segment was ended before that.
  private boolean publish(Batch batch, List<Wish> wishes, Segment segment) throws IOException {
    wishes.forEach(Wish::touch);
    int offset = Place.offset(batch.word);
    try {
      write(segment, offset);
    } catch (IOException e) {
      clear(batch, segment, e);
      wishes.forEach(Wish::reset);
      throw e;
    }
    Yield.at(Yield.JOURNAL_APPEND_WRITTEN);
    if (!control.move(batch.word, batch.end)) {
      clear(batch, segment, null);
      return false;
    }
    Yield.at(Yield.JOURNAL_APPEND_MOVED);
    tail.take(batch.word, batch.frames);
    return true;
  }

  private void write(Segment segment, int offset) throws IOException {
    out.flip();
    if (Yield.ON) {
      int half = out.limit() / 2;
      segment.file().write(out.slice(0, half), offset);
      Yield.at(Yield.JOURNAL_APPEND_HALF_WRITTEN);
      segment.file().write(out.position(half), offset + half);
    } else {
      segment.file().write(out, offset);
    }
  }

  /// Clears away what was written and does not count, durably: no crash brings it back.
  private void clear(Batch batch, Segment segment, @Nullable IOException cause) throws IOException {
    try {
      int bytes = (int) (batch.end - batch.word);
      segment.file().write(ByteBuffer.allocate(bytes), Place.offset(batch.word));
      flushes.only(segment);
    } catch (IOException e) {
      control.poison();
      if (cause != null) {
        e.addSuppressed(cause);
      }
      throw e;
    }
  }

  private void makeRoom(int bytes) {
    if (out.remaining() < bytes) {
      ByteBuffer larger = direct(Math.max(out.capacity() * 2, out.position() + bytes));
      out = larger.put(out.flip());
    }
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
