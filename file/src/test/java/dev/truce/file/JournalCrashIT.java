package dev.truce.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Fence;
import dev.truce.OutcomeUnknownException;
import dev.truce.spi.Journal.Entry;
import dev.truce.spi.Journal.Page;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import dev.truce.testkit.Crashes;
import dev.truce.testkit.Crashes.Report;
import dev.truce.testkit.SimulatedMachine;
import dev.truce.testkit.SimulatedMachine.Body;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/// The journal on a simulated disk: the power is cut, processes are killed, stopped and
/// interleaved, and calls fail, at every call and at every yield point. What was acknowledged is
/// there, in order, whatever is there was tried, and what is gone never comes back.
final class JournalCrashIT {
  private static final boolean FULL = Boolean.getBoolean("truce.full");
  private static final long LIMIT = Long.getLong("truce.states", FULL ? 200_000 : 100);
  private static final long SLOW_NANOS = Appender.STOPPED_NANOS;
  private static final int DEPTH = FULL ? 3 : 2;
  private static final UUID ROOT = new UUID(7, 7);
  private static final Duration LONG = Duration.ofMinutes(10);

  /// Room for a few records, so that segments change often.
  private static final Segment.Sizes SMALL =
      new Segment.Sizes(dev.truce.file.Page.BYTES + 512, 1 << 16);

  /// A process with the journal open.
  private static final class Life implements AutoCloseable {
    final SimulatedMachine<String>.Worker me;
    final SharedJournal journal;
    final Locks locks;

    Life(SimulatedMachine<String>.Worker me) {
      this.me = me;
      this.locks = Locks.open(Path.of("/root/locks"), me.storage());
      JournalFiles files =
          new JournalFiles(me.storage(), Path.of("/root"), "docs", SMALL, this::chance);
      this.journal =
          SharedJournal.open(
              files,
              locks,
              new Control.Owner(ROOT, "boot " + me.boot()),
              me.ticker(),
              Runnable::run,
              _ -> {});
    }

    private UUID chance() {
      return UUID.nameUUIDFromBytes((me.boot() + me.name() + me.ticker().nanos()).getBytes(UTF_8));
    }

    void append(String... entries) throws InterruptedException {
      Arrays.stream(entries).forEach(me.account()::attempt);
      write(entries);
      Arrays.stream(entries).forEach(me.account()::acknowledge);
    }

    /// The same without account.
    void write(String... entries) throws InterruptedException {
      List<Unit> units = Arrays.stream(entries).map(entry -> unit(entry, null)).toList();
      for (Result result : journal.append(units)) {
        switch (result) {
          case Result.Appended(long position) ->
              assertThat(journal.awaitDurable(position, LONG)).isTrue();
          case Result.Unknown(String why) -> throw new OutcomeUnknownException(why, null);
          case Result.Refused refused -> throw new AssertionError(refused.toString());
        }
      }
    }

    static Unit unit(String entry, Fence fence) {
      return new Unit(
          UUID.nameUUIDFromBytes(entry.getBytes(UTF_8)),
          fence,
          _ -> Optional.of(entry.getBytes(UTF_8)));
    }

    void end(int token) {
      me.account().attempt("end " + token);
      journal.end("lock", token);
      me.account().acknowledge("end " + token);
    }

    /// The tokens that have ended: asked by a unit that is not to be written in any case.
    List<String> ended() {
      List<String> ended = new ArrayList<>();
      for (int token = 1; token < 10; token++) {
        Unit probe =
            new Unit(
                UUID.nameUUIDFromBytes(new byte[] {(byte) token}),
                Fence.of("lock", token),
                _ -> Optional.empty());
        if (((Result.Refused) journal.append(List.of(probe)).getFirst()).fenced() != null) {
          ended.add("end " + token);
        }
      }
      return ended;
    }

    /// All that is there: the state of the checkpoint holds what is below it, a line each.
    List<String> all() {
      List<String> all = new ArrayList<>();
      long from = 1;
      if (journal.read(1, 1) instanceof Page.TooOld(long floor)) {
        String state = new String(journal.checkpoint().orElseThrow(), UTF_8);
        all.addAll(Arrays.asList(state.split("\n")));
        from = floor;
      }
      assertThat(all).hasSize((int) from - 1);
      for (Entry entry : ((Page.Records) journal.read(from, 1000)).entries()) {
        all.add(new String(entry.record(), UTF_8));
      }
      return all;
    }

    /// All that is there stands for itself from now on, but for the last `keep`.
    void checkpoint(int keep) {
      List<String> all = all();
      int upTo = all.size() - keep;
      if (upTo > 0) {
        journal.checkpoint(upTo, String.join("\n", all.subList(0, upTo)).getBytes(UTF_8));
      }
    }

    @Override
    public void close() {
      journal.close();
      locks.close();
    }
  }

  private static void recovers(SimulatedMachine<String>.Worker me) throws Exception {
    try (Life life = new Life(me)) {
      List<String> all = life.all();
      assertThat(life.journal.awaitDurable(all.size(), LONG)).isTrue();
      me.account().settle(all);
      life.append("after " + me.account().attempted().size());
      me.account().check(life.all());
    }
  }

  private static void explore(Crashes<String> crashes, long atLeast) {
    Report report = crashes.explore().orThrow();
    System.out.println(report);
    assertThat(report.states()).isGreaterThanOrEqualTo(Math.min(atLeast, 5_000));
  }

  private static final Body<String> FOUNDED =
      me -> {
        try (Life life = new Life(me)) {
          life.append("0");
        }
      };

