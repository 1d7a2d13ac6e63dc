package dev.truce.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.truce.Owner;
import dev.truce.spi.Journal;
import dev.truce.store.CommitRecord.Unreadable;
import dev.truce.store.Footprint.Range;
import dev.truce.store.StoreMachine.Answer;
import dev.truce.store.StoreMachine.Clash;
import dev.truce.store.StoreMachine.Remedy;
import dev.truce.store.StoreMachine.Window;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Drafts by chance, which read at some moment and land or not at a later one, held against what
/// they would have read where they landed: by values, and not by how the machine tells.
class StoreMachineTest {
  private static final Owner WRITER = new Owner("w", "h", 1);
  private static final int SEEDS = 60;
  private static final int COMMITS = 150;

  /// The decisions under test.
  interface Machine {
    List<Clash> check(Root at, Footprint mine);

    List<Clash> check(Root at, Footprint mine, long validated);

    Answer decide(Footprint mine, long validated, Journal.Past past) throws Unreadable;

    Remedy remedy(List<Clash> clashes);

    /// On what a draft rests whose clashes were settled: what the resolvers have seen.
    default Root settledOn(Root seen, Root newest) {
      return seen;
    }
  }

  private static final Machine REAL =
      new Machine() {
        @Override
        public List<Clash> check(Root at, Footprint mine) {
          return StoreMachine.check(at, mine);
        }

        @Override
        public List<Clash> check(Root at, Footprint mine, long validated) {
          return StoreMachine.check(at, mine, validated);
        }

        @Override
        public Remedy remedy(List<Clash> clashes) {
          return StoreMachine.remedy(clashes, _ -> true);
        }

        @Override
        public Answer decide(Footprint mine, long validated, Journal.Past past) throws Unreadable {
          return StoreMachine.decide(mine, validated, Window.after(0), past);
        }
      };

  /// One step of a draft's body.
  private record Op(char what, String key, String to) {}

  /// A world of commits and of drafts that are under way.
  private static final class World {
    private final Random random;
    private final Machine machine;
    private final List<Journal.Entry> journal = new ArrayList<>();
    private final List<Root> roots = new ArrayList<>(List.of(Root.EMPTY));
    private int refused;
    private int behind;
    private int resolved;
    private int moved;

    World(long seed, Machine machine) {
      this.random = new Random(seed);
      this.machine = machine;
    }

    private String key() {
      return "k" + random.nextInt(5);
    }

    private List<Op> ops() {
      List<Op> ops = new ArrayList<>();
      for (int count = 1 + random.nextInt(3); count > 0; count--) {
        String key = key();
        String to = key();
        ops.add(new Op("gprRbq".charAt(random.nextInt(6)), key, to));
      }
      return ops;
    }

    /// What the body reads on this content, in words; afterwards the draft has its writes.
    private static List<String> run(List<Op> ops, Writes draft, String store, Root required) {
      Writes.Part part = draft.part(store);
      List<String> read = new ArrayList<>();
      for (Op op : ops) {
        byte[] key = SpaceKey.utf8(op.key);
        switch (op.what) {
          case 'g' -> read.add(op.key + "=" + shown(draft.find(part, key)));
          case 'p' -> draft.change(part, key, SpaceKey.utf8("v"), false);
          case 'b' -> draft.change(part, key, SpaceKey.utf8("b"), true);
          case 'r' -> draft.change(part, key, null, false);
          case 'q' ->
              part.required()
                  .put(key, required.revisionOf(SpaceKey.of(required.number(store), key)));
          default -> read.addAll(range(draft, part, key, SpaceKey.utf8(op.to)));
        }
      }
      return read;
    }

    private static List<String> range(Writes draft, Writes.Part part, byte[] from, byte[] to) {
      Range range = new Range(SpaceKey.of(part.space(), from), SpaceKey.of(part.space(), to));
      if (Arrays.compareUnsigned(from, to) >= 0) {
        return List.of();
      }
      Iterator<Delta.Row> view = draft.view(part, range, part.changes().subMap(from, to));
      List<String> read = new ArrayList<>();
      view.forEachRemaining(row -> read.add(SpaceKey.key(row.key()) + "~" + shown(row.item())));
      return read;
    }

