package dev.truce.testkit;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Real processes that play roles: JVMs with this one's class path, that meet at barriers, exchange
/// messages and are killed, stopped and continued.
///
/// ```java
/// Farm.run(farm -> {
///   farm.barrier("start", 2);
///   Farm.Worker holder = farm.launch("holder", Holder.class, dir.toString());
///   Farm.Worker waiter = farm.launch("waiter", Waiter.class, dir.toString());
///   holder.receive();                     // what it said by me.send(..)
///   holder.kill();
///   waiter.await();                       // exit 0, or its output in an AssertionError
/// });
/// ```
///
/// Parent and children talk by lines over the children's stdin and stdout, so a child that loses
/// its parent ends, and nothing polls and nothing sleeps. What a child prints goes to its log,
/// which every failure shows.
///
/// Every wait is bounded by [#LIVENESS], and says who did not come. [#close()] leaves no process
/// and no file behind, and fails if it cannot.
///
/// **Threads.** A farm may be used by several, a [Me] by the threads of its process.
public final class Farm implements AutoCloseable {
  /// How long anything is waited for, unless told otherwise: the start of many JVMs on a busy
  /// machine included.
  public static final Duration LIVENESS = Duration.ofSeconds(60);

  private static final int LOG_LINES = 200;
  private static final Duration LAST_WORDS = Duration.ofMillis(500);

  /// What a process does. The class is public and has a public constructor without parameters.
  @FunctionalInterface
  public interface Role {
    /// Plays the role. Returning ends the process with exit code 0, throwing with 1.
    void play(Me me) throws Exception;
  }

  /// What a process knows of the farm it plays in.
  public interface Me {
    String name();

    /// What was given to [Farm#launch].
    List<String> arguments();

    /// Waits until all parties of the barrier have arrived, and answers its generation, from 1.
    int arrive(String barrier) throws InterruptedException;

    /// Says something to the parent.
    void send(String message);

    /// The next thing that the parent said; each is received once.
    String receive() throws InterruptedException;
  }

  /// A test over a farm.
  @FunctionalInterface
  public interface Body {
    void run(Farm farm) throws Exception;
  }

  /// How a process ended.
  ///
  /// @param code its exit code; 128 + 9 when it was killed
  /// @param messages what it had said and nobody received
  public record Exit(int code, List<String> messages) {
    public boolean killed() {
      return code == 137;
    }
  }

  private final ReentrantLock turn = new ReentrantLock();
  private final Condition changed = turn.newCondition();
  private final Path directory;
  private final Duration liveness;

  // Guarded by `turn`.
  private final Map<String, Worker> workers = new LinkedHashMap<>();
  private final Map<String, Barrier> barriers = new LinkedHashMap<>();
  private final Set<ProcessHandle> descendants = new LinkedHashSet<>();
  private boolean closed;

  private Farm(Path directory, Duration liveness) {
    this.directory = directory;
    this.liveness = liveness;
  }

  /// An empty farm.
  public static Farm open() throws IOException {
    return open(LIVENESS);
  }

  /// An empty farm with another bound on every wait.
  public static Farm open(Duration liveness) throws IOException {
    return new Farm(Files.createTempDirectory("truce-farm"), liveness);
  }

  /// Opens a farm for a test and closes it; a failure carries what the processes printed.
  public static void run(Body body) throws Exception {
    run(LIVENESS, body);
  }

  /// The same with another bound on every wait.
  public static void run(Duration liveness, Body body) throws Exception {
    Farm farm = open(liveness);
    try (farm) {
      body.run(farm);
    } catch (Exception | AssertionError failure) {
      failure.addSuppressed(new Logs(farm.logs()));
      throw failure;
    }
  }

  private static final class Logs extends Exception {
    private static final long serialVersionUID = 1L;

    Logs(String logs) {
      super(logs, null, false, false);
    }
  }

  /// An empty directory that is removed with the farm.
  public Path directory() {
    return directory;
  }

  /// Starts a process that plays `role`.
  public Worker launch(String name, Class<? extends Role> role, String... arguments)
      throws IOException {
    return launch(name, role, List.of(), List.of(arguments));
  }

