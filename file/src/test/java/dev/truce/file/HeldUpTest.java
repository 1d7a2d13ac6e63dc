package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.EngineException;
import dev.truce.spi.Journal;
import dev.truce.spi.Journal.State;
import dev.truce.spi.Storage;
import dev.truce.testkit.Account;
import dev.truce.testkit.DiskState;
import dev.truce.testkit.Schedule;
import dev.truce.testkit.SimulatedMachine;
import dev.truce.testkit.SimulatedMachine.Outcome;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Calls to the disk that take long, and what others do meanwhile: checkpoints beside records that
/// are written once more, a checkpoint beside a backup, a segment that is let go.
final class HeldUpTest {
  /// Is told of each call to a file.
  private interface Hook {
    void on(String method, String file, boolean before) throws Exception;
  }

  private static Storage hooked(Storage disk, Hook hook) {
    return proxy(
        Storage.class,
        (method, arguments) -> {
          if (method.getName().equals("open")) {
            hook.on("open", (String) arguments[0], true);
          }
          Object answer = call(disk, method, arguments);
          return answer instanceof Storage.File file
              ? hooked(file, (String) arguments[0], hook)
              : answer;
        });
  }

  private static Storage.File hooked(Storage.File file, String name, Hook hook) {
    return proxy(
        Storage.File.class,
        (method, arguments) -> {
          hook.on(method.getName(), name, true);
          Object answer = call(file, method, arguments);
          hook.on(method.getName(), name, false);
          return answer;
        });
  }

  private interface Handler {
    Object handle(Method method, Object[] arguments) throws Throwable;
  }

  private static <T> T proxy(Class<T> type, Handler handler) {
    return type.cast(
        Proxy.newProxyInstance(
            HeldUpTest.class.getClassLoader(),
            new Class<?>[] {type},
            (_, method, arguments) -> handler.handle(method, arguments)));
  }

  private static Object call(Object target, Method method, Object[] arguments) throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private static void nap(SimulatedMachine<String>.Worker me, long millis) {
    me.ticker().park(me, me.ticker().nanos() + Duration.ofMillis(millis).toNanos());
  }

  /// Where a slow flush or write of one file is held up, once.
  private static Storage slow(
      SimulatedMachine<String>.Worker me, String method, String file, long millis) {
    boolean[] held = {false};
    return hooked(
        me.storage(),
        (called, name, before) -> {
          if (before && !held[0] && called.equals(method) && name.matches(file)) {
            held[0] = true;
            nap(me, millis);
          }
        });
  }

  private static DiskState founded(int values) {
    return new SimulatedMachine<>(DiskState.EMPTY, new Account<String>())
        .process(
            "set up",
            me -> {
              try (SimulatedJournal journal = new SimulatedJournal(me)) {
                for (int i = 0; i < values; i++) {
                  journal.append("a" + i);
                }
                assertThat(journal.checkpoint(1)).isTrue();
              }
            })
        .run(Schedule.PLAIN)
        .orThrow()
        .disk();
  }

  /// By the next to open it, on this boot and on another, all that was acknowledged is found.
  private static void opensAgain(Outcome<String> outcome) {
    Map<String, byte[]> files = new HashMap<>(outcome.disk().files());
    files.keySet().removeAll(Set.of("journal.j", Locks.NAME));
    for (DiskState disk : List.of(outcome.disk(), DiskState.of(files))) {
      Account<String> account = new Account<>();
      new SimulatedMachine<>(disk, account)
          .process(
              "after",
              me -> {
                try (SimulatedJournal journal = new SimulatedJournal(me)) {
                  assertThat(journal.values())
                      .containsAll(
                          outcome.account().acknowledged().stream()
                              .filter(value -> !value.startsWith("!"))
                              .toList());
                }
              })
          .run(Schedule.PLAIN)
          .orThrow();
    }
  }

  /// It read what was durable, and moves the journal to before where the base begins.
  @Test
  void checkpoint_besideOneWhoIsSlowToWriteOnceMore_beginsWhereTheJournalLeads() {
    Outcome<String> outcome =
        new SimulatedMachine<>(founded(30), new Account<String>())
            .process(
                "flusher",
                me -> {
                  SimulatedJournal journal =
                      new SimulatedJournal(me, slow(me, "flush", "journal\\.j\\.[0-9]+", 150));
                  nap(me, 5);
                  journal.append("f1");
                })
            .process(
                "checkpointer",
                me -> {
                  SimulatedJournal journal = new SimulatedJournal(me);
                  nap(me, 60);
                  journal.checkpoint(0);
                  journal.append("c1");
                })
            .process(
                "rewriter",
                me -> {
                  nap(me, 10);
                  new SimulatedJournal(me, slow(me, "write", "journal\\.j\\.4", 120)).append("r1");
                })
            .run(Schedule.PLAIN)
            .orThrow();
    assertThat(outcome.account().acknowledged()).contains("f1", "c1", "r1");
    opensAgain(outcome);
  }

