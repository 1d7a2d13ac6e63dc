package dev.truce.file;

import dev.truce.testkit.Crashes;
import dev.truce.testkit.Seed;
import dev.truce.testkit.SourceMutant;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;

/// A journal that is [wrong in one place][SourceMutant].
enum JournalMutant {
  ANSWERS_BEFORE_THE_FLUSH(
      "Flushes",
      "segment.file().flush();",
      "if (segment.size() < 0) { segment.file().flush(); }",
      "THE_FIRST_APPEND"),

  FLUSHES_AGAIN_AND_CALLS_IT_GOOD(
      "Flushes",
      "segment.file().flush();",
      "try { segment.file().flush(); } catch (IOException e) { segment.file().flush(); }",
      "TWO_APPENDERS"),

  POISON_IGNORED(
      "Control",
      "return poison(Words.get(memory, DURABLE)) != 0;",
      "return false;",
      "TWO_APPENDERS"),

  DURABLE_SET_AND_NOT_RAISED(
      "Control", "if (place(word) >= place || Words.swap(", "if (Words.swap(", "A_SLOW_FLUSHER"),

  FLUSH_OF_THE_DEAD_IGNORED(
      "Flusher", "announced > durable\n", "false\n", "A_FLUSHER_DIES_WITH_WHAT_IT_KNOWS"),

  CLEARED_BY_A_FLUSH_OF_ITS_OWN(
      "Appender",
      "flushes.only(segment);",
      "segment.file().flush();",
      "A_CLEARER_DIES_WITH_WHAT_IT_KNOWS"),

  DURABLE_AS_FAR_AS_THE_WAY_LEADS(
      "SharedJournal",
      "leadsPast(ledger, place) ? -1 : ledger.lastBelow(place)",
      "ledger.lastBelow(place)",
      "A_SLOW_FLUSHER_BESIDE_ONE_WHO_WRITES_ONCE_MORE"),

  MADE_ANEW_IS_CALLED_DAMAGE(
      "Segments",
      "page == null && segment.isUnused()",
      "page == null && segment.number() < 0",
      "A_SEGMENT_MADE_ANEW_TOO_LATE"),

  NEW_NAMES_NOT_SYNCED(
      "JournalFiles",
      "storage.delete(temporary);\n      storage.sync();",
      "storage.delete(temporary);",
      "FULL_SEGMENTS"),

  FOUND_NAMES_NOT_SYNCED(
      "Segments", "files.storage().sync();", "", "A_DISK_THAT_IS_FULL_AT_THE_NEXT_SEGMENT"),

  PUBLISHED_WITHOUT_COMPARING(
      "Control",
      "return Words.swap(memory, TAIL, word(from, 0), word(to, 0));",
      "Words.set(memory, TAIL, word(to, 0)); return true;",
      "SEALING_OVER_SOMEBODY_SLOW"),

  SEALED_WITHOUT_THE_BYTE(
      "Appender",
      "if (!locks.tryAppend(number)) {",
      "if (!locks.tryAppend(number) && number > before + 1) {",
      "ONE_OF_TWO_STANDS_STILL_WHILE_SEALING"),

  SEALED_WITHOUT_A_PAGE("Segments", "segment.file().write(bytes, 0);", "", "FULL_SEGMENTS"),

  LATE_BYTES_READ(
      "Survey",
      "read(reading, end);\n      if (wrong",
      "read(reading, Long.MAX_VALUE);\n      if (wrong",
      "SEALING_OVER_SOMEBODY_SLOW"),

  LATE_BYTES_LEFT(
      "Appender",
      "clear(batch, segment, null);\n      return false;",
      "return false;",
      "LATE_AND_THEN_REFUSED"),

  CHAIN_UNCHECKED(
      "Frame", "in.getInt(at + PREVIOUS_AT) == context.previous\n", "true\n", "LEFTOVERS"),

  SALT_UNCHECKED(
      "Frame", "in.getLong(at + SALT_AT) != context.salt || ", "", "RECORDS_OF_ANOTHER_PAGE"),

  CHECKSUM_UNCHECKED(
      "Frame", "in.getInt(at + CRC_AT) == crc(in, at, padded(in.getInt(at)))", "true", "DAMAGE"),

  CUT_BELOW_A_HINT(
      "Survey", "Math.max(reached(chain), ledger.place())", "ledger.place()", "DAMAGE"),

  CLOSED_WITHOUT_A_MARK("SharedJournal", "try {\n      mark();\n", "try {\n", "DAMAGE"),

  CHECKPOINT_BEFORE_ITS_BASE_IS_ON_DISK(
      "JournalFiles", "fresh.flush();\n      Yield", "Yield", "CHECKPOINTS"),

  RETIRED_BEFORE_THE_CHECKPOINT_IS_ON_DISK(
      "Checkpoints",
      "settled.accept(control.tail());\n    retire(base);",
      "retire(base);",
      "CHECKPOINTS"),

  RETIRED_IS_CALLED_DAMAGE("Tail", "tries == TRIES", "tries == 0", "A_READER_STANDS_STILL"),

  STATE_ASKED_OUT_OF_TURN(
      "Checkpoints",
      "boolean taken = takeTurn(upTo, state);",
      "boolean taken = locks.tryCheckpoint();",
      "A_STATE_THAT_TAKES_LONG"),

  SLOW_TAKEN_FOR_STOPPED(
      "Checkpoints", "if (written == seen) {", "if (seen >= 0) {", "A_STATE_THAT_TAKES_LONG"),

  STATE_UNCHECKED(
      "Bases", "if (Bases.crc(ByteBuffer.wrap(all)) != crc) {", "if (all.length < 0) {", "DAMAGE"),

  RECOVERY_BELIEVES_WHAT_IT_READS("Survey", "frame.place() >= from", "false", "TWO_APPENDERS");

  private static final Path SOURCES = Path.of("src/main/java/dev/truce/file");

  private final String type;
  private final String passage;
  private final String instead;
  final String exam;

  /// @param exam the [JournalWorkload] or the [JournalExam] that catches it
  JournalMutant(String type, String passage, String instead, String exam) {
    this.type = type;
    this.passage = passage;
    this.instead = instead;
    this.exam = exam;
  }

  /// This journal at its exam, which throws what it is caught by.
  ///
  /// @throws AssertionError if the sources have changed, so that it is no mutant any more
  Callable<?> examinee() throws Exception {
    ClassLoader world =
        SourceMutant.world(SOURCES.resolve(type + ".java"), passage, instead, "dev.truce.file.");
    Class<?> examiner = world.loadClass(Examiner.class.getName());
    return (Callable<?>) examiner.getConstructor(String.class).newInstance(exam);
  }

  /// What examines in the world where the mutant is the journal.
  public static final class Examiner implements Callable<Boolean> {
    private final String exam;

    public Examiner(String exam) {
      this.exam = exam;
    }

    @Override
    public Boolean call() throws Exception {
      boolean workload =
          Arrays.stream(JournalWorkload.values()).anyMatch(one -> one.name().equals(exam));
      if (workload) {
        Crashes<String> crashes = JournalWorkload.valueOf(exam).crashes().seed(new Seed(1));
        crashes.depth(1).limit(4_000).explore().orThrow();
      } else {
        JournalExam.valueOf(exam).take();
      }
      return true;
    }
  }
}
