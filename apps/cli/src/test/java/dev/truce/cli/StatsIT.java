package dev.truce.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Truce;
import dev.truce.lock.Grant;
import dev.truce.lock.NamedLock;
import dev.truce.lock.NotAcquiredException;
import dev.truce.testkit.Farm;
import dev.truce.testkit.Farm.Worker;
import dev.truce.testkit.Replay;
import dev.truce.testkit.Seed;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// The exact counters of `truce stats --json` under processes that are killed at any moment.
@ExtendWith(Replay.class)
class StatsIT implements Replay.Seeded {
  private static final int KILLS = 50;
  private static final int WORKERS = 4;
  private static final int THREADS = 2;
  private static final List<String> LOCKS = List.of("one", "two", "three");

  private final Seed seed = Seed.choose();

  @Override
  public Seed seed() {
    return seed;
  }

  /// What the workers count themselves in a page that outlives them: grants that they got, and
  /// those that they gave back.
  private static final class Page {
    private static final VarHandle LONG =
        MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int GOT = 0;
    private static final int GAVE = 8;

    private final ByteBuffer page;

    Page(Path directory) throws IOException {
      try (FileChannel file =
          FileChannel.open(
              directory.resolve("page"),
              StandardOpenOption.CREATE,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE)) {
        page = file.map(FileChannel.MapMode.READ_WRITE, 0, 64).order(ByteOrder.LITTLE_ENDIAN);
      }
    }

    void add(int counter) {
      long _ = (long) LONG.getAndAdd(page, counter, 1L);
    }

    long get(int counter) {
      return (long) LONG.getVolatile(page, counter);
    }
  }

  /// Takes locks in every way until it is killed.
  public static final class Busy implements Farm.Role {
    /// For the farm.
    public Busy() {}

    @Override
    public void play(Farm.Me me) throws Exception {
      Path directory = Path.of(me.arguments().getFirst());
      Page page = new Page(directory);
      try (Truce truce = Truce.open(directory.resolve("root"))) {
        for (int i = 0; i < THREADS; i++) {
          long seed = Long.parseLong(me.arguments().get(1)) + i;
          Thread.ofPlatform().daemon().start(() -> work(truce, page, new Random(seed), me));
        }
        String _ = me.receive(); // never comes
      }
    }

    private static void work(Truce truce, Page page, Random random, Farm.Me me) {
      try {
        for (int done = 1; ; done++) {
          NamedLock lock = truce.lock(LOCKS.get(random.nextInt(LOCKS.size())));
          once(random.nextInt(3) == 0 ? lock.read() : lock, page, random);
          if (done == 200) {
            me.send("warm");
          }
        }
      } catch (InterruptedException nobodyDoes) {
        throw new IllegalStateException(nobodyDoes);
      }
    }

    private static void once(NamedLock lock, Page page, Random random) throws InterruptedException {
      Duration wait = Duration.ofNanos(random.nextInt(4) * 1_000_000L);
      try (Grant _ = lock.acquire(wait)) {
        page.add(Page.GOT);
        for (int i = random.nextInt(2_000); i > 0; i--) {
          Thread.onSpinWait();
        }
      } catch (NotAcquiredException late) {
        return;
      }
      page.add(Page.GAVE);
    }
  }

  @Test
  @Timeout(600)
  void afterFiftyKills_everyGrantIsReleasedOrLostOrHeld() throws Exception {
    Farm.run(this::stress);
  }

  private void stress(Farm farm) throws Exception {
    SplittableRandom random = seed.random("workers");
    Path directory = farm.directory();
    Page page = new Page(directory);
    List<Worker> workers = new ArrayList<>();
    for (int kills = 0; kills < KILLS; kills++) {
      while (workers.size() < WORKERS) {
        String own = Long.toString(random.nextLong(1L << 32) * THREADS);
        workers.add(farm.launch("worker-" + own, Busy.class, directory.toString(), own));
      }
      Worker victim = workers.removeFirst();
      victim.receive("warm");
      Farm.Exit _ = victim.kill();
      balances(stats(directory));
    }
    for (Worker worker : workers) {
      Farm.Exit _ = worker.kill();
    }
    String end = stats(directory);
    balances(end);
    assertThat(sum(end, "held")).isZero();
    assertThat(sum(end, "waiting")).isZero();
    assertThat(sum(end, "lost")).isBetween(1L, (long) (KILLS + WORKERS) * THREADS);
    assertThat(sum(end, "acquisitions"))
        .isBetween(page.get(Page.GOT), page.get(Page.GOT) + (KILLS + WORKERS) * THREADS);
    assertThat(sum(end, "releases"))
        .isBetween(page.get(Page.GAVE), page.get(Page.GAVE) + (KILLS + WORKERS) * THREADS);
    assertThat(sum(end, "died")).isPositive();
  }

  private static String stats(Path directory) {
    Captured stats =
        Captured.of(directory, Map.of("TRUCE_DIR", directory + "/root"), "stats", "--json");
    assertThat(stats.status()).isEqualTo(0);
    assertThat(stats.err()).isEmpty();
    return stats.out();
  }

  private static void balances(String stats) {
    for (String lock : stats.split("\\{\"lock\":", -1)) {
      if (lock.contains("\"acquisitions\"")) {
        assertThat(sum(lock, "acquisitions"))
            .as(lock)
            .isEqualTo(sum(lock, "releases") + sum(lock, "lost") + sum(lock, "held"));
        assertThat(sum(lock, "queued"))
            .as(lock)
            .isBetween(
                sum(lock, "left") + sum(lock, "waiting"),
                sum(lock, "left") + sum(lock, "waiting") + sum(lock, "acquisitions"));
      }
    }
  }

  private static long sum(String json, String field) {
    Matcher found = Pattern.compile("\"" + field + "\":(\\d+)").matcher(json);
    long sum = 0;
    while (found.find()) {
      sum += Long.parseLong(found.group(1));
    }
    return sum;
  }
}
