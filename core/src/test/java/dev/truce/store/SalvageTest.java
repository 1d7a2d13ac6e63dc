package dev.truce.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.truce.EngineException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SalvageTest {
  private static final long UP_TO = 7;

  private static Delta.Row name(String store, long number) {
    byte[] value = ByteBuffer.allocate(Long.BYTES).putLong(number).array();
    return new Delta.Row(Root.row(store), Item.of(number, value));
  }

  private static Delta.Row row(long store, String key, byte[] value) {
    return new Delta.Row(SpaceKey.of(store, key), Item.of(UP_TO, value));
  }

  /// A store's name, and keys with values of a few bytes, and some of several pages.
  private static List<Delta.Row> rows(Random random, int count) {
    List<Delta.Row> rows = new ArrayList<>(List.of(name("s", 3)));
    for (int i = 0; i < count; i++) {
      byte[] value = new byte[random.nextInt(random.nextInt(20) == 0 ? 20_000 : 200)];
      random.nextBytes(value);
      rows.add(row(3, "key %05d".formatted(i), value));
    }
    return rows;
  }

  private static byte[] written(Iterator<Delta.Row> rows) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    RunWriter.write(UP_TO, rows, bytes -> take(bytes, out));
    return out.toByteArray();
  }

  private static void take(ByteBuffer bytes, ByteArrayOutputStream out) {
    byte[] some = new byte[bytes.remaining()];
    bytes.get(some);
    out.writeBytes(some);
  }

  private static Salvage salvage(byte[] bytes) {
    return Salvage.of(new RunTest.Bytes(UP_TO, bytes), List.of());
  }

  /// What it comes to as a checkpoint, all of which is checked.
  private static List<String> saved(Salvage salvage) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    salvage.state().writeTo(bytes -> take(bytes, out));
    Run run = Run.open(new RunTest.Bytes(UP_TO, out.toByteArray()), "here");
    return shown(run.rows(Delta.FIRST, Delta.BEHIND_ALL));
  }

  private static List<String> shown(Iterator<Delta.Row> rows) {
    List<String> shown = new ArrayList<>();
    rows.forEachRemaining(row ->
        shown.add(
            SpaceKey.store(row.key())
                + SpaceKey.key(row.key())
                + Arrays.hashCode(row.item().value())));
    return shown;
  }

  private static int length(Delta.Row row) {
    return Run.HEADER + row.key().length + row.item().length();
  }

  /// Those that have no byte in one of these pages.
  private static List<Delta.Row> outside(List<Delta.Row> rows, Set<Integer> pages) {
    List<Delta.Row> outside = new ArrayList<>();
    int at = 0;
    for (Delta.Row row : rows) {
      int end = at + length(row);
      if (IntStream.rangeClosed(at / Run.PAGE, (end - 1) / Run.PAGE).noneMatch(pages::contains)) {
        outside.add(row);
      }
      at = end;
    }
    return outside;
  }

  private static int rowsEnd(List<Delta.Row> rows) {
    return rows.stream().mapToInt(SalvageTest::length).sum();
  }

  @Test
  void whole_allIsSaved() {
    List<Delta.Row> rows = rows(new Random(1), 500);
    Salvage salvage = salvage(written(rows.iterator()));
    assertThat(saved(salvage)).isEqualTo(shown(rows.iterator()));
    assertThat(List.of(salvage.saved(), salvage.keys())).containsOnly(501L);
    assertThat(salvage.unnamed()).isEmpty();
  }

  /// The page with the name is not among them, nor are those that tell where rows lie.
  @Test
  void rowsDamaged_allOthersAreSaved() {
    Random random = new Random(2);
    for (int round = 0; round < 30; round++) {
      List<Delta.Row> rows = rows(random, 400);
      byte[] whole = written(rows.iterator());
      byte[] bytes = whole.clone();
      int pages = rowsEnd(rows) / Run.PAGE;
      Set<Integer> damaged = new TreeSet<>();
      for (int i = random.nextInt(1, 8); i > 0; i--) {
        int page = random.nextInt(1, pages);
        damaged.add(page);
        bytes[page * Run.PAGE + random.nextInt(Run.PAGE)] ^= (byte) (1 << random.nextInt(8));
      }
      damaged.removeIf(page -> isSame(whole, bytes, page)); // the same bit twice
      List<Delta.Row> left = outside(rows, damaged);
      assertThat(left).hasSizeLessThan(rows.size());
      Salvage salvage = salvage(bytes);
      assertThat(saved(salvage)).as("round %d", round).isEqualTo(shown(left.iterator()));
      assertThat(salvage.saved()).isEqualTo(left.size());
      assertThat(salvage.keys()).isEqualTo(rows.size());
    }
  }

  private static boolean isSame(byte[] one, byte[] other, int page) {
    int from = page * Run.PAGE;
    return Arrays.equals(one, from, from + Run.PAGE, other, from, from + Run.PAGE);
  }

  /// A bit here and there, some in each page: no row is another than it was, and at most those are
  /// gone that lie in a page which cannot be proved.
  @Test
  void anyBitDamaged_noRowIsAnother_andFewAreGone() {
    List<Delta.Row> rows = rows(new Random(3), 300);
    byte[] bytes = written(rows.iterator());
    List<String> all = shown(rows.iterator());
    int most = 0;
    for (int at = 0; at < bytes.length - Run.FOOTER; at += 401) {
      byte bit = (byte) (1 << at % 7);
      bytes[at] ^= bit;
      Salvage salvage = salvage(bytes);
      assertThat(shown(Run.openDamaged(new RunTest.Bytes(UP_TO, bytes), "here").provable()))
          .as("byte %d", at)
          .isSubsetOf(all)
          .hasSize((int) salvage.saved());
      most = Math.max(most, all.size() - (int) salvage.saved());
      bytes[at] ^= bit;
    }
    assertThat(most).isBetween(1, 100);
  }

  @Test
  void itsEndDamaged_nothingIsSaved() {
    byte[] bytes = written(rows(new Random(4), 10).iterator());
    for (int at = bytes.length - Run.FOOTER; at < bytes.length; at++) {
      bytes[at] ^= 1;
      assertThatExceptionOfType(EngineException.class)
          .isThrownBy(() -> salvage(bytes))
          .matches(e -> e.kind() == EngineException.Kind.DAMAGED);
      bytes[at] ^= 1;
    }
  }

  /// Keys of a store without a name would be let go by the next checkpoint.
  @Test
  void aNameIsLost_theStoreHasAnother() {
    List<Delta.Row> rows = new ArrayList<>(List.of(name("lost", 3)));
    rows.add(row(3, "a", new byte[Run.PAGE]));
    rows.add(row(3, "b", new byte[] {1}));
    byte[] bytes = written(rows.iterator());
    bytes[Run.HEADER] ^= 1;
    Salvage salvage = salvage(bytes);
    assertThat(salvage.saved()).isEqualTo(1);
    assertThat(salvage.unnamed()).containsExactly("unnamed-3");
    assertThat(saved(salvage))
        .isEqualTo(shown(List.of(name("unnamed-3", 3), rows.get(2)).iterator()));
  }

  @Test
  void aNameIsLost_andTheOtherOneIsTaken() {
    List<Delta.Row> rows = new ArrayList<>(List.of(name("lost", 3)));
    rows.add(new Delta.Row(SpaceKey.of(0, "n/m"), Item.of(4, new byte[2 * Run.PAGE])));
    rows.add(name("unnamed-3", 5));
    rows.add(row(3, "b", new byte[] {1}));
    byte[] bytes = written(rows.iterator());
    bytes[Run.HEADER] ^= 1;
    assertThat(salvage(bytes).unnamed()).containsExactly("unnamed-3-");
  }
}
