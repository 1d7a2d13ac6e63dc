package dev.truce.store;

import dev.truce.Owner;
import dev.truce.spi.Engine;
import java.time.InstantSource;
import java.util.UUID;
import java.util.function.Supplier;

/// Stores that take a checkpoint after every few commits, at once.
public final class EagerStores {
  /// Records of a commit or two stay, and as many make a step.
  private static final Retention.Sizes SIZES = new Retention.Sizes(200, 300, 400, 1);

  private EagerStores() {}

  public static Stores over(Engine engine, Owner writer, Supplier<UUID> ids, InstantSource clock) {
    return Stores.over(engine, writer, _ -> {}, ids, clock, Runnable::run, 1, null, SIZES);
  }
}