    private static String shown(Item item) {
      return item == null ? "none" : item.revision() + "";
    }

    /// A draft that read a while ago, was checked a little later, or resolved, perhaps caught up
    /// after that, and wants to land now.
    void step() throws Unreadable {
      int tail = journal.size();
      int base = Math.max(0, tail - random.nextInt(8));
      int checked = base + random.nextInt(tail - base + 1);
      int seen = checked + random.nextInt(tail - checked + 1);
      boolean serializable = random.nextBoolean();
      if (random.nextInt(8) == 0) {
        move(base, seen, serializable);
        return;
      }
      String store = random.nextInt(4) == 0 ? "t" : "s";
      List<Op> ops = ops();
      Writes draft = new Writes(roots.get(base), serializable);
      List<String> read = run(ops, draft, store, roots.get(base));
      if (draft.isEmpty()) {
        return;
      }
      Footprint mine = draft.footprint();
      int since = base;
      List<Clash> clashes = machine.check(roots.get(checked), mine);
      if (!clashes.isEmpty() && machine.remedy(clashes) == Remedy.ASK) {
        SortedMap<byte[], Resolution<byte[]>> answers = new TreeMap<>(Writes.ORDER);
        clashes.forEach(clash -> answers.put(clash.key(), answer()));
        draft.settle(machine.settledOn(roots.get(checked), roots.get(tail)), answers);
        mine = draft.footprint();
        since = checked;
        clashes = machine.check(roots.get(seen), mine);
        resolved++;
      } else if (clashes.isEmpty() && seen > checked) {
        clashes = machine.check(roots.get(seen), mine, checked);
      }
      Answer answer =
          clashes.isEmpty()
              ? machine.decide(mine, seen, new Past())
              : new Answer.Clashing(clashes.getFirst());
      List<String> then =
          run(ops, new Writes(roots.get(tail), serializable), store, roots.get(base));
      String changed = changed(draft, roots.get(since), roots.get(tail), store);
      switch (answer) {
        case Answer.Land _ -> {
          if (serializable) {
            assertThat(then).as("read at %d, landed behind %d", base, tail).isEqualTo(read);
          }
          assertThat(changed).as("between %d and %d", since, tail).isEmpty();
          land(draft);
        }
        case Answer.Behind _ -> {
          assertThat(tail - seen).isGreaterThan(Past.MOST);
          behind++;
        }
        case Answer.Clashing _ -> {
          String meanwhile = "";
          for (int at = since + 1; at <= tail; at++) {
            meanwhile += changed(draft, roots.get(since), roots.get(at), store);
          }
          assertThat(meanwhile + (serializable ? touched(draft, since, tail) : ""))
              .as("refused at %d, though nothing changed since %d", tail, since)
              .isNotEmpty();
          refused++;
        }
      }
    }

    private Resolution<byte[]> answer() {
      return switch (random.nextInt(3)) {
        case 0 -> Resolution.use(SpaceKey.utf8("r"));
        case 1 -> Resolution.remove();
        default -> Resolution.keepTheirs();
      };
    }

    /// Somebody renames or drops a store, which he saw a while ago.
    private void move(int base, int seen, boolean serializable) throws Unreadable {
      String from = random.nextBoolean() ? "s" : "t";
      String to = List.of("s", "t", "").get(random.nextInt(3));
      Writes draft = new Writes(roots.get(base), serializable);
      if (to.isEmpty()) {
        draft.drop(from);
      } else {
        draft.rename(from, to);
      }
      if (draft.isEmpty()) {
        return;
      }
      Footprint mine = draft.footprint();
      Root before = roots.getLast();
      List<String> changed = new ArrayList<>();
      if (before.revisionOf(Root.row(from)) != roots.get(base).revisionOf(Root.row(from))) {
        changed.add(from);
      }
      if (!to.isEmpty() && before.number(to) != 0) {
        changed.add(to);
      }
      if (!machine.check(roots.get(seen), mine).isEmpty()
          || !(machine.decide(mine, seen, new Past()) instanceof Answer.Land)) {
        moved += changed.isEmpty() ? 0 : 1;
        return;
      }
      assertThat(changed).as("%s renamed to %s, seen at %d", from, to, base).isEmpty();
      land(draft);
      assertThat(roots.getLast().number(from)).isZero();
      if (!to.isEmpty()) {
        assertThat(roots.getLast().number(to)).isEqualTo(before.number(from));
      }
      moved++;
    }

