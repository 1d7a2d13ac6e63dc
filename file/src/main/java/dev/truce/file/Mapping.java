package dev.truce.file;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// Maps files until it is closed.
///
/// Closing takes the memory away from every thread at once: an access has either happened before,
/// or it fails with `IllegalStateException`. So no swap can land after its handle was closed, when
/// another process may already have replaced the file, and the hot path pays nothing for that.
final class Mapping implements AutoCloseable {
  private final Arena arena;

  private Mapping(Arena arena) {
    this.arena = arena;
  }

  /// For all threads.
  static Mapping shared() {
    return new Mapping(Arena.ofShared());
  }

  /// For the calling thread alone, and cheap to close.
  static Mapping own() {
    return new Mapping(Arena.ofConfined());
  }

  /// The whole of a file that is known to have `bytes` bytes.
  ByteBuffer map(Path file, long bytes) {
    return Faults.io(
        file,
        () -> {
          try (FileChannel channel =
              FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            if (channel.size() != bytes) {
              throw new IOException(
                  "it has "
                      + channel.size()
                      + " bytes instead of "
                      + bytes
                      + "; run `truce doctor`");
            }
            return channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena).asByteBuffer();
          }
        });
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
