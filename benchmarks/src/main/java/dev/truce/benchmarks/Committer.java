package dev.truce.benchmarks;

import dev.truce.file.FileEngine;
import dev.truce.spi.Journal;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// One of several processes that commit records of 256 bytes. It does what it is told, line by
/// line:
///
/// | line | what it does | answer |
/// |---|---|---|
/// | `journal START END` | appends to one journal, each record durable before the next | `done COUNT` |
/// | `append START END` | appends to one journal and waits for no disk | `done COUNT` |
/// | `raw START END` | writes into a file of its own, written before, `fdatasync` after each | `done COUNT` |
/// | `apart START END` | the same in one file for all, under a lock: a flush for each commit | `done COUNT` |
/// | `fill BYTES` | appends so many bytes | `done COUNT` |
/// | `open` | opens a journal that has no control file, and looks at its end | `done NANOS` |
final class Committer {
  static final int RECORD_BYTES = 256;

  private static final String JOURNAL = "bench";
  private static final Duration WAIT = Duration.ofMinutes(1);
  private static final long FILE_BYTES = 4 << 20;
  private static final int UNITS = 256;

  private final Path place;
  private @Nullable Journal journal;

  private Committer(Path place) {
    this.place = place;
  }

  /// Argument: the place.
  public static void main(String[] args) throws Exception {
    Committer committer = new Committer(Path.of(args[0]));
    try (BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      say("ready");
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        say("done " + committer.obey(line.split(" ", -1)));
      }
    }
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  private long obey(String[] words) throws Exception {
    return switch (words[0]) {
      case "journal" -> journal(words, true);
      case "append" -> journal(words, false);
      case "raw" -> raw(words);
      case "apart" -> apart(words);
      case "fill" -> fill(Long.parseLong(words[1]));
      case "open" -> open();
      default -> throw new IllegalArgumentException(words[0]);
    };
  }

  private static Unit unit() {
    byte[] record = new byte[RECORD_BYTES];
    ThreadLocalRandom.current().nextBytes(record);
    UUID id =
        new UUID(ThreadLocalRandom.current().nextLong(), ThreadLocalRandom.current().nextLong());
    return new Unit(id, null, tail -> Optional.of(record));
  }

  private static void awaitStart(String[] words) {
    long start = Long.parseLong(words[1]);
    for (long left = start - System.nanoTime(); left > 0; left = start - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  /// What is done once.
  private interface Commit {
    void make() throws Exception;
  }

  private static long repeat(String[] words, Commit commit) throws Exception {
    awaitStart(words);
    long end = Long.parseLong(words[2]);
    long count = 0;
    // Once at least: one that is told late begins behind the end.
    do {
      commit.make();
      count++;
    } while (System.nanoTime() < end);
    return count;
  }

  private long journal(String[] words, boolean durable) throws Exception {
    Journal to = journal();
    return repeat(words, () -> commit(to, durable));
  }

  /// Stays open, as that of a service does.
  private Journal journal() {
    Journal known = journal;
    if (known == null) {
      known = FileEngine.open(Workshop.root(place)).journal(JOURNAL);
      journal = known;
    }
    return known;
  }

  private static void commit(Journal journal, boolean durable) throws Exception {
    if (!(journal.append(List.of(unit())).getFirst() instanceof Result.Appended(long position))
        || (durable && !journal.awaitDurable(position, WAIT))) {
      throw new IOException("a commit was not made");
    }
  }

  private long raw(String[] words) throws Exception {
    Path file = place.resolve("raw-" + ProcessHandle.current().pid());
    try (FileChannel channel = written(file)) {
      ByteBuffer record = ByteBuffer.allocate(RECORD_BYTES);
      long[] at = {0};
      return repeat(
          words,
          () -> {
            at[0] = (at[0] + RECORD_BYTES) % FILE_BYTES;
            channel.write(record.clear(), at[0]);
            channel.force(false);
          });
    }
  }

  private long apart(String[] words) throws Exception {
    SharedPage page = SharedPage.open(place);
    try (FileChannel channel = written(place.resolve("apart"));
        FileChannel locks = FileChannel.open(Workshop.lockFile(place), StandardOpenOption.WRITE)) {
      ByteBuffer record = ByteBuffer.allocate(RECORD_BYTES);
      return repeat(
          words,
          () -> {
            try (FileLock _ = locks.lock()) {
              page.count();
              channel.write(record.clear(), page.counter() * RECORD_BYTES % FILE_BYTES);
              channel.force(false);
            }
          });
    }
  }

  /// A file of which no block is allocated later.
  private static FileChannel written(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    for (long at = channel.size(); at < FILE_BYTES; at = channel.size()) {
      channel.write(ByteBuffer.allocate(1 << 16), at);
    }
    channel.force(true);
    return channel;
  }

  private long fill(long bytes) throws Exception {
    try (FileEngine engine = FileEngine.open(filled())) {
      Journal journal = engine.journal(JOURNAL);
      long records = bytes / RECORD_BYTES;
      long last = 0;
      for (long done = 0; done < records; done += UNITS) {
        List<Unit> units = java.util.stream.Stream.generate(Committer::unit).limit(UNITS).toList();
        if (journal.append(units).getLast() instanceof Result.Appended(long position)) {
          last = position;
        }
      }
      if (last < records || !journal.awaitDurable(last, WAIT)) {
        throw new IOException("not all of it was appended");
      }
      return last;
    }
  }

  private long open() throws Exception {
    java.nio.file.Files.delete(filled().resolve("journal." + JOURNAL));
    long start = System.nanoTime();
    try (FileEngine engine = FileEngine.open(filled())) {
      long last = engine.journal(JOURNAL).appended();
      long nanos = System.nanoTime() - start;
      if (last == 0) {
        throw new IOException("nothing was recovered");
      }
      return nanos;
    }
  }

  private Path filled() {
    return place.resolve("filled");
  }
}
