package dev.truce.cli;

import dev.truce.EngineException;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// `truce demo [DIR]`: eight processes put the real files of a directory into one JSON index while
/// some of them are killed, first into a file without the lock, then into the store with it, judged
/// by the same checker.
final class Demo {
  private static final int PROCESSES = 8;
  private static final int KILLS = 12;

  /// Without the lock nothing needs kills to go wrong; a few show that the checker knows them.
  private static final int KILLS_WITHOUT = 4;

  /// So many files are enough to see what there is to see, and keep the demo short.
  private static final int MAX_FILES = 400;

  private static final long MAX_FILE_BYTES = 4 << 20;

  /// Folders that programs fill while the demo runs.
  private static final Set<String> PASSED_OVER = Set.of("target", "build", "node_modules");

  private final Console console;
  private final boolean json;
  private final boolean bar;
  private final Path base;
  private final long seed;

  private Demo(Options options, Console console) {
    this.console = console;
    List<String> operands = options.operands();
    if (operands.size() > 1) {
      throw Failure.usage(Verb.DEMO, "one DIR at a time");
    }
    Path dir =
        operands.isEmpty() ? home(console) : console.directory().resolve(operands.getFirst());
    if (!Files.isDirectory(dir)) {
      throw Failure.usage(Verb.DEMO, "not a directory: " + dir);
    }
    this.base = dir.toAbsolutePath().normalize();
    this.seed = options.number("seed", 0, Long.MAX_VALUE, new Random().nextInt(1_000_000));
    this.json = options.has("json");
    this.bar = !json && isTerminal(System.console());
  }

  /// There is a console only where input and output are a terminal, or a test says so.
  private static boolean isTerminal(java.io.@Nullable Console terminal) {
    return terminal != null && terminal.isTerminal();
  }

  static int run(Options options, Console console) {
    try {
      return new Demo(options, console).run();
    } catch (IOException failure) {
      throw new EngineException(
          EngineException.Kind.IO, "the demo could not go on: " + failure.getMessage(), failure);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("the demo was stopped", stopped);
    }
  }

  /// The checkout that the launcher stands in, or where the command was called.
  private static Path home(Console console) {
    String checkout = System.getProperty("truce.home");
    return checkout == null ? console.directory() : Path.of(checkout);
  }

  /// Runs it and answers with the exit status: 0 only if the lock kept every promise, and the round
  /// without it showed that the checker can fail.
  private int run() throws IOException, InterruptedException {
    long began = System.nanoTime();
    List<String> paths = choose();
    if (paths.isEmpty()) {
      throw Failure.usage(Verb.DEMO, base + " has no readable files to index: name another");
    }
    Path place = Files.createTempDirectory("truce-demo-");
    Thread cleaner = new Thread(() -> remove(place));
    Runtime.getRuntime().addShutdownHook(cleaner);
    DemoRound.Result without = round(place.resolve("without"), paths, false);
    DemoRound.Result with = round(place.resolve("with"), paths, true);
    Path sums = place.resolve("SHA256SUMS");
    Files.writeString(sums, DemoIndex.read(place.resolve("with/index.json")).sums());
    Runtime.getRuntime().removeShutdownHook(cleaner);
    remove(place.resolve("without"));
    remove(place.resolve("with/.truce"));
    long wallMillis = (System.nanoTime() - began) / 1_000_000;
    boolean well = well(paths.size(), without, with);
    console.print(
        json
            ? object(paths.size(), without, with, wallMillis, sums)
            : table(paths.size(), without, with, wallMillis, sums));
    return well ? 0 : 1;
  }

  private static boolean well(int files, DemoRound.Result without, DemoRound.Result with) {
    return with.acknowledged() == files
        && with.lost() == 0
        && with.overlaps() == 0
        && with.tornReads() == 0
        && with.orderKept()
        && with.tokensRose()
        && with.kills() >= 10
        && without.lost() > 0;
  }

  private DemoRound.Result round(Path place, List<String> paths, boolean locked)
      throws IOException, InterruptedException {
    Files.createDirectory(place);
    DemoRound.Plan plan =
        new DemoRound.Plan(
            base,
            place.resolve("index.json"),
            locked ? place.resolve(".truce") : null,
            paths,
            PROCESSES,
            locked ? KILLS : KILLS_WITHOUT,
            seed + (locked ? 1 : 0));
    String title = locked ? "lock and store" : "without       ";
    try (DemoRound round =
        new DemoRound(
            plan, jvm(), (done, kills) -> draw(title, done, paths.size(), kills, plan.kills()))) {
      return round.run();
    } finally {
      if (bar) {
        console.err().print("\r\033[K");
        console.err().flush();
      }
    }
  }

