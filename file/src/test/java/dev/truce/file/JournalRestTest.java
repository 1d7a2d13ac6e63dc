package dev.truce.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.EngineException;
import dev.truce.spi.Journal.Entry;
import dev.truce.spi.Journal.Page;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import dev.truce.spi.Storage;
import dev.truce.testkit.SimulatedDisk;
import dev.truce.testkit.SimulatedDisk.Fault;
import dev.truce.testkit.TestClock;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/// A journal to which nobody appends any more is marked by who has, as one that is closed.
final class JournalRestTest {
  private static final Path DIRECTORY = Path.of("/root");
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final Duration REST = Duration.ofNanos(SharedJournal.REST_NANOS);
  private static final String SEGMENT = "journal.docs.1";

  private final SimulatedDisk disk = new SimulatedDisk();
  private final TestClock clock = new TestClock();

  /// A process, and those of its threads that wait for the journal to rest.
  private final class Member implements AutoCloseable {
    final List<Thread> resting = new ArrayList<>();
    final Locks locks;
    final JournalFiles files;
    final SharedJournal journal;
    final Control control;

    Member(String name) {
      this(name, true);
    }

    /// @param rests whether it is there to see that nobody appends any more
    Member(String name, boolean rests) {
      locks = Locks.open(DIRECTORY.resolve("locks"), disk.process(name));
      files = new JournalFiles(disk.process(name), DIRECTORY, "docs");
      Control.Owner owner = new Control.Owner(new UUID(1, 1), "a boot");
      journal =
          SharedJournal.open(
              files,
              locks,
              owner,
              clock,
              Runnable::run,
              rest -> {
                if (rests) {
                  resting.add(Thread.ofPlatform().daemon().start(rest));
                }
              });
      control = Faults.io(DIRECTORY, () -> Control.map(files, owner));
    }

    void append(String record) throws InterruptedException {
      Unit unit = unit(record);
      long position = ((Result.Appended) journal.append(List.of(unit)).getFirst()).position();
      assertThat(journal.awaitDurable(position, LONG)).isTrue();
    }

    List<String> all() {
      List<String> all = new ArrayList<>();
      for (Entry entry : ((Page.Records) journal.read(1, 100)).entries()) {
        all.add(new String(entry.record(), UTF_8));
      }
      return all;
    }

    @Override
    public void close() {
      journal.close();
      locks.close();
    }
  }

  private static Unit unit(String record) {
    byte[] bytes = record.getBytes(UTF_8);
    return new Unit(UUID.nameUUIDFromBytes(bytes), null, _ -> Optional.of(bytes));
  }

  private void pass(Duration time, Thread... awake) {
    clock.awaitParked(awake);
    clock.advance(time);
  }

