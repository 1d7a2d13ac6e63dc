package dev.truce.benchmarks;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;

/// A write-ahead log, flushed at each commit; read through a mapping.
final class KeptBySqlite implements Kept {
  private static final int PATIENCE_MILLIS = 60_000;
  private static final long MAPPED_BYTES = 1L << 30;

  private final Connection connection;
  private final PreparedStatement put;
  private final PreparedStatement count;
  private final PreparedStatement get;
  private final PreparedStatement scan;

  KeptBySqlite(Path directory) throws SQLException {
    SQLiteConfig config = new SQLiteConfig();
    config.setBusyTimeout(PATIENCE_MILLIS);
    config.setJournalMode(SQLiteConfig.JournalMode.WAL);
    config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
    config.setTransactionMode(SQLiteConfig.TransactionMode.IMMEDIATE);
    config.setPragma(SQLiteConfig.Pragma.MMAP_SIZE, String.valueOf(MAPPED_BYTES));
    this.connection = config.createConnection("jdbc:sqlite:" + directory.resolve("kept.db"));
    try (Statement make = connection.createStatement()) {
      make.execute(
          "CREATE TABLE IF NOT EXISTS kept (k TEXT PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID");
      make.execute("CREATE TABLE IF NOT EXISTS counts (k INTEGER PRIMARY KEY, n INTEGER NOT NULL)");
    }
    this.put =
        connection.prepareStatement(
            "INSERT INTO kept VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v");
    this.count =
        connection.prepareStatement(
            "INSERT INTO counts VALUES (1, 1) ON CONFLICT (k) DO UPDATE SET n = n + 1");
    this.get = connection.prepareStatement("SELECT v FROM kept WHERE k = ?");
    this.scan = connection.prepareStatement("SELECT k, v FROM kept WHERE k >= ? LIMIT ?");
  }

  @Override
  public void put(String key, byte[] value) throws SQLException {
    put.setString(1, key);
    put.setBytes(2, value);
    put.executeUpdate();
  }

  @Override
  public void count() throws SQLException {
    count.executeUpdate();
  }

  @Override
  public long counted() throws SQLException {
    try (Statement ask = connection.createStatement();
        ResultSet found = ask.executeQuery("SELECT n FROM counts")) {
      return found.next() ? found.getLong(1) : 0;
    }
  }

  @Override
  public void putAll(List<String> keys, byte[] value) throws SQLException {
    connection.setAutoCommit(false);
    for (String key : keys) {
      put(key, value);
    }
    connection.commit();
    connection.setAutoCommit(true);
  }

  @Override
  public byte @Nullable [] get(String key) throws SQLException {
    get.setString(1, key);
    try (ResultSet found = get.executeQuery()) {
      return found.next() ? found.getBytes(1) : null;
    }
  }

  /// As [#get]: it is not measured otherwise.
  @Override
  public byte @Nullable [] getThen(String key) throws SQLException {
    return get(key);
  }

  @Override
  public long scan(String from, int keys) throws SQLException {
    scan.setString(1, from);
    scan.setInt(2, keys);
    long bytes = 0;
    try (ResultSet found = scan.executeQuery()) {
      while (found.next()) {
        bytes += found.getString(1).length() + found.getBytes(2).length;
      }
    }
    return bytes;
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
