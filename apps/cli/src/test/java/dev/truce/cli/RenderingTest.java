package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Fence;
import dev.truce.Owner;
import dev.truce.lock.LockStatistics;
import dev.truce.lock.LockStatistics.End;
import dev.truce.lock.LockStatistics.Operation;
import dev.truce.lock.LockStatistics.Spread;
import dev.truce.lock.LockStatus;
import dev.truce.lock.LockStatus.Alive;
import dev.truce.lock.LockStatus.Holder;
import dev.truce.lock.LockStatus.State;
import dev.truce.lock.LockStatus.Waiter;
import dev.truce.lock.LockWait;
import dev.truce.lock.NamedLock.Mode;
import dev.truce.lock.Refusal;
import dev.truce.lock.Traffic;
import dev.truce.lock.Traffic.Cause;
import dev.truce.lock.Traffic.Event;
import dev.truce.lock.Traffic.Gap;
import dev.truce.lock.Traffic.What;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
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
          1,
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
      new LockStatus("b\u0007", State.HELD, 9, 1, List.of(LEASE, LEASE), List.of());

  private static final LockStatus OFFERED =
      new LockStatus("o", State.OFFERED, 3, 1, List.of(), DEPLOY.queue());

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
  void permits_areCalledSo() {
    LockStatus pool = new LockStatus("pool", State.HELD, 8, 4, List.of(CI, LEASE), List.of());
    assertThat(Ls.table(List.of(pool)))
        .containsExactly(
            "LOCK  MODE    HOLDER              HELD   EXPIRES  WAITING  TOKEN",
            "pool  permit  ci@build-3:8112 +1  4m12s  -              0      8");
    assertThat(Ls.json(List.of(pool), Instant.EPOCH))
        .contains("\"lock\":\"pool\",\"mode\":\"write\",\"permits\":4,\"state\":\"held\"");
    assertThat(Why.lines(pool, Behind.NOTHING).getFirst())
        .startsWith("pool is held (one of 4 permits) by ci@build-3 (pid 8112) for 4m12s");
  }

  @Test
  void why_saysWhoHoldsWhoWaitsAndWhatFreesIt() {
    assertThat(Why.lines(DEPLOY, Behind.NOTHING))
        .containsExactly(
            "deploy is held for writing by ci@build-3 (pid 8112) for 4m12s, token 118,"
                + " \"release 2.4\"; alive: its process lock is held",
            "  1. you@ws4 (pid 9120) write 3m40s",
            "  2. a2@ws4 (pid 9121) (ticket 01KC) x3 read 12s (does not answer), \"te\\nst\"",
            "  it frees when pid 8112 ends; by force: truce revoke deploy --reason TEXT");
    assertThat(
            Why.lines(new LockStatus("x", State.FREE, 4, 1, List.of(), List.of()), Behind.NOTHING))
        .containsExactly("x is free, last token 4");
  }

  @Test
  void why_isAnObject() {
    assertThat(Why.json(BUILD, Behind.NOTHING, Instant.EPOCH))
        .startsWith(
            "{\"schema\":\"truce.why/1\",\"lock\":\"b\\u0007\",\"state\":\"held\","
                + "\"mode\":\"read\",\"token\":9,\"holders\":[{\"owner\":\"a1\",\"host\":\"ws4\","
                + "\"pid\":null,\"reason\":null,")
        .contains("\"expires_at\":\"1970-01-01T00:04:00Z\"")
        .endsWith(
            "\"queue\":[],\"waiting\":0,\"unblock\":\"its term is over in 4m and its term is over"
                + " in 4m\"}");
    assertThat(Why.json(DEPLOY, Behind.NOTHING, Instant.EPOCH))
        .contains(
            "\"queue\":[{\"position\":1,\"owner\":\"you\",\"host\":\"ws4\",\"pid\":9120,"
                + "\"reason\":null,\"mode\":\"write\",\"waiting_ms\":220000,\"waiters\":1,"
                + "\"absent\":false,\"ticket\":null},");
  }

  private static final Spread SOME =
      new Spread(
          3,
          Duration.ofMillis(6),
          Duration.ofNanos(85),
          Duration.ofMillis(2),
          Duration.ofMillis(1),
          Duration.ofMillis(4),
          Duration.ofMillis(5),
          Duration.ofMillis(5));

  private static final Spread NONE =
      new Spread(
          0,
          Duration.ZERO,
          Duration.ZERO,
          Duration.ZERO,
          Duration.ZERO,
          Duration.ZERO,
          Duration.ZERO,
          Duration.ZERO);

  private static final Operation RELEASED =
      new Operation(
          Instant.EPOCH,
          End.RELEASED,
          Mode.WRITE,
          new Owner("ci", "build-3", 8112),
          117,
          Optional.of(Duration.ofMillis(3)),
          Optional.of(Duration.ofSeconds(4)),
          64);

  private static final LockStatistics FIGURES =
      new LockStatistics(
          DEPLOY,
          118,
          115,
          2,
          1,
          8,
          2,
          4,
          Map.of(End.RELEASED, 115L, End.DIED, 2L),
          SOME,
          NONE,
          List.of(RELEASED),
          Optional.of(Instant.EPOCH));

  @Test
  void stats_areATable() {
    assertThat(Stats.lines(List.of(FIGURES), null, false))
        .containsExactly(
            "LOCK    ACQUIRED  RELEASED  LOST  HELD  WAITING  QUEUED  LEFT  WAIT-P50  WAIT-P99 "
                + " WAIT-MAX  HOLD-P50  HOLD-P99  HOLD-MAX",
            "deploy       118       115     2     1        4       8     2       1ms       5ms "
                + "      5ms        0s        0s        0s");
  }

  @Test
  void stats_ofOne_areInWords() {
    assertThat(Stats.lines(List.of(FIGURES), null, true))
        .containsExactly(
            "deploy: 118 acquired = 115 released + 2 lost + 1 held",
            "  queue   8 had to wait (6.5%), 2 left without, 4 wait now",
            "  wait    min 85ns  mean 2ms  p50 1ms  p95 4ms  p99 5ms  max 5ms  of 3",
            "  hold    none",
            "  ends    released 115  died 2",
            "  oldest  holder ci@build-3 (pid 8112) for 4m12s",
            "  oldest  waiter you@ws4 (pid 9120) for 3m40s",
            "  1970-01-01T00:00:00Z released write ci@build-3 (pid 8112) token 117 waited 3ms held"
                + " 4s x64",
            "  since   1970-01-01T00:00:00Z");
  }

  @Test
  void stats_sinceAMoment_areOfTheOperations() {
    assertThat(Stats.lines(List.of(FIGURES), Instant.EPOCH.plusSeconds(1), true))
        .containsExactly(
            "deploy: since 1970-01-01T00:00:01Z",
            "  wait    none",
            "  hold    none",
            "  ends    none");
    assertThat(Stats.lines(List.of(FIGURES), Instant.EPOCH.minusSeconds(1), false))
        .startsWith("deploy: since 1969-12-31T23:59:59Z, as far as is remembered");
  }

  @Test
  void stats_areAnObject() {
    assertThat(Stats.json(List.of(FIGURES), Instant.EPOCH, Instant.EPOCH))
        .startsWith(
            "{\"schema\":\"truce.stats/1\",\"at\":\"1970-01-01T00:00:00Z\",\"locks\":["
                + "{\"lock\":\"deploy\",\"acquisitions\":118,\"releases\":115,\"lost\":2,"
                + "\"held\":1,\"queued\":8,\"left\":2,\"waiting\":4,\"contention\":0.0645,"
                + "\"abandonment\":0.0161,\"ends\":{\"released\":115,\"died\":2,\"expired\":0,")
        .contains(
            "\"acquire_duration\":{\"count\":3,\"total_ns\":6000000,\"min_ns\":85,"
                + "\"mean_ns\":2000000,\"p50_ns\":1000000,\"p95_ns\":4000000,"
                + "\"p99_ns\":5000000,\"max_ns\":5000000},\"hold_duration\":{\"count\":0,",
            "\"hold_oldest_ms\":252000,\"oldest_holder\":{\"owner\":\"ci\",",
            "\"wait_oldest_ms\":220000,\"oldest_waiter\":{\"position\":1,\"owner\":\"you\",",
            "\"operations\":[{\"at\":\"1970-01-01T00:00:00Z\",\"outcome\":\"released\","
                + "\"mode\":\"write\",\"owner\":\"ci\",\"host\":\"build-3\",\"pid\":8112,"
                + "\"token\":117,\"wait_ns\":3000000,\"hold_ns\":4000000000,\"times\":64}],"
                + "\"reset_at\":\"1970-01-01T00:00:00Z\"",
            "\"window\":{\"since\":\"1970-01-01T00:00:00Z\",\"complete\":true,\"ends\":{"
                + "\"released\":64,");
  }

  private static final Owner HERE = new Owner("ci", "build-3", 8112);

  private static final Traffic TRAFFIC =
      new Traffic(
          List.of("deploy"),
          12,
          List.of(
              new Event(
                  Instant.parse("2026-01-05T10:00:00.000001234Z"),
                  What.SWITCHED_ON,
                  "deploy",
                  Mode.WRITE,
                  0,
                  HERE,
                  Optional.empty(),
                  Optional.empty()),
              new Event(
                  Instant.parse("2026-01-05T10:00:01.5Z"),
                  What.GRANTED,
                  "deploy",
                  Mode.READ,
                  118,
                  HERE,
                  Optional.of(Duration.ofMillis(3)),
                  Optional.empty()),
              new Event(
                  Instant.parse("2026-01-05T10:00:02Z"),
                  What.TIMED_OUT,
                  "a\u001bb",
                  Mode.WRITE,
                  0,
                  new Owner("you", "ws4", 0),
                  Optional.of(Duration.ofSeconds(5)),
                  Optional.empty()),
              new Gap(
                  Instant.parse("2026-01-05T10:00:03Z"),
                  Instant.parse("2026-01-05T10:00:04Z"),
                  Cause.DROPPED,
                  HERE,
                  Optional.of("deploy"),
                  17),
              new Gap(
                  Instant.parse("2026-01-05T10:00:05Z"),
                  Instant.parse("2026-01-05T10:00:06Z"),
                  Cause.KILLED,
                  HERE,
                  Optional.empty(),
                  0)));

  @Test
  void traffic_isATable() {
    assertThat(Recorded.table(TRAFFIC).stream().map(line -> line.replaceAll(" +", " ")).toList())
        .containsExactly(
            "WHEN LOCK WHAT TOKEN MODE OWNER WAITED HELD MISSING",
            "2026-01-05T10:00:00.000001Z deploy switched_on - - ci@build-3 (pid 8112) - - -",
            "2026-01-05T10:00:01.500Z deploy granted 118 read ci@build-3 (pid 8112) 3ms - -",
            "2026-01-05T10:00:02Z a\\x1bb timed_out - write you@ws4 5s - -",
            "2026-01-05T10:00:03Z deploy gap - - ci@build-3 (pid 8112) - - 17 entries until"
                + " 2026-01-05T10:00:04Z, faster than it could add them",
            "2026-01-05T10:00:05Z - gap - - ci@build-3 (pid 8112) - - what it did until"
                + " 2026-01-05T10:00:06Z, when it was found dead");
  }

  @Test
  void traffic_isAnObject() {
    assertThat(Recorded.json(TRAFFIC))
        .isEqualTo(
            "{\"schema\":\"truce.traffic/1\",\"recorded\":[\"deploy\"],\"let_go\":12,\"entries\":["
                + "{\"at\":\"2026-01-05T10:00:00.000001234Z\",\"what\":\"switched_on\","
                + "\"lock\":\"deploy\",\"mode\":null,\"token\":null,\"owner\":\"ci\","
                + "\"host\":\"build-3\",\"pid\":8112,\"wait_ns\":null,\"hold_ns\":null},"
                + "{\"at\":\"2026-01-05T10:00:01.500Z\",\"what\":\"granted\",\"lock\":\"deploy\","
                + "\"mode\":\"read\",\"token\":118,\"owner\":\"ci\",\"host\":\"build-3\","
                + "\"pid\":8112,\"wait_ns\":3000000,\"hold_ns\":null},"
                + "{\"at\":\"2026-01-05T10:00:02Z\",\"what\":\"timed_out\",\"lock\":\"a\\u001bb\","
                + "\"mode\":\"write\",\"token\":null,\"owner\":\"you\",\"host\":\"ws4\","
                + "\"pid\":null,\"wait_ns\":5000000000,\"hold_ns\":null},"
                + "{\"at\":\"2026-01-05T10:00:03Z\",\"what\":\"gap\",\"lock\":\"deploy\","
                + "\"until\":\"2026-01-05T10:00:04Z\",\"cause\":\"dropped\",\"count\":17,"
                + "\"owner\":\"ci\",\"host\":\"build-3\",\"pid\":8112},"
                + "{\"at\":\"2026-01-05T10:00:05Z\",\"what\":\"gap\",\"lock\":null,"
                + "\"until\":\"2026-01-05T10:00:06Z\",\"cause\":\"killed\",\"count\":null,"
                + "\"owner\":\"ci\",\"host\":\"build-3\",\"pid\":8112}]}");
  }

  @Test
  void traffic_ofNothing_saysHowToSwitchItOn() {
    assertThat(Recorded.notRecorded(null))
        .isEqualTo(
            "truce: no traffic is recorded of any lock; switch it on: truce history NAME --traffic"
                + " --on");
    assertThat(Recorded.notRecorded("a b"))
        .isEqualTo(
            "truce: no traffic of a b is recorded; switch it on: truce history 'a b' --traffic"
                + " --on");
  }

  @Test
  void top_showsWhereTheMostWaitFirstAndHowOftenALockWasHad() {
    Top top = new Top(Set.of());
    LockStatistics idle =
        figures(new LockStatus("idle", State.FREE, 1, 1, List.of(), List.of()), 5);
    LockStatistics busy =
        figures(new LockStatus("busy", State.FREE, 9, 1, List.of(), List.of()), 7);
    assertThat(Top.table(top.look(List.of(idle, busy, FIGURES), 1_000_000_000)))
        .containsExactly(
            "LOCK    MODE   HOLDER            HELD  WAITING  LONGEST  ACQ/S  ACQUIRED  LOST "
                + " WAIT-P99  HOLD-P99  TOKEN",
            "deploy  write  ci@build-3:8112  4m12s        4    3m40s      -       118     2 "
                + "      5ms        0s    118");
    LockStatistics used = figures(busy.status(), 27);
    List<Top.Line> later = top.look(List.of(idle, used, FIGURES), 3_000_000_000L);
    assertThat(Top.table(later))
        .containsExactly(
            "LOCK    MODE   HOLDER            HELD  WAITING  LONGEST  ACQ/S  ACQUIRED  LOST "
                + " WAIT-P99  HOLD-P99  TOKEN",
            "deploy  write  ci@build-3:8112  4m12s        4    3m40s      0       118     2 "
                + "      5ms        0s    118",
            "busy    -      free                 -        0        -     10        27     0 "
                + "       0s        0s      9");
    assertThat(Top.head(later, Instant.EPOCH))
        .isEqualTo(
            "truce top  1970-01-01T00:00:00Z  1 held, the longest for 4m12s; 4 waiting, the longest"
                + " for 3m40s");
    assertThat(Top.json(later, Instant.EPOCH))
        .startsWith("{\"schema\":\"truce.top/1\",\"at\":\"1970-01-01T00:00:00Z\",\"locks\":[{")
        .contains("\"acquisitions\":27", "\"acquisitions_per_s\":10.0");
  }

  @Test
  void top_ofNames_showsTheseAndNoOthers() {
    Top top = new Top(Set.of("idle"));
    LockStatistics idle =
        figures(new LockStatus("idle", State.FREE, 1, 1, List.of(), List.of()), 5);
    assertThat(top.look(List.of(idle, FIGURES), 1))
        .extracting(line -> line.statistics().lock())
        .containsExactly("idle");
  }

  private static LockStatistics figures(LockStatus status, long acquired) {
    return new LockStatistics(
        status,
        acquired,
        acquired,
        0,
        0,
        0,
        0,
        0,
        Map.of(),
        NONE,
        NONE,
        List.of(),
        Optional.empty());
  }

  @Test
  void why_saysWhatTheHolderWaitsFor() {
    LockWait first =
        new LockWait(CI.owner(), "test", Mode.READ, List.of(Fence.of("deploy", 118)), List.of());
    LockWait second =
        new LockWait(LEASE.owner(), "deploy", Mode.WRITE, List.of(Fence.of("test", 7)), List.of());
    LockStatus test = new LockStatus("test", State.HELD, 7, 1, List.of(LEASE), List.of());
    Behind behind = new Behind(List.of(first, second), Map.of("deploy", DEPLOY, "test", test));
    assertThat(Why.lines(DEPLOY, behind).subList(0, 4))
        .containsExactly(
            "deploy is held for writing by ci@build-3 (pid 8112) for 4m12s, token 118,"
                + " \"release 2.4\"; alive: its process lock is held",
            "    it waits for test (read), which",
            "      is held for reading by a1@ws4 for 1m1s, token 7; not known to be alive:"
                + " lease term not over",
            "      it waits for deploy, which one of those above holds: a ring");
    assertThat(Why.lines(DEPLOY, behind).getLast())
        .startsWith("  it frees when pid 8112 ends (it waits for test); by force:");
    assertThat(Why.json(DEPLOY, behind, Instant.EPOCH))
        .contains(
            "\"waits_for\":[{\"lock\":\"test\",\"mode\":\"read\",\"ring\":false,\"holders\":[{"
                + "\"owner\":\"a1\"",
            "\"waits_for\":[{\"lock\":\"deploy\",\"mode\":\"write\",\"ring\":true,"
                + "\"holders\":[]}]");
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
            Optional.empty(),
            OptionalInt.empty(),
            List.of());
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
            Optional.empty(),
            OptionalInt.empty(),
            List.of());
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
            Optional.empty(),
            OptionalInt.empty(),
            List.of());
    assertThat(Refusals.text(full, Durations.FOREVER, "not run"))
        .isEqualTo(
            "truce: deploy is waited for by others, and too many wait for it already; not run");
  }
}
