package dev.truce.benchmarks;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lmdbjava.CursorIterable;
import org.lmdbjava.Dbi;
import org.lmdbjava.DbiFlags;
import org.lmdbjava.Env;
import org.lmdbjava.KeyRange;
import org.lmdbjava.Txn;

/// Flushed at each commit; values are copied out of its memory, as the others do.
final class KeptByLmdb implements Kept {
  private static final long MOST_BYTES = 4L << 30;
  private static final int READERS = 64;
  private static final int BUFFER = 512;
  private static final String COUNTER = "counter";

  private final Env<ByteBuffer> env;
  private final Dbi<ByteBuffer> kept;
  private final Dbi<ByteBuffer> counts;
  private final ByteBuffer key = ByteBuffer.allocateDirect(BUFFER);
  private final ByteBuffer value = ByteBuffer.allocateDirect(BUFFER);
  private @Nullable Txn<ByteBuffer> now;
  private @Nullable Txn<ByteBuffer> then;

  KeptByLmdb(Path directory) {
    this.env =
        Env.create()
            .setMapSize(MOST_BYTES)
            .setMaxDbs(2)
            .setMaxReaders(READERS)
            .open(directory.toFile());
    this.kept = env.openDbi("kept", DbiFlags.MDB_CREATE);
    this.counts = env.openDbi("counts", DbiFlags.MDB_CREATE);
  }

  private ByteBuffer key(String text) {
    return key.clear().put(text.getBytes(UTF_8)).flip();
  }

  private ByteBuffer value(byte[] bytes) {
    return value.clear().put(bytes).flip();
  }

  @Override
  public void put(String key, byte[] value) {
    kept.put(key(key), value(value));
  }

  @Override
  public void count() {
    try (Txn<ByteBuffer> txn = env.txnWrite()) {
      long known = number(counts.get(txn, key(COUNTER)));
      counts.put(txn, key(COUNTER), value.clear().putLong(known + 1).flip());
      txn.commit();
    }
  }

  private static long number(@Nullable ByteBuffer found) {
    return found == null ? 0 : found.getLong(0);
  }

  @Override
  public long counted() {
    try (Txn<ByteBuffer> txn = env.txnRead()) {
      return number(counts.get(txn, key(COUNTER)));
    }
  }

  @Override
  public void putAll(List<String> keys, byte[] value) {
    try (Txn<ByteBuffer> txn = env.txnWrite()) {
      for (String key : keys) {
        kept.put(txn, key(key), value(value));
      }
      txn.commit();
    }
  }

  /// One transaction, renewed: so it reads what is there now.
  @Override
  public byte @Nullable [] get(String key) {
    Txn<ByteBuffer> txn = now;
    if (txn == null) {
      txn = env.txnRead();
      now = txn;
    } else {
      txn.renew();
    }
    try {
      return copy(kept.get(txn, key(key)));
    } finally {
      txn.reset();
    }
  }

  private static byte @Nullable [] copy(@Nullable ByteBuffer found) {
    if (found == null) {
      return null;
    }
    byte[] copy = new byte[found.remaining()];
    found.get(copy);
    return copy;
  }

  @Override
  public byte @Nullable [] getThen(String key) {
    return copy(kept.get(then(), key(key)));
  }

  private Txn<ByteBuffer> then() {
    Txn<ByteBuffer> txn = then;
    if (txn == null) {
      // One thread has one reading transaction at a time.
      close(now);
      now = null;
      txn = env.txnRead();
      then = txn;
    }
    return txn;
  }

  @Override
  public long scan(String from, int keys) {
    long bytes = 0;
    int left = keys;
    try (CursorIterable<ByteBuffer> found = kept.iterate(then(), KeyRange.atLeast(key(from)))) {
      for (CursorIterable.KeyVal<ByteBuffer> one : found) {
        if (left-- == 0) {
          break;
        }
        byte[] key = new byte[one.key().remaining()];
        one.key().get(key);
        byte[] value = new byte[one.val().remaining()];
        one.val().get(value);
        bytes += new String(key, UTF_8).length() + value.length;
      }
    }
    return bytes;
  }

  private static void close(@Nullable Txn<ByteBuffer> txn) {
    if (txn != null) {
      txn.close();
    }
  }

  @Override
  public void close() {
    close(now);
    close(then);
    env.close();
  }
}
