package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.EngineException;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Cells;
import dev.truce.spi.Journal;
import dev.truce.spi.Journal.Result;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/// The journal over cells where the suite cannot reach: a network that never tells, and damage.
final class CellJournalTest {
  private final TestClock clock = new TestClock();
  private final MemoryEngine memory = MemoryEngine.create(clock);
  private int maxCell = memory.capabilities().maxCell();

  /// Cells that never tell what became of a swap, and let it land when the test says so.
  private final class Silent implements Cells {
    final List<Runnable> underWay = new ArrayList<>();

    @Override
    public Cell read(String key) {
      return memory.cells().read(key);
    }

    @Override
    public Swap swap(String key, Cell expected, byte[] next) {
      underWay.add(() -> memory.cells().swap(key, expected, next));
      return new Swap.Unknown("silence");
    }

    @Override
    public List<String> keys(String prefix) {
      return memory.cells().keys(prefix);
    }

    @Override
    public long draw(int count) {
      return memory.cells().draw(count);
    }
  }

  private Journal healthy() {
    return Journal.over(memory.cells(), maxCell, clock, "docs");
  }

  private static Journal.Unit unit(UUID id, String record) {
    return new Journal.Unit(id, null, _ -> Optional.of(record.getBytes(StandardCharsets.UTF_8)));
  }

  private static Result append(Journal journal, UUID id) {
    return journal.append(List.of(unit(id, "record"))).getFirst();
  }

  /// The appender gives up, somebody looks for the commit, and only then the swap arrives.
  @Test
  void find_afterAnUnknownOutcome_keepsItFromLandingLater() {
    Silent silent = new Silent();
    UUID id = UUID.randomUUID();
    assertThat(append(Journal.over(silent, maxCell, clock, "docs"), id))
        .isInstanceOf(Result.Unknown.class);

    assertThat(healthy().find(id)).isEmpty();
    silent.underWay.forEach(Runnable::run);

    assertThat(healthy().appended()).isZero();
    assertThat(healthy().find(id)).isEmpty();
    assertThat(append(healthy(), id)).isInstanceOf(Result.Refused.class);
  }

  @Test
  void find_unknownOutcomeThatLanded_answersItsPosition() {
    Silent silent = new Silent();
    UUID id = UUID.randomUUID();
    append(Journal.over(silent, maxCell, clock, "docs"), id);
    silent.underWay.forEach(Runnable::run);

    assertThat(healthy().find(id)).contains(new Result.Appended(1));
    assertThat(append(healthy(), id)).isEqualTo(new Result.Appended(1));
    assertThat(healthy().appended()).isEqualTo(1);
  }

  @Test
  void append_placeTakenByOthersMeanwhile_theUnknownSwapCannotLand() {
    Silent silent = new Silent();
    UUID id = UUID.randomUUID();
    append(Journal.over(silent, maxCell, clock, "docs"), id);
    assertThat(append(healthy(), UUID.randomUUID())).isEqualTo(new Result.Appended(1));

    silent.underWay.forEach(Runnable::run);

    assertThat(healthy().appended()).isEqualTo(1);
    assertThat(append(healthy(), id)).isEqualTo(new Result.Appended(2));
  }

  @Test
  void find_engineNeverTells_throwsRatherThanGuess() {
    Journal blind = Journal.over(new Silent(), maxCell, clock, "docs");

    assertThatThrownBy(() -> blind.find(UUID.randomUUID()))
        .isInstanceOfSatisfying(EngineException.class, e -> assertThat(e.retryable()).isTrue());
  }

  @Test
  void read_anyByteOfAnyRecordChanged_isDamageAndNeverServed() {
    append(healthy(), UUID.randomUUID());
    healthy().end("index", 5);
    append(healthy(), UUID.randomUUID());
    for (String key : memory.cells().keys("journal/")) {
      byte[] whole = memory.cells().read(key).bytes();
      for (int at = 0; at < whole.length; at++) {
        byte[] damaged = whole.clone();
        damaged[at] ^= 1;
        memory.cells().swap(key, memory.cells().read(key), damaged);
        assertThatThrownBy(() -> healthy().appended())
            .as("%s, byte %s", key, at)
            .isInstanceOf(EngineException.class);
      }
      memory.cells().swap(key, memory.cells().read(key), whole);
    }
    assertThat(healthy().appended()).isEqualTo(2);
  }

  @Test
  void checkpoint_again_letsGoOfWhatAnEarlierOneLeft() {
    for (int record = 0; record < 10; record++) {
      append(healthy(), UUID.randomUUID());
    }
    int before = size();
    healthy().checkpoint(5, Journal.State.of(new byte[0]));
    healthy().checkpoint(10, Journal.State.of(new byte[0]));

    assertThat(before - size()).isGreaterThanOrEqualTo(10 * "record".length() - 40);
    assertThat(healthy().read(10, 1)).isEqualTo(new Journal.Page.TooOld(11));
  }

  // ---- what a cell has no room for -------------------------------------------------------------

  private static final byte[] LARGE = "x".repeat(1000).getBytes(StandardCharsets.UTF_8);

  private List<String> parts() {
    return memory.cells().keys("journal/part/");
  }

  private static Result appendLarge(Journal journal, UUID id) {
    return journal.append(List.of(new Journal.Unit(id, null, _ -> Optional.of(LARGE)))).getFirst();
  }

  private static byte[] first(Journal journal, long from) {
    return ((Journal.Page.Records) journal.read(from, 1)).entries().getFirst().record();
  }

