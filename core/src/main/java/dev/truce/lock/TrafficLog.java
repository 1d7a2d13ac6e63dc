package dev.truce.lock;

import dev.truce.EngineException;
import dev.truce.OutcomeUnknownException;
import dev.truce.lock.Traffic.Event;
import dev.truce.lock.Traffic.Part;
import dev.truce.lock.Traffic.What;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import dev.truce.spi.Journal.Entry;
import dev.truce.spi.Journal.Page;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.Supplier;

/// The journal `traffic`: the [batches][Batch] of all members, whose entries are numbered through.
///
/// Whoever appends looks at the last record alone, whose numbers it goes on from, so that a command
/// that notes two entries reads one record, and not the whole journal. Nothing is flushed for it.
///
/// Not for several threads at once.
final class TrafficLog {
  private static final String NAME = "traffic";
  private static final int PAGE = 256;

  /// How often others may be faster, or outcomes unknown, before an append gives up.
  private static final int ROUNDS = 1_000;

  private final Engine engine;
  private final Lazily<Journal> journal;

  /// The last position that was looked at, and the number behind its last entry.
  private long known;

  private long next = 1;
  private Base base = Base.NONE;

  /// What stands for the records that were let go of.
  ///
  /// ```
  ///   format | up to | next | number of locks, each: name
  /// ```
  ///
  /// @param upTo their last position
  /// @param next the number behind their last entry
  /// @param recorded the locks that were recorded then
  private record Base(long upTo, long next, Set<String> recorded) {
    private static final int FORMAT = 1;
    static final Base NONE = new Base(0, 1, Set.of());

    byte[] write() {
      Varints.Writer out = new Varints.Writer().number(FORMAT).number(upTo).number(next);
      out.number(recorded.size());
      recorded.forEach(out::text);
      return out.bytes();
    }

    static Base read(byte[] state) {
      try {
        Varints.Reader in = new Varints.Reader(state);
        long format = in.number();
        if (format > FORMAT) {
          throw Batch.newer(format);
        }
        long upTo = in.upTo(Long.MAX_VALUE);
        long next = in.upTo(Long.MAX_VALUE);
        Set<String> recorded = new TreeSet<>();
        for (int left = in.count(state.length); left > 0; left--) {
          recorded.add(in.text());
        }
        return new Base(upTo, next, recorded);
      } catch (Varints.Unreadable damaged) {
        throw new EngineException(
            EngineException.Kind.DAMAGED,
            "the beginning of the locks' traffic holds bytes that no release wrote",
            damaged);
      }
    }
  }

  /// What there is.
  ///
  /// @param letGo how many entries were before
  /// @param recorded the locks that are recorded, as far as that was told
  record Kept(long letGo, List<Batch> batches, Set<String> recorded) {}

  TrafficLog(Engine engine) {
    this.engine = engine;
    this.journal = new Lazily<>(() -> engine.journal(NAME));
  }

  /// Appends it behind what is there, once for each id. Others see it when this returns; it is safe
  /// when the engine has come to it, or after [#settle].
  void append(UUID id, Batch batch) {
    append(id, () -> Optional.of(batch));
  }

  /// The same for what is chosen after the end of the log was looked at, anew whenever somebody has
  /// appended meanwhile; nothing if nothing is.
  void append(UUID id, Supplier<Optional<Batch>> choice) {
    for (int round = 0; round < ROUNDS; round++) {
      long tail = look();
      Optional<Batch> chosen = choice.get();
      if (chosen.isEmpty()) {
        return;
      }
      Batch batch = chosen.get();
      byte[] record = batch.from(next).write();
      Unit unit =
          new Unit(id, null, now -> now.last() == tail ? Optional.of(record) : Optional.empty());
      if (journal.get().append(List.of(unit)).getFirst()
          instanceof Result.Appended(long position)) {
        if (position == tail + 1) {
          known = position;
          next += batch.parts().size();
        }
        return;
      }
    }
    throw new OutcomeUnknownException(
        "nobody can tell whether what was noted is in the traffic of " + engine.place(), null);
  }

  /// Waits until what was appended until now is safe, whoever did that.
  void settle() {
    long appended = journal.get().appended();
    if (appended > 0) {
      Settling.await(engine, journal.get(), appended);
    }
  }

  /// The last position, from whose entries on [#next] counts.
  private long look() {
    long tail = journal.get().appended();
    if (tail != known) {
      next = nextBehind(tail);
      known = tail;
    }
    return tail;
  }

  private long nextBehind(long position) {
    if (position == 0) {
      return 1;
    }
    return switch (journal.get().read(position, 1)) {
      case Page.Records(List<Entry> one) -> read(one.getFirst()).next();
      case Page.TooOld _ -> rebased().next();
    };
  }

  private static Batch read(Entry entry) {
    return Batch.read(entry.position(), entry.record());
  }

  private Base rebased() {
    base = journal.get().checkpoint().map(Journal.Base::all).map(Base::read).orElse(Base.NONE);
    return base;
  }

  // ---- reading

  Kept read() {
    while (true) {
      Base from = rebased();
      List<Batch> batches = new ArrayList<>();
      if (readAll(from.upTo() + 1, Long.MAX_VALUE, batches)) {
        return new Kept(from.next() - 1, List.copyOf(batches), recorded(from, batches));
      }
    }
  }

  private static Set<String> recorded(Base from, List<Batch> batches) {
    Set<String> recorded = new TreeSet<>(from.recorded());
    for (Batch batch : batches) {
      for (Part part : batch.parts()) {
        if (part instanceof Event event && event.what() == What.SWITCHED_ON) {
          recorded.add(event.lock());
        } else if (part instanceof Event event && event.what() == What.SWITCHED_OFF) {
          recorded.remove(event.lock());
        }
      }
    }
    return recorded;
  }

  /// False if what was to be read has been let go of meanwhile.
  private boolean readAll(long from, long upTo, List<Batch> batches) {
    long position = from;
    while (position <= upTo) {
      switch (journal.get().read(position, (int) Math.min(PAGE, upTo - position + 1))) {
        case Page.TooOld _ -> {
          return false;
        }
        case Page.Records(List<Entry> page) -> {
          if (page.isEmpty()) {
            return true;
          }
          page.forEach(entry -> batches.add(read(entry)));
          position = page.getLast().position() + 1;
        }
      }
    }
    return true;
  }

  // ---- letting go

  /// Lets go of the older half when there are twice as many entries as are kept.
  void letGo() {
    if (isFull() && isFull(rebased())) {
      long gone = lastBelow(next - Traffic.KEPT);
      List<Batch> batches = new ArrayList<>();
      if (gone > base.upTo() && readAll(base.upTo() + 1, gone, batches)) {
        Base after = new Base(gone, batches.getLast().next(), recorded(base, batches));
        journal.get().checkpoint(gone, Journal.State.of(after.write()));
        Base _ = rebased();
      }
    }
  }

  private boolean isFull() {
    return isFull(base);
  }

  private boolean isFull(Base from) {
    return next - from.next() >= 2L * Traffic.KEPT;
  }

  /// The last position whose entries are all below this number.
  private long lastBelow(long number) {
    long low = base.upTo();
    long high = known;
    while (low < high) {
      long middle = high - (high - low) / 2;
      if (nextBehind(middle) <= number) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }
}
