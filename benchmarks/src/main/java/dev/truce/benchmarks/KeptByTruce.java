package dev.truce.benchmarks;

import dev.truce.Truce;
import dev.truce.store.Codec;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

final class KeptByTruce implements Kept {
  private static final String COUNTER = "counter";

  private final Truce truce;
  private final Store<byte[]> store;
  private final Store<Long> counts;
  private @Nullable Snapshot<byte[]> then;

  KeptByTruce(Path directory) {
    this.truce = Truce.open(directory);
    this.store = truce.store("kept", Codec.bytes());
    this.counts = truce.store("counts", Codec.longs());
  }

  @Override
  public void put(String key, byte[] value) {
    store.put(key, value);
  }

  @Override
  public void count() {
    counts.update(COUNTER, known -> known.orElse(0L) + 1);
  }

  @Override
  public long counted() {
    return counts.get(COUNTER).orElse(0L);
  }

  @Override
  public void putAll(List<String> keys, byte[] value) {
    store.commit(draft -> keys.forEach(key -> draft.put(key, value)));
  }

  @Override
  public byte @Nullable [] get(String key) {
    return store.get(key).orElse(null);
  }

  @Override
  public byte @Nullable [] getThen(String key) {
    return then().get(key).orElse(null);
  }

  private Snapshot<byte[]> then() {
    Snapshot<byte[]> known = then;
    if (known == null) {
      known = store.snapshot();
      then = known;
    }
    return known;
  }

  @Override
  public long scan(String from, int keys) {
    return then()
        .range(from, "b")
        .limit(keys)
        .mapToLong(entry -> entry.key().length() + entry.value().length)
        .sum();
  }

  @Override
  public void close() {
    if (then != null) {
      then.close();
    }
    truce.close();
  }
}
