package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import dev.truce.Fence;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Capabilities;
import dev.truce.spi.Cells;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import dev.truce.spi.Members;
import dev.truce.spi.Ticker;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.platform.launcher.EngineFilter;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/// The suites sit an exam of their own: over an engine that breaks one promise, the test that names
/// the promise fails; over the same engine unbroken it passes.
final class SuitesTest {
  private static final Launcher LAUNCHER = LauncherFactory.create();

  /// What has been seen to pass on a right engine.
  private static final Set<String> SOUND = new HashSet<>();

  /// How the next engine is broken.
  private static UnaryOperator<Engine> breaking = UnaryOperator.identity();

  /// Memory whose every handle is broken the same way.
  private static final class BrokenUnderTest implements EngineUnderTest {
    private final TestClock clock = new TestClock();
    private final MemoryEngine first = MemoryEngine.create(clock);

    @Override
    public Engine open() {
      return breaking.apply(first.another());
    }

    @Override
    public void kill(Engine handle) {
      handle.close();
    }

    @Override
    public void pass(Duration time) {
      clock.advance(time);
    }

    @Override
    public boolean isAtRest() {
      return clock.isAtRest();
    }

    @Override
    public Duration term() {
      return Duration.ZERO;
    }

    @Override
    public void close() {
      first.close();
    }
  }

  static final class BrokenCells extends CellsContract {
    @Override
    protected EngineUnderTest engineUnderTest(Seed seed) {
      return new BrokenUnderTest();
    }
  }

  static final class BrokenMembers extends MembersContract {
    @Override
    protected EngineUnderTest engineUnderTest(Seed seed) {
      return new BrokenUnderTest();
    }
  }

  static final class BrokenJournal extends JournalContract {
    @Override
    protected EngineUnderTest engineUnderTest(Seed seed) {
      return new BrokenUnderTest();
    }
  }

  static final class BrokenLocks extends LockContract {
    @Override
    protected EngineUnderTest engineUnderTest(Seed seed) {
      return new BrokenUnderTest();
    }
  }

  /// An engine with one of its parts replaced.
  private static Engine with(
      Engine engine,
      UnaryOperator<Cells> cells,
      UnaryOperator<Members> members,
      UnaryOperator<Journal> journal) {
    Cells brokenCells = cells.apply(engine.cells());
    Members brokenMembers = members.apply(engine.members());
    return new Engine() {
      @Override
      public String place() {
        return "broken " + engine.place();
      }

      @Override
      public String root() {
        return engine.root();
      }

      @Override
      public Capabilities capabilities() {
        return engine.capabilities();
      }

      @Override
      public Cells cells() {
        return brokenCells;
      }

      @Override
      public Members members() {
        return brokenMembers;
      }

      @Override
      public Ticker ticker() {
        return engine.ticker();
      }

      @Override
      public Journal journal(String name) {
        return journal.apply(engine.journal(name));
      }

      @Override
      public void close() {
        engine.close();
      }
    };
  }

  /// What a broken part does instead of one call.
  interface Instead<T> {
    Object call(T right, Object[] arguments) throws Throwable;
  }

  /// A part of which one method is broken.
  private static <T> UnaryOperator<T> breaking(Class<T> part, String method, Instead<T> instead) {
    return right -> {
      InvocationHandler handler =
          (_, called, arguments) -> {
            if (called.getName().equals(method)) {
              return instead.call(right, arguments);
            }
            try {
              return called.invoke(right, arguments);
            } catch (InvocationTargetException e) {
              throw e.getCause();
            }
          };
      return part.cast(
          Proxy.newProxyInstance(part.getClassLoader(), new Class<?>[] {part}, handler));
    };
  }

  private static void cellsCatch(String test, String method, Instead<Cells> instead) {
    caught(
        BrokenCells.class,
        test,
        engine ->
            with(
                engine,
                breaking(Cells.class, method, instead),
                UnaryOperator.identity(),
                UnaryOperator.identity()));
  }

  static void membersCatch(String test, String method, Instead<Members> instead) {
    caught(
        BrokenMembers.class,
        test,
        engine ->
            with(
                engine,
                UnaryOperator.identity(),
                breaking(Members.class, method, instead),
                UnaryOperator.identity()));
  }

