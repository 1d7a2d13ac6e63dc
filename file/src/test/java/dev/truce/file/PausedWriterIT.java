package dev.truce.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Fence;
import dev.truce.Truce;
import dev.truce.lock.History;
import dev.truce.lock.Lease;
import dev.truce.lock.LockLostException;
import dev.truce.lock.LockStatus;
import dev.truce.spi.Journal;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import dev.truce.testkit.Farm;
import dev.truce.testkit.Replay;
import dev.truce.testkit.Seed;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Guarded writers are stopped at random moments until their leases are over and another has taken
/// over, and go on as if nothing had happened: what they write then is refused.
///
/// Each root has two writers, of which one holds the lease and writes; a thread beside its writing
/// renews it, so that a lease ends only with a pause.
@ExtendWith(Replay.class)
final class PausedWriterIT implements Replay.Seeded {
  private static final int PAUSES = Boolean.getBoolean("truce.full") ? 2_000 : 300;
  private static final int ROOTS = 3;
  private static final String LOCK = "chronicle";
  private static final Duration TERM = Duration.ofMillis(100);
  private static final Duration LONG = Duration.ofSeconds(30);

  private final Seed seed = Seed.choose();

  @Override
  public Seed seed() {
    return seed;
  }

  @Test
  @Timeout(600)
  void writer_pausedPastItsTerm_writesNothingBehindItsFence() throws Exception {
    Farm.run(
        LONG,
        farm -> { // the writers' JVMs all start at once
          List<Future<?>> duels = new ArrayList<>();
          try (ExecutorService threads = Executors.newFixedThreadPool(ROOTS)) {
            for (int root = 0; root < ROOTS; root++) {
              Duel duel =
                  new Duel(farm, farm.directory().resolve("root-" + root), seed.random("" + root));
              int pauses = (PAUSES + root) / ROOTS;
              duels.add(
                  threads.submit(() -> {
                    duel.fight(pauses);
                    return pauses;
                  }));
            }
          }
          for (Future<?> duel : duels) {
            duel.get();
          }
        });
  }

  /// Two writers of one root, and the one that stops them.
  private static final class Duel {
    private final Path root;
    private final FileEngine engine;
    private final Truce eye;
    private final SplittableRandom random;
    private final Set<Long> hadWritten = new HashSet<>();
    private final Map<String, Farm.Worker> writers = new HashMap<>();

    Duel(Farm farm, Path root, SplittableRandom random) throws Exception {
      this.root = root;
      this.random = random;
      engine = FileEngine.open(root);
      eye = Truce.over(engine);
      // Has both journals open from now on: whoever is the first in one is waited for, even
      // stopped.
      eye.lock(LOCK).lease(LONG, Duration.ZERO).release();
      for (int i = 0; i < 2; i++) {
        String name = root.getFileName() + "-writer-" + i;
        writers.put(name, farm.launch(name, Writer.class, root.toString()));
      }
    }

    /// Stops the writer that holds the lease until so many of its writes were refused.
    void fight(int pauses) throws Exception {
      Set<Long> refused = new HashSet<>();
      try (engine;
          eye) {
        while (refused.size() < pauses) {
          LockStatus.Holder holder = holder(0);
          Farm.Worker writer = writers.get(holder.owner().name());
          // Half of them before, and half of them after their first record is on disk.
          if (random.nextBoolean()) {
            if (!saysWrote(writer, holder.token())) {
              continue;
            }
            hadWritten.add(holder.token());
          }
          linger(TERM);
          writer.stop();
          boolean stood = eye.lock(LOCK).status().isCurrent(holder.token());
          if (stood) {
            holder(holder.token());
            linger(TERM.dividedBy(5));
          }
          writer.cont();
          if (stood && saysRefused(writer, holder.token())) {
            refused.add(holder.token());
          }
        }
        for (Farm.Worker writer : writers.values()) {
          assertThat(writer.kill().killed()).isTrue();
        }
        check(eye.history(), refused);
      }
      check(refused);
    }

    /// Who holds the lock with a token above this one, as soon as somebody does.
    private LockStatus.Holder holder(long above) {
      long end = System.nanoTime() + LONG.toNanos();
      while (System.nanoTime() < end) {
        LockStatus status = eye.lock(LOCK).status();
        for (LockStatus.Holder holder : status.holders()) {
          if (holder.token() > above && holder.expiresIn().isPresent()) {
            return holder;
          }
        }
        LockSupport.parkNanos(100_000);
      }
      throw new AssertionError("nobody takes over after " + above + ": " + eye.status());
    }

