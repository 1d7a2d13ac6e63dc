package dev.truce.memory;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.spi.Cells;
import dev.truce.spi.Cells.Cell;
import dev.truce.spi.Cells.Swap;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.Test;

/// The lock-free cells of the memory engine under Lincheck: creating, replacing, deleting, and
/// slots that retire the moment they are empty, which is where the races are.
public final class MemoryCellsLincheckIT {
  private static final boolean FULL = Boolean.getBoolean("truce.full");

  private static final String KEY = "k";

  /// Two names of one stripe, so that each retires the other's absence.
  private static final String NEIGHBOUR = "Aa";

  private static final String NEIGHBOUR_TOO = "BB";

  static int value(Cell cell) {
    return cell.absent() ? 0 : cell.bytes()[0];
  }

  static byte[] bytes(int value) {
    return value == 0 ? new byte[0] : new byte[] {(byte) value};
  }

  /// Compare-and-swap of values, made of reads and swaps as everything over cells is.
  static boolean replace(Cells cells, String key, int expected, int next) {
    while (true) {
      Cell cell = cells.read(key);
      if (value(cell) != expected) {
        return false;
      }
      if (cells.swap(key, cell, bytes(next)) instanceof Swap.Won) {
        return true;
      }
    }
  }

  /// One cell.
  public static class OneCell {
    private final Cells cells = new MemoryCells(16, 0);

    @Operation
    public int read() {
      return value(cells.read(KEY));
    }

    @Operation
    public boolean create() {
      return replace(cells, KEY, 0, 1);
    }

    @Operation
    public boolean change() {
      return replace(cells, KEY, 1, 2);
    }

    @Operation
    public boolean delete() {
      return replace(cells, KEY, 1, 0);
    }

    @Operation
    public boolean deleteChanged() {
      return replace(cells, KEY, 2, 0);
    }
  }

  /// Two cells whose absence has one revision.
  public static class Neighbours {
    private final Cells cells = new MemoryCells(16, 0);

    @Operation
    public boolean createOne() {
      return replace(cells, NEIGHBOUR, 0, 1);
    }

    @Operation
    public boolean deleteOne() {
      return replace(cells, NEIGHBOUR, 1, 0);
    }

    @Operation
    public boolean createOther() {
      return replace(cells, NEIGHBOUR_TOO, 0, 1);
    }

    @Operation
    public boolean deleteOther() {
      return replace(cells, NEIGHBOUR_TOO, 1, 0);
    }
  }

  /// What must be found: a look, and then a write that believes it.
  public static class LookThenWrite {
    private volatile int value;

    @Operation
    public boolean create() {
      if (value != 0) {
        return false;
      }
      value = 1;
      return true;
    }

    @Operation
    public boolean delete() {
      if (value != 1) {
        return false;
      }
      value = 0;
      return true;
    }
  }

  private static ModelCheckingOptions modelChecking() {
    return new ModelCheckingOptions()
        .iterations(FULL ? 50 : 2)
        .invocationsPerIteration(FULL ? 2_000 : 40)
        .threads(2)
        .actorsPerThread(3)
        .actorsBefore(1)
        .actorsAfter(1);
  }

  @Test
  void oneCell_everyInterleaving_isLinearizable() {
    assertThatCode(() -> modelChecking().check(OneCell.class)).doesNotThrowAnyException();
  }

  @Test
  void neighbours_everyInterleaving_areLinearizable() {
    assertThatCode(() -> modelChecking().check(Neighbours.class)).doesNotThrowAnyException();
  }

  @Test
  void oneCell_underStress_isLinearizable() {
    assertThatCode(() ->
            new StressOptions()
                .iterations(FULL ? 50 : 2)
                .invocationsPerIteration(FULL ? 5_000 : 100)
                .threads(2)
                .actorsPerThread(4)
                .check(OneCell.class))
        .doesNotThrowAnyException();
  }

  @Test
  void lookThenWrite_isFound() {
    assertThatThrownBy(() -> modelChecking().check(LookThenWrite.class))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("Invalid execution results");
  }
}
