package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Fence;
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
  void base_readAgain_saysTheSame() {
    for (long position = 1; position <= 5; position++) {
      land(position);
    }
    take(new Note.End("lock", 7));
    take(new Note.GivenUp(id(50)));
    Frame third = new Frame(ledger.start(3), ledger.start(4), 1, false, 0, new Note.Mark());
    Base base = ledger.base(third, 3, id(99), FIRST.lineage(), new byte[] {1, 2});
    Base read = Base.of(Path.of("base"), FILES.digest(), bytes(base));
    assertThat(read).isNotNull();
    assertThat(read.landed()).containsOnlyKeys(id(1), id(2), id(3));
    assertThat(read.start()).isEqualTo(ledger.start(4));
    assertThat(read.state()).containsExactly(1, 2);
    Ledger again = Ledger.from(read);
    assertThat(again.last()).isEqualTo(3);
    assertThat(again.givenUp(id(50))).isTrue();
    assertThat(again.ended("lock", 7)).isTrue();
    assertThat(again.confirmed()).isFalse();
  }

  @Test
  void base_anyByteChanged_isNone() {
    land(1);
    Frame first = new Frame(ledger.start(1), ledger.place(), 1, false, 0, new Note.Mark());
    byte[] whole = bytes(ledger.base(first, 1, id(99), FIRST.lineage(), new byte[] {1}));
    for (int at = 0; at < whole.length; at++) {
      byte[] damaged = whole.clone();
      damaged[at] ^= 1;
      assertThat(Base.of(Path.of("base"), FILES.digest(), damaged)).as("byte %d", at).isNull();
    }
  }

  private static byte[] bytes(Base base) {
    ByteBuffer buffer = base.bytes(FILES.digest());
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }
}
