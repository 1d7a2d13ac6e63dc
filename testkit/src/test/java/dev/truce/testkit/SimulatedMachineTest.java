package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.spi.Storage;
import dev.truce.testkit.Schedule.Event;
import dev.truce.testkit.SimulatedDisk.Fault;
import dev.truce.testkit.SimulatedMachine.Body;
import dev.truce.testkit.SimulatedMachine.Outcome;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class SimulatedMachineTest {
  private final List<String> said = new ArrayList<>();
  private final SimulatedMachine<String> machine =
      new SimulatedMachine<>(DiskState.EMPTY, new Account<>());

  /// Reaches three points, and says its name at each.
  private Body<String> walker() {
    return me -> {
      for (int i = 1; i <= 3; i++) {
        SimulatedMachine.reach("step " + i);
        said.add(me.name() + i);
      }
    };
  }

  private Outcome<String> walk(Schedule schedule) {
    return machine.process("a", walker()).process("b", walker()).run(schedule).orThrow();
  }

  @Test
  void withoutEvents_oneGoesOnToItsEnd_thenTheNext() {
    Outcome<String> outcome = walk(Schedule.PLAIN);
    assertThat(said).containsExactly("a1", "a2", "a3", "b1", "b2", "b3");
    assertThat(outcome.points()).isEqualTo(6);
    assertThat(outcome.trace().getFirst()).hasToString("a: at step 1");
  }

  @Test
  void aSwitch_letsAnotherGoOn_whereTheScheduleSays() {
    Outcome<String> outcome = walk(Schedule.of(new Event.Switch(2, "b"), new Event.Switch(4, "a")));
    assertThat(said).containsExactly("a1", "b1", "a2", "a3", "b2", "b3");
    assertThat(outcome.schedule()).hasToString("2>b 4>a");
  }

  @Test
  void aSwitchToWhoCannotGoOn_isNone() {
    assertThat(walk(Schedule.parse("2>a 5>a 3>nobody")).schedule()).isEqualTo(Schedule.PLAIN);
    assertThat(said).containsExactly("a1", "a2", "a3", "b1", "b2", "b3");
  }

  @Test
  void chance_isTheSameForTheSameSeed_andSpeltOutItIsTheSameToo() {
    Set<List<String>> all = new HashSet<>();
    for (int seed = 0; seed < 20; seed++) {
      Schedule chance = Schedule.random(new Seed(seed));
      Schedule spelt = walkAgain(chance).schedule();
      List<String> first = List.copyOf(said);
      for (Schedule again : List.of(chance, spelt, Schedule.parse("" + spelt))) {
        assertThat(walkAgain(again).schedule()).isEqualTo(spelt);
        assertThat(said).isEqualTo(first);
      }
      all.add(first);
    }
    assertThat(all).hasSizeGreaterThan(3);
  }

  private Outcome<String> walkAgain(Schedule schedule) {
    said.clear();
    return new SimulatedMachine<>(DiskState.EMPTY, new Account<String>())
        .process("a", walker())
        .process("b", walker())
        .run(schedule)
        .orThrow();
  }

  @Test
  void aStoppedProcess_goesOnWhenItsTimeHasCome_othersGoOnAtOnce() {
    machine
        .process("a", walker())
        .process(
            "b",
            me -> {
              said.add("b");
              me.ticker().park(this, me.ticker().nanos() + Duration.ofMillis(400).toNanos());
              said.add("b at 400 ms");
              me.ticker().park(this, me.ticker().nanos() + Duration.ofMillis(400).toNanos());
              said.add("b at 800 ms");
            })
        .run(Schedule.of(new Event.Stop(2, Duration.ofMillis(600))))
        .orThrow();
    assertThat(said).containsExactly("a1", "b", "b at 400 ms", "a2", "a3", "b at 800 ms");
  }

  @Test
  void whoWaits_wakesInTheOrderOfTime_andNothingSleepsReally() {
    long began = System.nanoTime();
    for (int days = 3; days >= 1; days--) {
      int wait = days;
      machine.process(
          "p" + days,
          me -> {
            me.ticker().park(this, me.ticker().nanos() + Duration.ofDays(wait).toNanos());
            said.add(me.name());
          });
    }
    machine.run(Schedule.PLAIN).orThrow();
    assertThat(said).containsExactly("p1", "p2", "p3");
    assertThat(System.nanoTime() - began).isLessThan(Duration.ofHours(1).toNanos());
  }

  @Test
  void whoWaitsForNoTimeAtAll_looksAgain() {
    machine
        .process(
            "a",
            me -> {
              while (said.isEmpty()) {
                me.ticker().park(this, Long.MAX_VALUE);
              }
            })
        .process(
            "b",
            me -> {
              me.ticker().park(this, me.ticker().nanos() + Duration.ofMinutes(1).toNanos());
              said.add("b");
            })
        .run(Schedule.PLAIN)
        .orThrow();
    assertThat(said).containsExactly("b");
  }

  /// Two that spin on each other's memory without ever calling anything but the clock.
  @Test
  void whoOnlyLooksAtTheClock_letsOthersHaveTheirTurn() {
    int[] turn = {0};
    Consumer<SimulatedMachine<String>.Worker> spin =
        me -> {
          for (int i = 0; i < 3; i++) {
            int mine = me.name().equals("a") ? 0 : 1;
            while (turn[0] != mine) {
              long _ = me.ticker().nanos();
            }
            said.add(me.name());
            turn[0] = 1 - mine;
          }
        };
    machine.process("a", spin::accept).process("b", spin::accept).run(Schedule.PLAIN).orThrow();
    assertThat(said).containsExactly("a", "b", "a", "b", "a", "b");
  }

  @Test
  void aKilledProcess_doesNothingMore_andItsLocksAreFree() {
    Outcome<String> outcome =
        machine
            .process(
                "a",
                me -> {
                  Storage.File file = me.storage().create("f", 0);
                  try {
                    assertThat(file.tryLock(0, false)).isTrue();
                    file.size();
                    said.add("a lives");
                  } finally {
                    me.storage().delete("f");
                  }
                })
            .process("b", me -> said.add("lock " + me.storage().open("f").tryLock(0, false)))
            .run(Schedule.parse("3!kill"))
            .orThrow();
    assertThat(said).containsExactly("lock true");
    assertThat(outcome.disk().files()).containsOnlyKeys("f");
  }

  @Test
  void aProcessKilledInAWrite_hasWrittenHalf() {
    Outcome<String> outcome =
        machine
            .process(
                "a",
                me ->
                    me.storage().create("f", 4).write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4}), 0))
            .run(Schedule.parse("2!tear"))
            .orThrow();
    assertThat(outcome.disk().files().get("f")).containsExactly(1, 2, 0, 0);
  }

  @Test
  void aPowerCut_endsAll_beforeTheCallHappens() {
    Outcome<String> outcome =
        machine
            .process(
                "a",
                me -> {
                  me.storage().create("one", 0);
                  me.storage().create("two", 0);
                })
            .process("b", walker())
            .run(Schedule.parse("2!power"))
            .orThrow();
    assertThat(outcome.disk().files()).containsOnlyKeys("one");
    assertThat(outcome.disk().afterPowerCut().files()).isEmpty();
    assertThat(said).isEmpty();
  }

  @Test
  void aFailingCall_fails_andAProcessThatCannotCope_ends() {
    machine
        .process(
            "a",
            me -> {
              assertThatThrownBy(() -> me.storage().names()).isInstanceOf(IOException.class);
              me.storage().names();
              said.add("a copes once");
            })
        .process(
            "b",
            me -> {
              me.storage().create("f", 0);
              said.add("b copes");
            })
        .run(Schedule.of(new Event.Fail(1, Fault.IO, false), new Event.Fail(3, Fault.FULL, true)))
        .orThrow();
    assertThat(said).containsExactly("a copes once");
  }

  @Test
  void aFailureThatNoFaultExplains_endsTheRun_andSaysHowToRepeatIt() {
    machine
        .process(
            "a",
            me -> {
              SimulatedMachine.reach("here");
              throw new IOException("for no reason");
            })
        .process("b", walker());
    Outcome<String> outcome = machine.run(Schedule.parse("1>b 3>a"));
    assertThat(said).containsExactly("b1");
    assertThatThrownBy(outcome::orThrow)
        .hasMessageContaining("for no reason")
        .hasMessageContaining("schedule: 1>b 3>a");
  }

  @Test
  void aSchedule_readsWhatItWrote() {
    String text = "12>b 14!stop:1000 20!kill 21!tear 22!io 23!io* 24!full 25!full* 30!power";
    assertThat(Schedule.parse(text)).hasToString(text);
    assertThat(Schedule.parse("plain")).isEqualTo(Schedule.PLAIN);
    assertThat(Schedule.PLAIN).hasToString("plain");
    assertThatThrownBy(() -> Schedule.parse("12?b")).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void reach_outsideOfAMachine_isNothing() {
    SimulatedMachine.reach("nowhere");
    assertThat(said).isEmpty();
  }
}
