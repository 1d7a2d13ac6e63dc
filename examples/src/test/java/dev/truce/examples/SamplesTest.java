package dev.truce.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Truce;
import dev.truce.lock.Grant;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SamplesTest {
  @TempDir Path directory;

  @Test
  void readme_showsTheSampleThatIsCompiledHere() throws IOException {
    String sample = sample("Readme").replace("directory", "Path.of(\"/tmp/app/.truce\")");
    assertThat(Files.readString(House.ROOT.resolve("README.md"))).contains(sample);
  }

  @Test
  void readme_showsHowTimeIsMovedInTests() throws Exception {
    assertThat(Files.readString(House.ROOT.resolve("README.md"))).contains(sample("TestClock"));
    assertThat(Samples.testClock()).isFalse();
  }

  @Test
  void readme_runs() throws InterruptedException {
    assertThat(Samples.readme(directory.resolve(".truce"))).isPositive();
  }

  @Test
  void tryOnce_freeLock_isHad() {
    try (Truce truce = Truce.inMemory()) {
      assertThat(Samples.tryOnce(truce)).isTrue();
    }
  }

  @Test
  void several_haveOneFence() throws InterruptedException {
    try (Truce truce = Truce.inMemory()) {
      assertThat(Samples.several(truce)).containsExactly("a", "b");
    }
  }

  @Test
  void whoHolds_heldLock_namesTheHolder() throws InterruptedException {
    try (Truce truce = Truce.inMemory()) {
      assertThat(Samples.whoHolds(truce)).isEqualTo("nobody did");
      try (Grant _ = truce.lock("index").acquire(Duration.ofSeconds(10))) {
        assertThat(Samples.whoHolds(truce)).isEqualTo(System.getProperty("user.name"));
      }
    }
  }

  /// The lines between the marks, without what they are indented by.
  private static String sample(String name) throws IOException {
    Path source = House.ROOT.resolve("examples/src/main/java/dev/truce/examples/Samples.java");
    Matcher marked =
        Pattern.compile("( *)// sample: " + name + "\n(.*?)\n *// end", Pattern.DOTALL)
            .matcher(Files.readString(source));
    assertThat(marked.find()).as("the sample " + name).isTrue();
    return marked.group(2).replaceAll("(?m)^" + marked.group(1), "");
  }
}
