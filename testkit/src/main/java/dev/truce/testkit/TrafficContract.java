package dev.truce.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.truce.EngineException;
import dev.truce.Truce;
import dev.truce.lock.Grant;
import dev.truce.lock.NamedLock;
import dev.truce.lock.NamedLock.Mode;
import dev.truce.lock.NotAcquiredException;
import dev.truce.lock.Traffic;
import dev.truce.lock.Traffic.Cause;
import dev.truce.lock.Traffic.Event;
import dev.truce.lock.Traffic.Gap;
import dev.truce.lock.Traffic.What;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import dev.truce.testkit.Referee.Hold;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What the record of traffic promises, over whatever engine. Each handle stands for a process.
public abstract class TrafficContract extends EngineContract {
  private static final Duration LONG = Duration.ofHours(1);
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final Map<Truce, Engine> handles = new HashMap<>();

  /// For a subclass, which names the engine.
  protected TrafficContract() {}

  /// How often each thread enters where many do; fewer where every operation is slow.
  protected int rounds() {
    return 100;
  }

  @AfterEach
  void closeHandles() {
    handles.keySet().forEach(Truce::close);
  }

  private Truce open(String owner) {
    Engine engine = place().open();
    Truce truce = Truce.builder().engine(engine).owner(owner).host("here").pid(7).open();
    handles.put(truce, engine);
    return truce;
  }

  private void close(Truce truce) {
    truce.close();
    handles.remove(truce);
  }

  private void kill(Truce truce) {
    place().kill(Objects.requireNonNull(handles.remove(truce)));
  }

  /// `owner what mode token`.
  private static List<String> told(Traffic traffic) {
    return traffic.parts().stream()
        .map(part ->
            switch (part) {
              case Event event ->
                  event.owner().name()
                      + " "
                      + event.what()
                      + " "
                      + event.mode()
                      + " "
                      + event.token();
              case Gap gap -> gap.owner().name() + " gap " + gap.cause();
            })
        .toList();
  }

  private static String told(String owner, What what, Mode mode, long token) {
    return owner + " " + what + " " + mode + " " + token;
  }

  private static List<Gap> gaps(Traffic traffic) {
    return traffic.parts().stream().filter(Gap.class::isInstance).map(Gap.class::cast).toList();
  }

  @Test
  void traffic_ofWhatIsNotRecorded_isNothingAndLeavesNothing() throws Exception {
    Truce truce = open("a");
    truce.lock("index").acquire(LONG).close();
    Traffic traffic = truce.traffic();
    assertEquals(List.of(), traffic.parts());
    assertEquals(List.of(), traffic.recorded());
    assertEquals(0, traffic.letGo());
    close(truce);
    assertEquals(List.of(), engine().cells().keys("traffic/"));
    assertEquals(List.of(), engine().cells().keys("noting/"));
    assertEquals(0, engine().journal("traffic").appended());
  }

  @Test
  void whatWasDone_standsInOrderWithWhoDidIt() throws Exception {
    Truce one = open("one");
    Truce two = open("two");
    NamedLock mine = one.lock("index");
    NamedLock theirs = two.lock("index");
    mine.recordTraffic(true);

    Grant held = mine.acquire(LONG);
    assertEquals(Optional.empty(), theirs.tryAcquire());
    Thread waiting = start(() -> once(theirs.read()));
    passUntil(() -> one.lock("index").status().waiting() == 1, () -> "it stands in the queue");
    held.close();
    passUntilOver(waiting, STEP);
    Grant last = mine.read().acquire(LONG);
    NamedLock impatient = theirs.withReason("impatient");
    Thread late =
        start(() -> assertThrows(NotAcquiredException.class, () -> impatient.acquire(SECOND)));
    passUntilOver(late, STEP);
    last.close();

    close(two);
    passUntil(() -> one.traffic().parts().size() == 11, () -> "all of it: " + one.traffic());
    Traffic traffic = one.traffic().of("index");
    List<Long> tokens =
        traffic.parts().stream()
            .filter(part -> part instanceof Event event && event.what() == What.GRANTED)
            .map(part -> ((Event) part).token())
            .toList();
    assertEquals(3, tokens.size());
    assertEquals(held.token(), tokens.get(0));
    assertEquals(last.token(), tokens.get(2));
    assertTrue(tokens.get(1) > held.token() && tokens.get(1) < last.token());
    assertEquals(
        List.of(
            told("one", What.SWITCHED_ON, Mode.WRITE, 0),
            told("one", What.GRANTED, Mode.WRITE, held.token()),
            told("two", What.REFUSED, Mode.WRITE, 0),
            told("two", What.WAITING, Mode.READ, 0),
            told("one", What.RELEASED, Mode.WRITE, held.token()),
            told("two", What.GRANTED, Mode.READ, tokens.get(1)),
            told("two", What.RELEASED, Mode.READ, tokens.get(1)),
            told("one", What.GRANTED, Mode.READ, last.token()),
            told("two", What.WAITING, Mode.WRITE, 0),
            told("two", What.TIMED_OUT, Mode.WRITE, 0),
            told("one", What.RELEASED, Mode.READ, last.token())),
        told(traffic));
  }

