package dev.truce.lock;

import dev.truce.lock.Waits.Told;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A thread's wait for a lock from beginning to end: it listens for wakes, tells others what it
/// waits for, looks and sleeps, until it is served or has to go.
///
/// No wake is lost: the [look][#look()] is the last thing before each sleep, and nothing after it
/// waits for a mutex, which would use up a wake that came since.
///
/// **Threads.** The one that waits.
abstract class Vigil implements AutoCloseable {
  /// Why it is over.
  enum End {
    SERVED,
    TIME_OVER,
    INTERRUPTED,
    /// It was chosen to give way in a [ring][#struck()].
    STRUCK
  }

  private final Locks room;
  private final Gate gate;
  private final boolean heedless;
  private boolean interrupted;
  private @Nullable Told told;

  /// @param heedless whether an interrupt is left for later
  Vigil(Locks room, Gate gate, boolean heedless) {
    this.room = room;
    this.gate = gate;
    this.heedless = heedless;
    room.listen(gate, true);
  }

  /// Tells what is waited for; `null` if nobody could wait for this thread in turn.
  abstract @Nullable Told tell();

  /// Whether there is nothing more to wait for.
  abstract boolean isServed();

  /// Looks whether anything can be done. Answers until when it may sleep.
  abstract long look();

  End keep(long deadline) {
    told = tell();
    while (!isServed()) {
      interrupted |= Thread.interrupted();
      if (interrupted && !heedless) {
        return End.INTERRUPTED;
      }
      if (room.ticker().nanos() >= deadline) {
        return End.TIME_OVER;
      }
      long due = told == null ? Long.MAX_VALUE : told.attend();
      if (!struck().isEmpty()) {
        return End.STRUCK;
      }
      long wake = Math.min(Math.min(deadline, due), look());
      if (told == null || !told.isCalled()) {
        room.ticker().park(gate, wake);
      }
    }
    return End.SERVED;
  }

  /// The ring for which it was chosen to give way; empty if it was not.
  List<Refusal.Link> struck() {
    return told == null ? List.of() : told.struck();
  }

  /// Leaves the thread interrupted if it was.
  @Override
  public void close() {
    try {
      if (told != null) {
        told.close();
      }
    } finally {
      room.listen(gate, false);
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /// What the caller throws in place of the interrupt.
  static InterruptedException interrupted(String when) {
    var _ = Thread.interrupted();
    return new InterruptedException(when);
  }
}
