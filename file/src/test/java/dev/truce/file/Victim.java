package dev.truce.file;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.truce.Truce;
import dev.truce.spi.Cells;
import dev.truce.spi.Members.Membership;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// The programs that tests run in processes of their own, and what happens to them.
public final class Victim {
  static final byte[] DESCRIPTION = {1, 2, 3};

  private static final BufferedReader IN =
      new BufferedReader(new InputStreamReader(System.in, UTF_8));

  private Victim() {}

  public static void main(String[] arguments) throws Exception {
    Path root = Path.of(arguments[1]);
    switch (arguments[0]) {
      case "create" -> create(root);
      case "work" -> work(root, Integer.parseInt(arguments[2]), Path.of(arguments[3]));
      case "lease" -> lease(root, Integer.parseInt(arguments[2]), Path.of(arguments[3]));
      case "commit" -> commit(root, arguments);
      case "join" -> join(root);
      case "fill" -> FullDiskIT.fill(root);
      case "check" -> check(root, arguments[2], List.of(arguments).subList(3, arguments.length));
      default -> throw new IllegalArgumentException(arguments[0]);
    }
  }

  /// Opens a root at a sign, and says which it is and what it drew.
  private static void create(Path root) throws IOException {
    System.out.println("ready");
    IN.readLine();
    try (FileEngine engine = FileEngine.open(root)) {
      System.out.println(
          "root " + FileEngine.examine(root).root() + " " + engine.cells().draw(100));
    }
  }

  /// Joins, listens, and answers every wake of the member that it is told of, until told to end.
  private static void join(Path root) throws IOException {
    try (FileEngine engine = FileEngine.open(root)) {
      AtomicLong other = new AtomicLong();
      Membership me = engine.members().join("a child".getBytes(UTF_8));
      me.listen(true, () -> engine.members().wake(other.get()));
      System.out.println("member " + me.member() + " pid " + ProcessHandle.current().pid());
      for (String line = IN.readLine(); line != null; line = IN.readLine()) {
        other.set(Long.parseLong(line));
        System.out.println("standing " + engine.members().standing(other.get()));
      }
    }
  }

  /// Takes and gives back a lease and then goes through everything an engine does, again and again,
  /// in one life.
  private static void lease(Path root, int worker, Path acknowledged) throws Exception {
    try (FileChannel log =
            FileChannel.open(acknowledged, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileEngine engine = FileEngine.open(root);
        Truce truce = Truce.over(engine)) {
      for (long round = 0; ; round++) {
        truce.lock("worker " + worker).lease(Duration.ofMinutes(1), Duration.ZERO).release();
        once(engine, worker, log, acknowledged, round);
      }
    }
  }

  /// Commits until told to end, once it has finished what others before it had begun.
  private static void commit(Path root, String[] arguments) throws IOException {
    List<Path> before =
        Stream.of(arguments[4].split(":", -1)).filter(log -> !log.isEmpty()).map(Path::of).toList();
    StoreClient.work(root, Path.of(arguments[2]), Long.parseLong(arguments[3]), before);
  }

  /// Holds the journal, on another boot, to what was noted down.
  private static void check(Path root, String boot, List<String> acknowledged) throws IOException {
    if (!FileEngine.verify(root).sound()) {
      throw new AssertionError(FileEngine.verify(root).toString());
    }
    try (FileEngine engine = FileEngine.open(root, new Host(Host.current().machine(), boot))) {
      for (String each : acknowledged) {
        Scribe.check(engine.journal(Scribe.NAME), journal(Path.of(each)));
      }
    }
    System.out.println("all is there");
  }

  /// Goes through everything an engine does, again and again, and writes down what it was promised.
  private static void work(Path root, int worker, Path acknowledged) throws IOException {
    try (FileChannel log =
        FileChannel.open(acknowledged, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      System.out.println("ready");
      for (long round = 0; ; round++) {
        try (FileEngine engine = FileEngine.open(root)) {
          for (int i = 0; i < 8; i++) {
            once(engine, worker, log, acknowledged, round * 8 + i);
          }
        }
        if (round == 0) {
          System.out.println("at work");
        }
      }
    }
  }

  private static void once(
      FileEngine engine, int worker, FileChannel log, Path acknowledged, long round)
      throws IOException {
    Cells cells = engine.cells();
    try (Membership _ = engine.members().join(DESCRIPTION)) {
      for (int key = 0; key < Checker.KEYS; key++) {
        for (int i = 0; i < 20; i++) {
          long count = Tally.increment(cells, Checker.key(key), worker);
          log.write(ByteBuffer.allocate(8).putLong(0, count), key * 8L);
        }
      }
    }
    cells.draw(round % 4 == 0 ? 1 << 20 : 1);
    scribble(engine, worker, acknowledged, round);
    String prefix = "once/" + worker + "/" + round + "/";
    for (int size = 1; size <= Leaf.MAX_VALUE; size *= 4) {
      for (int i = 0; i < 8; i++) {
        String key = prefix + size + "/" + i;
        cells.swap(key, cells.read(key), new byte[size]);
      }
    }
    for (String key : cells.keys(prefix)) {
      if (round % 4 != 0 || key.endsWith("/0")) {
        cells.swap(key, cells.read(key), new byte[0]);
      }
    }
  }

  private static void scribble(FileEngine engine, int worker, Path acknowledged, long round)
      throws IOException {
    String who = worker + "-" + ProcessHandle.current().pid();
    Scribe scribe = new Scribe(engine.journal(Scribe.NAME), journal(acknowledged), who);
    for (int i = 0; i < 4; i++) {
      scribe.write(round * 8 + i, 10 + i * 60_000);
    }
    if (round % 4 == 0) {
      scribe.keepHouse(round);
    }
  }

  /// Where it is noted down what the journal has promised.
  static Path journal(Path acknowledged) {
    return Path.of(acknowledged + ".journal");
  }

  /// Says where it is and waits to be told to go on, at the point that a property names.
  public static final class Hook implements Consumer<String> {
    private final String point = System.getProperty("point", "");
    private boolean waiting;

    @Override
    public synchronized void accept(String name) {
      if (!name.equals(point) || waiting) {
        return;
      }
      waiting = true;
      System.out.println("at " + name);
      try {
        IN.readLine();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      waiting = false;
    }
  }
}
