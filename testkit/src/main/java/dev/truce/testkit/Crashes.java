package dev.truce.testkit;

import dev.truce.testkit.DiskState.Loss;
import dev.truce.testkit.RecordingStorage.Call;
import dev.truce.testkit.RecordingStorage.Kind;
import dev.truce.testkit.Schedule.Event;
import dev.truce.testkit.SimulatedDisk.Fault;
import dev.truce.testkit.SimulatedMachine.Body;
import dev.truce.testkit.SimulatedMachine.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Goes through the crashes of a workload: what the processes of an engine do, what becomes of the
/// disk when that ends at any moment, and whether what opens it then keeps the promises.
///
/// A workload says in its [Account] what it tries and what was acknowledged; the recovery opens
/// what is left, reads it, and [checks][Account#check] it against the account. Tried are
///
/// - power cuts just before every call, which is just after the one before: with every subset of
///   the last six changes that were not flushed, with older ones kept and lost, with torn writes;
/// - the death of all processes there, and nothing lost;
/// - each process killed at each of its calls, or in the middle of a write, or stopped for a while,
///   with the others going on; and power cuts after that;
/// - each call failing, once and for ever, with a broken and with a full disk; and power cuts after
///   that;
/// - other interleavings of several processes: every one with at most so many
///   [pre-emptions][#preemptions], and some by [chance][#chances];
/// - and all of the first two again while the recovery runs, to a [depth][#depth] of three, and the
///   recovery's own calls failing.
///
/// No image of a disk is looked at twice with the same account, but for calls of the recovery that
/// fail. A violation is reported with the way to it and the one property, [#PROPERTY], that goes
/// that way again.
///
/// @param <E> what the account is kept in
public final class Crashes<E> {
  /// The system property that replays one way, and nothing else.
  public static final String PROPERTY = "truce.crash";

  private static final int TOLD = 25;

  /// So many moments of a run, and so many losses at each of them, are a sample.
  private static final int SAMPLE = 4;

  /// One recovery in so many is looked at for crashes of its own, where a sample is enough.
  private static final int SPARSE = 4;

  /// So much is begun at a time, for each processor.
  private static final int AHEAD = 16;

  /// What was done and found.
  ///
  /// @param points the points of the workload when nothing happens to it
  /// @param runs how often workload or recovery ran
  /// @param states how many different disks with their accounts were recovered and held
  /// @param complete whether these are all that the losses, events and interleavings asked for lead
  ///   to, and no [sample][#thorough]
  /// @param violation the first broken promise and the way to it, if there is one
  public record Report(
      String name,
      int points,
      long runs,
      long states,
      boolean complete,
      @Nullable String violation) {
    /// Throws the violation, if there is one.
    public Report orThrow() {
      if (violation != null) {
        throw new AssertionError(violation);
      }
      return this;
    }

    @Override
    public String toString() {
      return name
          + ": "
          + points
          + " points, "
          + runs
          + " runs, "
          + states
          + " states"
          + (complete ? "" : ", and there are more");
    }
  }

  /// A disk that something starts from.
  private record Start<E>(DiskState disk, Account<E> account, int boot, long nanos) {
    Account<E> copy() {
      return account.fork();
    }
  }

  /// A disk and how it came to that, before anything is lost.
  ///
  /// @param point how far the run was, 0 for its end
  private record Moment<E>(Start<E> now, List<Step<E>> way, Outcome<E> outcome, int point) {
    List<Step<E>> and(int loss) {
      List<Step<E>> longer = new ArrayList<>(way);
      longer.add(new Step<>(this, loss));
      return longer;
    }
  }

  /// One part of a way: a moment, and what was lost then.
  private record Step<E>(Moment<E> moment, int loss) {
    String told(long seed) {
      List<Pending> pending = moment.now().disk().pending();
      return Crashes.told(moment.outcome().trace(), moment.point())
          + "\n    "
          + (loss == NO_LOSS
              ? "all processes die"
              : "the power goes: " + Loss.of(pending, seed).get(loss).told(pending));
    }

    @Override
    public String toString() {
      return moment.outcome().schedule() + " @" + moment.point() + " #" + loss;
    }
  }

  /// What a run led to.
  private record Run<E>(Outcome<E> outcome, List<Moment<E>> moments) {}

