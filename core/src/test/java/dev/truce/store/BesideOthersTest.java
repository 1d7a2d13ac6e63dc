package dev.truce.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.truce.OutcomeUnknownException;
import dev.truce.Owner;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Capabilities;
import dev.truce.spi.Cells;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import dev.truce.spi.Members;
import dev.truce.spi.Ticker;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A commit that takes long on its way, while others land more than is looked at where it lands:
/// each time, between its last look and its append.
class BesideOthersTest {
  private final Engine memory = MemoryEngine.create();
  private final Store<byte[]> others = stores(memory).store("others", Codec.bytes());
  private Runnable meanwhile = () -> {};
  private Runnable firstSwap = () -> {};
  private Runnable behind = () -> {};
  private int appends;

  private static Stores stores(Engine engine) {
    return Stores.over(
        engine,
        new Owner("w", "h", 1),
        _ -> {},
        UUID::randomUUID,
        InstantSource.system(),
        Runnable::run,
        1,
        null);
  }

  /// The same engine, where something happens around each append and before the first swap.
  private final Engine slow =
      new Engine() {
        private final Cells cells =
            around(Cells.class, memory.cells(), "swap", this::swapping, () -> {});

        private void swapping() {
          Runnable now = firstSwap;
          firstSwap = () -> {};
          now.run();
        }

        private void appending() {
          appends++;
          meanwhile.run();
        }

        @Override
        public String place() {
          return memory.place();
        }

        @Override
        public String root() {
          return memory.root();
        }

        @Override
        public Capabilities capabilities() {
          return memory.capabilities();
        }

        @Override
        public Cells cells() {
          return cells;
        }

        @Override
        public Members members() {
          return memory.members();
        }

        @Override
        public Ticker ticker() {
          return memory.ticker();
        }

        @Override
        public Journal journal(String name) {
          Journal journal = Engine.super.journal(name);
          return around(Journal.class, journal, "append", this::appending, () -> behind.run());
        }

        @Override
        public void close() {
          memory.close();
        }
      };

  private static <T> T around(Class<T> type, T it, String name, Runnable before, Runnable behind) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (_, method, arguments) -> {
              boolean wanted = method.getName().equals(name);
              if (wanted) {
                before.run();
              }
              try {
                Object answer = method.invoke(it, arguments);
                if (wanted) {
                  behind.run();
                }
                return answer;
              } catch (InvocationTargetException failure) {
                throw failure.getCause();
              }
            }));
  }

  @ParameterizedTest
  @CsvSource({"70, 10", "200, 10", "1, 300000", "3, 1000000"})
  void commit_othersLandMoreEachTime_getsThrough(int commits, int bytes) {
    Store<byte[]> mine = stores(slow).store("mine", Codec.bytes());
    mine.put("k", "old".getBytes(UTF_8));
    others.put("k", new byte[1]);
    appends = 0;
    meanwhile =
        () -> {
          for (int i = 0; i < commits; i++) {
            others.put("k" + i, new byte[bytes]);
          }
        };
    mine.withRounds(1).commit(draft -> draft.put("k", "new".getBytes(UTF_8)));
    assertThat(mine.get("k")).hasValue("new".getBytes(UTF_8));
    assertThat(appends).as("times behind").isBetween(2, 6);
  }

  /// What is seen by catching up counts as much as what is seen where it lands.
  @Test
  void commit_catchingUpFindsAClash_runsAgain() {
    Store<byte[]> mine = stores(slow).store("mine", Codec.bytes());
    Store<byte[]> theirs = stores(memory).store("mine", Codec.bytes());
    mine.put("k", "old".getBytes(UTF_8));
    others.put("k", new byte[1]);
    appends = 0;
    meanwhile =
        () -> {
          if (appends <= 2) {
            for (int i = 0; i < 100; i++) {
              others.put("k" + i, new byte[1]);
            }
            theirs.put("k", "theirs".getBytes(UTF_8));
          }
        };
    List<String> read = new ArrayList<>();
    mine.commit(draft -> {
      read.add(new String(draft.get("k").orElseThrow(), UTF_8));
      draft.put("k", "new".getBytes(UTF_8));
    });
    assertThat(read).hasSizeBetween(2, 3).startsWith("old").endsWith("theirs");
    assertThat(mine.get("k")).hasValue("new".getBytes(UTF_8));
  }

  @Test
  void commit_othersLandUnderItsIdAtItsPlace_isTheirs() {
    UUID id = UUID.randomUUID();
    Store<byte[]> mine = stores(slow).store("s", Codec.bytes());
    Store<byte[]> theirs = stores(memory).store("s", Codec.bytes());
    theirs.put("k", "old".getBytes(UTF_8));
    firstSwap = () -> theirs.withId(id).put("k", "theirs".getBytes(UTF_8));
    Store.Updated<byte[]> updated = mine.withId(id).update("k", _ -> "mine".getBytes(UTF_8));
    assertThat(updated.commit().repeated()).isTrue();
    assertThat(updated.value()).asString(UTF_8).isEqualTo("theirs");
    assertThat(theirs.get("k").orElseThrow()).asString(UTF_8).isEqualTo("theirs");
  }

  @Test
  void commit_memoryRunsOutBehindItsAppend_isUnknownAndTold() {
    Store<byte[]> mine = stores(slow).store("s", Codec.bytes());
    mine.put("k", "old".getBytes(UTF_8));
    OutOfMemoryError full = new OutOfMemoryError("by the test");
    behind =
        () -> {
          behind = () -> {};
          throw full;
        };
    OutcomeUnknownException unknown =
        catchThrowableOfType(
            OutcomeUnknownException.class, () -> mine.put("k", "new".getBytes(UTF_8)));
    assertThat(unknown).hasCause(full);
    UUID id = unknown.id().orElseThrow();
    assertThat(mine.withId(id).put("k", "again".getBytes(UTF_8)).repeated()).isTrue();
    assertThat(mine.get("k").orElseThrow()).asString(UTF_8).isEqualTo("new");
  }
}
