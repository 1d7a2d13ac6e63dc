package dev.truce.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Truce;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class TransfersIT {
  private static final int ROUNDS = 100_000;
  private static final int ROUNDS_OF_TWO_HANDLES =
      Boolean.getBoolean("truce.full") ? ROUNDS : 10_000;

  @Test
  @Timeout(120)
  void fromAToBAndFromBToA_aHundredThousandRounds_noneHangsAndNothingIsLost(@TempDir Path temporary)
      throws Exception {
    try (Truce truce = Truce.open(temporary.resolve("root"))) {
      crosswise(truce, truce, ROUNDS);
    }
  }

  @Test
  @Timeout(600)
  void crosswise_ofTwoHandles_noneHangsAndNothingIsLost(@TempDir Path temporary) throws Exception {
    Path root = temporary.resolve("root");
    try (Truce one = Truce.open(root);
        Truce other = Truce.open(root)) {
      crosswise(one, other, ROUNDS_OF_TWO_HANDLES);
    }
  }

  private static void crosswise(Truce one, Truce other, int rounds) throws Exception {
    ConcurrentHashMap<String, Long> balances = new ConcurrentHashMap<>();
    List<FutureTask<Integer>> both = new ArrayList<>();
    both.add(start(() -> move(new Transfers(one, balances), "a", "b", 3, rounds / 2)));
    both.add(start(() -> move(new Transfers(other, balances), "b", "a", 2, rounds / 2)));
    for (FutureTask<Integer> each : both) {
      assertThat(each.get()).isEqualTo(rounds / 2);
    }
    long moved = rounds / 2L;
    assertThat(balances).isEqualTo(Map.of("a", -moved, "b", moved));
  }

  private static int move(Transfers transfers, String from, String to, long amount, int times)
      throws InterruptedException {
    for (int i = 0; i < times; i++) {
      transfers.move(from, to, amount);
    }
    return times;
  }

  private static FutureTask<Integer> start(Callable<Integer> work) {
    FutureTask<Integer> task = new FutureTask<>(work);
    Thread.ofPlatform().daemon().start(task);
    return task;
  }
}
