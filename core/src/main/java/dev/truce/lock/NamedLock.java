package dev.truce.lock;

import dev.truce.TruceException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// A name and a mode: what is to be locked, and how. Immutable and free to make; nothing exists in
/// the engine before the first acquire, and idle names are forgotten.
///
/// Many readers or one writer, served in the order of their arrival across all threads and
/// processes; a reader that comes after a waiting writer waits behind it. Every acquire is a new
/// owner: nothing re-enters by accident, and a thread that would wait for its own grant gets
/// [DeadlockException] at once.
///
/// **Timeouts** bound everything, an engine that does not answer included. Zero or less does not
/// wait. **Interruption** leaves nothing behind: no claim, no place in the queue. **Death** of the
/// process frees what it holds and its place in the queue, at once where the engine [proves
/// deaths][dev.truce.spi.Capabilities#proofOfDeath].
///
/// Holding a grant is not exclusion, for a holder that was paused does not know that it lost: hand
/// [Grant#fence()] to the write that must not happen late.
public final class NamedLock {
  /// The longest name, in bytes of UTF-8.
  public static final int MAX_NAME = 255;

  /// The priority of who is served before all others.
  public static final int FIRST_PRIORITY = -100;

  /// The priority of who is served after all others.
  public static final int LAST_PRIORITY = 100;

  /// How a lock is held.
  public enum Mode {
    /// Beside other readers.
    READ,
    /// Alone.
    WRITE
  }

  /// How it is wanted.
  ///
  /// @param priority lower goes first
  /// @param force whether who holds it is ended
  /// @param keep for how long a wait that times out keeps its place, `null` for not at all
  /// @param ticket the place to take up, `null` for a new one
  /// @param bounds what bounds the lease, `null` for nothing but its term
  /// @param heedless whether an interrupt ends no wait that has begun, but is kept for later
  /// @param limit how many may hold it side by side, each as a writer: 1 for a lock, more for
  ///   [Permits]
  record Wish(
      Mode mode,
      String reason,
      int priority,
      boolean force,
      @Nullable Duration keep,
      @Nullable String ticket,
      @Nullable Bounds bounds,
      boolean heedless,
      int limit) {
    static final Wish WRITE = new Wish(Mode.WRITE, "", 0, false, null, null, null, false, 1);
    static final Wish READ = new Wish(Mode.READ, "", 0, false, null, null, null, false, 1);

    Wish in(Mode newMode) {
      return new Wish(newMode, reason, priority, force, keep, ticket, bounds, heedless, limit);
    }

    Wish saying(String newReason) {
      return new Wish(mode, newReason, priority, force, keep, ticket, bounds, heedless, limit);
    }

    Wish at(int newPriority) {
      return new Wish(mode, reason, newPriority, force, keep, ticket, bounds, heedless, limit);
    }

    Wish forced(String newReason) {
      return new Wish(
          mode, newReason, Integer.MIN_VALUE, true, keep, ticket, bounds, heedless, limit);
    }

    Wish keeping(Duration newKeep) {
      return new Wish(mode, reason, priority, force, newKeep, ticket, bounds, heedless, limit);
    }

    Wish takingUp(String newTicket) {
      return new Wish(mode, reason, priority, force, keep, newTicket, bounds, heedless, limit);
    }

    Wish bounded(Bounds newBounds) {
      return new Wish(mode, reason, priority, force, keep, ticket, newBounds, heedless, limit);
    }

    Wish waitingOn() {
      return new Wish(mode, reason, priority, force, keep, ticket, bounds, true, limit);
    }

    Wish ofSeveral(int newLimit) {
      return new Wish(mode, reason, priority, force, keep, ticket, bounds, heedless, newLimit);
    }

    Bounds boundsOrNone() {
      return bounds == null ? Bounds.NONE : bounds;
    }

    /// Whether it asks for what only a lease can have.
    boolean forALease() {
      return keep != null || ticket != null || bounds != null;
    }
  }

  private final Locks room;
  private final String name;
  private final Wish wish;

  NamedLock(Locks room, String name, Wish wish) {
    this.room = room;
    this.name = name;
    this.wish = wish;
  }

  public String name() {
    return name;
  }

  public Mode mode() {
    return wish.mode;
  }

  /// The same lock for reading.
  ///
  /// @throws IllegalStateException if it is a [permit][Permits#one()]
  public NamedLock read() {
    if (wish.limit != 1) {
      throw new IllegalStateException("a permit is not for reading: " + this);
    }
    return in(Mode.READ);
  }