  /// Whoever has the turn stops in the middle of its state, for longer than others wait; when it
  /// goes on, what it had written is gone.
  @Test
  void checkpoint_whoseProcessStopsInTheMiddleOfItsState_isTakenByAnother() {
    List<Boolean> taken = new ArrayList<>();
    Outcome<String> outcome =
        new SimulatedMachine<>(founded(9), new Account<String>())
            .process(
                "stopped",
                me -> {
                  SimulatedJournal journal = new SimulatedJournal(me);
                  State state =
                      sink -> {
                        sink.write(ByteBuffer.allocate(500));
                        nap(me, 60_000);
                        sink.write(ByteBuffer.allocate(500));
                      };
                  taken.add(journal.journal().checkpoint(9, state));
                  assertThat(journal.journal().floor()).isEqualTo(9);
                  journal.append("s1");
                })
            .process(
                "other",
                me -> {
                  nap(me, 100);
                  SimulatedJournal journal = new SimulatedJournal(me);
                  long start = me.ticker().nanos();
                  taken.add(journal.checkpoint(0));
                  assertThat(Duration.ofNanos(me.ticker().nanos() - start))
                      .isBetween(Duration.ofSeconds(10), Duration.ofSeconds(25));
                  assertThat(me.storage().names())
                      .noneMatch(name -> name.endsWith(".tmp"))
                      .filteredOn(name -> name.contains(".base."))
                      .hasSize(1);
                })
            .run(Schedule.PLAIN)
            .orThrow();
    assertThat(taken).containsExactly(true, false);
    assertThat(outcome.disk().files().keySet())
        .noneMatch(name -> name.endsWith(".tmp"))
        .filteredOn(name -> name.contains(".base."))
        .hasSize(1);
    opensAgain(outcome);
  }

  /// Another thread of the process reads on past a checkpoint, which lets the segment go.
  @Test
  void appender_heldUpInASegmentThatOthersLeft_isNoFailureOfTheDisk() {
    Outcome<String> outcome =
        new SimulatedMachine<>(DiskState.EMPTY, new Account<String>())
            .process(
                "held up",
                me -> {
                  SimulatedJournal[] journal = {null};
                  boolean[] armed = {false};
                  Storage disk =
                      hooked(
                          me.storage(),
                          (method, file, before) -> {
                            if (armed[0] && !before && method.equals("write")) {
                              armed[0] = false;
                              nap(me, 20_000);
                              Thread.ofPlatform()
                                  .start(() -> journal[0].journal().appended())
                                  .join();
                            }
                          });
                  journal[0] = new SimulatedJournal(me, disk);
                  journal[0].append("a1");
                  armed[0] = true;
                  journal[0].append("a2");
                })
            .process(
                "other",
                me -> {
                  nap(me, 1000);
                  SimulatedJournal journal = new SimulatedJournal(me);
                  for (int i = 0; i < 40; i++) {
                    journal.append("b" + i);
                  }
                  assertThat(journal.checkpoint(1)).isTrue();
                  nap(me, 40_000);
                  journal.append("c1");
                })
            .run(Schedule.PLAIN)
            .orThrow();
    assertThat(outcome.account().acknowledged()).contains("a1", "a2", "b39", "c1");
    opensAgain(outcome);
  }

  /// The next segment is looked for ahead of time, by whoever appends.
  @Test
  void append_whatIsDoneBesideItFails_isAnswered() {
    boolean[] failed = {false};
    Outcome<String> outcome =
        new SimulatedMachine<>(DiskState.EMPTY, new Account<String>())
            .process(
                "writer",
                me -> {
                  Storage disk =
                      hooked(
                          me.storage(),
                          (method, file, before) -> {
                            if (!failed[0] && method.equals("open") && file.equals("journal.j.2")) {
                              failed[0] = true;
                              throw new FileSystemException(file, null, "Too many open files");
                            }
                          });
                  SimulatedJournal journal = new SimulatedJournal(me, disk);
                  for (int i = 0; i < 40; i++) {
                    journal.append("a" + i);
                  }
                })
            .run(Schedule.PLAIN)
            .orThrow();
    assertThat(failed[0]).isTrue();
    assertThat(outcome.account().acknowledged()).contains("a0", "a39");
    opensAgain(outcome);
  }

