package dev.truce.file;

import dev.truce.spi.Journal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/// A journal of one handle, closed with it.
final class FileJournal implements Journal {
  /// How long a wait goes on after its handle was closed.
  private static final long SLICE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final SharedJournal journal;
  private final Path place;
  private final BooleanSupplier open;

  FileJournal(SharedJournal journal, Path place, BooleanSupplier open) {
    this.journal = journal;
    this.place = place;
    this.open = open;
  }

  private SharedJournal open() {
    if (!open.getAsBoolean()) {
      throw Faults.closed(place);
    }
    return journal;
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
    return open().appended();
  }

  @Override
  public long durable() {
    return open().durable();
  }

  @Override
  public boolean awaitDurable(long position, Duration wait) throws InterruptedException {
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
      left = left.minus(slice);
    }
  }

  @Override
  public Page read(long from, int max) {
    return open().read(from, max);
  }

  @Override
  public AutoCloseable watch(Runnable hint) {
    return open().watch(hint);
  }

  @Override
  public boolean checkpoint(long upTo, byte[] state) {
    return open().checkpoint(upTo, state);
  }

  @Override
  public Optional<byte[]> checkpoint() {
    return open().checkpoint();
  }
}
