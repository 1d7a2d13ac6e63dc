package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import dev.truce.spi.Journal;
import dev.truce.spi.Journal.Entry;
import dev.truce.spi.Journal.Page;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import dev.truce.spi.Storage;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BackupTest {
  private static final Duration LONG = Duration.ofSeconds(10);
  private static final int RECORD_BYTES = 16 << 10;
  private static final String SEGMENT = "journal.root.1";

  @TempDir private Path temp;

  private Path root() {
    return temp.resolve("root");
  }

  private static long append(Journal journal, long number) throws InterruptedException {
    byte[] record =
        ByteBuffer.allocate(RECORD_BYTES).putLong(number).put(RECORD_BYTES - 1, (byte) 1).array();
    Unit unit = new Unit(UUID.randomUUID(), null, tail -> Optional.of(record));
    long position = ((Result.Appended) journal.append(List.of(unit)).getFirst()).position();
    assertThat(journal.awaitDurable(position, LONG)).isTrue();
    return position;
  }

  /// The position of every record is the number that was put into it.
  private static long last(Journal journal) {
    long from = journal.read(1, 1) instanceof Page.TooOld(long floor) ? floor : 1;
    for (; ; ) {
      List<Entry> page = ((Page.Records) journal.read(from, Integer.MAX_VALUE)).entries();
      if (page.isEmpty()) {
        return from - 1;
      }
      for (Entry entry : page) {
        assertThat(ByteBuffer.wrap(entry.record()).getLong()).isEqualTo(entry.position());
        assertThat(entry.position()).isEqualTo(from++);
      }
    }
  }

  /// Segments come and go while it is copied.
  @Test
  void backup_whileOthersWrite_hasAllThatWasSafeBefore() throws Exception {
    try (FileEngine engine = FileEngine.open(root())) {
      Journal journal = engine.journal("root");
      AtomicLong safe = new AtomicLong();
      AtomicBoolean over = new AtomicBoolean();
      FutureTask<Long> writing =
          new FutureTask<>(() -> {
            while (!over.get()) {
              long position = append(journal, safe.get() + 1);
              safe.set(position);
              if (position % 200 == 0) {
                journal.checkpoint(position - 100, Journal.State.of(new byte[] {1}));
              }
            }
            return safe.get();
          });
      Thread.ofPlatform().daemon().start(writing);
      for (int i = 0; i < 5; i++) {
        long before = safe.get();
        Path backup = temp.resolve("backup-" + i);
        FileEngine.backup(root(), backup);
        FileEngine.restore(backup, temp.resolve("restored-" + i));
        try (FileEngine restored = FileEngine.existing(temp.resolve("restored-" + i))) {
          assertThat(last(restored.journal("root"))).isGreaterThanOrEqualTo(before);
          assertThat(restored.notes()).isEmpty();
        }
      }
      over.set(true);
      long all = writing.get(10, TimeUnit.SECONDS);
      assertThat(last(journal)).isEqualTo(all);
    }
  }

  /// The records 3 and 4 come while the piece that they lie in is read: 3 where it was read
  /// already.
  @Test
  void backup_recordsComeInTheMiddleOfARead_hasNoneWithoutTheOneBefore() throws Exception {
    try (FileEngine engine = FileEngine.open(root())) {
      Journal journal = engine.journal("root");
      append(journal, 1);
      AtomicBoolean first = new AtomicBoolean(true);
      Storage disk =
          ReadInTwo.of(
              new Disk(root()),
              SEGMENT,
              end(root().resolve(SEGMENT)) + Frame.HEADER,
              () -> {
                if (first.getAndSet(false)) {
                  append(journal, last(journal) + 1);
                  append(journal, last(journal) + 1);
                }
              });
      Path backup = Files.createDirectory(temp.resolve("backup"));
      Backup.copy(disk, new Disk(backup), backup);
      assertThat(last(journal)).isEqualTo(3);
    }
    FileEngine.restore(temp.resolve("backup"), temp.resolve("new"));
    try (FileEngine restored = FileEngine.existing(temp.resolve("new"))) {
      assertThat(last(restored.journal("root"))).isEqualTo(3);
      assertThat(restored.notes()).isEmpty();
    }
  }

  /// Where what was written ends, but for some zeros.
  private static long end(Path file) throws Exception {
    byte[] bytes = Files.readAllBytes(file);
    int end = bytes.length;
    while (bytes[end - 1] == 0) {
      end--;
    }
    return end;
  }

  @Test
  void backup_aPieceThatNeverStandsStill_isRefused() throws Exception {
    FileEngine.open(root()).close();
    Path backup = Files.createDirectory(temp.resolve("backup"));
    Path ceiling = root().resolve("ceiling");
    Storage disk = ReadInTwo.of(new Disk(root()), "ceiling", 8000, () -> flip(ceiling));
    assertThatThrownBy(() -> Backup.copy(disk, new Disk(backup), backup))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("changes all the time");
    assertThat(backup.resolve(Backup.SUMS)).doesNotExist();
  }

  @Test
  void restore_tokens_areAboveAllThatTheOldRootGivesOut() throws Exception {
    try (FileEngine old = FileEngine.open(root())) {
      FileEngine.backup(root(), temp.resolve("backup"));
      long later = old.cells().draw(1 << 21);
      FileEngine.restore(temp.resolve("backup"), temp.resolve("new"));
      try (FileEngine restored = FileEngine.existing(temp.resolve("new"))) {
        assertThat(restored.cells().draw(1)).isGreaterThan(later + (1 << 21));
      }
    }
  }

  @Test
  void restore_damagedOrCutOff_isRefusedAndMakesNothing() throws Exception {
    try (FileEngine engine = FileEngine.open(root())) {
      append(engine.journal("root"), 1);
    }
    Path backup = temp.resolve("backup");
    FileEngine.backup(root(), backup);
    List<Path> files = new ArrayList<>();
    try (var names = Files.list(backup)) {
      names.filter(file -> !file.endsWith(Backup.SUMS)).forEach(files::add);
    }
    assertThat(files).hasSize(3);
    for (Path file : files) {
      flip(file);
      assertRefused(backup, Kind.DAMAGED, file.toString());
      flip(file);
    }
    Files.delete(backup.resolve(Backup.SUMS));
    assertRefused(backup, Kind.CONFIGURATION, Backup.SUMS);
  }

  /// The state of a checkpoint is read by nobody who opens the root, so it is looked at here.
  @Test
  void backup_ofADamagedState_isRefused() throws Exception {
    try (FileEngine engine = FileEngine.open(root())) {
      Journal journal = engine.journal("root");
      append(journal, 1);
      assertThat(journal.checkpoint(1, Journal.State.of(new byte[100]))).isTrue();
    }
    FileEngine.backup(root(), temp.resolve("whole"));
    Path base;
    try (var files = Files.list(root())) {
      base = files.filter(file -> file.toString().contains(".base.")).findFirst().orElseThrow();
    }
    flip(base, 4096 + 50);
    Path backup = temp.resolve("backup");
    assertThatThrownBy(() -> FileEngine.backup(root(), backup))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining(base.getFileName().toString())
        .hasMessageContaining("--salvage");
    assertThat(backup.resolve(Backup.SUMS)).doesNotExist();

    Path damaged = temp.resolve("whole").resolve(base.getFileName());
    flip(damaged, 4096 + 50);
    Path sums = temp.resolve("whole").resolve(Backup.SUMS);
    Files.writeString(
        sums,
        Files.readString(sums)
            .replaceAll("[0-9a-f]{64}(?=  .*base)", sha256(Files.readAllBytes(damaged))));
    assertRefused(temp.resolve("whole"), Kind.DAMAGED, damaged.toString());
  }

  /// Only an acknowledged record that is not the last tells of damage.
  @Test
  void backup_ofADamagedRecord_isRefused() throws Exception {
    try (FileEngine engine = FileEngine.open(root())) {
      append(engine.journal("root"), 1);
      append(engine.journal("root"), 2);
    }
    FileEngine.backup(root(), temp.resolve("whole"));
    flip(root().resolve(SEGMENT), 4096 + 100);
    Path backup = temp.resolve("backup");
    assertThatThrownBy(() -> FileEngine.backup(root(), backup))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining(backup.resolve(SEGMENT) + " is damaged: record at 4096: ")
        .hasMessageEndingWith("--salvage DIR` saves what is whole")
        .extracting(thrown -> ((EngineException) thrown).kind())
        .isEqualTo(Kind.DAMAGED);
    assertThat(backup.resolve(Backup.SUMS)).doesNotExist();
    assertRefused(backup, Kind.CONFIGURATION, Backup.SUMS);

    Path damaged = temp.resolve("whole").resolve(SEGMENT);
    flip(damaged, 4096 + 100);
    Path sums = temp.resolve("whole").resolve(Backup.SUMS);
    Files.writeString(
        sums,
        Files.readString(sums)
            .replaceAll("[0-9a-f]{64}(?=  " + SEGMENT + ")", sha256(Files.readAllBytes(damaged))));
    assertRefused(temp.resolve("whole"), Kind.DAMAGED, damaged + " is damaged: record at 4096: ");
  }

  /// It was whole when it was looked at.
  @Test
  void restore_damagedWhileItIsCopied_makesNoRoot() throws Exception {
    try (FileEngine engine = FileEngine.open(root())) {
      append(engine.journal("root"), 1);
      append(engine.journal("root"), 2);
    }
    Path backup = temp.resolve("backup");
    FileEngine.backup(root(), backup);
    Path to = temp.resolve("new");
    AtomicBoolean over = new AtomicBoolean();
    Storage disk =
        ReadInTwo.of(
            new Disk(backup),
            SEGMENT,
            4096 + 100,
            () -> {
              if (Files.exists(to) && !over.getAndSet(true)) {
                flip(backup.resolve(SEGMENT), 4096 + 100);
              }
            });
    assertThatThrownBy(() -> Backup.restore(disk, backup, to))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining(to.resolve(SEGMENT) + " is damaged: record at 4096: ")
        .extracting(thrown -> ((EngineException) thrown).kind())
        .isEqualTo(Kind.DAMAGED);
    assertThatThrownBy(() -> FileEngine.existing(to)).isInstanceOf(EngineException.class);
  }

  private static String sha256(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  private static void flip(Path file) throws Exception {
    flip(file, 100);
  }

  private static void flip(Path file, long at) throws Exception {
    try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
      bytes.seek(at);
      int value = bytes.read();
      bytes.seek(at);
      bytes.write(value ^ 1);
    }
  }

  private void assertRefused(Path backup, Kind kind, String named) {
    assertThatThrownBy(() -> FileEngine.restore(backup, temp.resolve("new")))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining(named)
        .extracting(thrown -> ((EngineException) thrown).kind())
        .isEqualTo(kind);
    assertThat(temp.resolve("new")).doesNotExist();
  }

  /// Whatever the umask is: a root is open to nobody else either.
  @Test
  void backupOrSalvage_isForItsOwnerAlone() throws Exception {
    try (FileEngine engine = FileEngine.open(root())) {
      append(engine.journal("root"), 1);
    }
    FileEngine.backup(root(), temp.resolve("backup"));
    FileEngine.salvage(
        root(), temp.resolve("saved"), (damaged, _) -> Journal.State.of(damaged.all()));
    for (Path copy : List.of(temp.resolve("backup"), temp.resolve("saved"))) {
      assertThat(Files.getPosixFilePermissions(copy))
          .isEqualTo(PosixFilePermissions.fromString("rwx------"));
      try (var files = Files.list(copy)) {
        assertThat(files)
            .hasSize(4)
            .allSatisfy(file ->
                assertThat(Files.getPosixFilePermissions(file))
                    .isEqualTo(PosixFilePermissions.fromString("rw-------")));
      }
    }
  }

  @Test
  void backupOrRestore_somethingIsThere_isRefused() throws Exception {
    FileEngine.open(root()).close();
    assertThatThrownBy(() -> FileEngine.backup(root(), root()))
        .extracting(thrown -> ((EngineException) thrown).kind())
        .isEqualTo(Kind.REFUSED_PLACE);
    FileEngine.backup(root(), temp.resolve("backup"));
    assertThatThrownBy(() -> FileEngine.restore(temp.resolve("backup"), root()))
        .extracting(thrown -> ((EngineException) thrown).kind())
        .isEqualTo(Kind.REFUSED_PLACE);
  }
}
