package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.EngineException;
import dev.truce.Fence;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import dev.truce.spi.Storage;
import dev.truce.testkit.Crashes;
import dev.truce.testkit.SimulatedMachine;
import dev.truce.testkit.SimulatedMachine.Body;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// What one or more processes do with a journal, to be crashed everywhere.
@SuppressWarnings("ImmutableEnumChecker") // they do not change; their type cannot say so
enum JournalWorkload {
  THE_FIRST_APPEND(
      work -> work.setUp(_ -> {}).process("a", opened(journal -> journal.append("a1")))),

  REFUSED_UNITS(work ->
      work.process(
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
          }))),

  GUARDED_UNITS(work ->
      work.process(
          "a",
          opened(journal -> {
            journal.append(Fence.of("build", 3), "build3-a1");
            journal.end("build", 3);
            assertThat(journal.append(Fence.of("build", 3), "build3-a2"))
                .first()
                .isInstanceOf(Result.Refused.class);
            journal.append(Fence.of("build", 4), "other");
          }))),

  /// The holder of token 3 goes on writing while another process ends it.
  A_LATE_WRITER(work ->
      work.process(
              "holder",
              opened(journal -> {
                journal.append(Fence.of("build", 3), "build3-a1");
                journal.append(Fence.of("build", 3), "build3-a2", "build3-a3");
              }))
          .process("ender", opened(journal -> journal.end("build", 3)))),

  /// About what nobody appended, about what somebody appends now, and about what is there.
  FINDING_OUT(work ->
      work.process("a", opened(journal -> journal.append("a1", "a2")))
          .process(
              "b",
              opened(journal -> {
                journal.find("a2");
                journal.find("nothing");
                journal.find("0");
              }))),

  /// What one process writes ends just where a record begins that another was killed over; then it
  /// is killed itself.
  LEFTOVERS(work ->
      work.process(
              "b",
              me -> {
                SimulatedJournal journal = new SimulatedJournal(me);
                rest(me, Duration.ofSeconds(1));
                journal.find("a2");
                journal.append("b1-and-so-on");
              })
          .process("a", opened(journal -> journal.append("a1" + "x".repeat(78), "a2")))),

  TWO_APPENDERS(work ->
      work.process(
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
              }))),

  /// One of whom reads.
  THREE_APPENDERS(work ->
      work.process("a", opened(journal -> journal.append("a1")))
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
              }))),

  FULL_SEGMENTS(work ->
      work.process(
              "a",
              opened(journal -> {
                for (int i = 1; i <= 4; i++) {
                  journal.append("a" + i + "x".repeat(400));
                }
              }))
          .process("b", opened(journal -> journal.append("b1" + "y".repeat(400))))),

  CHECKPOINTS(work ->
      work.process(
          "a",
          opened(journal -> {
            journal.append("a1" + "x".repeat(400), "a2" + "x".repeat(400));
            journal.append(Fence.of("build", 3), "build3-a3");
            journal.end("build", 3);
            journal.checkpoint(1);
            journal.append("a4" + "x".repeat(400), "a5" + "x".repeat(400));
            journal.checkpoint(0);
            journal.append("a6");
          }))),

  CHECKPOINTS_BESIDE_ONE_WHO_APPENDS_AND_READS(work ->
      work.process(
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
              }))),

  /// One holds the append byte for as long as others wait before they seal, and goes on just then,
  /// with what has no room: both change to the next segment at once.
  SEALING_OVER_SOMEBODY_SLOW(work ->
      work.process("a", JournalWorkload::slow)
          .process(
              "b",
              opened(journal -> {
                journal.append("b1", "b2");
                journal.append("b3");
              }))
          .chances(200)),

  /// The same with what has room, and is not to be written any more once others have written.
  LATE_AND_THEN_REFUSED(work ->
      work.process(
              "a",
              me -> {
                try (SimulatedJournal journal = new SimulatedJournal(me)) {
                  journal.appendBehind(1, () -> rest(me, Duration.ofSeconds(1)), "late");
                }
              })
          .process(
              "b",
              me -> {
                try (SimulatedJournal journal = new SimulatedJournal(me)) {
                  journal.begin("b1");
                  rest(me, Duration.ofSeconds(5));
                }
              })
          .chances(200)),

  OPENING_WHAT_WAS_CLOSED(work ->
      work.process(
          "a",
          me -> {
            for (int i = 1; i <= 3; i++) {
              try (SimulatedJournal journal = new SimulatedJournal(me)) {
                journal.append("a" + i);
              }
            }
          })),

  /// A process died in the middle of a write; the journal has its name, and its last record is half
  /// there.
  OPENING_WHERE_THE_END_IS_TORN(work ->
      work.setUp(
              me -> {
                try (SimulatedJournal journal = new SimulatedJournal(me)) {
                  journal.append("0");
                }
                tear(me.storage());
                me.storage().delete("journal.j");
                me.storage().sync();
              })
          .process("a", opened(journal -> journal.append("a1")))),

  A_DISK_THAT_IS_FULL_AT_THE_NEXT_SEGMENT(work ->
      work.capacity(24_576 + 3 * 5_120)
          .process("a", me -> fills(me, "a1", "a2"))
          .process("b", me -> fills(me, "b1", "b2")));

  private static final int STEPS = 20;

  private final UnaryOperator<Crashes<String>> processes;

  JournalWorkload(UnaryOperator<Crashes<String>> processes) {
    this.processes = processes;
  }

  /// Those that are explored in a build, or all in a full one: the others wait so long for each
  /// other that they have ten times the points.
  static List<JournalWorkload> explored(boolean full) {
    EnumSet<JournalWorkload> explored = EnumSet.allOf(JournalWorkload.class);
    if (!full) {
      explored.remove(SEALING_OVER_SOMEBODY_SLOW);
      explored.remove(LATE_AND_THEN_REFUSED);
    }
    return List.copyOf(explored);
  }

  /// Its crashes: what was answered before one is held to after it.
  Crashes<String> crashes() {
    return processes.apply(
        Crashes.<String>of(name().toLowerCase(Locale.ROOT).replace('_', ' '))
            .setUp(opened(journal -> journal.append("0")))
            .recovery(SimulatedJournal::recover)
            .chances(20));
  }

  /// What somebody does who has the journal open.
  interface Work {
    void with(SimulatedJournal journal) throws Exception;
  }

  static Body<String> opened(Work work) {
    return me -> {
      try (SimulatedJournal journal = new SimulatedJournal(me)) {
        work.with(journal);
      }
    };
  }

  /// Appends, and rests meanwhile for as long as others wait before they seal.
  static void slow(SimulatedMachine<String>.Worker me) throws Exception {
    try (SimulatedJournal journal = new SimulatedJournal(me)) {
      journal.appendLate(
          () -> rest(me, Duration.ofNanos(Appender.STOPPED_NANOS)), "slow" + "x".repeat(900));
      journal.append("a1", "a2");
    }
  }

  private static void fills(SimulatedMachine<String>.Worker me, String... values)
      throws InterruptedException {
    try (SimulatedJournal journal = new SimulatedJournal(me)) {
      for (String value : values) {
        journal.append(value + "x".repeat(400));
      }
    } catch (EngineException e) {
      if (!String.valueOf(e.getMessage()).contains("full")) {
        throw e;
      }
    }
  }

  /// In steps, for a schedule may let the other go on in between.
  static void rest(SimulatedMachine<String>.Worker me, Duration time) {
    for (int i = 0; i < STEPS; i++) {
      me.ticker().park(me, me.ticker().nanos() + time.toNanos() / STEPS);
    }
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
}
