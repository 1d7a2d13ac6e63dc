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
    return Journal.over(memory.cells(), clock, "docs");
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
    assertThat(append(Journal.over(silent, clock, "docs"), id)).isInstanceOf(Result.Unknown.class);

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
    append(Journal.over(silent, clock, "docs"), id);
    silent.underWay.forEach(Runnable::run);

    assertThat(healthy().find(id)).contains(new Result.Appended(1));
    assertThat(append(healthy(), id)).isEqualTo(new Result.Appended(1));
    assertThat(healthy().appended()).isEqualTo(1);
  }

  @Test
  void append_placeTakenByOthersMeanwhile_theUnknownSwapCannotLand() {
    Silent silent = new Silent();
    UUID id = UUID.randomUUID();
    append(Journal.over(silent, clock, "docs"), id);
    assertThat(append(healthy(), UUID.randomUUID())).isEqualTo(new Result.Appended(1));

    silent.underWay.forEach(Runnable::run);

    assertThat(healthy().appended()).isEqualTo(1);
    assertThat(append(healthy(), id)).isEqualTo(new Result.Appended(2));
  }

  @Test
  void find_engineNeverTells_throwsRatherThanGuess() {
    Journal blind = Journal.over(new Silent(), clock, "docs");

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

  private int size() {
    return memory.cells().keys("").stream()
        .mapToInt(key -> memory.cells().read(key).bytes().length)
        .sum();
  }
}