  private static void journalCatches(String test, String method, Instead<Journal> instead) {
    caught(
        BrokenJournal.class,
        test,
        engine ->
            with(
                engine,
                UnaryOperator.identity(),
                UnaryOperator.identity(),
                breaking(Journal.class, method, instead)));
  }

  private static void locksCatch(String test, String method, Instead<Journal> instead) {
    caught(
        BrokenLocks.class,
        test,
        engine ->
            with(
                engine,
                UnaryOperator.identity(),
                UnaryOperator.identity(),
                breaking(Journal.class, method, instead)));
  }

  private static void caught(Class<?> suite, String test, UnaryOperator<Engine> broken) {
    if (SOUND.add(test)) {
      breaking = UnaryOperator.identity();
      assertThat(run(suite, test).getTestsSucceededCount())
          .as("%s on a right engine", test)
          .isOne();
    }
    breaking = broken;
    try {
      TestExecutionSummary summary = run(suite, test);
      assertThat(summary.getTestsFoundCount()).isOne();
      assertThat(summary.getTestsFailedCount()).as("%s fails on a broken engine", test).isOne();
    } finally {
      breaking = UnaryOperator.identity();
    }
  }

  static TestExecutionSummary run(Class<?> suite, String test) {
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(selectMethod(suite, test))
            .filters(EngineFilter.includeEngines("junit-jupiter"))
            .build();
    LAUNCHER.execute(request, listener);
    return listener.getSummary();
  }

  private static Cells.Cell cell(Object[] arguments) {
    return (Cells.Cell) arguments[1];
  }

  private static byte[] next(Object[] arguments) {
    return (byte[]) arguments[2];
  }

  private static String key(Object[] arguments) {
    return (String) arguments[0];
  }

  // ---- cells

  @Test
  void cells_comparedByTheirBytes_areCaught() {
    Instead<Cells> byBytes =
        (cells, arguments) -> {
          Cells.Cell current = cells.read(key(arguments));
          return Arrays.equals(current.bytes(), cell(arguments).bytes())
              ? cells.swap(key(arguments), current, next(arguments))
              : new Cells.Swap.Lost(current);
        };
    cellsCatch("swap_bytesCameBack_revisionDidNot", "swap", byBytes);
    cellsCatch("swap_deletedAndCreatedAgain_revisionDoesNotRepeat", "swap", byBytes);
    cellsCatch("swap_createdAndDeletedSinceItWasReadAbsent_loses", "swap", byBytes);
    cellsCatch(
        "swap_manyNamesWereUsedAndForgottenMeanwhile_revisionDoesNotRepeat", "swap", byBytes);
  }

  @Test
  void cells_lastWriterWins_areCaught() {
    // It dawdles, so that writers meet however few cores there are.
    Instead<Cells> blindly =
        (cells, arguments) -> {
          LockSupport.parkNanos(10_000);
          return cells.swap(key(arguments), cells.read(key(arguments)), next(arguments));
        };
    cellsCatch("swap_fromAStaleCell_losesAndChangesNothing", "swap", blindly);
    cellsCatch("swap_fromAbsentWhenAnotherCreatedIt_loses", "swap", blindly);
    cellsCatch("swap_incrementsByManyThreads_areCountedExactlyOnce", "swap", blindly);
    cellsCatch("cell_underThreads_isLinearizable", "swap", blindly);
  }

  @Test
  void cells_claimToHaveWon_areCaught() {
    Instead<Cells> boasting =
        (cells, arguments) ->
            switch (cells.swap(key(arguments), cell(arguments), next(arguments))) {
              case Cells.Swap.Lost(Cells.Cell current) -> new Cells.Swap.Won(current);
              case Cells.Swap other -> other;
            };
    cellsCatch("swap_fromAStaleCell_losesAndChangesNothing", "swap", boasting);
    cellsCatch("swap_incrementsByManyThreads_areCountedExactlyOnce", "swap", boasting);
    cellsCatch("cell_underThreads_isLinearizable", "swap", boasting);
  }