  private void draw(String title, int done, int all, int kills, int planned) {
    if (bar) {
      int full = 30 * done / all;
      console
          .err()
          .printf(
              "\r%s [%s%s] %d/%d files, %d/%d kills ",
              title, "#".repeat(full), ".".repeat(30 - full), done, all, kills, planned);
      console.err().flush();
    }
  }

  // ---- the files

  private List<String> choose() throws IOException {
    List<String> paths = new ArrayList<>();
    Files.walkFileTree(
        base,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
            return dir.equals(base) || !passedOver(dir)
                ? FileVisitResult.CONTINUE
                : FileVisitResult.SKIP_SUBTREE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (attributes.isRegularFile()
                && attributes.size() <= MAX_FILE_BYTES
                && Files.isReadable(file)) {
              paths.add(base.relativize(file).toString());
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException unreadable) {
            return FileVisitResult.CONTINUE;
          }
        });
    Collections.sort(paths);
    Collections.shuffle(paths, new Random(seed));
    return List.copyOf(paths.subList(0, Math.min(MAX_FILES, paths.size())));
  }

  private static boolean passedOver(Path dir) {
    String name = dir.getFileName().toString();
    return name.startsWith(".") || PASSED_OVER.contains(name);
  }

  /// The command that started this JVM, up to its main class.
  private static List<String> jvm() {
    ProcessHandle.Info self = ProcessHandle.current().info();
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String argument : self.arguments().orElse(new String[0])) {
      if (argument.equals(Main.class.getName())) {
        return command;
      }
      command.add(argument);
    }
    return List.of(command.getFirst(), "-cp", System.getProperty("java.class.path"));
  }

  private static void remove(Path tree) {
    if (!Files.exists(tree)) {
      return;
    }
    try {
      Files.walkFileTree(
          tree,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.deleteIfExists(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path dir, @Nullable IOException failure)
                throws IOException {
              Files.deleteIfExists(dir);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException failure) {
      System.getLogger("dev.truce.cli")
          .log(System.Logger.Level.WARNING, "could not remove " + tree, failure);
    }
  }

  // ---- what is printed

  private String table(
      int files, DemoRound.Result without, DemoRound.Result with, long wallMillis, Path sums) {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            "%d processes, %d files of %s, seed %d, %.1f s%n%n",
            PROCESSES, files, base, seed, wallMillis / 1000.0));
    text.append(String.format("%-42s %10s %10s%n", "", "without", "with both"));
    row(text, "killed while holding or waiting", without.kills(), with.kills());
    row(text, "entries acknowledged", without.acknowledged(), with.acknowledged());
    row(text, "of these in the index, and right", without.present(), with.present());
    row(text, "LOST", without.lost(), with.lost());
    row(text, "holds that overlapped", without.overlaps(), with.overlaps());
    row(text, "torn reads", without.tornReads(), with.tornReads());
    text.append(
        String.format(
            "%-42s %10s %10s%n", "grants in the order of arrival", "-", yes(with.orderKept())));
    text.append(
        String.format("%-42s %10s %10s%n%n", "tokens only rose", "-", yes(with.tokensRose())));
    text.append("check it:  ").append(check(sums));
    return text.toString();
  }

  private static void row(StringBuilder text, String what, int without, int with) {
    text.append(String.format("%-42s %10d %10d%n", what, without, with));
  }

  private static String yes(boolean value) {
    return value ? "yes" : "NO";
  }

  private String check(Path sums) {
    return "(cd " + quote(base) + " && sha256sum --quiet -c " + quote(sums) + ")";
  }

  private static String quote(Path path) {
    return "'" + path.toString().replace("'", "'\\''") + "'";
  }

  private String object(
      int files, DemoRound.Result without, DemoRound.Result with, long wallMillis, Path sums) {
    return Json.object()
        .put("schema", "truce.demo/1")
        .put("processes", PROCESSES)
        .put("kills", with.kills())
        .put("files", files)
        .put("acknowledged", with.acknowledged())
        .put("present", with.present())
        .put("lost", with.lost())
        .put("overlaps", with.overlaps())
        .put("order_kept", with.orderKept())
        .put("tokens_rose", with.tokensRose())
        .put("torn_reads", with.tornReads())
        .put("wall_ms", wallMillis)
        .put("seed", seed)
        .put("check", check(sums))
        .put(
            "control",
            Json.object()
                .put("acknowledged", without.acknowledged())
                .put("present", without.present())
                .put("lost", without.lost())
                .put("overlaps", without.overlaps()))
        .toString();
  }
}
