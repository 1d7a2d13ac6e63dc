package dev.truce.testkit;

import dev.truce.testkit.LockUnderTest.World;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;

/// Locks that are broken on purpose, each in one way that a lock in use somewhere was found to be
/// broken in, named by what it shows; and the scenario that is there to catch it.
@SuppressWarnings("ImmutableEnumChecker") // Each constant makes its locks anew.
enum Mutants {
  /// The file is removed at release: who waits for it locks something nobody else will ever see.
  LOCK_FILE_UNLINKED_TWO_HOLDERS(
      Scenario.CHURN,
      world ->
          new PlainLock(world) {
            @Override
            void release(State state, Claim claim) {
              states.remove(claim.name, state);
              super.release(state, claim);
            }
          }),

  /// The handle belongs to the process, so a second thread of it "has" the lock already.
  SHARED_HANDLE_TWO_THREADS_INSIDE(
      Scenario.THREADS_OF_ONE_PROCESS,
      world ->
          new PlainLock(world) {
            @Override
            boolean fits(State state, Claim claim) {
              return super.fits(state, claim)
                  || state.holders.stream().anyMatch(h -> h.process.equals(claim.process));
            }
          }),

  /// A waiter that gives up clears the active writer.
  TIMED_OUT_WAITER_REMOVES_HOLDER(
      Scenario.TIMEOUTS_CHANGE_NOTHING,
      world ->
          new PlainLock(world) {
            @Override
            void timedOut(State state, Claim claim) {
              state.holders.clear();
              super.timedOut(state, claim);
            }
          }),

  /// A waiter that gives up stays in the queue for ever.
  TIMED_OUT_WAITER_BLOCKS_THE_QUEUE(
      Scenario.TIMEOUTS_CHANGE_NOTHING,
      world ->
          new PlainLock(world) {
            @Override
            void timedOut(State state, Claim claim) {}

            @Override
            void settle(State state) {
              // It is called, and does not answer.
              if (state.queue.isEmpty() || state.queue.getFirst().thread.isAlive()) {
                super.settle(state);
              }
            }
          }),

  /// A reader that gives up is counted out without having been counted in; then a writer finds
  /// "nobody" while one reads.
  NEGATIVE_READER_COUNT(
      Scenario.TIMEOUTS_CHANGE_NOTHING,
      world ->
          new PlainLock(world) {
            private int readers;
            private boolean written;

            @Override
            boolean fits(State state, Claim claim) {
              return !written && (!claim.write || readers <= 0);
            }

            @Override
            void enter(State state, Claim claim) {
              readers += claim.write ? 0 : 1;
              written |= claim.write;
              super.enter(state, claim);
            }

            @Override
            void release(State state, Claim claim) {
              readers -= claim.write ? 0 : 1;
              written &= !claim.write;
              super.release(state, claim);
            }

            @Override
            void timedOut(State state, Claim claim) {
              readers -= claim.write ? 0 : 1;
              super.timedOut(state, claim);
            }
          }),

  /// Between letting go and calling the next, a newcomer slips in; both are inside.
  TWO_HOLDERS_AFTER_RACE(
      Scenario.CHURN,
      world ->
          new PlainLock(world) {
            @Override
            boolean mayEnter(State state, Claim claim, boolean waits) {
              return fits(state, claim);
            }

            @Override
            void settle(State state) {
              // The next is chosen, and counts itself in only when it looks again.
              if (!state.queue.isEmpty() && fits(state, state.queue.getFirst())) {
                Claim next = state.queue.removeFirst();
                next.token = nextToken(state);
              }
            }

            @Override
            boolean taken(Claim claim) {
              claim.state.holders.add(claim);
              return true;
            }
          }),

  /// The guard gives up when the coordinator is busy, and the lock stays taken.
  GUARD_GIVES_UP_LEAVES_WEDGE(
      Scenario.WAITERS_ARE_SERVED,
      world ->
          new PlainLock(world) {
            @Override
            void release(State state, Claim claim) {
              if (state.queue.isEmpty()) {
                super.release(state, claim);
              }
            }
          }),

  /// Only the first in the queue is called, and that one has gone.
  LOST_WAKE_UP(
      Scenario.TIMEOUTS_CHANGE_NOTHING,
      world ->
          new PlainLock(world) {
            @Override
            void timedOut(State state, Claim claim) {
              // Its entry stays behind and swallows the next call.
            }

            @Override
            void settle(State state) {
              state.holders.removeIf(this::gone);
              if (!state.queue.isEmpty() && fits(state, state.queue.getFirst())) {
                Claim next = state.queue.removeFirst();
                if (next.thread.isAlive()) {
                  enter(state, next);
                  LockSupport.unpark(next.thread);
                } else {
                  state.holders.add(next);
                }
              }
            }
          }),

  /// Nobody is called: whoever waits looks again when its time is over.
  NOBODY_IS_CALLED(
      Scenario.WAITERS_ARE_SERVED,
      world ->
          new PlainLock(world) {
            @Override
            void settle(State state) {
              if (state.queue.isEmpty() || over(Long.MAX_VALUE)) {
                super.settle(state);
              }
            }
          }),

  /// A holder is taken for alive as long as its pid is, whoever has that now.
  PID_AS_IDENTITY(
      Scenario.DEATH_WITH_PID_REUSE,
      world ->
          new PlainLock(world) {
            @Override
            boolean gone(Claim claim) {
              return super.gone(claim)
                  && pids.entrySet().stream()
                      .noneMatch(
                          other -> other.getValue() == claim.pid && !dead.contains(other.getKey()));
            }
          }),

