package dev.truce.testkit;

import dev.truce.testkit.LockUnderTest.Held;
import dev.truce.testkit.LockUnderTest.World;
import dev.truce.testkit.Referee.Hold;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/// What locks are put through, and what must not come of it. Each ends in an [AssertionError] that
/// begins with the kind of violation, and each passes on a right lock.
enum Scenario {
  /// Processes come and go, waiting and not; everything is judged by the referee.
  CHURN("overlap|token|lost") {
    @Override
    void play(Stage stage) throws Exception {
      stage.processes("a", "b", "c", "d");
      Held first = stage.enter("a", true);
      Asker waiting = stage.queued("b", true);
      stage.leave(first);
      Optional<Held> slipsIn = stage.tries("c", true);
      Held second = waiting.held();
      Optional<Held> alsoIn = stage.tries("d", true);
      slipsIn.ifPresent(stage::leave);
      alsoIn.ifPresent(stage::leave);
      stage.leave(second);
      for (int round = 0; round < 5; round++) {
        stage.leave(stage.enter("a", true));
        stage.leave(stage.enter("b", false));
      }
      stage.stress();
    }
  },

  THREADS_OF_ONE_PROCESS("overlap|lost") {
    @Override
    void play(Stage stage) throws Exception {
      stage.processes("a");
      Held first = stage.enter("a", true);
      stage.tries("a", true).ifPresent(stage::leave);
      stage.leave(first);
      stage.stress();
    }
  },

  /// Waiters give up while others hold and wait.
  TIMEOUTS_CHANGE_NOTHING("overlap|liveness") {
    @Override
    void play(Stage stage) throws Exception {
      stage.processes("a", "b", "c", "d", "e");
      Held writing = stage.enter("a", true);
      Asker writer = stage.queued("b", true, Duration.ofSeconds(1));
      Asker reader = stage.queued("c", false, Duration.ofSeconds(1));
      Asker stays = stage.queued("d", true);
      stage.pass(Duration.ofSeconds(2));
      writer.refused();
      reader.refused();
      stage.tries("e", true).ifPresent(stage::leave);
      stage.tries("e", false).ifPresent(stage::leave);
      stage.leave(writing);
      stage.leave(stays.held());

      Held reading = stage.enter("a", false);
      stage.tries("e", true).ifPresent(stage::leave);
      stage.leave(reading);
      stage.leave(stage.enter("b", true));
    }
  },

  WAITERS_ARE_SERVED("liveness") {
    @Override
    void play(Stage stage) throws Exception {
      stage.processes("a", "b", "c");
      Held held = stage.enter("a", true);
      Asker second = stage.queued("b", true);
      Asker third = stage.queued("c", false);
      stage.leave(held);
      stage.leave(second.held());
      stage.leave(third.held());
      stage.leave(stage.enter("a", true));
    }
  },

  /// The holder dies, and the system gives its pid to somebody else.
  DEATH_WITH_PID_REUSE("liveness") {
    @Override
    void play(Stage stage) throws Exception {
      stage.lock.start("dying", 4711);
      stage.lock.start("waiting", 4712);
      stage.dies(stage.enter("dying", true));
      Asker waiting = stage.queued("waiting", true);
      stage.lock.start("young", 4711);
      stage.lock.die("dying");
      stage.leave(waiting.held());
    }
  },

  /// Two living processes have the same pid: two containers, two hosts.
  SAME_PID_ON_TWO_HOSTS("overlap") {
    @Override
    void play(Stage stage) throws Exception {
      stage.lock.start("here", 1);
      stage.lock.start("there", 1);
      Held held = stage.enter("here", true);
      stage.tries("there", true).ifPresent(stage::leave);
      stage.tries("there", false).ifPresent(stage::leave);
      stage.leave(held);
    }
  },

  WALL_CLOCK_IS_SET("overlap|timeout") {
    @Override
    void play(Stage stage) throws Exception {
      stage.processes("a", "b", "c");
      Held held = stage.enter("a", true);
      Asker waiting = stage.queued("b", true);
      for (long hours : new long[] {1, -3, 24, 0}) {
        stage.world.wallMillis().addAndGet(Duration.ofHours(hours).toMillis());
        stage.pass(Duration.ofSeconds(1));
        stage.tries("c", true).ifPresent(stage::leave);
      }
      stage.waitsOn(waiting);
      stage.leave(held);
      stage.leave(waiting.held());
    }
  },