  /// Where a thread is.
  private record Present<E>(List<Step<E>> way, Schedule schedule, long since) {}

  /// A part of the exploration that needs no other one: answers the moments of its recoveries, from
  /// which the next crashes start.
  private interface Part<E> extends Callable<List<Moment<E>>> {}

  private static final class Violation extends Exception {
    private static final long serialVersionUID = 1L;

    Violation(String message) {
      super(message, null, false, false);
    }
  }

  /// All processes die, and nothing is lost.
  private static final int NO_LOSS = -1;

  /// A point that no run comes to.
  private static final int NEVER = Integer.MAX_VALUE;

  private static final int PROCESSORS = Runtime.getRuntime().availableProcessors();

  private final String name;
  private final Map<String, Body<E>> work = new LinkedHashMap<>();
  private final Set<Long> recovered = ConcurrentHashMap.newKeySet();
  private final Set<Long> failed = ConcurrentHashMap.newKeySet();
  private final Set<Long> queued = ConcurrentHashMap.newKeySet();
  private Body<E> setUp = _ -> {};
  private Body<E> recovery = _ -> {};
  private @Nullable String replay = System.getProperty(PROPERTY);
  private Seed seed = Seed.choose();
  private int depth = 3;
  private int preemptions = 1;
  private int chances;
  private int every = 1;
  private Duration pause = Duration.ofSeconds(1);
  private boolean faults = true;
  private boolean thorough = Boolean.getBoolean("truce.full");
  private long limit = Long.MAX_VALUE;
  private long capacity = Long.MAX_VALUE;
  private final Map<Thread, Present<E>> present = new ConcurrentHashMap<>();
  private final AtomicLong runs = new AtomicLong();
  private int points;
  private long share = SAMPLE * SAMPLE;
  private volatile boolean complete = true;

  private Crashes(String name) {
    this.name = name;
  }

  /// An exploration that tries everything but random interleavings.
  public static <E> Crashes<E> of(String name) {
    return new Crashes<>(name);
  }

  /// What comes before, on an empty disk, and is not crashed.
  public Crashes<E> setUp(Body<E> body) {
    setUp = body;
    return this;
  }

  /// Adds a process of the workload.
  public Crashes<E> process(String process, Body<E> body) {
    work.put(process, body);
    return this;
  }

  /// What comes after a crash: opens, reads, and throws if a promise is broken. It may go on to
  /// work, and to account for it.
  public Crashes<E> recovery(Body<E> body) {
    recovery = body;
    return this;
  }

  /// How many crashes follow each other at most, the one of the workload included.
  public Crashes<E> depth(int crashes) {
    depth = crashes;
    return this;
  }

  /// How often at most the schedule takes the turn from a process that could go on; 2 needs
  /// thousands of runs.
  public Crashes<E> preemptions(int atMost) {
    preemptions = atMost;
    return this;
  }

  /// So many interleavings by chance on top.
  public Crashes<E> chances(int schedules) {
    chances = schedules;
    return this;
  }

  /// Of what can befall the workload, and of its interleavings that are not by chance, one in so
  /// many, and which is told by the [seed][#seed]: so other ones each time.
  public Crashes<E> oneIn(int many) {
    every = many;
    return this;
  }

  /// For how long a stopped process stands still.
  public Crashes<E> pause(Duration time) {
    pause = time;
    return this;
  }

  /// Whether calls fail.
  public Crashes<E> faults(boolean on) {
    faults = on;
    return this;
  }

  /// Whether every moment of every run is looked at with every loss. If not, which is the default
  /// without `-Dtruce.full=true`, that is so for the run in which nothing befalls the workload, and
  /// of the others a sample is taken.
  public Crashes<E> thorough(boolean on) {
    thorough = on;
    return this;
  }

  /// Looks at no more than about so many states of the plain run, so many of all others together,
  /// and so many at each further depth, from all over them.
  public Crashes<E> limit(long states) {
    limit = states;
    return this;
  }

  /// How many bytes fit on the disk of the workload; a recovery finds some made free.
  public Crashes<E> capacity(long bytes) {
    capacity = bytes;
    return this;
  }

  /// What chance starts from; by default [Seed#choose()].
  public Crashes<E> seed(Seed by) {
    seed = by;
    return this;
  }

  /// Goes this way and no other; by default what [#PROPERTY] says.
  Crashes<E> replay(String way) {
    replay = way;
    return this;
  }