    private void linger(Duration atMost) {
      LockSupport.parkNanos(random.nextLong(atMost.toNanos()));
    }

    /// Whether it was a write that was refused, and not the lease itself, which was not safe yet
    /// when its writer was stopped.
    private static boolean saysRefused(Farm.Worker writer, long token) {
      String said = saysOf(writer, token);
      return (said.startsWith("wrote") ? saysOf(writer, token) : said).startsWith("refused");
    }

    /// Whether it wrote at all before its lease was over.
    private static boolean saysWrote(Farm.Worker writer, long token) {
      return saysOf(writer, token).startsWith("wrote");
    }

    /// The next that it says of this token.
    private static String saysOf(Farm.Worker writer, long token) {
      while (true) {
        String said = writer.receive();
        if (said.endsWith(" " + token)) {
          return said;
        }
      }
    }

    /// Every lease whose writer was refused ended by its term, and none began after its end.
    private static void check(History history, Set<Long> refused) {
      Set<Long> expired = new HashSet<>();
      for (History.Entry entry : history.entries()) {
        assertThat(expired).as(entry.toString()).doesNotContain(entry.token());
        if (entry.kind() == History.Kind.EXPIRED) {
          expired.add(entry.token());
        }
      }
      assertThat(expired).containsAll(refused);
    }

    /// Reads the journal as it lies on disk: behind the end of a token there is no record with it,
    /// and every token that was refused has its end.
    private void check(Set<Long> refused) throws Exception {
      JournalFiles files = new JournalFiles(new Directory(root).disk(), root, "root");
      Set<Long> ended = new HashSet<>();
      Set<Long> wrote = new HashSet<>();
      for (Note note : Survey.of(files).judge(0).behind()) {
        switch (note) {
          case Note.End end -> ended.add(end.token());
          case Note.Landed landed -> {
            long token = Long.parseLong(new String(landed.record(), UTF_8));
            assertThat(ended).doesNotContain(token);
            wrote.add(token);
          }
          default -> {}
        }
      }
      assertThat(ended).containsAll(refused);
      assertThat(wrote).containsAll(hadWritten);
    }
  }

  /// Takes the lease whenever it can be had, and writes until it is refused.
  public static final class Writer implements Farm.Role {
    /// For the farm.
    public Writer() {}

    @Override
    public void play(Farm.Me me) throws Exception {
      Path root = Path.of(me.arguments().getFirst());
      try (FileEngine engine = FileEngine.existing(root);
          Truce truce = Truce.builder().engine(engine).owner(me.name()).open()) {
        Journal journal = engine.journal("root");
        while (true) {
          try {
            Lease lease = truce.lock(LOCK).lease(TERM, LONG);
            Thread renewing = Thread.ofPlatform().start(() -> renew(lease));
            writeUntilRefused(journal, lease, me);
            me.send("refused " + lease.token());
            renewing.join();
          } catch (LockLostException stoppedBeforeItWasSafe) {
            me.send("lost " + stoppedBeforeItWasSafe.token());
          }
        }
      }
    }

    private static void renew(Lease lease) {
      try {
        while (true) {
          lease.renew();
          LockSupport.parkNanos(TERM.toNanos() / 5);
        }
      } catch (LockLostException lost) {
        // the writer is not told: it finds out by its fence
      }
    }

    private static void writeUntilRefused(Journal journal, Lease lease, Farm.Me me)
        throws InterruptedException {
      Fence fence = lease.fence();
      byte[] record = Long.toString(lease.token()).getBytes(UTF_8);
      boolean first = true;
      while (true) {
        Unit unit = new Unit(UUID.randomUUID(), fence, _ -> Optional.of(record));
        switch (journal.append(List.of(unit)).getFirst()) {
          case Result.Appended(long position) -> {
            boolean durable = journal.awaitDurable(position, LONG);
            if (first && durable) {
              first = false;
              me.send("wrote " + lease.token());
            }
          }
          case Result.Refused _ -> {
            return;
          }
          case Result.Unknown unknown -> throw new AssertionError(unknown.why());
        }
      }
    }
  }
}
