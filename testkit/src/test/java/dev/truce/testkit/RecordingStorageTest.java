package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.spi.Storage;
import dev.truce.testkit.RecordingStorage.Call;
import dev.truce.testkit.RecordingStorage.Kind;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class RecordingStorageTest {
  private final SimulatedDisk disk = new SimulatedDisk();
  private final RecordingStorage storage = new RecordingStorage(disk.process("inner"), "me");

  @Test
  void everyCall_isKeptInOrder_andPassedOn() throws Exception {
    Storage.File file = storage.create("f", 64);
    file.write(ByteBuffer.wrap(new byte[] {1, 2}), 3);
    assertThat(file.read(ByteBuffer.allocate(10), 60)).isEqualTo(4);
    file.flush();
    assertThat(file.size()).isEqualTo(64);
    file.map(8, 16);
    assertThat(file.tryLock(9, false)).isTrue();
    file.unlock(9);
    file.close();
    storage.rename("f", "g");
    assertThat(storage.link("g", "h")).isTrue();
    storage.delete("h");
    storage.sync();
    assertThat(storage.names()).containsExactly("g");
    storage.open("g").close();
    assertThat(storage.calls().stream().map(Call::toString))
        .containsExactly(
            "me: create f of 64",
            "me: write f [3, 5)",
            "me: read f [60, 70)",
            "me: flush f",
            "me: size f",
            "me: map f [8, 24)",
            "me: lock f byte 9",
            "me: unlock f byte 9",
            "me: close f",
            "me: rename f to g",
            "me: link g to h",
            "me: delete h",
            "me: sync",
            "me: names",
            "me: open g",
            "me: close g");
    assertThat(storage.count(Kind.FLUSH, Kind.SYNC)).isEqualTo(2);
    assertThat(disk.state().files()).containsOnlyKeys("g");
    assertThat(disk.state().files().get("g")[4]).isEqualTo((byte) 2);
    assertThat(disk.state().unsafe()).isZero();
  }

  @Test
  void aCallThatFails_isKeptToo() {
    assertThatThrownBy(() -> storage.open("none")).isInstanceOf(NoSuchFileException.class);
    assertThat(storage.calls()).containsExactly(Call.of("me", Kind.OPEN, "none"));
  }
}
