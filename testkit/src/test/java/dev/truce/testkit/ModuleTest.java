package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/// Holds what the compiled module says of itself.
class ModuleTest {

  /// JUnit and a compiler are needed to compile the suites, not to run the checkers and the farm.
  @Test
  void needsNothingElseAtRunTime() throws IOException {
    Set<String> needs = new TreeSet<>();
    module().requires().stream()
        .filter(needed -> !needed.modifiers().contains(ModuleDescriptor.Requires.Modifier.STATIC))
        .forEach(needed -> needs.add(needed.name()));
    assertThat(needs).containsExactly("dev.truce.core", "java.base");
  }

  @Test
  void exportsNothingInternal() throws IOException {
    assertThat(module().exports())
        .noneMatch(export -> !export.isQualified() && export.source().contains("internal"));
  }

  private static ModuleDescriptor module() throws IOException {
    try (InputStream in = Files.newInputStream(Path.of("target/classes/module-info.class"))) {
      return ModuleDescriptor.read(in);
    }
  }
}
