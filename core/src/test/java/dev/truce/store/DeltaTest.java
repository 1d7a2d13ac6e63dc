package dev.truce.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.store.Delta.Row;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeltaTest {
  private static byte[] key(Random random, int different) {
    byte[] key = new byte[1 + random.nextInt(3)];
    for (int i = 0; i < key.length; i++) {
      key[i] = (byte) random.nextInt(different);
    }
    return key;
  }

  private static List<String> shown(Iterator<Row> rows) {
    List<String> shown = new ArrayList<>();
    rows.forEachRemaining(
        row -> shown.add(Arrays.toString(row.key()) + " " + row.item().revision()));
    return shown;
  }

  private static List<String> shown(Map<byte[], Item> rows) {
    return rows.entrySet().stream()
        .map(row -> Arrays.toString(row.getKey()) + " " + row.getValue().revision())
        .toList();
  }

  /// A delta beside the map that it should be like.
  private record Both(Delta delta, NavigableMap<byte[], Item> map) {
    static final Both EMPTY = new Both(Delta.EMPTY, new TreeMap<>(Writes.ORDER));

    Both with(byte[] key, Item item) {
      NavigableMap<byte[], Item> more = new TreeMap<>(map);
      more.put(key, item);
      return new Both(delta.with(key, item), more);
    }

    void agree(Random random, int different) {
      byte[] from = key(random, different);
      byte[] to = key(random, different);
      long since = random.nextInt(1 + map.size());
      NavigableMap<byte[], Item> part =
          Arrays.compareUnsigned(from, to) < 0
              ? map.subMap(from, true, to, false)
              : new TreeMap<>(Writes.ORDER);
      assertThat(shown(delta.rows(from, to))).isEqualTo(shown(part));
      assertThat(shown(delta.rows(new byte[0], new byte[] {-1, -1, -1, -1}))).isEqualTo(shown(map));
      assertThat(delta.get(from)).isEqualTo(map.get(from));
      Row newer = delta.newer(from, to, since);
      assertThat(newer == null ? "none" : Arrays.toString(newer.key()))
          .isEqualTo(
              part.entrySet().stream()
                  .filter(row -> row.getValue().revision() > since)
                  .findFirst()
                  .map(row -> Arrays.toString(row.getKey()))
                  .orElse("none"));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void with_anyChanges_isLikeAMapAndTheOldOnesStay(long seed) {
    Random random = new Random(seed);
    int different = seed % 2 == 0 ? 256 : 8;
    List<Both> all = new ArrayList<>(List.of(Both.EMPTY));
    for (int revision = 1; revision <= 600; revision++) {
      byte[] key = key(random, different);
      Item item =
          random.nextInt(4) == 0
              ? Item.removed(revision)
              : Item.of(revision, new byte[] {(byte) revision});
      all.add(all.getLast().with(key, item));
      if (revision % 8 == 0) {
        all.getLast().agree(random, different);
      }
    }
    for (int i = 0; i < 200; i++) {
      all.get(random.nextInt(all.size())).agree(random, different);
    }
  }

  @Test
  void with_keysInOrder_areAllThere() {
    Delta delta = Delta.EMPTY;
    List<String> keys = new ArrayList<>();
    for (int i = 0; i < 5_000; i++) {
      byte[] key = {(byte) (i >> 8), (byte) i};
      delta = delta.with(key, Item.of(i + 1, key));
      keys.add(Arrays.toString(key) + " " + (i + 1));
    }
    assertThat(shown(delta.rows(new byte[0], new byte[] {-1}))).isEqualTo(keys);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4_095, 4_096, 20_000})
  void with_manyAtOnce_isAsOneAfterTheOther(int many) {
    Random random = new Random(many);
    Delta atOnce = Delta.EMPTY;
    NavigableMap<byte[], Item> map = new TreeMap<>(Writes.ORDER);
    long revision = 0;
    for (int round = 0; round < 4; round++) {
      List<Row> rows = new ArrayList<>();
      for (int i = 0; i < many; i++) {
        byte[] key = key(random, 100);
        Item item = Item.of(++revision, new byte[0]);
        rows.add(new Row(key, item));
        map.put(key, item);
      }
      Delta before = atOnce;
      List<String> shownBefore = shown(before.rows(new byte[0], new byte[] {-1}));
      atOnce = before.with(rows);
      assertThat(shown(atOnce.rows(new byte[0], new byte[] {-1}))).isEqualTo(shown(map));
      assertThat(shown(before.rows(new byte[0], new byte[] {-1}))).isEqualTo(shownBefore);
      assertThat(atOnce.get(rows.getLast().key())).isEqualTo(rows.getLast().item());
      assertThat(shown(atOnce.newer(revision - 1))).hasSize(1);
    }
  }
}
