package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.truce.testkit.Farm.Me;
import dev.truce.testkit.Farm.Worker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/// The farm itself, with real processes.
final class FarmIT {
  /// Passes a barrier as often as it is told to, and says each generation.
  public static final class Walker implements Farm.Role {
    @Override
    public void play(Me me) throws Exception {
      for (int round = 0; round < Integer.parseInt(me.arguments().getFirst()); round++) {
        me.send("passed " + me.arrive("gate"));
      }
    }
  }

  /// Says back what it hears, until it hears "end".
  public static final class Echo implements Farm.Role {
    @Override
    public void play(Me me) throws Exception {
      me.send("hello from " + me.name() + " " + me.arguments());
      for (String heard = me.receive(); !heard.equals("end"); heard = me.receive()) {
        System.out.println("heard " + heard);
        me.send(heard);
      }
    }
  }

  /// Ends badly.
  public static final class Failing implements Farm.Role {
    @Override
    public void play(Me me) {
      System.out.println("about to fail");
      throw new IllegalStateException("as planned");
    }
  }

  /// Starts a process of its own that would outlive it.
  public static final class Parent implements Farm.Role {
    @Override
    public void play(Me me) throws Exception {
      Process child = new ProcessBuilder("sleep", "1000").inheritIO().start();
      me.send(Long.toString(child.pid()));
      me.receive();
    }
  }

  private static boolean alive(long pid) {
    return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
  }

  @Test
  void barrier_passedAgainAndAgain_countsGenerations() throws Exception {
    Farm.run(farm -> {
      Farm.Barrier gate = farm.barrier("gate", 3);
      List<Worker> walkers = new ArrayList<>();
      for (int walker = 0; walker < 3; walker++) {
        walkers.add(farm.launch("walker-" + walker, Walker.class, "50"));
      }
      gate.awaitPassed(50);
      for (Worker walker : walkers) {
        for (int round = 1; round <= 50; round++) {
          walker.receive("passed " + round);
        }
        assertThat(walker.await().messages()).isEmpty();
      }
    });
  }

  @Test
  void message_anyText_arrivesOnceAndInOrder() throws Exception {
    Farm.run(farm -> {
      Worker echo = farm.launch("echo", Echo.class, "one", "two words");
      echo.receive("hello from echo [one, two words]");
      List<String> texts =
          List.of("", "a", "a", "tab\there", "line\nend\r", "back\\slash\\n", "\ud83d\udd12");
      texts.forEach(echo::send);
      texts.forEach(echo::receive);
      echo.send("unread");
      echo.send("end");
      assertThat(echo.await().messages()).containsExactly("unread");
      assertThatThrownBy(echo::receive)
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("said no more");
    });
  }

  @Test
  void kill_runningProcess_isSeenAs137AndGone() throws Exception {
    Farm.run(farm -> {
      Worker echo = farm.launch("echo", Echo.class);
      echo.receive();
      assertThat(echo.alive()).isTrue();

      Farm.Exit exit = echo.kill();

      assertThat(exit.code()).isEqualTo(137);
      assertThat(exit.killed()).isTrue();
      assertThat(alive(echo.pid())).isFalse();
    });
  }

  @Test
  void stop_processStandsStillUntilContinued() throws Exception {
    Farm.run(farm -> {
      Worker echo = farm.launch("echo", Echo.class);
      echo.receive();
      echo.stop();
      echo.send("are you there?");
      assertThat(Files.readString(Path.of("/proc", Long.toString(echo.pid()), "stat")))
          .contains(") T ");

      echo.cont();

      echo.receive("are you there?");
    });
  }

  @Test
  void await_roleFails_saysWhatItPrinted() throws Exception {
    Farm.run(farm -> {
      Worker failing = farm.launch("failing", Failing.class);
      assertThatThrownBy(failing::await)
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("failing ended with 1")
          .hasMessageContaining("about to fail")
          .hasMessageContaining("as planned");
    });
  }

  @Test
  void run_testFails_failureCarriesWhatTheProcessesPrinted() {
    assertThatThrownBy(() ->
            Farm.run(farm -> {
              Worker echo = farm.launch("echo", Echo.class);
              echo.receive();
              echo.send("something");
              echo.receive();
              throw new IllegalStateException("the test failed");
            }))
        .hasMessage("the test failed")
        .satisfies(failure ->
            assertThat(failure.getSuppressed()[0]).hasMessageContaining("heard something"));
  }