    /// What a draft writes or requires, and somebody has written since.
    private static String changed(Writes draft, Root before, Root now, String store) {
      Writes.Part part = draft.part(store);
      List<String> changed = new ArrayList<>();
      if (before.number(store) != now.number(store)) {
        changed.add("the store");
      }
      for (byte[] key : part.changes().keySet()) {
        if (!part.blind().contains(key) && differs(before, now, part, key)) {
          changed.add(new String(key, UTF_8));
        }
      }
      part.required()
          .forEach((key, revision) -> {
            if (now.revisionOf(SpaceKey.of(part.space(), key)) != revision) {
              changed.add(new String(key, UTF_8) + " is not at " + revision);
            }
          });
      return String.join(", ", changed);
    }

    /// Whether a key was written: a removal of what was not there is a write as well.
    private static boolean differs(Root before, Root now, Writes.Part part, byte[] key) {
      Item was = before.delta().get(SpaceKey.of(part.space(), key));
      Item is = now.delta().get(SpaceKey.of(part.space(), key));
      return (was == null ? 0 : was.revision()) != (is == null ? 0 : is.revision());
    }

    /// Whether what it read was written since, to whatever effect.
    private String touched(Writes draft, int base, int tail) {
      Footprint mine = draft.footprint();
      List<String> touched = new ArrayList<>();
      for (int c = base; c < tail; c++) {
        roots
            .get(c + 1)
            .delta()
            .rows(new byte[0], new byte[] {-1})
            .forEachRemaining(row -> {
              if (row.item().revision() > base
                  && (mine.read().contains(row.key())
                      || mine.ranges().stream()
                          .anyMatch(range ->
                              Arrays.compareUnsigned(range.from(), row.key()) <= 0
                                  && Arrays.compareUnsigned(row.key(), range.to()) < 0))) {
                touched.add(SpaceKey.key(row.key()));
              }
            });
      }
      return String.join(", ", touched);
    }

    private void land(Writes draft) throws Unreadable {
      if (draft.isEmpty()) {
        return; // theirs stay
      }
      byte[] record =
          CommitRecord.write(
              draft.base().revision(), 0, WRITER, new TreeMap<>(), draft.stores(), draft.changes());
      Journal.Entry entry =
          new Journal.Entry(journal.size() + 1L, new UUID(1, journal.size()), record);
      journal.add(entry);
      roots.add(StoreMachine.apply(roots.getLast(), entry.position(), CommitRecord.read(entry)));
    }

    /// What is before a decider here; few records are shown at once.
    private final class Past implements Journal.Past {
      static final int MOST = 3;

      @Override
      public long last() {
        return journal.size();
      }

      @Override
      public Optional<List<Journal.Entry>> since(long position, int most, int bytes) {
        return last() - position > MOST
            ? Optional.empty()
            : Optional.of(List.copyOf(journal.subList((int) position, journal.size())));
      }
    }
  }

  private static World run(long seed, Machine machine) throws Unreadable {
    World world = new World(seed, machine);
    while (world.journal.size() < COMMITS) {
      world.step();
    }
    return world;
  }

  @Test
  void anyDrafts_landOnlyOnWhatTheyRead() throws Exception {
    int refused = 0;
    int behind = 0;
    int resolved = 0;
    int moved = 0;
    for (long seed = 1; seed <= SEEDS; seed++) {
      try {
        World world = run(seed, REAL);
        refused += world.refused;
        behind += world.behind;
        resolved += world.resolved;
        moved += world.moved;
      } catch (AssertionError wrong) {
        throw new AssertionError("seed " + seed + ": " + wrong.getMessage(), wrong);
      }
    }
    assertThat(refused).isGreaterThan(1_000);
    assertThat(behind).isGreaterThan(500);
    assertThat(resolved).isGreaterThan(1_000);
    assertThat(moved).isGreaterThan(500);
  }

