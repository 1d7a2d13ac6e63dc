package dev.truce.file;

import static dev.truce.file.JournalWorkload.opened;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.EngineException;
import dev.truce.Fence;
import dev.truce.spi.Journal;
import dev.truce.spi.Storage;
import dev.truce.testkit.Account;
import dev.truce.testkit.DiskState;
import dev.truce.testkit.RecordingStorage.Call;
import dev.truce.testkit.RecordingStorage.Kind;
import dev.truce.testkit.Schedule;
import dev.truce.testkit.Schedule.Event;
import dev.truce.testkit.SimulatedDisk;
import dev.truce.testkit.SimulatedDisk.Fault;
import dev.truce.testkit.SimulatedMachine;
import dev.truce.testkit.SimulatedMachine.Outcome;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;

/// What a right journal passes beside its [workloads][JournalWorkload], and a [JournalMutant] does
/// not.
enum JournalExam {
  /// A flush fails, and who was told is killed before it could tell: whoever flushes then must not
  /// believe that it worked.
  A_FLUSHER_DIES_WITH_WHAT_IT_KNOWS {
    @Override
    void take() {
      List<Object> trace = twoAppenders(Schedule.PLAIN).trace();
      int tried = 0;
      for (int point = 1; point <= trace.size(); point++) {
        if (trace.get(point - 1) instanceof Call call && call.kind() == Kind.FLUSH) {
          Event failure = new Event.Fail(point, Fault.IO, false);
          for (int next = 1; next <= 3; next++) {
            Event death = new Event.Kill(point + next, false);
            Outcome<String> end = twoAppenders(Schedule.of(failure, death));
            recovered(end.disk().afterPowerCut(), end.account());
            tried++;
          }
        }
      }
      assertThat(tried).isGreaterThan(10);
    }
  },

  /// One has flushed and stands still before it says so; another flushes what came later.
  A_SLOW_FLUSHER {
    @Override
    void take() {
      List<Object> trace = twoFlushers(Schedule.PLAIN).trace();
      int tried = 0;
      for (int point = 1; point <= trace.size(); point++) {
        if (trace.get(point - 1).toString().equals("a: at " + Yield.JOURNAL_FLUSHED)) {
          twoFlushers(Schedule.of(new Event.Stop(point, Duration.ofSeconds(3))));
          tried++;
        }
      }
      assertThat(tried).isPositive();
    }

    private Outcome<String> twoFlushers(Schedule schedule) {
      return new SimulatedMachine<>(DiskState.EMPTY, new Account<String>())
          .process(
              "a",
              me -> {
                SimulatedJournal journal = new SimulatedJournal(me);
                JournalWorkload.rest(me, Duration.ofMillis(500));
                journal.append("a1");
              })
          .process(
              "b",
              me -> {
                SimulatedJournal journal = new SimulatedJournal(me);
                JournalWorkload.rest(me, Duration.ofSeconds(1));
                journal.append("b1");
                JournalWorkload.rest(me, Duration.ofSeconds(6));
              })
          .process(
              "c",
              me -> {
                JournalWorkload.rest(me, Duration.ofSeconds(5));
                assertThat(me.account().acknowledged()).contains("a1", "b1");
                assertThat(new SimulatedJournal(me).journal().durable()).isEqualTo(2);
              })
          .run(schedule)
          .orThrow();
    }
  },

