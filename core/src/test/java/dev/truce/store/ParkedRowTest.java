package dev.truce.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.truce.EngineException;
import dev.truce.Owner;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Engine;
import dev.truce.store.CommitRecord.Change;
import dev.truce.store.ParkedRow.Wish;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class ParkedRowTest {
  private static final Owner SOMEBODY = new Owner("näme", "host", 77);

  private static final ParkedRow ROW =
      new ParkedRow(
          new UUID(1, 2),
          Instant.ofEpochMilli(1_000),
          SOMEBODY,
          41,
          3,
          Optional.empty(),
          List.of(
              new Wish(1 << 16, "s", bytes("k"), 7, some("base"), some("")),
              new Wish(0, "new", bytes("l"), 0, Optional.empty(), Optional.empty())));

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  private static Optional<byte[]> some(String text) {
    return Optional.of(bytes(text));
  }

  private static String shown(ParkedRow row) {
    StringBuilder shown = new StringBuilder();
    shown.append(row.commitId()).append(row.at()).append(row.by()).append(row.base());
    shown.append(row.rounds()).append(row.decision());
    for (Wish wish : row.wishes()) {
      shown.append(wish.store()).append(wish.name()).append(Arrays.toString(wish.key()));
      shown.append(wish.revision());
      shown.append(wish.base().map(Arrays::toString));
      shown.append(wish.ours().map(Arrays::toString));
    }
    return shown.toString();
  }

  @Test
  void bytes_readBack_areTheSame() {
    assertThat(shown(ParkedRow.of(ROW.bytes()))).isEqualTo(shown(ROW));
    ParkedRow decided =
        ROW.decided(new Parked.Decision(SOMEBODY, Instant.ofEpochMilli(2_000), "ours"));
    assertThat(shown(ParkedRow.of(decided.bytes()))).isEqualTo(shown(decided));
  }

  /// Whatever is not whole is said to be so, and nothing is made of lengths that are not true.
  @Test
  void of_bytesThatAreCutOffOrWrong_isDamage() {
    byte[] whole = ROW.bytes();
    for (int length = 1; length < whole.length; length++) {
      byte[] part = Arrays.copyOf(whole, length);
      assertThatExceptionOfType(EngineException.class)
          .as("%d bytes", length)
          .isThrownBy(() -> ParkedRow.of(part))
          .matches(e -> e.kind() == EngineException.Kind.DAMAGED);
    }
    for (int at = 1; at < whole.length; at++) {
      byte[] wrong = whole.clone();
      wrong[at] ^= (byte) 0x80;
      try {
        assertThat(ParkedRow.of(wrong)).isNotNull();
      } catch (EngineException damaged) {
        assertThat(damaged.kind()).isEqualTo(EngineException.Kind.DAMAGED);
      }
    }
    byte[] newer = whole.clone();
    newer[0] = 2;
    assertThatExceptionOfType(EngineException.class)
        .isThrownBy(() -> ParkedRow.of(newer))
        .matches(e -> e.kind() == EngineException.Kind.CONFIGURATION);
  }

  @Test
  void name_isInTheOrderOfTime_andOfAllThatIsByChance() {
    Instant at = Instant.ofEpochMilli(1_000_000);
    String one = ParkedRow.name(at, new UUID(0, 0));
    assertThat(one).hasSize(26).matches("[0-9A-HJKMNP-TV-Z]+");
    assertThat(ParkedRow.name(at.plusMillis(1), new UUID(0, 0))).isGreaterThan(one);
    assertThat(ParkedRow.name(at, new UUID(0, 1))).isGreaterThan(one);
    assertThat(ParkedRow.name(at, new UUID(1, 0))).isGreaterThan(one);
    assertThat(ParkedRow.name(at, new UUID(0x8000, -1)))
        .isGreaterThan(ParkedRow.name(at, new UUID(0x7fff, -1)))
        .isLessThan(ParkedRow.name(at.plusMillis(1), new UUID(0, 0)));
    assertThat(ParkedRow.name(Instant.EPOCH, new UUID(0, 31))).isEqualTo("0".repeat(25) + "Z");
  }

  private static Root with(Root root, byte[] key, int bytes) {
    return new Root(
        root.run(),
        root.delta().with(SpaceKey.of(0, key), Item.of(1, new byte[bytes])),
        root.revision());
  }

  @Test
  void noRoom_forMoreThanTheirNumberOrBytes() {
    Root root = Root.EMPTY;
    for (int i = 0; i < ParkedRow.MOST_OPEN; i++) {
      if (i % 1_000 == 0) {
        assertThat(ParkedRow.noRoom(root, 1)).isEmpty();
      }
      root = with(root, ParkedRow.open("" + i), 1);
    }
    assertThat(ParkedRow.noRoom(root, 1).orElseThrow()).contains("10000 wait");
    Root large = Root.EMPTY;
    for (int i = 0; i < 60; i++) {
      large = with(large, ParkedRow.open("large" + i), 1 << 20);
    }
    assertThat(ParkedRow.noRoom(large, 4 << 20)).isEmpty();
    assertThat(ParkedRow.noRoom(large, (4 << 20) + 1)).isPresent();
    assertThat(ParkedRow.noRoom(Root.EMPTY, ParkedRow.MOST_EACH)).isEmpty();
    assertThat(ParkedRow.noRoom(Root.EMPTY, ParkedRow.MOST_EACH + 1)).isPresent();
    assertThat(ParkedRow.noRoom(with(Root.EMPTY, ParkedRow.decided("d"), 1 << 20), 1 << 20))
        .isEmpty();
  }

  /// Of those that were decided the newest thousand stay, the one that is decided now among them.
  @Test
  void decide_manyWereDecided_theOldestGo() {
    Root root =
        new Root(
            Root.EMPTY.run(),
            Root.EMPTY.delta().with(SpaceKey.of(0, ParkedRow.open("X")), Item.of(1, ROW.bytes())),
            5);
    for (int i = 1_000; i < 2_003; i++) {
      root = with(root, ParkedRow.decided("" + i), 1);
    }
    Writes writes = new Writes(root, false);
    Engine engine = MemoryEngine.create();
    Replica replica =
        new Replica(
            engine.journal("root"),
            () -> "here",
            new Pins(engine, 1, SOMEBODY),
            Retention.Sizes.USUAL);
    Wish gone = ROW.wishes().getFirst();
    new Aside(replica, SOMEBODY, InstantSource.fixed(Instant.EPOCH))
        .decide(
            writes,
            "X",
            List.of(new Aside.Shown("s", SpaceKey.key(SpaceKey.of(0, gone.key())), 0)),
            null,
            _ -> Resolution.keepTheirs());
    List<String> removed =
        writes.rows().changes().values().stream()
            .filter(change -> change.value() == null)
            .map(Change::key)
            .map(key -> new String(key, UTF_8))
            .toList();
    assertThat(removed).containsExactly("c/X", "r/1000", "r/1001", "r/1002", "r/1003");
  }

  @Test
  void forgotten_ofLargeOnes_areTheOldest() {
    Root root = Root.EMPTY;
    for (int i = 0; i < 9; i++) {
      root = with(root, ParkedRow.decided("" + i), 10 << 20);
    }
    assertThat(ParkedRow.forgotten(root, 4 << 20).stream().map(ParkedRow::id))
        .containsExactlyInAnyOrder("0", "1", "2");
    assertThat(ParkedRow.forgotten(Root.EMPTY, ParkedRow.MOST_EACH)).isEmpty();
  }
}
