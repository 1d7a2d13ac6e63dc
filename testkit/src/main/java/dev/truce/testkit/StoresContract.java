package dev.truce.testkit;

import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.truce.Truce;
import dev.truce.spi.Engine;
import dev.truce.store.Codec;
import dev.truce.store.ConflictException;
import dev.truce.store.Draft;
import dev.truce.store.Store;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;

/// What the suites of stores share: handles, each of which stands for a process, and what somebody
/// else does while a body runs.
abstract class StoresContract extends EngineContract {
  private final List<AutoCloseable> open = new ArrayList<>();

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable one : open.reversed()) {
      one.close();
    }
  }

  /// Has it closed behind the test, the last one first.
  final <C extends AutoCloseable> C closing(C one) {
    open.add(one);
    return one;
  }

  final Truce over(Engine engine) {
    return closing(Truce.over(engine));
  }

  final Truce handle() {
    return over(place().open());
  }

  final Store<String> texts(String name) {
    return handle().store(name, Codec.utf8());
  }

  /// Has somebody else do something after each run of the body, before it lands.
  static Consumer<Draft<String>> then(Consumer<Draft<String>> body, Runnable meanwhile) {
    return draft -> {
      body.accept(draft);
      meanwhile.run();
    };
  }

  /// Has somebody else do something after the first run of the body alone.
  static Consumer<Draft<String>> once(Consumer<Draft<String>> body, Runnable meanwhile) {
    AtomicBoolean done = new AtomicBoolean();
    return then(
        body,
        () -> {
          if (!done.getAndSet(true)) {
            meanwhile.run();
          }
        });
  }

  static ConflictException refused(Store<String> store, Consumer<Draft<String>> body) {
    return assertThrows(ConflictException.class, () -> store.commit(body));
  }
}
