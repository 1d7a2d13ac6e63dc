package dev.truce.file;

import dev.truce.spi.Engine;
import dev.truce.spi.EngineProvider;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;

/// Serves `file:` URIs.
public final class FileEngineProvider implements EngineProvider {
  /// For [java.util.ServiceLoader].
  public FileEngineProvider() {}

  @Override
  public Optional<Engine> connect(URI place) {
    return "file".equals(place.getScheme())
        ? Optional.of(FileEngine.open(Path.of(place)))
        : Optional.empty();
  }
}
