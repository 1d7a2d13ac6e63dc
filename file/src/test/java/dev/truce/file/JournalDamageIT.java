package dev.truce.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.EngineException;
import dev.truce.Fence;
import dev.truce.spi.Journal;
import dev.truce.spi.Journal.Entry;
import dev.truce.spi.Journal.Page;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Any byte of any file of a closed journal, flipped, cut off or zeroed: it is refused with the
/// file's name, or it was a byte that nothing rests on, and all that was acknowledged is there.
final class JournalDamageIT {
  private static final boolean FULL = Boolean.getBoolean("truce.full");
  private static final String CONTROL = "journal.docs";
  private static final int UNITS = 20;
  private static final int BELOW = 5;

  private Path root;
  private final Map<Path, byte[]> whole = new TreeMap<>();

  @BeforeEach
  void fill(@TempDir Path temporary) throws Exception {
    root = temporary.resolve("root");
    for (int round = 0; round < 2; round++) {
      try (FileEngine engine = FileEngine.open(root)) {
        Journal journal = engine.journal("docs");
        for (int i = 0; i < UNITS / 2; i++) {
          journal.append(List.of(unit(round * UNITS / 2 + i)));
        }
        journal.end("lock", 7);
        if (round == 0) {
          assertThat(journal.checkpoint(BELOW, Journal.State.of("state".getBytes(UTF_8)))).isTrue();
        }
      }
      Files.delete(root.resolve(CONTROL)); // the next one goes on in another segment
    }
    try (FileEngine engine = FileEngine.open(root)) {
      assertThat(engine.journal("docs").appended()).isEqualTo(UNITS);
    }
    for (Path file : files()) {
      whole.put(file, Files.readAllBytes(file));
    }
  }

  private static UUID id(int number) {
    return new UUID(number, number);
  }

  private static Unit unit(int number) {
    return new Unit(id(number), null, _ -> Optional.of(("unit " + number).getBytes(UTF_8)));
  }

  @Test
  void whole_isWhole() throws IOException {
    assertThat(files()).hasSizeGreaterThanOrEqualTo(4);
    assertThat(refusal("whole")).isEmpty();
  }

  @Test
  void anyByteFlipped_isRefusedOrHarmless() throws IOException {
    for (Path file : whole.keySet()) {
      byte[] whole = this.whole.get(file);
      int used = used(whole);
      int step = FULL ? 1 : 61;
      for (int at = 0; at < used; at += at % PAGE < 128 ? Math.min(step, 11) : step) {
        byte[] damaged = whole.clone();
        damaged[at] ^= (byte) (1 << at % 8);
        refusedOrHarmless(file, damaged, at);
      }
    }
  }

  @Test
  void zeroedOrCutOff_isRefusedOrHarmless() throws IOException {
    for (Path file : whole.keySet()) {
      byte[] whole = this.whole.get(file);
      for (int at = 0; at < used(whole); at += FULL ? 64 : 1024) {
        byte[] damaged = whole.clone();
        Arrays.fill(damaged, at, Math.min(at + 512, damaged.length), (byte) 0);
        if (at > 0 || !file.toString().endsWith("." + last())) {
          refusedOrHarmless(file, damaged, at);
        }
        refusedOrHarmless(file, Arrays.copyOf(whole, at), at);
      }
    }
  }

  private static final int PAGE = dev.truce.file.Page.BYTES;

  /// The number of the last segment. Its page may be lost in a crash as long as nothing in it was
  /// acknowledged.
  private int last() {
    return new JournalFiles(new Disk(root), root, "docs")
        .segments().stream().mapToInt(Integer::intValue).max().orElseThrow();
  }

  private List<Path> files() throws IOException {
    try (var files = Files.list(root)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("journal."))
          .sorted()
          .toList();
    }
  }

  private static int used(byte[] whole) {
    int used = whole.length;
    while (used > 0 && whole[used - 1] == 0) {
      used--;
    }
    return used;
  }

  /// Once as this boot finds it, and once as the next does.
  private void refusedOrHarmless(Path file, byte[] damaged, int at) throws IOException {
    for (boolean nextBoot : new boolean[] {false, true}) {
      Files.write(file, damaged);
      if (nextBoot) {
        Files.deleteIfExists(root.resolve(CONTROL));
      }
      String where = file + " at " + at + (nextBoot ? ", next boot" : "");
      Optional<EngineException> refusal = refusal(where);
      if (refusal.isPresent()) {
        assertThat(refusal.get().kind()).as(where).isEqualTo(EngineException.Kind.DAMAGED);
        assertThat(refusal.get()).hasMessageContaining(root.resolve("journal.docs").toString());
      }
      for (Path now : files()) {
        Files.delete(now);
      }
      for (Map.Entry<Path, byte[]> each : whole.entrySet()) {
        Files.write(each.getKey(), each.getValue());
      }
    }
  }

  /// Opens the journal and reads all of it; empty if all that was acknowledged is there.
  private Optional<EngineException> refusal(String where) {
    try (FileEngine engine = FileEngine.existing(root)) {
      Journal journal = engine.journal("docs");
      assertThat(journal.appended()).as(where).isEqualTo(UNITS);
      List<String> records = new ArrayList<>();
      for (Entry entry : ((Page.Records) journal.read(BELOW + 1, UNITS)).entries()) {
        records.add(new String(entry.record(), UTF_8));
      }
      assertThat(records).hasSize(UNITS - BELOW);
      for (int number = 0; number < UNITS; number++) {
        assertThat(journal.find(id(number))).contains(new Result.Appended(number + 1));
        assertThat(number < BELOW || records.get(number - BELOW).equals("unit " + number)).isTrue();
      }
      assertThat(journal.checkpoint().orElseThrow().all()).asString(UTF_8).isEqualTo("state");
      Unit late = new Unit(UUID.randomUUID(), Fence.of("lock", 7), _ -> Optional.empty());
      assertThat(((Result.Refused) journal.append(List.of(late)).getFirst()).fenced()).isNotNull();
      return Optional.empty();
    } catch (EngineException e) {
      return Optional.of(e);
    }
  }
}
