package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.EngineException;
import dev.truce.OutcomeUnknownException;
import dev.truce.Truce;
import dev.truce.lock.History;
import dev.truce.lock.Lease;
import dev.truce.lock.LockStatus;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A disk that fills up while leases are taken and given back: a small one of its own.
final class FullDiskIT {
  private static final Duration HOUR = Duration.ofHours(1);

  /// Three bytes each: the fuller its records, the sooner a journal is full.
  private static final String LONG_REASON = "\u20ac".repeat(200);

  private static final int SPARES = 30;

  @Test
  @Timeout(60)
  void disk_fillsUpUnderLeases_refusesOrSaysThatItIsUnknown_andLosesNothing(@TempDir Path disk)
      throws Exception {
    String mounted = "mount -t tmpfs -o size=16m none '" + disk + "' && exec \"$@\"";
    List<String> apart = List.of("unshare", "-r", "--mount", "bash", "-c", mounted, "-");
    try (Child child = Child.start(apart, List.of(), "fill", disk)) {
      // It has more to do than a child that only comes to an end.
      assertThat(child.endsWithin(Duration.ofSeconds(50))).isTrue();
      assertThat(child.join()).isZero();
    }
  }

  /// What happens in the process that has the small disk.
  static void fill(Path disk) throws Exception {
    Path root = disk.resolve("root");
    String kept;
    Set<Long> begun = new HashSet<>();
    Set<Long> released = new HashSet<>();
    try (FileEngine engine = FileEngine.open(root);
        Truce truce = Truce.over(engine)) {
      kept = lease(truce, "kept", begun).handle();
      List<Lease> spares = new ArrayList<>();
      for (int i = 0; i < SPARES; i++) {
        spares.add(lease(truce, "spare " + i, begun));
      }
      release(lease(truce, "first", begun), released);
      fillUp(disk.resolve("filler"));
      leaseUntilRefused(truce, begun, released);
      Lease unknown = releaseUntilUnknown(spares, released);
      assertStillSays(truce, kept, unknown);
      Files.delete(disk.resolve("filler"));

      assertThat(truce.lock(unknown.lock()).tryAcquire()).isPresent();
      release(lease(truce, "afterwards", begun), released);
      assertThat(truce.lock("refused").tryAcquire()).isPresent();
      assertAllIsThere(truce.history(), begun, released);
    }
    try (FileEngine engine = FileEngine.existing(root);
        Truce truce = Truce.over(engine)) {
      assertThat(engine.notes()).isEmpty();
      assertThat(truce.lease(kept).isValid()).isTrue();
      assertAllIsThere(truce.history(), begun, released);
    }
    assertThat(FileEngine.verify(root).sound()).isTrue();
  }

  private static Lease lease(Truce truce, String lock, Set<Long> begun) throws Exception {
    Lease lease = truce.lock(lock).withReason(LONG_REASON).lease(HOUR, Duration.ZERO);
    begun.add(lease.token());
    return lease;
  }

  private static void release(Lease lease, Set<Long> released) {
    lease.release();
    released.add(lease.token());
  }

  private static void fillUp(Path filler) {
    ByteBuffer bytes = ByteBuffer.allocate(1 << 12);
    assertThatThrownBy(
            () -> {
              try (FileChannel file =
                  FileChannel.open(filler, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                while (true) {
                  file.write(bytes.clear());
                }
              }
            })
        .isInstanceOf(IOException.class)
        .hasMessageContaining("No space left");
  }

  /// The segments that were written before the disk was full hold a thousand leases and more.
  private static void leaseUntilRefused(Truce truce, Set<Long> begun, Set<Long> released)
      throws Exception {
    while (true) {
      try {
        release(lease(truce, "refused", begun), released);
      } catch (EngineException refused) {
        assertThat(refused.kind()).isEqualTo(EngineException.Kind.IO);
        assertThat(refused).hasMessageContaining("disk is full").hasMessageContaining("free some");
        return;
      } catch (OutcomeUnknownException unknown) {
        assertThat(unknown).hasMessageContaining("disk is full");
      }
    }
  }

  private static Lease releaseUntilUnknown(List<Lease> spares, Set<Long> released) {
    for (Lease spare : spares) {
      try {
        release(spare, released);
      } catch (OutcomeUnknownException unknown) {
        assertThat(unknown)
            .hasMessageContaining(spare.lock())
            .hasMessageContaining("disk is full")
            .hasMessageContaining("nobody else is granted");
        return spare;
      }
    }
    throw new AssertionError("a full disk took " + SPARES + " more ends");
  }

  /// Whoever looks is answered, and what needs no disk goes on; the lock whose end is not safe is
  /// nobody's.
  private static void assertStillSays(Truce truce, String kept, Lease unknown) {
    assertThat(truce.lease(kept).isValid()).isTrue();
    assertThat(truce.lock("other").tryAcquire()).isPresent();
    assertThat(unknown.isValid()).isFalse();
    assertThat(truce.status())
        .extracting(LockStatus::lock)
        .contains("kept", "other", unknown.lock());
    assertThat(truce.lock(unknown.lock()).status().state()).isEqualTo(LockStatus.State.ENDING);
    assertThatThrownBy(() -> truce.lock(unknown.lock()).tryAcquire())
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("disk is full");
  }

  private static void assertAllIsThere(History history, Set<Long> begun, Set<Long> released) {
    assertThat(history.broken()).isEmpty();
    long oldest = history.entries().getFirst().token();
    Set<Long> leased = tokens(history, History.Kind.LEASED);
    Set<Long> ended = tokens(history, History.Kind.RELEASED);
    assertThat(leased).containsAll(begun.stream().filter(token -> token > oldest).toList());
    assertThat(ended).containsAll(released.stream().filter(token -> token > oldest).toList());
  }

  private static Set<Long> tokens(History history, History.Kind kind) {
    Set<Long> tokens = new HashSet<>();
    for (History.Entry entry : history.entries()) {
      if (entry.kind() == kind) {
        tokens.add(entry.token());
      }
    }
    return tokens;
  }
}
