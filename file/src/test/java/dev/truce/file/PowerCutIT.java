package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.testkit.Replay;
import dev.truce.testkit.Seed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A file system of its own is shut down under writers, without its log being flushed, as a power
/// cut leaves it, and mounted again: every acknowledged record is there.
@Tag("full")
@ExtendWith(Replay.class)
final class PowerCutIT implements Replay.Seeded {
  private static final int CUTS = Integer.getInteger("truce.cuts", 20);
  private static final int WRITERS = 3;
  private static final int EARLIEST_MILLIS = 300;
  private static final int LATEST_MILLIS = 3_000;
  private static final String BYTES = String.valueOf(400L << 20);

  private final Seed seed = Seed.choose();

  @Override
  public Seed seed() {
    return seed;
  }

  @ParameterizedTest
  @ValueSource(strings = {"ext4", "xfs"})
  @Timeout(3_600)
  void fileSystemShutDown_nothingAcknowledgedIsLost(String kind, @TempDir Path temporary)
      throws Exception {
    Tools.require("mount", "xfs_io", "mkfs." + kind);
    SplittableRandom random = seed.random(kind);
    String image = temporary.resolve("image").toString();
    Path mounted = temporary.resolve("mounted");
    assertThat(mounted.toFile().mkdir()).isTrue();
    Tools.must("truncate", "-s", BYTES, image);
    Tools.must("mkfs." + kind, "-q", image);
    List<Path> acknowledged = new ArrayList<>();
    for (int cut = 0; cut < CUTS; cut++) {
      Path root = mounted.resolve("root");
      Tools.must("mount", "-o", "loop", image, mounted.toString());
      try {
        acknowledged.addAll(cutShort(root, mounted, random, cut));
      } finally {
        Tools.must("umount", mounted.toString());
      }
      Tools.must("mount", "-o", "loop", image, mounted.toString());
      try {
        check(root, acknowledged, cut);
      } finally {
        Tools.must("umount", mounted.toString());
      }
    }
    System.out.println(kind + ": " + CUTS + " power cuts, " + seed);
  }

  private static List<Path> cutShort(Path root, Path mounted, SplittableRandom random, int cut)
      throws Exception {
    List<Child> writers = new ArrayList<>();
    List<Path> acknowledged = new ArrayList<>();
    try {
      for (int writer = 0; writer < WRITERS; writer++) {
        Path log = mounted.resolveSibling("acknowledged-" + cut + "-" + writer);
        acknowledged.add(log);
        writers.add(Child.start(List.of(), "work", root, writer, log));
      }
      writers.forEach(writer -> writer.await("ready"));
      TimeUnit.MILLISECONDS.sleep(random.nextInt(EARLIEST_MILLIS, LATEST_MILLIS));
      Tools.must("xfs_io", "-x", "-c", "shutdown", mounted.toString());
    } finally {
      writers.forEach(Child::close);
    }
    return acknowledged;
  }

  /// Opens it as the machine would that starts again, in a process that maps none of it for longer.
  private static void check(Path root, List<Path> acknowledged, int cut) {
    if (root.resolve("id").toFile().exists()) { // else the power was gone before the root was there
      List<Object> arguments = new ArrayList<>(List.of("check", root, "boot after cut " + cut));
      arguments.addAll(acknowledged);
      try (Child checker = Child.start(List.of(), arguments.toArray())) {
        checker.await("all is there");
        assertThat(checker.join()).isZero();
      }
    }
  }
}
