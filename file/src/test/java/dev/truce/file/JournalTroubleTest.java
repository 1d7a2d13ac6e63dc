package dev.truce.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.EngineException;
import dev.truce.Fence;
import dev.truce.spi.Journal;
import dev.truce.spi.Journal.Entry;
import dev.truce.spi.Journal.Page;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import dev.truce.spi.Storage;
import dev.truce.spi.Ticker;
import dev.truce.testkit.RecordingStorage;
import dev.truce.testkit.SimulatedDisk;
import dev.truce.testkit.SimulatedDisk.Fault;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/// What a journal says and does when a disk fails or a process dies in the middle of a flush.
final class JournalTroubleTest {
  private static final Path DIRECTORY = Path.of("/root");
  private static final Duration LONG = Duration.ofSeconds(20);

  private final SimulatedDisk disk = new SimulatedDisk();

  /// Another process, on the same boot.
  private final class Member implements AutoCloseable {
    final Locks locks;
    final JournalFiles files;
    final SharedJournal journal;

    Member(String name) {
      this(name, Runnable::run);
    }

    Member(String name, Executor aside) {
      this.locks = Locks.open(DIRECTORY.resolve("locks"), disk.process(name));
      this.files = new JournalFiles(disk.process(name), DIRECTORY, "docs");
      this.journal =
          SharedJournal.open(
              files,
              locks,
              new Control.Owner(new UUID(1, 1), "a boot"),
              Ticker.system(),
              aside,
              _ -> {});
    }

    long append(String record) {
      Unit unit = new Unit(UUID.randomUUID(), null, _ -> Optional.of(record.getBytes(UTF_8)));
      return ((Result.Appended) journal.append(List.of(unit)).getFirst()).position();
    }

    List<String> all() {
      List<String> all = new ArrayList<>();
      for (Entry entry : ((Page.Records) journal.read(1, 100)).entries()) {
        all.add(new String(entry.record(), UTF_8));
      }
      return all;
    }

    Control control() {
      return Faults.io(
          DIRECTORY, () -> Control.map(files, new Control.Owner(new UUID(1, 1), "a boot")));
    }

    @Override
    public void close() {
      journal.close();
      locks.close();
    }
  }

  /// The call after the next is the flush: the next takes the flush byte.
  private void failTheFlush() {
    disk.fail(disk.calls() + 2, Fault.IO, false);
  }

  @Test
  void flush_failed_stopsEverybody_andNobodyFlushesAgain() throws Exception {
    Member a = new Member("a");
    Member b = new Member("b");
    assertThat(a.journal.awaitDurable(a.append("1"), LONG)).isTrue();
    long second = a.append("2");
    failTheFlush();

    assertThatThrownBy(() -> a.journal.awaitDurable(second, LONG))
        .isInstanceOfSatisfying(
            EngineException.class, e -> assertThat(e.kind()).isEqualTo(EngineException.Kind.IO))
        .hasMessageContaining("journal.docs.1 could not be flushed");
    for (Member each : List.of(a, b)) {
      assertThatThrownBy(() -> each.append("3"))
          .isInstanceOf(EngineException.class)
          .hasMessageContaining("journal.docs.1")
          .hasMessageContaining("stop every process");
      assertThatThrownBy(() -> each.journal.awaitDurable(second, LONG))
          .isInstanceOf(EngineException.class);
      assertThat(each.journal.durable()).isEqualTo(1);
      assertThat(each.journal.awaitDurable(1, LONG)).isTrue();
      assertThat(each.all()).containsExactly("1", "2");
    }
    a.close();
    b.close();

    try (Member next = new Member("next")) {
      assertThat(next.all()).containsExactly("1", "2");
      assertThat(next.journal.durable()).isEqualTo(2);
      assertThat(next.append("3")).isEqualTo(3);
    }
  }

