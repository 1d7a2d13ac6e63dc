package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Truce;
import dev.truce.lock.DeadlockException;
import dev.truce.lock.Grant;
import dev.truce.lock.NamedLock;
import dev.truce.testkit.Farm;
import dev.truce.testkit.Replay;
import dev.truce.testkit.Seed;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Processes that wait for each other in a ring: exactly one of them gives way, and where there is
/// no ring nobody does.
@ExtendWith(Replay.class)
final class RingIT implements Replay.Seeded {
  private static final boolean FULL = Boolean.getBoolean("truce.full");
  private static final int RINGS = FULL ? 1_000 : 100;
  private static final int STORM_ROUNDS = FULL ? 20_000 : 1_000;
  private static final int PROCESSES = 5;
  private static final Duration LONG = Duration.ofMinutes(1);

  /// How long who has nothing to do waits for those that are still starting, or storm.
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private final Seed seed = Seed.choose();

  @Override
  public Seed seed() {
    return seed;
  }

  @Test
  @Timeout(1_200)
  void waitInARing_exactlyOneGivesWay_andTheOthersAreServed() throws Exception {
    Farm.run(
        PATIENCE,
        farm -> {
          List<Farm.Worker> takers = takers(farm);
          SplittableRandom random = seed.random("rings");
          for (int ring = 0; ring < RINGS; ring++) {
            List<Farm.Worker> some = some(takers, 2 + ring % (PROCESSES - 1), random);
            breakRing(ring, some, random);
          }
        });
  }

  private static List<Farm.Worker> some(List<Farm.Worker> all, int count, SplittableRandom random) {
    List<Farm.Worker> rest = new ArrayList<>(all);
    List<Farm.Worker> some = new ArrayList<>();
    while (some.size() < count) {
      some.add(rest.remove(random.nextInt(rest.size())));
    }
    return some;
  }

  private static void breakRing(int ring, List<Farm.Worker> some, SplittableRandom random)
      throws InterruptedException {
    int size = some.size();
    String name = "ring-" + ring % 7 + "-";
    for (int i = 0; i < size; i++) {
      some.get(i).send(mode(random) + " " + name + i);
      some.get(i).receive("has");
    }
    for (int i : shuffled(size, random)) {
      some.get(i).send("write " + name + (i + 1) % size);
    }
    // Everybody answers once: one gives way at once, and each of the others when it is its turn.
    BlockingQueue<Said> said = new ArrayBlockingQueue<>(size);
    for (int i = 0; i < size; i++) {
      int speaker = i;
      Thread.ofVirtual().start(() -> said.add(new Said(speaker, some.get(speaker).receive())));
    }
    Said first = next(said);
    assertThat(first.words()).isEqualTo("gave way in a ring of " + size);
    int next = first.speaker();
    for (int served = 1; served < size; served++) {
      assertThat(said).as("nobody else is served or gives way").isEmpty();
      free(some.get(next));
      next = (next + size - 1) % size;
      assertThat(next(said)).isEqualTo(new Said(next, "has"));
    }
    free(some.get(next));
  }

  private record Said(int speaker, String words) {}

  private static Said next(BlockingQueue<Said> said) throws InterruptedException {
    Said next = said.poll(Farm.LIVENESS.toSeconds(), TimeUnit.SECONDS);
    assertThat(next).as("nobody gave way, or nobody was served").isNotNull();
    return next;
  }

  private static void free(Farm.Worker worker) {
    worker.send("give");
    worker.receive("free");
  }

  private static String mode(SplittableRandom random) {
    return random.nextBoolean() ? "read" : "write";
  }

  private static List<Integer> shuffled(int size, SplittableRandom random) {
    List<Integer> order = new ArrayList<>(IntStream.range(0, size).boxed().toList());
    for (int i = size - 1; i > 0; i--) {
      order.set(i, order.set(random.nextInt(i + 1), order.get(i)));
    }
    return order;
  }

  @Test
  @Timeout(1_200)
  void waitsWithoutARing_nobodyGivesWay() throws Exception {
    Farm.run(
        PATIENCE,
        farm -> {
          List<Farm.Worker> takers = takers(farm);
          for (Farm.Worker taker : takers) {
            taker.send("storm " + STORM_ROUNDS + " " + seed.random(taker.name()).nextLong());
          }
          takers.forEach(taker -> taker.receive("calm"));
        });
  }

  private static List<Farm.Worker> takers(Farm farm) throws Exception {
    String root = farm.directory().resolve("root").toString();
    Truce.open(Path.of(root)).close();
    List<Farm.Worker> takers = new ArrayList<>();
    for (int i = 0; i < PROCESSES; i++) {
      takers.add(farm.launch("taker-" + i, Taker.class, root));
    }
    takers.forEach(taker -> taker.receive("ready"));
    return takers;
  }

  /// Takes what it is told to and says what became of it.
  public static final class Taker implements Farm.Role {
    /// For the farm.
    public Taker() {}

    @Override
    public void play(Farm.Me me) throws Exception {
      try (Truce truce = Truce.open(Path.of(me.arguments().getFirst()))) {
        List<Grant> grants = new ArrayList<>();
        me.send("ready");
        for (String order = me.receive(); ; order = me.receive()) {
          String[] words = order.split(" ");
          me.send(obey(truce, grants, words));
        }
      }
    }

    private static String obey(Truce truce, List<Grant> grants, String[] words)
        throws InterruptedException {
      return switch (words[0]) {
        case "give" -> {
          grants.forEach(Grant::close);
          grants.clear();
          yield "free";
        }
        case "storm" -> {
          storm(truce, Integer.parseInt(words[1]), new SplittableRandom(Long.parseLong(words[2])));
          yield "calm";
        }
        default -> take(grants, lock(truce, words[1], words[0].equals("read")));
      };
    }

    private static String take(List<Grant> grants, NamedLock lock) throws InterruptedException {
      try {
        grants.add(lock.acquire(LONG));
        return "has";
      } catch (DeadlockException gaveWay) {
        return "gave way in a ring of " + gaveWay.refusal().cycle().size();
      }
    }

    /// Locks in the order of their names, a few at a time, for reading and writing.
    private static void storm(Truce truce, int rounds, SplittableRandom random)
        throws InterruptedException {
      for (int round = 0; round < rounds; round++) {
        List<Grant> grants = new ArrayList<>();
        for (int lock = random.nextInt(3); lock < 6; lock += 1 + random.nextInt(3)) {
          grants.add(lock(truce, "storm-" + lock, random.nextBoolean()).acquire(LONG));
        }
        grants.forEach(Grant::close);
      }
    }

    private static NamedLock lock(Truce truce, String name, boolean read) {
      return read ? truce.lock(name).read() : truce.lock(name);
    }
  }
}
