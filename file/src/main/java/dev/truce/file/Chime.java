package dev.truce.file;

import dev.truce.spi.Ticker;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// A word that processes sleep on until something has happened: a hint, for whoever sleeps looks by
/// himself soon.
///
/// Who has slept often enough for it to pay loads native access, and sleeps in the kernel then;
/// virtual threads, who must not, and processes without native access take naps. Rings reach the
/// sleepers whose ringer has native access too.
final class Chime {
  private static final long LIMIT_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

  /// Native access costs some 30 ms to load: not before so many naps, or rings that only slept-on
  /// words wait for.
  private static final int WORTH_LOADING = 256;

  private static final Futex.Limit LIMIT = new Futex.Limit().of(LIMIT_NANOS);
  private static final AtomicInteger WANTED = new AtomicInteger();

  private final Control control;
  private final Control.Bell bell;
  private final Ticker ticker;
  private final boolean real;

  Chime(Control control, Control.Bell bell, Ticker ticker) {
    this.control = control;
    this.bell = bell;
    this.ticker = ticker;
    this.real = ticker instanceof BootTicker;
  }

  /// Says that it has happened.
  ///
  /// @param everybody whether all sleepers are concerned, or any one of them
  void ring(boolean everybody) {
    if (control.sleepers(bell) > 0) {
      control.ring(bell);
      Futex futex = loaded();
      if (futex != null) {
        futex.wake(control.address(bell), everybody);
      }
    }
  }

  /// Sleeps or naps, unless it is `over` by now.
  void await(BooleanSupplier over, Patience patience, Object blocker, long deadline) {
    Futex futex = Thread.currentThread().isVirtual() ? null : loaded();
    if (futex == null || deadline - ticker.nanos() < LIMIT_NANOS) {
      patience.wait(blocker, deadline);
      return;
    }
    int seen = (int) control.rings(bell);
    control.sleep(bell, 1);
    try {
      if (!over.getAsBoolean()) {
        futex.sleep(control.address(bell), seen, LIMIT);
      }
    } finally {
      control.sleep(bell, -1);
    }
  }

  private @Nullable Futex loaded() {
    if (!real) {
      return null;
    }
    Futex futex = Futex.loaded();
    if (futex == null && WANTED.incrementAndGet() == WORTH_LOADING) {
      Thread.ofPlatform().daemon().name("truce-futex").start(Futex::load);
    }
    return futex;
  }
}
