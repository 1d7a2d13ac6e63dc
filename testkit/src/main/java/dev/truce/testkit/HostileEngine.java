package dev.truce.testkit;

import dev.truce.EngineException;
import dev.truce.spi.Capabilities;
import dev.truce.spi.Cells;
import dev.truce.spi.Engine;
import dev.truce.spi.Members;
import dev.truce.spi.Ticker;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;

/// An engine that keeps the contracts and nothing more: whatever a contract allows to go wrong goes
/// wrong here, often.
///
/// It wraps another engine and adds, decided by one [Seed]:
/// - swaps whose outcome is unknown: applied, not applied, or applied later, after the cell was
///   read again, if its revision is then still the expected one;
/// - swaps that are lost for no reason;
/// - revisions that equal nothing, not even themselves read again, so that only the engine can
///   compare them, and bytes that are nobody else's copy;
/// - wakes that are lost, come late or come unasked;
/// - no proof of death: members are as good as their heartbeat, and a handle can be [cut
///   off][#cut];
/// - on demand, [clocks][#over(Engine, Seed, Capabilities.Clock)] that jump, stand still or
///   disagree.
///
/// A run on one thread is the same for the same seed. The seed is in [#place()], and so in
/// messages.
///
/// **Threads.** Safe for any number of them.
public final class HostileEngine implements Engine {
  /// How long a member is safe without renewing.
  public static final Duration TERM = Duration.ofSeconds(10);

  private final World world;
  private final Engine engine;
  private final Ticker ticker;
  private final HostileCells cells;
  private final HostileMembers members;
  private volatile boolean cut;

  private HostileEngine(World world, Engine engine) {
    this.world = world;
    this.engine = engine;
    this.ticker =
        switch (world.clock) {
          case BOOT -> engine.ticker();
          case WALL -> new WallTicker();
          case NONE -> new OffsetTicker(world.offset());
        };
    this.cells = new HostileCells();
    this.members = new HostileMembers(Members.over(cells, ticker, TERM));
    world.handles.put(this, true);
  }

  /// The first handle on this world, on the clock of `engine`. Closing it closes `engine`.
  public static HostileEngine over(Engine engine, Seed seed) {
    return over(engine, seed, Capabilities.Clock.BOOT);
  }

  /// The same with a hostile clock: as [wall clock][Capabilities.Clock#WALL] one that somebody sets
  /// now and then, which is read as the highest reading so far, so that it jumps ahead and stands
  /// still; with [none][Capabilities.Clock#NONE] each handle has one that is days away from the
  /// others'.
  public static HostileEngine over(Engine engine, Seed seed, Capabilities.Clock clock) {
    return new HostileEngine(new World(seed, clock), engine);
  }

  /// Another handle on the same world, over `engine`, which must be another handle on the same
  /// place.
  public HostileEngine another(Engine engine) {
    return new HostileEngine(world, engine);
  }

  /// From now on nothing reaches the engine from this handle, as if its network were gone;
  /// heartbeats included, so that its members fall silent.
  public void cut() {
    cut = true;
  }

  /// Ends what [#cut()] began.
  public void mend() {
    cut = false;
  }

  @Override
  public String place() {
    return "hostile " + engine.place() + " (" + world.seed.replay() + ")";
  }

  @Override
  public String root() {
    return engine.root();
  }

  @Override
  public Capabilities capabilities() {
    Capabilities under = engine.capabilities();
    return new Capabilities(
        world.clock,
        under.durability(),
        Capabilities.Contention.OPTIMISTIC,
        false,
        true,
        under.maxCell(),
        Duration.ofMillis(50));
  }

  @Override
  public Cells cells() {
    return cells;
  }

  @Override
  public Members members() {
    return members;
  }

  @Override
  public Ticker ticker() {
    return ticker;
  }

  @Override
  public void close() {
    members.renewed.close();
    world.handles.remove(this);
    engine.close();
  }

  @Override
  public String toString() {
    return place();
  }

