package dev.truce.file;

import dev.truce.spi.Journal;
import dev.truce.spi.Ticker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// A journal of one handle, closed with it. Files of it come to be when something is to be written:
/// who only reads finds it empty.
final class FileJournal implements Journal {
  /// How long a wait goes on after its handle was closed.
  private static final long SLICE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final Journals journals;
  private final Ticker ticker;
  private final String name;
  private final Path place;
  private final BooleanSupplier open;
  private volatile @Nullable SharedJournal journal;

  FileJournal(Journals journals, Ticker ticker, String name, Path place, BooleanSupplier open) {
    this.journals = journals;
    this.ticker = ticker;
    this.name = name;
    this.place = place;
    this.open = open;
  }

  private SharedJournal open() {
    refuseClosed();
    SharedJournal known = journal;
    if (known == null) {
      known = journals.open(name);
      journal = known;
    }
    return known;
  }

  /// The journal if there is one.
  private @Nullable SharedJournal existing() {
    refuseClosed();
    return journal != null || journals.exists(name) ? open() : null;
  }

  private void refuseClosed() {
    if (!open.getAsBoolean()) {
      throw Faults.closed(place);
    }
  }

  @Override
  public List<Result> append(List<Unit> units) {
    return open().append(units);
  }

  @Override
  public Optional<Result.Appended> find(UUID commitId) {
    return open().find(commitId);
  }

  @Override
  public void end(String lock, long token) {
    open().end(lock, token);
  }

  @Override
  public long appended() {
    SharedJournal there = existing();
    return there == null ? 0 : there.appended();
  }

  @Override
  public long durable() {
    SharedJournal there = existing();
    return there == null ? 0 : there.durable();
  }

  @Override
  public boolean awaitDurable(long position, Duration wait) throws InterruptedException {
    long start = ticker.nanos();
    Duration left = wait;
    for (; ; ) {
      boolean last = left.compareTo(Duration.ofNanos(SLICE_NANOS)) <= 0;
      Duration slice = last ? left : Duration.ofNanos(SLICE_NANOS);
      if (open().awaitDurable(position, slice)) {
        return true;
      }
      if (last) {
        return false;
      }
      left = wait.minusNanos(ticker.nanos() - start); // a slice may take as long as a flush
    }
  }

  @Override
  public Page read(long from, int max) {
    if (from < 1 || max < 1) {
      throw new IllegalArgumentException("nothing to read: " + max + " records from " + from);
    }
    SharedJournal there = existing();
    return there == null ? new Page.Records(List.of()) : there.read(from, max);
  }

  @Override
  public AutoCloseable watch(Runnable hint) {
    return open().watch(hint);
  }

  @Override
  public long floor() {
    SharedJournal there = existing();
    return there == null ? 0 : there.floor();
  }

  @Override
  public boolean checkpoint(long upTo, State state) {
    return open().checkpoint(upTo, state);
  }

  @Override
  public Optional<Base> checkpoint() {
    SharedJournal there = existing();
    return there == null ? Optional.empty() : there.checkpoint();
  }
}
