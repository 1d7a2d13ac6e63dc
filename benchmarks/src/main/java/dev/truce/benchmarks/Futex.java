package dev.truce.benchmarks;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// futex(2): the fastest that two processes can wake each other.
final class Futex {
  private static final int WAIT = 0;
  private static final int WAKE = 1;

  private static final long NUMBER =
      switch (System.getProperty("os.arch")) {
        case "amd64" -> 202;
        case "aarch64" -> 98;
        default -> -1;
      };

  private Futex() {}

  /// Loaded by who calls it, not by who asks whether it can be called.
  private static final class Native {
    static final MethodHandle SYSCALL = syscall();

    @SuppressWarnings("restricted") // The peer is a system call.
    private static MethodHandle syscall() {
      Linker linker = Linker.nativeLinker();
      return linker.downcallHandle(
          linker.defaultLookup().findOrThrow("syscall"),
          FunctionDescriptor.of(
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.ADDRESS),
          Linker.Option.firstVariadicArg(1));
    }
  }

  /// Whether this machine is of a kind whose number for it is known here.
  static boolean present() {
    return NUMBER >= 0;
  }

  /// Sleeps while the word is `expected`, or not even that long.
  static void await(MemorySegment word, int expected) {
    call(word, WAIT, expected);
  }

  /// Wakes one who sleeps on the word.
  static void wake(MemorySegment word) {
    call(word, WAKE, 1);
  }

  private static void call(MemorySegment word, int operation, int value) {
    try {
      long _ =
          (long)
              Native.SYSCALL.invokeExact(
                  NUMBER, word, (long) operation, (long) value, MemorySegment.NULL);
    } catch (RuntimeException | Error failure) {
      throw failure;
    } catch (Throwable impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
