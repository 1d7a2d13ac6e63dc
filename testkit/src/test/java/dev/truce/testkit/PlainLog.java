package dev.truce.testkit;

import dev.truce.spi.Storage;
import dev.truce.spi.Ticker;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;

/// A log of integers that several processes append to and that keeps what it acknowledged, or, with
/// a [Flaw], does not.
///
/// Segments `log.0`, `log.1`, ... have a magic word and then records: an integer, how many bytes of
/// padding follow, a checksum over these two, the place and the checksum before. Whoever appends
/// has byte 0 of `lock` locked, and writes again whatever he has not seen flushed himself.
final class PlainLog implements AutoCloseable {
  /// What somebody writing a log may get wrong.
  enum Flaw {
    ANSWERS_WITHOUT_FLUSH,
    ANSWERS_THOUGH_THE_FLUSH_FAILED,
    FLUSHES_AGAIN_AFTER_A_FAILED_FLUSH,
    ANSWERS_THOUGH_THE_WRITE_FAILED,
    NAMES_NEVER_SYNCED,
    NEW_NAME_BEFORE_FLUSH,
    NO_CHECKSUM,
    CHECKSUM_WITHOUT_THE_ONE_BEFORE,
    LENGTH_TRUSTED,
    BAD_RECORDS_SKIPPED,
    OPENING_BELIEVES_NAMES,
    OPENING_BELIEVES_WHAT_IS_CACHED,
    OPENING_BELIEVES_THE_NEXT_FLUSH,
    OPENING_CUTS_AND_COPIES,
    OPENING_WRITES_THE_LAST_ONE_AGAIN,
    NO_LOCK,
    TAIL_LOOKED_UP_BEFORE_LOCKING,
    LOCK_FILE_CLOSED_BY_A_LOOK,
    LOCK_STOLEN_FROM_WHO_IS_SLOW
  }

  private static final int SEGMENT_BYTES = 1536;
  private static final int MAGIC = 0x10C10C;
  private static final int HEADER = 8;
  private static final int RECORD = 16;
  private static final long PATIENCE_NANOS = 200_000_000;

  private final Storage storage;
  private final Ticker ticker;
  private final Set<Flaw> flaws;
  private final Storage.File lock;
  private final List<Integer> entries = new ArrayList<>();
  private int segment;
  private Storage.File file;
  private int tail;
  private int flushed;
  private int chain;

  private PlainLog(Storage storage, Ticker ticker, Set<Flaw> flaws) throws IOException {
    this.storage = storage;
    this.ticker = ticker;
    this.flaws = flaws;
    lock = storage.names().contains("lock") ? storage.open("lock") : storage.create("lock", 8);
    lock();
    if (!storage.names().contains("log.0")) {
      make(0);
    }
    believeNames();
    file = storage.open("log.0");
    begin();
    catchUp();
    repair();
    lock.unlock(0);
  }

  static PlainLog open(SimulatedMachine<Integer>.Worker me, Set<Flaw> flaws) throws IOException {
    return new PlainLog(me.storage(), me.ticker(), flaws);
  }

  private boolean has(Flaw flaw) {
    return flaws.contains(flaw);
  }

  private void lock() throws IOException {
    long patience = ticker.nanos() + PATIENCE_NANOS;
    while (!has(Flaw.NO_LOCK) && !lock.tryLock(0, false)) {
      if (has(Flaw.LOCK_STOLEN_FROM_WHO_IS_SLOW) && ticker.nanos() > patience) {
        return;
      }
      ticker.park(this, ticker.nanos() + 1_000_000);
    }
  }

  /// All entries; they are safe when this returns.
  List<Integer> read() throws IOException {
    lock();
    catchUp();
    vouch();
    lock.unlock(0);
    return List.copyOf(entries);
  }

  /// Appends these, all in one write.
  void append(int... more) throws IOException {
    if (has(Flaw.TAIL_LOOKED_UP_BEFORE_LOCKING)) {
      catchUp();
      lock();
    } else {
      lock();
      catchUp();
    }
    if (has(Flaw.LOCK_FILE_CLOSED_BY_A_LOOK)) {
      storage.open("lock").close();
    }
    if (tail + IntStream.of(more).map(entry -> RECORD + padding(entry)).sum() > SEGMENT_BYTES) {
      vouch();
      make(segment + 1);
      next();
    }
    int at = tail;
    ByteBuffer records = ByteBuffer.allocate(SEGMENT_BYTES);
    for (int entry : more) {
      put(records, entry);
      take(entry);
    }
    try {
      file.write(records.flip(), at);
    } catch (IOException e) {
      if (!has(Flaw.ANSWERS_THOUGH_THE_WRITE_FAILED)) {
        throw e;
      }
    }
    vouch();
    lock.unlock(0);
  }

  private static int padding(int entry) {
    return entry % 2 * 600;
  }

  private void put(ByteBuffer records, int entry) {
    records.putInt(entry).putInt(padding(entry)).putInt(check(entry, padding(entry))).putInt(MAGIC);
    for (int i = 0; i < padding(entry); i++) {
      records.put((byte) entry);
    }
  }

