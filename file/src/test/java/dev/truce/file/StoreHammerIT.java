package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.testkit.Replay;
import dev.truce.testkit.Seed;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/// Eight processes commit to the same keys of one root, and are stopped, continued and killed at
/// random moments. What they saw and were told is one history that the promises allow, and all of
/// it is there.
@ExtendWith(Replay.class)
final class StoreHammerIT implements Replay.Seeded {
  private static final boolean FULL = Boolean.getBoolean("truce.full");
  private static final int CLIENTS = 8;
  private static final int ROUNDS = FULL ? 180 : 3;
  private static final Duration ROUND = Duration.ofSeconds(20);

  /// More than any client calls in a round.
  private static final long NUMBERS = 10_000_000;

  private final Seed seed = Seed.choose();
  private final List<Path> logs = new ArrayList<>();
  private long started;

  @Override
  public Seed seed() {
    return seed;
  }

  /// One of the processes, and where it and those before it in its place have written.
  private final class Client {
    private final List<Path> written = new ArrayList<>();
    private final Path root;
    private final Path folder;
    private Child child;

    Client(Path root, Path folder) {
      this.root = root;
      this.folder = folder;
      child = start();
    }

    private Child start() {
      Path log = folder.resolve("log-" + started);
      String before = written.stream().map(Path::toString).collect(Collectors.joining(":"));
      written.add(log);
      logs.add(log);
      return Child.start(List.of(), "commit", root, log, ++started * NUMBERS, before);
    }

    void startAgain() {
      child.kill();
      child = start();
    }
  }

  @Test
  @Timeout(7_200)
  void clients_killedAndStoppedAtRandom_seeOneHistoryThatThePromisesAllow(@TempDir Path temporary)
      throws Exception {
    SplittableRandom random = seed.random("hammer");
    for (int round = 0; round < ROUNDS; round++) {
      Path root = temporary.resolve("root-" + round);
      FileEngine.open(root).close();
      logs.clear();
      int killed =
          hammered(root, Files.createDirectory(temporary.resolve("round-" + round)), random);
      System.out.println(StoreHistory.check(root, logs) + ", " + killed + " killed");
    }
  }

  /// How many were killed.
  private int hammered(Path root, Path folder, SplittableRandom random) throws Exception {
    List<Client> clients = Stream.generate(() -> new Client(root, folder)).limit(CLIENTS).toList();
    int killed = 0;
    try {
      clients.forEach(client -> client.child.await("ready"));
      long end = System.nanoTime() + ROUND.toNanos();
      while (System.nanoTime() < end) {
        Client stopped = clients.get(random.nextInt(CLIENTS));
        Client victim = clients.get(random.nextInt(CLIENTS));
        stopped.child.signal("STOP");
        TimeUnit.MILLISECONDS.sleep(random.nextInt(200));
        if (random.nextInt(3) == 0) {
          victim.startAgain();
          killed++;
        }
        stopped.child.signal("CONT");
        TimeUnit.MILLISECONDS.sleep(random.nextInt(300));
      }
      for (Client client : clients) {
        client.child.say("enough");
        assertThat(client.child.join()).as("it ended by itself").isZero();
      }
    } finally {
      clients.forEach(client -> client.child.close());
    }
    return killed;
  }
}