  private static Thread start(Callable<?> work) {
    return Thread.ofPlatform().daemon().start(new FutureTask<>(work));
  }

  @Test
  void aSwitch_isFollowedWithinASecondByWhoWasBusyBefore() throws Exception {
    Truce busy = open("busy");
    NamedLock lock = busy.lock("index");
    lock.acquire(LONG).close();
    open("other").lock("index").recordTraffic(true);
    assertEquals(List.of("index"), busy.traffic().recorded());
    place().pass(SECOND);

    long token = once(lock);

    passUntil(() -> busy.traffic().parts().size() == 3, () -> "all of it: " + busy.traffic());
    assertEquals(
        List.of(
            told("other", What.SWITCHED_ON, Mode.WRITE, 0),
            told("busy", What.GRANTED, Mode.WRITE, token),
            told("busy", What.RELEASED, Mode.WRITE, token)),
        told(busy.traffic()));
    open("third").lock("index").recordTraffic(false);
    place().pass(SECOND);
    long _ = once(lock);
    Traffic after = busy.traffic();
    assertEquals(List.of(), after.recorded());
    assertEquals(told("third", What.SWITCHED_OFF, Mode.WRITE, 0), told(after).getLast());
    assertEquals(4, after.parts().size());
  }

  private static long once(NamedLock lock) throws InterruptedException {
    try (Grant grant = lock.acquire(LONG)) {
      return grant.token();
    }
  }

  @Test
  void whatOneHandleNoted_isSeenByAnotherAfterASecond() throws Exception {
    Truce noting = open("noting");
    noting.lock("index").recordTraffic(true);
    long token = once(noting.lock("index"));
    Truce looking = open("looking");
    passUntil(
        () -> told(looking.traffic()).contains(told("noting", What.RELEASED, Mode.WRITE, token)),
        () -> "it is added: " + looking.traffic());
  }

  @Test
  void aHandleThatIsClosed_leavesNoGap() throws Exception {
    Truce looking = open("looking");
    looking.lock("index").recordTraffic(true);
    for (int i = 0; i < 5; i++) {
      Truce passing = open("passing " + i);
      long _ = once(passing.lock("index"));
      close(passing);
    }
    passUntil(() -> looking.traffic().parts().size() == 11, () -> "all: " + looking.traffic());
    assertEquals(List.of(), gaps(looking.traffic()));
    close(looking);
    assertEquals(List.of(), engine().cells().keys("noting/"));
  }

  @Test
  void aHandleThatIsKilled_leavesOneGapAndTheOthersAreExact() throws Exception {
    Truce looking = open("looking");
    NamedLock lock = looking.lock("index");
    lock.recordTraffic(true);
    Truce victim = open("victim");
    Instant before = Instant.now();
    long told = once(victim.lock("index"));
    passUntil(
        () -> looking.traffic().parts().size() == 3, () -> "it is added: " + looking.traffic());
    long untold = once(victim.lock("index"));
    kill(victim);
    Instant killed = Instant.now();

    long mine = once(lock);
    passUntil(() -> !gaps(looking.traffic()).isEmpty(), () -> "a gap: " + looking.traffic());

    Truce alsoLooking = open("also");
    for (Truce truce : List.of(looking, alsoLooking)) {
      Gap gap = gaps(truce.traffic()).getFirst();
      assertEquals(1, gaps(truce.traffic()).size());
      assertEquals("victim", gap.owner().name());
      assertEquals(Cause.KILLED, gap.cause());
      assertEquals(Optional.empty(), gap.lock());
      assertFalse(gap.at().isBefore(before) || gap.at().isAfter(killed), gap::toString);
      assertFalse(gap.until().isBefore(killed), gap::toString);
    }
    passUntil(() -> looking.traffic().parts().size() == 6, () -> "all: " + looking.traffic());
    List<String> all =
        told(looking.traffic()).stream().filter(one -> !one.contains("gap")).toList();
    assertEquals(
        List.of(
            told("looking", What.SWITCHED_ON, Mode.WRITE, 0),
            told("victim", What.GRANTED, Mode.WRITE, told),
            told("victim", What.RELEASED, Mode.WRITE, told),
            told("looking", What.GRANTED, Mode.WRITE, mine),
            told("looking", What.RELEASED, Mode.WRITE, mine)),
        all);
    assertTrue(untold > told);
    assertEquals(1, engine().cells().keys("noting/").size());
  }

  @Test
  void aHandleThatIsKilledBeforeItToldAnything_leavesAGap() throws Exception {
    Truce looking = open("looking");
    looking.lock("index").recordTraffic(true);
    Truce victim = open("victim");
    Grant held = victim.lock("index").acquire(LONG);
    kill(victim);
    passUntil(() -> gaps(looking.traffic()).size() == 1, () -> "a gap: " + looking.traffic());
    NamedLock lock = looking.lock("index");
    passUntil(() -> freed(lock), () -> "the lock is free: " + lock.status());
    passUntil(
        () -> events(looking.traffic(), What.DIED).containsKey(held.token()),
        () -> "its end is noted: " + looking.traffic());
    assertEquals(1, gaps(looking.traffic()).size());
  }

