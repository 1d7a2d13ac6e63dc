package dev.truce.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// The real launcher over the jars of this very build, laid out as `./truce` leaves them after its
/// first use, so that tests of `truce run` need not build once more.
final class Installed {
  private static final Path MODULE = Path.of("").toAbsolutePath();
  private static final Path CHECKOUT = MODULE.getParent().getParent();

  /// JVMs that run tests side by side have one each.
  private static final String FOLDER =
      "installed-" + System.getProperty("surefire.forkNumber", "0");

  private static final String JAVA = System.getProperty("java.home") + "/bin/java";

  /// Made once for all tests of a JVM.
  static final Path TRUCE = install();

  private Installed() {}

  private static Path install() {
    try {
      Path root = Files.createDirectories(MODULE.resolve("target").resolve(FOLDER));
      Path build = Files.createDirectories(root.resolve("build"));
      copy(CHECKOUT.resolve("truce"), root.resolve("truce"));
      for (Path script : list(CHECKOUT.resolve("build"))) {
        copy(script, build.resolve(script.getFileName()));
      }
      Path dist = Files.createDirectories(root.resolve("apps/cli/target/dist-it"));
      List<String> jars = jars(dist);
      train(dist, jars);
      Files.write(
          root.resolve("apps/cli/target/dist"), List.of("dist-it", String.join(":", jars), JAVA));
      return root.resolve("truce");
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private static List<String> jars(Path dist) throws IOException {
    List<String> jars = new ArrayList<>();
    for (Path jar : list(MODULE.resolve("target"))) {
      if (jar.getFileName().toString().matches("truce-cli-[^-]+(-SNAPSHOT)?\\.jar")) {
        copy(jar, dist.resolve("truce-cli.jar"));
        jars.add("truce-cli.jar");
      }
    }
    for (Path jar : list(MODULE.resolve("target/lib"))) {
      copy(jar, dist.resolve(jar.getFileName()));
      jars.add(jar.getFileName().toString());
    }
    return jars;
  }

  private static void train(Path dist, List<String> jars) throws IOException {
    String classPath = dist + "/" + String.join(":" + dist + "/", jars);
    Process training =
        new ProcessBuilder(
                JAVA,
                "-XX:AOTCacheOutput=" + dist.resolve("truce.aot"),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:-UsePerfData",
                "-Djdk.reflect.useNativeAccessorOnly=true",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classPath,
                "dev.truce.cli.Training")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      if (training.waitFor() != 0) {
        throw new IOException("the training run failed");
      }
    } catch (InterruptedException interrupted) {
      throw new IOException(interrupted);
    }
  }

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
  }
}
