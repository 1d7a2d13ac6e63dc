package dev.truce.file;

import dev.truce.file.BasePage.Part;
import dev.truce.spi.Journal;
import dev.truce.spi.Storage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// The way of a state into its file. It is flushed as it goes, a stretch at a time: a flush of a
/// commit beside it never waits for more than that.
final class StateWriter implements Journal.Sink {
  private final JournalFiles files;
  private final String name;
  private final Storage.File file;
  private final ByteBuffer piece;
  private final CRC32C crc = new CRC32C();
  private long end = Page.BYTES;
  private long flushed = Page.BYTES;
  private @Nullable IOException failure;

  private StateWriter(JournalFiles files, String name, Storage.File file) {
    this.files = files;
    this.name = name;
    this.file = file;
    this.piece = Frame.buffer(files.sizes().piece());
  }

  /// Writes all of a state behind the first page; answers where it lies.
  static Part write(JournalFiles files, String name, Storage.File file, Journal.State state)
      throws IOException {
    StateWriter writer = new StateWriter(files, name, file);
    state.writeTo(writer);
    if (writer.failure != null) {
      throw writer.failure; // whatever the state made of it
    }
    writer.drain();
    return new Part(Page.BYTES, writer.end - Page.BYTES, (int) writer.crc.getValue());
  }

  @Override
  public void write(ByteBuffer bytes) {
    try {
      while (bytes.hasRemaining()) {
        take(bytes);
        if (!piece.hasRemaining()) {
          drain();
        }
      }
    } catch (IOException e) {
      failure = e;
      throw Faults.translated(files.path(name), e);
    }
  }

  private void take(ByteBuffer bytes) {
    int length = Math.min(piece.remaining(), bytes.remaining());
    piece.put(piece.position(), bytes, bytes.position(), length);
    piece.position(piece.position() + length);
    bytes.position(bytes.position() + length);
  }

  private void drain() throws IOException {
    piece.flip();
    int length = piece.remaining();
    crc.update(piece.duplicate());
    file.write(piece, end);
    piece.clear();
    end += length;
    if (end - flushed >= files.sizes().stretch()) {
      file.flush();
      flushed = end;
    }
  }
}
