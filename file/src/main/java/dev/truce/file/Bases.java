package dev.truce.file;

import dev.truce.spi.Storage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Bases as files.
final class Bases {
  private Bases() {}

  /// What a file says, or `null` when it is gone or damaged.
  static @Nullable Base read(JournalFiles files, JournalFiles.BaseFile base) throws IOException {
    try {
      return open(files, base);
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  /// What a file says, or `null` when it is damaged.
  ///
  /// @throws NoSuchFileException if it is gone, as it is when a newer one counts
  static @Nullable Base open(JournalFiles files, JournalFiles.BaseFile base) throws IOException {
    try (Storage.File file = files.storage().open(base.file())) {
      byte[] bytes = new byte[Math.toIntExact(file.size())];
      ByteBuffer read = JournalFiles.read(file, 0, bytes.length);
      read.get(bytes, 0, read.limit());
      return Base.of(files.path(base.file()), files.digest(), bytes);
    }
  }

  /// Writes a base durably; it does not count yet.
  static void write(JournalFiles files, Base base) throws IOException {
    ByteBuffer bytes = base.bytes(files.digest());
    files.create(
        files.base(base.upTo(), base.id()),
        List.of(bytes),
        bytes.limit(),
        Yield.JOURNAL_BASE_WRITTEN);
  }
}
