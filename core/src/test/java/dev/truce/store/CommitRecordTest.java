package dev.truce.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.truce.Owner;
import dev.truce.spi.Journal;
import dev.truce.store.CommitRecord.Change;
import dev.truce.store.CommitRecord.Named;
import dev.truce.store.CommitRecord.Unreadable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class CommitRecordTest {
  private static final Owner WRITER = new Owner("ci", "build-3", 8112);

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  private static byte[] sample() {
    return CommitRecord.write(
        41,
        1_767_607_200_000L,
        WRITER,
        new TreeMap<>(Map.of("deploy", 118L, "a", 7L)),
        List.of(new Named(0, "new"), new Named(3L << 16, "flags")),
        List.of(
            List.of(new Change(bytes("k"), bytes("v"), true)),
            List.of(
                new Change(bytes("gone"), null, false), new Change(bytes("é"), bytes(""), false))));
  }

  private static CommitRecord read(byte[] bytes) throws Unreadable {
    return CommitRecord.read(new Journal.Entry(42, new UUID(1, 2), bytes));
  }

  private static List<String> writes(CommitRecord commit) {
    return commit.writes().stream()
        .map(write ->
            write.store()
                + " "
                + new String(write.key(), UTF_8)
                + (write.length() < 0
                    ? " -"
                    : " =" + new String(commit.bytes(), write.offset(), write.length(), UTF_8))
                + (write.resolved() ? " resolved" : ""))
        .toList();
  }

  @Test
  void write_read_isTheSame() throws Exception {
    CommitRecord commit = read(sample());
    assertThat(commit.base()).isEqualTo(41);
    assertThat(commit.millis()).isEqualTo(1_767_607_200_000L);
    assertThat(commit.writer()).isEqualTo(WRITER);
    assertThat(commit.tokens()).containsExactly(Map.entry("a", 7L), Map.entry("deploy", 118L));
    assertThat(commit.stores()).containsExactly(new Named(0, "new"), new Named(3L << 16, "flags"));
    assertThat(writes(commit)).containsExactly("0 k =v resolved", "1 gone -", "1 é =");
    assertThat(commit.number(0, 42)).isEqualTo(42L << 16);
    assertThat(commit.number(1, 42)).isEqualTo(3L << 16);
  }

  /// The bytes are part of what is promised: later releases read them.
  @Test
  void write_bytes_areThese() {
    byte[] record =
        CommitRecord.write(
            1,
            2,
            new Owner("o", "h", 3),
            new TreeMap<>(Map.of("l", 4L)),
            List.of(new Named(5, "s")),
            List.of(List.of(new Change(bytes("k"), bytes("v"), false))));
    assertThat(record)
        .containsExactly(
            2, 1, 1, 0, //
            0, 0, 0, 0, 0, 0, 0, 1, //
            0, 0, 0, 0, 0, 0, 0, 2, //
            0, 0, 0, 0, 0, 0, 0, 3, //
            0, 1, 'o', 0, 1, 'h', //
            0, 1, 0, 1, 'l', 0, 0, 0, 0, 0, 0, 0, 4, //
            0, 1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 1, 's', //
            0, 0, 0, 1, 0, 0, 1, 0, 1, 'k', 0, 0, 0, 1, 'v');
  }

  @Test
  void read_otherRooms_areNoCommits() throws Exception {
    assertThat(read(new byte[0])).isNull();
    assertThat(read(new byte[] {1, 1, 1})).isNull();
  }

  @Test
  void read_cutOff_isSaid() {
    byte[] whole = sample();
    for (int length = 1; length < whole.length; length++) {
      byte[] part = Arrays.copyOf(whole, length);
      assertThatExceptionOfType(Unreadable.class).as("%d", length).isThrownBy(() -> read(part));
    }
    assertThatExceptionOfType(Unreadable.class)
        .isThrownBy(() -> read(Arrays.copyOf(whole, whole.length + 1)));
  }

  @Test
  void read_newer_isSaid() {
    for (int at : new int[] {1, 2}) {
      byte[] newer = sample();
      newer[at] = 9;
      assertThatExceptionOfType(Unreadable.class)
          .isThrownBy(() -> read(newer))
          .withMessage("was written by a newer release");
    }
  }

  /// Whatever bytes: a commit that stays within them, or said to be none.
  @Test
  void read_anyBytes_neverGoesBeyondThem() {
    Random random = new Random(1);
    int readable = 0;
    for (int i = 0; i < 10_000; i++) {
      byte[] bytes = sample();
      for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
        bytes[1 + random.nextInt(bytes.length - 1)] = (byte) random.nextInt(256);
      }
      try {
        writes(read(bytes));
        readable++;
      } catch (Unreadable said) {
        assertThat(said).hasMessageMatching(".*(release|cut off|commit says|has made)");
      }
    }
    assertThat(readable).isBetween(2_000, 9_000);
  }

  @Test
  void write_tooMuch_isRefused() {
    List<Change> changes = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      changes.add(new Change(bytes("k" + i), new byte[12 << 20], false));
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() ->
            CommitRecord.write(
                0, 0, WRITER, new TreeMap<>(), List.of(new Named(0, "s")), List.of(changes)))
        .withMessageContaining("write in parts");
  }
}
