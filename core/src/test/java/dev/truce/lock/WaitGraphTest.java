package dev.truce.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.Owner;
import dev.truce.lock.RingWorld.Detector;
import dev.truce.lock.RingWorld.Habit;
import dev.truce.lock.WaitGraph.Knot;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Rings of waits in worlds of chance: who is told to give way could never have been served, one is
/// told where some could not, and every detector that is wrong in one way is found out.
class WaitGraphTest {
  private static final boolean FULL = Boolean.getBoolean("truce.full");
  private static final int WORLDS = FULL ? 400_000 : 2_500;
  private static final int MOST_WORLDS = 200_000;

  /// As [Waits] does it.
  private static final Detector RIGHT =
      (start, pictures) ->
          WaitGraph.seenTwice(start, pictures, RingWorld.RULES)
              .map(knot -> knot.victim(Waits.LESS_IMPORTANT));

  @Test
  void rings_exactlyThoseWhoCannotBeServed_oneAtATime() {
    long gaveWay = 0;
    for (long seed = 1; seed <= WORLDS; seed++) {
      gaveWay += run(seed, RIGHT, Set.of());
    }
    assertThat(gaveWay).as("worlds without rings show nothing").isGreaterThan(WORLDS / 4);
  }

  private static long run(long seed, Detector detector, Set<Habit> habits) {
    try {
      return new RingWorld(seed, detector, habits).run();
    } catch (RuntimeException | AssertionError failure) {
      throw new AssertionError(
          "in world " + seed + ", to repeat it: new RingWorld(" + seed + "L, ..).run()", failure);
    }
  }

  /// A detector with one defect.
  ///
  /// @param first where worlds begin to be tried; those before it are known to show nothing
  record Mutant(String name, Detector detector, Set<Habit> habits, long first) {
    Mutant(String name, Detector detector, Set<Habit> habits) {
      this(name, detector, habits, 1);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static List<Mutant> mutants() {
    return List.of(
        new Mutant(
            "one picture is enough",
            (start, pictures) ->
                once(start, pictures.get()).map(knot -> knot.victim(Waits.LESS_IMPORTANT)),
            Set.of(),
            7_800),
        new Mutant(
            "whoever finds a ring gives way",
            (start, pictures) ->
                WaitGraph.seenTwice(start, pictures, RingWorld.RULES).map(knot -> start),
            Set.of(Habit.JUDGES_ALONE)),
        new Mutant("two verdicts in overlapping rings", RIGHT, Set.of(Habit.JUDGES_ALONE)),
        new Mutant("looks before it tells", RIGHT, Set.of(Habit.LOOKS_FIRST)),
        new Mutant("tells nobody of upgrades", RIGHT, Set.of(Habit.HIDES_UPGRADES)),
        new Mutant("sees no readers", RIGHT, Set.of(Habit.SEES_NO_READERS)),
        new Mutant("sees nobody ahead", RIGHT, Set.of(Habit.SEES_NOBODY_AHEAD)),
        new Mutant("waits for all permits", RIGHT, Set.of(Habit.WAITS_FOR_ALL_PERMITS)),
        new Mutant("nobody gives way", (start, pictures) -> Optional.empty(), Set.of()));
  }

  private static Optional<Knot> once(Waiting start, WaitGraph.View picture) {
    return WaitGraph.knot(start, picture, RingWorld.RULES);
  }

  @ParameterizedTest
  @MethodSource("mutants")
  void mutant_isFoundOut(Mutant mutant) {
    assertThatThrownBy(
            () -> {
              for (long seed = mutant.first(); seed <= MOST_WORLDS; seed++) {
                run(seed, mutant.detector(), mutant.habits());
              }
            })
        .isInstanceOf(AssertionError.class)
        .cause()
        .isInstanceOf(RingWorld.Wrong.class);
  }

  @Test
  void bytes_ofWaits_areReadAsTheyWereWritten() {
    Refusal.Link link =
        new Refusal.Link(new Owner("ci", "build-3", 8112), "a", "b\u00e9", NamedLock.Mode.READ);
    List<Waiting> waits =
        List.of(
            new Waiting(
                7,
                3,
                "index",
                NamedLock.Mode.READ,
                true,
                12,
                NamedLock.FIRST_PRIORITY,
                List.of(new Waiting.Token("a", 5), new Waiting.Token("\u00e9", 1L << 52)),
                List.of(new LockState.Claim(1, 2)),
                List.of(link)),
            new Waiting(
                8,
                3,
                "",
                NamedLock.Mode.WRITE,
                false,
                Long.MAX_VALUE,
                Integer.MIN_VALUE,
                List.of(),
                List.of(),
                List.of()));
    byte[] bytes = Waiting.write(waits);
    assertThat(Waiting.read(3, bytes)).isEqualTo(waits);
    assertThat(Waiting.write(List.of())).isEmpty();
    assertThat(Waiting.read(3, new byte[0])).isEmpty();
    for (int length = 1; length < bytes.length; length++) {
      assertThat(Waiting.read(3, Arrays.copyOf(bytes, length))).isEmpty();
    }
  }
}
