package dev.truce.lock;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Owner;
import dev.truce.lock.Figures.Reset;
import dev.truce.lock.LockState.Counters;
import dev.truce.lock.LockStatistics.End;
import dev.truce.lock.LockStatistics.Operation;
import dev.truce.lock.NamedLock.Mode;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class FiguresTest {
  private static final Owner CI = new Owner("ci", "build-3", 8112);

  private static Operation released(int at) {
    return new Operation(
        Instant.ofEpochMilli(1_000 + at),
        End.RELEASED,
        Mode.WRITE,
        CI,
        at + 1,
        Optional.of(Duration.ofNanos(at)),
        Optional.of(Duration.ofMillis(at)),
        64);
  }

  private static Operation timedOut(int at, Owner owner) {
    return new Operation(
        Instant.ofEpochMilli(1_000 + at),
        End.TIMED_OUT,
        Mode.READ,
        owner,
        0,
        Optional.of(Duration.ofSeconds(9)),
        Optional.empty(),
        1);
  }

  @Test
  void read_ofWhatWasWritten_isTheSame() {
    Figures some = Figures.reset(new Reset(77, new Counters(5, 4, 3, 2, 1)));
    some.add(released(3));
    some.add(timedOut(4, new Owner("you", "ws4", 0)));
    Figures read = Figures.read(some.write(Figures.MOST_BYTES));
    assertThat(read.ends()).isEqualTo(Map.of(End.RELEASED, 64L, End.TIMED_OUT, 1L));
    assertThat(read.last()).isEqualTo(some.last());
    assertThat(read.reset()).isEqualTo(some.reset());
    assertThat(read.waits().spread()).isEqualTo(some.waits().spread());
    assertThat(read.holds().spread()).isEqualTo(some.holds().spread());
    assertThat(read.reset().at()).contains(Instant.ofEpochMilli(77));
  }

  @Test
  void waits_areOfThoseWhoWereGranted() {
    Figures some = new Figures();
    some.add(timedOut(1, CI));
    assertThat(some.waits().isEmpty()).isTrue();
    assertThat(some.last()).hasSize(1);
  }

  @Test
  void last_ofSeveralProcesses_areTheNewestHundredInOrder() {
    Figures odd = new Figures();
    Figures even = new Figures();
    for (int i = 0; i < 300; i++) {
      (i % 2 == 0 ? even : odd).add(released(i));
    }
    assertThat(odd.last()).hasSize(LockStatistics.LAST);
    even.add(odd);
    assertThat(even.last()).extracting(Operation::token).hasSize(100).isSorted();
    assertThat(even.last().getLast()).isEqualTo(released(299));
    assertThat(even.last().getFirst()).isEqualTo(released(200));
    assertThat(even.ends()).isEqualTo(Map.of(End.RELEASED, 300L * 64));
  }

  @Test
  void write_ofLongNames_keepsItsBoundAndTheNewest() {
    Figures some = new Figures();
    for (int i = 0; i < LockStatistics.LAST; i++) {
      some.add(timedOut(i, new Owner("n".repeat(190) + i, "h".repeat(200), i)));
    }
    byte[] bytes = some.write(Figures.MOST_BYTES);
    assertThat(bytes).hasSizeLessThanOrEqualTo(Figures.MOST_BYTES);
    Figures read = Figures.read(bytes);
    assertThat(read.last()).isNotEmpty();
    assertThat(read.last().getLast().owner().pid()).isEqualTo(99);
    assertThat(read.ends()).isEqualTo(Map.of(End.TIMED_OUT, 100L));
  }

  @Test
  void write_ofAHundredShortRuns_isAFewKilobytes() {
    Figures some = new Figures();
    for (int i = 0; i < LockStatistics.LAST; i++) {
      Operation one = released(i);
      Owner owner = new Owner("ci", "build-3.example.org", 1_000_000 + i);
      some.add(
          new Operation(
              one.at(), one.end(), one.mode(), owner, 1L << 40, one.waited(), one.held(), 1));
    }
    assertThat(some.write(Figures.MOST_BYTES)).hasSizeLessThan(6_000);
  }

  @Test
  void read_damagedAnywhere_isEmptyOrReadable() {
    Figures some = new Figures();
    for (int i = 0; i < 20; i++) {
      some.add(released(i));
    }
    byte[] whole = some.write(Figures.MOST_BYTES);
    for (int cut = 1; cut < whole.length; cut++) {
      assertThat(Figures.read(Arrays.copyOf(whole, cut)).isEmpty()).isTrue();
    }
    for (int at = 0; at < whole.length; at++) {
      byte[] damaged = whole.clone();
      damaged[at] ^= (byte) 0xff;
      assertThat(Figures.read(damaged).write(Figures.MOST_BYTES)).isNotEmpty();
    }
  }

  @Test
  void isNewer_anotherFormat_isLeftAlone() {
    byte[] bytes = new Figures().write(Figures.MOST_BYTES);
    assertThat(Figures.isNewer(bytes)).isFalse();
    bytes[0]++;
    assertThat(Figures.isNewer(bytes)).isTrue();
    assertThat(Figures.isNewer(new byte[0])).isFalse();
  }
}