  /// The same lock for writing, which is what a lock is for unless told otherwise.
  public NamedLock write() {
    return in(Mode.WRITE);
  }

  NamedLock in(Mode mode) {
    return with(isPlain() ? mode == Mode.READ ? Wish.READ : Wish.WRITE : wish.in(mode));
  }

  /// The same lock, whose waits are not ended by an interrupt, but keep it for when they are over.
  NamedLock heedless() {
    return with(wish.waitingOn());
  }

  private NamedLock with(Wish newWish) {
    return new NamedLock(room, name, newWish);
  }

  /// The same lock with a word on what for, shown to those who wait.
  ///
  /// @throws IllegalArgumentException if it is longer than 200 characters
  public NamedLock withReason(String newReason) {
    checkReason(newReason);
    return with(wish.saying(newReason));
  }

  /// The same lock with a place in the queue before those with a higher number, and behind those
  /// with a lower one; 0 unless told otherwise. Who has been overtaken 16 times is overtaken no
  /// more, and nobody who holds the lock is disturbed.
  ///
  /// @throws IllegalArgumentException if it is not from [#FIRST_PRIORITY] to [#LAST_PRIORITY]
  /// @throws IllegalStateException if the lock is taken [by force][#byForce], which goes before all
  public NamedLock withPriority(int priority) {
    if (priority < FIRST_PRIORITY || priority > LAST_PRIORITY) {
      throw new IllegalArgumentException(
          "a priority is from " + FIRST_PRIORITY + " to " + LAST_PRIORITY + ", not " + priority);
    }
    if (wish.force) {
      throw new IllegalStateException("force goes before everybody, it has no priority: " + this);
    }
    return with(wish.at(priority));
  }

  /// The same lock, taken by force: who holds it when this is asked for is ended, for the reason
  /// that is given, and those who wait are overtaken. That is put down in the [History].
  ///
  /// @throws IllegalArgumentException if the reason is empty or longer than 200 characters
  /// @throws IllegalStateException if it is a [permit][Permits#one()]
  public NamedLock byForce(String newReason) {
    checkReason(newReason);
    if (newReason.isEmpty()) {
      throw new IllegalArgumentException("force needs a reason");
    }
    if (wish.limit != 1) {
      throw new IllegalStateException("force would end all permits: " + this);
    }
    return with(wish.forced(newReason));
  }

  /// The same lock, for a [lease][#lease] that keeps its place: when the time to wait is over, the
  /// [refusal][Refusal#ticket] has a ticket that is good for so long.
  ///
  /// @throws IllegalArgumentException if that is not positive
  public NamedLock withTicket(Duration keep) {
    if (!Locks.waits(keep)) {
      throw new IllegalArgumentException("a ticket keeps its place for some time, not " + keep);
    }
    return with(wish.keeping(keep));
  }

  /// The same lock, for a [lease][#lease] that takes up the place of this ticket.
  public NamedLock withTicket(String ticket) {
    return with(wish.takingUp(ticket));
  }

  /// The same lock, for a [lease][#lease] that can be renewed so often and no more; without a limit
  /// unless told otherwise.
  ///
  /// @throws IllegalArgumentException if that is negative
  public NamedLock withRenewals(int atMost) {
    if (atMost < 0) {
      throw new IllegalArgumentException("a lease is not renewed " + atMost + " times");
    }
    return with(wish.bounded(new Bounds(atMost, wish.boundsOrNone().atLeast())));
  }

  /// The same lock, for a [lease][#lease] after whose grant nobody else is granted for so long,
  /// though it is given back sooner: a job that is due on several machines is not done once more by
  /// one whose clock is behind. Giving it back ends the lease at once all the same, and a restart
  /// of the machine ends what is left of that time.
  ///
  /// @throws IllegalArgumentException if that is negative
  public NamedLock withLeastHold(Duration atLeast) {
    if (atLeast.isNegative()) {
      throw new IllegalArgumentException("nothing is held for " + atLeast);
    }
    Duration shortened = Locks.shortened(atLeast);
    return with(wish.bounded(new Bounds(wish.boundsOrNone().renewals(), shortened)));
  }

  private static void checkReason(String reason) {
    if (reason.length() > 200) {
      throw new IllegalArgumentException(
          "a reason has at most 200 characters, this one has " + reason.length());
    }
  }

