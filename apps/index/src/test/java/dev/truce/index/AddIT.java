package dev.truce.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.FencedException;
import dev.truce.Truce;
import dev.truce.lock.Lease;
import dev.truce.store.Feed;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Writers that are killed or stopped while they write, and what becomes of their files.
class AddIT {
  private static final int FILES = 1_500;
  private static final int WRITERS = 4;
  private static final Duration NEVER = Duration.ofDays(1);

  /// As long as anything may take that works at all.
  private static final long LIVENESS_SECONDS = 60;

  @TempDir private Path temp;
  private final ByteArrayOutputStream notes = new ByteArrayOutputStream();
  private Tree tree;

  @BeforeEach
  void makeFiles() throws IOException {
    for (int i = 0; i < FILES; i++) {
      Path folder = Files.createDirectories(temp.resolve("files/" + i % 10));
      Files.writeString(folder.resolve("file-" + i), "content " + i);
    }
    tree = Tree.of(temp.resolve(".truce"), "");
  }

  @Test
  void twoOfFourWritersKilled_everyFileIsInTheIndexAsItIs() throws Exception {
    try (Truce truce = Truce.open(tree.root())) {
      Catalog catalog = new Catalog(truce, tree);
      CompletableFuture<Add.Result> result = adding(NEVER);
      await("the first are in the index", () -> count(catalog) > 0);
      List<ProcessHandle> writers = writersOf(ProcessHandle.current());
      writers.get(0).destroyForcibly();
      writers.get(1).destroyForcibly();

      Add.Result added = result.get(LIVENESS_SECONDS, TimeUnit.SECONDS);

      assertThat(added.ended()).isEqualTo(2);
      assertThat(added.written() + added.same()).isEqualTo(FILES);
      assertThat(added.refused()).isEmpty();
      assertThat(added.unread()).isEmpty();
      assertThat(notes.toString(StandardCharsets.UTF_8).lines())
          .hasSize(2)
          .allMatch(line -> line.matches("truce: writer \\d+ ended before its work did.*"));
      assertThat(count(catalog)).isEqualTo(FILES);
    }
    assertThat(Called.in(temp, "verify", "files").status()).isZero();
    await("no writer is left", () -> writersOf(ProcessHandle.current()).isEmpty());
  }

  @Test
  void aWriterThatIsStopped_holdsNobodyUp() throws Exception {
    try (Truce truce = Truce.open(tree.root())) {
      Catalog catalog = new Catalog(truce, tree);
      CompletableFuture<Add.Result> result = adding(Duration.ofMillis(300));
      await("the first are in the index", () -> count(catalog) > 0);
      signal("STOP", writersOf(ProcessHandle.current()).getFirst());

      Add.Result added = result.get(LIVENESS_SECONDS, TimeUnit.SECONDS);

      assertThat(added.ended()).isZero();
      assertThat(added.written() + added.same()).isEqualTo(FILES);
      assertThat(count(catalog)).isEqualTo(FILES);
    }
    assertThat(Called.in(temp, "verify", "files").status()).isZero();
  }

