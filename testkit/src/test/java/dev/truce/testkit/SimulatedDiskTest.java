package dev.truce.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.spi.Storage;
import dev.truce.testkit.DiskState.Loss;
import dev.truce.testkit.SimulatedDisk.Fault;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class SimulatedDiskTest {
  private static final VarHandle WORD =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private final SimulatedDisk disk = new SimulatedDisk();
  private final Storage a = disk.process("a");
  private final Storage b = disk.process("b");

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(UTF_8));
  }

  private static ByteBuffer filled(int count, int with) {
    ByteBuffer bytes = ByteBuffer.allocate(count);
    while (bytes.hasRemaining()) {
      bytes.put((byte) with);
    }
    return bytes.flip();
  }

  private static String text(DiskState state, String name, int count) {
    return new String(state.files().get(name), 0, count, UTF_8);
  }

  /// A file that is safe.
  private Storage.File file(String name, int size) throws IOException {
    Storage.File file = a.create(name, size);
    file.flush();
    a.sync();
    return file;
  }

  /// What the first byte of each sector of a file may be after a power cut, as many as there are.
  private Set<String> outcomes(String name) {
    DiskState state = disk.state();
    Set<String> outcomes = new TreeSet<>();
    for (Loss loss : Loss.of(state.pending(), 7)) {
      byte[] left = state.afterPowerCut(loss).files().get(name);
      StringBuilder outcome = new StringBuilder();
      for (int at = 0; left != null && at < left.length; at += Sector.BYTES) {
        outcome.append(left[at]);
      }
      outcomes.add(left == null ? "gone" : outcome.toString());
    }
    return outcomes;
  }

  @Test
  void aWrite_isSeenByOthersAtOnce_andSafeWhenFlushed() throws Exception {
    Storage.File file = file("f", 8);
    ByteBuffer from = bytes("hello");
    file.write(from, 2);
    assertThat(from.hasRemaining()).isFalse();
    ByteBuffer into = ByteBuffer.allocate(100);
    assertThat(b.open("f").read(into, 2)).isEqualTo(6);
    assertThat(into.position()).isEqualTo(6);
    assertThat(new String(into.array(), 0, 5, UTF_8)).isEqualTo("hello");
    assertThat(text(disk.state().afterPowerCut(), "f", 8)).isEqualTo("\0".repeat(8));
    file.flush();
    assertThat(disk.state().unsafe()).isZero();
    assertThat(text(disk.state().afterPowerCut(), "f", 8)).isEqualTo("\0\0hello\0");
  }

  @Test
  void aRead_beyondTheEnd_isOfNothing() throws Exception {
    Storage.File file = a.create("f", 8);
    assertThat(file.read(ByteBuffer.allocate(1), 8)).isZero();
    assertThat(file.read(ByteBuffer.allocate(1), 1000)).isZero();
    assertThat(file.size()).isEqualTo(8);
  }

  @Test
  void aWrite_beyondTheEnd_makesTheFileLonger() throws Exception {
    Storage.File file = file("f", 4);
    file.write(bytes("end"), 2000);
    assertThat(file.size()).isEqualTo(2003);
    assertThat(disk.state().afterPowerCut().files().get("f")).hasSize(4);
    assertThat(outcomes("f")).contains("0", "00", "0000");
  }

  @Test
  void anUnflushedWriteOfTwoSectors_maySurviveInAnyPart() throws Exception {
    Storage.File file = file("f", 1024);
    file.write(filled(1024, 1), 0);
    assertThat(outcomes("f")).containsExactlyInAnyOrder("00", "01", "10", "11");
  }

  @Test
  void unflushedWritesOfDifferentSectors_maySurviveInAnyOrder() throws Exception {
    Storage.File file = file("f", 1536);
    for (int i = 0; i < 3; i++) {
      file.write(filled(1, i + 1), i * 512L);
    }
    assertThat(outcomes("f"))
        .containsExactlyInAnyOrder("000", "100", "020", "003", "120", "103", "023", "123");
  }

  /// Memory is written to the disk in whole sectors: a later change brings an earlier one along.
  @Test
  void aLaterWriteOfOneSector_neverSurvivesWithoutAnEarlierOne() throws Exception {
    Storage.File file = file("f", 16);
    file.write(bytes("a"), 0);
    file.write(bytes("b"), 1);
    Set<String> left = new TreeSet<>();
    DiskState state = disk.state();
    Loss.of(state.pending(), 1).forEach(loss -> left.add(text(state.afterPowerCut(loss), "f", 2)));
    assertThat(left).containsExactlyInAnyOrder("\0\0", "a\0", "ab");
  }

  @Test
  void manyUnflushedWrites_includeEachLostAloneAndEachKeptAlone() throws Exception {
    Storage.File file = file("f", 12 * 512);
    for (int i = 0; i < 12; i++) {
      file.write(filled(1, 1), i * 512L);
    }
    List<String> wanted = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      wanted.add("0".repeat(i) + "1" + "0".repeat(11 - i));
      wanted.add("1".repeat(i) + "0" + "1".repeat(11 - i));
    }
    assertThat(outcomes("f")).containsAll(wanted).contains("0".repeat(12), "1".repeat(12));
  }

  @Test
  void aNewFile_mayBeGone_empty_orWhole_untilItIsFlushedAndSynced() throws Exception {
    Storage.File file = a.create("f", 1024);
    assertThat(outcomes("f")).containsExactlyInAnyOrder("gone", "", "0", "00");
    file.flush();
    assertThat(outcomes("f")).containsExactlyInAnyOrder("gone", "00");
    a.sync();
    assertThat(outcomes("f")).containsExactly("00");
  }

  @Test
  void aRename_isLostOrKept_untilSynced() throws Exception {
    file("old", 8).write(bytes("old"), 0);
    a.open("old").flush();
    Storage.File next = file("new", 8);
    next.write(bytes("new"), 0);
    next.flush();
    a.rename("new", "old");
    assertThat(b.names()).containsExactly("old");
    DiskState state = disk.state();
    assertThat(state.afterPowerCut().files().keySet()).containsExactly("new", "old");
    assertThat(text(state.afterPowerCut(), "old", 3)).isEqualTo("old");
    a.sync();
    assertThat(text(disk.state().afterPowerCut(), "old", 3)).isEqualTo("new");
    assertThat(disk.state().afterPowerCut().files().keySet()).containsExactly("old");
  }

  @Test
  void aDelete_neverSurvivesWithoutTheLinkBeforeIt() throws Exception {
    file("from", 8);
    assertThat(a.link("from", "to")).isTrue();
    assertThat(a.link("from", "to")).isFalse();
    a.delete("from");
    a.delete("from");
    DiskState state = disk.state();
    Set<Set<String>> left = new HashSet<>();
    Loss.of(state.pending(), 1)
        .forEach(loss -> left.add(state.afterPowerCut(loss).files().keySet()));
    assertThat(left).containsExactlyInAnyOrder(Set.of("from"), Set.of("from", "to"), Set.of("to"));
  }

  @Test
  void namesOfDifferentFiles_surviveInAnyOrder() throws Exception {
    a.create("one", 0);
    a.create("two", 0);
    DiskState state = disk.state();
    Set<Set<String>> left = new HashSet<>();
    Loss.of(state.pending(), 1)
        .forEach(loss -> left.add(state.afterPowerCut(loss).files().keySet()));
    assertThat(left)
        .containsExactlyInAnyOrder(Set.of(), Set.of("one"), Set.of("two"), Set.of("one", "two"));
  }

  @Test
  void aDeletedFile_isKeptByWhoHasItOpen() throws Exception {
    Storage.File file = file("f", 8);
    a.delete("f");
    file.write(bytes("still"), 0);
    assertThatThrownBy(() -> b.open("f")).isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> b.rename("f", "g")).isInstanceOf(NoSuchFileException.class);
    assertThat(file.size()).isEqualTo(8);
  }

  @Test
  void aName_isGivenOnce() throws Exception {
    a.create("f", 0);
    assertThatThrownBy(() -> b.create("f", 0)).isInstanceOf(FileAlreadyExistsException.class);
  }

  @Test
  void aMapping_isOneMemoryForAll_andSafeWhenFlushed() throws Exception {
    Storage.File file = file("f", 4096);
    ByteBuffer mine = file.map(0, 64);
    ByteBuffer theirs = b.open("f").map(8, 64);
    assertThat(WORD.compareAndSet(mine, 16, 0L, 5L)).isTrue();
    assertThat((long) WORD.getVolatile(theirs, 8)).isEqualTo(5);
    ByteBuffer read = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    file.read(read, 16);
    assertThat(read.getLong(0)).isEqualTo(5);
    file.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, 6), 16);
    assertThat((long) WORD.getVolatile(theirs, 8)).isEqualTo(6);
    assertThat(disk.state().afterPowerCut().files().get("f")[16]).isZero();
    file.flush();
    assertThat(disk.state().afterPowerCut().files().get("f")[16]).isEqualTo((byte) 6);
  }

  @Test
  void storesIntoAMapping_areLostOrKept_sectorBySector() throws Exception {
    Storage.File file = file("f", 1024);
    ByteBuffer memory = file.map(0, 1024);
    WORD.setVolatile(memory, 0, 1L);
    WORD.setVolatile(memory, 512, 2L);
    assertThat(outcomes("f")).containsExactlyInAnyOrder("00", "10", "02", "12");
  }

  /// The kernel may write a mapped page at any time, so what it held at an earlier call may
  /// survive.
  @Test
  void anEarlierStoreIntoAMapping_maySurviveWithoutALaterOne() throws Exception {
    Storage.File file = file("f", 512);
    ByteBuffer memory = file.map(0, 512);
    WORD.setVolatile(memory, 0, 1L);
    a.sync();
    WORD.setVolatile(memory, 0, 2L);
    assertThat(outcomes("f")).containsExactlyInAnyOrder("0", "1", "2");
  }

  @Test
  void aMapping_outOfTheFile_orUnaligned_isRefused() throws Exception {
    Storage.File file = file("f", 64);
    assertThatThrownBy(() -> file.map(0, 65)).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> file.map(4, 8)).isInstanceOf(IOException.class);
  }

  @Test
  void aLock_isOfOneProcess_untilUnlockedClosedOrDead() throws Exception {
    Storage.File mine = a.create("locks", 0);
    Storage.File theirs = b.open("locks");
    assertThat(mine.tryLock(1000, false)).isTrue();
    assertThat(mine.tryLock(1000, false)).isTrue();
    assertThat(theirs.tryLock(1000, false)).isFalse();
    assertThat(theirs.tryLock(1000, true)).isFalse();
    assertThat(theirs.tryLock(1001, false)).isTrue();
    mine.unlock(1000);
    assertThat(theirs.tryLock(1000, false)).isTrue();
    disk.kill("b");
    assertThat(mine.tryLock(1000, false)).isTrue();
    assertThatThrownBy(() -> theirs.size()).isInstanceOf(Halted.class);
  }

  @Test
  void sharedLocks_excludeOnlyExclusiveOnes() throws Exception {
    Storage.File mine = a.create("locks", 0);
    Storage.File theirs = b.open("locks");
    assertThat(mine.tryLock(0, true)).isTrue();
    assertThat(theirs.tryLock(0, true)).isTrue();
    assertThat(theirs.tryLock(0, false)).isFalse();
    mine.unlock(0);
    assertThat(theirs.tryLock(0, false)).isTrue();
  }

  @Test
  void closingAnyFileOfThatName_endsAllLocksOnIt_asPosixHasIt() throws Exception {
    Storage.File mine = a.create("locks", 0);
    assertThat(mine.tryLock(0, false)).isTrue();
    Storage.File again = a.open("locks");
    again.close();
    again.close();
    assertThat(b.open("locks").tryLock(0, false)).isTrue();
    assertThatThrownBy(again::size).isInstanceOf(ClosedChannelException.class);
  }

  @Test
  void aCall_failsOnce_orFromThenOn() throws Exception {
    Storage.File file = a.create("f", 8);
    disk.fail(disk.calls() + 2, Fault.IO, false);
    file.size();
    assertThatThrownBy(file::size).isInstanceOf(IOException.class).hasMessageContaining("f");
    file.size();
    disk.fail(disk.calls() + 1, Fault.IO, true);
    assertThatThrownBy(file::size).isInstanceOf(IOException.class);
    assertThatThrownBy(a::names).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> b.create("g", 0)).isInstanceOf(IOException.class);
    assertThatThrownBy(a::sync).isInstanceOf(IOException.class);
  }

  @Test
  void afterAFailedFlush_theNextSucceedsAndTheDataIsLost() throws Exception {
    Storage.File file = file("f", 1024);
    file.write(filled(1, 1), 0);
    disk.fail(disk.calls() + 1, Fault.IO, false);
    assertThatThrownBy(file::flush).isInstanceOf(IOException.class);
    file.write(filled(1, 2), 512);
    file.flush();
    assertThat(disk.state().unsafe()).isZero();
    assertThat(outcomes("f")).containsExactly("02");
    assertThat(disk.state().files().get("f")[0]).isEqualTo((byte) 1);
  }

  @Test
  void aFailedWrite_hasWrittenHalf() throws Exception {
    Storage.File file = file("f", 8);
    disk.fail(disk.calls() + 1, Fault.IO, false);
    assertThatThrownBy(() -> file.write(bytes("abcd"), 0)).isInstanceOf(IOException.class);
    assertThat(text(disk.state(), "f", 4)).isEqualTo("ab\0\0");
  }

  @Test
  void aFullDisk_refusesFilesAndGrowth_andNothingElse() throws Exception {
    Storage.File file = file("f", 100);
    disk.limit(150);
    file.write(bytes("inside"), 0);
    assertThatThrownBy(() -> file.write(filled(100, 1), 60))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("No space left");
    assertThat(file.size()).isEqualTo(100);
    assertThatThrownBy(() -> a.create("g", 51)).hasMessageContaining("No space left");
    a.create("g", 50);
    a.delete("f");
    a.create("h", 100);
    disk.fail(disk.calls() + 1, Fault.FULL, true);
    assertThatThrownBy(() -> a.create("i", 0)).hasMessageContaining("No space left");
    a.names();
  }

  @Test
  void aState_startsAnotherDisk_whichLeavesItAlone() throws Exception {
    file("f", 8).write(bytes("one"), 0);
    DiskState state = disk.state();
    Storage later = new SimulatedDisk(state).process("c");
    later.open("f").write(bytes("two"), 0);
    later.create("g", 0);
    assertThat(text(state, "f", 3)).isEqualTo("one");
    assertThat(state.files().keySet()).containsExactly("f");
    assertThat(state.hash()).isEqualTo(disk.state().hash());
  }

  @Test
  void aHash_tellsStatesApart_andNotWhichFileCameFirst() {
    Map<String, byte[]> files = Map.of("a", new byte[1000], "b", new byte[] {1});
    DiskState state = DiskState.of(files);
    assertThat(DiskState.of(files).hash()).isEqualTo(state.hash());
    assertThat(state.withBitFlipped("a", 7999).hash()).isNotEqualTo(state.hash());
    assertThat(state.withBitFlipped("a", 7999).files().get("a")[999]).isEqualTo((byte) 0x80);
    assertThat(DiskState.of(Map.of("a", new byte[1001], "b", new byte[] {1})).hash())
        .isNotEqualTo(state.hash());
    assertThat(DiskState.EMPTY.hash()).isNotEqualTo(state.hash());
  }

  @Test
  void names_comeInNoUsefulOrder() throws Exception {
    a.create("1", 0);
    a.create("2", 0);
    assertThat(a.names()).containsExactly("2", "1");
  }
}
