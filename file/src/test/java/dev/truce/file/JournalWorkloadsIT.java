package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.EngineException;
import dev.truce.Fence;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import dev.truce.spi.Storage;
import dev.truce.testkit.Account;
import dev.truce.testkit.Crashes;
import dev.truce.testkit.Crashes.Report;
import dev.truce.testkit.DiskState;
import dev.truce.testkit.RecordingStorage;
import dev.truce.testkit.RecordingStorage.Kind;
import dev.truce.testkit.Schedule;
import dev.truce.testkit.Schedule.Event;
import dev.truce.testkit.SimulatedMachine;
import dev.truce.testkit.SimulatedMachine.Body;
import dev.truce.testkit.SimulatedMachine.Outcome;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// What one or more processes do with a journal, crashed everywhere: what was answered stays true.
final class JournalWorkloadsIT {
  private static final boolean FULL = Boolean.getBoolean("truce.full");

  private interface Work {
    void with(SimulatedJournal journal) throws Exception;
  }

  private static Body<String> opened(Work work) {
    return me -> {
      try (SimulatedJournal journal = new SimulatedJournal(me)) {
        work.with(journal);
      }
    };
  }

  private static Crashes<String> crashes(String name) {
    return Crashes.<String>of(name)
        .setUp(opened(journal -> journal.append("0")))
        .recovery(SimulatedJournal::recover)
        .depth(FULL ? 3 : 2)
        .chances(FULL ? 2_000 : 20)
        .limit(FULL ? 300_000 : 1_500);
  }

  private static Report explore(Crashes<String> crashes) {
    Report report = crashes.explore().orThrow();
    System.out.println(report);
    assertThat(report.states()).isGreaterThan(300);
    return report;
  }

  @Test
  void theFirstAppend_ofAll() {
    explore(crashes("the first append").setUp(_ -> {}).process("a", opened(j -> j.append("a1"))));
  }

  @Test
  void unitsOfWhichSomeAreRefused() {
    explore(
        crashes("refused units")
            .process(
                "a",
                opened(journal -> {
                  journal.append("a1");
                  Unit refusing = new Unit(SimulatedJournal.id("no"), null, _ -> Optional.empty());
                  Unit again = SimulatedJournal.unit(null, "a1");
                  assertThat(journal.journal().append(List.of(refusing, again, refusing)))
                      .satisfiesExactly(
                          refused -> assertThat(refused).isInstanceOf(Result.Refused.class),
                          first -> assertThat(first).isEqualTo(new Result.Appended(2)),
                          refused -> assertThat(refused).isInstanceOf(Result.Refused.class));
                  journal.append("a2", "a3");
                })));
  }

  @Test
  void guardedUnits_andTheEndOfTheirTokens() {
    explore(
        crashes("guarded units")
            .process(
                "a",
                opened(journal -> {
                  journal.append(Fence.of("build", 3), "build3-a1");
                  journal.end("build", 3);
                  assertThat(journal.append(Fence.of("build", 3), "build3-a2"))
                      .first()
                      .isInstanceOf(Result.Refused.class);
                  journal.append(Fence.of("build", 4), "other");
                })));
  }

  /// Each marks the end when both have ceased to append, unless the other has; or while the other
  /// appends again.
  @Test
  void restsBetweenAppends() {
    explore(
        crashes("rests")
            .process(
                "a",
                opened(journal -> {
                  journal.append("a1");
                  journal.rest();
                  journal.append("a2");
                }))
            .process(
                "b",
                opened(journal -> {
                  journal.append("b1");
                  journal.rest();
                })));
  }

  /// The holder of token 3 goes on writing while another process ends it.
  @Test
  void guardedUnits_ofWhoDoesNotKnowThatItsTokenEnded() {
    explore(
        crashes("a late writer")
            .process(
                "holder",
                opened(journal -> {
                  journal.append(Fence.of("build", 3), "build3-a1");
                  journal.append(Fence.of("build", 3), "build3-a2", "build3-a3");
                }))
            .process("ender", opened(journal -> journal.end("build", 3))));
  }

  @Test
  void findingOut_aboutWhatNobodyAppended_orDoesNow() {
    explore(
        crashes("finding out")
            .process("a", opened(journal -> journal.append("a1", "a2")))
            .process(
                "b",
                opened(journal -> {
                  journal.find("a2");
                  journal.find("nothing");
                  journal.find("0");
                })));
  }

  @Test
  void twoAppenders() {
    explore(
        crashes("two appenders")
            .process(
                "a",
                opened(journal -> {
                  journal.append("a1", "a2");
                  journal.append("a3");
                }))
            .process(
                "b",
                opened(journal -> {
                  journal.append("b1");
                  journal.append("b2", "b3");
                })));
  }