  /// Starts a process that plays `role` in a JVM with these options besides.
  public Worker launch(
      String name, Class<? extends Role> role, List<String> options, List<String> arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-Xshare:auto",
            "--enable-native-access=ALL-UNNAMED",
            "-D" + FarmProcess.LIVENESS + "=" + liveness.toMillis()));
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(FarmProcess.class.getName(), role.getName(), name));
    command.addAll(arguments);
    turn.lock();
    try {
      if (closed) {
        throw new IllegalStateException("this farm is closed");
      }
      if (workers.containsKey(name)) {
        throw new IllegalArgumentException("there was a process named " + name + " already");
      }
      Worker worker = new Worker(name, new ProcessBuilder(command).directory(directory.toFile()));
      workers.put(name, worker);
      worker.listen();
      return worker;
    } finally {
      turn.unlock();
    }
  }

  /// Declares a barrier for so many parties, to be passed again and again.
  public Barrier barrier(String name, int parties) {
    if (parties < 1) {
      throw new IllegalArgumentException("a barrier needs a party");
    }
    turn.lock();
    try {
      Barrier barrier = new Barrier(name, parties);
      if (barriers.putIfAbsent(name, barrier) != null) {
        throw new IllegalArgumentException("there is a barrier " + name + " already");
      }
      return barrier;
    } finally {
      turn.unlock();
    }
  }

  /// What every process printed last.
  public String logs() {
    turn.lock();
    try {
      StringBuilder logs = new StringBuilder("processes of the farm:");
      workers.values().forEach(worker -> logs.append('\n').append(worker.told()));
      return logs.toString();
    } finally {
      turn.unlock();
    }
  }

  /// Kills what still runs, waits until it is gone, and removes the directory.
  ///
  /// @throws AssertionError if a process is left
  @Override
  public void close() throws IOException {
    List<Worker> all;
    Set<ProcessHandle> left = new LinkedHashSet<>();
    turn.lock();
    try {
      closed = true;
      all = List.copyOf(workers.values());
      for (Worker worker : all) {
        worker.process.descendants().forEach(left::add);
        left.add(worker.process.toHandle());
      }
      left.addAll(descendants);
    } finally {
      turn.unlock();
    }
    left.forEach(ProcessHandle::destroyForcibly);
    for (ProcessHandle handle : left) {
      try {
        handle.onExit().get(LIVENESS.toSeconds(), TimeUnit.SECONDS);
      } catch (Exception e) {
        throw new AssertionError("process " + handle.pid() + " did not die of SIGKILL", e);
      }
    }
    List<Long> alive =
        left.stream()
            .map(ProcessHandle::pid)
            .filter(pid -> ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isPresent())
            .toList();
    if (!alive.isEmpty()) {
      throw new AssertionError("processes are left: " + alive);
    }
    remove(directory);
  }

  private static void remove(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    try (Stream<Path> paths = Files.walk(directory)) {
      for (Path path : paths.toList().reversed()) {
        Files.delete(path);
      }
    }
  }

  /// Waits, under `turn`, until `condition` holds.
  private void until(Supplier<Boolean> condition, Supplier<String> what) {
    try {
      long left = liveness.toNanos();
      while (!condition.get()) {
        if (left <= 0) {
          throw new AssertionError(
              "not within " + liveness.toMillis() + " ms: " + what.get() + "\n" + logs());
        }
        left = changed.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while waiting for " + what.get(), e);
    }
  }

  /// A place where so many processes wait for each other, as often as they like.
  public final class Barrier {
    private final String name;
    private final int parties;
    private final Set<Worker> arrived = new LinkedHashSet<>();
    private int generation;

    private Barrier(String name, int parties) {
      this.name = name;
      this.parties = parties;
    }

    /// Waits until it was passed for the `generation`th time.
    public void awaitPassed(int generation) {
      turn.lock();
      try {
        until(() -> this.generation >= generation, this::whoIsMissing);
      } finally {
        turn.unlock();
      }
    }

    private String whoIsMissing() {
      Collection<Worker> missing = new ArrayList<>(workers.values());
      missing.removeAll(arrived);
      return "barrier "
          + name
          + ", generation "
          + (generation + 1)
          + ": "
          + arrived.size()
          + " of "
          + parties
          + " arrived, "
          + arrived.stream().map(worker -> worker.name).toList()
          + "; missing may be "
          + missing.stream().map(worker -> worker.name + " (" + worker.state() + ")").toList();
    }

    private void arrive(Worker worker) {
      if (!arrived.add(worker)) {
        throw new IllegalStateException(worker.name + " arrived twice at " + name);
      }
      if (arrived.size() == parties) {
        generation++;
        arrived.forEach(each -> each.tell("passed", name, Integer.toString(generation)));
        arrived.clear();
        changed.signalAll();
      }
    }

    /// What a process that waited too long is told.
    private void late(Worker worker) {
      worker.tell("failed", name, whoIsMissing());
      arrived.remove(worker);
    }
  }

  /// One process.
  public final class Worker {
    private final String name;
    private final Process process;
    private final BufferedWriter in;
    private final ArrayDeque<String> inbox = new ArrayDeque<>();
    private final ArrayDeque<String> log = new ArrayDeque<>();
    private @Nullable Integer code;

    private Worker(String name, ProcessBuilder command) throws IOException {
      this.name = name;
      process = command.start();
      in = process.outputWriter(StandardCharsets.UTF_8);
    }

    private void listen() {
      Thread logger = reader(process.errorReader(StandardCharsets.UTF_8), this::logged);
      Thread talker = reader(process.inputReader(StandardCharsets.UTF_8), this::said);
      Thread.ofPlatform()
          .daemon()
          .name("farm-" + name)
          .start(() -> {
            try {
              int exit = process.waitFor();
              // What it said last is read before its end is known. Its pipes stay open
              // for as long as a process of its own lives, so this wait has a bound too.
              talker.join(LAST_WORDS);
              logger.join(LAST_WORDS);
              turn.lock();
              try {
                code = exit;
                changed.signalAll();
              } finally {
                turn.unlock();
              }
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          });
    }

    private Thread reader(BufferedReader lines, Consumer<String> each) {
      return Thread.ofPlatform()
          .daemon()
          .name("farm-" + name + "-reader")
          .start(() -> {
            try (lines) {
              for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                turn.lock();
                try {
                  each.accept(line);
                  changed.signalAll();
                } finally {
                  turn.unlock();
                }
              }
            } catch (IOException e) {
              // The process is gone, and with it whatever it was about to say.
            }
          });
    }

    private void logged(String line) {
      log.add(line);
      if (log.size() > LOG_LINES) {
        log.remove();
      }
    }

    private void said(String line) {
      FarmProcess.Line said = FarmProcess.Line.parse(line);
      switch (said.verb()) {
        case "message" -> inbox.add(said.payload());
        case "arrive" -> barrier(said.name()).arrive(this);
        case "late" -> barrier(said.name()).late(this);
        default -> logged("not understood: " + line);
      }
    }

    private Barrier barrier(String barrier) {
      Barrier there = barriers.get(barrier);
      if (there == null) {
        throw new IllegalStateException(
            name + " arrived at " + barrier + ", which nobody declared");
      }
      return there;
    }

    private void tell(String verb, String about, String payload) {
      try {
        in.write(new FarmProcess.Line(verb, about, payload).text());
        in.newLine();
        in.flush();
      } catch (IOException e) {
        // It is gone; whoever waits for it is told so.
      }
    }

    public String name() {
      return name;
    }

    public long pid() {
      return process.pid();
    }

    public boolean alive() {
      return process.isAlive();
    }

    /// Says something to the process.
    public void send(String message) {
      tell("message", name, message);
    }

    /// The next thing that the process said; each is received once.
    ///
    /// @throws AssertionError if it says nothing within [#LIVENESS], or ended without saying
    ///   anything more
    public String receive() {
      turn.lock();
      try {
        until(() -> !inbox.isEmpty() || code != null, () -> name + " says something");
        String message = inbox.poll();
        if (message == null) {
          throw new AssertionError(name + " ended (" + state() + ") and said no more\n" + logs());
        }
        return message;
      } finally {
        turn.unlock();
      }
    }

    /// [Receives][#receive] and insists on what it is.
    public void receive(String expected) {
      String message = receive();
      if (!message.equals(expected)) {
        throw new AssertionError(
            name + " said \"" + message + "\" instead of \"" + expected + "\"\n" + logs());
      }
    }

    /// Waits until the process has ended by itself and well.
    ///
    /// @throws AssertionError if it does not end within [#LIVENESS], or ends badly
    public Exit await() {
      Exit exit = awaitExit();
      if (exit.code != 0) {
        throw new AssertionError(name + " ended with " + exit.code + "\n" + logs());
      }
      return exit;
    }

    /// Waits until the process has ended, however that may be.
    public Exit awaitExit() {
      turn.lock();
      try {
        until(() -> code != null, () -> name + " ends");
        Exit exit = new Exit(code == null ? -1 : code, List.copyOf(inbox));
        inbox.clear();
        return exit;
      } finally {
        turn.unlock();
      }
    }

    /// Kills it with `SIGKILL`, and waits until it is gone.
    public Exit kill() {
      turn.lock();
      try {
        process.descendants().forEach(descendants::add);
      } finally {
        turn.unlock();
      }
      process.destroyForcibly();
      return awaitExit();
    }

    /// Stops it with `SIGSTOP`, and waits until the kernel says that it stands still.
    public void stop() {
      signal("STOP");
      long deadline = System.nanoTime() + LIVENESS.toNanos();
      while (kernelState() != 'T') {
        if (System.nanoTime() > deadline || !alive()) {
          throw new AssertionError(name + " did not stop: " + state() + "\n" + logs());
        }
        Thread.onSpinWait();
      }
    }

    /// Lets it go on after [#stop], with `SIGCONT`.
    public void cont() {
      signal("CONT");
    }

    private char kernelState() {
      try {
        String stat = Files.readString(Path.of("/proc", Long.toString(pid()), "stat"));
        return stat.charAt(stat.lastIndexOf(')') + 2);
      } catch (IOException e) {
        return 'X';
      }
    }

    private void signal(String signal) {
      try {
        Process kill =
            new ProcessBuilder("kill", "-" + signal, Long.toString(pid()))
                .redirectErrorStream(true)
                .start();
        String said = new String(kill.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (kill.waitFor() != 0) {
          throw new AssertionError("kill -" + signal + " of " + name + " failed: " + said);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted while signalling " + name, e);
      }
    }

    private String state() {
      return code == null ? "running as " + pid() : "ended with " + code;
    }

    private String told() {
      return "--- " + name + ", " + state() + "\n" + String.join("\n", log);
    }

    @Override
    public String toString() {
      return name + " (" + pid() + ")";
    }
  }
}
