package dev.truce.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.EngineException;
import dev.truce.spi.Cells;
import dev.truce.spi.Members.Membership;
import dev.truce.spi.Members.Standing;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Any byte of any file of a closed root, flipped, cut off or zeroed: it is refused with the file's
/// name, or rebuilt and said, or it was a byte that nothing rests on. Numbers only rise.
final class DamageTest {
  private static final boolean FULL = Boolean.getBoolean("truce.full");

  /// Zeros are tried at this distance.
  private static final int COARSE = FULL ? 4099 : 32_771;

  /// Most bytes that are not zero are heads that were never written, all alike: one in so many is
  /// tried.
  private static final int SAMPLE = FULL ? 7 : 397;

  private Path root;
  private long highest;

  @BeforeEach
  void fill(@TempDir Path temporary) {
    root = temporary.resolve("root");
    try (FileEngine engine = FileEngine.open(root)) {
      Cells cells = engine.cells();
      for (int i = 0; i < 40; i++) {
        cells.swap("key-" + i, cells.read("key-" + i), new byte[10 * i + 1]);
      }
      cells.swap("key-3", cells.read("key-3"), new byte[0]);
      cells.swap("kept", cells.read("kept"), "value".getBytes(UTF_8));
      highest = cells.draw(10) + 9;
      engine.members().join("x".getBytes(UTF_8)).close();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"id", "ceiling"})
  void anyByteOfWhatPromisesRestOn_isReported(String name) throws IOException {
    byte[] whole = Files.readAllBytes(root.resolve(name));
    for (int at = 0; at < whole.length; at += at % Page.BYTES < 256 ? 1 : 211) {
      refused(name, whole, flipped(at, 1 << at % 8));
    }
    for (int length = 0; length < whole.length; length += 1021) {
      int cut = length;
      refused(name, whole, bytes -> Arrays.copyOf(bytes, cut));
      refused(name, whole, bytes -> zeroed(bytes, cut));
    }
    assertThat(drawn()).isBetween(highest + 1, highest + 5);
  }