  @Test
  void cells_unknownWithoutHavingSaidSo_areCaught() {
    cellsCatch(
        "swap_noUnknownOutcomesDeclared_alwaysTells",
        "swap",
        (cells, arguments) ->
            cells.swap(key(arguments), cell(arguments), next(arguments)) instanceof Cells.Swap.Lost
                ? new Cells.Swap.Unknown("?")
                : new Cells.Swap.Unknown("!"));
  }

  @Test
  void cells_readFromACache_areCaught() {
    Map<String, Cells.Cell> cache = new HashMap<>();
    Instead<Cells> cached =
        (cells, arguments) -> {
          synchronized (cache) {
            return cache.computeIfAbsent(key(arguments), cells::read);
          }
        };
    cellsCatch("cells_ofAnotherHandle_areTheSame", "read", cached);
  }

  @Test
  void cells_namesCollideOrPrefixIsAPattern_areCaught() {
    cellsCatch(
        "cells_keysWithHostileNames_areHarmlessAndDistinct",
        "read",
        (cells, arguments) -> cells.read(key(arguments).replace(':', '_')));
    cellsCatch(
        "keys_prefix_listsWhatIsThere",
        "keys",
        (cells, arguments) ->
            cells.keys("").stream().filter(k -> k.contains(key(arguments))).toList());
    cellsCatch(
        "keys_prefix_listsWhatIsThere",
        "keys",
        (cells, arguments) -> {
          List<String> keys = new ArrayList<>(cells.keys(key(arguments)));
          keys.add(key(arguments) + "gone");
          return keys;
        });
  }

  @Test
  void cells_numbersAreDrawnTwice_areCaught() {
    Instead<Cells> stingy = (cells, arguments) -> cells.draw(1);
    cellsCatch("draw_always_isAboveAllDrawnBefore", "draw", stingy);
    cellsCatch("draw_byManyThreads_neverRepeats", "draw", stingy);
    cellsCatch(
        "draw_nothing_isRefused",
        "draw",
        (cells, arguments) -> cells.draw(Math.max(1, (Integer) arguments[0])));
  }

  @Test
  void cells_thatEatInterrupts_areCaught() {
    cellsCatch(
        "cells_interrupted_neitherAnswerNorClearIt",
        "read",
        (cells, arguments) -> {
          Thread.interrupted();
          return cells.read(key(arguments));
        });
  }

  @Test
  void cells_largeValuesAreCut_areCaught() {
    cellsCatch(
        "swap_ofTheLargestValue_holdsEveryByte",
        "swap",
        (cells, arguments) ->
            cells.swap(
                key(arguments),
                cell(arguments),
                Arrays.copyOf(next(arguments), Math.min(next(arguments).length, 65_535))));
    cellsCatch(
        "swap_ofMoreThanTheLargestValue_isRefused",
        "swap",
        (cells, arguments) ->
            cells.swap(
                key(arguments),
                cell(arguments),
                Arrays.copyOf(next(arguments), Math.min(next(arguments).length, 1 << 20))));
  }

  // ---- members

  @Test
  void members_livingOnesCanBeEnded_areCaught() {
    membersCatch("end_aliveMember_answersFalseAndChangesNothing", "end", (_, _) -> true);
    membersCatch("end_memberThatLives_isNeverPossible", "end", (_, _) -> true);
  }

  @Test
  void members_deadOnesSeemAlive_areCaught() {
    Instead<Members> alive = (_, _) -> new Members.Standing.Alive("it must be");
    membersCatch("standing_left_isDeadForGood", "standing", alive);
    membersCatch("standing_processDied_isDeadAtOnceWhereProven", "standing", alive);
    membersCatch("end_silentForItsTerm_isFinal", "end", (_, _) -> false);
  }

  @Test
  void members_describedWrong_areCaught() {
    membersCatch("description_ofAnother_isWhatItSaid", "description", (_, _) -> Optional.empty());
    membersCatch(
        "description_ofOneThatLeft_isEmpty", "description", (_, _) -> Optional.of(new byte[] {1}));
    membersCatch("list_someLeft_namesTheOthers", "list", (_, _) -> List.of(1L, 2L, 3L));
    membersCatch(
        "join_descriptionTooLong_isRefused",
        "join",
        (members, arguments) -> members.join(Arrays.copyOf((byte[]) arguments[0], 512)));
  }

