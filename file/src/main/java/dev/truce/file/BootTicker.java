package dev.truce.file;

import dev.truce.spi.Ticker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.StringTokenizer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/// The host's time since boot, sleep of the machine included, without a native call.
///
/// `System.nanoTime()` is the kernel's monotonic clock, which stands still while the machine sleeps
/// and which a time namespace shifts. `/proc/uptime` goes on, is shifted by its own offset, and
/// counts hundredths of a second. So the reading is the monotonic clock, unshifted, plus the time
/// the machine has slept so far: exactly zero on most machines, and then readings of all processes
/// agree to the nanosecond. After a sleep they agree to [#GRAIN_NANOS].
final class BootTicker implements Ticker {
  /// What the uptime's hundredths and the time to read them can hide.
  private static final long GRAIN_NANOS = 20_000_000;

  /// How long a machine's sleep may go unnoticed once it is awake.
  private static final long REFRESH_NANOS = 250_000_000;

  private static final Path UPTIME = Path.of("/proc/uptime");
  private static final Path OFFSETS = Path.of("/proc/self/timens_offsets");

  private static final BootTicker HERE = new BootTicker();

  private final long monotonicOffset;
  private final long bootOffset;
  private final boolean readable;
  private final AtomicLong slept = new AtomicLong();
  private final AtomicLong refreshed = new AtomicLong();

  private BootTicker() {
    this.monotonicOffset = namespaceOffset("monotonic");
    this.bootOffset = namespaceOffset("boottime");
    this.readable = refresh(System.nanoTime());
  }

  static BootTicker here() {
    return HERE;
  }

  /// Whether there is a boot clock at all; without one this is the process's own clock.
  boolean readable() {
    return readable;
  }

  @Override
  public long nanos() {
    long monotonic = System.nanoTime();
    if (monotonic - refreshed.getPlain() > REFRESH_NANOS) {
      refresh(monotonic);
    }
    return monotonic - monotonicOffset + slept.get();
  }

  @Override
  public void park(Object blocker, long deadline) {
    if (deadline == Long.MAX_VALUE) {
      LockSupport.park(blocker);
      return;
    }
    long now = nanos();
    if (deadline > now) {
      LockSupport.parkNanos(blocker, deadline - now);
    }
  }

  /// Looks whether the machine has slept; its sleep only ever adds up.
  private boolean refresh(long monotonic) {
    refreshed.setPlain(monotonic);
    long uptime;
    try {
      uptime = uptimeNanos();
    } catch (IOException | RuntimeException e) {
      return false;
    }
    long asleep = uptime - bootOffset - (System.nanoTime() - monotonicOffset);
    long known = slept.get();
    if (asleep - known > GRAIN_NANOS) {
      slept.compareAndSet(known, asleep);
    }
    return true;
  }

  private static long uptimeNanos() throws IOException {
    String uptime = Files.readString(UPTIME);
    int dot = uptime.indexOf('.');
    long seconds = Long.parseLong(uptime.substring(0, dot));
    long hundredths = Long.parseLong(uptime.substring(dot + 1, dot + 3));
    return TimeUnit.SECONDS.toNanos(seconds) + TimeUnit.MILLISECONDS.toNanos(hundredths * 10);
  }

  /// How far the namespace of this process shifts a clock; without namespaces, not at all.
  private static long namespaceOffset(String clock) {
    try {
      for (String line : Files.readAllLines(OFFSETS)) {
        StringTokenizer words = new StringTokenizer(line);
        if (words.countTokens() == 3 && words.nextToken().equals(clock)) {
          long seconds = Long.parseLong(words.nextToken());
          return TimeUnit.SECONDS.toNanos(seconds) + Long.parseLong(words.nextToken());
        }
      }
    } catch (IOException | NumberFormatException e) {
      // a kernel without time namespaces
    }
    return 0;
  }
}
