package dev.truce.benchmarks;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/// flock(2) of a file: what shell scripts exclude each other by.
final class Flock {
  private static final int READ_ONLY = 0;
  private static final int EXCLUSIVE = 2;
  private static final int UNLOCK = 8;

  private final int descriptor;

  private Flock(int descriptor) {
    this.descriptor = descriptor;
  }

  /// Loaded by who locks.
  private static final class Native {
    static final MethodHandle OPEN =
        handle(
            "open",
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    static final MethodHandle FLOCK =
        handle(
            "flock",
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    @SuppressWarnings("restricted") // The peer is a system call.
    private static MethodHandle handle(String name, FunctionDescriptor type) {
      Linker linker = Linker.nativeLinker();
      MemorySegment address = linker.defaultLookup().findOrThrow(name);
      return name.equals("open")
          ? linker.downcallHandle(address, type, Linker.Option.firstVariadicArg(2))
          : linker.downcallHandle(address, type);
    }
  }

  /// Opens the file, until the process ends.
  static Flock of(Path file) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocateFrom(file.toString());
      int descriptor = (int) Native.OPEN.invokeExact(name, READ_ONLY);
      if (descriptor < 0) {
        throw new IOException("cannot open " + file);
      }
      return new Flock(descriptor);
    } catch (IOException | RuntimeException | Error failure) {
      throw failure;
    } catch (Throwable impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  AutoCloseable acquire() throws IOException {
    call(EXCLUSIVE);
    return () -> call(UNLOCK);
  }

  private void call(int operation) throws IOException {
    try {
      if ((int) Native.FLOCK.invokeExact(descriptor, operation) != 0) {
        throw new IOException("flock failed");
      }
    } catch (IOException | RuntimeException | Error failure) {
      throw failure;
    } catch (Throwable impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
