package dev.truce.file;

import dev.truce.file.BasePage.Part;
import dev.truce.spi.Journal;
import dev.truce.spi.Storage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// Bases as files.
///
/// Opening a journal reads what it knows itself, and no byte of the state: that is mapped when
/// somebody asks for it, and checked by who reads all of it or looks whether a root is whole.
final class Bases {
  private static final int PIECE = 1 << 16;

  private Bases() {}

  // ---- reading ----------------------------------------------------------------------------------

  /// What a file says, or `null` when it is gone or damaged.
  static @Nullable Base read(JournalFiles files, JournalFiles.BaseFile base) throws IOException {
    try (Storage.File file = files.storage().open(base.file())) {
      BasePage page = page(files, base, file);
      return page == null ? null : Base.of(page, all(file, page.knowledge()));
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  /// The same, and `null` also when its state is damaged.
  static @Nullable Base readWhole(JournalFiles files, JournalFiles.BaseFile base)
      throws IOException {
    try (Storage.File file = files.storage().open(base.file())) {
      BasePage page = page(files, base, file);
      return page == null || !isWhole(file, page.state())
          ? null
          : Base.of(page, all(file, page.knowledge()));
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  /// The state in a file, of any size, not read yet; `null` when it is damaged.
  ///
  /// @throws NoSuchFileException if it is gone, as it is when a newer one counts
  static Journal.@Nullable Base view(JournalFiles files, JournalFiles.BaseFile base)
      throws IOException {
    try (Storage.File file = files.storage().open(base.file())) {
      BasePage page = page(files, base, file);
      return page == null ? null : View.of(files.path(base.file()), page, file);
    }
  }

  private static @Nullable BasePage page(
      JournalFiles files, JournalFiles.BaseFile base, Storage.File file) throws IOException {
    BasePage page = BasePage.of(files.path(base.file()), JournalFiles.page(file), file.size());
    return page != null
            && page.name().equals(files.digest())
            && page.id().equals(base.id())
            && page.upTo() == base.upTo()
        ? page
        : null;
  }

  private static ByteBuffer all(Storage.File file, Part part) throws IOException {
    return JournalFiles.read(file, part.at(), Math.toIntExact(part.bytes()));
  }

  private static boolean isWhole(Storage.File file, Part part) throws IOException {
    CRC32C crc = new CRC32C();
    read(file, part, crc::update);
    return (int) crc.getValue() == part.crc();
  }

  /// Reads a part to its end, or to the end of the file.
  private static void read(Storage.File file, Part part, Consumer<ByteBuffer> to)
      throws IOException {
    for (long at = part.at(); at < part.end(); ) {
      ByteBuffer piece = JournalFiles.read(file, at, (int) Math.min(PIECE, part.end() - at));
      if (!piece.hasRemaining()) {
        return;
      }
      at += piece.remaining();
      to.accept(piece);
    }
  }

  static int crc(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.duplicate());
    return (int) crc.getValue();
  }

  /// A state as memory, mapped until it is closed or nobody refers to it.
  private static final class View implements Journal.Base {
    private static final Cleaner CLEANER = Cleaner.create();

    private final Path file;
    private final long upTo;
    private final MemorySegment bytes;
    private final int crc;
    private final Cleaner.Cleanable mapping;

    /// @param crc what its bytes have if they are what was written
    private View(Path file, long upTo, MemorySegment bytes, int crc, Arena arena) {
      this.file = file;
      this.upTo = upTo;
      this.bytes = bytes;
      this.crc = crc;
      this.mapping = CLEANER.register(this, arena::close);
    }

    static View of(Path path, BasePage page, Storage.File file) throws IOException {
      Part state = page.state();
      Arena arena = Arena.ofShared();
      try {
        MemorySegment bytes = file.view(state.at(), state.bytes(), arena);
        return new View(path, page.upTo(), bytes, state.crc(), arena);
      } catch (IOException | RuntimeException | Error failure) {
        arena.close();
        throw failure;
      }
    }

    @Override
    public long upTo() {
      return upTo;
    }

    @Override
    public MemorySegment bytes() {
      return bytes;
    }

    @Override
    public byte[] all() {
      byte[] all = read();
      if (Bases.crc(ByteBuffer.wrap(all)) != crc) {
        throw Faults.damaged(file, "its state fails its check", Recovery.NEXT);
      }
      return all;
    }

    private byte[] read() {
      try {
        return Journal.Base.super.all();
      } catch (InternalError e) {
        throw Faults.unmapped(file, e);
      } finally {
        Reference.reachabilityFence(this);
      }
    }

    @Override
    public void close() {
      mapping.clean();
    }
  }

  // ---- writing ----------------------------------------------------------------------------------

  /// Writes a base durably; it does not count yet. What the journal knows is asked for when the
  /// state has been written.
  ///
  /// @throws NoSuchFileException if somebody has removed what was being written, which is done once
  ///   a newer base counts
  static void write(
      JournalFiles files, JournalFiles.BaseFile to, Journal.State state, Faults.Work<Base> knowing)
      throws IOException {
    files.create(
        to.file(),
        Page.BYTES,
        fresh -> {
          Part stated = StateWriter.write(files, to.file(), fresh, state);
          Base base = knowing.run();
          ByteBuffer knowledge = base.knowledge();
          Part known = new Part(stated.end(), knowledge.remaining(), crc(knowledge));
          fresh.write(knowledge, known.at());
          fresh.write(ByteBuffer.wrap(base.page(files.digest(), stated, known).bytes()), 0);
        },
        Yield.JOURNAL_BASE_WRITTEN);
  }

  /// The state in a file, to be written once more.
  static Journal.State state(JournalFiles files, JournalFiles.BaseFile base) {
    return sink ->
        files.<@Nullable Void>io(
            base.file(),
            () -> {
              try (Storage.File file = files.storage().open(base.file())) {
                BasePage page = page(files, base, file);
                if (page == null) {
                  throw Faults.damaged(
                      files.path(base.file()), "it fails its check", Recovery.NEXT);
                }
                read(file, page.state(), sink::write);
              }
              return null;
            });
  }
}
