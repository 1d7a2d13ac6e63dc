package dev.truce.benchmarks;

import dev.truce.benchmarks.Kept.Kind;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// One of several processes that have stores open. It does what it is told, line by line:
///
/// | line | what it does | answer |
/// |---|---|---|
/// | `open KIND` | opens it, and reads a key | `done NANOS` |
/// | `own KIND START END` | commits keys of its own from START to END, `nanoTime` | `done COUNT NANOTIME` |
/// | `hot KIND START END` | adds to a number to which all add | `done COUNT NANOTIME` |
/// | `counted KIND` | looks at that number | `done NUMBER` |
/// | `load KIND KEYS` | fills it, many keys in each commit, and closes it | `done NANOS` |
/// | `heap KIND KEYS` | opens it and reads many keys: what the heap keeps of that | `done BYTES` |
///
/// KIND is one of [Kind]. NANOTIME is when the last commit was answered.
final class StoreWorker {
  private static final int OWN_KEYS = 1_000;
  private static final int BATCH = 10_000;
  private static final int LOOKS = 10_000;

  private final Path directory;
  private final int first;
  private final Map<Kind, Kept> open = new EnumMap<>(Kind.class);

  private StoreWorker(Path directory, int rank) {
    this.directory = directory;
    this.first = rank * OWN_KEYS;
  }

  /// Arguments: the place, which folder of it, and which of all workers this is.
  public static void main(String[] args) throws Exception {
    StoreWorker worker =
        new StoreWorker(Path.of(args[0]).resolve(args[1]), Integer.parseInt(args[2]));
    try (BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      say("ready");
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        say("done " + worker.obey(line.split(" ", -1)));
      }
    }
    for (Kept kept : worker.open.values()) {
      kept.close();
    }
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  private String obey(String[] words) throws Exception {
    Kind kind = Kind.of(words[1]);
    return switch (words[0]) {
      case "open" -> String.valueOf(opened(kind));
      case "own" -> own(kind, words);
      case "hot" -> repeat(words, kept(kind)::count);
      case "counted" -> String.valueOf(kept(kind).counted());
      case "load" -> String.valueOf(load(kind, Integer.parseInt(words[2])));
      case "heap" -> String.valueOf(heap(kind, Integer.parseInt(words[2])));
      default -> throw new IllegalArgumentException(words[0]);
    };
  }

  /// Stays open, as that of a service does.
  private Kept kept(Kind kind) throws Exception {
    @Nullable Kept known = open.get(kind);
    if (known == null) {
      known = Kept.open(kind, directory);
      open.put(kind, known);
    }
    return known;
  }

  private long opened(Kind kind) throws Exception {
    long start = System.nanoTime();
    kept(kind).get(Kept.key(first));
    return System.nanoTime() - start;
  }

  /// What is done once.
  private interface Commit {
    void make() throws Exception;
  }

  private String own(Kind kind, String[] words) throws Exception {
    Kept kept = kept(kind);
    byte[] value = Kept.value();
    int[] next = {0};
    String done =
        repeat(
            words,
            () -> {
              value[0]++;
              kept.put(ownKey(++next[0]), value.clone());
            });
    if (!Arrays.equals(kept.get(ownKey(next[0])), value)) {
      throw new IOException(kind + " does not have what was written last");
    }
    return done;
  }

  private String ownKey(int number) {
    return Kept.key(first + number % OWN_KEYS);
  }

  private static String repeat(String[] words, Commit commit) throws Exception {
    long start = Long.parseLong(words[2]);
    long end = Long.parseLong(words[3]);
    for (long left = start - System.nanoTime(); left > 0; left = start - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
    long count = 0;
    long now;
    // Once at least: one that is told late begins behind the end.
    do {
      commit.make();
      count++;
      now = System.nanoTime();
    } while (now < end);
    return count + " " + now;
  }

  private long load(Kind kind, int keys) throws Exception {
    long start = System.nanoTime();
    try (Kept kept = Kept.open(kind, directory)) {
      for (int from = 0; from < keys; from += BATCH) {
        List<String> batch =
            IntStream.range(from, Math.min(keys, from + BATCH)).mapToObj(Kept::key).toList();
        kept.putAll(batch, Kept.value());
      }
    }
    return System.nanoTime() - start;
  }

  private long heap(Kind kind, int keys) throws Exception {
    long before = used();
    Kept kept = kept(kind);
    for (int i = 0; i < LOOKS; i++) {
      if (kept.get(Kept.key((int) ((long) i * keys / LOOKS))) == null) {
        throw new IOException(kind + " has lost a key");
      }
    }
    return used() - before;
  }

  private static long used() {
    Runtime runtime = Runtime.getRuntime();
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return runtime.totalMemory() - runtime.freeMemory();
  }
}
