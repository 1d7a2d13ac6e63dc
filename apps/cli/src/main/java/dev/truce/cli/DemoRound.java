package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.lock.Grant;
import dev.truce.lock.NamedLock;
import dev.truce.testkit.Referee;
import dev.truce.testkit.Referee.Hold;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// One round of the demo: processes fill the index, some are killed and replaced, readers read, and
/// afterwards everything that was acknowledged is looked for.
///
/// The thread that runs the round does all the deciding, on what the processes say; work is held
/// back until all kills are done, so that every kill hits a busy system.
final class DemoRound implements AutoCloseable {
  /// What the round has shown.
  ///
  /// @param lost acknowledged entries that are not in the index, or are wrong there
  /// @param orderKept whether grants followed the numbers of their arrivals
  /// @param tokensRose whether every grant's token was above those before it
  record Result(
      int kills,
      int acknowledged,
      int present,
      int lost,
      int overlaps,
      int tornReads,
      boolean orderKept,
      boolean tokensRose) {}

  /// What is to be done.
  ///
  /// @param index the file that is the index, or what is in the store is written to at the end
  /// @param root where lock and store are, or `null` to do without
  record Plan(
      Path base,
      Path index,
      @Nullable Path root,
      List<String> paths,
      int processes,
      int kills,
      long seed) {}

  /// Called as the work goes on.
  interface Progress {
    void at(int acknowledged, int kills);
  }

  /// How long nothing may happen before the round is given up.
  private static final long PATIENCE_SECONDS = 10;

  private static final int READERS = 2;
  private static final long READER_PAUSE_NANOS = 4_000_000;

  private enum Doing {
    STARTING,
    IDLE,
    WORKING,
    WAITING,
    HOLDING
  }

  private static final class Worker {
    private final int number;
    private final Process process;
    private Doing doing = Doing.STARTING;
    private @Nullable String path;
    private long token;
    private long arrival;
    private long entered;
    private boolean killed;

    private Worker(int number, Process process) {
      this.number = number;
      this.process = process;
    }
  }

  private record Said(Worker worker, @Nullable String line) {}

  private final Plan plan;
  private final List<String> jvm;
  private final Progress progress;
  private final Random random;
  private final BlockingQueue<Said> said = new LinkedBlockingQueue<>();
  private final List<Worker> workers = new ArrayList<>();
  private final Deque<String> todo;
  private final Set<String> acknowledged = new HashSet<>();
  private final List<Hold> holds = new ArrayList<>();
  private final List<Hold> reads = new ArrayList<>();
  private final AtomicInteger tornReads = new AtomicInteger();
  private final AtomicInteger numbers = new AtomicInteger();
  private int kills;
  private volatile boolean over;

  DemoRound(Plan plan, List<String> jvm, Progress progress) {
    this.plan = plan;
    this.jvm = jvm;
    this.progress = progress;
    this.random = new Random(plan.seed());
    this.todo = new ArrayDeque<>(plan.paths());
  }

  Result run() throws IOException, InterruptedException {
    new DemoIndex(new TreeMap<>()).write(plan.index(), plan.index().resolveSibling("index.new"));
    for (int i = 0; i < plan.processes(); i++) {
      start();
    }
    List<Thread> readers = startReaders();
    while (acknowledged.size() < plan.paths().size() || kills < plan.kills()) {
      Said next = said.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
      if (next == null) {
        throw new IOException("no process of the demo did anything for 10 s: " + doings());
      }
      hear(next);
    }
    over = true;
    for (Thread reader : readers) {
      reader.join();
    }
    close();
    return judge();
  }

  // ---- what the processes say

  private void hear(Said next) throws IOException {
    Worker worker = next.worker();
    String line = next.line();
    if (line == null) {
      bury(worker);
      return;
    }
    String[] words = line.split(" ", -1);
    switch (words[0]) {
      case "ready" -> give(worker);
      case "ask" -> {
        worker.doing = Doing.WAITING;
        maybeKill(worker);
      }
      case "enter" -> {
        worker.doing = Doing.HOLDING;
        worker.token = Long.parseLong(words[1]);
        worker.arrival = Long.parseLong(words[2]);
        worker.entered = Long.parseLong(words[3]);
        maybeKill(worker);
      }
      case "leave" -> {
        worker.doing = Doing.WORKING;
        record(worker, Long.parseLong(words[1]));
      }
      case "ack" -> {
        acknowledged.add(path(worker));
        worker.path = null;
        progress.at(acknowledged.size(), kills);
        give(worker);
      }
      default -> throw new IOException("a process of the demo said what none says: " + line);
    }
  }

  /// The next path; when all are given out and kills are still to come, one that is done already is
  /// done again, so that no kill hits an idle system.
  private void give(Worker worker) throws IOException {
    worker.doing = Doing.IDLE;
    if (worker.killed) {
      return;
    }
    worker.path = todo.poll();
    if (worker.path == null && kills < plan.kills()) {
      worker.path = plan.paths().get(random.nextInt(plan.paths().size()));
    }
    if (worker.path != null) {
      worker.doing = Doing.WORKING;
      OutputStream in = worker.process.getOutputStream();
      in.write((DemoIndex.escape(worker.path) + "\n").getBytes(StandardCharsets.UTF_8));
      in.flush();
    }
  }

  private void record(Worker worker, long left) {
    boolean locked = plan.root() != null;
    holds.add(
        new Hold(
            "index",
            true,
            locked ? worker.token : 0,
            locked ? worker.arrival : 0,
            worker.entered,
            left));
  }

