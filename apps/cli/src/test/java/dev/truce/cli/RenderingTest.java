package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Owner;
import dev.truce.lock.LockStatus;
import dev.truce.lock.LockStatus.Alive;
import dev.truce.lock.LockStatus.Holder;
import dev.truce.lock.LockStatus.State;
import dev.truce.lock.LockStatus.Waiter;
import dev.truce.lock.NamedLock.Mode;
import dev.truce.lock.Refusal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class RenderingTest {
  private static final Holder CI =
      new Holder(
          new Owner("ci", "build-3", 8112),
          Mode.WRITE,
          118,
          List.of(118L),
          1,
          Duration.ofSeconds(252),
          Optional.empty(),
          Alive.YES,
          "its process lock is held",
          "release 2.4",
          "01KA",
          false);

  private static final Holder LEASE =
      new Holder(
          new Owner("a1", "ws4", 0),
          Mode.READ,
          7,
          List.of(7L),
          1,
          Duration.ofSeconds(61),
          Optional.of(Duration.ofMinutes(4)),
          Alive.UNKNOWN,
          "lease term not over",
          "",
          "01KB",
          false);

  private static final LockStatus DEPLOY =
      new LockStatus(
          "deploy",
          State.HELD,
          118,
          List.of(CI),
          List.of(
              new Waiter(
                  new Owner("you", "ws4", 9120),
                  Mode.WRITE,
                  1,
                  1,
                  Duration.ofSeconds(220),
                  false,
                  Optional.empty(),
                  ""),
              new Waiter(
                  new Owner("a2", "ws4", 9121),
                  Mode.READ,
                  2,
                  3,
                  Duration.ofSeconds(12),
                  true,
                  Optional.of("01KC"),
                  "te\nst")));

  private static final LockStatus BUILD =
      new LockStatus("b\u0007", State.HELD, 9, List.of(LEASE, LEASE), List.of());

  private static final LockStatus OFFERED =
      new LockStatus("o", State.OFFERED, 3, List.of(), DEPLOY.queue());

  @Test
  void ls_isATable() {
    assertThat(Ls.table(List.of(BUILD, DEPLOY, OFFERED)))
        .containsExactly(
            "LOCK    MODE   HOLDER           HELD   EXPIRES  WAITING  TOKEN",
            "b\\x07   read   a1@ws4 +1        1m1s   4m             0      9",
            "deploy  write  ci@build-3:8112  4m12s  -              4    118",
            "o       -      offered          -      -              4      3");
  }

  @Test
  void ls_isAnObject() {
    assertThat(Ls.json(List.of(DEPLOY), Instant.EPOCH))
        .isEqualTo(
            "{\"schema\":\"truce.locks/1\",\"locks\":[{\"lock\":\"deploy\",\"mode\":\"write\","
                + "\"state\":\"held\",\"token\":118,\"holders\":[{\"owner\":\"ci\","
                + "\"host\":\"build-3\",\"pid\":8112,\"reason\":\"release 2.4\",\"mode\":\"write\","
                + "\"token\":118,\"lease_id\":\"01KA\",\"branch\":false,\"held_ms\":252000,"
                + "\"expires_at\":null,\"alive\":\"yes\","
                + "\"alive_evidence\":\"its process lock is held\"}],\"waiting\":4}]}");
  }

  @Test
  void why_saysWhoHoldsWhoWaitsAndWhatFreesIt() {
    assertThat(Why.lines(DEPLOY))
        .containsExactly(
            "deploy is held for writing by ci@build-3 (pid 8112) for 4m12s, token 118,"
                + " \"release 2.4\"; alive: its process lock is held",
            "  1. you@ws4 (pid 9120) write 3m40s",
            "  2. a2@ws4 (pid 9121) (ticket 01KC) x3 read 12s (does not answer), \"te\\nst\"",
            "  it frees when pid 8112 ends; by force: truce revoke deploy --reason TEXT");
    assertThat(Why.lines(new LockStatus("x", State.FREE, 4, List.of(), List.of())))
        .containsExactly("x is free, last token 4");
  }

  @Test
  void why_isAnObject() {
    assertThat(Why.json(BUILD, Instant.EPOCH))
        .startsWith(
            "{\"schema\":\"truce.why/1\",\"lock\":\"b\\u0007\",\"state\":\"held\","
                + "\"mode\":\"read\",\"token\":9,\"holders\":[{\"owner\":\"a1\",\"host\":\"ws4\","
                + "\"pid\":null,\"reason\":null,")
        .contains("\"expires_at\":\"1970-01-01T00:04:00Z\"")
        .endsWith(
            "\"queue\":[],\"waiting\":0,\"unblock\":\"its term is over in 4m and its term is over"
                + " in 4m\"}");
    assertThat(Why.json(DEPLOY, Instant.EPOCH))
        .contains(
            "\"queue\":[{\"position\":1,\"owner\":\"you\",\"host\":\"ws4\",\"pid\":9120,"
                + "\"reason\":null,\"mode\":\"write\",\"waiting_ms\":220000,\"waiters\":1,"
                + "\"absent\":false,\"ticket\":null},");
  }

  @Test
  void waiting_saysForWhomAndHowManyAreAhead() {
    assertThat(Waiting.line(DEPLOY, 1))
        .isEqualTo(
            "truce: waiting for deploy: ci@build-3 (pid 8112) has held it for 4m12s,"
                + " 1 ahead of you");
    assertThat(Waiting.line(BUILD, 0))
        .isEqualTo(
            "truce: waiting for b\\x07: a1@ws4 and 1 more have held it for 1m1s, you are next");
    assertThat(Waiting.line(OFFERED, 2)).isEqualTo("truce: waiting for o, 2 ahead of you");
  }

  @Test
  void aRefusal_saysWhoIsInTheWay() {
    Refusal held =
        new Refusal(
            Refusal.Kind.HELD,
            "deploy",
            Mode.WRITE,
            Optional.of(CI),
            OptionalInt.empty(),
            Optional.empty());
    assertThat(Refusals.text(held, Duration.ZERO, "not run"))
        .isEqualTo("truce: deploy is held by ci@build-3 (pid 8112) for 4m12s; not run");
    assertThat(Refusals.json(held, "ci"))
        .isEqualTo(
            "{\"schema\":\"truce.refusal/1\",\"kind\":\"held\",\"lock\":\"deploy\","
                + "\"mode\":\"write\",\"holder\":{\"owner\":\"ci\",\"host\":\"build-3\","
                + "\"pid\":8112,\"reason\":\"release 2.4\"},\"held_ms\":252000,\"alive\":\"yes\","
                + "\"alive_evidence\":\"its process lock is held\",\"same_owner\":true,"
                + "\"ticket\":null,\"position\":null,\"retry_after_ms\":null,"
                + "\"hint\":\"wait with -w 5m, or see: truce why deploy\"}");
    Refusal late =
        new Refusal(
            Refusal.Kind.TIMEOUT,
            "deploy",
            Mode.READ,
            Optional.of(CI),
            OptionalInt.of(3),
            Optional.empty());
    assertThat(Refusals.text(late, Duration.ofSeconds(30), "not run"))
        .isEqualTo(
            "truce: deploy is held by ci@build-3 (pid 8112) for 4m12s, 2 ahead of you;"
                + " not had within 30s; not run");
    assertThat(Refusals.json(late, "me")).contains("\"same_owner\":false", "\"position\":3");
    Refusal full =
        new Refusal(
            Refusal.Kind.QUEUE_FULL,
            "deploy",
            Mode.READ,
            Optional.empty(),
            OptionalInt.empty(),
            Optional.empty());
    assertThat(Refusals.text(full, Durations.FOREVER, "not run"))
        .isEqualTo(
            "truce: deploy is waited for by others, and too many wait for it already; not run");
  }
}
