package dev.truce.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.lock.Crew;
import dev.truce.lock.Crew.Job;
import dev.truce.lock.TestTicker;
import dev.truce.spi.Ticker;
import dev.truce.store.Shared.RefusedException;
import dev.truce.store.Shared.RefusedException.Kind;
import dev.truce.store.Shared.Stats;
import dev.truce.store.Shared.Writer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Readers that never wait, and writers one after the other. After each test everybody who asked is
/// accounted for.
class SharedTest {
  private static final long MILLI = 1_000_000L;
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Duration FIFTY = Duration.ofMillis(50);

  private final Crew crew = new Crew();
  private final TestTicker ticker = new TestTicker();
  private final List<Shared<?>> made = new ArrayList<>();

  @AfterEach
  void nobodyIsLeft() {
    crew.close();
    for (Shared<?> shared : made) {
      Stats stats = shared.stats();
      assertThat(stats.writing()).as("writing in %s", stats).isFalse();
      assertThat(stats.waiting()).as("waiting in %s", stats).isZero();
      assertThat(stats.readers()).as("readers in %s", stats).isZero();
      assertThat(stats.asked())
          .as("all of %s", stats)
          .isEqualTo(
              stats.epoch()
                  + stats.discarded()
                  + stats.late()
                  + stats.refused()
                  + stats.interrupted());
      assertThat(stats.contended()).as("contended in %s", stats).isBetween(0L, stats.asked());
    }
  }

  // ---- what the tests are made of

  /// Two numbers that are changed in place, one after the other, and always together.
  private static final class Pair {
    private int left;
    private int right;

    Pair copy() {
      Pair copy = new Pair();
      copy.left = left;
      copy.right = right;
      return copy;
    }

    @Override
    public String toString() {
      return left + "/" + right;
    }
  }

  private <T> Shared<T> keep(Shared<T> shared) {
    made.add(shared);
    return shared;
  }

  private Shared<Long> number(Ticker time) {
    return keep(new Shared<>(0L, UnaryOperator.identity(), time));
  }

  private Shared<Pair> pair() {
    return keep(new Shared<>(new Pair(), Pair::copy, ticker));
  }

  /// A writer that has the turn until it is told to end, and adds one then.
  private final class Holder {
    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch end = new CountDownLatch(1);
    private final Job<Long> job;

    Holder(Shared<Long> shared) {
      job =
          crew.platform(() ->
              shared.update(
                  HOUR,
                  old -> {
                    begun.countDown();
                    await(end);
                    return old + 1;
                  }));
    }

    Holder inside() {
      await(begun);
      return this;
    }

    void end() throws Exception {
      end.countDown();
      job.join();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      if (!latch.await(Crew.LIVENESS.toSeconds(), TimeUnit.SECONDS)) {
        throw new AssertionError("it never came to be");
      }
    } catch (InterruptedException ended) {
      throw new AssertionError("the test is over", ended);
    }
  }

  /// Time in which something happens just when one thread looks at the clock.
  private final class Interposed implements Ticker {
    private final AtomicReference<Thread> who = new AtomicReference<>();
    private volatile Event what = () -> {};

    @Override
    public long nanos() {
      if (who.compareAndSet(Thread.currentThread(), null)) {
        try {
          what.happen();
        } catch (Exception e) {
          throw new AssertionError(e);
        }
      }
      return ticker.nanos();
    }

    @Override
    public void park(Object blocker, long deadline) {
      ticker.park(blocker, deadline);
    }

    void whenItLooks(Thread thread, Event event) {
      what = event;
      who.set(thread);
      LockSupport.unpark(thread);
    }
  }

  private interface Event {
    void happen() throws Exception;
  }

  private static final Set<Thread.State> ASLEEP =
      EnumSet.of(Thread.State.WAITING, Thread.State.TIMED_WAITING);

  /// One who adds one when its turn has come, and sleeps until then by now.
  private Job<Long> waiter(Shared<Long> shared, Duration limit) {
    int before = shared.stats().waiting();
    Job<Long> job = crew.platform(() -> shared.update(limit, old -> old + 1));
    Crew.until(() -> shared.stats().waiting() == before + 1);
    Crew.until(() -> ASLEEP.contains(job.thread().getState()));
    return job;
  }

