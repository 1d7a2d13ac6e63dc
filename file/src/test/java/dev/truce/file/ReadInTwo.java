package dev.truce.file;

import dev.truce.spi.Storage;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;

/// A disk on which something happens in the middle of every read of one file that goes across a
/// certain byte.
final class ReadInTwo {
  /// What happens.
  interface Event {
    void happen() throws Exception;
  }

  private final long middle;
  private final Event event;

  private ReadInTwo(long middle, Event event) {
    this.middle = middle;
    this.event = event;
  }

  static Storage of(Storage disk, String name, long middle, Event event) {
    ReadInTwo two = new ReadInTwo(middle, event);
    return proxy(
        Storage.class,
        (method, args) -> {
          Object answer = invoke(disk, method, args);
          return method.getName().equals("open") && args[0].equals(name)
              ? two.file((Storage.File) answer)
              : answer;
        });
  }

  private Storage.File file(Storage.File file) {
    return proxy(
        Storage.File.class,
        (method, args) ->
            method.getName().equals("read")
                ? read(file, (ByteBuffer) args[0], (long) args[1])
                : invoke(file, method, args));
  }

  private int read(Storage.File file, ByteBuffer into, long at) throws Exception {
    int first = (int) (middle - at);
    if (first <= 0 || first >= into.remaining()) {
      return file.read(into, at);
    }
    ByteBuffer half = into.slice(into.position(), first);
    while (half.hasRemaining()) {
      file.read(half, at + half.position());
    }
    event.happen();
    into.position(into.position() + first);
    return first + file.read(into, middle);
  }

  private interface Handler {
    Object handle(Method method, Object[] args) throws Throwable;
  }

  private static <T> T proxy(Class<T> type, Handler handler) {
    Object proxy =
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (_, method, args) -> handler.handle(method, args));
    return type.cast(proxy);
  }

  private static Object invoke(Object target, Method method, Object[] args) throws Throwable {
    try {
      return method.invoke(target, args);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