  /// The same of one who clears away what it wrote too late: its flush is of what others have
  /// appended to that segment, too.
  A_CLEARER_DIES_WITH_WHAT_IT_KNOWS {
    @Override
    void take() {
      List<Object> trace = sealedOver(Schedule.PLAIN).trace();
      int believed = 0;
      for (int point = 1; point <= trace.size(); point++) {
        if (trace.get(point - 1) instanceof Call call
            && call.process().equals("late")
            && call.kind() == Kind.FLUSH) {
          Event failure = new Event.Fail(point, Fault.IO, false);
          for (int next = 1; next <= 3; next++) {
            Event death = new Event.Kill(point + next, false);
            Outcome<String> end = sealedOver(Schedule.of(failure, death));
            recovered(end.disk().afterPowerCut(), end.account());
            believed += end.account().acknowledged().contains("first") ? 1 : 0;
          }
        }
      }
      assertThat(believed).isPositive(); // who died later had told
    }

    // What is appended first is on disk only by a flush of the last, whose descriptors are younger.
    private Outcome<String> sealedOver(Schedule schedule) {
      return new SimulatedMachine<>(DiskState.EMPTY, new Account<String>())
          .process(
              "other",
              me -> {
                SimulatedJournal journal = new SimulatedJournal(me);
                journal.begin("first");
                JournalWorkload.rest(me, Duration.ofMillis(200));
                journal.begin("second");
                JournalWorkload.rest(me, Duration.ofSeconds(20));
              })
          .process(
              "late",
              me -> {
                SimulatedJournal journal = new SimulatedJournal(me);
                JournalWorkload.rest(me, Duration.ofMillis(100));
                journal.appendBehind(
                    1, () -> JournalWorkload.rest(me, Duration.ofSeconds(1)), "late");
                JournalWorkload.rest(me, Duration.ofSeconds(20));
              })
          .process(
              "last",
              me -> {
                JournalWorkload.rest(me, Duration.ofSeconds(5));
                assertThat(new SimulatedJournal(me).find("first")).isTrue();
              })
          .run(schedule)
          .orThrow();
    }
  },

  /// Two change to the next segment at once, and one of them stands still at any point of that.
  ONE_OF_TWO_STANDS_STILL_WHILE_SEALING {
    @Override
    void take() {
      List<Object> trace = twoSealers(Schedule.PLAIN).trace();
      int tried = 0;
      for (int point = 1; point <= trace.size(); point++) {
        if (trace.get(point - 1).toString().contains("at JOURNAL_SEAL")) {
          for (int just = point - 1; just <= point; just++) {
            Outcome<String> end =
                twoSealers(Schedule.of(new Event.Stop(just, Duration.ofSeconds(1))));
            recovered(end.disk(), end.account());
            tried++;
          }
        }
      }
      assertThat(tried).isGreaterThan(10);
    }

    private Outcome<String> twoSealers(Schedule schedule) {
      return new SimulatedMachine<>(DiskState.EMPTY, new Account<String>())
          .process("a", JournalWorkload::slow)
          .process(
              "b",
              opened(journal -> {
                journal.append("b1", "b2");
                journal.append("b3");
              }))
          .run(schedule)
          .orThrow();
    }
  },

  /// One has flushed and stands still before it says so; another begins to write the same once
  /// more, and stands still where that is not on disk yet. What the first has said stays said.
  A_SLOW_FLUSHER_BESIDE_ONE_WHO_WRITES_ONCE_MORE {
    @Override
    void take() {
      Schedule slow = Schedule.of(stop("a: at " + Yield.JOURNAL_FLUSHED, Schedule.PLAIN, 2));
      Event slower = stop("b: at " + Yield.JOURNAL_SEAL_MOVED, slow, 4);
      Outcome<String> end = run(Schedule.parse(slow + " " + Schedule.of(slower)));
      assertThat(end.account().acknowledged()).contains("a1", "b1");
    }

    private Event stop(String at, Schedule schedule, int seconds) {
      List<Object> trace = run(schedule).trace();
      for (int point = 1; point <= trace.size(); point++) {
        if (trace.get(point - 1).toString().equals(at)) {
          return new Event.Stop(point, Duration.ofSeconds(seconds));
        }
      }
      throw new AssertionError("nobody is " + at);
    }

    private Outcome<String> run(Schedule schedule) {
      return new SimulatedMachine<>(DiskState.EMPTY, new Account<String>())
          .process(
              "a",
              me -> {
                SimulatedJournal journal = new SimulatedJournal(me);
                journal.append("a1"); // which waits until that is durable
                assertThat(journal.journal().durable()).isPositive();
              })
          .process(
              "b",
              me -> {
                JournalWorkload.rest(me, Duration.ofSeconds(1));
                new SimulatedJournal(me).append("b1");
              })
          .process(
              "c",
              me -> {
                JournalWorkload.rest(me, Duration.ofSeconds(3));
                boolean answered = me.account().acknowledged().contains("a1");
                assertThat(new SimulatedJournal(me).journal().durable())
                    .isGreaterThanOrEqualTo(answered ? 1 : 0);
              })
          .run(schedule)
          .orThrow();
    }
  },