  private static void assertRefused(Throwable failure, Kind kind, boolean retryable) {
    assertThat(failure).isInstanceOf(RefusedException.class);
    RefusedException refused = (RefusedException) failure;
    assertThat(refused.kind()).isEqualTo(kind);
    assertThat(refused.retryable()).isEqualTo(retryable);
  }

  // ---- readers

  @Test
  void read_fiftyReadersTwentyTimes_allSeeTheSameAndAreCounted() throws Exception {
    Shared<List<Integer>> shared = keep(Shared.of(List.of(1, 2, 3)));
    CountDownLatch inside = new CountDownLatch(50);
    CountDownLatch counted = new CountDownLatch(1);
    AtomicInteger seen = new AtomicInteger();
    List<Job<Void>> readers = new ArrayList<>();
    for (int reader = 0; reader < 50; reader++) {
      readers.add(
          crew.virtual(() -> {
            for (int round = 0; round < 20; round++) {
              boolean first = round == 0;
              seen.addAndGet(
                  shared.read(list -> {
                    if (first) {
                      inside.countDown();
                      await(counted);
                    }
                    return list.equals(List.of(1, 2, 3)) ? 1 : 0;
                  }));
            }
            return null;
          }));
    }

    await(inside);
    assertThat(shared.stats().readers()).isEqualTo(50);
    counted.countDown();
    for (Job<Void> reader : readers) {
      reader.join();
    }

    assertThat(seen).hasValue(1_000);
    assertThat(shared.stats().readers()).isZero();
    assertThat(shared.epoch()).isZero();
  }

  @Test
  void read_twentyReadersBesideFiveWriters_seeWholeStatesThatNeverGoBack() throws Exception {
    Shared<Pair> shared = keep(Shared.of(new Pair(), Pair::copy));
    AtomicBoolean over = new AtomicBoolean();
    CountDownLatch reading = new CountDownLatch(20);
    List<Job<List<String>>> readers = new ArrayList<>();
    for (int reader = 0; reader < 20; reader++) {
      readers.add(
          crew.platform(() -> {
            List<String> wrong = new ArrayList<>();
            int last = 0;
            for (int look = 0; look < 50 || (!over.get() && !Thread.interrupted()); look++) {
              Pair pair = shared.get();
              int left = pair.left;
              if (left != pair.right || left < last || shared.epoch() < left) {
                wrong.add(pair + " after " + last + " in epoch " + shared.epoch());
              }
              last = left;
              reading.countDown();
              LockSupport.parkNanos(1); // others are to look now
            }
            return wrong;
          }));
    }
    await(reading);
    List<Job<Void>> writers = new ArrayList<>();
    for (int writer = 0; writer < 5; writer++) {
      writers.add(
          crew.platform(() -> {
            for (int round = 0; round < 10; round++) {
              shared.update(
                  HOUR,
                  pair -> {
                    pair.left++;
                    LockSupport.parkNanos(1); // others are to look now
                    pair.right++;
                    return pair;
                  });
            }
            return null;
          }));
    }

    for (Job<Void> writer : writers) {
      writer.join();
    }
    over.set(true);

    for (Job<List<String>> reader : readers) {
      assertThat(reader.join()).isEmpty();
    }
    assertThat(shared.get()).hasToString("50/50");
    assertThat(shared.epoch()).isEqualTo(50);
    assertThat(shared.stats().asked()).isEqualTo(50);
  }

  @Test
  void read_whileAWriteIsHalfDone_seesTheStateBeforeIt() throws Exception {
    Shared<Pair> shared = pair();
    Pair before = shared.get();
    List<String> seen = new ArrayList<>();

    shared.write(
        HOUR,
        writer -> {
          writer.value().left = 1;
          seen.add(shared.read(Pair::toString));
          writer.value().right = 1;
          seen.add(shared.read(Pair::toString));
          seen.add(writer.value().toString());
          writer.commit();
          return seen.add(shared.read(Pair::toString));
        });

    assertThat(seen).containsExactly("0/0", "0/0", "1/1", "1/1");
    assertThat(before).hasToString("0/0");
  }

  @Test
  void read_bodyThrows_isCountedNoMore() {
    Shared<Long> shared = number(ticker);
    IllegalStateException mine = new IllegalStateException("mine");

    assertThatThrownBy(() ->
            shared.read(_ -> {
              assertThat(shared.stats().readers()).isEqualTo(1);
              throw mine;
            }))
        .isSameAs(mine);

    assertThat(shared.stats().readers()).isZero();
  }