  /// Somebody takes a newer checkpoint while the base of the last one is about to be opened, and
  /// removes it.
  @Test
  void checkpoint_readWhileAnotherTakesANewerOne_isTheNewerOne() {
    List<byte[]> read = new ArrayList<>();
    List<byte[]> newest = new ArrayList<>();
    Outcome<String> outcome =
        new SimulatedMachine<>(founded(30), new Account<String>())
            .process(
                "reader",
                me -> {
                  boolean[] armed = {false};
                  Storage disk =
                      hooked(
                          me.storage(),
                          (method, file, before) -> {
                            if (armed[0] && method.equals("open") && file.contains(".base.")) {
                              armed[0] = false;
                              nap(me, 1000);
                            }
                          });
                  SimulatedJournal journal = new SimulatedJournal(me, disk);
                  armed[0] = true;
                  read.add(journal.journal().checkpoint().orElseThrow().all());
                  assertThat(armed[0]).as("it had to open a base").isFalse();
                })
            .process(
                "checkpointer",
                me -> {
                  nap(me, 100);
                  SimulatedJournal journal = new SimulatedJournal(me);
                  journal.append("b1");
                  assertThat(journal.checkpoint(0)).isTrue();
                  newest.add(journal.journal().checkpoint().orElseThrow().all());
                })
            .run(Schedule.PLAIN)
            .orThrow();
    assertThat(newest).hasSize(1);
    assertThat(read).usingElementComparator(Arrays::compare).isEqualTo(newest);
    opensAgain(outcome);
  }

  @TempDir Path temp;

  private static Journal filled(FileEngine engine) throws InterruptedException {
    Journal journal = engine.journal("root");
    for (int i = 0; i < 300; i++) {
      journal.append(
          List.of(new Journal.Unit(UUID.randomUUID(), null, _ -> Optional.of(new byte[16 << 10]))));
    }
    assertThat(journal.awaitDurable(300, Duration.ofSeconds(20))).isTrue();
    return journal;
  }

  @Test
  void backup_besideACheckpoint_isWhole() throws Exception {
    Path backup = Files.createDirectory(temp.resolve("backup"));
    try (FileEngine engine = FileEngine.open(temp.resolve("root"))) {
      Journal journal = filled(engine);
      boolean[] taken = {false};
      Storage disk =
          hooked(
              new Disk(temp.resolve("root")),
              (method, file, before) -> {
                if (before
                    && !taken[0]
                    && method.equals("read")
                    && file.matches("journal.root.+")) {
                  taken[0] = true;
                  assertThat(journal.checkpoint(290, Journal.State.of(new byte[] {7}))).isTrue();
                }
              });
      Backup.copy(disk, new Disk(backup), backup);
      assertThat(taken[0]).isTrue();
    }
    FileEngine.restore(backup, temp.resolve("new"));
    try (FileEngine restored = FileEngine.existing(temp.resolve("new"))) {
      assertThat(restored.journal("root").checkpoint().orElseThrow().all()).containsExactly(7);
      assertThat(restored.journal("root").appended()).isEqualTo(300);
    }
  }

  /// Its base was not there when the bases were listed, and the checkpoint is in a segment that is
  /// read later.
  @Test
  void survey_besideACheckpoint_missesNoBase() throws Exception {
    Path root = temp.resolve("root");
    try (FileEngine engine = FileEngine.open(root)) {
      Journal journal = engine.journal("root");
      for (int i = 0; i < 3; i++) {
        journal.append(
            List.of(new Journal.Unit(UUID.randomUUID(), null, _ -> Optional.of(new byte[8]))));
      }
      boolean[] taken = {false};
      Storage disk =
          hooked(
              new Disk(root),
              (method, file, before) -> {
                if (before
                    && !taken[0]
                    && method.equals("read")
                    && file.matches("journal.root.[0-9]+")) {
                  taken[0] = true;
                  assertThat(journal.checkpoint(2, Journal.State.of(new byte[] {7}))).isTrue();
                }
              });
      Survey.Finding finding = Survey.of(new JournalFiles(disk, root, "root")).judge(0);
      assertThat(taken[0]).isTrue();
      assertThat(finding.damage()).isNull();
      assertThat(finding.last()).isEqualTo(3);
      assertThat(finding.below()).isEqualTo(2);
    }
  }

  private static void grow(Journal journal) throws InterruptedException {
    for (int i = 0; i < 100; i++) {
      journal.append(
          List.of(new Journal.Unit(UUID.randomUUID(), null, _ -> Optional.of(new byte[16 << 10]))));
    }
    long last = journal.appended();
    assertThat(journal.awaitDurable(last, Duration.ofSeconds(20))).isTrue();
    assertThat(journal.checkpoint(last, Journal.State.of(new byte[] {7}))).isTrue();
  }

