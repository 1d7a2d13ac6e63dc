package dev.truce.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.OutcomeUnknownException;
import dev.truce.Truce;
import dev.truce.store.Codec;
import dev.truce.store.Commit;
import dev.truce.store.ConflictException;
import dev.truce.store.Draft;
import dev.truce.store.Entry;
import dev.truce.store.Store;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;

/// A process that commits to the stores of a root again and again, and writes down before each
/// thing what it is about to do and after it what came of it, for [StoreHistory] to judge.
///
/// A line is `B NUMBER NANOS WHAT`, or `E NUMBER NANOS FATE REVISION` and what was seen. What
/// processes do at the same time they do to the same few keys; after a while they go on to others,
/// so that no list grows long.
final class StoreClient {
  static final String LISTS = "lists";
  static final String REGISTERS = "registers";

  /// What everything counts that is committed under an id.
  static final String ONCE = "once";

  private static final long EPOCH_NANOS = Duration.ofMillis(200).toNanos();
  private static final int KEYS = 3;

  /// A handle is used for so much, and then another one is opened.
  private static final int LIFE = 60;

  private final String counters;
  private final FileChannel log;
  private final SplittableRandom random;
  private final long first;
  private long number;

  /// @param first what tells its numbers from those of all others
  private StoreClient(String counters, FileChannel log, long first) {
    this.counters = counters;
    this.log = log;
    this.random = new SplittableRandom(first);
    this.first = first;
  }

  /// The store that those count in who write into one folder: they are judged together.
  static String counters(Path log) {
    return "counters of " + log.getParent().getFileName();
  }

  /// Goes on until somebody writes to its standard input, after it has repeated under its id what
  /// another one did not come to the end of.
  static void work(Path root, Path log, long first, List<Path> before) throws IOException {
    try (FileChannel written =
        FileChannel.open(log, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      StoreClient client = new StoreClient(counters(log), written, first);
      try (Truce truce = Truce.open(root)) {
        for (UUID id : StoreHistory.of(before).begunUnderAnId()) {
          client.once(truce.store(client.counters, Codec.longs()), id);
        }
      }
      System.out.println("ready");
      while (System.in.available() == 0) {
        try (Truce truce = Truce.open(root)) {
          for (int i = 0; i < LIFE && System.in.available() == 0; i++) {
            client.step(truce);
          }
        }
      }
    }
  }

  private void step(Truce truce) throws IOException {
    switch (random.nextInt(8)) {
      case 0 -> count(truce.store(counters, Codec.longs()), "c" + random.nextInt(KEYS));
      case 1 ->
          once(
              truce.store(counters, Codec.longs()), new UUID(random.nextLong(), random.nextLong()));
      case 2, 3 -> swap(truce.store(REGISTERS, Codec.longs()), "r" + key());
      default -> append(truce.store(LISTS, Codec.utf8()));
    }
  }

  private String key() {
    return System.nanoTime() / EPOCH_NANOS + "-" + random.nextInt(KEYS);
  }

  // ---- what it does

  private static long next(Optional<Long> count) {
    return count.orElse(0L) + 1;
  }

  private void count(Store<Long> store, String key) throws IOException {
    long called = begin("count " + key);
    end(called, () -> store.update(key, StoreClient::next).commit(), List.of());
  }

  /// The same commit twice: it lands once.
  private void once(Store<Long> store, UUID id) throws IOException {
    long called = begin("once " + id);
    end(
        called,
        () -> {
          Commit one = store.withId(id).update(ONCE, StoreClient::next).commit();
          Commit other = store.withId(id).update(ONCE, StoreClient::next).commit();
          assertThat(other.revision()).as("%s, repeated", id).isEqualTo(one.revision());
          assertThat(other.repeated()).isTrue();
          return one;
        },
        List.of());
  }

  /// Reads a key, and has it hold something new if it still has that revision.
  private void swap(Store<Long> store, String key) throws IOException {
    long read = begin("read " + key);
    Optional<Entry<Long>> seen;
    try (var now = store.snapshot()) {
      seen = now.entry(key);
    }
    write("E", read, "L 0 " + seen.map(Entry::value).orElse(0L));
    long swap = begin("swap " + key + " " + read);
    end(
        swap,
        () ->
            store.commit(draft ->
                draft.requireRevision(key, seen.map(Entry::revision).orElse(0L)).put(key, swap)),
        List.of());
  }

  private void append(Store<String> store) throws IOException {
    List<String> plan = new ArrayList<>();
    int parts = 1 + random.nextInt(4);
    for (int i = 0; i < parts; i++) {
      plan.add(random.nextInt(3) == 0 ? "r:l" + key() : "a:l" + key() + ":" + (first + number + i));
    }
    number += parts;
    long called = begin("list " + String.join(" ", plan));
    List<String> done = new ArrayList<>();
    end(
        called,
        () ->
            store.commit(draft -> {
              done.clear();
              plan.forEach(part -> done.add(part(draft, part.split(":", -1))));
            }),
        done);
  }

  private static String part(Draft<String> draft, String[] part) {
    Optional<String> before = draft.get(part[1]);
    if (part[0].equals("r")) {
      return "r:" + part[1] + ":" + before.orElse("");
    }
    draft.put(part[1], before.map(list -> list + ",").orElse("") + part[2]);
    return "a:" + part[1] + ":" + part[2];
  }

  // ---- and notes down

  private long begin(String what) throws IOException {
    long call = first + number++;
    write("B", call, what);
    return call;
  }

  private interface Committing {
    Commit commit();
  }

  /// @param seen what the commit saw, once it is over
  private void end(long call, Committing work, List<String> seen) throws IOException {
    String told;
    try {
      told = "L " + work.commit().revision();
    } catch (ConflictException refused) {
      told = "R 0";
    } catch (OutcomeUnknownException unknown) {
      told = "U 0";
    }
    write("E", call, (told + " " + String.join(" ", seen)).strip());
  }

  private void write(String kind, long call, String what) throws IOException {
    String line = kind + " " + call + " " + System.nanoTime() + " " + what + "\n";
    log.write(ByteBuffer.wrap(line.getBytes(UTF_8)));
  }
}
