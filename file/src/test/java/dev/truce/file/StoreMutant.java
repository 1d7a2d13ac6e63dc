package dev.truce.file;

import dev.truce.testkit.Crashes;
import dev.truce.testkit.Seed;
import dev.truce.testkit.SourceMutant;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;

/// A room of stores that is [wrong in one place][SourceMutant].
enum StoreMutant {
  BASE_UNCHECKED(
      "StoreMachine",
      "item.revision() > mine.base()",
      "item.revision() > mine.base() + 100",
      "HOT_KEY"),

  REMOVAL_NOT_STAMPED(
      "CommitRecord", "Item.removed(revision)", "Item.removed(0)", "A_REMOVED_KEY_AND_A_RANGE"),

  RANGE_MISSES_WHAT_IS_REMOVED(
      "StoreMachine",
      "if (newer != null) {",
      "if (newer != null && newer.item().live()) {",
      "A_REMOVED_KEY_AND_A_RANGE"),

  RANGE_MISSES_WHAT_IS_REMOVED_WHERE_IT_LANDS(
      "StoreMachine",
      "|| mine.wentThrough(key)",
      "|| (found != 0 && mine.wentThrough(key))",
      "A_KEY_OF_A_RANGE_REMOVED_WHERE_IT_LANDS"),

  READS_UNCHECKED(
      "StoreMachine",
      "addNewer(clashes, at, mine, mine.read(), Kind.READ_WRITE);",
      "",
      "WRITE_SKEW"),

  STORE_UNCHECKED(
      "StoreMachine",
      "if (at.number(store.getKey()) != store.getValue()) {",
      "if (false) {",
      "FIRST_PUT"),

  STORE_UNCHECKED_WHERE_IT_LANDS(
      "StoreMachine",
      "if (Root.isRow(key) && mine",
      "if (false && mine",
      "A_STORE_MADE_WHERE_IT_LANDS"),

  REQUIRED_REVISION_UNCHECKED(
      "StoreMachine",
      "clashes.add(clash(Kind.STALE, key, revision, at.item(key)));",
      "",
      "A_REQUIRED_REVISION"),

  BATCH_REPLACES_EVERYTHING(
      "StoreMachine",
      "before.delta().with(rows(revision, commit))",
      "(commit.writes().size() > 1 ? Delta.EMPTY : before.delta()).with(rows(revision, commit))",
      "TWO_STORES_IN_ONE"),

  FIRST_WRITE_ONLY(
      "StoreMachine",
      "for (Write write : commit.writes()) {",
      "for (Write write : commit.writes().subList(0, 1)) {",
      "TWO_STORES_IN_ONE"),

  BEHIND_TAKEN_FOR_LAND(
      "StoreMachine",
      "return new Answer.Behind();",
      "return new Answer.Land();",
      "TOO_MUCH_WHERE_IT_LANDS"),

  REFUSED_AND_WRITTEN(
      "Committer",
      "return answer instanceof Answer.Land ? ",
      "return !(answer instanceof Answer.Behind) ? ",
      "A_KEY_CHANGED_WHERE_IT_LANDS"),

  ANSWERS_BEFORE_IT_IS_SAFE(
      "Committer", "if (atLeast != Durability.FSYNC) {", "if (true) {", "FIRST_PUT"),

  FENCE_LEFT_OUT(
      "Committer", "new Wanted(id, settings.fence())", "new Wanted(id, null)", "FENCED_LATE"),

  FENCE_NOT_BOUND("Committer", "binder.accept(settings.fence());", "", "A_TOKEN_THAT_ENDED"),

  FIND_INSTEAD_OF_APPENDING_AGAIN(
      "Committer",
      "        result = appendOnce(unit);",
      "        result = journal.find(unit.commitId()).map(Result.class::cast)"
          + ".orElse(new Result.Refused(\"\", null));",
      "AN_UNKNOWN_OUTCOME_OF_WHAT_DID_NOT_LAND"),

  APPENDED_AGAIN_UNDER_ANOTHER_ID(
      "Committer",
      "        result = appendOnce(unit);",
      "        result = journal.append(List.of(new Unit(UUID.randomUUID(), unit.fence(), "
          + "unit.decider()))).getFirst();",
      "AN_UNKNOWN_OUTCOME_OF_WHAT_LANDED"),

  ANOTHER_ID_THAN_THE_CALLERS(
      "Committer",
      "new Wanted(id, settings.fence())",
      "new Wanted(ids.get(), settings.fence())",
      "A_COMMIT_UNDER_THE_ID_OF_ANOTHER"),

  OWN_COMMIT_NOT_SEEN(
      "Committer",
      "if (landing.written) {\n      replica.acknowledge(",
      "if (false) {\n      replica.acknowledge(",
      "A_READER_OF_WHAT_IS_NOT_SAFE"),

  SHOWS_WHAT_IS_NOT_SAFE(
      "Stores",
      "case DURABLE -> reading.safe();",
      "case DURABLE -> reading.applied();",
      "A_READER_OF_WHAT_IS_NOT_SAFE"),

  TAKES_AT_ONCE_WHAT_IS_NOT_SAFE(
      "Replica",
      "Math.min(revision, journal.durable())",
      "revision",
      "A_READER_OF_WHAT_IS_NOT_SAFE"),

  CALLS_SAFE_WHAT_IS_KNOWN(
      "Replica",
      "next != null && next.root.revision() <= durable;",
      "next != null;",
      "A_READER_OF_WHAT_IS_NOT_SAFE"),

  RECLAIMED_UNDER_A_READER(
      "Run",
      "if (superseded && !isRead() && closed",
      "if (superseded && closed",
      "A_SNAPSHOT_OVER_CHECKPOINTS");

  private static final Path SOURCES = Path.of("../core/src/main/java/dev/truce/store");

  private final String type;
  private final String passage;
  private final String instead;
  final String exam;

  /// @param exam the [StoreWorkload] or the [StoreExam] that catches it
  StoreMutant(String type, String passage, String instead, String exam) {
    this.type = type;
    this.passage = passage;
    this.instead = instead;
    this.exam = exam;
  }

  /// These stores at their exam, which throws what they are caught by.
  ///
  /// @throws AssertionError if the sources have changed, so that it is no mutant any more
  Callable<?> examinee() throws Exception {
    ClassLoader world =
        SourceMutant.world(SOURCES.resolve(type + ".java"), passage, instead, "dev.truce.");
    Class<?> examiner = world.loadClass(Examiner.class.getName());
    return (Callable<?>) examiner.getConstructor(String.class).newInstance(exam);
  }

  /// What examines in the world where the mutant stands.
  public static final class Examiner implements Callable<Boolean> {
    private static final int STATES = 2_000;

    private final String exam;

    public Examiner(String exam) {
      this.exam = exam;
    }

    @Override
    public Boolean call() {
      boolean workload =
          Arrays.stream(StoreWorkload.values()).anyMatch(one -> one.name().equals(exam));
      if (workload) {
        Crashes<String> crashes = StoreWorkload.valueOf(exam).crashes().seed(new Seed(1));
        crashes.depth(1).limit(STATES).explore().orThrow();
      } else {
        StoreExam.valueOf(exam).take();
      }
      return true;
    }
  }
}
