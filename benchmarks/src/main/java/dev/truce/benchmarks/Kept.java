package dev.truce.benchmarks;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/// Values by key in a directory, as one process has them open: what Truce does, and its peers.
///
/// What is written is on the device when the call comes back. One thread at a time.
interface Kept extends AutoCloseable {
  int VALUE_BYTES = 100;

  /// What has one digit more than any number of a key.
  long BEYOND = 10_000_000_000L;

  /// Of all kinds: Truce, and those that it is measured beside.
  enum Kind {
    TRUCE("Truce"),
    SQLITE("SQLite"),
    LMDB("LMDB"),
    H2("H2 MVStore");

    private final String shown;

    Kind(String shown) {
      this.shown = shown;
    }

    String shown() {
      return shown;
    }

    /// Whether several processes can have it open.
    boolean isShared() {
      return this != H2;
    }

    /// As workers are told of it.
    String word() {
      return name().toLowerCase(Locale.ROOT);
    }

    static Kind of(String word) {
      return valueOf(word.toUpperCase(Locale.ROOT));
    }

    /// Where it is in the directory of its row.
    Path in(Path directory) {
      return directory.resolve(word());
    }
  }

  static Kept open(Kind kind, Path directory) throws Exception {
    Path own = Files.createDirectories(kind.in(directory));
    return switch (kind) {
      case TRUCE -> new KeptByTruce(own);
      case SQLITE -> new KeptBySqlite(own);
      case LMDB -> new KeptByLmdb(own);
      case H2 -> new KeptByH2(own);
    };
  }

  /// One commit.
  void put(String key, byte[] value) throws Exception;

  /// Adds one to a number that others add to as well: one commit.
  void count() throws Exception;

  long counted() throws Exception;

  /// Puts all of these in one commit.
  void putAll(List<String> keys, byte[] value) throws Exception;

  /// The value now.
  byte @Nullable [] get(String key) throws Exception;

  /// The value in the moment at which this was asked for the first time.
  byte @Nullable [] getThen(String key) throws Exception;

  /// Goes through so many keys from this one on; answers how many bytes keys and values had.
  long scan(String from, int keys) throws Exception;

  @Override
  void close() throws SQLException;

  // ---- what is kept

  /// In their order.
  static String key(int number) {
    return "artifact/" + String.valueOf(BEYOND + number).substring(1);
  }

  static byte[] value() {
    byte[] value = new byte[VALUE_BYTES];
    ThreadLocalRandom.current().nextBytes(value);
    return value;
  }
}
