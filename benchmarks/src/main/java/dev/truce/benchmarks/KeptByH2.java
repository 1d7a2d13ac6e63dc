package dev.truce.benchmarks;

import java.nio.file.Path;
import java.util.List;
import org.h2.mvstore.Cursor;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.type.ByteArrayDataType;
import org.h2.mvstore.type.LongDataType;
import org.h2.mvstore.type.StringDataType;
import org.jspecify.annotations.Nullable;

/// Written and flushed at each commit, with the cache that it has unless told otherwise. One
/// process alone can have it open.
final class KeptByH2 implements Kept {
  private static final String COUNTER = "counter";

  private final MVStore store;
  private final MVMap<String, byte[]> kept;
  private final MVMap<String, Long> counts;

  KeptByH2(Path directory) {
    this.store =
        new MVStore.Builder()
            .fileName(directory.resolve("kept.mv").toString())
            .autoCommitDisabled()
            .open();
    this.kept =
        store.openMap(
            "kept",
            new MVMap.Builder<String, byte[]>()
                .keyType(StringDataType.INSTANCE)
                .valueType(ByteArrayDataType.INSTANCE));
    this.counts =
        store.openMap(
            "counts",
            new MVMap.Builder<String, Long>()
                .keyType(StringDataType.INSTANCE)
                .valueType(LongDataType.INSTANCE));
  }

  private void commit() {
    store.commit();
    store.sync();
  }

  @Override
  public void put(String key, byte[] value) {
    kept.put(key, value);
    commit();
  }

  @Override
  public void count() {
    counts.put(COUNTER, counted() + 1);
    commit();
  }

  @Override
  public long counted() {
    Long known = counts.get(COUNTER);
    return known == null ? 0 : known;
  }

  @Override
  public void putAll(List<String> keys, byte[] value) {
    keys.forEach(key -> kept.put(key, value));
    commit();
  }

  @Override
  public byte @Nullable [] get(String key) {
    return kept.get(key);
  }

  /// As [#get]: it is not measured otherwise.
  @Override
  public byte @Nullable [] getThen(String key) {
    return get(key);
  }

  @Override
  public long scan(String from, int keys) {
    long bytes = 0;
    Cursor<String, byte[]> cursor = kept.cursor(from);
    for (int left = keys; left > 0 && cursor.hasNext(); left--) {
      bytes += cursor.next().length() + cursor.getValue().length;
    }
    return bytes;
  }

  @Override
  public void close() {
    store.close();
  }
}