  private static Crashes<String> crashes(String name) {
    return Crashes.<String>of(name).recovery(JournalCrashIT::recovers).depth(DEPTH).limit(LIMIT);
  }

  @Test
  void oneProcess_fromNothing() {
    explore(
        crashes("a journal of one process")
            .process(
                "a",
                me -> {
                  try (Life life = new Life(me)) {
                    life.append("1", "2");
                    life.append("3");
                  }
                }),
        LIMIT);
  }

  @Test
  void oneProcess_changingSegments() {
    explore(
        crashes("a journal whose segments are full")
            .setUp(FOUNDED)
            .process(
                "a",
                me -> {
                  try (Life life = new Life(me)) {
                    for (int i = 1; i < 10; i += 3) {
                      life.append("" + i, "" + (i + 1), "" + (i + 2));
                    }
                  }
                }),
        LIMIT);
  }

  @Test
  void oneProcess_takingCheckpoints() {
    explore(
        crashes("a journal with checkpoints")
            .setUp(FOUNDED)
            .process(
                "a",
                me -> {
                  try (Life life = new Life(me)) {
                    life.append("1", "2");
                    life.checkpoint(1);
                    life.append("3", "4");
                    life.checkpoint(0);
                    life.append("5");
                  }
                }),
        LIMIT);
  }

  @Test
  void oneProcess_endingTokens() {
    explore(
        Crashes.<String>of("a journal with ended tokens")
            .process(
                "a",
                me -> {
                  try (Life life = new Life(me)) {
                    life.end(1);
                    life.end(2);
                    life.write("x");
                    life.journal.checkpoint(1, new byte[0]);
                    life.end(3);
                  }
                })
            .recovery(me -> {
              try (Life life = new Life(me)) {
                life.journal.end("other", 1);
                me.account().settle(life.ended());
              }
            })
            .depth(DEPTH)
            .limit(LIMIT),
        LIMIT);
  }

  /// Who looks for a commit in vain acts on that: it must not turn up after a crash.
  @Test
  void twoProcesses_oneLookingForWhatTheOtherAppends() {
    explore(
        crashes("a journal of two processes, one of which gives up")
            .setUp(FOUNDED)
            .process(
                "a",
                me -> {
                  try (Life life = new Life(me)) {
                    me.account().attempt("x");
                    life.journal.append(List.of(Life.unit("x", null)));
                  }
                })
            .process(
                "b",
                me -> {
                  try (Life life = new Life(me)) {
                    me.account().attempt("no x");
                    if (life.journal.find(Life.unit("x", null).commitId()).isEmpty()) {
                      me.account().acknowledge("no x");
                    }
                  }
                })
            .recovery(me -> {
              try (Life life = new Life(me)) {
                boolean there = life.all().contains("x");
                boolean denied = me.account().acknowledged().contains("no x");
                assertThat(there && denied).isFalse();
              }
            })
            .chances(FULL ? 5_000 : 20),
        LIMIT);
  }

  @Test
  void twoProcesses() {
    explore(
        crashes("a journal of two processes")
            .setUp(FOUNDED)
            .process(
                "a",
                me -> {
                  try (Life life = new Life(me)) {
                    life.append("a1", "a2");
                    life.append("a3");
                  }
                })
            .process(
                "b",
                me -> {
                  try (Life life = new Life(me)) {
                    life.append("b1");
                    life.append("b2", "b3");
                  }
                })
            .chances(FULL ? 5_000 : 20),
        LIMIT);
  }

  @Test
  void twoProcesses_oneTakingCheckpoints() {
    explore(
        crashes("a journal of two processes with checkpoints")
            .setUp(FOUNDED)
            .process(
                "a",
                me -> {
                  try (Life life = new Life(me)) {
                    life.append("a1", "a2");
                    life.checkpoint(0);
                    life.append("a3");
                  }
                })
            .process(
                "b",
                me -> {
                  try (Life life = new Life(me)) {
                    life.append("b1");
                    life.append("b2", "b3", "b4");
                    life.append("b5");
                  }
                })
            .chances(FULL ? 5_000 : 20),
        LIMIT);
  }

  /// One holds the append byte for as long as others wait before they seal, and goes on just then:
  /// both change to the next segment at once.
  @Test
  void twoProcesses_oneSlowUntilTheOtherSeals() {
    explore(
        crashes("a journal sealed over somebody slow")
            .setUp(FOUNDED)
            .process(
                "a",
                me -> {
                  try (Life life = new Life(me)) {
                    me.account().attempt("slow");
                    Unit slow =
                        new Unit(
                            Life.unit("slow", null).commitId(),
                            null,
                            _ -> {
                              for (int i = 0; i < 20; i++) {
                                me.ticker().park(life, me.ticker().nanos() + SLOW_NANOS / 20);
                              }
                              return Optional.of("slow".getBytes(UTF_8));
                            });
                    Result result = life.journal.append(List.of(slow)).getFirst();
                    if (result instanceof Result.Appended(long position)) {
                      assertThat(life.journal.awaitDurable(position, LONG)).isTrue();
                      me.account().acknowledge("slow");
                    }
                    life.append("a1", "a2", "a3", "a4");
                  }
                })
            .process(
                "b",
                me -> {
                  try (Life life = new Life(me)) {
                    life.append("b1", "b2");
                    life.append("b3");
                  }
                })
            .faults(false)
            .preemptions(0)
            .chances(FULL ? 20_000 : 400)
            .depth(1),
        LIMIT);
  }
}