  // ---- kills

  /// Kills the worker that just spoke, now and then: holders and waiters in turn, at a random
  /// moment within the next two milliseconds, spread over the work.
  private void maybeKill(Worker worker) {
    boolean holderWanted = kills % 2 == 0;
    int due = plan.paths().size() * 3 / 4 * kills / Math.max(1, plan.kills());
    if (worker.killed
        || kills >= plan.kills()
        || acknowledged.size() < due
        || (worker.doing == Doing.HOLDING) != holderWanted
        || random.nextInt(3) != 0) {
      return;
    }
    LockSupport.parkNanos(random.nextInt(2_000_000));
    worker.killed = true;
    worker.process.destroyForcibly();
    kills++;
    progress.at(acknowledged.size(), kills);
  }

  /// A process has ended: what it had not finished is for somebody else, and a new one comes. How
  /// long it still held is not known, so only the beginning counts.
  private void bury(Worker worker) throws IOException {
    workers.remove(worker);
    if (!worker.killed) {
      throw new IOException("process " + worker.number + " of the demo ended by itself");
    }
    if (worker.doing == Doing.HOLDING) {
      record(worker, worker.entered);
    }
    if (worker.path != null) {
      todo.addFirst(worker.path);
    }
    start();
  }

  private static String path(Worker worker) {
    String path = worker.path;
    if (path == null) {
      throw new IllegalStateException("process " + worker.number + " did what nobody gave it");
    }
    return path;
  }

  // ---- starting and ending

  private void start() throws IOException {
    List<String> command = new ArrayList<>(jvm);
    command.add(DemoWorker.class.getName());
    command.add(plan.base().toString());
    command.add(plan.index().toString());
    if (plan.root() != null) {
      command.add(plan.root().toString());
    }
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    Worker worker = new Worker(numbers.incrementAndGet(), process);
    workers.add(worker);
    Thread.ofVirtual().start(() -> listen(worker));
  }

  private void listen(Worker worker) {
    try (BufferedReader out = worker.process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        said.add(new Said(worker, line));
      }
    } catch (IOException ended) {
      // A pipe that breaks says what its end says: the process is gone.
    }
    said.add(new Said(worker, null));
  }

  private String doings() {
    Map<Doing, Integer> counts = new TreeMap<>();
    workers.forEach(worker -> counts.merge(worker.doing, 1, Integer::sum));
    return counts + ", " + acknowledged.size() + " of " + plan.paths().size() + " acknowledged";
  }

  /// Ends every process and waits for its end.
  @Override
  public void close() {
    over = true;
    workers.forEach(worker -> worker.process.destroyForcibly());
    for (Worker worker : workers) {
      worker.process.onExit().join();
    }
    workers.clear();
  }

  // ---- readers

  private List<Thread> startReaders() {
    List<Thread> readers = new ArrayList<>();
    for (int i = 0; i < READERS; i++) {
      readers.add(Thread.ofPlatform().daemon().start(this::readAllTheTime));
    }
    return readers;
  }

  private void readAllTheTime() {
    if (plan.root() == null) {
      readUntilOver(null, () -> DemoIndex.read(plan.index()));
      return;
    }
    try (Truce truce = Truce.builder().directory(plan.root()).owner("demo-reader").open()) {
      readUntilOver(truce.lock("index").read(), new DemoStore(truce)::read);
    }
  }

  private interface Reading {
    DemoIndex read() throws IOException;
  }

  private void readUntilOver(@Nullable NamedLock lock, Reading reading) {
    try {
      while (!over) {
        if (lock == null) {
          look(reading);
        } else {
          try (Grant grant = lock.acquire(Duration.ofSeconds(PATIENCE_SECONDS))) {
            long entered = System.nanoTime();
            look(reading);
            Hold hold =
                new Hold(
                    "index", false, grant.token(), grant.arrival(), entered, System.nanoTime());
            synchronized (reads) {
              reads.add(hold);
            }
          }
        }
        LockSupport.parkNanos(READER_PAUSE_NANOS);
      }
    } catch (IOException | InterruptedException failure) {
      throw new IllegalStateException("a reader of the demo failed", failure);
    }
  }

  private void look(Reading reading) throws IOException {
    try {
      reading.read();
    } catch (DemoIndex.TornException torn) {
      tornReads.incrementAndGet();
    }
  }

  // ---- judging

  /// What is in the store, which is also left as a file.
  private DemoIndex stored(Path root) throws IOException {
    try (Truce truce = Truce.builder().directory(root).owner("demo-judge").open()) {
      DemoIndex index = new DemoStore(truce).read();
      index.write(plan.index(), plan.index().resolveSibling("index.new"));
      return index;
    }
  }

  private Result judge() throws IOException {
    DemoIndex index = plan.root() == null ? DemoIndex.read(plan.index()) : stored(plan.root());
    int right = 0;
    for (String path : acknowledged) {
      DemoIndex.Entry there = index.entries().get(path);
      right += DemoIndex.Entry.of(plan.base().resolve(path)).equals(there) ? 1 : 0;
    }
    List<Hold> all = new ArrayList<>(holds);
    synchronized (reads) {
      all.addAll(reads);
    }
    Referee.Verdict verdict = Referee.judge(all);
    return new Result(
        kills,
        acknowledged.size(),
        right,
        acknowledged.size() - right,
        verdict.overlaps(),
        tornReads.get(),
        verdict.orderKept(),
        verdict.tokensRose());
  }
}
