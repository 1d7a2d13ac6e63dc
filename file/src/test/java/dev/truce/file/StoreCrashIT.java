package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.testkit.Crashes;
import dev.truce.testkit.Crashes.Report;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Stores under every [StoreWorkload], crashed everywhere, as [JournalCrashIT] does it to the
/// journal below them. What was answered stays true, and at each revision there is what the commits
/// until then have made, one after the other.
final class StoreCrashIT {
  private static final boolean FULL = Boolean.getBoolean("truce.full");

  /// So many states are recovered at least, of all workloads and of each.
  private static final long STATES = FULL ? 4_000_000 : 50_000;

  private static final long OF_EACH = STATES / 20;

  /// Of the states of the plain run; all that else befalls a workload has at least a sample each.
  private static final long PLAIN = FULL ? STATES / 24 : STATES / 40;

  /// How many of the troubles and interleavings there are for one that is gone through.
  private static final int FOR_ONE = FULL ? 1 : 6;

  private static final AtomicLong recovered = new AtomicLong();
  private static final AtomicInteger explored = new AtomicInteger();

  @ParameterizedTest
  @EnumSource
  void stores_crashedAnywhere_keepWhatTheyAnswered(StoreWorkload workload) {
    long start = System.nanoTime();
    Crashes<String> crashes = workload.crashes().oneIn(FOR_ONE).limit(PLAIN);
    Report report = (FULL ? crashes.chances(5_000) : crashes).explore().orThrow();
    long millis = Duration.ofNanos(System.nanoTime() - start).toMillis();
    System.out.println(report + ", " + millis + " ms");
    assertThat(report.states()).isGreaterThanOrEqualTo(OF_EACH);
    recovered.addAndGet(report.states());
    explored.incrementAndGet();
  }

  @AfterAll
  static void allTogether_areAsManyAsAreAskedFor() {
    if (explored.get() == StoreWorkload.values().length) { // and not one, by its name
      assertThat(recovered.get()).isGreaterThanOrEqualTo(STATES);
    }
  }
}