  // ---- commits

  @Test
  void update_eightWritersAThousandTimesEach_keepsEveryOne() throws Exception {
    Shared<Long> shared = keep(Shared.of(0L));
    CountDownLatch start = new CountDownLatch(1);
    List<Job<Void>> writers = new ArrayList<>();
    for (int writer = 0; writer < 8; writer++) {
      writers.add(
          crew.platform(() -> {
            await(start);
            for (int round = 0; round < 1_000; round++) {
              shared.update(HOUR, old -> old + 1);
            }
            return null;
          }));
    }
    start.countDown();
    for (Job<Void> writer : writers) {
      writer.join();
    }

    assertThat(shared.get()).isEqualTo(8_000);
    Stats stats = shared.stats();
    assertThat(stats.epoch()).isEqualTo(8_000);
    assertThat(stats.asked()).isEqualTo(8_000);
    assertThat(stats.contention()).isBetween(0.0, 1.0);
    assertThat(shared.update(Duration.ofNanos(Long.MAX_VALUE), old -> old + 1)).isEqualTo(8_001);
  }

  /// One who waits works on what the one before it committed, not on what it saw when it asked.
  @Test
  void update_afterAWait_beginsWithWhatWasCommittedMeanwhile() throws Exception {
    Shared<Long> shared = number(ticker);
    Holder holder = new Holder(shared).inside();
    Job<Long> waiter = waiter(shared, HOUR);

    holder.end();

    assertThat(waiter.join()).isEqualTo(2);
    assertThat(shared.get()).isEqualTo(2);
    assertThat(shared.epoch()).isEqualTo(2);
  }

  @Test
  void update_bodyThrows_changesNothingAndTheNextWrites() throws Exception {
    Shared<Pair> shared = pair();
    IllegalStateException mine = new IllegalStateException("mine");

    assertThatThrownBy(() ->
            shared.update(
                HOUR,
                pair -> {
                  pair.left = 7;
                  throw mine;
                }))
        .isSameAs(mine);

    assertThat(shared.get()).hasToString("0/0");
    assertThat(shared.epoch()).isZero();
    assertThat(shared.stats().discarded()).isEqualTo(1);
    shared.update(
        HOUR,
        pair -> {
          pair.right = 1;
          return pair;
        });
    assertThat(shared.get()).hasToString("0/1");
    assertThat(shared.epoch()).isEqualTo(1);
  }

  @Test
  void write_withoutCommit_discards() throws Exception {
    Shared<Pair> shared = pair();

    String seen =
        shared.write(
            HOUR,
            writer -> {
              writer.value().left = 7;
              writer.value().right = 7;
              return writer.value().toString();
            });

    assertThat(seen).isEqualTo("7/7");
    assertThat(shared.get()).hasToString("0/0");
    assertThat(shared.epoch()).isZero();
    assertThat(shared.stats().discarded()).isEqualTo(1);
  }

  @Test
  void discard_afterChanges_changesNothingAndEndsTheWrite() throws Exception {
    Shared<Long> shared = number(ticker);

    shared.write(
        HOUR,
        writer -> {
          writer.set(7L);
          assertThat(writer.value()).isEqualTo(7);
          writer.discard();
          assertOver(writer);
          return null;
        });

    assertThat(shared.get()).isZero();
    assertThat(shared.epoch()).isZero();
    assertThat(shared.stats().discarded()).isEqualTo(1);
  }

  @Test
  void commit_thenMore_isRefusedAndWhatWasCommittedStands() throws Exception {
    Shared<Long> shared = number(ticker);
    IllegalStateException mine = new IllegalStateException("mine");

    assertThatThrownBy(() ->
            shared.write(
                HOUR,
                writer -> {
                  writer.set(7L);
                  writer.commit();
                  assertThat(shared.get()).isEqualTo(7);
                  assertOver(writer);
                  throw mine;
                }))
        .isSameAs(mine);

    assertThat(shared.get()).isEqualTo(7);
    assertThat(shared.epoch()).isEqualTo(1);
    assertThat(shared.stats().discarded()).isZero();
  }

