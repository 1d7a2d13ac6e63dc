package dev.truce.file;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Sleeping in the kernel on a word of shared memory, and waking who sleeps there: `futex(2)`, the
/// only native call of Truce.
///
/// The first native call of a JVM costs some 30 ms, so nothing loads this but a thread that has
/// already waited longer, or a process that wakes sleepers again and again. Where native access is
/// not enabled, or the processor is another, there is none, without a warning: sleepers look by
/// themselves now and then.
final class Futex {
  private static final long WAIT = 0;
  private static final long WAKE = 1;
  private static final long EVERYBODY = Integer.MAX_VALUE;
  private static final long NONE = 0;

  private static volatile @Nullable Futex loaded;
  private static boolean tried;

  private final long number;

  private Futex(long number) {
    this.number = number;
  }

  /// The call itself: a constant, so that it is compiled to one.
  private static final class Syscall {
    static final MethodHandle HANDLE = link();

    private Syscall() {}

    @SuppressWarnings("restricted")
    private static MethodHandle link() {
      Linker linker = Linker.nativeLinker();
      return linker.downcallHandle(
          linker.defaultLookup().findOrThrow("syscall"),
          FunctionDescriptor.of(
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG),
          Linker.Option.firstVariadicArg(1));
    }
  }

  /// This process's futex, if it was loaded before.
  static @Nullable Futex loaded() {
    return loaded;
  }

  /// Loads it, at the first call; `null` if that cannot be.
  static synchronized @Nullable Futex load() {
    if (!tried) {
      tried = true;
      long number = number(System.getProperty("os.arch", ""));
      if (number >= 0 && Futex.class.getModule().isNativeAccessEnabled()) {
        loaded = linked(number);
      }
    }
    return loaded;
  }

  private static long number(String processor) {
    return switch (processor) {
      case "amd64" -> 202;
      case "aarch64", "riscv64" -> 98;
      default -> -1;
    };
  }

  private static @Nullable Futex linked(long number) {
    if (Linker.nativeLinker().defaultLookup().find("syscall").isEmpty()) {
      return null;
    }
    Objects.requireNonNull(Syscall.HANDLE); // linked now, not by the first who sleeps
    return new Futex(number);
  }

  /// A time limit below a second that one thread sleeps with again and again.
  static final class Limit {
    private final ByteBuffer timespec =
        ByteBuffer.allocateDirect(2 * Long.BYTES).order(ByteOrder.nativeOrder());

    Limit of(long nanos) {
      timespec.putLong(Long.BYTES, nanos);
      return this;
    }
  }

  /// Sleeps until woken, at most as long as the limit says, unless the word is no longer `seen`.
  void sleep(long address, int seen, Limit limit) {
    call(address, WAIT, seen, MemorySegment.ofBuffer(limit.timespec).address());
  }

  void wake(long address) {
    wake(address, true);
  }

  /// Wakes everybody, or one of them.
  void wake(long address, boolean everybody) {
    call(address, WAKE, everybody ? EVERYBODY : 1, NONE);
  }

  private void call(long address, long operation, long value, long timespec) {
    try {
      long _ = (long) Syscall.HANDLE.invokeExact(number, address, operation, value, timespec);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("a system call throws nothing", e);
    }
  }
}