  /// Catching up finds what looking at all of it finds.
  @Test
  void check_ofWhatIsNewer_tellsTheSame() throws Exception {
    World world = run(11, REAL);
    int clashing = 0;
    for (int i = 0; i < 2_000; i++) {
      int base = world.random.nextInt(COMMITS);
      int validated = base + world.random.nextInt(Math.min(6, COMMITS - base));
      int at = validated + world.random.nextInt(Math.min(6, COMMITS + 1 - validated));
      Writes draft = new Writes(world.roots.get(base), world.random.nextBoolean());
      World.run(world.ops(), draft, "s", world.roots.get(base));
      Footprint mine = draft.footprint();
      if (StoreMachine.check(world.roots.get(validated), mine).isEmpty()) {
        List<Clash> all = StoreMachine.check(world.roots.get(at), mine);
        assertThat(told(StoreMachine.check(world.roots.get(at), mine, validated)))
            .containsAll(told(all));
        assertThat(StoreMachine.check(world.roots.get(at), mine, validated).isEmpty())
            .isEqualTo(all.isEmpty());
        clashing += all.isEmpty() ? 0 : 1;
      }
    }
    assertThat(clashing).isGreaterThan(100);
  }

  private static List<String> told(List<Clash> clashes) {
    return clashes.stream()
        .map(c -> c.kind() + SpaceKey.key(c.key()) + c.expected() + " " + c.found() + " " + c.by())
        .toList();
  }

  @Test
  void ruling_ofSeveralAnswers_isThatOfTheGravest() {
    Resolution<byte[]> use = Resolution.use(new byte[0]);
    assertThat(StoreMachine.ruling(List.of(use, Resolution.remove(), Resolution.keepTheirs())))
        .isEqualTo(Remedy.LAND);
    assertThat(StoreMachine.ruling(List.of(use, Resolution.rerun()))).isEqualTo(Remedy.RUN);
    assertThat(StoreMachine.ruling(List.of(Resolution.rerun(), Resolution.park(), use)))
        .isEqualTo(Remedy.PARK);
    assertThat(StoreMachine.ruling(List.of(Resolution.park(), Resolution.refuse(), use)))
        .isEqualTo(Remedy.REFUSE);
  }

  @Test
  void window_isWiderEachTime_andEndsAtAGigabyte() {
    assertThat(Window.after(0)).isEqualTo(new Window(64, 1 << 18));
    assertThat(Window.after(1)).isEqualTo(new Window(128, 1 << 19));
    assertThat(Window.after(12)).isEqualTo(new Window(1 << 18, 1 << 30));
    assertThat(Window.after(1_000)).isEqualTo(Window.after(12));
  }

  /// Whatever way the records are taken up, the content is one.
  @Test
  void apply_fromAnyRootOn_isTheSameContent() throws Exception {
    World world = run(7, REAL);
    for (int from : new int[] {0, 1, 60, COMMITS - 1}) {
      Root root = world.roots.get(from);
      for (Journal.Entry entry : world.journal.subList(from, world.journal.size())) {
        root = StoreMachine.apply(root, entry.position(), CommitRecord.read(entry));
      }
      assertThat(rows(root)).isEqualTo(rows(world.roots.getLast()));
      assertThat(root.revision()).isEqualTo(COMMITS);
    }
  }

  private static List<String> rows(Root root) {
    List<String> rows = new ArrayList<>();
    root.delta()
        .rows(new byte[0], new byte[] {-1})
        .forEachRemaining(row -> rows.add(Arrays.toString(row.key()) + World.shown(row.item())));
    return rows;
  }

