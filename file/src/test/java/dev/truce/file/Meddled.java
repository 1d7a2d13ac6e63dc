package dev.truce.file;

import dev.truce.spi.Journal;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;

/// A journal in front of which something happens once: between the moment at which a writer has
/// looked for the last time, and its append.
class Meddled implements Journal {
  private final Journal journal;
  private Function<List<Unit>, Optional<List<Result>>> meddling = _ -> Optional.empty();

  Meddled(Journal journal) {
    this.journal = journal;
  }

  /// Before the next append others do this.
  void first(Runnable others) {
    meddling =
        _ -> {
          others.run();
          return Optional.empty();
        };
  }

  /// Nobody can tell what became of the next append.
  ///
  /// @param landing whether it was made
  void forget(boolean landing) {
    meddling =
        units -> {
          if (landing) {
            journal.append(units);
          }
          return Optional.of(
              units.stream().map(_ -> (Result) new Result.Unknown("it was forgotten")).toList());
        };
  }

  @Override
  public List<Result> append(List<Unit> units) {
    Function<List<Unit>, Optional<List<Result>>> now = meddling;
    meddling = _ -> Optional.empty();
    return now.apply(units).orElseGet(() -> journal.append(units));
  }

  @Override
  public Optional<Result.Appended> find(UUID commitId) {
    return journal.find(commitId);
  }

  @Override
  public void end(String lock, long token) {
    journal.end(lock, token);
  }

  @Override
  public long appended() {
    return journal.appended();
  }

  @Override
  public long durable() {
    return journal.durable();
  }

  @Override
  public boolean awaitDurable(long position, Duration wait) throws InterruptedException {
    return journal.awaitDurable(position, wait);
  }

  @Override
  public Page read(long from, int max) {
    return journal.read(from, max);
  }

  @Override
  public AutoCloseable watch(Runnable hint) {
    return journal.watch(hint);
  }

  @Override
  public long floor() {
    return journal.floor();
  }

  @Override
  public boolean checkpoint(long upTo, State state) {
    return journal.checkpoint(upTo, state);
  }

  @Override
  public Optional<Base> checkpoint() {
    return journal.checkpoint();
  }
}
