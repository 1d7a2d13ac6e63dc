package dev.truce.spi;

import java.net.URI;
import java.util.Optional;

/// How `Truce.open` and `Truce.connect` find engines: a service, looked up with
/// [java.util.ServiceLoader].
public interface EngineProvider {
  /// The engine at `place`, or empty when this provider does not serve its scheme. A path is a
  /// `file:` URI.
  ///
  /// @throws dev.truce.EngineException if it is this provider's scheme and the place cannot be used
  Optional<Engine> connect(URI place);
}
