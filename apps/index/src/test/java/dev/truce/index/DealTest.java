package dev.truce.index;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DealTest {
  private static final long PATIENCE = 10;

  @Test
  void whatAWriterLeaves_isTheNextThatIsDealt() {
    Deal deal = new Deal(3, PATIENCE);
    assertThat(deal.next(1, 0)).hasValue(0);
    assertThat(deal.next(2, 0)).hasValue(1);

    assertThat(deal.gone(1)).hasValue(0);

    assertThat(deal.next(3, 0)).hasValue(0);
    assertThat(deal.next(4, 0)).hasValue(2);
    assertThat(deal.gone(5)).isEmpty();
  }

  @Test
  void aSlowBatch_isGivenToOneMore_andCountsOnce() {
    Deal deal = new Deal(1, PATIENCE);
    deal.next(1, 0);

    assertThat(deal.next(2, PATIENCE - 1)).isEmpty();
    assertThat(deal.next(2, PATIENCE)).hasValue(0);
    assertThat(deal.next(3, 3 * PATIENCE)).isEmpty();
    assertThat(deal.done(2)).isTrue();
    assertThat(deal.isDone()).isTrue();
    assertThat(deal.done(1)).isFalse();
  }

  @Test
  void aBatchOverWhichThreeWritersEnded_isHopeless() {
    Deal deal = new Deal(1, PATIENCE);
    for (int writer = 1; writer <= Deal.DEATHS; writer++) {
      assertThat(deal.isHopeless(0)).isFalse();
      deal.next(writer, 0);
      deal.gone(writer);
    }
    assertThat(deal.isHopeless(0)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void whoeverEnds_everyBatchIsDoneOnce(long seed) {
    Random random = new Random(seed);
    int batches = 1 + random.nextInt(30);
    Deal deal = new Deal(batches, PATIENCE);
    Map<Integer, Integer> has = new HashMap<>();
    List<Integer> done = new ArrayList<>();
    Set<Integer> dealt = new HashSet<>();
    int writer = 0;
    long now = 0;
    while (!deal.isDone()) {
      now += random.nextInt(4);
      int chance = random.nextInt(4);
      Integer one = has.isEmpty() ? null : has.keySet().iterator().next();
      if (one == null || (chance < 2 && has.size() < 4)) {
        OptionalInt next = deal.next(++writer, now);
        int who = writer;
        next.ifPresent(batch -> {
          has.put(who, batch);
          dealt.add(batch);
        });
        assertThat(next.isPresent() || !has.isEmpty()).as("somebody has something").isTrue();
      } else if (chance == 2) {
        deal.gone(one);
        has.remove(one);
      } else {
        int batch = has.remove(one);
        if (deal.done(one)) {
          done.add(batch);
        }
      }
    }
    assertThat(done).hasSize(batches).doesNotHaveDuplicates();
    assertThat(dealt).hasSize(batches);
  }
}
