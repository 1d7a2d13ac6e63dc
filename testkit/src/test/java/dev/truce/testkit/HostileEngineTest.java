package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.EngineException;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Capabilities;
import dev.truce.spi.Cells;
import dev.truce.spi.Cells.Cell;
import dev.truce.spi.Cells.Swap;
import dev.truce.spi.Members.Membership;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/// That the hostile engine is hostile: each of its evils is met, and the same ones for the same
/// seed.
final class HostileEngineTest {
  private static HostileEngine hostile(long seed) {
    return HostileEngine.over(MemoryEngine.create(new TestClock()), new Seed(seed));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(Cell cell) {
    return new String(cell.bytes(), StandardCharsets.UTF_8);
  }

  /// What becomes of a thousand swaps, as one thread sees it.
  private static List<String> life(long seed) {
    List<String> life = new ArrayList<>();
    try (HostileEngine engine = hostile(seed)) {
      for (int round = 0; round < 1_000; round++) {
        Cells cells = engine.cells();
        Swap swap = cells.swap("k", cells.read("k"), bytes("n" + round));
        life.add(swap.getClass().getSimpleName() + " " + text(cells.read("k")));
        life.add(text(cells.read("k")) + cells.draw(1));
      }
    }
    return life;
  }

  @Test
  void run_sameSeedOnOneThread_isTheSame() {
    assertThat(life(42)).isEqualTo(life(42));
    assertThat(life(42)).isNotEqualTo(life(43));
  }

  @Test
  void swap_unknown_isAboutOnePercentAppliedNotAppliedAndLate() {
    int rounds = 20_000;
    int unknown = 0;
    int applied = 0;
    int late = 0;
    int lostForNothing = 0;
    try (HostileEngine engine = hostile(7)) {
      Cells cells = engine.cells();
      for (int round = 0; round < rounds; round++) {
        Cell before = cells.read("k");
        switch (cells.swap("k", before, bytes("n" + round))) {
          case Swap.Won _ -> assertThat(text(cells.read("k"))).isEqualTo("n" + round);
          case Swap.Lost(Cell current) -> {
            if (text(current).equals(text(before))) {
              lostForNothing++;
            }
          }
          case Swap.Unknown _ -> {
            unknown++;
            boolean atOnce = text(cells.read("k")).equals("n" + round);
            cells.read("k");
            cells.read("k");
            boolean afterwards = text(cells.read("k")).equals("n" + round);
            applied += atOnce ? 1 : 0;
            late += !atOnce && afterwards ? 1 : 0;
          }
        }
      }
    }
    assertThat(unknown).isBetween(rounds / 200, rounds / 50);
    assertThat(applied).isGreaterThan(unknown / 5);
    assertThat(late).isGreaterThan(unknown / 5);
    assertThat(unknown - applied - late).isGreaterThan(unknown / 5);
    assertThat(lostForNothing).isGreaterThan(rounds / 100);
  }

  @Test
  void revision_readTwice_equalsNothing() {
    try (HostileEngine engine = hostile(1)) {
      Object first = engine.cells().read("k").revision();
      Object second = engine.cells().read("k").revision();
      assertThat(first).isNotEqualTo(second);
    }
  }

  @Test
  void read_callerScribblesOnTheBytes_nothingChanges() {
    try (HostileEngine engine = hostile(1)) {
      Cells cells = engine.cells();
      byte[] mine = bytes("one");
      while (!text(cells.read("k")).equals("one")) {
        cells.swap("k", cells.read("k"), mine);
      }
      mine[0] = 'X';
      cells.read("k").bytes()[0] = 'X';
      assertThat(text(cells.read("k"))).isEqualTo("one");
    }
  }

  @Test
  void wakes_some_areLostLateOrUnasked() {
    try (HostileEngine engine = hostile(5)) {
      Membership member = engine.members().join(new byte[0]);
      AtomicInteger hints = new AtomicInteger();
      member.listen(true, hints::incrementAndGet);
      for (int round = 0; round < 1_000; round++) {
        engine.members().wake(member.member());
      }
      assertThat(hints.get()).isBetween(500, 900);
    }
  }

  @Test
  void clocks_ofTwoHandles_areFarApart() {
    TestClock clock = new TestClock();
    MemoryEngine memory = MemoryEngine.create(clock);
    try (HostileEngine one = HostileEngine.over(memory, new Seed(3), Capabilities.Clock.NONE);
        HostileEngine two = one.another(memory.another())) {
      long apart = Math.abs(one.ticker().nanos() - two.ticker().nanos());
      assertThat(Duration.ofNanos(apart)).isGreaterThan(Duration.ofHours(1));
      long before = one.ticker().nanos();
      clock.advance(Duration.ofSeconds(5));
      assertThat(one.ticker().nanos() - before).isEqualTo(Duration.ofSeconds(5).toNanos());
    }
  }

  @Test
  void wallClock_whenSet_jumpsAheadAndNeverBack() {
    TestClock clock = new TestClock();
    try (HostileEngine engine =
        HostileEngine.over(MemoryEngine.create(clock), new Seed(3), Capabilities.Clock.WALL)) {
      assertThat(engine.capabilities().clock()).isEqualTo(Capabilities.Clock.WALL);
      long last = engine.ticker().nanos();
      int jumps = 0;
      int stops = 0;
      for (int reading = 0; reading < 10_000; reading++) {
        clock.advance(Duration.ofSeconds(1));
        long now = engine.ticker().nanos();
        assertThat(now).isGreaterThanOrEqualTo(last);
        jumps += now - last > Duration.ofMinutes(1).toNanos() ? 1 : 0;
        stops += now == last ? 1 : 0;
        last = now;
      }
      assertThat(jumps).isPositive();
      assertThat(stops).isPositive();
    }
  }

  @Test
  void cut_reachesNothingUntilMended() {
    try (HostileEngine engine = hostile(1)) {
      engine.cut();
      assertThatThrownBy(() -> engine.cells().read("k"))
          .isInstanceOf(EngineException.class)
          .hasMessageContaining("-Dtruce.seed=1");
      engine.mend();
      assertThat(engine.cells().read("k").absent()).isTrue();
    }
  }
}
