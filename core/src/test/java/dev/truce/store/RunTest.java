package dev.truce.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.truce.EngineException;
import dev.truce.spi.Journal;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RunTest {
  private static final byte[] BEHIND_ALL = {-1};

  private static NavigableMap<byte[], Item> rows(Random random, int count, int different) {
    NavigableMap<byte[], Item> rows = new TreeMap<>(Writes.ORDER);
    byte[] shared = new byte[random.nextInt(Math.min(different, 600))];
    while (rows.size() < count) {
      byte[] key = Arrays.copyOf(shared, shared.length + 1 + random.nextInt(20));
      for (int i = shared.length; i < key.length; i++) {
        key[i] = (byte) random.nextInt(different);
      }
      byte[] value = new byte[random.nextInt(random.nextInt(10) == 0 ? 20_000 : 40)];
      random.nextBytes(value);
      rows.put(key, Item.of(1 + random.nextInt(1_000), value));
    }
    return rows;
  }

  private static Iterator<Delta.Row> iterator(NavigableMap<byte[], Item> rows) {
    return rows.entrySet().stream()
        .map(row -> new Delta.Row(row.getKey(), row.getValue()))
        .iterator();
  }

  private static byte[] written(NavigableMap<byte[], Item> rows) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    RunWriter.write(
        7,
        iterator(rows),
        bytes -> {
          byte[] some = new byte[bytes.remaining()];
          bytes.get(some);
          out.writeBytes(some);
        });
    return out.toByteArray();
  }

  private static Run open(byte[] bytes) {
    return Run.open(new Bytes(7, bytes), "here");
  }

  /// A checkpoint in an array.
  record Bytes(long upTo, byte[] array) implements Journal.Base {
    @Override
    public MemorySegment bytes() {
      return MemorySegment.ofArray(array);
    }
  }

  private static String shown(Item item) {
    return item == null ? "none" : item.revision() + "=" + Arrays.hashCode(item.value());
  }

  private static List<String> shown(Iterator<Delta.Row> rows) {
    List<String> shown = new ArrayList<>();
    rows.forEachRemaining(row -> shown.add(Arrays.toString(row.key()) + shown(row.item())));
    return shown;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 15, 16, 17, 100, 1_000})
  void open_whatWasWritten_isTheSameMap(int count) {
    Random random = new Random(count);
    for (int different : new int[] {3, 256, 4_000}) {
      NavigableMap<byte[], Item> rows = rows(random, count, different);
      Run run = open(written(rows));
      assertThat(run.upTo()).isEqualTo(7);
      assertThat(shown(run.rows(new byte[0], BEHIND_ALL))).isEqualTo(shown(iterator(rows)));
      rows.forEach((key, item) -> {
        assertThat(shown(run.get(key))).isEqualTo(shown(item));
        assertThat(run.revisionOf(key)).isEqualTo(item.revision());
      });
      for (byte[] other : rows(random, 200, different).keySet()) {
        assertThat(shown(run.get(other))).isEqualTo(shown(rows.get(other)));
        byte[] to = Arrays.copyOf(other, 1 + random.nextInt(other.length));
        to[to.length - 1]++;
        assertThat(shown(run.rows(other, to)))
            .isEqualTo(
                Arrays.compareUnsigned(other, to) < 0
                    ? shown(iterator(rows.subMap(other, true, to, false)))
                    : List.of());
      }
    }
  }

  @Test
  void write_twice_isTheSameBytes() {
    NavigableMap<byte[], Item> rows = rows(new Random(1), 500, 256);
    assertThat(written(rows)).isEqualTo(written(rows));
  }

  @Test
  void open_anyBitIsAnother_isRefused() {
    Random random = new Random(5);
    NavigableMap<byte[], Item> rows = new TreeMap<>(Writes.ORDER);
    for (int i = 0; i < 150; i++) {
      byte[] key = new byte[1 + random.nextInt(40)];
      random.nextBytes(key);
      rows.put(key, Item.of(i, Arrays.copyOf(key, random.nextInt(60))));
    }
    byte[] bytes = written(rows);
    for (int at = 0; at < bytes.length; at++) {
      byte bit = (byte) (1 << random.nextInt(8));
      bytes[at] ^= bit;
      assertThatExceptionOfType(EngineException.class)
          .isThrownBy(() -> {
            Run run = open(bytes);
            shown(run.rows(new byte[0], BEHIND_ALL));
            rows.keySet().forEach(run::get);
          })
          .matches(damaged -> damaged.kind() == EngineException.Kind.DAMAGED)
          .withMessageStartingWith("the checkpoint of the stores of here ");
      bytes[at] ^= bit;
    }
  }

  @Test
  void open_cutOff_isRefused() {
    byte[] bytes = written(rows(new Random(2), 40, 256));
    for (int length = 0; length < bytes.length; length++) {
      byte[] part = Arrays.copyOf(bytes, length);
      assertThatExceptionOfType(EngineException.class)
          .isThrownBy(() -> open(part))
          .matches(e -> e.kind() == EngineException.Kind.DAMAGED);
    }
  }

  @Test
  void open_ofAnotherRevision_isRefused() {
    byte[] bytes = written(rows(new Random(3), 3, 256));
    assertThatExceptionOfType(EngineException.class)
        .isThrownBy(() -> Run.open(new Bytes(8, bytes), "here"));
  }
}