  /// A new process with the dead one's pid goes in and out on its behalf.
  PID_OPENS_ANOTHERS_LOCK(
      Scenario.SAME_PID_ON_TWO_HOSTS,
      world ->
          new PlainLock(world) {
            @Override
            boolean fits(State state, Claim claim) {
              return super.fits(state, claim)
                  || state.holders.stream().anyMatch(holder -> holder.pid == claim.pid);
            }
          }),

  /// Nobody looks whether the holder still lives.
  DEAD_HOLDER_FOR_EVER(
      Scenario.DEATH_WITH_PID_REUSE,
      world ->
          new PlainLock(world) {
            @Override
            boolean gone(Claim claim) {
              return false;
            }
          }),

  /// A hold expires by the clock on the wall, which somebody sets.
  WALL_CLOCK_EXPIRY(
      Scenario.WALL_CLOCK_IS_SET,
      world ->
          new PlainLock(world) {
            @Override
            boolean gone(Claim claim) {
              return super.gone(claim)
                  || (claim.token != 0
                      && world.wallMillis().get() - claim.sinceWallMillis > 300_000);
            }
          }),

  /// Time spent waiting is measured on the wall.
  WALL_CLOCK_TIMEOUT(
      Scenario.WALL_CLOCK_IS_SET,
      world ->
          new PlainLock(world) {
            private final long started = world.wallMillis().get();

            @Override
            boolean over(long deadline) {
              return world.wallMillis().get() - started > 60_000;
            }
          }),

  /// Writers go before all readers.
  STARVED_READER(
      Scenario.READER_AMONG_WRITERS,
      world ->
          new PlainLock(world) {
            @Override
            int place(State state, Claim claim) {
              return claim.write
                  ? (int) state.queue.stream().filter(other -> other.write).count()
                  : state.queue.size();
            }
          }),

  /// Readers go in beside readers although a writer waits.
  STARVED_WRITER(
      Scenario.WRITER_AMONG_READERS,
      world ->
          new PlainLock(world) {
            @Override
            boolean mayEnter(State state, Claim claim, boolean waits) {
              return fits(state, claim) && (state.queue.isEmpty() || !claim.write);
            }
          }),

  /// The last to come is the first to be served.
  LAST_COME_FIRST_SERVED(
      Scenario.ORDER_OF_ARRIVAL,
      world ->
          new PlainLock(world) {
            @Override
            int place(State state, Claim claim) {
              return 0;
            }
          }),

  /// A try goes past those who wait.
  BARGING_TRY(
      Scenario.WRITER_AMONG_READERS,
      world ->
          new PlainLock(world) {
            @Override
            boolean mayEnter(State state, Claim claim, boolean waits) {
              return waits ? super.mayEnter(state, claim, waits) : fits(state, claim);
            }
          }),

  /// Names are cleaned up for the file system, and some then are the same.
  NAMES_COLLIDE(
      Scenario.NAMES_ARE_DISTINCT,
      world ->
          new PlainLock(world) {
            @Override
            State state(String name) {
              return super.state(name.replaceAll("[^A-Za-z0-9]", "_"));
            }
          }),

  /// Idle names are forgotten, and their tokens start again.
  TOKEN_GOES_BACK(
      Scenario.CHURN,
      world ->
          new PlainLock(world) {
            @Override
            long nextToken(State state) {
              if (state.holders.isEmpty() && state.queue.isEmpty()) {
                lastToken = 0;
              }
              return super.nextToken(state);
            }
          }),

  /// Two readers share one token, so that ending one ends the other.
  READERS_SHARE_A_TOKEN(
      Scenario.READERS_TOGETHER,
      world ->
          new PlainLock(world) {
            @Override
            long nextToken(State state) {
              return state.holders.isEmpty()
                  ? super.nextToken(state)
                  : state.holders.getFirst().token;
            }
          }),

  /// Closing a grant again frees whoever holds the lock now.
  SECOND_RELEASE_FREES_THE_NEXT(
      Scenario.RELEASED_TWICE,
      world ->
          new PlainLock(world) {
            @Override
            void release(State state, Claim claim) {
              state.holders.clear();
              settle(state);
            }
          }),

  /// An interrupted waiter keeps its place, and is granted what it will never give back.
  INTERRUPTED_WAITER_KEEPS_ITS_PLACE(
      Scenario.INTERRUPT_LEAVES_NOTHING,
      world ->
          new PlainLock(world) {
            @Override
            void interrupted(State state, Claim claim) {}
          }),

  /// The pause between two tries is not cut at the deadline.
  RETRY_OVERSHOOTS_THE_TIMEOUT(
      Scenario.TIMEOUT_IS_KEPT,
      world ->
          new PlainLock(world) {
            @Override
            long givesUpAt(long deadline) {
              return deadline + 320_000_000L;
            }
          }),

  /// The reader count is kept per process, and one leaving takes the others along.
  ONE_READER_LEAVES_FOR_ALL(
      Scenario.READERS_TOGETHER,
      world ->
          new PlainLock(world) {
            @Override
            void release(State state, Claim claim) {
              state.holders.removeIf(holder -> !holder.write);
              super.release(state, claim);
            }
          });

  private final Scenario meantFor;
  private final Function<World, LockUnderTest> broken;

  Mutants(Scenario meantFor, Function<World, LockUnderTest> broken) {
    this.meantFor = Objects.requireNonNull(meantFor);
    this.broken = broken;
  }

  Scenario meantFor() {
    return meantFor;
  }

  LockUnderTest in(World world) {
    return broken.apply(world);
  }
}