  READER_AMONG_WRITERS("order|liveness") {
    @Override
    void play(Stage stage) throws Exception {
      stage.processes("a", "b", "c", "d");
      Held writing = stage.enter("a", true);
      Asker reader = stage.queued("b", false);
      Asker writer = stage.queued("c", true);
      Asker another = stage.queued("d", true);
      stage.leave(writing);
      stage.leaveInTurn(reader, writer, another);
    }
  },

  WRITER_AMONG_READERS("order") {
    @Override
    void play(Stage stage) throws Exception {
      stage.processes("a", "b", "c", "d");
      Held reading = stage.enter("a", false);
      Asker writer = stage.queued("b", true);
      stage.mustNotPass(stage.tries("c", false));
      Asker reader = stage.asks("d", false);
      stage.leave(reading);
      stage.leaveInTurn(writer, reader);
    }
  },

  ORDER_OF_ARRIVAL("order") {
    @Override
    void play(Stage stage) throws Exception {
      stage.processes("a", "b", "c", "d");
      Held held = stage.enter("a", true);
      Asker second = stage.queued("b", true);
      Asker third = stage.queued("c", true);
      Asker fourth = stage.queued("d", true);
      stage.leave(held);
      stage.leaveInTurn(second, third, fourth);
    }
  },

  NAMES_ARE_DISTINCT("names") {
    @Override
    void play(Stage stage) throws Exception {
      stage.processes("a");
      List<Held> all = new ArrayList<>();
      for (String name : List.of("a:b", "a_b", "a/b", "a b", "A", "a", "\u00e9", "e\u0301")) {
        all.add(
            stage
                .lock
                .acquire("a", name, true, Duration.ZERO)
                .orElseThrow(() -> new AssertionError("names: " + name + " is another one's")));
      }
      all.forEach(Held::release);
    }
  },

  READERS_TOGETHER("token|overlap") {
    @Override
    void play(Stage stage) throws Exception {
      stage.processes("a", "b", "c", "d");
      Held one = stage.enter("a", false);
      Held two = stage.enter("b", false);
      Held three = stage.enter("c", false);
      stage.leave(one);
      stage.tries("d", true).ifPresent(stage::leave);
      stage.leave(two);
      stage.tries("d", true).ifPresent(stage::leave);
      stage.leave(three);
      stage.leave(stage.enter("d", true));
    }
  },

  RELEASED_TWICE("overlap") {
    @Override
    void play(Stage stage) throws Exception {
      stage.processes("a", "b", "c");
      Held first = stage.enter("a", true);
      stage.leave(first);
      Held second = stage.enter("b", true);
      first.release();
      stage.tries("c", true).ifPresent(stage::leave);
      stage.leave(second);
    }
  },

  INTERRUPT_LEAVES_NOTHING("liveness") {
    @Override
    void play(Stage stage) throws Exception {
      stage.processes("a", "b", "c");
      Held held = stage.enter("a", true);
      Asker second = stage.queued("b", true);
      Asker third = stage.queued("c", true);
      second.thread.interrupt();
      second.thread.join();
      stage.leave(held);
      stage.leave(third.held());
      stage.leave(stage.enter("a", true));
    }
  },

  TIMEOUT_IS_KEPT("timeout") {
    @Override
    void play(Stage stage) throws Exception {
      stage.processes("a", "b");
      Held held = stage.enter("a", true);
      Asker waiting = stage.queued("b", true, Duration.ofMillis(500));
      stage.pass(Duration.ofMillis(490));
      stage.waitsOn(waiting);
      stage.world.clock().advance(Duration.ofMillis(60));
      stage.world.clock().awaitSettled(List.of(waiting.thread));
      if (waiting.thread.isAlive()) {
        throw new AssertionError("timeout: 50 ms after its time it still waits");
      }
      waiting.refused();
      stage.leave(held);
    }
  };

  private final String finds;

  Scenario(String finds) {
    this.finds = finds;
  }

  /// The kinds of violation it is there to find, as a pattern for the beginning of the message.
  String finds() {
    return finds;
  }

  abstract void play(Stage stage) throws Exception;

