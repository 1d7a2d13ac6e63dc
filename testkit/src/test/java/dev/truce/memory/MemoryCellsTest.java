package dev.truce.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.spi.Cells;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/// What only the inside of the memory engine shows: that names are forgotten.
final class MemoryCellsTest {
  private static final byte[] SOME = "some".getBytes(StandardCharsets.UTF_8);
  private static final byte[] NONE = new byte[0];

  private final MemoryCells cells = new MemoryCells(1024);

  private Cells.Cell create(String key) {
    return ((Cells.Swap.Won) cells.swap(key, cells.read(key), SOME)).cell();
  }

  private void delete(String key) {
    assertThat(cells.swap(key, cells.read(key), NONE)).isInstanceOf(Cells.Swap.Won.class);
  }

  @Test
  void delete_aMillionNamesUsedOnce_areForgotten() {
    create("kept");
    for (int name = 0; name < 1_000_000; name++) {
      create("name " + name);
      delete("name " + name);
    }

    assertThat(cells.slots()).isLessThanOrEqualTo(MemoryCells.LINGERING + 2);
    assertThat(cells.keys("")).containsExactly("kept");
    assertThat(cells.read("kept").bytes()).isEqualTo(SOME);
  }

  @Test
  void delete_afterAHundredThousandNamesWereThereAtOnce_theyAreForgotten() {
    for (int name = 0; name < 100_000; name++) {
      create("name " + name);
    }
    for (int name = 0; name < 100_000; name++) {
      delete("name " + name);
    }

    assertThat(cells.slots()).isLessThanOrEqualTo(MemoryCells.LINGERING + 2);
  }

  @Test
  void delete_sameNameAgainAndAgain_takesOnePlaceInTheQueue() {
    for (int round = 0; round < 100_000; round++) {
      create("busy");
      delete("busy");
    }

    assertThat(cells.slots()).isEqualTo(1);
  }

  /// Reading names that were never written, or deleting them, must not fill the table either.
  @Test
  void read_aHundredThousandAbsentNames_leavesNothing() {
    for (int name = 0; name < 100_000; name++) {
      assertThat(cells.read("name " + name).absent()).isTrue();
    }
    assertThat(cells.slots()).isZero();
    for (int name = 0; name < 10_000; name++) {
      delete("name " + name);
    }
    assertThat(cells.slots()).isLessThanOrEqualTo(MemoryCells.LINGERING + 2);
  }
}