  private int check(int entry, int padding) {
    CRC32C crc = new CRC32C();
    int before = has(Flaw.CHECKSUM_WITHOUT_THE_ONE_BEFORE) ? 0 : chain;
    crc.update(
        ByteBuffer.allocate(16).putInt(entry).putInt(padding).putInt(tail).putInt(before).flip());
    for (int i = 0; i < padding; i++) {
      crc.update(entry);
    }
    return (int) crc.getValue();
  }

  private void take(int entry) {
    chain = check(entry, padding(entry));
    entries.add(entry);
    tail += RECORD + padding(entry);
  }

  private void make(int number) throws IOException {
    String temporary = "new." + number;
    storage.delete(temporary);
    try (Storage.File fresh = storage.create(temporary, SEGMENT_BYTES)) {
      fresh.write(ByteBuffer.allocate(4).putInt(MAGIC).flip(), 0);
      if (!has(Flaw.NEW_NAME_BEFORE_FLUSH)) {
        fresh.flush();
      }
    }
    storage.rename(temporary, "log." + number);
    if (!has(Flaw.NAMES_NEVER_SYNCED)) {
      storage.sync();
    }
  }

  private void begin() throws IOException {
    ByteBuffer magic = ByteBuffer.allocate(4);
    file.read(magic, 0);
    if (magic.getInt(0) != MAGIC) {
      throw new IOException("log." + segment + " is damaged");
    }
    tail = HEADER;
    flushed = 0;
    chain = segment;
  }

  private void next() throws IOException {
    file.close();
    segment++;
    file = storage.open("log." + segment);
    begin();
  }

  private void catchUp() throws IOException {
    for (; ; ) {
      byte[] all = new byte[SEGMENT_BYTES];
      file.read(ByteBuffer.wrap(all), 0);
      ByteBuffer records = ByteBuffer.wrap(all);
      while (takes(records)) {}
      if (!storage.names().contains("log." + (segment + 1))) {
        return;
      }
      vouch();
      believeNames();
      next();
    }
  }

  /// A name that is there may be somebody's who died before he made it safe.
  private void believeNames() throws IOException {
    if (!has(Flaw.OPENING_BELIEVES_NAMES) && !has(Flaw.NAMES_NEVER_SYNCED)) {
      storage.sync();
    }
  }

  private boolean takes(ByteBuffer records) {
    if (tail + RECORD > SEGMENT_BYTES) {
      return false;
    }
    int entry = records.getInt(tail);
    int padding = records.getInt(tail + 4);
    if (entry == 0) {
      return false;
    }
    if (!has(Flaw.LENGTH_TRUSTED) && (padding < 0 || padding > SEGMENT_BYTES - tail - RECORD)) {
      return false;
    }
    boolean whole =
        isPadded(records, entry, padding) && records.getInt(tail + 8) == check(entry, padding);
    if (whole) {
      take(entry);
    } else if (has(Flaw.NO_CHECKSUM) || has(Flaw.BAD_RECORDS_SKIPPED)) {
      tail += RECORD + padding;
      chain = records.getInt(tail - padding - RECORD + 8);
      entries.addAll(has(Flaw.NO_CHECKSUM) ? List.of(-entry) : List.of());
    }
    return whole || has(Flaw.NO_CHECKSUM) || has(Flaw.BAD_RECORDS_SKIPPED);
  }

  private boolean isPadded(ByteBuffer records, int entry, int padding) {
    ByteBuffer body = records.slice(tail + RECORD, padding);
    while (body.hasRemaining()) {
      if (body.get() != (byte) entry) {
        return false;
      }
    }
    return true;
  }

  /// Makes safe what is there. Others may have failed to, and the kernel tells that only once: so
  /// what was not seen flushed is made unsafe first, by writing it again.
  private void vouch() throws IOException {
    if (flushed == tail || has(Flaw.ANSWERS_WITHOUT_FLUSH)) {
      return;
    }
    if (!has(Flaw.OPENING_BELIEVES_THE_NEXT_FLUSH)) {
      ByteBuffer unsafe = ByteBuffer.allocate(tail - flushed);
      file.read(unsafe, flushed);
      file.write(unsafe.flip(), flushed);
    }
    try {
      file.flush();
    } catch (IOException e) {
      if (has(Flaw.FLUSHES_AGAIN_AFTER_A_FAILED_FLUSH)) {
        file.flush();
      } else if (!has(Flaw.ANSWERS_THOUGH_THE_FLUSH_FAILED)) {
        throw e;
      }
    }
    flushed = tail;
  }

  private void repair() throws IOException {
    if (has(Flaw.OPENING_BELIEVES_WHAT_IS_CACHED)) {
      flushed = tail;
    }
    vouch();
    if (has(Flaw.OPENING_CUTS_AND_COPIES)) {
      cut();
    }
    if (has(Flaw.OPENING_WRITES_THE_LAST_ONE_AGAIN) && !entries.isEmpty()) {
      int last = entries.getLast();
      append(last);
    }
  }

  private void cut() throws IOException {
    ByteBuffer all = ByteBuffer.allocate(tail);
    file.read(all, 0);
    file.close();
    storage.delete("log." + segment);
    storage.sync();
    file = storage.create("log." + segment, SEGMENT_BYTES);
    file.write(all.flip(), 0);
    file.flush();
    storage.sync();
  }

  @Override
  public void close() throws IOException {
    file.close();
    lock.close();
  }
}