  /// What all handles share: the dice, the swaps that have not landed yet, the late wakes.
  private static final class World {
    private static final int MAX_OPEN = 64;

    final Seed seed;
    final Capabilities.Clock clock;
    final Map<HostileEngine, Boolean> handles = new ConcurrentHashMap<>();

    // Guarded by `this`.
    private final SplittableRandom dice;
    private final Map<String, List<LateSwap>> lateSwaps = new ConcurrentHashMap<>();
    private final ArrayDeque<Long> lateWakes = new ArrayDeque<>();
    private long stepNanos;
    private long highestNanos = Long.MIN_VALUE;

    World(Seed seed, Capabilities.Clock clock) {
      this.seed = seed;
      this.clock = clock;
      this.dice = seed.random("hostile");
    }

    /// True once in `times`, on average.
    synchronized boolean once(int times) {
      return dice.nextInt(times) == 0;
    }

    synchronized int roll(int bound) {
      return dice.nextInt(bound);
    }

    synchronized long offset() {
      return dice.nextLong(Duration.ofDays(30).toNanos());
    }

    /// The server's clock, which somebody sets now and then.
    synchronized long wallNanos(long trueNanos) {
      if (dice.nextInt(200) == 0) {
        stepNanos = dice.nextLong(-1, 2) * dice.nextLong(Duration.ofHours(1).toNanos());
      }
      highestNanos = Math.max(highestNanos, trueNanos + stepNanos);
      return highestNanos;
    }

    void later(String key, LateSwap swap) {
      List<LateSwap> open = lateSwaps.computeIfAbsent(key, _ -> new ArrayList<>());
      synchronized (open) {
        if (open.size() < MAX_OPEN) {
          open.add(swap);
        }
      }
    }

    /// Lets the swaps land whose time has come, now that the key was read.
    void land(String key) {
      List<LateSwap> open = lateSwaps.get(key);
      if (open == null) {
        return;
      }
      synchronized (open) {
        for (Iterator<LateSwap> each = open.iterator(); each.hasNext(); ) {
          LateSwap swap = each.next();
          if (--swap.reads == 0) {
            each.remove();
            swap.land.run();
          }
        }
      }
    }

    synchronized void wakeLater(long member) {
      if (lateWakes.size() < MAX_OPEN) {
        lateWakes.add(member);
      }
    }

    synchronized Optional<Long> lateWake() {
      return Optional.ofNullable(lateWakes.poll());
    }

    void deliver(long member) {
      handles.keySet().forEach(handle -> handle.members.renewed.wake(member));
    }
  }

  /// A swap that is still under way.
  private static final class LateSwap {
    final Runnable land;
    int reads;

    LateSwap(int reads, Runnable land) {
      this.reads = reads;
      this.land = land;
    }
  }

  /// A revision that is worth nothing to anybody but this engine. Deliberately without `equals`.
  private static final class Opaque {
    final Object revision;

    Opaque(Object revision) {
      this.revision = revision;
    }
  }

  private final class HostileCells implements Cells {
    private final Cells under = engine.cells();

    @Override
    public Cell read(String key) {
      reach();
      Cell cell = hide(under.read(key));
      world.land(key);
      stir();
      return cell;
    }

    @Override
    public Swap swap(String key, Cell expected, byte[] next) {
      reach();
      stir();
      if (!(expected.revision() instanceof Opaque opaque)) {
        throw new IllegalArgumentException("this revision was not handed out here");
      }
      // The bytes that the caller believes to be there are not looked at.
      Cell believed = new Cell(new byte[0], opaque.revision);
      byte[] bytes = next.clone();
      if (!sane(key, next)) {
        return under.swap(key, believed, bytes);
      }
      if (world.once(50)) {
        return new Swap.Lost(hide(under.read(key)));
      }
      if (world.once(100)) {
        switch (world.roll(3)) {
          case 0 -> under.swap(key, believed, bytes);
          case 1 ->
              world.later(
                  key, new LateSwap(1 + world.roll(3), () -> under.swap(key, believed, bytes)));
          default -> {
            // It never arrived.
          }
        }
        return new Swap.Unknown("the connection broke; " + world.seed);
      }
      return switch (under.swap(key, believed, bytes)) {
        case Swap.Won(Cell cell) -> new Swap.Won(hide(cell));
        case Swap.Lost(Cell current) -> new Swap.Lost(hide(current));
        case Swap.Unknown unknown -> unknown;
      };
    }