  /// Explores, on all processors. Once for each exploration.
  ///
  /// A run that does not come to an end within [TestClock#LIVENESS] of real time is a violation
  /// too; its thread cannot be stopped, and stays.
  public Report explore() {
    AtomicReference<@Nullable Report> report = new AtomicReference<>();
    Thread explorer =
        Thread.ofPlatform().daemon().name(name).start(() -> report.set(onItsThread()));
    try {
      for (long seen = -1; !explorer.join(TestClock.LIVENESS); seen = runs.get()) {
        if (seen == runs.get()) {
          return report(stuck());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while exploring " + name, e);
    }
    return Objects.requireNonNull(report.get(), "the explorer failed, and has said why");
  }

  private String stuck() {
    AssertionError failure = new AssertionError("this does not come to an end");
    return present.entrySet().stream()
        .min(Comparator.comparingLong(entry -> entry.getValue().since()))
        .map(longest -> {
          failure.setStackTrace(longest.getKey().getStackTrace());
          Present<E> where = longest.getValue();
          return told(failure, where.way(), List.of(), where.schedule(), new Account<>());
        })
        .orElse(name + ": " + failure);
  }

  private Report report(@Nullable String violation) {
    boolean all = complete && violation == null;
    return new Report(name, points, runs.get(), recovered.size(), all, violation);
  }

  private Report onItsThread() {
    @Nullable String way = replay;
    try (ExecutorService threads = threads()) {
      Start<E> start = start();
      if (way == null) {
        explore(start, threads);
      } else {
        follow(start, way);
      }
    } catch (Violation e) {
      return report(e.getMessage());
    }
    return report(null);
  }

  private ExecutorService threads() {
    return Executors.newFixedThreadPool(
        PROCESSORS, work -> Thread.ofPlatform().daemon().name(name).unstarted(work));
  }

  private Start<E> start() throws Violation {
    Start<E> nothing =
        new Start<>(DiskState.EMPTY, new Account<>(), 1, Duration.ofHours(1).toNanos());
    return run(nothing, List.of(), Map.of("set up", setUp), Schedule.PLAIN, 0)
        .moments()
        .getLast()
        .now();
  }

  private void explore(Start<E> start, ExecutorService threads) throws Violation {
    Run<E> plain = work(start, Schedule.PLAIN);
    points = plain.outcome().points();
    List<Part<E>> parts = new ArrayList<>(crashes(plain.moments(), limit));
    List<Part<E>> others = new ArrayList<>();
    for (Schedule schedule : troubles(plain.outcome())) {
      others.add(() -> crash(work(start, schedule)));
    }
    interleavings(start, plain, preemptions, others);
    others = some(others);
    for (int i = 0; i < chances && work.size() > 1; i++) {
      Seed next = new Seed(Sector.mix(seed.value(), i));
      others.add(() -> crash(work(start, Schedule.random(next))));
    }
    share = Math.max(share, thorough ? limit / Math.max(1, others.size()) : 0);
    parts.addAll(others);
    for (int level = 2; level <= depth; level++) {
      parts = crashes(go(parts, threads), limit);
    }
    go(parts, threads);
  }

  private <T> List<T> some(List<T> all) {
    List<T> some = new ArrayList<>();
    for (int i = Math.floorMod(seed.value(), every); i < all.size(); i += every) {
      some.add(all.get(i));
    }
    complete &= every == 1;
    return some;
  }

  /// Goes through all parts, and answers what they answer. Their order is by chance, told by the
  /// seed: what is wrong shows in some of them, and those may all be of the last kind.
  private List<Moment<E>> go(List<Part<E>> inOrder, ExecutorService threads) throws Violation {
    List<Part<E>> parts = new ArrayList<>(inOrder);
    Collections.shuffle(parts, new Random(seed.value()));
    Sample deeper = new Sample();
    for (int from = 0; from < parts.size(); from += AHEAD * PROCESSORS) {
      int to = Math.min(parts.size(), from + AHEAD * PROCESSORS);
      try {
        for (Future<List<Moment<E>>> part : threads.invokeAll(parts.subList(from, to))) {
          part.get().forEach(deeper::add);
        }
      } catch (InterruptedException e) {
        throw new AssertionError("interrupted while exploring " + name, e);
      } catch (ExecutionException e) {
        if (e.getCause() instanceof Violation violation) {
          throw violation;
        }
        throw new AssertionError("the explorer of " + name + " failed", e.getCause());
      }
    }
    return deeper.kept;
  }

  /// Moments from all over, no more than fit into memory and are looked at.
  private final class Sample {
    private List<Moment<E>> kept = new ArrayList<>();
    private long seen;
    private long stride = 1;

    void add(Moment<E> moment) {
      if (seen++ % stride == 0) {
        kept.add(moment);
      }
      if (kept.size() / 2 > moments(limit)) {
        complete = false;
        stride *= 2;
        List<Moment<E>> all = kept;
        kept = new ArrayList<>();
        for (int i = 0; i < all.size(); i += 2) {
          kept.add(all.get(i));
        }
      }
    }
  }

  private List<Moment<E>> crash(Run<E> run) throws Exception {
    List<Moment<E>> deeper = new ArrayList<>();
    for (Part<E> part : crashes(run.moments(), share)) {
      deeper.addAll(part.call());
    }
    return deeper;
  }

  /// Each single thing that can befall the workload at each of its points.
  private List<Schedule> troubles(Outcome<E> plain) {
    List<Schedule> troubles = new ArrayList<>();
    for (int point = 1; point <= plain.points(); point++) {
      Object what = plain.trace().get(point - 1);
      troubles.add(Schedule.of(new Event.Kill(point, false)));
      if (is(what, Kind.WRITE)) {
        troubles.add(Schedule.of(new Event.Kill(point, true)));
      }
      if (work.size() > 1) {
        troubles.add(Schedule.of(new Event.Stop(point, pause)));
      }
      if (faults) {
        troubles.addAll(faults(point, what));
      }
    }
    return troubles;
  }

  private static List<Schedule> faults(int point, Object what) {
    List<Schedule> faults = new ArrayList<>();
    if (what instanceof Call) {
      faults.add(Schedule.of(new Event.Fail(point, Fault.IO, false)));
      faults.add(Schedule.of(new Event.Fail(point, Fault.IO, true)));
    }
    if (is(what, Kind.CREATE) || is(what, Kind.WRITE)) {
      faults.add(Schedule.of(new Event.Fail(point, Fault.FULL, false)));
      faults.add(Schedule.of(new Event.Fail(point, Fault.FULL, true)));
    }
    return faults;
  }

  private static boolean is(Object what, Kind kind) {
    return what instanceof Call call && call.kind() == kind;
  }

  private void interleavings(Start<E> start, Run<E> run, int left, List<Part<E>> parts) {
    if (left == 0 || work.size() == 1) {
      return;
    }
    Schedule before = run.outcome().schedule();
    for (int point = before.lastPoint() + 1; point <= run.outcome().points(); point++) {
      for (String process : work.keySet()) {
        Schedule schedule = before.and(new Event.Switch(point, process));
        parts.add(() -> interleave(start, schedule, left));
      }
    }
  }

  /// What comes of one switch more, and of all that can follow it.
  private List<Moment<E>> interleave(Start<E> start, Schedule schedule, int left) throws Exception {
    Run<E> other = work(start, schedule);
    if (other.outcome().schedule().lastPoint() != schedule.lastPoint()) {
      return List.of(); // that process could not go on there
    }
    List<Moment<E>> deeper = new ArrayList<>(crash(other));
    List<Part<E>> parts = new ArrayList<>();
    interleavings(start, other, left - 1, parts);
    for (Part<E> part : parts) {
      deeper.addAll(part.call());
    }
    return deeper;
  }

  /// Recoveries from what these moments can come to, from about so many states if there are more.
  private List<Part<E>> crashes(List<Moment<E>> moments, long atMost) {
    List<Moment<E>> chosen = spread(moments, moments(atMost));
    List<Part<E>> parts = new ArrayList<>();
    for (Moment<E> moment : chosen) {
      boolean failing = failing(moments, moment, atMost);
      parts.add(() -> crash(moment, atMost / chosen.size(), failing));
    }
    return parts;
  }

  /// How many moments are looked at for so many states.
  private static long moments(long states) {
    return Math.max(1, states / SAMPLE);
  }

  private List<Moment<E>> crash(Moment<E> moment, long atMost, boolean failing) throws Violation {
    List<Moment<E>> deeper = new ArrayList<>();
    DiskState disk = moment.now().disk();
    long account = moment.now().account().hash();
    List<Loss> losses = Loss.of(disk.pending(), seed.value());
    for (int i : chosen(losses, atMost, new SplittableRandom(seed.value() + disk.hash()))) {
      DiskState left = i == NO_LOSS ? disk : disk.afterPowerCut(losses.get(i));
      long state = Sector.mix(left.hash(), account + (i == NO_LOSS ? 1 : 0));
      boolean fails = failing && i <= 0;
      // Whoever comes first: what is tried of a state must not depend on who that is.
      boolean fresh = recovered.add(state);
      if ((fails && failed.add(state)) || fresh) {
        recover(after(moment, left, i), moment.and(i), deeper, fails, state);
      }
    }
    return deeper;
  }

  /// Whether the calls of the recovery fail too: after some moments of the plain run, or all.
  private boolean failing(List<Moment<E>> moments, Moment<E> moment, long atMost) {
    boolean some = thorough || spread(moments, SAMPLE).contains(moment);
    return some && moment.way().isEmpty() && atMost == limit;
  }

  /// No loss, the loss of everything, and the others or some of them.
  private Collection<Integer> chosen(List<Loss> losses, long atMost, SplittableRandom random) {
    Set<Integer> chosen = new TreeSet<>(Set.of(NO_LOSS, 0));
    if (losses.size() <= atMost) {
      IntStream.range(0, losses.size()).forEach(chosen::add);
    } else {
      complete = false;
      for (int i = 0; i < Math.max(SAMPLE, atMost) - 2; i++) {
        chosen.add(random.nextInt(losses.size()));
      }
    }
    return chosen;
  }

  /// All of them, or some, from here and there, and the last.
  private List<Moment<E>> spread(List<Moment<E>> moments, long atMost) {
    if (moments.size() <= atMost) {
      return moments;
    }
    complete = false;
    List<Moment<E>> chosen = new ArrayList<>();
    for (long i = 1; i <= atMost; i++) {
      chosen.add(moments.get((int) ((moments.size() * i - 1) / atMost)));
    }
    return chosen;
  }

  private Start<E> after(Moment<E> moment, DiskState left, int loss) {
    Start<E> now = moment.now();
    return loss == NO_LOSS
        ? new Start<>(left, now.account(), now.boot(), now.nanos())
        : new Start<>(left, now.account(), now.boot() + 1, Duration.ofMinutes(1).toNanos());
  }

  private void recover(
      Start<E> start, List<Step<E>> way, List<Moment<E>> deeper, boolean failing, long state)
      throws Violation {
    boolean goesOn = way.size() < depth && (failing || thorough || sparse(state));
    Run<E> run = recovery(start, way, Schedule.PLAIN, goesOn);
    if (goesOn) {
      keep(run, deeper);
      for (int point = 1; failing && faults && point <= run.outcome().points(); point++) {
        for (Schedule fault : faults(point, run.outcome().trace().get(point - 1))) {
          keep(recovery(start, way, fault, true), deeper);
        }
      }
    }
  }

  /// Whether it is one of every few states, the same ones with the same seed.
  private boolean sparse(long state) {
    complete = false;
    return Long.remainderUnsigned(Sector.mix(state, seed.value()), SPARSE) == 0;
  }

  private void keep(Run<E> run, List<Moment<E>> deeper) {
    for (Moment<E> moment : run.moments()) {
      if (queued.add(Sector.mix(moment.now().disk().hash(), moment.now().account().hash()))) {
        deeper.add(moment);
      }
    }
  }

  private Run<E> work(Start<E> start, Schedule schedule) throws Violation {
    return run(start, List.of(), work, schedule, schedule.lastPoint());
  }

  private Run<E> recovery(Start<E> start, List<Step<E>> way, Schedule schedule, boolean goesOn)
      throws Violation {
    int from = goesOn ? schedule.lastPoint() : NEVER;
    return run(start, way, Map.of("recovery", recovery), schedule, from);
  }

  /// Runs it, and keeps the moments after point `from` at which the disk or the account is another,
  /// and the end.
  private Run<E> run(
      Start<E> start, List<Step<E>> way, Map<String, Body<E>> bodies, Schedule schedule, int from)
      throws Violation {
    present.put(Thread.currentThread(), new Present<>(way, schedule, System.nanoTime()));
    runs.incrementAndGet();
    SimulatedMachine<E> machine =
        new SimulatedMachine<>(start.disk(), start.copy(), start.boot(), start.nanos());
    bodies.forEach(machine::process);
    if (way.isEmpty()) {
      machine.disk().limit(capacity);
    }
    Noted noted = new Noted(machine, from);
    if (from != NEVER || replay != null) {
      machine.watched(noted::at);
    }
    Outcome<E> outcome = machine.run(schedule);
    present.remove(Thread.currentThread());
    Throwable failure = outcome.failure();
    if (failure != null) {
      throw new Violation(
          told(failure, way, outcome.trace(), outcome.schedule(), outcome.account()));
    }
    noted.add(0, outcome.disk());
    List<Moment<E>> moments = new ArrayList<>();
    for (int i = 0; i < noted.starts.size(); i++) {
      moments.add(new Moment<>(noted.starts.get(i), way, outcome, noted.points.get(i)));
    }
    return new Run<>(outcome, moments);
  }

  /// The moments of one run.
  private final class Noted {
    private final SimulatedMachine<E> machine;
    private final int from;
    private final List<Start<E>> starts = new ArrayList<>();
    private final List<Integer> points = new ArrayList<>();
    private long changes = -1;
    private long account;

    Noted(SimulatedMachine<E> machine, int from) {
      this.machine = machine;
      this.from = from;
    }

    void at(int point) {
      long changesNow = machine.disk().changes();
      long accountNow = machine.account().hash();
      boolean other = changes != changesNow || account != accountNow;
      if (replay != null || (point >= from && other)) {
        changes = changesNow;
        account = accountNow;
        add(point, machine.disk().state());
      }
    }

    void add(int point, DiskState disk) {
      starts.add(new Start<>(disk, machine.account().fork(), machine.boot(), machine.nanos()));
      points.add(point);
    }
  }

  private static String told(List<Object> trace, int point) {
    return String.join("\n    ", SimulatedMachine.tail(trace, point, TOLD));
  }

  private String told(
      Throwable failure,
      List<Step<E>> way,
      List<Object> trace,
      Schedule schedule,
      Account<E> account) {
    StringBuilder told = new StringBuilder(name).append(": ").append(failure);
    Arrays.stream(failure.getStackTrace())
        .takeWhile(frame -> !frame.getClassName().startsWith(SimulatedMachine.class.getName()))
        .limit(TOLD)
        .forEach(frame -> told.append("\n      at ").append(frame));
    told.append("\n  after");
    for (Step<E> step : way) {
      told.append("\n    ").append(step.told(seed.value()));
    }
    told.append("\n    ").append(told(trace, 0)).append("\n    which fails");
    told.append("\n  with ").append(account);
    told.append("\n  to repeat it: ").append(seed.replay());
    told.append(" \"-D").append(PROPERTY).append('=').append(name).append(": ");
    way.forEach(step -> told.append(step).append(" / "));
    return told.append(schedule).append('"').toString();
  }

  /// Goes one way again: each step is a schedule, a point and a loss; the last is a schedule.
  private void follow(Start<E> start, String replay) throws Violation {
    if (!replay.startsWith(name + ": ")) {
      return;
    }
    Start<E> here = start;
    List<Step<E>> way = new ArrayList<>();
    for (String step : split(replay.substring(name.length() + 2), " / ")) {
      List<String> parts = split(step, " [@#]");
      Schedule schedule = Schedule.parse(parts.getFirst());
      Run<E> run = way.isEmpty() ? work(here, schedule) : recovery(here, way, schedule, true);
      if (parts.size() == 3) {
        int point = Integer.parseInt(parts.get(1));
        int loss = Integer.parseInt(parts.get(2));
        Moment<E> moment =
            run.moments().stream().filter(m -> m.point() == point).findFirst().orElseThrow();
        DiskState disk = moment.now().disk();
        List<Loss> losses = Loss.of(disk.pending(), seed.value());
        way = moment.and(loss);
        here = after(moment, loss < 0 ? disk : disk.afterPowerCut(losses.get(loss)), loss);
      }
    }
  }

  private static List<String> split(String text, String at) {
    return Pattern.compile(at).splitAsStream(text).toList();
  }
}