  /// Waits at most so long for the lock.
  ///
  /// @throws NotAcquiredException if it could not be had in that time; it says who holds it and how
  ///   many are ahead. A [DeadlockException] if waiting could never have ended.
  /// @throws InterruptedException if the thread was interrupted before or while waiting
  /// @throws dev.truce.EngineException if the engine cannot answer
  public Grant acquire(Duration wait) throws InterruptedException {
    return room.acquire(this, wait, room.newClaim());
  }

  /// Waits at most so long for the lock, without the calling thread: on a virtual thread, or not at
  /// all where it can be had at once. The future is completed with the grant, or with what
  /// [#acquire] throws. The grant is no thread's in particular, and nobody is told that he waits
  /// for himself.
  ///
  /// Whoever completes it sooner, by cancelling it or in any other way, ends the wait: the claim
  /// leaves the queue, and a grant that comes just then is given back. What depends on the future
  /// runs where it was completed, unless told otherwise.
  public CompletableFuture<Grant> acquireAsync(Duration wait) {
    checkNoLease();
    try {
      Grant atOnce = room.acquireAtOnce(this);
      return atOnce == null ? waiting(wait) : CompletableFuture.completedFuture(atOnce);
    } catch (TruceException failure) {
      return CompletableFuture.failedFuture(failure);
    }
  }

  private CompletableFuture<Grant> waiting(Duration wait) {
    CompletableFuture<Grant> future = new CompletableFuture<>();
    Thread waiter =
        Thread.ofVirtual().name("truce-acquire " + name).unstarted(() -> acquireInto(future, wait));
    var _ =
        future.whenComplete((_, _) -> {
          if (!waiter.equals(Thread.currentThread())) {
            waiter.interrupt();
          }
        });
    waiter.start();
    return future;
  }

  private void acquireInto(CompletableFuture<Grant> future, Duration wait) {
    try {
      Grant grant = acquire(wait);
      grant.handOver();
      if (!future.complete(grant)) {
        grant.close();
      }
    } catch (InterruptedException completed) {
      future.cancel(false); // it was completed already: nobody else interrupts this thread
    } catch (RuntimeException | Error failure) {
      future.completeExceptionally(failure);
    }
  }

  /// The lock, if nobody holds it in the way and nobody waits for it.
  ///
  /// @throws NotAcquiredException if it is a permit of [another number][Refusal.Kind#OTHER_LIMIT]
  public Optional<Grant> tryAcquire() {
    return room.tryAcquire(this);
  }

  /// Waits at most so long for the lock and takes it for a term: as a lease, which outlives this
  /// process. It is safe on disk, where the engine is, before this returns.
  ///
  /// @param ttl how long it lasts unless it is renewed
  /// @throws NotAcquiredException as [#acquire]; with a ticket if one was [asked
  ///   for][#withTicket(Duration)]
  /// @throws LockLostException if the [ticket][#withTicket(String)] is over; or if the lease had
  ///   ended before that it began was safe, by force or because this process was stopped for its
  ///   term
  /// @throws IllegalArgumentException if the term is not positive, or the ticket is mistyped or of
  ///   another lock
  /// @throws IllegalStateException if it is a [permit][Permits#one()]
  /// @throws dev.truce.EngineException also if the engine has no clock that terms could run on
  public Lease lease(Duration ttl, Duration wait) throws InterruptedException {
    if (wish.limit != 1) {
      throw new IllegalStateException("a permit ends with its process, it is no lease: " + this);
    }
    return room.lease(this, ttl, wait);
  }

  /// Ends by force whatever is held of this lock, and answers whose it was. That is put down in the
  /// [History].
  ///
  /// @throws IllegalArgumentException if the reason is empty or longer than 200 characters
  public List<LockStatus.Holder> revoke(String why) {
    checkReason(why);
    if (why.isEmpty()) {
      throw new IllegalArgumentException("force needs a reason");
    }
    return room.revoke(name, why);
  }

  /// Runs `body` under the lock.
  ///
  /// @throws LockLostException if the grant was lost while the body ran; what the body threw comes
  ///   first, the loss is then added to it
  public void run(Duration wait, Consumer<Grant> body) throws InterruptedException {
    call(
        wait,
        grant -> {
          body.accept(grant);
          return true;
        });
  }

