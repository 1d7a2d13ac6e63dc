package dev.truce.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.EngineException;
import dev.truce.spi.Journal;
import dev.truce.spi.Journal.Entry;
import dev.truce.spi.Journal.Page;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// Writes into a journal, notes down what was acknowledged, and compares that with what is there.
///
/// Each record says after which position it was decided, so a record that landed anywhere else, or
/// twice, or was torn, shows.
final class Scribe {
  static final String NAME = "Chronik/1";
  private static final Duration LONG = Duration.ofSeconds(20);

  private final Journal journal;
  private final Path acknowledged;
  private final String who;

  Scribe(Journal journal, Path acknowledged, String who) {
    this.journal = journal;
    this.acknowledged = acknowledged;
    this.who = who;
  }

  private static UUID id(String name) {
    return UUID.nameUUIDFromBytes(name.getBytes(UTF_8));
  }

  /// Appends a record of about so many bytes, and answers its position.
  long append(long number, int bytes) {
    String name = who + "/" + number;
    Unit unit = new Unit(id(name), null, past -> Optional.of(record(past.last(), name, bytes)));
    return switch (journal.append(List.of(unit)).getFirst()) {
      case Result.Appended(long position) -> position;
      case Result.Refused refused -> throw new AssertionError(refused.toString());
      case Result.Unknown unknown -> throw new AssertionError(unknown.why());
    };
  }

  /// The same, and notes it down once it is on disk.
  long write(long number, int bytes) throws IOException {
    long position = append(number, bytes);
    try {
      if (!journal.awaitDurable(position, LONG)) {
        throw new AssertionError(position + " does not become durable");
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    Files.writeString(
        acknowledged,
        who + "/" + number + " " + position + " .\n",
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
    return position;
  }

  /// Ends tokens, looks for what never was, and takes a checkpoint.
  void keepHouse(long number) {
    journal.end("lock-" + who, number + 1);
    assertThat(journal.find(id(who + "/never/" + number))).isEmpty();
    long durable = journal.durable();
    if (durable > 1) {
      journal.checkpoint(durable - 1, Journal.State.of((who + "/" + number).getBytes(UTF_8)));
    }
  }

  private static byte[] record(long tail, String name, int bytes) {
    byte[] head = ("after " + tail + " by " + name + " ").getBytes(UTF_8);
    byte[] record = Arrays.copyOf(head, Math.max(head.length, bytes));
    Arrays.fill(record, head.length, record.length, (byte) ('a' + tail % 26));
    return record;
  }

  /// Everything acknowledged is where it was said to be; everything that can be read is whole,
  /// once, and in order.
  static void check(Journal journal, Path acknowledged) throws IOException {
    long floor = floor(journal);
    Set<UUID> ids = new HashSet<>();
    long expected = floor;
    while (expected <= journal.appended()) {
      Page page = journal.read(expected, 1000);
      if (!(page instanceof Page.Records(List<Entry> entries))) {
        throw new AssertionError(expected + " was just there: " + page);
      }
      for (Entry entry : entries) {
        assertThat(entry.position()).isEqualTo(expected++);
        assertThat(ids.add(entry.commitId())).isTrue();
        String[] words = new String(entry.record(), UTF_8).split(" ", -1);
        assertThat(words[1]).isEqualTo(String.valueOf(entry.position() - 1));
        assertThat(entry.commitId()).isEqualTo(id(words[3]));
        assertThat(entry.record())
            .isEqualTo(record(entry.position() - 1, words[3], entry.record().length));
      }
    }
    if (Files.exists(acknowledged)) {
      for (String line : Files.readAllLines(acknowledged)) {
        String[] words = line.split(" ", -1);
        if (words.length == 3 && words[2].equals(".")) {
          assertThat(journal.find(id(words[0])))
              .as(line)
              .contains(new Result.Appended(Long.parseLong(words[1])));
        }
      }
    }
  }

  private static long floor(Journal journal) {
    return journal.read(1, 1) instanceof Page.TooOld(long floor) ? floor : 1;
  }

  /// Whether the journal can be opened and is what was acknowledged.
  static void checkAfterAll(Path root, Path acknowledged) throws IOException {
    try (FileEngine engine = FileEngine.existing(root)) {
      check(engine.journal(NAME), acknowledged);
    }
    for (Path file : files(root)) {
      if (file.getFileName().toString().equals("journal.%43hronik%2f1")) {
        Files.delete(file);
      }
    }
    try (FileEngine engine = FileEngine.existing(root)) {
      Journal journal = engine.journal(NAME);
      check(journal, acknowledged);
      new Scribe(journal, acknowledged, "after").write(System.nanoTime(), 10);
    } catch (EngineException e) {
      throw new AssertionError(files(root).toString(), e);
    }
  }

  private static List<Path> files(Path root) throws IOException {
    try (var files = Files.list(root)) {
      return files.toList();
    }
  }
}
