package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.testkit.Seed;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

final class CommitIdsTest {
  private final CommitIds ids = new CommitIds();

  private static UUID id(long number) {
    return new UUID(0, number);
  }

  @Test
  void nothing_isKnown_ofNone() {
    assertThat(ids.get(id(0))).isNull();
    assertThat(ids.between(0, Long.MAX_VALUE).count()).isZero();
    ids.forget(100);
    assertThat(ids.get(id(0))).isNull();
  }

  @Test
  void theIdOfZeros_isOneLikeAnyOther() {
    ids.add(id(0), 7);
    for (long position = 8; position < 100; position++) {
      ids.add(id(position), position);
    }
    assertThat(ids.get(id(0))).isEqualTo(7);
    assertThat(ids.get(id(7))).isNull();
  }

  @Test
  void anIdTwice_theFirstPositionCounts() {
    ids.add(id(1), 1);
    ids.add(id(2), 2);
    ids.add(id(1), 3);
    assertThat(ids.get(id(1))).isEqualTo(1);
    assertThat(ids.between(0, 3).get(id(1))).isEqualTo(1);
    assertThat(ids.between(0, 3).get(id(2))).isEqualTo(2);
    assertThat(ids.between(1, 3).get(id(1))).isEqualTo(3);
  }

  @Test
  void aPositionThatDoesNotFollow_isRefused() {
    ids.add(id(1), 5);
    for (long position : new long[] {4, 5, 7}) {
      assertThatThrownBy(() -> ids.add(id(2), position))
          .isInstanceOf(IllegalArgumentException.class);
    }
    ids.add(id(2), 6);
    assertThat(ids.get(id(2))).isEqualTo(6);
  }

  /// Against a map, with ids that fall on few places as well as random ones.
  @Test
  void manyIds_comeAndGo_likeInAMap() {
    Seed seed = Seed.choose();
    RandomGenerator random = seed.random("ids");
    Map<UUID, Long> known = new LinkedHashMap<>();
    long last = 0;
    for (int step = 0; step < 50_000; step++) {
      UUID next =
          random.nextInt(4) == 0
              ? id(random.nextInt(500))
              : new UUID(random.nextLong(), random.nextLong());
      if (random.nextInt(1000) == 0) {
        long upTo = random.nextLong(last + 2);
        ids.forget(upTo);
        known.values().removeIf(position -> position <= upTo);
      } else if (!known.containsKey(next)) {
        last++;
        ids.add(next, last);
        known.put(next, last);
      }
      assertThat(ids.get(next)).as("%s", seed).isEqualTo(known.get(next));
    }
    known.forEach((id, position) -> assertThat(ids.get(id)).as("%s", seed).isEqualTo(position));
    long middle = last - 200;
    CommitIds later = ids.between(middle, middle + 100);
    ByteBuffer bytes = ByteBuffer.allocate(16 * later.count());
    later.put(bytes);
    CommitIds read = CommitIds.read(bytes.flip(), later.count(), middle + 100);
    assertThat(bytes.hasRemaining()).isFalse();
    for (CommitIds some : List.of(later, later.copy(), read)) {
      known.forEach((id, position) ->
          assertThat(some.get(id))
              .as("%s", seed)
              .isEqualTo(position > middle && position <= middle + 100 ? position : null));
      some.add(id(1000), middle + 101);
      assertThat(some.get(id(1000))).isEqualTo(middle + 101);
    }
    assertThat(ids.get(id(1000))).as("a copy is by itself").isNull();
  }
}
