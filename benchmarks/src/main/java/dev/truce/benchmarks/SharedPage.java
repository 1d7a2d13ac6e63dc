package dev.truce.benchmarks;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// Memory of all workers of one run: what they do under the locks, and the word of the futex.
///
/// What is done under a lock is done with plain accesses. Only a lock that excludes keeps it right.
final class SharedPage {
  static final int BYTES = 4096;

  private static final long COUNTER = 0;
  private static final long RELEASED = 64;
  private static final long FUTEX = 128;
  private static final long WAITS = 192;
  private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();

  private final MemorySegment memory;

  private SharedPage(MemorySegment memory) {
    this.memory = memory;
  }

  /// For as long as the process lives.
  static SharedPage open(Path place) throws IOException {
    try (FileChannel channel =
        FileChannel.open(Workshop.page(place), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      return new SharedPage(channel.map(FileChannel.MapMode.READ_WRITE, 0, BYTES, Arena.global()));
    }
  }

  /// Counts once, under a lock.
  void count() {
    memory.set(ValueLayout.JAVA_LONG, COUNTER, counter() + 1);
  }

  long counter() {
    return memory.get(ValueLayout.JAVA_LONG, COUNTER);
  }

  /// When the lock was given up last, 0 for not yet: under the lock.
  long released() {
    return memory.get(ValueLayout.JAVA_LONG, RELEASED);
  }

  void released(long nanoTime) {
    memory.set(ValueLayout.JAVA_LONG, RELEASED, nanoTime);
  }

  /// Whether the worker of this rank is about to wait for the lock, or does.
  boolean waits(int rank) {
    return (int) INT.getVolatile(memory, WAITS + rank * (long) Integer.BYTES) != 0;
  }

  void waits(int rank, boolean does) {
    INT.setVolatile(memory, WAITS + rank * (long) Integer.BYTES, does ? 1 : 0);
  }

  // ---- the word of the futex

  MemorySegment futex() {
    return memory.asSlice(FUTEX, Integer.BYTES);
  }

  int turn() {
    return (int) INT.getVolatile(memory, FUTEX);
  }

  void turn(int next) {
    INT.setVolatile(memory, FUTEX, next);
  }
}
