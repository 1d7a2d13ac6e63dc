package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.EngineException;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Capabilities;
import dev.truce.spi.Members;
import dev.truce.spi.Members.Membership;
import dev.truce.spi.Members.Standing;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Membership by heartbeat where the suite cannot look: networks that come back, and the margin.
final class CellMembersTest {
  private static final Duration TERM = HostileEngine.TERM;

  private final HostileUnderTest place = new HostileUnderTest(Seed.choose());
  private final HostileEngine observer = place.open();
  private final HostileEngine handle = place.open();
  private final Membership member = handle.members().join(new byte[0]);

  @AfterEach
  void close() {
    place.close();
  }

  private void pass(Duration time) {
    Duration step = TERM.dividedBy(20);
    for (Duration passed = Duration.ZERO; passed.compareTo(time) < 0; passed = passed.plus(step)) {
      place.pass(step);
    }
  }

  @Test
  void renewal_failedForAWhile_goesOnWhenTheNetworkIsBack() {
    handle.cut();
    pass(TERM.multipliedBy(3).dividedBy(4));
    handle.mend();
    pass(TERM.dividedBy(4));

    assertThat(member.current()).isTrue();
    pass(TERM.multipliedBy(3));
    assertThat(member.current()).isTrue();
    assertThat(observer.members().end(member.member())).isFalse();
  }

  /// Its lease ran out, but nobody ended it: the next renewal that lands makes it current again.
  @Test
  void renewal_afterALongSilenceThatNobodyActedOn_makesItCurrentAgain() {
    handle.cut();
    pass(TERM.multipliedBy(2));
    assertThat(member.current()).isFalse();

    handle.mend();
    pass(TERM.dividedBy(4));

    assertThat(member.current()).isTrue();
  }

  @Test
  void renewal_afterItWasEnded_failsForGood() {
    observer.members().standing(member.member());
    handle.cut();
    pass(TERM.plusSeconds(1));
    assertThat(observer.members().end(member.member())).isTrue();

    handle.mend();
    pass(TERM);

    assertThat(member.current()).isFalse();
    assertThat(observer.members().standing(member.member())).isInstanceOf(Standing.Dead.class);
    assertThat(observer.members().list()).isEmpty();
  }

  @Test
  void current_cutOff_turnsFalseOneMarginBeforeTheTermIsOver() {
    handle.cut();
    Duration passed = Duration.ZERO;
    Duration step = Duration.ofMillis(10);
    while (member.current()) {
      place.pass(step);
      passed = passed.plus(step);
    }

    assertThat(passed).isLessThanOrEqualTo(TERM.minus(TERM.dividedBy(10)));
    assertThat(passed).isGreaterThanOrEqualTo(TERM.minus(TERM.dividedBy(10)).minus(step));
  }

  @Test
  void end_observerLooksOftenButShortly_waitsTheWholeTerm() {
    observer.members().standing(member.member());
    handle.cut();
    for (int look = 0; look < 99; look++) {
      place.pass(TERM.dividedBy(100));
      assertThat(observer.members().end(member.member())).as("look %s", look).isFalse();
    }
    place.pass(TERM.dividedBy(100));

    assertThat(observer.members().end(member.member())).isTrue();
  }

  @Test
  void close_networkGone_returnsAndLeavesItToTheOthers() {
    observer.members().standing(member.member());
    handle.cut();

    member.close();

    assertThat(member.current()).isFalse();
    assertThat(observer.members().standing(member.member())).isNotInstanceOf(Standing.Dead.class);
    pass(TERM);
    assertThat(observer.members().end(member.member())).isTrue();
  }

  @Test
  void over_termTooShort_isRefused() {
    MemoryEngine memory = MemoryEngine.create(place.clock);
    assertThatThrownBy(() -> Members.over(memory.cells(), place.clock, Duration.ofMillis(499)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /// Each member's own term counts, not the observer's.
  @Test
  void end_memberWithALongerTerm_isJudgedByItsOwn() {
    TestClock clock = place.clock;
    MemoryEngine memory = MemoryEngine.create(clock);
    try (Members.Renewed patient = Members.over(memory.cells(), clock, Duration.ofHours(1));
        Members.Renewed hasty = Members.over(memory.cells(), clock, Duration.ofSeconds(1))) {
      long slow = patient.join(new byte[0]).member();
      assertThat(hasty.standing(slow)).isInstanceOf(Standing.Alive.class);
      assertThat(hasty.list()).isEqualTo(List.of(slow));
      clock.advance(Duration.ofMinutes(10));

      assertThat(hasty.end(slow)).isFalse();
    }
  }

  @Test
  void standing_cellIsDamaged_isAnErrorAndNoVerdict() {
    MemoryEngine memory = MemoryEngine.create(place.clock);
    Members.Renewed members = Members.over(memory.cells(), place.clock, TERM);
    long joined = members.join(new byte[] {1, 2, 3}).member();
    String key = memory.cells().keys("").getFirst();
    byte[] bytes = memory.cells().read(key).bytes().clone();
    for (int at = 0; at < bytes.length; at++) {
      byte[] damaged = bytes.clone();
      damaged[at] ^= 0x40;
      memory.cells().swap(key, memory.cells().read(key), damaged);
      assertThatThrownBy(() -> members.standing(joined))
          .as("byte %s", at)
          .isInstanceOf(EngineException.class);
    }
  }

  /// A jump of a server's clock may end a lease early, but never behind the member's back: it reads
  /// the same clock, and knows at once.
  @Test
  void end_wallClockIsSet_neverEndsAMemberThatBelievesItself() {
    int ended = 0;
    for (int seed = 0; seed < 40; seed++) {
      try (HostileUnderTest wall = new HostileUnderTest(new Seed(seed), Capabilities.Clock.WALL)) {
        HostileEngine watching = wall.open();
        Membership watched = wall.open().members().join(new byte[0]);
        for (int step = 0; step < 60; step++) {
          if (watching.members().end(watched.member())) {
            assertThat(watched.current()).as("seed %s, step %s", seed, step).isFalse();
            ended++;
            break;
          }
          wall.pass(Duration.ofSeconds(1));
        }
      }
    }
    assertThat(ended).as("the clock is hostile").isPositive();
  }
}