  /// Whatever was listed has been retired when it is opened.
  @Test
  void audit_besideManyCheckpoints_findsNoDamage() throws Exception {
    Path root = temp.resolve("root");
    try (FileEngine engine = FileEngine.open(root)) {
      Journal journal = filled(engine);
      int[] taken = {0};
      Storage disk =
          hooked(
              new Disk(root),
              (method, file, _) -> {
                if (method.equals("open") && file.matches("journal.root.[0-9]+") && taken[0] < 8) {
                  taken[0]++;
                  grow(journal);
                }
              });
      FileEngine.Audit audit = new Auditor(new JournalFiles(disk, root, "root")).audit();
      assertThat(taken[0]).isEqualTo(8);
      assertThat(audit.findings()).isEmpty();
      assertThat(audit.last()).isEqualTo(journal.appended());
    }
  }

  @Test
  void audit_aMissingSegment_isFound() throws Exception {
    Path root = temp.resolve("root");
    try (FileEngine engine = FileEngine.open(root)) {
      filled(engine);
      Storage disk =
          hooked(
              new Disk(root),
              (method, file, _) -> {
                if (method.equals("open") && file.equals("journal.root.2")) {
                  throw new NoSuchFileException(file);
                }
              });
      FileEngine.Audit audit = new Auditor(new JournalFiles(disk, root, "root")).audit();
      assertThat(audit.findings())
          .singleElement()
          .asString()
          .contains(root.resolve("journal.root.2") + " is damaged: it is missing");
    }
  }

  /// The base was judged, and is replaced before its state is copied.
  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void salvage_besideACheckpoint_takesTheNextBase(int replaced) throws Exception {
    Path root = temp.resolve("root");
    Path saved = Files.createDirectory(temp.resolve("saved"));
    try (FileEngine engine = FileEngine.open(root)) {
      Journal journal = filled(engine);
      assertThat(journal.checkpoint(200, Journal.State.of(new byte[] {1}))).isTrue();
      int[] opened = {0};
      Storage disk =
          hooked(
              new Disk(root),
              (method, file, _) -> {
                if (method.equals("open")
                    && file.contains(".base.200.")
                    && ++opened[0] == replaced) {
                  grow(journal);
                }
              });
      JournalFiles to = new JournalFiles(new Disk(saved), saved, "root");
      long last =
          new Auditor(new JournalFiles(disk, root, "root"))
              .salvage(to, (damaged, _) -> Journal.State.of(damaged.all()));
      assertThat(opened[0]).isEqualTo(3);
      assertThat(last).isEqualTo(journal.appended());
      assertThat(new Auditor(to).audit().findings()).isEmpty();
      assertThat(new Auditor(to).audit().below()).isEqualTo(last);
    }
  }

  /// An older base that is still there, as one whose removal a crash undid, is no help: what was
  /// let go is not there, and whatever is left is left alone.
  @Test
  void newestBase_unreadable_isSaid_andNothingIsRemoved() throws Exception {
    Path root = temp.resolve("root");
    Map<Path, byte[]> older = new HashMap<>();
    try (FileEngine engine = FileEngine.open(root)) {
      Journal journal = filled(engine);
      assertThat(journal.checkpoint(100, Journal.State.of(new byte[] {1}))).isTrue();
      for (Path file : files(root)) {
        // A segment that is being made in the background goes by another name until it is there.
        if (!file.toString().endsWith(".tmp")) {
          older.put(file, Files.readAllBytes(file));
        }
      }
      assertThat(journal.checkpoint(290, Journal.State.of(new byte[] {2}))).isTrue();
    }
    for (Path base : files(root)) {
      if (base.getFileName().toString().contains(".base.")) {
        Files.write(base, new byte[] {1});
      }
    }
    for (Map.Entry<Path, byte[]> file : older.entrySet()) {
      if (!Files.exists(file.getKey())) {
        Files.write(file.getKey(), file.getValue());
      }
    }
    Files.delete(root.resolve("journal.root"));
    List<Path> before = files(root);
    try (FileEngine engine = FileEngine.existing(root)) {
      engine.journal("root").appended();
      throw new AssertionError("it was opened");
    } catch (EngineException damaged) {
      assertThat(damaged.kind()).isEqualTo(EngineException.Kind.DAMAGED);
      assertThat(damaged).hasMessageContaining(".base.");
    }
    assertThat(files(root)).containsAll(before);
  }

  private static List<Path> files(Path root) throws IOException {
    try (var files = Files.list(root)) {
      return files.filter(file -> file.getFileName().toString().startsWith("journal.")).toList();
    }
  }
}