  @Test
  void theCommandKilledWithItsWriters_andRunAgain_goesOnWhereItWas() throws Exception {
    Process command =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Called.class.getName(),
                temp.toString(),
                "add",
                "files")
            .redirectErrorStream(true)
            .redirectOutput(temp.resolve("said").toFile())
            .start();
    try (Truce truce = Truce.open(tree.root())) {
      Catalog catalog = new Catalog(truce, tree);
      await("the first are in the index", () -> count(catalog) > 0);
      List<ProcessHandle> writers = writersOf(command.toHandle());
      command.destroyForcibly();
      writers.getFirst().destroyForcibly();
      await("no writer is left", () -> writers.stream().noneMatch(ProcessHandle::isAlive));
      List<Artifact> kept = catalog.all("").artifacts();
      assertThat(kept).isNotEmpty();

      Called again = Called.in(temp, "add", "--json", "files");

      assertThat(again.status()).as(again.toString()).isZero();
      assertThat(again.out()).contains("\"entries\":" + FILES + ",");
      assertThat(again.out())
          .contains("\"written\":" + (FILES - kept.size()) + ",\"same\":" + kept.size() + ",");
      assertThat(catalog.all("").artifacts()).containsAll(kept);
    }
    assertThat(Called.in(temp, "verify", "files").status()).isZero();
  }

  /// What runs under a lock writes nothing once that is lost, whichever of its processes it is.
  @Test
  void underALockThatWasLost_nothingIsWritten() throws Exception {
    try (Truce truce = Truce.open(tree.root())) {
      Lease lease = truce.lock("build").lease(Duration.ofMinutes(5), Duration.ZERO);
      String held = "@" + lease.fence().tokens().get("build") + ":build";
      assertThat(Called.in(temp, "add", held, "--owner=ci", "files/0").status()).isZero();
      Feed.Changes<byte[]> first = truce.store("index").log(0, 1).getFirst();
      assertThat(first.commit().fence()).contains(lease.fence());
      assertThat(first.commit().writer().name()).isEqualTo("ci");
      lease.release();

      assertThatThrownBy(() -> Called.in(temp, "add", held, "files/1"))
          .isInstanceOf(FencedException.class)
          .hasMessageContaining("of build is not current")
          .hasMessageEndingWith("; what is indexed stays so");
      assertThatThrownBy(() -> Called.in(temp, "rm", held, "files__0__file-0"))
          .isInstanceOf(FencedException.class);
      assertThat(count(new Catalog(truce, tree))).isEqualTo(FILES / 10);
    }
  }

  @Test
  void rebuild_takesUpChangesAndForgetsWhatIsGone() throws Exception {
    Called.in(temp, "add", "--writers=1", "files/0");
    Files.writeString(temp.resolve("files/0/file-0"), "other content");
    Files.delete(temp.resolve("files/0/file-10"));

    assertThat(Called.in(temp, "add", "--writers=1", "files/0").status()).isEqualTo(76);
    Called rebuilt = Called.in(temp, "rebuild", "--writers=1", "files/0");

    assertThat(rebuilt.status()).isZero();
    assertThat(rebuilt.out())
        .startsWith("removed files__0__file-10/1.0.0\n149 files: 1 written, 148 as they were, ");
    assertThat(Called.in(temp, "verify", "files/0").status()).isZero();
  }

  @Test
  void backfilled_isWhatAnAddSays_andSaysItAgain() throws Exception {
    Called first = Called.in(temp, "backfill", "--writers=1", "files/1");
    assertThat(first.err()).isEqualTo("truce: 150 sidecars made\n");
    assertThat(first.out()).startsWith("150 files: 150 written, 0 as they were");
    assertThat(temp.resolve("files/1/file-1.sidecar.json"))
        .content()
        .contains("\"version\" : \"1.0.0\"");

    Called second = Called.in(temp, "backfill", "--writers=1", "files/1");
    assertThat(second.err()).isEqualTo("truce: 0 sidecars made\n");
    assertThat(second.out()).startsWith("150 files: 0 written, 150 as they were");
  }

  @Test
  void anEditedFile_whoseSidecarNamesAHigherVersion_isThatVersion() throws Exception {
    put("bf/x.py", "one");
    Called.in(temp, "backfill", "--writers=1", "bf");
    put("bf/x.py", "two");

    Called refused = Called.in(temp, "add", "--writers=1", "bf");
    assertThat(refused.status()).isEqualTo(76);
    assertThat(refused.out())
        .startsWith(
            "refused bf/x.py: bf__x.py 1.0.0 was edited since its sidecar was written: put a version"
                + " above 1.0.0 into bf/x.py.sidecar.json, or take it as it is with add --replace\n"
                + "1 files: 0 written, 0 as they were; ");
    Path sidecar = temp.resolve("bf/x.py" + Tree.SIDECAR);
    put("bf/x.py" + Tree.SIDECAR, Files.readString(sidecar).replace("1.0.0", "1.1.0"));

    Called taken = Called.in(temp, "add", "--writers=1", "bf");
    assertThat(taken.status()).isZero();
    assertThat(taken.out()).startsWith("1 files: 1 written, 0 as they were; the index has 2 ");
    assertThat(sidecar).content().contains("\"" + sum("bf/x.py") + "\"", "\"1.1.0\"");
    Called again = Called.in(temp, "add", "--writers=1", "bf");
    assertThat(again.status()).isZero();
    assertThat(again.out()).startsWith("1 files: 0 written, 1 as they were; the index has 2 ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"add --replace", "rebuild"})
  void anEditedFile_takenAsItIs_hasItsSidecarSaySo(String call) throws Exception {
    put("bf/x.py", "one");
    Called.in(temp, "backfill", "--writers=1", "bf");
    put("bf/x.py", "two");

    Called taken = Called.in(temp, (call + " --writers=1 bf").split(" "));
    assertThat(taken.status()).isZero();
    assertThat(taken.out()).startsWith("1 files: 1 written, 0 as they were; the index has 1 ");
    assertThat(temp.resolve("bf/x.py" + Tree.SIDECAR))
        .content()
        .contains("\"" + sum("bf/x.py") + "\"", "\"1.0.0\"");
    assertThat(Called.in(temp, "add", "--writers=1", "bf").status()).isZero();
  }

  /// As a writer leaves it that is killed behind its commit.
  @Test
  void aSidecarThatIsBehindTheIndex_isBroughtUpToDate() throws Exception {
    put("bf/x.py", "one");
    Called.in(temp, "backfill", "--writers=1", "bf");
    String one = Files.readString(temp.resolve("bf/x.py" + Tree.SIDECAR));
    put("bf/x.py", "two");
    Called.in(temp, "rebuild", "--writers=1", "bf");
    put("bf/x.py" + Tree.SIDECAR, one);

    Called added = Called.in(temp, "add", "--writers=1", "bf");

    assertThat(added.status()).isZero();
    assertThat(added.out()).startsWith("1 files: 0 written, 1 as they were; ");
    assertThat(temp.resolve("bf/x.py" + Tree.SIDECAR)).content().contains(sum("bf/x.py"));
  }

  @Test
  void aVersionWhoseFileIsANewerOneNow_isSuperseded_andKeptUntilTheFileIsGone() throws Exception {
    put("d1/x.md", "one");
    put("d1/x.md" + Tree.SIDECAR, sidecar("X1", "1.0.0"));
    Called.in(temp, "add", "--writers=1", "d1");
    put("d1/x.md", "two");
    put("d1/x.md" + Tree.SIDECAR, sidecar("X1", "1.1.0"));
    Called.in(temp, "add", "--writers=1", "d1");

    assertThat(Called.in(temp, "verify", "d1"))
        .isEqualTo(
            new Called(
                0,
                """
                superseded X1/1.0.0
                2 entries, 2 with a file: 1 superseded, the others as the index says, revision 2
                """,
                ""));
    assertThat(Called.in(temp, "verify", "--json").out())
        .contains("\"clean\":true", "\"superseded\":[\"X1/1.0.0\"]");
    Called rebuilt = Called.in(temp, "rebuild", "--writers=1", "d1");
    assertThat(rebuilt.status()).isZero();
    assertThat(rebuilt.out()).startsWith("1 files: 0 written, 1 as they were; the index has 2 ");

    put("d1/x.md", "three");
    assertThat(Called.in(temp, "verify").out())
        .isEqualTo(
            """
            changed d1/x.md
            superseded X1/1.0.0
            2 entries, 2 with a file: 1 superseded, 1 differ, revision 2
            """);
    Files.delete(temp.resolve("d1/x.md"));
    assertThat(Called.in(temp, "verify").out())
        .isEqualTo("missing d1/x.md\n2 entries, 2 with a file: 1 differ, revision 2\n");
    assertThat(Called.in(temp, "rebuild", "--writers=1", "d1").out())
        .startsWith("removed X1/1.0.0\nremoved X1/1.1.0\n0 files: ");
  }

  @Test
  void aVersionWhoseFileIsAnOlderOneOrAnotherArtifactNow_isForgottenByARebuild() throws Exception {
    put("d1/x.md", "x");
    put("d1/y.md", "y");
    put("d1/x.md" + Tree.SIDECAR, sidecar("X1", "1.1.0"));
    put("d1/y.md" + Tree.SIDECAR, sidecar("Y1", "1.0.0"));
    Called.in(temp, "add", "--writers=1", "d1");
    put("d1/x.md", "one");
    put("d1/x.md" + Tree.SIDECAR, sidecar("X1", "1.0.0"));
    put("d1/y.md" + Tree.SIDECAR, sidecar("Y2", "2.0.0"));

    assertThat(Called.in(temp, "rebuild", "--writers=1", "d1").out())
        .startsWith("removed X1/1.1.0\nremoved Y1/1.0.0\n2 files: 2 written, ");
    assertThat(Called.in(temp, "verify", "d1").out())
        .startsWith("2 entries, 2 with a file: all as the index says, ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"add", "rebuild", "backfill"})
  void aSidecarThatBreaksTheSchema_is64WithTheField_andKeepsNobodyElseOut(String verb)
      throws Exception {
    put("files/2/bad", "");
    put("files/2/bad" + Tree.SIDECAR, sidecar("Bad", "1.0.0").replace("1.0.0", "1.0"));

    Called added = Called.in(temp, verb, "--writers=1", "files/2");

    assertThat(added.status()).isEqualTo(64);
    assertThat(added.out())
        .startsWith(
            "invalid files/2/bad: files/2/bad.sidecar.json: version: \"1.0\" is no version as"
                + " 1.2.3 or 1.2.3-rc.1\n151 files: 150 written, ");
    assertThat(Called.in(temp, verb, "--writers=1", "--json", "files/2").out())
        .contains("\"refused\":[],\"invalid\":{\"files/2/bad\":\"files/2/bad.sidecar.json: ver");
  }

  @Test
  void aFileWhosePathMakesNoId_is64_andHasNoSidecarMade() throws Exception {
    String deep = String.join("/", Collections.nCopies(3, "_".repeat(240)));
    put("bf/" + deep, "");
    put("bf/x.py", "one");

    Called added = Called.in(temp, "backfill", "--writers=1", "bf");

    assertThat(added.status()).isEqualTo(64);
    assertThat(added.err()).isEqualTo("truce: 1 sidecars made\n");
    assertThat(added.out())
        .startsWith("invalid bf/" + deep + ": id: \"bf___5f_5f")
        .contains("\n2 files: 1 written, 0 as they were; ");
  }

  /// What has to be mended by hand comes first.
  @Test
  void aSidecarThatIsNone_besideOtherContent_is64() throws Exception {
    put("bf/x.py", "one");
    Called.in(temp, "add", "--writers=1", "bf");
    put("bf/x.py", "two");
    put("bf/bad", "");
    put("bf/bad" + Tree.SIDECAR, "{");

    Called added = Called.in(temp, "add", "--writers=1", "bf");

    assertThat(added.status()).isEqualTo(64);
    assertThat(added.out())
        .contains("refused bf/x.py: bf__x.py 1.0.0 is in the index with other content")
        .contains("invalid bf/bad: bf/bad.sidecar.json is no JSON: ");
  }

  // ---- helpers

  private CompletableFuture<Add.Result> adding(Duration patience) throws IOException {
    List<String> files = List.copyOf(tree.find(List.of(temp.resolve("files"))).files());
    Add.Plan plan =
        new Add.Plan(
            tree.root(), tree.framework(), "ci", List.of(), files, false, WRITERS, patience);
    PrintStream err = new PrintStream(notes, true, StandardCharsets.UTF_8);
    CompletableFuture<Add.Result> result = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try (Add add = new Add(plan, Progress.of(err, true, "", 0), err)) {
            result.complete(add.run());
          } catch (IOException | InterruptedException | RuntimeException failure) {
            result.completeExceptionally(failure);
          }
        });
    return result;
  }

  private void put(String path, String content) throws IOException {
    Path file = temp.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
  }

  private static String sidecar(String id, String version) {
    return Json.MAPPER.writeValueAsString(Artifacts.of(id, version, null));
  }

  private String sum(String path) throws IOException {
    return Tree.Content.of(temp.resolve(path)).sha256();
  }

  private static int count(Catalog catalog) {
    return catalog.all("").artifacts().size();
  }

  private static List<ProcessHandle> writersOf(ProcessHandle parent) {
    List<ProcessHandle> writers = new ArrayList<>();
    parent
        .children()
        .filter(child ->
            Stream.of(child.info().arguments().orElse(new String[0]))
                .anyMatch(Writer.class.getName()::equals))
        .forEach(writers::add);
    return writers;
  }

  private static void signal(String name, ProcessHandle process) throws Exception {
    new ProcessBuilder("kill", "-s", name, Long.toString(process.pid())).start().waitFor();
  }

  private static void await(String what, Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIVENESS_SECONDS);
    while (!condition.call()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("never came true: " + what);
      }
      TimeUnit.MILLISECONDS.sleep(2);
    }
  }
}