  // ---- journals

  private static List<Journal.Unit> units(Object[] arguments) {
    List<Journal.Unit> units = new ArrayList<>();
    for (Object unit : (List<?>) arguments[0]) {
      units.add((Journal.Unit) unit);
    }
    return units;
  }

  @Test
  void journal_fencesAreNotLookedAt_isCaught() {
    Instead<Journal> unfenced =
        (journal, arguments) ->
            journal.append(
                units(arguments).stream()
                    .map(u -> new Journal.Unit(u.commitId(), null, u.decider()))
                    .toList());
    journalCatches("append_tokenHasEnded_isRefusedByName", "append", unfenced);
    journalCatches("append_oneFencedAmongSeveral_refusesNoOther", "append", unfenced);
    journalCatches("end_twiceAndByBoth_isTheSameAsOnce", "append", unfenced);
  }

  /// The tempting shortcut: one ended token ends all below it.
  @Test
  void journal_endsAllLowerTokens_isCaught() {
    journalCatches(
        "append_anotherTokenOfTheLockHasEnded_goesThrough",
        "end",
        (journal, arguments) -> {
          for (long token = 1; token <= (Long) arguments[1]; token++) {
            journal.end((String) arguments[0], token);
          }
          return null;
        });
  }

  @Test
  void journal_commitIdsAreIgnored_isCaught() {
    Instead<Journal> fresh =
        (journal, arguments) ->
            journal.append(
                units(arguments).stream()
                    .map(u -> new Journal.Unit(UUID.randomUUID(), u.fence(), u.decider()))
                    .toList());
    journalCatches("append_sameCommitIdAgain_answersTheFirstPosition", "append", fresh);
    journalCatches("append_sameCommitIdTwiceInOneCall_landsOnce", "append", fresh);
    journalCatches("find_appended_answersItsPosition", "append", fresh);
    journalCatches("checkpoint_taken_forgetsNeitherCommitIdsNorEnds", "append", fresh);
  }

  @Test
  void journal_findPromisesTooMuch_isCaught() {
    journalCatches("find_neverAppended_isEmptyForEver", "find", (_, _) -> Optional.empty());
  }

  /// What there was when this was the last record.
  private static Journal.Past upTo(long last, Journal.Past past) {
    return new Journal.Past() {
      @Override
      public long last() {
        return last;
      }

      @Override
      public Optional<List<Journal.Entry>> since(long position, int most, int bytes) {
        return past.since(position, most, bytes)
            .map(all -> all.stream().filter(entry -> entry.position() <= last).toList());
      }
    };
  }

  @Test
  void journal_deciderIsNotShownWhatTheSameCallAppended_isCaught() {
    Instead<Journal> forgetful =
        (journal, arguments) -> {
          long before = journal.appended();
          return journal.append(
              units(arguments).stream()
                  .map(u ->
                      new Journal.Unit(
                          u.commitId(), u.fence(), past -> u.decider().decide(upTo(before, past))))
                  .toList());
        };
    journalCatches(
        "append_behindAnotherOfTheSameCall_theDeciderSeesItsRecord", "append", forgetful);
  }

  @Test
  void journal_deciderSeesAnOldTail_isCaught() {
    Instead<Journal> old =
        (journal, arguments) ->
            journal.append(
                units(arguments).stream()
                    .map(u ->
                        new Journal.Unit(
                            u.commitId(),
                            u.fence(),
                            past -> u.decider().decide(upTo(Math.max(0, past.last() - 1), past))))
                    .toList());
    journalCatches(
        "append_byOthersMeanwhile_theDeciderSeesTheVeryTailAtWhichItLands", "append", old);
    journalCatches("append_byManyThreads_isOneSequenceForAll", "append", old);
  }

