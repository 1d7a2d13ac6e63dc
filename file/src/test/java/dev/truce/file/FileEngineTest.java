package dev.truce.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.EngineException;
import dev.truce.spi.Cells;
import dev.truce.spi.Cells.Cell;
import dev.truce.spi.Cells.Swap;
import dev.truce.spi.Members;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What one process sees of the directory engine.
final class FileEngineTest {
  private Path place;

  @BeforeEach
  void choosePlace(@TempDir Path temporary) {
    place = temporary.resolve("root");
  }

  @Test
  void existing_refusesWhereThereIsNoRoot_andCreatesNothing() {
    assertThatThrownBy(() -> FileEngine.existing(place))
        .isInstanceOfSatisfying(
            EngineException.class,
            e -> assertThat(e.kind()).isEqualTo(EngineException.Kind.CONFIGURATION));
    assertThat(place).doesNotExist();
  }

  @Test
  void swap_replacesWhatWasRead_once() {
    try (FileEngine engine = FileEngine.open(place)) {
      Cells cells = engine.cells();
      Cell absent = cells.read("a");
      assertThat(cells.swap("a", absent, bytes("one"))).isInstanceOf(Swap.Won.class);
      assertThat(cells.swap("a", absent, bytes("two"))).isInstanceOf(Swap.Lost.class);
      assertThat(cells.read("a").bytes()).asString(UTF_8).isEqualTo("one");
    }
  }

  @Test
  void revision_neverComesBack_whenACellIsDeletedAndMadeAgain() {
    try (FileEngine engine = FileEngine.open(place)) {
      Cells cells = engine.cells();
      Cell absent = cells.read("a");
      Cell first = won(cells.swap("a", absent, bytes("one")));
      Cell gone = won(cells.swap("a", first, new byte[0]));
      Cell again = won(cells.swap("a", cells.read("a"), bytes("one")));
      assertThat(gone.absent()).isTrue();
      assertThat(again.revision()).isNotEqualTo(first.revision());
      assertThat(gone.revision()).isNotEqualTo(absent.revision());
      assertThat(cells.swap("a", first, bytes("x"))).isInstanceOf(Swap.Lost.class);
      assertThat(cells.swap("a", absent, bytes("x"))).isInstanceOf(Swap.Lost.class);
    }
  }

  @Test
  void cellsAndNumbers_outliveTheirHandles() {
    long before;
    try (FileEngine engine = FileEngine.open(place)) {
      engine.cells().swap("a", engine.cells().read("a"), bytes("kept"));
      before = engine.cells().draw(3);
    }
    try (FileEngine engine = FileEngine.existing(place)) {
      assertThat(engine.cells().read("a").bytes()).asString(UTF_8).isEqualTo("kept");
      assertThat(engine.cells().draw(1)).isEqualTo(before + 3);
      assertThat(engine.notes()).isEmpty();
    }
  }

  @Test
  void anotherBoot_forgetsCells_andGoesOnAboveTheCeiling() {
    Host first = new Host("machine", "boot-1");
    long before;
    try (FileEngine engine = FileEngine.open(place, first)) {
      engine.cells().swap("a", engine.cells().read("a"), bytes("kept"));
      before = engine.cells().draw(1);
    }
    try (FileEngine engine = FileEngine.open(place, new Host("machine", "boot-2"))) {
      assertThat(engine.cells().read("a").absent()).isTrue();
      assertThat(engine.cells().draw(1)).isGreaterThan(before + Ceiling.BLOCK - 1);
      assertThat(engine.notes()).isEmpty();
    }
  }

  @Test
  void member_isDeadOnceItsHandleIsClosed() {
    try (FileEngine engine = FileEngine.open(place)) {
      Members members = engine.members();
      long member;
      try (FileEngine other = FileEngine.open(place)) {
        member = other.members().join(bytes("other")).member();
        assertThat(members.standing(member)).isInstanceOf(Members.Standing.Alive.class);
        assertThat(members.description(member)).contains(bytes("other"));
        assertThat(members.list()).containsExactly(member);
        assertThat(members.end(member)).isFalse();
      }
      assertThat(members.standing(member)).isInstanceOf(Members.Standing.Dead.class);
      assertThat(members.end(member)).isTrue();
      assertThat(members.list()).isEmpty();
    }
  }

  @Test
  void aClosedHandle_isRefused_whileAnotherOfTheSameRootWorks() {
    try (FileEngine other = FileEngine.open(place)) {
      FileEngine closed = FileEngine.open(place);
      closed.close();
      assertThatThrownBy(() -> closed.cells().read("a"))
          .isInstanceOfSatisfying(
              EngineException.class,
              e -> assertThat(e.kind()).isEqualTo(EngineException.Kind.CLOSED));
      assertThat(other.cells().read("a").absent()).isTrue();
    }
  }

  private static Cell won(Swap swap) {
    return ((Swap.Won) swap).cell();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }
}
