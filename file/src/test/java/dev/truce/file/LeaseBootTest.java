package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.Fence;
import dev.truce.Truce;
import dev.truce.lock.History;
import dev.truce.lock.Lease;
import dev.truce.lock.LockLostException;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Leases over restarts of the machine, each one another boot id.
class LeaseBootTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Host THIS = Host.current();

  @TempDir private Path temporary;

  private FileEngine boot(int number) {
    return FileEngine.open(temporary.resolve("root"), new Host(THIS.machine(), "boot-" + number));
  }

  @Test
  void lease_overThreeRestarts_standsUntilItIsGivenBack() throws Exception {
    String handle;
    String given;
    long token;
    try (FileEngine engine = boot(1);
        Truce truce = Truce.over(engine)) {
      Lease lease = truce.lock("build").lease(HOUR, Duration.ZERO);
      Lease other = truce.lock("other").lease(HOUR, Duration.ZERO);
      truce.lock("attached").acquire(Duration.ZERO);
      handle = lease.handle();
      token = lease.token();
      given = other.handle();
      other.release();
    }
    for (int number = 2; number <= 3; number++) {
      try (FileEngine engine = boot(number);
          Truce truce = Truce.over(engine)) {
        assertThat(truce.lease(handle).isValid()).isTrue();
        assertThat(truce.lease(handle).token()).isEqualTo(token);
        assertThat(truce.lock("build").tryAcquire()).isEmpty();
        assertThat(truce.lock("attached").tryAcquire()).isPresent();
        assertThat(truce.lock("other").tryAcquire()).isPresent();
        assertThatThrownBy(truce.lease(given)::renew).isInstanceOf(LockLostException.class);
      }
    }
    try (FileEngine engine = boot(4);
        Truce truce = Truce.over(engine)) {
      truce.lease(handle).release();
    }
    try (FileEngine engine = boot(5);
        Truce truce = Truce.over(engine)) {
      assertThat(truce.lock("build").acquire(Duration.ZERO).token()).isGreaterThan(token);
      assertThat(truce.history().broken()).isEmpty();
      assertThat(truce.history().entries())
          .filteredOn(entry -> entry.lock().equals("build"))
          .extracting(History.Entry::kind)
          .containsExactly(
              History.Kind.LEASED,
              History.Kind.RESTORED,
              History.Kind.RESTORED,
              History.Kind.RESTORED,
              History.Kind.RELEASED);
    }
  }

  @Test
  void fence_ofALeaseThatEndedBeforeARestart_isRefusedAfterIt() throws Exception {
    Fence fence;
    try (FileEngine engine = boot(1);
        Truce truce = Truce.over(engine)) {
      Lease lease = truce.lock("build").lease(HOUR, Duration.ZERO);
      fence = lease.fence();
      assertThat(write(engine, fence)).isInstanceOf(Result.Appended.class);
      lease.release();
    }
    try (FileEngine engine = boot(2)) {
      assertThat(write(engine, fence)).isInstanceOf(Result.Refused.class);
    }
  }

  private static Result write(FileEngine engine, Fence fence) {
    Unit unit = new Unit(UUID.randomUUID(), fence, _ -> Optional.of(new byte[] {1}));
    return engine.journal("root").append(List.of(unit)).getFirst();
  }

  /// Openers that race after a restart, each of which takes what it can: no leased lock is had.
  @Test
  void open_eightAtOnceAfterARestart_noneIsGrantedWhatIsLeased() throws Exception {
    List<String> handles = new ArrayList<>();
    try (FileEngine engine = boot(1);
        Truce truce = Truce.over(engine)) {
      for (int lock = 0; lock < 20; lock++) {
        handles.add(truce.lock("lock " + lock).lease(HOUR, Duration.ZERO).handle());
      }
    }
    for (int round = 2; round < 6; round++) {
      int number = round;
      Callable<Integer> opener =
          () -> {
            try (FileEngine engine = boot(number);
                Truce truce = Truce.over(engine)) {
              int had = 0;
              for (int lock = 0; lock < 20; lock++) {
                had += truce.lock("lock " + lock).tryAcquire().isPresent() ? 1 : 0;
                had += truce.lease(handles.get(lock)).isValid() ? 0 : 1;
              }
              return had;
            }
          };
      try (FileEngine keeps = boot(number);
          ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        assertThat(keeps.place()).isNotEmpty();
        for (Future<Integer> had : threads.invokeAll(Collections.nCopies(8, opener))) {
          assertThat(had.get()).isZero();
        }
      }
    }
  }
}