  @Test
  void parts_ofWhatWasLetGo_areGone() {
    maxCell = 100;
    appendLarge(healthy(), UUID.randomUUID());
    appendLarge(healthy(), UUID.randomUUID());
    assertThat(first(healthy(), 2)).isEqualTo(LARGE);
    assertThat(parts()).hasSize(2 * 15);

    assertThat(healthy().checkpoint(1, Journal.State.of(LARGE))).isTrue();
    assertThat(parts()).as("of a record and of the state").hasSize(2 * 15);
    assertThat(healthy().checkpoint(2, Journal.State.of(LARGE))).isTrue();
    assertThat(parts()).as("of the newer state").hasSize(15);
    assertThat(healthy().checkpoint(2, Journal.State.of(LARGE))).isFalse();
    assertThat(healthy().checkpoint().orElseThrow().all()).isEqualTo(LARGE);

    append(healthy(), UUID.randomUUID());
    assertThat(healthy().checkpoint(3, Journal.State.of(new byte[1]))).isTrue();
    assertThat(parts()).isEmpty();
  }

  /// Somebody is faster, each time, until nothing is in the way any more.
  @Test
  void parts_ofAPlaceThatWasLost_areGone() {
    maxCell = 100;
    int[] faster = {3};
    Cells slow =
        swapping((key, expected, next) -> {
          if (key.endsWith("/docs") && faster[0]-- > 0) {
            append(healthy(), UUID.randomUUID());
          }
          return memory.cells().swap(key, expected, next);
        });

    assertThat(appendLarge(Journal.over(slow, maxCell, clock, "docs"), UUID.randomUUID()))
        .isEqualTo(new Result.Appended(4));

    assertThat(parts()).hasSize(15);
    assertThat(first(healthy(), 4)).isEqualTo(LARGE);
  }

  /// The swap of the place landed, and nobody was told.
  @Test
  void parts_ofAnUnknownOutcomeThatLanded_stay() {
    maxCell = 100;
    boolean[] told = {false};
    Cells mute =
        swapping((key, expected, next) -> {
          Cells.Swap swap = memory.cells().swap(key, expected, next);
          boolean silent = key.endsWith("/docs") && !told[0];
          told[0] |= silent;
          return silent ? new Cells.Swap.Unknown("silence") : swap;
        });

    assertThat(appendLarge(Journal.over(mute, maxCell, clock, "docs"), UUID.randomUUID()))
        .isEqualTo(new Result.Appended(1));
    told[0] = false;
    assertThat(first(healthy(), 1)).isEqualTo(LARGE);
    Journal same = Journal.over(mute, maxCell, clock, "docs");
    assertThat(same.checkpoint(1, Journal.State.of(LARGE))).isTrue();

    assertThat(told[0]).isTrue();
    assertThat(healthy().checkpoint().orElseThrow().all()).isEqualTo(LARGE);
    assertThat(parts()).hasSize(15);
  }

  @Test
  void parts_oneIsMissingOrAnother_isDamageAndNeverServed() {
    maxCell = 100;
    appendLarge(healthy(), UUID.randomUUID());
    appendLarge(healthy(), UUID.randomUUID());
    healthy().checkpoint(1, Journal.State.of(LARGE));
    for (String key : parts()) {
      Cells.Cell whole = memory.cells().read(key);
      byte[] flipped = whole.bytes().clone();
      flipped[flipped.length - 1] ^= 1;
      byte[] another = memory.cells().read(key.replaceAll("/[0-9]+$", "/13")).bytes();
      for (byte[] bytes :
          key.endsWith("/13")
              ? List.of(new byte[0], flipped)
              : List.of(new byte[0], flipped, another)) {
        memory.cells().swap(key, memory.cells().read(key), bytes);
        assertThatThrownBy(
                () -> {
                  first(healthy(), 2);
                  healthy().checkpoint();
                })
            .as(key)
            .isInstanceOfSatisfying(
                EngineException.class,
                e -> assertThat(e.kind()).isEqualTo(EngineException.Kind.DAMAGED));
      }
      memory.cells().swap(key, memory.cells().read(key), whole.bytes());
    }
    assertThat(first(healthy(), 2)).isEqualTo(LARGE);
  }

  /// The parts cannot all be written: nothing is appended, and nothing stays.
  @Test
  void parts_thatCannotBeWritten_areGoneAndNothingIsAppended() {
    maxCell = 100;
    Cells full =
        swapping((key, expected, next) -> {
          if (key.endsWith("/7") && next.length > 0) {
            throw new EngineException(EngineException.Kind.IO, "full");
          }
          return memory.cells().swap(key, expected, next);
        });
    Journal journal = Journal.over(full, maxCell, clock, "docs");

    assertThatThrownBy(() -> appendLarge(journal, UUID.randomUUID()))
        .isInstanceOf(EngineException.class)
        .hasMessage("full");
    append(journal, UUID.randomUUID());
    assertThatThrownBy(() -> journal.checkpoint(1, Journal.State.of(LARGE)))
        .isInstanceOf(EngineException.class)
        .hasMessage("full");

    assertThat(parts()).isEmpty();
    assertThat(healthy().appended()).isEqualTo(1);
    assertThat(healthy().floor()).isZero();
  }

  private interface Swapping {
    Cells.Swap swap(String key, Cells.Cell expected, byte[] next);
  }

  private Cells swapping(Swapping swapping) {
    return new Cells() {
      @Override
      public Cell read(String key) {
        return memory.cells().read(key);
      }

      @Override
      public Swap swap(String key, Cell expected, byte[] next) {
        return swapping.swap(key, expected, next);
      }

      @Override
      public List<String> keys(String prefix) {
        return memory.cells().keys(prefix);
      }

      @Override
      public long draw(int count) {
        return memory.cells().draw(count);
      }
    };
  }

  private int size() {
    return memory.cells().keys("").stream()
        .mapToInt(key -> memory.cells().read(key).bytes().length)
        .sum();
  }
}
