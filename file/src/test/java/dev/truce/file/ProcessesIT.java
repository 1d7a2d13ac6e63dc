package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.spi.Members.Membership;
import dev.truce.spi.Members.Standing;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What only several processes can show.
final class ProcessesIT {
  private static final List<String> NATIVE = List.of("--enable-native-access=ALL-UNNAMED");
  private static final List<String> NO_NATIVE = List.of("--illegal-native-access=deny");

  @Test
  @Timeout(60)
  void createdByEightAtOnce_isOneRoot_andNoNumberIsDrawnTwice(@TempDir Path temporary) {
    Path root = temporary.resolve("root");
    List<Child> children = new ArrayList<>();
    try {
      for (int i = 0; i < 8; i++) {
        children.add(Child.start(List.of(), "create", root));
      }
      children.forEach(child -> child.await("ready"));
      children.forEach(child -> child.say("go"));
      Set<String> roots = new HashSet<>();
      Set<Long> drawn = new HashSet<>();
      for (Child child : children) {
        String[] answer = child.await("root").split(" ", -1);
        roots.add(answer[0]);
        long first = Long.parseLong(answer[1]);
        for (long number = first; number < first + 100; number++) {
          assertThat(drawn.add(number)).as("%d is drawn twice", number).isTrue();
        }
        assertThat(child.join()).isZero();
      }
      assertThat(roots).hasSize(1);
      assertThat(root.toFile().list()).hasSize(5);
    } finally {
      children.forEach(Child::close);
    }
  }

  @Test
  @Timeout(60)
  void wakes_crossBetweenProcesses_withAndWithoutNativeAccess(@TempDir Path temporary)
      throws Exception {
    try (FileEngine engine = FileEngine.open(temporary.resolve("root"));
        Membership me = engine.members().join(new byte[0]);
        Child with = Child.start(NATIVE, "join", temporary.resolve("root"));
        Child without = Child.start(NO_NATIVE, "join", temporary.resolve("root"))) {
      Semaphore heard = new Semaphore(0);
      me.listen(true, heard::release);
      for (Child child : List.of(with, without)) {
        long member = member(child);
        child.say(String.valueOf(me.member()));
        assertThat(child.await("standing")).startsWith("Alive");
        for (int pause : new int[] {0, 0, 150, 0}) {
          TimeUnit.MILLISECONDS.sleep(pause);
          heard.drainPermits();
          engine.members().wake(member);
          assertThat(heard.tryAcquire(10, TimeUnit.SECONDS)).isTrue();
        }
      }
    }
  }

  @Test
  @Timeout(60)
  void twoProcessesThatAreBothPidOne_knowEachOther(@TempDir Path temporary) {
    List<String> apart = List.of("unshare", "--pid", "--fork", "--mount-proc", "--kill-child");
    try (FileEngine engine = FileEngine.open(temporary.resolve("root"));
        Child first = Child.start(apart, List.of(), "join", temporary.resolve("root"));
        Child second = Child.start(apart, List.of(), "join", temporary.resolve("root"))) {
      long firstMember = memberOfPidOne(first);
      long secondMember = memberOfPidOne(second);
      first.say(String.valueOf(secondMember));
      assertThat(first.await("standing")).startsWith("Alive");
      second.say(String.valueOf(firstMember));
      assertThat(second.await("standing")).startsWith("Alive");
      first.kill();
      awaitDeath(engine, firstMember);
      second.say(String.valueOf(firstMember));
      assertThat(second.await("standing")).startsWith("Dead");
      assertThat(engine.members().standing(secondMember)).isInstanceOf(Standing.Alive.class);
    }
  }

  @Test
  @Timeout(60)
  void killedMember_isDeadAtOnce_thoughNobodyWasTold(@TempDir Path temporary) {
    try (FileEngine engine = FileEngine.open(temporary.resolve("root"));
        Child child = Child.start(List.of(), "join", temporary.resolve("root"))) {
      long member = member(child);
      child.signal("STOP");
      assertThat(engine.members().standing(member)).isInstanceOf(Standing.Alive.class);
      child.kill();
      awaitDeath(engine, member);
      assertThat(engine.members().list()).contains(member);
      assertThat(engine.members().end(member)).isTrue();
      assertThat(engine.members().list()).doesNotContain(member);
    }
  }

  /// The kernel frees the locks of a killed process while it takes it apart.
  private static void awaitDeath(FileEngine engine, long member) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
    while (!(engine.members().standing(member) instanceof Standing.Dead)) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      Thread.onSpinWait();
    }
  }

  private static long member(Child child) {
    return Long.parseLong(child.await("member").split(" ", -1)[0]);
  }

  private static long memberOfPidOne(Child child) {
    String[] answer = child.await("member").split(" ", -1);
    assertThat(answer[2]).isEqualTo("1");
    return Long.parseLong(answer[0]);
  }
}
