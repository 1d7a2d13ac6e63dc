package dev.truce.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.truce.EngineException;
import dev.truce.spi.Engine;
import dev.truce.spi.Members;
import dev.truce.spi.Members.Membership;
import dev.truce.spi.Members.Standing;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/// What every engine's [Members] keep. Where an engine proves deaths a killed member is dead at
/// once, elsewhere it is silent until it is ended; both are demanded.
public abstract class MembersContract extends EngineContract {
  private static final byte[] SELF = bytes("ci@build-3 (pid 8112)");

  /// For a subclass, which names the engine.
  protected MembersContract() {}

  private Members members() {
    return engine().members();
  }

  private boolean proofOfDeath() {
    return engine().capabilities().proofOfDeath();
  }

  @Test
  void join_again_givesAnotherPositiveNumber() {
    Set<Long> given = new HashSet<>();
    for (int round = 0; round < 20; round++) {
      Engine handle = place().open();
      Membership kept = handle.members().join(SELF);
      Membership left = handle.members().join(SELF);
      left.close();
      assertTrue(kept.member() > 0 && left.member() > 0);
      assertTrue(given.add(kept.member()), "a number was given twice");
      assertTrue(given.add(left.member()), "a number was given twice");
    }
  }

  @Test
  void join_descriptionOf512Bytes_isKept() {
    byte[] longest = bytes("x".repeat(512));

    Membership membership = members().join(longest);

    assertArrayEquals(longest, members().description(membership.member()).orElseThrow());
  }

  @Test
  void join_descriptionTooLong_isRefused() {
    assertThrows(IllegalArgumentException.class, () -> members().join(new byte[513]));
    assertEquals(List.of(), members().list());
  }

  @Test
  void join_handleIsClosed_isRefused() {
    Engine handle = place().open();
    handle.close();

    EngineException refused =
        assertThrows(EngineException.class, () -> handle.members().join(SELF));

    assertEquals(EngineException.Kind.CLOSED, refused.kind());
    assertEquals(List.of(), members().list());
  }

  @Test
  void description_ofAnother_isWhatItSaid() {
    Membership other = place().open().members().join(SELF);

    assertArrayEquals(SELF, members().description(other.member()).orElseThrow());
  }

  @Test
  void description_ofOneThatLeft_isEmpty() {
    Membership other = place().open().members().join(SELF);
    other.close();

    assertEquals(Optional.empty(), members().description(other.member()));
  }

  @Test
  void standing_joined_isAlive() {
    Membership mine = members().join(SELF);
    Members other = place().open().members();

    assertInstanceOf(Standing.Alive.class, members().standing(mine.member()));
    assertInstanceOf(Standing.Alive.class, other.standing(mine.member()));
  }

  @Test
  void standing_left_isDeadForGood() {
    Membership other = place().open().members().join(SELF);
    other.close();

    assertInstanceOf(Standing.Dead.class, members().standing(other.member()));
    members().join(SELF);
    place().pass(place().term().multipliedBy(2));
    assertInstanceOf(Standing.Dead.class, members().standing(other.member()));
    assertTrue(members().end(other.member()), "it is dead, whoever ended it");
  }

  @Test
  void standing_processDied_isDeadAtOnceWhereProven() {
    Engine handle = place().open();
    long other = handle.members().join(SELF).member();
    members().standing(other);

    place().kill(handle);

    Standing standing = members().standing(other);
    assertEquals(proofOfDeath(), standing instanceof Standing.Dead, standing.toString());
  }

  @Test
  void standing_processDiedWithoutProof_fallsSilentAndStaysSo() {
    Engine handle = place().open();
    long other = handle.members().join(SELF).member();
    members().standing(other);
    place().kill(handle);

    place().pass(place().term());

    Standing standing = members().standing(other);
    if (proofOfDeath()) {
      assertInstanceOf(Standing.Dead.class, standing);
    } else {
      Standing.Silent silent = assertInstanceOf(Standing.Silent.class, standing);
      assertTrue(silent.since().compareTo(place().term()) >= 0, silent.toString());
      assertEquals(List.of(other), members().list(), "nobody has swept it");
    }
  }

  @Test
  void list_someLeft_namesTheOthers() {
    Membership mine = members().join(SELF);
    Membership stays = place().open().members().join(SELF);
    Membership leaves = place().open().members().join(SELF);
    leaves.close();

    assertEquals(Set.of(mine.member(), stays.member()), new HashSet<>(members().list()));
  }

