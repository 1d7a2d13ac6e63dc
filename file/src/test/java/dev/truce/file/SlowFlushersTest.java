package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.testkit.Account;
import dev.truce.testkit.DiskState;
import dev.truce.testkit.RecordingStorage.Call;
import dev.truce.testkit.RecordingStorage.Kind;
import dev.truce.testkit.Schedule;
import dev.truce.testkit.Schedule.Event;
import dev.truce.testkit.SimulatedMachine;
import dev.truce.testkit.SimulatedMachine.Body;
import dev.truce.testkit.SimulatedMachine.Outcome;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// Processes that stop in the middle of a flush, and go on when others have written what it was
/// about into another segment.
final class SlowFlushersTest {
  private static final Duration SHORT = Duration.ofSeconds(5);

  /// Its flush was announced before the second one came, so that one writes all once more; the
  /// third one cannot believe the second, and by then the first has raised the durable word to
  /// where the journal no longer leads.
  @Test
  void twoFlushersStopped_theSecondBehindTheFirst_whoComesLaterReadsAndWritesAll() {
    Schedule stopped = stopped();
    Outcome<String> outcome = run(stopped);
    assertThat(outcome.account().acknowledged()).contains("f1", "f2", "s1", "t1", "t2");
    assertThat(outcome.disk().files()).containsKeys("journal.j.2", "journal.j.3");
    opensAgain(stopped);
  }

  @Test
  void twoFlushersStopped_theThirdKilledAnywhere_whatWasAcknowledgedIsThere() {
    Schedule stopped = stopped();
    List<Object> trace = run(stopped).trace();
    int killed = 0;
    for (int point = 1; point <= trace.size(); point++) {
      if (trace.get(point - 1) instanceof Call call && call.process().equals("third")) {
        opensAgain(with(stopped, new Event.Kill(point, false)));
        killed++;
      }
    }
    assertThat(killed).isGreaterThan(20);
  }

  private static Schedule stopped() {
    Schedule first = Schedule.of(new Event.Stop(flushOf("first", run(Schedule.PLAIN)), SHORT));
    return with(first, new Event.Stop(flushOf("second", run(first)), SHORT.multipliedBy(4)));
  }

  private static Schedule with(Schedule before, Event event) {
    return Schedule.parse(before + " " + Schedule.of(event));
  }

  private static void opensAgain(Schedule schedule) {
    for (boolean booted : new boolean[] {false, true}) {
      Outcome<String> outcome = run(schedule);
      Map<String, byte[]> files = outcome.disk().files();
      new SimulatedMachine<>(booted ? withoutControl(files) : outcome.disk(), outcome.account())
          .process("after", SimulatedJournal::recover)
          .run(Schedule.PLAIN)
          .orThrow();
    }
  }

  private static Outcome<String> run(Schedule schedule) {
    DiskState founded =
        new SimulatedMachine<>(DiskState.EMPTY, new Account<String>())
            .process("set up", opened(Duration.ZERO))
            .run(Schedule.PLAIN)
            .orThrow()
            .disk();
    return new SimulatedMachine<>(founded, new Account<String>())
        .process("first", opened(Duration.ZERO, "f1", "f2"))
        .process("second", opened(Duration.ofSeconds(1), "s1"))
        .process("third", opened(Duration.ofSeconds(7), "t1", "t2"))
        .run(schedule)
        .orThrow();
  }

  /// A process that ends without closing the journal: no mark tells what is on disk.
  private static Body<String> opened(Duration later, String... values) {
    return me -> {
      me.ticker().park(me, me.ticker().nanos() + later.toNanos());
      new SimulatedJournal(me).append(values);
    };
  }

  /// The point at which a process flushes what it appended: the last of its flushes, the others are
  /// of fresh segments.
  private static int flushOf(String process, Outcome<String> outcome) {
    int last = 0;
    for (int point = 1; point <= outcome.points(); point++) {
      if (outcome.trace().get(point - 1) instanceof Call call
          && call.process().equals(process)
          && call.kind() == Kind.FLUSH) {
        last = point;
      }
    }
    assertThat(last).isPositive();
    return last;
  }

  /// As after a boot: what the segments say has to be enough.
  private static DiskState withoutControl(Map<String, byte[]> files) {
    Map<String, byte[]> left = new HashMap<>(files);
    left.keySet().removeAll(Set.of("journal.j", Locks.NAME));
    return DiskState.of(left);
  }
}
