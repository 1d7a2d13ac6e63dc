package dev.truce.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `./truce` in a fresh copy of this checkout, as somebody meets it who has just cloned it.
class LauncherIT {

  private static final Path CHECKOUT = Path.of("").toAbsolutePath().getParent().getParent();
  private static final Set<String> NOT_COPIED = Set.of("target", ".git", ".truce");

  @TempDir private Path temp;

  @Test
  void firstUseBuildsOnce_andAnEditRunsNewCode() throws Exception {
    Path copy = copyOfTheCheckout();
    Path truce = copy.resolve("truce");
    String version = "truce " + System.getProperty("truce.version") + "\n";

    // Three first uses at once: one builds, the others wait for it.
    List<Call> first =
        List.of(call(truce, "--version"), call(truce, "--version"), call(truce, "--version"));
    List<Result> results = new ArrayList<>();
    for (Call call : first) {
      results.add(call.result());
    }
    assertThat(results).allSatisfy(result -> assertThat(result.out()).isEqualTo(version));
    assertThat(results).allSatisfy(result -> assertThat(result.status()).isEqualTo(0));
    assertThat(results).filteredOn(result -> result.err().contains("building")).hasSize(1);

    // Built: not a word more than what was asked for, through a symbolic link too.
    Path link = Files.createSymbolicLink(temp.resolve("linked"), truce);
    assertThat(call(link, "--version").result()).isEqualTo(new Result(0, version, ""));

    // The manual page lies beside it.
    assertThat(Files.readString(dist(copy).resolve("truce.1"))).startsWith(".TH TRUCE 1 ");

    // The AOT cache is a help, not a need.
    Path cache = dist(copy).resolve("truce.aot");
    assertThat(cache).isNotEmptyFile();
    Files.move(cache, temp.resolve("kept"));
    assertThat(call(truce, "--version").result()).isEqualTo(new Result(0, version, ""));
    Files.move(temp.resolve("kept"), cache);

    // New sources run, not what an older AOT cache remembers of them.
    Path before = dist(copy);
    Path source = copy.resolve("apps/cli/src/main/java/dev/truce/cli/Version.java");
    Files.writeString(source, Files.readString(source).replaceAll("\".*\"", "\"edited\""));
    Result edited = call(truce, "--build", "--version").result();
    assertThat(edited).isEqualTo(new Result(0, "truce edited\n", "truce: building...\n"));
    assertThat(dist(copy)).isNotEqualTo(before);
    assertThat(call(truce, "--version").result()).isEqualTo(new Result(0, "truce edited\n", ""));
  }

  private static Path dist(Path copy) throws IOException {
    Path target = copy.resolve("apps/cli/target");
    return target.resolve(Files.readAllLines(target.resolve("dist")).getFirst());
  }

  private Call call(Path truce, String... args) throws IOException {
    List<String> command = new ArrayList<>(List.of(truce.toString()));
    command.addAll(Arrays.asList(args));
    Path out = Files.createTempFile(temp, "out", "");
    Path err = Files.createTempFile(temp, "err", "");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(temp.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    // All that is needed is in the repository of the build that runs this.
    builder
        .environment()
        .put("MAVEN_ARGS", "-o -Dmaven.repo.local=" + System.getProperty("truce.repository"));
    return new Call(builder.start(), out, err);
  }

  private Path copyOfTheCheckout() throws IOException {
    Path copy = temp.resolve("checkout");
    Files.walkFileTree(
        CHECKOUT,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes)
              throws IOException {
            if (NOT_COPIED.contains(folder.getFileName().toString())) {
              return FileVisitResult.SKIP_SUBTREE;
            }
            Files.createDirectories(copy.resolve(CHECKOUT.relativize(folder)));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.copy(file, copy.resolve(CHECKOUT.relativize(file)));
            return FileVisitResult.CONTINUE;
          }
        });
    return copy;
  }

  private record Call(Process process, Path out, Path err) {

    Result result() throws IOException, InterruptedException {
      int status = process.waitFor();
      return new Result(status, Files.readString(out, UTF_8), Files.readString(err, UTF_8));
    }
  }

  private record Result(int status, String out, String err) {}
}