  /// Machines that are wrong, each in one way.
  enum Mutant implements Machine {
    WRITTEN_KEYS_DO_NOT_COUNT {
      @Override
      Footprint seen(Footprint mine) {
        return new Footprint(
            mine.base(),
            mine.stores(),
            new TreeSet<>(Writes.ORDER),
            mine.read(),
            mine.ranges(),
            mine.required());
      }
    },
    KEYS_READ_DO_NOT_COUNT {
      @Override
      Footprint seen(Footprint mine) {
        return new Footprint(
            mine.base(),
            mine.stores(),
            mine.written(),
            new TreeSet<>(Writes.ORDER),
            mine.ranges(),
            mine.required());
      }
    },
    RANGES_DO_NOT_COUNT {
      @Override
      Footprint seen(Footprint mine) {
        return new Footprint(
            mine.base(), mine.stores(), mine.written(), mine.read(), List.of(), mine.required());
      }
    },
    WHAT_IS_REQUIRED_DOES_NOT_COUNT {
      @Override
      Footprint seen(Footprint mine) {
        return new Footprint(
            mine.base(),
            mine.stores(),
            mine.written(),
            mine.read(),
            mine.ranges(),
            new TreeMap<>(Writes.ORDER));
      }
    },
    THE_STORE_DOES_NOT_COUNT {
      @Override
      Footprint seen(Footprint mine) {
        return new Footprint(
            mine.base(), Map.of(), mine.written(), mine.read(), mine.ranges(), mine.required());
      }
    },
    NOTHING_IS_CHECKED_BEFORE {
      @Override
      public List<Clash> check(Root at, Footprint mine) {
        return List.of();
      }
    },
    THE_LAST_FEW_ARE_NOT_LOOKED_AT {
      @Override
      public Answer decide(Footprint mine, long validated, Journal.Past past) throws Unreadable {
        return past.since(validated, 1, 1).isEmpty() ? new Answer.Behind() : new Answer.Land();
      }
    },
    TOO_MANY_TO_LOOK_AT_ARE_NONE {
      @Override
      public Answer decide(Footprint mine, long validated, Journal.Past past) throws Unreadable {
        Answer answer = super.decide(mine, validated, past);
        return answer instanceof Answer.Behind ? new Answer.Land() : answer;
      }
    },
    A_REMOVAL_IS_NO_CHANGE {
      @Override
      public List<Clash> check(Root at, Footprint mine) {
        return super.check(at, mine).stream().filter(clash -> clash.found() != 0).toList();
      }
    },
    A_COMMIT_BEFORE_THE_BASE_COUNTS {
      @Override
      Footprint seen(Footprint mine) {
        return new Footprint(
            Math.max(0, mine.base() - 3),
            mine.stores(),
            mine.written(),
            mine.read(),
            mine.ranges(),
            mine.required());
      }
    },
    CATCHING_UP_SEES_NOTHING {
      @Override
      public List<Clash> check(Root at, Footprint mine, long validated) {
        return List.of();
      }
    },
    CATCHING_UP_PASSES_OVER_ONE {
      @Override
      public List<Clash> check(Root at, Footprint mine, long validated) {
        return super.check(at, mine, validated + 1);
      }
    },
    A_RESOLVER_SETTLES_WHAT_WAS_READ {
      @Override
      public Remedy remedy(List<Clash> clashes) {
        return clashes.stream().anyMatch(clash -> clash.kind() == ConflictException.Kind.STALE)
            ? Remedy.REFUSE
            : Remedy.ASK;
      }
    },
    A_RESOLVER_SETTLES_WHAT_WAS_REQUIRED {
      @Override
      public Remedy remedy(List<Clash> clashes) {
        return Remedy.ASK;
      }
    },
    SETTLED_ON_WHAT_NO_RESOLVER_HAS_SEEN {
      @Override
      public Root settledOn(Root seen, Root newest) {
        return newest;
      }
    };

    Footprint seen(Footprint mine) {
      return mine;
    }

    @Override
    public List<Clash> check(Root at, Footprint mine) {
      return StoreMachine.check(at, seen(mine));
    }

    @Override
    public List<Clash> check(Root at, Footprint mine, long validated) {
      return StoreMachine.check(at, seen(mine), validated);
    }

    @Override
    public Remedy remedy(List<Clash> clashes) {
      return StoreMachine.remedy(clashes, _ -> true);
    }

    @Override
    public Answer decide(Footprint mine, long validated, Journal.Past past) throws Unreadable {
      return StoreMachine.decide(seen(mine), validated, Window.after(0), past);
    }
  }

  @ParameterizedTest
  @EnumSource
  void mutant_isCaught(Mutant mutant) {
    assertThatExceptionOfType(AssertionError.class)
        .isThrownBy(() -> {
          for (long seed = 1; seed <= SEEDS; seed++) {
            World _ = run(seed, mutant);
          }
        });
  }
}