    @Override
    public List<String> keys(String prefix) {
      reach();
      return under.keys(prefix);
    }

    @Override
    public long draw(int count) {
      reach();
      // Gaps are normal.
      under.draw(1 + world.roll(3));
      return under.draw(count);
    }

    /// Whether the engine underneath will look at it at all.
    private boolean sane(String key, byte[] next) {
      return StandardCharsets.UTF_8.newEncoder().canEncode(key)
          && key.getBytes(StandardCharsets.UTF_8).length <= 300
          && next.length <= engine.capabilities().maxCell();
    }

    private void reach() {
      if (cut) {
        throw new EngineException(
            EngineException.Kind.UNREACHABLE, place() + " does not answer: cut off by the test");
      }
    }

    private Cell hide(Cell cell) {
      return new Cell(cell.bytes().clone(), new Opaque(cell.revision()));
    }

    /// A moment at which late and unasked wakes arrive, on threads of the engine.
    private void stir() {
      if (world.once(4)) {
        world
            .lateWake()
            .ifPresent(member -> Thread.startVirtualThread(() -> world.deliver(member)));
      }
      if (world.once(200)) {
        Thread.startVirtualThread(() ->
            world
                .handles
                .keySet()
                .forEach(handle -> handle.members.joined.keySet().forEach(world::deliver)));
      }
    }
  }

  private final class HostileMembers implements Members {
    private final Members.Renewed renewed;
    private final Map<Long, Boolean> joined = new ConcurrentHashMap<>();

    HostileMembers(Members.Renewed renewed) {
      this.renewed = renewed;
    }

    @Override
    public Membership join(byte[] description) {
      Membership membership = renewed.join(description);
      joined.put(membership.member(), true);
      return membership;
    }

    @Override
    public Standing standing(long member) {
      return renewed.standing(member);
    }

    @Override
    public Optional<byte[]> description(long member) {
      return renewed.description(member);
    }

    @Override
    public List<Long> list() {
      return renewed.list();
    }

    @Override
    public boolean end(long member) {
      return renewed.end(member);
    }

    @Override
    public void wake(long member) {
      switch (world.roll(10)) {
        case 0 -> {
          // Lost.
        }
        case 1, 2 -> world.wakeLater(member);
        default -> world.deliver(member);
      }
    }
  }

  /// The true clock, off by a constant that is another one for each handle.
  private final class OffsetTicker implements Ticker {
    private final long offset;

    OffsetTicker(long offset) {
      this.offset = offset;
    }

    @Override
    public long nanos() {
      return engine.ticker().nanos() + offset;
    }

    @Override
    public void park(Object blocker, long deadline) {
      boolean ever = deadline == Long.MAX_VALUE || deadline == Long.MIN_VALUE;
      engine.ticker().park(blocker, ever ? deadline : deadline - offset);
    }
  }

  /// A server's wall clock. A park lasts at least as long as the reading it waits for takes when
  /// nobody sets the clock; a park may end for no reason.
  private final class WallTicker implements Ticker {
    @Override
    public long nanos() {
      return world.wallNanos(engine.ticker().nanos());
    }

    @Override
    public void park(Object blocker, long deadline) {
      long now = nanos();
      if (deadline == Long.MAX_VALUE) {
        engine.ticker().park(blocker, deadline);
      } else if (deadline > now) {
        engine.ticker().park(blocker, engine.ticker().nanos() + deadline - now);
      }
    }
  }
}
