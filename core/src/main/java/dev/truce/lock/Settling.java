package dev.truce.lock;

import dev.truce.EngineException;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import java.time.Duration;

/// Waiting until what was appended to a journal is safe.
final class Settling {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private Settling() {}

  /// An interrupt is left for later: what was appended has to be safe before anything goes on.
  static void await(Engine engine, Journal journal, long position) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          if (journal.awaitDurable(position, PATIENCE)) {
            return;
          }
          throw new EngineException(
              EngineException.Kind.UNREACHABLE,
              engine.place()
                  + " did not make a record durable within "
                  + PATIENCE.toSeconds()
                  + "s");
        } catch (InterruptedException later) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