  /// Nobody else comes: the parent's wait ends, and says who did. It is asked again until both
  /// processes are where they must be.
  @Test
  void barrier_somebodyIsMissing_theParentSaysWho() throws Exception {
    Farm.run(
        Duration.ofMillis(100),
        farm -> {
          Farm.Barrier gate = farm.barrier("gate", 2);
          List<String> patient = List.of("-D" + FarmProcess.LIVENESS + "=60000");
          farm.launch("early", Walker.class, patient, List.of("1"));
          farm.launch("dead", Failing.class);
          String wanted =
              "barrier gate, generation 1: 1 of 2 arrived, [early];"
                  + " missing may be [dead (ended with 1)]";

          long deadline = System.nanoTime() + Farm.LIVENESS.toNanos();
          for (String said = ""; !said.contains(wanted); said = whoIsMissing(gate)) {
            assertThat(System.nanoTime()).as("%s", said).isLessThan(deadline);
          }
        });
  }

  private static String whoIsMissing(Farm.Barrier gate) {
    return assertThrows(AssertionError.class, () -> gate.awaitPassed(1)).getMessage();
  }

  /// The process that waits ends, too, and was told.
  @Test
  void barrier_somebodyIsMissing_theProcessIsToldWho() throws Exception {
    Farm.run(farm -> {
      farm.barrier("gate", 2);
      farm.launch("dead", Failing.class).awaitExit();
      List<String> impatient = List.of("-D" + FarmProcess.LIVENESS + "=100");
      Worker early = farm.launch("early", Walker.class, impatient, List.of("1"));

      assertThat(early.awaitExit().code()).isEqualTo(1);
      assertThat(farm.logs()).contains("missing may be [dead (ended with 1)]");
    });
  }

  @Test
  void close_processesStillRun_leavesNoneAndNoFile() throws Exception {
    List<Long> pids = new ArrayList<>();
    Path directory;
    try (Farm farm = Farm.open()) {
      directory = farm.directory();
      Files.writeString(directory.resolve("file"), "content");
      Files.createDirectories(directory.resolve("a/b"));
      Worker echo = farm.launch("echo", Echo.class);
      echo.receive();
      Worker stopped = farm.launch("stopped", Echo.class);
      stopped.receive();
      stopped.stop();
      Worker parent = farm.launch("parent", Parent.class);
      pids.add(Long.parseLong(parent.receive()));
      Worker killed = farm.launch("killed", Parent.class);
      pids.add(Long.parseLong(killed.receive()));
      killed.kill();
      pids.addAll(List.of(echo.pid(), stopped.pid(), parent.pid(), killed.pid()));
    }
    assertThat(pids).hasSize(6).noneMatch(FarmIT::alive);
    assertThat(directory).doesNotExist();
  }

  /// A child of a farm whose JVM was killed sees the end of its input and ends, too.
  @Test
  void process_itsParentIsKilled_endsByItself() throws Exception {
    Farm.run(farm -> {
      Worker middle = farm.launch("middle", Middle.class);
      long grandchild = Long.parseLong(middle.receive());
      assertThat(alive(grandchild)).isTrue();
      ProcessHandle handle = ProcessHandle.of(grandchild).orElseThrow();

      ProcessHandle.of(middle.pid()).orElseThrow().destroyForcibly();
      middle.awaitExit();

      assertThatCode(() -> handle.onExit().get(10, TimeUnit.SECONDS)).doesNotThrowAnyException();
    });
  }

  /// Runs a farm of its own.
  public static final class Middle implements Farm.Role {
    @Override
    public void play(Me me) throws Exception {
      try (Farm farm = Farm.open()) {
        Worker echo = farm.launch("echo", Echo.class);
        echo.receive();
        Files.delete(farm.directory());
        me.send(Long.toString(echo.pid()));
        me.receive();
      }
    }
  }

  @Test
  void launch_sameNameOrClosedFarm_isRefused() throws IOException {
    Farm farm = Farm.open();
    try (farm) {
      farm.launch("echo", Echo.class);
      assertThatThrownBy(() -> farm.launch("echo", Echo.class))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> farm.launch("late", Echo.class))
        .isInstanceOf(IllegalStateException.class);
  }
}