  /// A bit of a closed journal is another, in segments, bases and the control file, on the same
  /// boot and on the next: it is refused as damaged, or all that was answered is true.
  DAMAGE {
    @Override
    void take() {
      Outcome<String> closed = closed();
      DiskState disk = closed.disk().afterPowerCut();
      int tried = 0;
      for (Map.Entry<String, byte[]> file : disk.files().entrySet()) {
        for (long bit = 0; bit < 8L * file.getValue().length; bit += FULL ? 1 : 37) {
          DiskState damaged = disk.withBitFlipped(file.getKey(), bit);
          String where = file.getKey() + ", bit " + bit;
          opened(damaged, closed.account(), where, false);
          opened(damaged, closed.account(), where + ", next boot", true);
          tried++;
        }
      }
      assertThat(tried).isGreaterThan(5_000);
    }

    // It leaves a base, two segments that hold records, and one that is prepared.
    private Outcome<String> closed() {
      return new SimulatedMachine<>(DiskState.EMPTY, new Account<String>())
          .process(
              "a",
              JournalWorkload.opened(journal -> {
                journal.append("a1" + "x".repeat(600), "a2" + "x".repeat(600));
                journal.append(Fence.of("build", 3), "build3");
                journal.end("build", 3);
                journal.find("nothing");
                journal.checkpoint(2);
                journal.append("a3" + "x".repeat(600), "a4");
              }))
          .run(Schedule.PLAIN)
          .orThrow();
    }

    private void opened(DiskState disk, Account<String> account, String where, boolean nextBoot) {
      Outcome<String> outcome =
          new SimulatedMachine<>(disk, account)
              .process(
                  "b",
                  me -> {
                    if (nextBoot) {
                      me.storage().delete("journal.j");
                    }
                    try (SimulatedJournal journal = new SimulatedJournal(me)) {
                      me.account()
                          .refute(journal.found())
                          .ifPresent(why -> {
                            throw new AssertionError(why);
                          });
                    } catch (EngineException e) {
                      assertThat(e.kind()).isEqualTo(EngineException.Kind.DAMAGED);
                    }
                  })
              .run(Schedule.PLAIN);
      assertThat(outcome.failure()).as(where).isNull();
    }
  },

  /// Records that are whole, lie at their place and follow the one before, of a time when the
  /// segment had another page.
  RECORDS_OF_ANOTHER_PAGE {
    @Override
    void take() throws Exception {
      Storage storage = new SimulatedDisk().process("a");
      JournalFiles files = new JournalFiles(storage, Path.of("disk"), "j");
      SegmentPage page = SegmentPage.fresh(files, new UUID(1, 1), 1, 0, 0);
      Note note = new Note.Landed(1, new UUID(2, 2), "old".getBytes(UTF_8));
      SegmentPage other =
          new SegmentPage(page.lineage(), page.name(), 1, page.salt() + 1, 0, 0, page.crc());
      Segment.Filling old = Segment.filled(other, List.of(note), false, 0);
      Segment.create(files, 1, old.content(), dev.truce.file.Page.BYTES + 1024);
      Storage.File file = storage.open(files.segment(1));
      assertThat(Frames.all(file, other, file.size()).next()).isNotNull();
      assertThat(Frames.all(file, page, file.size()).next()).isNull();
    }
  },

  /// Somebody writes a state for half a minute, and another waits: its own is not asked for. A
  /// third one, which does not want to wait, does not.
  A_STATE_THAT_TAKES_LONG {
    @Override
    void take() {
      new SimulatedMachine<>(DiskState.EMPTY, new Account<String>())
          .process(
              "slow",
              opened(journal -> {
                journal.append("a1" + "x".repeat(4000));
                assertThat(journal.checkpointSlowly(Duration.ofSeconds(5), 6)).isTrue();
              }))
          .process(
              "b",
              me -> {
                JournalWorkload.rest(me, Duration.ofSeconds(1));
                try (SimulatedJournal journal = new SimulatedJournal(me)) {
                  Journal.State unasked =
                      _ -> {
                        throw new AssertionError("it was asked for beside another");
                      };
                  assertThat(journal.journal().checkpoint(1, unasked)).isFalse();
                  assertThat(journal.journal().floor()).isPositive();
                  assertThat(journal.values()).containsExactly("a1" + "x".repeat(4000));
                }
              })
          .process(
              "c",
              me -> {
                JournalWorkload.rest(me, Duration.ofSeconds(2));
                try (SimulatedJournal journal = new SimulatedJournal(me)) {
                  assertThat(journal.journal().checkpoint(1, new Unwanted())).isFalse();
                  assertThat(journal.journal().floor()).as("it is still being written").isZero();
                }
              })
          .run(Schedule.PLAIN)
          .orThrow();
    }
  },

