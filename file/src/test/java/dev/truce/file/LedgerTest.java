package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.EngineException;
import dev.truce.Fence;
import dev.truce.spi.Journal;
import dev.truce.spi.Storage;
import dev.truce.testkit.SimulatedDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/// What records say, decided from records alone.
final class LedgerTest {
  private static final JournalFiles FILES =
      new JournalFiles(new Disk(Path.of("/nowhere")), Path.of("/nowhere"), "docs");
  private static final SegmentPage FIRST = SegmentPage.fresh(FILES, UUID.randomUUID(), 1, 0, 0);

  private final Ledger ledger = Ledger.beginning(FIRST);

  private String take(Note note) {
    return take(note, false);
  }

  private String take(Note note, boolean copy) {
    long at = ledger.place();
    return ledger.take(new Frame(at, at + Frame.bytes(note), 1, copy, 0, note));
  }

  private static UUID id(long number) {
    return new UUID(1, number);
  }

  private static void land(Ledger to, long position) {
    long at = to.place();
    Note note = new Note.Landed(position, id(position), Note.NOTHING);
    assertThat(to.take(new Frame(at, at + Frame.bytes(note), 1, false, 0, note))).isNull();
  }

  private void land(long position) {
    assertThat(take(new Note.Landed(position, id(position), Note.NOTHING))).isNull();
  }

  @Test
  void landed_outOfOrder_isDamage() {
    land(1);
    long place = ledger.place();
    assertThat(take(new Note.Landed(3, id(3), Note.NOTHING))).contains("position 3 after 1");
    assertThat(take(new Note.Landed(1, id(7), Note.NOTHING))).contains("position 1 after 1");
    assertThat(ledger.place()).isEqualTo(place);
  }

  @Test
  void landed_copiedIntoALaterSegment_countsOnceAndLiesThere() {
    land(1);
    land(2);
    SegmentPage next = SegmentPage.fresh(FILES, FIRST.lineage(), 5, ledger.start(2), 0);
    ledger.enter(next);
    assertThat(ledger.counting()).isFalse();
    assertThat(take(new Note.Landed(2, id(2), Note.NOTHING), true)).isNull();
    assertThat(ledger.counting()).isFalse();
    land(3);
    assertThat(ledger.counting()).isTrue();
    assertThat(ledger.last()).isEqualTo(3);
    assertThat(ledger.start(1)).isEqualTo(FIRST.first());
    assertThat(ledger.start(2)).isEqualTo(next.first());
    assertThat(ledger.lastBelow(next.first())).isEqualTo(1);
    assertThat(ledger.lastBelow(next.first() + 1)).isEqualTo(2);
    assertThat(ledger.segments()).containsExactly(1, 5);
  }

  @Test
  void enter_whereTheSegmentBeforeWasLeftEarlier_forgetsThoseBetween() {
    land(1);
    ledger.enter(SegmentPage.fresh(FILES, FIRST.lineage(), 2, ledger.place(), 0));
    land(2);
    ledger.enter(SegmentPage.fresh(FILES, FIRST.lineage(), 3, ledger.start(1), 0));
    assertThat(ledger.segments()).containsExactly(1, 3);
  }

  @Test
  void checkpoint_older_changesNothing() {
    land(1);
    land(2);
    take(new Note.Checkpoint(2, id(100)));
    take(new Note.Checkpoint(1, id(101)));
    assertThat(ledger.below()).isEqualTo(2);
    assertThat(ledger.base()).isEqualTo(new Note.Checkpoint(2, id(100)));
  }

  @Test
  void checkpoint_farAbove_forgetsCommitIdsBeyondTheWindow() {
    long last = Ledger.REMEMBERED + 10L;
    for (long position = 1; position <= last; position++) {
      land(position);
    }
    take(new Note.Checkpoint(last, id(0)));
    assertThat(ledger.landed(id(10))).isNull();
    assertThat(ledger.landed(id(11))).isEqualTo(11);
    assertThat(ledger.landed(id(last))).isEqualTo(last);
  }

  @Test
  void checkpoint_withManyEnds_foldsTheOldestIntoAFloor() {
    land(1);
    for (long token = 10; token < 10 + 2 * Ends.KEPT; token += 2) {
      take(new Note.End("lock", token));
    }
    take(new Note.End("lock", 5));
    Draft before = new Draft(ledger, (_, _) -> null);
    assertThat(before.ended("lock", 11)).isFalse();
    take(new Note.Checkpoint(1, id(0)));
    Draft after = new Draft(ledger, (_, _) -> null);
    assertThat(after.ended("lock", 5)).isTrue();
    assertThat(after.ended("lock", 10)).isTrue();
    assertThat(after.ended("lock", 11)).isFalse();
    assertThat(after.ended("lock", 4)).as("the one below all that are kept").isTrue();
    assertThat(after.ended("other", 5)).isFalse();
    assertThat(after.endedOf(Fence.of("lock", 11))).isNull();
  }