  /// The dead may have been told of a failure that nobody else will ever hear of.
  @Test
  void flusher_dead_whoCameLaterWritesOnceMore() throws Exception {
    Member a = new Member("a");
    a.append("1");
    a.append("2");
    a.control().announce(0, a.control().tail());
    disk.kill("a");

    try (Member b = new Member("b")) {
      assertThat(b.journal.awaitDurable(2, LONG)).isTrue();
      assertThat(b.files.segments()).contains(2);
      assertThat(Place.segment(b.control().durable())).isEqualTo(2);
      assertThat(b.all()).containsExactly("1", "2");
      assertThat(b.append("3")).isEqualTo(3);
      assertThat(b.all()).containsExactly("1", "2", "3");
    }
    disk.process("c").delete("journal.docs");
    try (Member c = new Member("c")) {
      assertThat(c.all()).containsExactly("1", "2", "3");
    }
  }

  @Test
  void flusher_dead_whoWasThereBeforeVouches() throws Exception {
    Member a = new Member("a");
    Member b = new Member("b");
    a.append("1");
    assertThat(b.all()).containsExactly("1");
    a.control().announce(0, a.control().tail());
    disk.kill("a");

    assertThat(b.journal.awaitDurable(1, LONG)).isTrue();
    assertThat(Place.segment(b.control().durable())).isEqualTo(1);
    b.close();
  }

  @Test
  void units_ofAPoisonedJournal_areSettledByTheNextToOpenIt() throws Exception {
    UUID id = UUID.randomUUID();
    Member a = new Member("a");
    a.journal.append(List.of(new Unit(id, null, _ -> Optional.of(new byte[1]))));
    failTheFlush();
    assertThatThrownBy(() -> a.journal.end("lock", 1)).isInstanceOf(EngineException.class);
    a.close();
    try (Member b = new Member("b")) {
      assertThat(b.journal.find(id)).contains(new Result.Appended(1));
    }
  }

