package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Fence;
import dev.truce.testkit.Account;
import dev.truce.testkit.Crashes;
import dev.truce.testkit.Crashes.Report;
import dev.truce.testkit.DiskState;
import dev.truce.testkit.RecordingStorage;
import dev.truce.testkit.RecordingStorage.Kind;
import dev.truce.testkit.Schedule;
import dev.truce.testkit.Schedule.Event;
import dev.truce.testkit.SimulatedMachine;
import dev.truce.testkit.SimulatedMachine.Outcome;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The journal under every [JournalWorkload], crashed everywhere: the power is cut, processes are
/// killed, stopped and interleaved, and calls fail, at every call and at every access to a word
/// that processes share. What was answered stays true.
final class JournalCrashIT {
  private static final boolean FULL = Boolean.getBoolean("truce.full");

  /// So many states are recovered at least, of all workloads and of each.
  private static final long STATES = FULL ? 10_000_000 : 150_000;

  private static final long OF_EACH = STATES / 25;

  /// Of the states of the plain run; all that else befalls a workload has at least a sample each.
  private static final long PLAIN = FULL ? STATES / 24 : STATES / 38;

  private static final AtomicLong recovered = new AtomicLong();
  private static final AtomicInteger explored = new AtomicInteger();

  static List<JournalWorkload> workloads() {
    return JournalWorkload.explored(FULL);
  }

  @ParameterizedTest
  @MethodSource("workloads")
  void journal_crashedAnywhere_keepsWhatItAnswered(JournalWorkload workload) {
    long start = System.nanoTime();
    Crashes<String> crashes = workload.crashes().limit(PLAIN);
    Report report = (FULL ? crashes.chances(5_000) : crashes).explore().orThrow();
    long millis = Duration.ofNanos(System.nanoTime() - start).toMillis();
    System.out.println(report + ", " + millis + " ms");
    assertThat(report.states()).isGreaterThanOrEqualTo(OF_EACH);
    recovered.addAndGet(report.states());
    explored.incrementAndGet();
  }

  @AfterAll
  static void allTogether_areAsManyAsAreAskedFor() {
    if (explored.get() == workloads().size()) { // and not one, by its name
      assertThat(recovered.get()).isGreaterThanOrEqualTo(STATES);
    }
  }

  /// The holder of token 3 is stopped wherever it may be, long enough for another process to end
  /// the token meanwhile. What it wrote until then is there, what it tries from then on is refused,
  /// and nothing lands behind the fence, whatever it was about to do.
  @Test
  void aHolderThatIsStoppedAnywhere_writesNothingBehindItsFence() {
    DiskState start = founded();
    int points = lateWriter(start, Schedule.PLAIN).points();
    int refused = 0;
    for (int point = 1; point <= points; point++) {
      Schedule stop = Schedule.of(new Event.Stop(point, Duration.ofSeconds(5)));
      Outcome<String> outcome = lateWriter(start, stop);
      List<String> done = outcome.account().acknowledged();
      assertThat(done).as(stop.toString()).contains("!ended build 3");
      refused += done.contains("build3" + "x".repeat(400)) ? 0 : 1;
      new SimulatedMachine<>(outcome.disk(), outcome.account())
          .process("after", SimulatedJournal::recover)
          .run(Schedule.PLAIN)
          .orThrow();
    }
    System.out.println("a holder stopped at each of " + points + " points, refused: " + refused);
    assertThat(refused).isGreaterThan(points / 4);
  }

  private static DiskState founded() {
    return new SimulatedMachine<>(DiskState.EMPTY, new Account<String>())
        .process("set up", JournalWorkload.opened(_ -> {}))
        .run(Schedule.PLAIN)
        .orThrow()
        .disk();
  }

  /// The holder changes segments and takes a checkpoint, too.
  private static Outcome<String> lateWriter(DiskState start, Schedule schedule) {
    return new SimulatedMachine<>(start, new Account<String>())
        .process(
            "holder",
            JournalWorkload.opened(journal -> {
              for (int i = 1; i <= 3; i++) {
                journal.append(Fence.of("build", 3), "build" + i + "x".repeat(400));
                if (i == 2) {
                  journal.checkpoint(1);
                }
              }
            }))
        .process("ender", JournalWorkload.opened(journal -> journal.end("build", 3)))
        .run(schedule)
        .orThrow();
  }

  @Test
  void aCommitOfOneProcess_costsOneFlush_andNoOtherWriteThanItsRecord() {
    new SimulatedMachine<>(founded(), new Account<String>())
        .process(
            "a",
            me -> {
              RecordingStorage storage = new RecordingStorage(me.storage(), me.name());
              try (SimulatedJournal journal = new SimulatedJournal(me, storage)) {
                journal.append("a1");
                long flushes = storage.count(Kind.FLUSH, Kind.SYNC);
                long creations = storage.count(Kind.CREATE);
                journal.append("a2");
                assertThat(storage.count(Kind.FLUSH, Kind.SYNC)).isEqualTo(flushes + 1);
                assertThat(storage.count(Kind.CREATE)).isEqualTo(creations);
                journal.append("a3", "a4", "a5");
                assertThat(storage.count(Kind.FLUSH, Kind.SYNC)).isEqualTo(flushes + 2);
              }
            })
        .run(Schedule.PLAIN)
        .orThrow();
  }
}