  /// Runs `body` under the lock and returns what it returns.
  ///
  /// @throws LockLostException as [#run]
  public <T> T call(Duration wait, Function<Grant, T> body) throws InterruptedException {
    try (Grant grant = acquire(wait)) {
      T value = bodyUnder(grant, body);
      if (!grant.isValid()) {
        throw new LockLostException(name, grant.token());
      }
      return value;
    }
  }

  private <T> T bodyUnder(Grant grant, Function<Grant, T> body) {
    try {
      return body.apply(grant);
    } catch (RuntimeException | Error failure) {
      addLoss(grant, failure);
      throw failure;
    }
  }

  private void addLoss(Grant grant, Throwable failure) {
    try {
      if (!grant.isValid()) {
        failure.addSuppressed(new LockLostException(name, grant.token()));
      }
    } catch (TruceException unreadable) {
      failure.addSuppressed(unreadable);
    }
  }

  /// The lock as the JDK's read-write locks are: owned by threads and re-entrant. A thread that
  /// holds the write lock may take the read lock, and keeps reading when it gives the write lock
  /// back; for everything else the two are [#read()] and [#write()] of this lock, in the one order
  /// of arrival with everybody else's. Each call makes a view that knows of its own entries alone,
  /// so keep one.
  ///
  /// | call | outcomes |
  /// |---|---|
  /// | `lock()` | waits, and keeps an interrupt for later without losing its place |
  /// | `lockInterruptibly()` | waits; an interrupt before or meanwhile leaves nothing behind |
  /// | `tryLock()` | never waits, never goes before somebody who waits |
  /// | `tryLock(time)` | waits at most so long; false as well where waiting could not help |
  /// | `unlock()` | gives back what was entered last; the lock is free after the last one |
  ///
  /// A thread that reads and asks to write would wait for itself: [DeadlockException], or false
  /// from a try. A full queue is [NotAcquiredException], an engine that cannot answer
  /// [dev.truce.EngineException], and from `unlock()` by a thread that does not hold the lock
  /// [IllegalMonitorStateException]. There are no conditions: `newCondition()` is
  /// [UnsupportedOperationException].
  ///
  /// **Loss.** Who has lost the lock is told by [LockLostException], when it enters once more and
  /// at its last `unlock()`, after which it holds nothing. Whoever wants to know sooner, or needs
  /// the fence, uses [#acquire].
  ///
  /// @throws IllegalStateException if it is a [permit][Permits#one()], or something is asked for
  ///   that is for leases
  public ReadWriteLock asReadWriteLock() {
    checkNoLease();
    return new ThreadOwned(this);
  }

  /// Who holds the lock and who waits for it, at one moment.
  public LockStatus status() {
    return room.status(List.of(name)).getFirst();
  }

  /// What the lock has done until now.
  public LockStatistics statistics() {
    return room.statistics(name);
  }

  /// Has the [#statistics()] of this lock begin anew, for everybody: counters are compared with
  /// what they are now, what was measured is forgotten. What other processes measured in the last
  /// second may still be added. Who holds the lock or waits for it counts as having come since.
  public void resetStatistics() {
    room.resetStatistics(name);
  }

  /// Has each wait, grant, refusal and end of this lock recorded as [Traffic] from now on, or no
  /// longer, by everybody: processes that are busy with it follow within a second. It stays so
  /// until it is switched again, restarts of the machine included, and is as safe as the engine's
  /// journal when this returns.
  ///
  /// @throws dev.truce.OutcomeUnknownException if nobody can tell whether that is so, or that it
  ///   stays so; doing it again is safe
  public void recordTraffic(boolean on) {
    room.recordTraffic(name, on);
  }

  String reason() {
    return wish.reason;
  }

  Wish wish() {
    return wish;
  }

  /// Whether nothing is wanted but the lock. Force never is: it has a reason.
  boolean isPlain() {
    return wish.reason.isEmpty() && wish.priority == 0 && wish.limit == 1 && !wish.forALease();
  }

  /// @throws IllegalStateException if something is asked for that is for leases
  void checkNoLease() {
    if (wish.forALease()) {
      throw new IllegalStateException(
          "tickets, bounded renewals and least holds are for leases: " + this);
    }
  }

  boolean in(Locks other) {
    return room == other;
  }

  /// `index` or `index (read)`.
  @Override
  public String toString() {
    return wish.mode == Mode.READ ? name + " (read)" : name;
  }
}
