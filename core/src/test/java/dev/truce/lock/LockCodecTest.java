package dev.truce.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.EngineException;
import dev.truce.lock.LockMachine.Caller;
import dev.truce.lock.LockMachine.Command;
import dev.truce.lock.LockMachine.Outcome;
import dev.truce.lock.LockMachine.Rules;
import dev.truce.lock.LockMachine.Tokens;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.LockState.Counters;
import dev.truce.lock.LockState.Hold;
import dev.truce.lock.LockState.Phase;
import dev.truce.lock.LockState.Wait;
import dev.truce.lock.NamedLock.Mode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LockCodecTest {
  private static final int TRIALS = 2_000;
  private static final Rules RULES = Rules.USUAL;

  private final Random random = new Random(7);

  @Test
  void acquireIdle_anyIdleLock_equalsTheMachine() {
    for (int i = 0; i < TRIALS; i++) {
      LockState idle = i == 0 ? LockState.IDLE : idle();
      byte[] before = i == 0 ? new byte[0] : idle.encode();
      Mode mode = random.nextBoolean() ? Mode.READ : Mode.WRITE;
      long token = idle.token() + 1 + random.nextInt(9);
      Claim claim = new Claim(1 + random.nextInt(1 << 20), random.nextInt(1 << 20));
      Command.Acquire acquire = new Command.Acquire(claim, mode, 0, true, 0, 0, 1, List.of(), "");

      byte[] shortly =
          LockCodec.acquireIdle(before, claim.member(), claim.number(), mode, token, i, 99);

      assertThat(shortly).isEqualTo(step(idle, claim.member(), i, acquire, token).encode());
    }
  }

  @Test
  void acquireIdle_tokenThatDoesNotRise_isLeftToTheMachine() {
    LockState idle = idle();
    assertThat(LockCodec.acquireIdle(idle.encode(), 1, 1, Mode.WRITE, idle.token(), 1, 1)).isNull();
  }

  @Test
  void acquireIdle_otherLimitOrBusy_isLeftToTheMachine() {
    LockState permits = new LockState(3, 5, 0, List.of(), List.of(), Counters.ZERO);
    assertThat(LockCodec.acquireIdle(permits.encode(), 1, 1, Mode.WRITE, 9, 1, 1)).isNull();
    assertThat(LockCodec.acquireIdle(any().encode(), 1, 1, Mode.WRITE, 1L << 50, 1, 1)).isNull();
  }

  @Test
  void releaseLast_aloneForTheLastTime_equalsTheMachine() {
    for (int i = 0; i < TRIALS; i++) {
      Hold hold = hold(random.nextInt(4) == 0 ? "why" : "");
      LockState held = new LockState(1, hold.token(), 4, List.of(hold), List.of(), counters());
      byte[] shortly = LockCodec.releaseLast(held.encode(), hold.claim().member(), hold.token());

      if (shortly != null) {
        Command release = new Command.Release(hold.token());
        assertThat(shortly).isEqualTo(step(held, hold.claim().member(), i, release, 0).encode());
      } else {
        boolean plain =
            hold.phase() == Phase.HELD
                && hold.count() == 1
                && hold.until() == 0
                && !hold.exported()
                && hold.reason().isEmpty();
        assertThat(plain).as("left to the machine: %s", hold).isFalse();
      }
    }
  }

  @Test
  void releaseLast_somebodyElses_isLeftToTheMachine() {
    Hold hold = hold("");
    byte[] bytes =
        new LockState(1, hold.token(), 4, List.of(hold), List.of(), Counters.ZERO).encode();
    assertThat(LockCodec.releaseLast(bytes, hold.claim().member() + 1, hold.token())).isNull();
    assertThat(LockCodec.releaseLast(bytes, hold.claim().member(), hold.token() + 1)).isNull();
  }

  @Test
  void decode_whatWasEncoded_isTheSame() {
    for (int i = 0; i < TRIALS; i++) {
      LockState state = any();
      assertThat(LockState.decode(state.encode())).isEqualTo(state);
    }
  }

  @Test
  void decode_aThousandReaders_isTheSameAndSmall() {
    List<Long> rising = new ArrayList<>();
    long token = 1;
    for (int i = 0; i < 1_000; i++) {
      token += 1 + (random.nextInt(20) == 0 ? random.nextInt(1 << 30) : random.nextInt(100));
      rising.add(token);
    }
    Claim claim = new Claim(1, 1);
    Hold hold =
        new Hold(
            claim,
            Mode.READ,
            Phase.HELD,
            token + 1,
            rising,
            1_001,
            1,
            1,
            0,
            Claim.NONE,
            false,
            "why");
    LockState state =
        new LockState(1, token + 1, 4, List.of(hold, hold("x")), List.of(), counters());

    assertThat(LockState.decode(state.encode())).isEqualTo(state);
    assertThat(state.encode()).hasSizeLessThan(2_000);
  }

  @Test
  void decode_cutAnywhere_isDamaged() {
    byte[] bytes = any().encode();
    for (int length = 1; length < bytes.length; length++) {
      byte[] cut = Arrays.copyOf(bytes, length);
      assertThatThrownBy(() -> LockState.decode(cut))
          .isInstanceOfSatisfying(
              EngineException.class,
              failure -> assertThat(failure.kind()).isEqualTo(EngineException.Kind.DAMAGED));
    }
  }

  @Test
  void decode_newerFormat_isRefusedByName() {
    byte[] bytes = idle().encode();
    bytes[0] = 2;
    assertThatThrownBy(() -> LockState.decode(bytes))
        .isInstanceOfSatisfying(
            EngineException.class,
            failure -> {
              assertThat(failure.kind()).isEqualTo(EngineException.Kind.CONFIGURATION);
              assertThat(failure).hasMessageContaining("format 2");
            });
  }

  private static LockState step(
      LockState state, long member, long command, Command wanted, long token) {
    Caller caller = new Caller(member, command, Map.of());
    Tokens tokens = token == 0 ? Tokens.NONE : new Tokens(token, 1);
    Outcome outcome = LockMachine.step(state, caller, wanted, 99, tokens, RULES);
    assertThat(outcome.missing()).isZero();
    return outcome.state();
  }

  private Counters counters() {
    return new Counters(
        random.nextInt(99), random.nextInt(99), random.nextInt(9), random.nextInt(9), 0);
  }

  private LockState idle() {
    return new LockState(
        1, 1 + random.nextInt(1 << 20), random.nextInt(99), List.of(), List.of(), counters());
  }

  private Hold hold(String reason) {
    long token = 2L + random.nextInt(1 << 20);
    int count = 1 + random.nextInt(5) / 4;
    boolean exported = random.nextInt(5) == 0;
    return new Hold(
        new Claim(1 + random.nextInt(9), random.nextInt(9)),
        random.nextBoolean() ? Mode.READ : Mode.WRITE,
        random.nextInt(5) == 0 ? Phase.UPGRADING : Phase.HELD,
        token,
        count == 2 ? List.of(token - 1) : exported ? List.of(token / 2) : List.of(),
        count,
        random.nextInt(9),
        random.nextInt(99),
        random.nextInt(5) == 0 ? 1_000 : 0,
        Claim.NONE,
        exported,
        reason);
  }

  private LockState any() {
    Wait wait =
        new Wait(
            new Claim(random.nextInt(9), random.nextLong()),
            Mode.WRITE,
            random.nextInt(99),
            -random.nextInt(3),
            random.nextInt(17),
            1 + random.nextInt(4),
            random.nextInt(9),
            random.nextInt(9),
            random.nextInt(2),
            random.nextBoolean(),
            random.nextBoolean(),
            random.nextInt(2),
            random.nextBoolean() ? Claim.NONE : new Claim(3, 4),
            random.nextBoolean() ? "" : "für später\n");
    return new LockState(
        1 + random.nextInt(3),
        random.nextLong() >>> 12,
        random.nextInt(99),
        List.of(hold("x"), hold("")),
        List.of(wait),
        counters());
  }
}
