package dev.truce.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.Truce;
import dev.truce.file.FileEngine;
import dev.truce.lock.LockSet;
import dev.truce.lock.NamedLock;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What the keeper waits for before it gives anything back, nothing cuts short; and before a status
/// is passed on, whether the locks stood is looked at.
class KeeperTest {
  @TempDir private Path temp;

  private Keeper keeper(InputStream shell) {
    PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream(), true, UTF_8);
    Console console = new Console(InputStream.nullInputStream(), nowhere, nowhere, Map.of(), temp);
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
              truce,
              held,
              run,
              new Life(0),
              new Console(System.in, System.out, System.err, Map.of(), temp),
              keeper);
      warden.start();
      Thread.currentThread().interrupt();
      assertThatThrownBy(warden::await).isInstanceOf(IllegalStateException.class);
      assertThat(warden.conclude(false)).isZero();
      warden.await();
    }
  }

  @Test
  void aLossJustBeforeTheEnd_isTheStatus() throws Exception {
    assertThat(revokedAtTheEnd("x")).isEqualTo(new Said(123, LOST + "; it has ended\n"));
    assertThat(revokedAtTheEnd("--on-lost", "kill", "x").status()).isEqualTo(123);
  }

  @Test
  void aLossJustBeforeTheEnd_onLostWarn_isSaidAndTheStatusIsTheCommandsOwn() throws Exception {
    assertThat(revokedAtTheEnd("--on-lost", "warn", "x"))
        .isEqualTo(new Said(0, LOST + " and went on without it\n"));
  }

  @Test
  void aLossJustBeforeTheEnd_ofSeveralLocks_namesTheOneThatIsLost() throws Exception {
    assertThat(revokedAtTheEnd("a", "x").errors())
        .isEqualTo(LOST.replace("under x", "under a") + "; it has ended\n");
  }

  @Test
  void aLossJustBeforeTheEnd_withJson_isOneObject() throws Exception {
    Said said = revokedAtTheEnd("--json", "x");
    assertThat(said.status()).isEqualTo(123);
    assertThat(said.errors())
        .startsWith("{\"schema\":\"truce.error/1\",\"kind\":\"lost\",\"status\":123,")
        .hasLineCount(1);
  }

  @Test
  void aCommandWhoseLocksStand_hasItsOwnStatusInSilence() throws Exception {
    assertThat(atTheEnd(_ -> {}, "a", "x")).isEqualTo(new Said(0, ""));
  }

  private static final String LOST =
      "truce: the command under x has lost x, ended by force by boss@h (own)";

  /// With which status it was stopped, and what people are told.
  private record Said(int status, String errors) {}

  private Said revokedAtTheEnd(String... options) throws Exception {
    return atTheEnd(other -> other.lock("x").revoke("own"), options);
  }

  /// The last look at a run to which this happened since the look before.
  private Said atTheEnd(Consumer<Truce> happens, String... options) throws Exception {
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    PrintStream err = new PrintStream(errors, true, UTF_8);
    RunOptions run = RunOptions.of(Options.parse(Verb.RUN, List.of(options)), true);
    try (Truce truce = Truce.open(temp.resolve(".truce"));
        Truce other =
            Truce.builder()
                .engine(FileEngine.open(temp.resolve(".truce")))
                .owner("boss")
                .host("h")
                .pid(0)
                .open();
        LockSet.Held held =
            truce
                .locks(
                    run.wanted().stream()
                        .map(wanted -> truce.lock(wanted.name()))
                        .toArray(NamedLock[]::new))
                .acquire(Duration.ZERO)) {
      Warden warden =
          new Warden(
              truce,
              held,
              run,
              new Life(0),
              new Console(InputStream.nullInputStream(), err, err, Map.of(), temp),
              keeper(InputStream.nullInputStream()));
      happens.accept(other);
      return new Said(warden.conclude(false), errors.toString(UTF_8));
    }
  }
}