  @Test
  void end_aliveMember_answersFalseAndChangesNothing() {
    Membership other = place().open().members().join(SELF);
    members().standing(other.member());

    assertFalse(members().end(other.member()));

    assertInstanceOf(Standing.Alive.class, members().standing(other.member()));
    assertTrue(other.current());
  }

  @Test
  void end_memberThatLives_isNeverPossible() {
    Membership other = place().open().members().join(SELF);
    Duration step = place().term().dividedBy(20);
    for (int passed = 0; passed < 100; passed++) {
      assertFalse(members().end(other.member()), "ended a living member");
      assertTrue(other.current());
      place().pass(step);
    }
  }

  @Test
  void end_silentForItsTerm_isFinal() {
    Engine handle = place().open();
    Membership other = handle.members().join(SELF);
    members().standing(other.member());
    place().kill(handle);
    place().pass(place().term());

    assertTrue(members().end(other.member()));

    assertInstanceOf(Standing.Dead.class, members().standing(other.member()));
    assertEquals(List.of(), members().list());
    place().pass(place().term());
    assertFalse(other.current());
    assertTrue(members().end(other.member()), "ending is idempotent");
  }

  @Test
  void end_termIsNotOver_answersFalse() {
    Engine handle = place().open();
    long other = handle.members().join(SELF).member();
    members().standing(other);
    place().kill(handle);

    place().pass(place().term().multipliedBy(99).dividedBy(100));

    assertEquals(proofOfDeath(), members().end(other), "only a proven death needs no waiting");
  }

  /// The observer first looks when the member has long been silent: that proves nothing yet.
  @Test
  void end_firstSeenLate_waitsAWholeTermFromThen() {
    Engine handle = place().open();
    long other = handle.members().join(SELF).member();
    place().kill(handle);
    place().pass(place().term().multipliedBy(2));

    assertEquals(proofOfDeath(), members().end(other));
    place().pass(place().term());
    assertTrue(members().end(other));
  }

  @Test
  void current_untilClosed_isTrue() {
    Membership mine = members().join(SELF);
    assertTrue(mine.current());

    mine.close();

    assertFalse(mine.current());
  }

  /// Whoever is cut off must know before anybody may act on it.
  @Test
  void current_processDied_isFalseBeforeItCanBeEnded() {
    Engine handle = place().open();
    Membership other = handle.members().join(SELF);
    members().standing(other.member());
    place().kill(handle);
    if (proofOfDeath()) {
      assertTrue(members().end(other.member()));
      assertFalse(other.current());
      return;
    }
    Duration step = place().term().dividedBy(100);
    boolean knew = false;
    for (int passed = 0; passed <= 110; passed++) {
      boolean current = other.current();
      knew |= !current;
      if (members().end(other.member())) {
        assertTrue(knew, "ended before it could know");
        assertFalse(other.current());
        return;
      }
      place().pass(step);
    }
    throw new AssertionError("could not be ended");
  }

  @Test
  void wake_ofAListener_arrives() throws InterruptedException {
    Engine handle = place().open();
    Membership mine = handle.members().join(SELF);
    Semaphore hints = new Semaphore(0);
    mine.listen(true, hints::release);

    boolean arrived = false;
    for (int tries = 0; tries < 100 && !arrived; tries++) {
      handle.members().wake(mine.member());
      arrived = hints.tryAcquire(TestClock.LIVENESS.toMillis() / 100, TimeUnit.MILLISECONDS);
    }

    assertTrue(arrived, "none of 100 wakes arrived");
  }

  @Test
  void wake_ofOneThatLeftOrNeverListened_isHarmless() {
    Membership left = members().join(SELF);
    left.close();
    Membership deaf = members().join(SELF);

    members().wake(left.member());
    members().wake(deaf.member());

    assertInstanceOf(Standing.Dead.class, members().standing(left.member()));
    assertInstanceOf(Standing.Alive.class, members().standing(deaf.member()));
  }

  @Test
  void close_twice_isTheSameAsOnce() {
    Membership first = members().join(SELF);
    Membership second = members().join(SELF);

    first.close();
    first.close();

    assertEquals(List.of(second.member()), members().list());
    assertTrue(second.current());
  }

  @Test
  void close_ofTheHandle_endsItsMembershipsAndNoOthers() {
    Membership mine = members().join(SELF);
    Engine handle = place().open();
    Membership first = handle.members().join(SELF);
    Membership second = handle.members().join(SELF);

    handle.close();
    handle.close();

    assertFalse(first.current());
    assertFalse(second.current());
    assertEquals(List.of(mine.member()), members().list());
    assertTrue(mine.current());
  }
}