  @Test
  void writer_usedAfterItsBody_isRefused() throws Exception {
    Shared<Long> shared = number(ticker);
    AtomicReference<Writer<Long>> kept = new AtomicReference<>();

    shared.write(
        HOUR,
        writer -> {
          kept.set(writer);
          return null;
        });

    assertOver(kept.get());
    assertThat(shared.get()).isZero();
  }

  @Test
  void writer_usedByAnotherThread_isRefused() throws Exception {
    Shared<Long> shared = number(ticker);

    Throwable failure =
        shared.write(
            HOUR,
            writer -> {
              try {
                return crew.platform(
                        () -> {
                          writer.set(7L);
                          return null;
                        })
                    .failure();
              } catch (Exception e) {
                throw new AssertionError(e);
              }
            });

    assertThat(failure).isInstanceOf(IllegalStateException.class);
    assertThat(shared.get()).isZero();
  }

  private static void assertOver(Writer<Long> writer) {
    assertThatThrownBy(writer::value).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> writer.set(8L)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(writer::commit).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(writer::discard).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void commit_ofNothing_countsAndChangesNothing() throws Exception {
    Shared<Long> shared = number(ticker);

    shared.write(
        HOUR,
        writer -> {
          writer.commit();
          return null;
        });

    assertThat(shared.get()).isZero();
    assertThat(shared.epoch()).isEqualTo(1);
  }

  // ---- late bodies

  @Test
  void update_bodyOf600MillisWithin50_cannotCommit() throws Exception {
    Shared<Long> shared = number(ticker);

    assertThatThrownBy(() ->
            shared.update(
                FIFTY,
                old -> {
                  ticker.advance(600 * MILLI);
                  return old + 1;
                }))
        .satisfies(failure -> assertRefused(failure, Kind.BODY, false))
        .hasMessageContainingAll("took 600.0 ms", "less than 50.0 ms");

    assertThat(shared.get()).isZero();
    assertThat(shared.epoch()).isZero();
    assertThat(shared.stats().late()).isEqualTo(1);
    assertThat(shared.update(FIFTY, old -> old + 1)).isEqualTo(1);
  }

  @Test
  void commit_tooLateAndTheBodyGoesOn_hasDiscarded() throws Exception {
    Shared<Long> shared = number(ticker);

    String answer =
        shared.write(
            FIFTY,
            writer -> {
              writer.set(7L);
              ticker.advance(50 * MILLI);
              assertThatThrownBy(writer::commit)
                  .satisfies(failure -> assertRefused(failure, Kind.BODY, false));
              assertOver(writer);
              return "went on";
            });

    assertThat(answer).isEqualTo("went on");
    assertThat(shared.get()).isZero();
    assertThat(shared.stats().late()).isEqualTo(1);
  }

  @Test
  void commit_justInTimeAndThenABodyThatTakesLong_stands() throws Exception {
    Shared<Long> shared = number(ticker);

    shared.write(
        FIFTY,
        writer -> {
          writer.set(7L);
          ticker.advance(50 * MILLI - 1);
          writer.commit();
          ticker.advance(600 * MILLI);
          return null;
        });

    assertThat(shared.get()).isEqualTo(7);
    assertThat(shared.stats().late()).isZero();
  }

  /// The copy is the writer's work, too.
  @Test
  void update_copyTakesTooLong_cannotCommit() {
    Shared<Long> shared =
        keep(
            new Shared<>(
                0L,
                old -> {
                  ticker.advance(600 * MILLI);
                  return old;
                },
                ticker));

    assertThatThrownBy(() -> shared.update(FIFTY, old -> old + 1))
        .satisfies(failure -> assertRefused(failure, Kind.BODY, false));
    assertThat(shared.epoch()).isZero();
  }

  @Test
  void update_afterAWaitOfNearlyItsLimit_hasTheWholeLimitForItsBody() throws Exception {
    Shared<Long> shared = number(ticker);
    Holder holder = new Holder(shared).inside();
    Job<Long> waiter =
        crew.platform(() ->
            shared.update(
                FIFTY,
                old -> {
                  ticker.advance(40 * MILLI);
                  return old + 1;
                }));
    Crew.until(() -> shared.stats().waiting() == 1);
    ticker.advance(40 * MILLI);

    holder.end();

    assertThat(waiter.join()).isEqualTo(2);
  }

  // ---- waiting

  @Test
  void update_waitTimesOut_changesNothingForTheOthers() throws Exception {
    Shared<Long> shared = number(ticker);
    Holder holder = new Holder(shared).inside();
    Job<Long> first = waiter(shared, FIFTY);
    Job<Long> second = waiter(shared, HOUR);
    Job<Long> third = waiter(shared, FIFTY);

    ticker.advance(50 * MILLI - 1);
    assertThat(shared.stats().refused()).isZero();
    ticker.advance(1);

    Throwable failure = first.failure();
    assertRefused(failure, Kind.WAIT, true);
    assertThat(failure).hasMessageContainingAll("within 50.0 ms", "1 ahead");
    assertRefused(third.failure(), Kind.WAIT, true);
    Stats stats = shared.stats();
    assertThat(stats.writing()).isTrue();
    assertThat(stats.waiting()).isEqualTo(1);
    assertThat(stats.refused()).isEqualTo(2);
    holder.end();
    assertThat(second.join()).isEqualTo(2);
  }

  /// Defect of a predecessor: the turn was given to one who had gone, and nobody else was woken.
  @Test
  void update_theOneBeforeItTimedOut_isWokenWhenTheHolderEnds() throws Exception {
    Shared<Long> shared = number(ticker);
    Holder holder = new Holder(shared).inside();
    Job<Long> gone = waiter(shared, FIFTY);
    Job<Long> next = waiter(shared, HOUR);
    ticker.advance(50 * MILLI);
    assertRefused(gone.failure(), Kind.WAIT, true);

    holder.end();

    assertThat(next.join()).isEqualTo(2);
  }

  /// Defect of a predecessor: between the end of a turn and the next one somebody slipped in, and
  /// two began with the same value.
  @Test
  void update_whileTheNextOneHasTheTurn_waitsBehindThoseWhoWait() throws Exception {
    Shared<Long> shared = number(ticker);
    Holder first = new Holder(shared).inside();
    Holder second = new Holder(shared);
    Crew.until(() -> shared.stats().waiting() == 1);
    Job<Long> third = waiter(shared, HOUR);
    first.end();
    second.inside();

    assertThat(shared.stats().writing()).isTrue();
    Job<Long> last = waiter(shared, HOUR);
    second.end();

    assertThat(third.join()).isEqualTo(3);
    assertThat(last.join()).isEqualTo(4);
  }

  /// It looks whether its turn has come, and finds that it has not. Then the holder passes the turn
  /// to it; then its time is over. It has the turn and must not go without passing it on.
  @Test
  void update_turnComesJustBeforeItsTimeIsOver_writesAndPassesTheTurnOn() throws Exception {
    Interposed time = new Interposed();
    Shared<Long> shared = number(time);
    Holder holder = new Holder(shared).inside();
    Job<Long> late = waiter(shared, FIFTY);
    Job<Long> next = waiter(shared, HOUR);

    time.whenItLooks(
        late.thread(),
        () -> {
          holder.end();
          ticker.advance(50 * MILLI);
        });

    assertThat(late.join()).isEqualTo(2);
    assertThat(next.join()).isEqualTo(3);
    assertThat(shared.stats().refused()).isZero();
  }

  /// The same with an interrupt, which is kept.
  @Test
  void update_turnComesJustBeforeItIsInterrupted_writesAndStaysInterrupted() throws Exception {
    Interposed time = new Interposed();
    Shared<Long> shared = number(time);
    Holder holder = new Holder(shared).inside();
    AtomicBoolean interrupted = new AtomicBoolean();
    Job<Long> waiter =
        crew.platform(() -> {
          long made = shared.update(HOUR, old -> old + 1);
          interrupted.set(Thread.interrupted());
          return made;
        });
    Crew.until(() -> shared.stats().waiting() == 1);
    Job<Long> next = waiter(shared, HOUR);

    time.whenItLooks(
        waiter.thread(),
        () -> {
          holder.end();
          Thread.currentThread().interrupt();
        });

    assertThat(waiter.join()).isEqualTo(2);
    assertThat(next.join()).isEqualTo(3);
    assertThat(interrupted).isTrue();
    assertThat(shared.stats().interrupted()).isZero();
  }

  @Test
  void update_interruptedWhileItWaits_leavesNothingBehind() throws Exception {
    Shared<Long> shared = number(ticker);
    Holder holder = new Holder(shared).inside();
    Job<Long> gone = waiter(shared, HOUR);
    Job<Long> next = waiter(shared, HOUR);

    gone.thread().interrupt();

    assertThat(gone.failure()).isInstanceOf(InterruptedException.class);
    assertThat(shared.stats().interrupted()).isEqualTo(1);
    assertThat(shared.stats().waiting()).isEqualTo(1);
    holder.end();
    assertThat(next.join()).isEqualTo(2);
  }

  @Test
  void update_interruptedBefore_throwsThoughItIsFree() {
    Shared<Long> shared = number(ticker);
    Thread.currentThread().interrupt();

    assertThatThrownBy(() -> shared.update(HOUR, old -> old + 1))
        .isInstanceOf(InterruptedException.class);

    assertThat(Thread.interrupted()).isFalse();
    assertThat(shared.get()).isZero();
    assertThat(shared.stats().interrupted()).isEqualTo(1);
  }

  @Test
  void update_aHundredWait_areServedInOrderAndOneMoreIsRefused() throws Exception {
    Shared<List<Integer>> shared = keep(new Shared<>(List.of(), UnaryOperator.identity(), ticker));
    CountDownLatch end = new CountDownLatch(1);
    CountDownLatch begun = new CountDownLatch(1);
    List<Job<List<Integer>>> jobs = new ArrayList<>();
    for (int number = 0; number <= 100; number++) {
      int mine = number;
      jobs.add(
          crew.virtual(() ->
              shared.update(
                  HOUR,
                  list -> {
                    begun.countDown();
                    await(end);
                    return plus(list, mine);
                  })));
      await(begun);
      Crew.until(() -> shared.stats().waiting() == mine);
    }

    Throwable failure = crew.platform(() -> shared.update(HOUR, list -> plus(list, 101))).failure();
    assertRefused(failure, Kind.FULL, true);
    assertThat(failure).hasMessageContaining("100 writers wait");
    assertThat(shared.stats().refused()).isEqualTo(1);
    assertThat(shared.stats().contended()).isEqualTo(101);
    end.countDown();
    for (Job<List<Integer>> job : jobs) {
      job.join();
    }

    List<Integer> order = new ArrayList<>();
    for (int number = 0; number <= 100; number++) {
      order.add(number);
    }
    assertThat(shared.get()).isEqualTo(order);
  }

  private static List<Integer> plus(List<Integer> list, int number) {
    List<Integer> longer = new ArrayList<>(list);
    longer.add(number);
    return Collections.unmodifiableList(longer);
  }

  @Test
  void update_withoutTime_isRefusedAtOnceAndItsBodyDoesNotRun() {
    Shared<Long> shared = number(ticker);
    AtomicInteger ran = new AtomicInteger();

    for (Duration none : List.of(Duration.ZERO, Duration.ofSeconds(Long.MIN_VALUE))) {
      assertThatThrownBy(() -> shared.update(none, old -> old + ran.incrementAndGet()))
          .satisfies(failure -> assertRefused(failure, Kind.WAIT, true));
    }

    assertThat(ran).hasValue(0);
    assertThat(shared.stats().refused()).isEqualTo(2);
    assertThat(shared.stats().contended()).isZero();
  }

  @Test
  void update_withTheLongestLimits_waitsAndWrites() throws Exception {
    Shared<Long> shared = number(ticker);
    Holder holder = new Holder(shared).inside();
    Job<Long> first = waiter(shared, Duration.ofNanos(Long.MAX_VALUE));
    Job<Long> second = waiter(shared, Duration.ofSeconds(Long.MAX_VALUE, 999_999_999));

    ticker.advance(Duration.ofMinutes(30).toNanos());
    holder.end();

    assertThat(first.join()).isEqualTo(2);
    assertThat(second.join()).isEqualTo(3);
  }

  @Test
  void update_inItsOwnBody_isRefusedAndTheOuterOneGoesOn() throws Exception {
    Shared<Long> shared = number(ticker);
    Shared<Long> other = number(ticker);

    long made =
        shared.update(
            HOUR,
            old -> {
              assertThatThrownBy(() -> shared.update(HOUR, inner -> inner + 1))
                  .isInstanceOf(IllegalStateException.class);
              try {
                return old + other.update(HOUR, inner -> inner + 1);
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
            });

    assertThat(made).isEqualTo(1);
    assertThat(shared.stats().asked()).isEqualTo(1);
    assertThat(other.get()).isEqualTo(1);
  }

  // ---- figures

  @Test
  void stats_ofThreeOfWhomTwoWaited_areExact() throws Exception {
    Shared<Long> shared = number(ticker);
    assertThat(shared.stats().contention()).isZero();
    Holder holder = new Holder(shared).inside();
    Job<Long> first = waiter(shared, FIFTY);
    ticker.advance(20 * MILLI);
    Job<Long> second = waiter(shared, HOUR);
    ticker.advance(30 * MILLI);
    assertRefused(first.failure(), Kind.WAIT, true);

    assertThat(shared.stats())
        .isEqualTo(
            new Stats(
                0, true, 1, 0, 3, 0, 0, 1, 0, 2, Duration.ofMillis(50), Duration.ofMillis(50)));
    ticker.advance(40 * MILLI);
    holder.end();
    second.join();

    Stats stats = shared.stats();
    assertThat(stats)
        .isEqualTo(
            new Stats(
                0, false, 0, 2, 3, 0, 0, 1, 0, 2, Duration.ofMillis(120), Duration.ofMillis(70)));
    assertThat(stats.contention()).isEqualTo(2 / 3.0);
  }

  // ---- any contention

  /// Short limits, a clock that runs, and interrupts: who was told that it wrote is there, nobody
  /// else is, and whoever comes afterwards writes at once.
  @Test
  void update_eightWritersWithShortLimitsAndInterrupts_losesNoneAndNeverWedges() throws Exception {
    Shared<Long> shared = number(ticker);
    AtomicBoolean over = new AtomicBoolean();
    Job<Void> time =
        crew.platform(() -> {
          while (!over.get() && !Thread.interrupted()) {
            ticker.advance(1_000);
          }
          return null;
        });
    AtomicInteger refused = new AtomicInteger();
    AtomicInteger interrupted = new AtomicInteger();
    List<Job<Integer>> writers = new ArrayList<>();
    List<Thread> begun = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch start = new CountDownLatch(1);
    for (int writer = 0; writer < 8; writer++) {
      int mine = writer;
      writers.add(
          crew.platform(() -> {
            await(start);
            begun.add(Thread.currentThread());
            int told = 0;
            for (int round = 0; round < 500; round++) {
              try {
                Duration limit = Duration.ofNanos(1_000L << (mine + round) % 24);
                shared.update(
                    limit,
                    old -> {
                      Thread.onSpinWait();
                      return old + 1;
                    });
                told++;
              } catch (RefusedException _) {
                refused.incrementAndGet();
              } catch (InterruptedException _) {
                interrupted.incrementAndGet();
              }
              if (round % 25 == mine) {
                begun.get(round % begun.size()).interrupt();
              }
            }
            return told;
          }));
    }
    start.countDown();
    long told = 0;
    for (Job<Integer> writer : writers) {
      told += writer.join();
    }
    over.set(true);
    time.join();

    assertThat(shared.get()).isEqualTo(told);
    assertThat(shared.epoch()).isEqualTo(told);
    Stats stats = shared.stats();
    assertThat(stats.asked()).isEqualTo(8 * 500);
    assertThat(stats.refused() + stats.late()).isEqualTo(refused.get());
    assertThat(stats.interrupted()).isEqualTo(interrupted.get());
    assertThat(told + refused.get() + interrupted.get()).isEqualTo(8 * 500);
    assertThat(shared.update(FIFTY, old -> old + 1)).isEqualTo(told + 1);
  }

  // ---- bad arguments

  @Test
  void anything_null_isRefusedAndNothingChanges() {
    Shared<Long> shared = number(ticker);

    assertThatThrownBy(() -> Shared.of(null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> Shared.of(1L, null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> shared.read(null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> shared.update(HOUR, null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> shared.write(null, _ -> 1)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> shared.update(HOUR, _ -> null))
        .isInstanceOf(NullPointerException.class);

    assertThat(shared.get()).isZero();
    assertThat(shared.stats().discarded()).isEqualTo(1);
    assertThat(shared.stats().asked()).isEqualTo(1);
  }
}