  /// Somebody stands still before the segment that it makes has its name, until another of that
  /// name was filled, left and removed.
  A_SEGMENT_MADE_ANEW_TOO_LATE {
    @Override
    void take() {
      List<Object> trace = run(Schedule.PLAIN).trace();
      List<Integer> made =
          IntStream.rangeClosed(1, trace.size())
              .filter(point ->
                  trace.get(point - 1).toString().equals("a: at " + Yield.JOURNAL_SEGMENT_WRITTEN))
              .boxed()
              .toList();
      Event late = new Event.Stop(made.get(1), Duration.ofSeconds(5));
      assertThat(run(Schedule.of(late)).account().acknowledged()).contains("b3", "a2");
    }

    private Outcome<String> run(Schedule schedule) {
      return new SimulatedMachine<>(DiskState.EMPTY, new Account<String>())
          .process(
              "a",
              opened(journal -> {
                journal.append("a1" + "x".repeat(600));
                journal.append("a2");
              }))
          .process(
              "b",
              me -> {
                JournalWorkload.rest(me, Duration.ofSeconds(1));
                try (SimulatedJournal journal = new SimulatedJournal(me)) {
                  for (int i = 1; i <= 2; i++) {
                    journal.append("b" + i + "y".repeat(600));
                  }
                  journal.checkpoint(0);
                  journal.append("b3");
                }
              })
          .run(schedule)
          .orThrow();
    }
  },

  /// Somebody takes a checkpoint while another stands still, which keeps nothing for that and goes
  /// on from there.
  A_READER_STANDS_STILL {
    @Override
    void take() {
      new SimulatedMachine<>(DiskState.EMPTY, new Account<String>())
          .process(
              "reader",
              me -> {
                try (SimulatedJournal journal = new SimulatedJournal(me)) {
                  journal.append("a1" + "x".repeat(600));
                  journal.append("a2" + "x".repeat(600));
                  JournalWorkload.rest(me, Duration.ofSeconds(5));
                  assertThat(me.account().acknowledged()).contains("b4");
                  assertThat(me.storage().names())
                      .doesNotContain("journal.j.1", "journal.j.2", "journal.j.3");
                  assertThat(journal.values()).endsWith("b4");
                }
              })
          .process(
              "b",
              opened(journal -> {
                for (int i = 1; i <= 3; i++) {
                  journal.append("b" + i + "y".repeat(600));
                }
                journal.checkpoint(0);
                journal.append("b4");
              }))
          .run(Schedule.PLAIN)
          .orThrow();
    }
  };

  private static final class Unwanted implements Journal.State {
    @Override
    public void writeTo(Journal.Sink sink) {
      throw new AssertionError("it was asked for");
    }

    @Override
    public boolean isWanted() {
      return false;
    }
  }

  private static final boolean FULL = Boolean.getBoolean("truce.full");

  abstract void take() throws Exception;

  private static Outcome<String> twoAppenders(Schedule schedule) {
    return new SimulatedMachine<>(DiskState.EMPTY, new Account<String>())
        .process("a", opened(journal -> journal.append("a1" + "x".repeat(600))))
        .process("b", opened(journal -> journal.append("b1")))
        .run(schedule)
        .orThrow();
  }

  private static void recovered(DiskState disk, Account<String> account) {
    new SimulatedMachine<>(disk, account)
        .process("after", SimulatedJournal::recover)
        .run(Schedule.PLAIN)
        .orThrow();
  }
}
