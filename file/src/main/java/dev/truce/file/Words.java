package dev.truce.file;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// The only way shared words are touched: whole, aligned, eight bytes, little endian. Just before
/// each of these accesses a test may let others go on.
final class Words {
  static final int BYTES = 8;

  private static final VarHandle WORD =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private Words() {}

  static long get(ByteBuffer memory, int at) {
    Yield.at(Yield.WORD);
    return (long) WORD.getVolatile(memory, at);
  }

  static void set(ByteBuffer memory, int at, long word) {
    Yield.at(Yield.WORD);
    WORD.setVolatile(memory, at, word);
  }

  static boolean swap(ByteBuffer memory, int at, long expected, long next) {
    Yield.at(Yield.WORD);
    return WORD.compareAndSet(memory, at, expected, next);
  }

  static long add(ByteBuffer memory, int at, long delta) {
    for (; ; ) {
      long word = get(memory, at);
      if (swap(memory, at, word, word + delta)) {
        return word;
      }
    }
  }
}