  @Test
  void threeAppenders_ofWhichOneReads() {
    explore(
        crashes("three appenders")
            .process("a", opened(journal -> journal.append("a1")))
            .process("b", opened(journal -> journal.append("b1", "b2")))
            .process(
                "c",
                opened(journal -> {
                  List<String> seen = new ArrayList<>();
                  for (int i = 1; i <= 3; i++) {
                    List<String> now = journal.values();
                    assertThat(now.subList(0, seen.size())).isEqualTo(seen);
                    seen = now;
                    journal.append("c" + i);
                  }
                })));
  }

  @Test
  void segmentsThatAreFull() {
    explore(
        crashes("full segments")
            .process(
                "a",
                opened(journal -> {
                  for (int i = 1; i <= 4; i++) {
                    journal.append("a" + i + "x".repeat(400));
                  }
                }))
            .process("b", opened(journal -> journal.append("b1" + "y".repeat(400)))));
  }

  @Test
  void checkpoints_andSegmentsThatGo() {
    explore(
        crashes("checkpoints")
            .process(
                "a",
                opened(journal -> {
                  journal.append("a1" + "x".repeat(400), "a2" + "x".repeat(400));
                  journal.append(Fence.of("build", 3), "build3-a3");
                  journal.end("build", 3);
                  journal.checkpoint(1);
                  journal.append("a4" + "x".repeat(400), "a5" + "x".repeat(400));
                  journal.checkpoint(0);
                  journal.append("a6");
                })));
  }

  @Test
  void checkpoints_besideOneWhoAppendsAndReads() {
    explore(
        crashes("checkpoints beside another")
            .process(
                "a",
                opened(journal -> {
                  journal.append("a1" + "x".repeat(600));
                  journal.checkpoint(0);
                  journal.append("a2" + "x".repeat(600));
                  journal.checkpoint(1);
                }))
            .process(
                "b",
                opened(journal -> {
                  journal.append("b1" + "y".repeat(600));
                  journal.values();
                  journal.append("b2");
                  journal.values();
                })));
  }

  @Test
  void openingAgain_whatWasClosed() {
    explore(
        crashes("closed and opened")
            .process(
                "a",
                me -> {
                  for (int i = 1; i <= 3; i++) {
                    try (SimulatedJournal journal = new SimulatedJournal(me)) {
                      journal.append("a" + i);
                    }
                  }
                }));
  }

  /// A process died in the middle of a write; the journal has its name, and its last record is half
  /// there.
  @Test
  void opening_whereTheEndIsTorn() {
    explore(
        crashes("a torn end")
            .setUp(me -> {
              try (SimulatedJournal journal = new SimulatedJournal(me)) {
                journal.append("0");
              }
              tear(me.storage());
              me.storage().delete("journal.j");
              me.storage().sync();
            })
            .process("a", opened(journal -> journal.append("a1"))));
  }

  /// Writes the first bytes of the last record once more behind it, in the segment that has it.
  private static void tear(Storage storage) throws IOException {
    for (String name : storage.names()) {
      if (name.matches("journal\\.j\\.[0-9]+")) {
        try (Storage.File file = storage.open(name)) {
          ByteBuffer all = ByteBuffer.allocate((int) file.size());
          file.read(all, 0);
          int end = all.capacity();
          while (end > 0 && all.getLong(end - 8) == 0) {
            end -= 8;
          }
          if (end > Page.BYTES) {
            file.write(all.slice(end - 64, 40), end);
            file.flush();
          }
        }
      }
    }
  }

  @Test
  void aDiskThatIsFull_atTheNextSegment() {
    explore(
        crashes("a full disk")
            .capacity(24_576 + 3 * 5_120)
            .process(
                "a",
                opened(journal -> {
                  for (int i = 1; i <= 4; i++) {
                    try {
                      journal.append("a" + i + "x".repeat(400));
                    } catch (EngineException e) {
                      if (!String.valueOf(e.getMessage()).contains("full")) {
                        throw e;
                      }
                    }
                  }
                })));
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
      refused += done.contains("build3") ? 0 : 1;
      new SimulatedMachine<>(outcome.disk(), outcome.account())
          .process("after", SimulatedJournal::recover)
          .run(Schedule.PLAIN)
          .orThrow();
    }
    assertThat(refused).isGreaterThan(points / 4);
  }

  private static DiskState founded() {
    return new SimulatedMachine<>(DiskState.EMPTY, new Account<String>())
        .process("set up", opened(_ -> {}))
        .run(Schedule.PLAIN)
        .orThrow()
        .disk();
  }

  private static Outcome<String> lateWriter(DiskState start, Schedule schedule) {
    return new SimulatedMachine<>(start, new Account<String>())
        .process(
            "holder",
            opened(journal -> {
              for (int i = 1; i <= 3; i++) {
                journal.append(Fence.of("build", 3), "build" + i);
              }
            }))
        .process("ender", opened(journal -> journal.end("build", 3)))
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
