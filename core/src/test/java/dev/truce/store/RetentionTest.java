package dev.truce.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RetentionTest {
  /// A record with its frame takes 100.
  private static final int LENGTH = 36;

  private static final Retention.Sizes SIZES = new Retention.Sizes(1_000, 2_000, 5_000, 100);

  private static Run run(long upTo) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    RunWriter.write(
        upTo,
        Collections.emptyIterator(),
        bytes -> {
          while (bytes.hasRemaining()) {
            out.write(bytes.get());
          }
        });
    return Run.open(new RunTest.Bytes(upTo, out.toByteArray()), "here");
  }

  private static Retention after(int records) {
    Retention retention = new Retention(SIZES);
    for (int position = 1; position <= records; position++) {
      retention.add(position, LENGTH);
    }
    return retention;
  }

  @Test
  void due_lessThanAStepAndWhatIsKept_isNothing() {
    assertThat(after(29).due(29)).isZero();
  }

  @Test
  void due_aStepAndWhatIsKept_isTheEndOfTheStep() {
    assertThat(after(30).due(30)).isEqualTo(20);
    assertThat(after(49).due(49)).isEqualTo(20);
    assertThat(after(50).due(50)).isEqualTo(40);
  }

  @Test
  void due_ofWhatIsNotDurable_isNothing() {
    assertThat(after(30).due(19)).isZero();
    assertThat(after(50).due(39)).isEqualTo(20);
  }

  @Test
  void goOn_behindACheckpoint_countsWhatIsLeft() {
    Retention retention = after(35);
    retention.goOn(run(20));
    assertThat(retention.bytes()).isEqualTo(1_500);
    assertThat(retention.due(35)).isZero();
    for (int position = 36; position <= 50; position++) {
      retention.add(position, LENGTH);
    }
    assertThat(retention.due(50)).isEqualTo(40);
  }

  @Test
  void due_toWhoeverBeganLater_isTheSame() {
    Random random = new Random(1);
    Retention.Sizes coarse = new Retention.Sizes(1_000, 2_000, 5_000, 400);
    Retention one = new Retention(coarse);
    Retention other = new Retention(coarse);
    List<Integer> lengths = new ArrayList<>();
    long floor = 0;
    int checkpoints = 0;
    for (int position = 1; position <= 2_000; position++) {
      lengths.add(random.nextInt(200));
      one.add(position, lengths.getLast());
      other.add(position, lengths.getLast());
      long due = one.due(position);
      assertThat(other.due(position)).isEqualTo(due);
      if (due > floor && random.nextBoolean()) {
        floor = due;
        checkpoints++;
        one.goOn(run(floor));
        other = new Retention(coarse);
        other.begin(run(floor));
        for (long behind = floor + 1; behind <= position; behind++) {
          other.add(behind, lengths.get((int) behind - 1));
        }
      }
    }
    assertThat(checkpoints).isGreaterThan(20);
  }
}
