package dev.truce.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.Truce;
import dev.truce.lock.LockSet;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What the keeper waits for before it gives anything back, nothing cuts short.
class KeeperTest {
  @TempDir private Path temp;

  private Keeper keeper(InputStream shell) {
    PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream(), true, UTF_8);
    Console console = new Console(nowhere, nowhere, Map.of(), temp);
    return new Keeper(console, 0, shell, new ByteArrayOutputStream());
  }

  @AfterEach
  void clearTheInterrupt() {
    boolean _ = Thread.interrupted();
  }

  @Test
  void abandonedWhileWaiting_interrupted_doesNotGoOn() {
    try (Truce truce = Truce.open(temp.resolve(".truce"));
        LockSet.Held _ = truce.locks(truce.lock("x")).acquire(Duration.ZERO)) {
      assertThatThrownBy(() -> keeper(new InterruptAtTheEnd()).keep(true, List.of("x")))
          .isInstanceOf(IllegalStateException.class);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /// The pipe of a shell that dies at once.
  private static final class InterruptAtTheEnd extends InputStream {
    @Override
    public int read() {
      Thread.currentThread().interrupt();
      return -1;
    }

    @Override
    public int read(byte[] into, int from, int length) {
      return read();
    }
  }

  @Test
  void awaitOfTheWarden_interrupted_doesNotGoOn() throws Exception {
    try (Truce truce = Truce.inMemory();
        LockSet.Held held = truce.locks(truce.lock("x")).acquire(Duration.ZERO)) {
      RunOptions run = RunOptions.of(Options.parse(Verb.RUN, List.of("x")), true);
      Keeper keeper = keeper(InputStream.nullInputStream());
      Warden warden =
          new Warden(
              held, run, new Life(0), new Console(System.out, System.err, Map.of(), temp), keeper);
      warden.start();
      Thread.currentThread().interrupt();
      assertThatThrownBy(warden::await).isInstanceOf(IllegalStateException.class);
      assertThat(warden.dismiss()).isZero();
      warden.await();
    }
  }
}
