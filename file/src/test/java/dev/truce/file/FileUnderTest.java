package dev.truce.file;

import dev.truce.spi.Engine;
import dev.truce.testkit.EngineUnderTest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// A directory of its own. Handles of one JVM stand for processes; real ones die in the tests whose
/// names end in IT.
final class FileUnderTest implements EngineUnderTest {
  private final Path parent;
  private final List<Engine> handles = new ArrayList<>();

  FileUnderTest() {
    try {
      parent = Files.createTempDirectory("truce-contract");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path root() {
    return parent.resolve("root");
  }

  @Override
  public synchronized Engine open() {
    Engine handle = FileEngine.open(root());
    handles.add(handle);
    return handle;
  }

  @Override
  public void kill(Engine handle) {
    handle.close();
  }

  /// The kernel proves deaths, so nothing here waits for time to pass.
  @Override
  public void pass(Duration time) {}

  @Override
  public Duration term() {
    return Duration.ZERO;
  }

  @Override
  public synchronized void close() {
    handles.forEach(Engine::close);
    try (var files = Files.list(root())) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(root());
      Files.delete(parent);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
