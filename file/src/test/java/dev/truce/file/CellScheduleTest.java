package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.spi.Cells;
import dev.truce.testkit.Account;
import dev.truce.testkit.DiskState;
import dev.truce.testkit.Schedule;
import dev.truce.testkit.Schedule.Event;
import dev.truce.testkit.Seed;
import dev.truce.testkit.SimulatedMachine;
import dev.truce.testkit.SimulatedMachine.Body;
import dev.truce.testkit.SimulatedMachine.Outcome;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Two who swap one cell, under a schedule that lets the other go on, or stops one, at every access
/// to a word that they share: none of their changes is lost, and the one does not wait for the
/// other.
final class CellScheduleTest {
  private static final int CHANCES = Boolean.getBoolean("truce.full") ? 20_000 : 500;
  private static final int SWAPS = 3;
  private static final Duration STANDSTILL = Duration.ofSeconds(5);

  @Test
  void twoWhoSwapOneCell_underAnySchedule_loseNothing(@TempDir Path temporary) {
    try (FileEngine engine = FileEngine.open(temporary.resolve("root"))) {
      Cells cells = engine.cells();
      cells.draw(1); // numbers are reserved for all that follow
      int points = run(cells, 0, Schedule.PLAIN).points();
      assertThat(points).isGreaterThan(50);
      List<Schedule> schedules = new ArrayList<>();
      for (int point = 1; point <= points; point++) {
        schedules.add(Schedule.of(new Event.Switch(point, "b")));
        schedules.add(Schedule.of(new Event.Stop(point, STANDSTILL)));
      }
      Seed seed = Seed.choose();
      for (int i = 0; i < CHANCES; i++) {
        schedules.add(Schedule.random(new Seed(seed.value() + i)));
      }
      for (int number = 1; number <= schedules.size(); number++) {
        run(cells, number, schedules.get(number - 1));
      }
    }
  }

  private static Outcome<String> run(Cells cells, int number, Schedule schedule) {
    String key = "cell " + number % 100;
    long[] before = counts(cells, key);
    Outcome<String> outcome =
        new SimulatedMachine<>(DiskState.EMPTY, new Account<String>())
            .process("a", swapping(cells, key, 0))
            .process("b", swapping(cells, key, 1))
            .run(schedule)
            .orThrow();
    long[] after = counts(cells, key);
    assertThat(after[0] - before[0]).as("%s", outcome.schedule()).isEqualTo(SWAPS);
    assertThat(after[1] - before[1]).as("%s", outcome.schedule()).isEqualTo(SWAPS);
    for (Event happened : outcome.schedule().events()) {
      if (happened instanceof Event.Stop stop) {
        String at = outcome.trace().get(stop.point() - 1).toString();
        assertThat(at).as("who stood still, and is last").startsWith(last(outcome));
      }
    }
    return outcome;
  }

  private static String last(Outcome<String> outcome) {
    return outcome.account().acknowledged().getLast();
  }

  private static Body<String> swapping(Cells cells, String key, int worker) {
    return me -> {
      for (int i = 0; i < SWAPS; i++) {
        Tally.increment(cells, key, worker);
      }
      me.account().attempt(me.name());
      me.account().acknowledge(me.name());
    };
  }

  private static long[] counts(Cells cells, String key) {
    return Tally.of(cells.read(key).bytes()).counts();
  }
}
