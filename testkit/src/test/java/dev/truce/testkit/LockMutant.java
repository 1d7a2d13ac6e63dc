package dev.truce.testkit;

import java.io.IOException;
import java.nio.file.Path;

/// Locks that are wrong in one place of their sources, and the exam that catches each. What the
/// machine may get wrong, the detector of rings and the journal stand beside those.
enum LockMutant {
  /// Two sets that are taken in different orders wait for each other.
  A_SET_AS_IT_IS_GIVEN(
      "LockSet",
      "new TreeMap<>(Comparator.naturalOrder())",
      "new java.util.LinkedHashMap<>()",
      MemoryLockTest.class,
      "locks_theFirstIsHeld_nothingBehindItIsTaken"),

  /// Several that cannot be had together are kept as far as they were had.
  A_PART_OF_A_SET_IS_KEPT(
      "LockSet",
      "if (!all) {",
      "if (grants.isEmpty()) {",
      MemoryLockTest.class,
      "locks_oneCannotBeHad_noneIsHeld"),

  /// Whoever cancels as the lock comes has it for ever.
  A_GRANT_THAT_NOBODY_WANTS_IS_KEPT(
      "NamedLock",
      "if (!future.complete(grant)) {",
      "if (!future.complete(grant) && grant.token() < 0) {",
      MemoryCancellationIT.class,
      "acquireAsync_cutAtEveryStep_leavesNothingBehind"),

  /// Whoever goes stays in the queue.
  A_PLACE_IS_KEPT(
      "Gate",
      "apply(new Command.Cancel(run.claim()));",
      "",
      MemoryLockTest.class,
      "acquire_interruptedWhileWaiting_leavesNothingBehind"),

  /// Whoever waits to write is seen by nobody, and a ring through it stands for ever.
  AN_UPGRADE_TELLS_NOBODY(
      "Upgrading",
      "return room.waits().tellUpgrade(gate.name(), held);",
      "return null;",
      MemoryLockTest.class,
      "upgrade_ringWithAnotherLock_oneGivesWay_andReadsOn"),

  /// A reader that wants to write, and leaves, keeps new readers out for ever.
  AN_UPGRADE_IS_NEVER_GIVEN_UP(
      "Upgrading",
      "gate.apply(new Command.Abandon(held.token()));",
      "",
      MemoryLockTest.class,
      "upgrade_timeIsOver_readsOn_andNewReadersComeInAgain");

  private static final Path SOURCES = Path.of("../core/src/main/java/dev/truce/lock");

  private final String type;
  private final String passage;
  private final String instead;
  private final Class<?> suite;
  final String exam;

  LockMutant(String type, String passage, String instead, Class<?> suite, String exam) {
    this.type = type;
    this.passage = passage;
    this.instead = instead;
    this.suite = suite;
    this.exam = exam;
  }

  /// The suite, in a world where the locks are wrong.
  Class<?> suite() throws IOException, ClassNotFoundException {
    return in(instead);
  }

  /// The same where they are right.
  Class<?> rightSuite() throws IOException, ClassNotFoundException {
    return in(passage);
  }

  private Class<?> in(String written) throws IOException, ClassNotFoundException {
    Path source = SOURCES.resolve(type + ".java");
    return SourceMutant.world(source, passage, written, "dev.truce.").loadClass(suite.getName());
  }
}