  @Test
  void slotOfALivingMember_isDamaged_itIsNotTakenForDead_andTheDoctorNamesIt() throws IOException {
    try (FileEngine engine = FileEngine.open(root);
        Membership membership = engine.members().join(new byte[] {1})) {
      int slot = Slots.slot(membership.member());
      try (RandomAccessFile members =
          new RandomAccessFile(root.resolve("members").toFile(), "rw")) {
        members.seek(Page.BYTES + slot * 1024L);
        members.write(new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
      }
      assertThat(engine.members().standing(membership.member())).isInstanceOf(Standing.Alive.class);
      assertThat(engine.members().end(membership.member())).isFalse();
      assertThat(FileEngine.examine(root).findings())
          .singleElement()
          .asString()
          .contains("slot " + slot + " fails its check", "a living process");
    }
    try (FileEngine engine = FileEngine.existing(root)) {
      assertThat(FileEngine.examine(root).findings()).isEmpty();
      assertThat(engine.members().list()).isEmpty();
    }
  }

  @Test
  void anyByteOfTheCells_isRebuiltOrHarmless() throws IOException {
    byte[] whole = Files.readAllBytes(root.resolve("cells"));
    for (int at : interesting(whole)) {
      rebuiltOrHarmless("cells", whole, flipped(at, 1 << at % 8));
    }
    for (int length = 0; length < whole.length; length += 65_521) {
      int cut = length;
      rebuiltOrHarmless("cells", whole, bytes -> Arrays.copyOf(bytes, cut));
      rebuiltOrHarmless("cells", whole, bytes -> zeroed(bytes, cut));
    }
  }

  @Test
  void anyByteOfTheMembers_isRebuiltOrHarmless() throws IOException {
    byte[] whole = Files.readAllBytes(root.resolve("members"));
    for (int at : interesting(whole)) {
      rebuiltOrHarmless("members", whole, flipped(at, 1 << at % 8));
    }
    for (int length = 0; length < whole.length; length += 131_071) {
      int cut = length;
      rebuiltOrHarmless("members", whole, bytes -> Arrays.copyOf(bytes, cut));
    }
  }

  @Test
  void adopting_mendsWhatIsDamaged_farAboveAllNumbers() throws IOException {
    byte[] id = Files.readAllBytes(root.resolve("id"));
    Files.write(root.resolve("id"), flipped(30, 1).apply(id));
    long ceiling = FileEngine.adopt(root);
    assertThat(ceiling).isGreaterThan(highest + Ceiling.ADOPTION - 1);
    assertThat(drawn()).isGreaterThan(ceiling);
  }

  @Test
  void aCopy_isRefusedUntilItIsAdopted(@TempDir Path other) throws IOException {
    Path copy = Files.createDirectory(other.resolve("copy"));
    for (String name : new String[] {"id", "ceiling", "cells", "members", "locks"}) {
      Files.copy(root.resolve(name), copy.resolve(name));
    }
    assertThat(failure(copy).kind()).isEqualTo(EngineException.Kind.REFUSED_PLACE);
    FileEngine.adopt(copy);
    root = copy;
    assertThat(drawn()).isGreaterThan(highest + Ceiling.ADOPTION);
  }

  @Test
  void locksDeletedWhileSomebodyIsInside_theNextIsRefusedAndNobodyIsBuried() throws IOException {
    try (FileEngine inside = FileEngine.open(root)) {
      long member = inside.members().join(new byte[] {1}).member();
      Files.delete(root.resolve("locks"));
      for (int i = 0; i < 2; i++) {
        EngineException failure = failure(root);
        assertThat(failure.kind()).isEqualTo(EngineException.Kind.DAMAGED);
        assertThat(failure).hasMessageContaining("locks");
      }
      assertThat(inside.members().list()).containsExactly(member);
      assertThat(inside.members().description(member)).isPresent();
    }
  }

  @Test
  void anotherMachine_isRefused_unlessItIsTheSameBoot() {
    Host here = Host.current();
    FileEngine.open(root, new Host("another", here.boot())).close();
    assertThat(
            failure(() -> FileEngine.open(root, new Host("another", "another boot")).close())
                .kind())
        .isEqualTo(EngineException.Kind.REFUSED_PLACE);
  }

  // ---- judging ----------------------------------------------------------------------------------

  private void refused(String name, byte[] whole, UnaryOperator<byte[]> damage) throws IOException {
    Path file = root.resolve(name);
    byte[] damaged = damage.apply(whole);
    if (Arrays.equals(damaged, whole)) {
      return;
    }
    Files.write(file, damaged);
    EngineException failure = failure(root);
    assertThat(failure.kind()).isEqualTo(EngineException.Kind.DAMAGED);
    assertThat(failure).hasMessageContaining(file.toString());
    Files.write(file, whole);
  }

  private void rebuiltOrHarmless(String name, byte[] whole, UnaryOperator<byte[]> damage)
      throws IOException {
    Files.write(root.resolve(name), damage.apply(whole));
    try (FileEngine engine = FileEngine.open(root)) {
      long next = engine.cells().draw(1);
      assertThat(next).isGreaterThan(highest);
      highest = next;
      byte[] kept = engine.cells().read("kept").bytes();
      if (kept.length == 0) {
        assertThat(engine.notes()).hasSize(1);
        assertThat(engine.notes().getFirst()).startsWith(root.resolve(name).toString());
        engine.cells().swap("kept", engine.cells().read("kept"), "value".getBytes(UTF_8));
      } else {
        assertThat(kept).asString(UTF_8).isEqualTo("value");
      }
    }
  }

  private long drawn() {
    try (FileEngine engine = FileEngine.open(root)) {
      return engine.cells().draw(1);
    }
  }

  private static EngineException failure(Path root) {
    return failure(() -> FileEngine.open(root).close());
  }

  private static EngineException failure(Runnable opening) {
    try {
      opening.run();
    } catch (EngineException e) {
      return e;
    }
    throw new AssertionError("it was opened");
  }

  // ---- damaging ---------------------------------------------------------------------------------

  private static UnaryOperator<byte[]> flipped(int at, int bits) {
    return bytes -> {
      byte[] damaged = bytes.clone();
      damaged[at] ^= (byte) bits;
      return damaged;
    };
  }

  private static byte[] zeroed(byte[] bytes, int from) {
    byte[] damaged = bytes.clone();
    Arrays.fill(damaged, from, Math.min(bytes.length, from + 4096), (byte) 0);
    return damaged;
  }

  private static SortedSet<Integer> interesting(byte[] whole) {
    SortedSet<Integer> at = new TreeSet<>();
    int saying = 0;
    for (int i = 0; i < whole.length; i++) {
      if (i % COARSE == 0 || (whole[i] != 0 && saying++ % SAMPLE == 0)) {
        at.add(i);
      }
    }
    return at;
  }
}
