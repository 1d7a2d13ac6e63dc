package dev.truce.examples;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/// The checkout as the tests see it that look at all rooms at once.
final class House {

  /// The folder that holds the checkout.
  static final Path ROOT = Path.of("").toAbsolutePath().getParent();

  private House() {}

  /// The folders of all modules.
  static List<Path> modules() {
    return files(ROOT, 3, path -> path.endsWith("pom.xml")).stream()
        .map(Path::getParent)
        .filter(folder -> !folder.equals(ROOT))
        .toList();
  }

  /// All files below a folder that a module has, in all modules, whose name has the given ending.
  static List<Path> filesIn(String folder, String ending) {
    return modules().stream()
        .map(module -> module.resolve(folder))
        .filter(Files::isDirectory)
        .flatMap(found ->
            files(found, Integer.MAX_VALUE, path -> path.toString().endsWith(ending)).stream())
        .toList();
  }

  private static List<Path> files(Path folder, int depth, Predicate<Path> wanted) {
    try (Stream<Path> all = Files.walk(folder, depth)) {
      return all.filter(wanted).filter(Files::isRegularFile).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