  private static boolean freed(NamedLock lock) {
    Optional<Grant> grant = lock.tryAcquire();
    grant.ifPresent(Grant::close);
    return grant.isPresent();
  }

  /// A grant is noted after it was had, and giving it back before that is done: so the record alone
  /// proves that no two overlapped.
  @Test
  void grantsThatExcludeEachOther_doNotOverlapInTheRecord() throws Exception {
    List<Truce> processes = List.of(open("a"), open("b"), open("c"));
    processes.getFirst().lock("index").recordTraffic(true);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      NamedLock lock = processes.get(i % 3).lock("index");
      NamedLock wanted = i == 5 ? lock.read() : lock;
      threads.add(
          start(() -> {
            for (int round = 0; round < rounds(); round++) {
              long _ = once(wanted);
            }
            return true;
          }));
    }
    for (Thread thread : threads) {
      passUntil(
          () -> !thread.isAlive(),
          STEP,
          TestClock.LIVENESS.multipliedBy(3),
          () -> thread + " comes to an end");
    }
    processes.subList(1, 3).forEach(this::close);
    Truce left = processes.getFirst();
    passUntil(
        () -> events(left.traffic(), What.RELEASED).size() == 6 * rounds(),
        () -> "all of them: " + left.traffic().parts().size());
    Traffic traffic = left.traffic();
    Map<Long, Event> released = events(traffic, What.RELEASED);
    List<Hold> holds =
        events(traffic, What.GRANTED).values().stream()
            .map(granted -> hold(granted, Objects.requireNonNull(released.get(granted.token()))))
            .toList();
    assertEquals(6 * rounds(), holds.size());
    Referee.Verdict verdict = Referee.judge(holds);
    assertTrue(verdict.clean(), () -> String.join("\n", verdict.findings()));
    assertEquals(List.of(), gaps(traffic));
  }

  private static Map<Long, Event> events(Traffic traffic, What what) {
    return traffic.parts().stream()
        .filter(part -> part instanceof Event event && event.what() == what)
        .map(Event.class::cast)
        .collect(Collectors.toMap(Event::token, event -> event));
  }

  private static Hold hold(Event granted, Event released) {
    return new Hold(
        granted.lock(),
        granted.mode() == Mode.WRITE,
        granted.token(),
        0,
        nanos(granted.at()),
        nanos(released.at()));
  }

  private static long nanos(Instant at) {
    return at.getEpochSecond() * 1_000_000_000 + at.getNano();
  }

  @Test
  void whatNoReleaseWrote_isRefusedByName() throws Exception {
    Truce truce = open("a");
    truce.lock("index").recordTraffic(true);
    append(new byte[] {2, 1, 1});
    EngineException newer = assertThrows(EngineException.class, truce::traffic);
    assertEquals(EngineException.Kind.CONFIGURATION, newer.kind());
    long _ = once(truce.lock("index"));
  }

  @Test
  void aDamagedRecord_isNeverServed() throws Exception {
    Truce truce = open("a");
    truce.lock("index").recordTraffic(true);
    long _ = once(truce.lock("index"));
    append(new byte[] {1, -1, -1});
    EngineException damaged = assertThrows(EngineException.class, truce::traffic);
    assertEquals(EngineException.Kind.DAMAGED, damaged.kind());
    long _ = once(truce.lock("index"));
  }

  private void append(byte[] record) {
    Unit unit = new Unit(UUID.randomUUID(), null, _ -> Optional.of(record));
    Result result = engine().journal("traffic").append(List.of(unit)).getFirst();
    for (int tries = 0; !(result instanceof Result.Appended) && tries < 100; tries++) {
      result = engine().journal("traffic").append(List.of(unit)).getFirst();
    }
    assertTrue(result instanceof Result.Appended, result::toString);
    assertFalse(Arrays.equals(record, new byte[0]));
  }

  @Test
  void severalLocks_areRecordedApart() throws Exception {
    Truce truce = open("a");
    for (String name : List.of("x", "y", "z")) {
      if (!name.equals("z")) {
        truce.lock(name).recordTraffic(true);
      }
      long _ = once(truce.lock(name));
    }
    Traffic traffic = truce.traffic();
    assertEquals(List.of("x", "y"), traffic.recorded());
    assertEquals(List.of("x"), traffic.of("x").recorded());
    assertEquals(
        Set.of("x"),
        traffic.of("x").parts().stream()
            .map(part -> ((Event) part).lock())
            .collect(Collectors.toSet()));
    assertEquals(3, traffic.of("x").parts().size());
    assertEquals(List.of(), traffic.of("z").parts());
    assertEquals(List.of(), traffic.since(Instant.now().plus(LONG)).parts());
  }
}