  /// Puts a lock through it.
  ///
  /// @throws AssertionError if it does what a lock must not
  void run(World world, LockUnderTest lock) throws Exception {
    try (lock) {
      Stage stage = new Stage(world, lock);
      try {
        play(stage);
        stage.judge();
      } finally {
        stage.askers.forEach(asker -> asker.thread.interrupt());
      }
    }
  }

  /// A thread that waits.
  static final class Asker {
    private final Stage stage;
    private final String process;
    private final boolean write;
    private final FutureTask<Optional<Held>> asking;
    final Thread thread;

    private Asker(Stage stage, String process, boolean write, Duration wait) {
      this.stage = stage;
      this.process = process;
      this.write = write;
      asking = new FutureTask<>(() -> stage.lock.acquire(process, NAME, write, wait));
      thread = Thread.ofPlatform().daemon().start(asking);
      stage.askers.add(this);
    }

    boolean answered() {
      return asking.isDone();
    }

    /// What it got; virtual time passes meanwhile, and its end is the liveness bound.
    Held held() throws Exception {
      awaitAnswer();
      if (!answered()) {
        throw new AssertionError("liveness: " + process + " is never served");
      }
      return stage.entered(
          process,
          write,
          asking
              .get(10, TimeUnit.SECONDS)
              .orElseThrow(() -> new AssertionError("timeout: " + process + " was refused early")));
    }

    /// Half a minute of virtual time, in steps after each of which the thread has looked around.
    private void awaitAnswer() throws InterruptedException {
      for (int step = 0; step < STEPS && !thread.join(Duration.ofMillis(1)); step++) {
        stage.world.clock().advance(STEP);
        stage.world.clock().awaitSettled(List.of(thread));
      }
    }

    void refused() throws Exception {
      awaitAnswer();
      if (asking.get(10, TimeUnit.SECONDS).isPresent()) {
        throw new AssertionError("overlap: " + process + " got in past its holder");
      }
    }
  }

  private static final String NAME = "index";
  private static final Duration LONG = Duration.ofDays(1);

  /// Half a minute in steps that are shorter than a turn is kept for a waiter.
  private static final Duration STEP = Duration.ofMillis(200);

  private static final int STEPS = 150;

  /// One performance.
  static final class Stage {
    final World world;
    final LockUnderTest lock;
    final List<Asker> askers = new ArrayList<>();
    private final List<Hold> holds = new ArrayList<>();
    private final List<Inside> inside = new ArrayList<>();
    private final List<String> processes = new ArrayList<>();

    private record Inside(Held held, boolean write, long entered) {}

    Stage(World world, LockUnderTest lock) {
      this.world = world;
      this.lock = lock;
    }

    void processes(String... names) {
      for (String name : names) {
        processes.add(name);
        lock.start(name, 1_000 + processes.size());
      }
    }

    /// Goes in, with nobody in the way that will not leave.
    Held enter(String process, boolean write) throws Exception {
      return new Asker(this, process, write, LONG).held();
    }

    Optional<Held> tries(String process, boolean write) throws Exception {
      return lock.acquire(process, NAME, write, Duration.ZERO)
          .map(held -> entered(process, write, held));
    }

    Asker asks(String process, boolean write) {
      return new Asker(this, process, write, LONG);
    }

    Asker queued(String process, boolean write) {
      return queued(process, write, LONG);
    }

    /// Asks, and goes on when everybody can see it in the queue.
    Asker queued(String process, boolean write, Duration wait) {
      int before = lock.waiting(NAME);
      Asker asker = new Asker(this, process, write, wait);
      long deadline = System.nanoTime() + TestClock.LIVENESS.toNanos();
      while (lock.waiting(NAME) == before && !asker.answered()) {
        if (System.nanoTime() > deadline) {
          throw new AssertionError("liveness: " + process + " does not even queue");
        }
        Thread.onSpinWait();
      }
      return asker;
    }

    synchronized Held entered(String process, boolean write, Held held) {
      inside.add(new Inside(held, write, System.nanoTime()));
      return held;
    }

    /// Notes the end of a hold and ends it.
    void leave(Held held) {
      note(held);
      held.release();
    }

    /// Its process is about to die, without a word.
    void dies(Held held) {
      note(held);
    }