  /// The next segment is made beside all else; whoever opens the journal after the last one has
  /// left is alone, and nobody makes files under him.
  @Test
  void close_waitsForTheNextSegment_thatIsBeingMade() throws Exception {
    CountDownLatch goOn = new CountDownLatch(1);
    Executor slow =
        work ->
            Thread.ofPlatform()
                .start(() -> {
                  await(goOn);
                  work.run();
                });
    Member a = new Member("a", slow);
    a.append("x".repeat(600_000));
    List<String> namesWhenClosed = new ArrayList<>();
    Thread closer =
        Thread.ofPlatform()
            .start(() -> {
              a.close();
              namesWhenClosed.addAll(a.files.io("", a.files.storage()::names));
            });
    while (closer.getState() != Thread.State.TERMINATED
        && closer.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    goOn.countDown();
    closer.join();
    assertThat(namesWhenClosed).contains("journal.docs.2");
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /// Somebody who is killed may have had a file named just before, by a thread of the kernel.
  @Test
  void recovery_whoseSegmentGetsItsNameFromSomebodyElse_takesTheNext() throws Exception {
    try (Member a = new Member("a")) {
      a.append("1");
    }
    disk.process("b").delete("journal.docs");
    JournalFiles late = new JournalFiles(disk.process("late"), DIRECTORY, "docs");
    UUID temporary = new UUID(3, 3);
    JournalFiles files =
        new JournalFiles(
            disk.process("b"),
            DIRECTORY,
            "docs",
            Segment.Sizes.USUAL,
            () -> {
              Faults.io(DIRECTORY, () -> Segment.create(late, 2, List.of(), 8192));
              return temporary;
            });
    Control.Owner owner = new Control.Owner(new UUID(1, 1), "a boot");
    Recovery recovery = new Recovery(files, owner);
    recovery.run();
    assertThat(Control.map(files, owner)).isNull();
    recovery.run();
    assertThat(Place.segment(Control.map(files, owner).tail())).isEqualTo(3);
    try (Member b = new Member("b")) {
      assertThat(b.all()).containsExactly("1");
    }
  }

  @Test
  void disk_full_aRecordThatNeedsAnotherSegment_isRefusedAndNothingIsThere() {
    Member a = new Member("a");
    a.append("1");
    disk.limit(1);
    byte[] large = new byte[2 << 20];
    Unit unit = new Unit(UUID.randomUUID(), null, _ -> Optional.of(large));
    assertThatThrownBy(() -> a.journal.append(List.of(unit)))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("the disk is full");
    assertThat(a.append("2")).isEqualTo(2);
    assertThat(a.all()).containsExactly("1", "2");
    disk.limit(Long.MAX_VALUE);
    Journal journal = a.journal;
    assertThat(journal.append(List.of(unit)).getFirst()).isEqualTo(new Result.Appended(3));
    a.close();
  }

  @Test
  void disk_fullInTheMiddleOfAState_leavesTheCheckpointBeforeAndNothingElse() throws Exception {
    try (Member a = new Member("a")) {
      a.append("1");
      a.append("2");
      assertThat(a.journal.checkpoint(1, Journal.State.of("one".getBytes(UTF_8)))).isTrue();
      List<String> before = disk.process("looker").names();
      byte[] part = new byte[1 << 20];
      Journal.State filling =
          sink -> {
            sink.write(ByteBuffer.wrap(part));
            disk.limit(1);
            try {
              sink.write(ByteBuffer.wrap(part));
            } catch (EngineException swallowed) {
              assertThat(swallowed).hasMessageContaining("the disk is full");
            }
          };

      assertThatThrownBy(() -> a.journal.checkpoint(2, filling))
          .isInstanceOf(EngineException.class)
          .hasMessageContaining("the disk is full");

      assertThat(disk.process("looker").names()).containsExactlyElementsOf(before);
      assertThat(a.journal.floor()).isEqualTo(1);
      assertThat(a.journal.checkpoint().orElseThrow().all()).asString(UTF_8).isEqualTo("one");
      disk.limit(Long.MAX_VALUE);
      assertThat(a.journal.checkpoint(2, Journal.State.of(part))).isTrue();
    }
  }

  /// So a commit beside it waits for one stretch at most.
  @Test
  void checkpoint_ofALargeState_isFlushedAsItIsWritten() throws Exception {
    RecordingStorage recorded = new RecordingStorage(disk.process("a"), "a");
    JournalFiles files = new JournalFiles(recorded, DIRECTORY, "docs");
    byte[] part = new byte[3 << 20];
    Journal.State large =
        sink -> {
          for (int i = 0; i < 7; i++) {
            sink.write(ByteBuffer.wrap(part));
          }
        };
    Storage.File file = recorded.create("state", 0);

    BasePage.Part written = StateWriter.write(files, "state", file, large);

    assertThat(written.at()).isEqualTo(dev.truce.file.Page.BYTES);
    assertThat(written.bytes()).isEqualTo(7L * part.length).isEqualTo(file.size() - written.at());
    assertThat(recorded.count(RecordingStorage.Kind.FLUSH)).isEqualTo(7L * 3 / 8);
    assertThat(recorded.calls()).allMatch(call -> call.bytes() <= 1 << 16);
  }

  @Test
  void audit_stateDamaged_namesTheBase_andSalvageHasNothingElse() throws Exception {
    String base;
    try (Member a = new Member("a")) {
      a.append("1");
      a.append("2");
      assertThat(a.journal.checkpoint(1, Journal.State.of("one".getBytes(UTF_8)))).isTrue();
      base =
          disk.process("looker").names().stream()
              .filter(name -> name.contains(".base."))
              .findFirst()
              .orElseThrow();
    }
    try (var file = disk.process("vandal").open(base)) {
      file.write(ByteBuffer.wrap(new byte[] {1}), dev.truce.file.Page.BYTES + 1L);
    }
    JournalFiles files = new JournalFiles(disk.process("auditor"), DIRECTORY, "docs");
    assertThat(new Auditor(files).audit().findings())
        .singleElement()
        .asString()
        .contains(base, "fails its check");
    try (Member a = new Member("a")) {
      assertThat(a.journal.floor()).as("opening does not read the state").isEqualTo(1);
      assertThat(a.journal.checkpoint().orElseThrow().bytes().byteSize()).isEqualTo(3);
      assertThatThrownBy(() -> a.journal.checkpoint().orElseThrow().all())
          .isInstanceOf(EngineException.class)
          .hasMessageContaining(base)
          .hasMessageContaining("its state fails its check");
    }
  }

  @Test
  void audit_whole_findsNothing_andSalvageCopiesAll() {
    try (Member a = new Member("a")) {
      a.append("1");
      a.append("2");
      a.journal.end("lock", 5);
      assertThat(a.journal.checkpoint(1, Journal.State.of("one".getBytes(UTF_8)))).isTrue();
      a.append("3");
    }
    JournalFiles files = new JournalFiles(disk.process("auditor"), DIRECTORY, "docs");
    FileEngine.Audit audit = new Auditor(files).audit();
    assertThat(audit.findings()).isEmpty();
    assertThat(audit.last()).isEqualTo(3);
    assertThat(audit.below()).isEqualTo(1);

    JournalFiles to = new JournalFiles(new SimulatedDisk().process("b"), DIRECTORY, "docs");
    assertThat(new Auditor(files).salvage(to, JournalTroubleTest::nothing)).isEqualTo(3);
    try (Copied copied = new Copied(to)) {
      SharedJournal copy = copied.journal;
      assertThat(copy.appended()).isEqualTo(3);
      assertThat(copy.checkpoint().orElseThrow().all()).asString(UTF_8).isEqualTo("one");
      assertThat(((Page.Records) copy.read(2, 9)).entries()).hasSize(2);
    }
  }

  /// What was saved, opened.
  private static final class Copied implements AutoCloseable {
    final Locks locks;
    final SharedJournal journal;

    Copied(JournalFiles files) {
      this.locks = Locks.open(DIRECTORY.resolve("locks"), files.storage());
      this.journal =
          SharedJournal.open(
              files,
              locks,
              new Control.Owner(new UUID(2, 2), "a boot"),
              Ticker.system(),
              Runnable::run,
              _ -> {});
    }

    @Override
    public void close() {
      journal.close();
      locks.close();
    }
  }

  /// Only the base is left of what it stands for; the record that says so lies behind the damage.
  @Test
  void salvage_damagedBeforeTheCheckpointsRecord_keepsTheBaseAndWhatCanBeRead() throws Exception {
    checkpointInAnotherSegment();
    try (var file = disk.process("vandal").open("journal.docs.2")) {
      file.write(ByteBuffer.wrap(new byte[] {1}), dev.truce.file.Page.BYTES + 264L);
    }
    JournalFiles files = new JournalFiles(disk.process("auditor"), DIRECTORY, "docs");
    assertThat(new Auditor(files).audit().findings())
        .singleElement()
        .asString()
        .contains("journal.docs.2", "fails its check");
    JournalFiles to = new JournalFiles(new SimulatedDisk().process("b"), DIRECTORY, "docs");
    assertThat(new Auditor(files).salvage(to, JournalTroubleTest::nothing)).isEqualTo(2);
    try (Copied copied = new Copied(to)) {
      assertThat(copied.journal.appended()).isEqualTo(2);
      assertThat(copied.journal.checkpoint().orElseThrow().all()).asString(UTF_8).isEqualTo("two");
    }
  }

  @Test
  void audit_theOnlyBaseIsDamaged_namesIt() throws Exception {
    checkpointInAnotherSegment();
    JournalFiles files = new JournalFiles(disk.process("auditor"), DIRECTORY, "docs");
    String base = files.bases().getFirst().file();
    try (var file = disk.process("vandal").open(base)) {
      file.write(ByteBuffer.wrap(new byte[] {1}), 0);
    }
    assertThat(new Auditor(files).audit().findings())
        .singleElement()
        .asString()
        .contains(base, "fails its check");
  }

  @Test
  void salvage_theStateOfTheOnlyBaseIsDamaged_keepsWhatItsWriterCanProve() throws Exception {
    checkpointInAnotherSegment();
    try (Member b = new Member("b")) {
      b.journal.end("lock", 5);
    }
    JournalFiles files = new JournalFiles(disk.process("auditor"), DIRECTORY, "docs");
    try (var file = disk.process("vandal").open(files.bases().getFirst().file())) {
      file.write(ByteBuffer.wrap(new byte[] {'-'}), dev.truce.file.Page.BYTES + 1L);
    }
    JournalFiles none = new JournalFiles(new SimulatedDisk().process("n"), DIRECTORY, "docs");
    assertThatThrownBy(() -> new Auditor(files).salvage(none, JournalTroubleTest::nothing))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("nothing is left up to 2");
    JournalFiles to = new JournalFiles(new SimulatedDisk().process("b"), DIRECTORY, "docs");
    long last =
        new Auditor(files)
            .salvage(
                to,
                (damaged, behind) -> {
                  String left = UTF_8.decode(damaged.bytes().asByteBuffer()).toString();
                  left += " of " + damaged.upTo() + " and " + behind.getLast().position();
                  return Journal.State.of(left.getBytes(UTF_8));
                });
    assertThat(last).isEqualTo(4);
    assertThat(new Auditor(to).audit().findings()).isEmpty();
    try (Copied copied = new Copied(to)) {
      SharedJournal copy = copied.journal;
      assertThat(copy.appended()).isEqualTo(4);
      assertThat(copy.checkpoint().orElseThrow().all()).asString(UTF_8).isEqualTo("t-o of 2 and 4");
      assertThat(((Page.Records) copy.read(3, 9)).entries()).hasSize(2);
      Unit late = new Unit(UUID.randomUUID(), Fence.of("lock", 5), _ -> Optional.of(new byte[1]));
      assertThat(copy.append(List.of(late))).first().isInstanceOf(Result.Refused.class);
    }
  }

  private static Journal.State nothing(Journal.Base damaged, List<Entry> behind) {
    throw new EngineException(
        EngineException.Kind.DAMAGED,
        "nothing is left up to " + damaged.upTo() + " and " + behind.size());
  }

  /// Of what stands below position 2 only the base is left; 3 and 4 lie before the record of it.
  private void checkpointInAnotherSegment() throws IOException {
    try (Member a = new Member("a")) {
      a.append("1");
    }
    disk.process("vandal").delete("journal.docs");
    try (Member b = new Member("b")) {
      b.append("2");
      b.append("3");
      b.append("4");
      assertThat(b.journal.checkpoint(2, Journal.State.of("two".getBytes(UTF_8)))).isTrue();
    }
    assertThat(disk.process("looker").names()).doesNotContain("journal.docs.1");
  }

  @Test
  void audit_damaged_namesFileOffsetAndReason() throws Exception {
    try (Member a = new Member("a")) {
      a.append("1");
      assertThat(a.journal.awaitDurable(a.append("2"), LONG)).isTrue();
    }
    try (var file = disk.process("vandal").open("journal.docs.1")) {
      file.write(ByteBuffer.wrap(new byte[] {1}), dev.truce.file.Page.BYTES + 64L);
    }
    JournalFiles files = new JournalFiles(disk.process("auditor"), DIRECTORY, "docs");
    assertThat(new Auditor(files).audit().findings())
        .singleElement()
        .asString()
        .contains("journal.docs.1", "record at 4096", "it fails its check");
  }

  @Test
  void close_besideAppends_refusesNoneThatHasLanded() throws Exception {
    for (int round = 0; round < 20; round++) {
      Member closing = new Member("closing");
      Map<UUID, Future<Result>> appends = new HashMap<>();
      try (ExecutorService threads = Executors.newFixedThreadPool(12)) {
        for (int i = 0; i < 60; i++) {
          UUID id = UUID.randomUUID();
          Unit unit = new Unit(id, null, _ -> Optional.of(new byte[100]));
          appends.put(id, threads.submit(() -> closing.journal.append(List.of(unit)).getFirst()));
        }
        closing.close();
      }
      try (Member after = new Member("after")) {
        for (Map.Entry<UUID, Future<Result>> append : appends.entrySet()) {
          boolean answered = append.getValue().state() == Future.State.SUCCESS;
          assertThat(after.journal.find(append.getKey()).isPresent()).isEqualTo(answered);
        }
      }
    }
  }
}