  /// Lets time pass until they have noticed that nobody appends.
  private void letRest(Thread... resting) throws InterruptedException {
    long deadline = System.nanoTime() + TestClock.LIVENESS.toNanos();
    while (Arrays.stream(resting).anyMatch(Thread::isAlive)) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      clock.awaitSettled(List.of(resting));
      clock.advance(REST);
    }
  }

  private static void awaitEnd(Thread thread) throws InterruptedException {
    assertThat(thread.join(TestClock.LIVENESS)).isTrue();
  }

  @Test
  void rest_nobodyAppends_isMarkedOnceAndOnDisk() throws Exception {
    try (Member a = new Member("a")) {
      a.append("1");
      assertThat(a.resting).hasSize(1);
      Thread resting = a.resting.getFirst();
      long end = a.control.tail();

      pass(REST.minusNanos(1), resting);
      clock.awaitParked(resting);
      assertThat(a.control.tail()).isEqualTo(end);
      pass(Duration.ofNanos(1), resting);
      awaitEnd(resting);

      assertThat(a.control.tail()).isEqualTo(end + Frame.HEADER);
      assertThat(a.control.durable()).isEqualTo(end + Frame.HEADER);
      letRest(Thread.ofPlatform().daemon().start(a.journal::rest));
      assertThat(a.control.tail()).isEqualTo(end + Frame.HEADER);
      assertThat(a.all()).containsExactly("1");
    }
  }

  @Test
  void rest_appendedMeanwhile_beginsAnew_andAgainAfterTheMark() throws Exception {
    try (Member a = new Member("a");
        Member b = new Member("b")) {
      a.append("1");
      Thread first = a.resting.getFirst();
      pass(REST.dividedBy(2), first);
      b.append("2");
      long end = a.control.tail();
      pass(REST.dividedBy(2), first, b.resting.getFirst());
      clock.awaitParked(first, b.resting.getFirst());
      assertThat(a.control.tail()).isEqualTo(end);
      letRest(first, b.resting.getFirst());
      assertThat(a.control.tail()).isEqualTo(end + Frame.HEADER);

      a.append("3");
      assertThat(a.resting).hasSize(2);
      long later = a.control.tail();
      letRest(a.resting.getLast());
      assertThat(a.control.tail()).isEqualTo(later + Frame.HEADER);
    }
  }

  @Test
  void rest_severalHaveAppended_isMarkedByOne() throws Exception {
    try (Member a = new Member("a");
        Member b = new Member("b");
        Member c = new Member("c")) {
      List<Thread> resting = new ArrayList<>();
      for (Member each : List.of(a, b, c)) {
        each.append("of " + each.files.name() + resting.size());
        resting.addAll(each.resting);
      }
      assertThat(resting).hasSize(3);
      long end = a.control.tail();
      letRest(resting.toArray(Thread[]::new));
      assertThat(a.control.tail()).isEqualTo(end + Frame.HEADER);
    }
  }

  @Test
  void rest_whoOnlyReads_isNobodysBusiness() throws Exception {
    try (Member a = new Member("a");
        Member reader = new Member("reader")) {
      a.append("1");
      assertThat(reader.all()).containsExactly("1");
      assertThat(reader.journal.find(unit("1").commitId())).isPresent();
      assertThat(reader.journal.append(List.of(unit("1")))).hasSize(1);
      assertThat(reader.journal.awaitDurable(1, LONG)).isTrue();
      assertThat(reader.resting).isEmpty();
    }
  }

  @Test
  void rest_closedMeanwhile_endsAtOnceWithOneMark() throws Exception {
    Member a = new Member("a");
    a.append("1");
    long end = a.control.tail();
    clock.awaitParked(a.resting.getFirst());
    a.close();
    awaitEnd(a.resting.getFirst());
    assertThat(a.control.tail()).isEqualTo(end + Frame.HEADER);
  }

  @Test
  void rest_aFlushFails_isQuiet_andWhoAppendsNextIsTold() throws Exception {
    Member a = new Member("a");
    a.append("1");
    assertThat(a.journal.append(List.of(unit("2")))).hasSize(1);
    disk.fail(disk.calls() + 2, Fault.IO, false); // the next call takes the flush byte
    letRest(a.resting.getFirst());
    assertThat(a.control.poisoned()).isTrue();
    assertThatThrownBy(() -> a.append("3")).isInstanceOf(EngineException.class);
    a.close();
  }

  /// The machine stops, and what was acknowledged last is not what it was.
  @Test
  void recovery_lastRecordIsDamaged_isToldFromATornEndOnceTheJournalRested() throws Exception {
    assertThat(afterDamage(false).all()).containsExactly("1");
    assertThatThrownBy(() -> afterDamage(true))
        .isInstanceOfSatisfying(
            EngineException.class,
            e -> assertThat(e.kind()).isEqualTo(EngineException.Kind.DAMAGED))
        .hasMessageContaining(SEGMENT);
  }

  private Member afterDamage(boolean rested) throws Exception {
    for (String name : disk.process("nobody").names()) {
      disk.process("nobody").delete(name);
    }
    Member a = new Member("a", rested);
    a.append("1");
    long last = a.control.tail();
    a.append("2");
    if (rested) {
      letRest(a.resting.getFirst());
    }
    disk.kill("a");
    Storage there = disk.process("vandal");
    there.delete("journal.docs");
    try (Storage.File segment = there.open(SEGMENT)) {
      segment.write(ByteBuffer.wrap(new byte[] {1}), Place.offset(last) + Frame.HEADER);
    }
    return new Member("next");
  }
}
