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

  @Test
  void needsNothingElse() throws IOException {
    Set<String> needs = new TreeSet<>();
    module().requires().forEach(needed -> needs.add(needed.name()));
    needs.removeAll(Set.of("org.jspecify", "java.base"));
    assertThat(needs).isSubsetOf("dev.truce.core");
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