  @Test
  void journal_oneRefusalRefusesAll_isCaught() {
    journalCatches(
        "append_oneRefusedByItsDecider_refusesNoOther",
        "append",
        (journal, arguments) -> {
          List<Journal.Result> results = new ArrayList<>();
          for (Journal.Unit unit : units(arguments)) {
            boolean refused = results.stream().anyMatch(r -> r instanceof Journal.Result.Refused);
            results.add(
                refused
                    ? new Journal.Result.Refused("as the one before", null)
                    : journal.append(List.of(unit)).getFirst());
          }
          return results;
        });
  }

  @Test
  void journal_checkpointsClaimToBeNewer_isCaught() {
    journalCatches(
        "checkpoint_notNewer_replacesNothing",
        "checkpoint",
        (journal, arguments) -> {
          if (arguments == null) {
            return journal.checkpoint();
          }
          journal.checkpoint((Long) arguments[0], (Journal.State) arguments[1]);
          return true;
        });
  }

  @Test
  void journal_asksAStateThatIsNotWanted_isCaught() {
    journalCatches(
        "checkpoint_notNewer_asksTheStateForNothing",
        "checkpoint",
        (journal, arguments) -> {
          if (arguments == null) {
            return journal.checkpoint();
          }
          ((Journal.State) arguments[1]).writeTo(_ -> {});
          return journal.checkpoint((Long) arguments[0], (Journal.State) arguments[1]);
        });
  }

  @Test
  void journal_floorOfAnEarlierCheckpoint_isCaught() {
    journalCatches(
        "floor_anywhere_isWhatTheNewestCheckpointStandsFor",
        "floor",
        (journal, _) -> Math.min(1, journal.floor()));
  }

  @Test
  void journal_readsMoreThanAskedForOrBelowTheFloor_isCaught() {
    journalCatches(
        "read_fromTheMiddle_answersAtMostSoMany",
        "read",
        (journal, arguments) -> journal.read((Long) arguments[0], Integer.MAX_VALUE));
    journalCatches(
        "checkpoint_taken_standsForWhatWasBelow",
        "read",
        (journal, arguments) ->
            journal.read((Long) arguments[0], (Integer) arguments[1]) instanceof Journal.Page.TooOld
                ? new Journal.Page.Records(List.of())
                : journal.read((Long) arguments[0], (Integer) arguments[1]));
  }

  @Test
  void journal_waitsWrong_isCaught() {
    journalCatches(
        "awaitDurable_neverAppended_isFalseWhenTheTimeIsOver", "awaitDurable", (_, _) -> true);
    journalCatches("awaitDurable_noTimeGiven_doesNotWait", "awaitDurable", (_, _) -> true);
    journalCatches("awaitDurable_appended_becomesTrue", "awaitDurable", (_, _) -> false);
    journalCatches("awaitDurable_interrupted_throws", "awaitDurable", (_, _) -> false);
  }

  @Test
  void journal_refusesLivingTokens_isCaught() {
    journalCatches(
        "append_anotherTokenOfTheLockHasEnded_goesThrough",
        "append",
        (journal, arguments) ->
            units(arguments).stream()
                .map(u ->
                    u.fence() == null
                        ? journal.append(List.of(u)).getFirst()
                        : new Journal.Result.Refused("any fence", Fence.of("index", 1)))
                .toList());
  }

  // ---- locks

  @Test
  void locks_fenceSkippedOrLate_isCaught() {
    String test = "bind_everyKindOfEnd_refusesAWriteOnceTheNextIsGranted";
    Instead<Journal> skipped = (_, _) -> null;
    locksCatch(test, "end", skipped);
    locksCatch("bind_writersThatAreLateOrEndedByForce_acceptedTokensNeverFall", "end", skipped);
    AtomicReference<Object[]> last = new AtomicReference<>();
    locksCatch(
        test,
        "end",
        (journal, arguments) -> {
          Object[] before = last.getAndSet(arguments);
          if (before != null) {
            journal.end((String) before[0], (long) before[1]);
          }
          return null;
        });
  }

  @Test
  void locks_whatWasDecidedIsNotPutDown_isCaught() {
    locksCatch(
        "revoke_holder_losesItAtOnce_andTheNextIsServed",
        "read",
        (_, _) -> new Journal.Page.Records(List.of()));
  }
}