  @Test
  void base_readAgain_saysTheSame() throws IOException {
    for (long position = 1; position <= 5; position++) {
      land(position);
    }
    take(new Note.End("lock", 7));
    take(new Note.GivenUp(id(50)));
    Frame third = new Frame(ledger.start(3), ledger.start(4), 1, false, 0, new Note.Mark());
    JournalFiles files = written(ledger.base(third, 3, id(99), FIRST.lineage()), 1, 2);
    Base read = Bases.read(files, files.baseFile(3, id(99)));
    assertThat(read).isNotNull();
    assertThat(read.landed().count()).isEqualTo(3);
    assertThat(read.start()).isEqualTo(ledger.start(4));
    assertThat(Bases.view(files, files.baseFile(3, id(99))).all()).containsExactly(1, 2);
    Ledger again = Ledger.from(read);
    assertThat(again.landed(id(3))).isEqualTo(3);
    assertThat(again.landed(id(4))).isNull();
    assertThat(again.last()).isEqualTo(3);
    assertThat(again.givenUp(id(50))).isTrue();
    assertThat(again.ended("lock", 7)).isTrue();
    assertThat(again.confirmed()).isFalse();
    land(again, 4);
    assertThat(read.landed().get(id(4))).as("a ledger has its own").isNull();
  }

  @Test
  void base_anyByteChanged_isNone() throws IOException {
    land(1);
    Frame first = new Frame(ledger.start(1), ledger.place(), 1, false, 0, new Note.Mark());
    JournalFiles files = written(ledger.base(first, 1, id(99), FIRST.lineage()), 1, 2, 3);
    JournalFiles.BaseFile file = files.baseFile(1, id(99));
    assertThat(Bases.readWhole(files, file)).isNotNull();
    try (Storage.File bytes = files.storage().open(file.file())) {
      for (long at = 0; at < bytes.size(); at++) {
        boolean state = at >= Page.BYTES && at < Page.BYTES + 3;
        flip(bytes, at);
        assertThat(Bases.readWhole(files, file)).as("byte %d", at).isNull();
        assertThat(Bases.read(files, file) != null).as("byte %d", at).isEqualTo(state);
        if (state) {
          Journal.Base view = Bases.view(files, file);
          assertThat(view.bytes().byteSize()).isEqualTo(3);
          assertThatThrownBy(view::all)
              .isInstanceOf(EngineException.class)
              .hasMessageContaining("its state fails its check");
        }
        flip(bytes, at);
      }
      bytes.write(ByteBuffer.allocate(1), bytes.size());
    }
    assertThat(Bases.read(files, file)).as("one byte more").isNull();
    assertThat(Bases.read(files, files.baseFile(2, id(99)))).as("none").isNull();
  }

  @Test
  void base_ofAnotherJournalOrName_isNone() throws IOException {
    land(1);
    Frame first = new Frame(ledger.start(1), ledger.place(), 1, false, 0, new Note.Mark());
    JournalFiles files = written(ledger.base(first, 1, id(99), FIRST.lineage()), 1);
    String file = files.base(1, id(99));
    JournalFiles other = new JournalFiles(files.storage(), Path.of("disk"), "other");
    files.storage().link(file, files.base(2, id(99)));
    files.storage().link(file, files.base(1, id(98)));
    files.storage().link(file, other.base(1, id(99)));
    assertThat(Bases.read(files, files.baseFile(1, id(99)))).isNotNull();
    assertThat(Bases.read(files, files.baseFile(2, id(99)))).isNull();
    assertThat(Bases.view(files, files.baseFile(1, id(98)))).isNull();
    assertThat(Bases.read(other, other.baseFile(1, id(99)))).isNull();
  }

  /// The format of an earlier release has its state where this one looks for other things.
  @Test
  void base_ofAnotherFormat_isRefusedByName() throws IOException {
    land(1);
    Frame first = new Frame(ledger.start(1), ledger.place(), 1, false, 0, new Note.Mark());
    for (int format : new int[] {1, 3}) {
      JournalFiles files = written(ledger.base(first, 1, id(99), FIRST.lineage()), 1);
      JournalFiles.BaseFile file = files.baseFile(1, id(99));
      byte[] page = Page.seal("TRUCEJB1", format, Checked.of(0), _ -> {});
      try (Storage.File bytes = files.storage().open(file.file())) {
        bytes.write(ByteBuffer.wrap(page), 0);
      }
      assertThatThrownBy(() -> Bases.read(files, file))
          .isInstanceOf(EngineException.class)
          .hasMessageContaining(file.file() + " has format " + format)
          .extracting(thrown -> ((EngineException) thrown).kind())
          .isEqualTo(EngineException.Kind.CONFIGURATION);
    }
  }

  private static void flip(Storage.File file, long at) throws IOException {
    ByteBuffer one = ByteBuffer.allocate(1);
    file.read(one, at);
    one.put(0, (byte) (one.get(0) ^ 1));
    file.write(one.flip(), at);
  }

  /// On a disk of its own.
  private static JournalFiles written(Base base, int... state) throws IOException {
    JournalFiles files =
        new JournalFiles(new SimulatedDisk().process("a"), Path.of("disk"), "docs");
    byte[] bytes = new byte[state.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) state[i];
    }
    Bases.write(files, files.baseFile(base.upTo(), base.id()), Journal.State.of(bytes), () -> base);
    return files;
  }
}