    private synchronized void note(Held held) {
      Inside mine = inside.stream().filter(i -> i.held.equals(held)).findFirst().orElseThrow();
      inside.remove(mine);
      holds.add(
          new Hold(
              NAME, mine.write, held.token(), held.arrival(), mine.entered, System.nanoTime()));
    }

    /// Those who wait are served in this order; each leaves before the next.
    void leaveInTurn(Asker... order) throws Exception {
      List<Asker> left = new ArrayList<>(List.of(order));
      while (!left.isEmpty()) {
        awaitAnyAnswer(left);
        Asker next = left.removeFirst();
        // Who is served together with it may be quicker to say so.
        boolean overtaken = !next.answered() && !next.thread.join(Duration.ofMillis(200));
        for (Asker other : left) {
          if (overtaken && other.answered()) {
            throw new AssertionError("order: " + other.process + " before " + next.process);
          }
        }
        leave(next.held());
      }
    }

    private void awaitAnyAnswer(List<Asker> waiting) throws InterruptedException {
      for (int step = 0; step < STEPS && waiting.stream().noneMatch(Asker::answered); step++) {
        world.clock().advance(STEP);
        world.clock().awaitSettled(waiting.stream().map(asker -> asker.thread).toList());
      }
    }

    void mustNotPass(Optional<Held> tried) {
      tried.ifPresent(held -> {
        leave(held);
        throw new AssertionError("order: a try went past one who waits");
      });
    }

    void waitsOn(Asker asker) {
      if (asker.answered()) {
        throw new AssertionError("timeout: " + asker.process + " was answered before its time");
      }
    }

    void pass(Duration time) throws InterruptedException {
      Duration step = time.dividedBy(10);
      for (int i = 0; i < 10; i++) {
        world.clock().advance(step);
        for (Asker asker : askers) {
          asker.thread.join(Duration.ofMillis(5));
        }
      }
    }

    /// Real threads of all processes, all at once, over a counter that nothing else protects.
    void stress() throws Exception {
      int each = 200;
      long[] counter = new long[1];
      AtomicLong acknowledged = new AtomicLong();
      ConcurrentLinkedQueue<Hold> seen = new ConcurrentLinkedQueue<>();
      List<Thread> threads = new ArrayList<>();
      CountDownLatch start = new CountDownLatch(1);
      for (int thread = 0; thread < 4; thread++) {
        String process = processes.get(thread % processes.size());
        threads.add(
            Thread.ofPlatform()
                .daemon()
                .start(() -> {
                  try {
                    start.await();
                    for (int round = 0; round < each; round++) {
                      Held held = lock.acquire(process, NAME, true, LONG).orElseThrow();
                      long entered = System.nanoTime();
                      long read = counter[0];
                      for (int spin = 0; spin < 100; spin++) {
                        Thread.onSpinWait();
                      }
                      counter[0] = read + 1;
                      seen.add(
                          new Hold(
                              NAME,
                              true,
                              held.token(),
                              held.arrival(),
                              entered,
                              System.nanoTime()));
                      acknowledged.incrementAndGet();
                      held.release();
                    }
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                }));
      }
      start.countDown();
      long deadline = System.nanoTime() + TestClock.LIVENESS.toNanos();
      for (Thread thread : threads) {
        while (!thread.join(Duration.ofMillis(2)) && System.nanoTime() < deadline) {
          world.clock().advance(Duration.ofMillis(10));
        }
        if (thread.isAlive()) {
          threads.forEach(Thread::interrupt);
          throw new AssertionError("liveness: wedged under contention");
        }
      }
      if (acknowledged.get() != 4L * each) {
        throw new AssertionError("liveness: a thread failed under contention");
      }
      holds.addAll(seen);
      LostUpdates.Count count =
          LostUpdates.ofCounter(acknowledged.get(), acknowledged.get(), counter[0]);
      if (!count.clean()) {
        throw new AssertionError("lost updates: " + count);
      }
    }

    synchronized void judge() {
      for (Inside left : List.copyOf(inside)) {
        note(left.held);
      }
      Referee.Verdict verdict = Referee.judge(holds);
      if (verdict.overlaps() > 0) {
        throw new AssertionError("overlap: " + verdict.findings());
      }
      if (!verdict.tokensRose()) {
        throw new AssertionError("token: " + verdict.findings());
      }
      if (!verdict.orderKept()) {
        throw new AssertionError("order: " + verdict.findings());
      }
    }
  }
}
