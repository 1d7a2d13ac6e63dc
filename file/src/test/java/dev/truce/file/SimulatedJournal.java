package dev.truce.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Fence;
import dev.truce.spi.Journal;
import dev.truce.spi.Journal.Entry;
import dev.truce.spi.Journal.Page;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.State;
import dev.truce.spi.Storage;
import dev.truce.testkit.SimulatedMachine;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The journal of a directory as one simulated process has it open, and an account of what it
/// answered.
///
/// A value such as `a1` is tried when it is appended, and acknowledged when it is durable. Facts
/// begin with `!` and must go on being true once they are acknowledged:
///
/// | fact | |
/// |---|---|
/// | `!a1 at 7` | that is its position |
/// | `!never a1` | somebody looked for it and was told that it did not land |
/// | `!ended build 3` | the token takes no unit any more |
/// | `!under build 3: [a1]` | and these are all that it ever took |
final class SimulatedJournal implements AutoCloseable {
  static final Duration LONG = Duration.ofMinutes(10);

  private static final Pattern WORDS = Pattern.compile("[ :]");

  private static final UUID ROOT = new UUID(1, 2);

  /// The few values that there are have their ids asked for in every state.
  private static final Map<String, UUID> IDS = new ConcurrentHashMap<>();

  /// Room for a few records, so that segments change often.
  private static final Segment.Sizes SMALL =
      new Segment.Sizes(dev.truce.file.Page.BYTES + 1024, 1 << 14);

  /// How records tell their values. Usually they are their text.
  interface Words {
    default String value(Entry entry) {
      return new String(entry.record(), UTF_8);
    }

    /// The values of all records that a checkpoint stands for; of others, if it was overtaken.
    default List<String> letGo(Journal.Base base) {
      return Arrays.asList(new String(base.all(), UTF_8).split("\n"));
    }
  }

  private final SimulatedMachine<String>.Worker me;
  private final Words words;
  private final Locks locks;
  private final SharedJournal journal;

  SimulatedJournal(SimulatedMachine<String>.Worker me) {
    this(me, me.storage());
  }

  SimulatedJournal(SimulatedMachine<String>.Worker me, Storage storage) {
    this(me, storage, new Words() {});
  }

  SimulatedJournal(SimulatedMachine<String>.Worker me, Storage storage, Words words) {
    this.me = me;
    this.words = words;
    JournalFiles files = new JournalFiles(storage, Path.of("disk"), "j", SMALL, this::neverTwice);
    locks = Locks.open(Path.of("disk", Locks.NAME), storage);
    journal =
        SharedJournal.open(
            files,
            locks,
            new Control.Owner(ROOT, "boot " + me.boot()),
            me.ticker(),
            Runnable::run,
            _ -> {});
  }

  /// The clock never shows the same twice, but for after a boot.
  private UUID neverTwice() {
    String now = me.boot() + me.name() + me.ticker().nanos();
    return UUID.nameUUIDFromBytes(now.getBytes(UTF_8));
  }

  Journal journal() {
    return journal;
  }

  // ---- working and accounting for it

  static UUID id(String value) {
    return IDS.computeIfAbsent(value, v -> UUID.nameUUIDFromBytes(v.getBytes(UTF_8)));
  }

  static Journal.Unit unit(@Nullable Fence fence, String value) {
    return unit(fence, () -> {}, value);
  }

  private static Journal.Unit unit(@Nullable Fence fence, Runnable first, String value) {
    return new Journal.Unit(
        id(value),
        fence,
        _ -> {
          first.run();
          return Optional.of(value.getBytes(UTF_8));
        });
  }

  /// Appends values in one call, and waits until those that landed are on disk.
  List<Result> append(String... values) throws InterruptedException {
    return append((Fence) null, values);
  }

  List<Result> append(@Nullable Fence fence, String... values) throws InterruptedException {
    return append(fence, () -> {}, values);
  }

  /// The same by deciders that do something first.
  List<Result> appendLate(Runnable first, String... values) throws InterruptedException {
    return append((Fence) null, first, values);
  }

  /// Appends a value and does not wait for it.
  void begin(String value) {
    me.account().attempt(value);
    journal.append(List.of(unit(null, value)));
  }

  /// Appends a value if it comes right behind a position; if not, it never lands.
  void appendBehind(long position, Runnable first, String value) throws InterruptedException {
    me.account().attempt(value);
    me.account().attempt("!never " + value);
    Journal.Unit unit =
        new Journal.Unit(
            id(value),
            null,
            past -> {
              first.run();
              return past.last() == position
                  ? Optional.of(value.getBytes(UTF_8))
                  : Optional.empty();
            });
    switch (journal.append(List.of(unit)).getFirst()) {
      case Result.Appended(long landed) -> landed(value, landed);
      case Result.Refused _ -> me.account().acknowledge("!never " + value);
      case Result.Unknown _ -> {}
    }
  }

  private List<Result> append(@Nullable Fence fence, Runnable first, String... values)
      throws InterruptedException {
    List<String> before = me.account().acknowledged();
    Arrays.stream(values).forEach(me.account()::attempt);
    List<Result> results =
        journal.append(Arrays.stream(values).map(value -> unit(fence, first, value)).toList());
    for (int i = 0; i < values.length; i++) {
      if (results.get(i) instanceof Result.Appended(long position)) {
        assertThat(before).as("ended before %s was tried", values[i]).doesNotContain(ended(fence));
        landed(values[i], position);
      }
    }
    return results;
  }

  private static String[] ended(@Nullable Fence fence) {
    return fence == null
        ? new String[] {"!"}
        : fence.tokens().entrySet().stream()
            .map(token -> "!ended " + token.getKey() + " " + token.getValue())
            .toArray(String[]::new);
  }

  private void landed(String value, long position) throws InterruptedException {
    String fact = "!" + value + " at " + position;
    me.account().attempt(fact);
    assertThat(journal.awaitDurable(position, LONG)).isTrue();
    me.account().acknowledge(fact);
    me.account().acknowledge(value);
  }

  /// Looks for a value, and accounts for the answer.
  boolean find(String value) throws InterruptedException {
    me.account().attempt("!never " + value);
    Optional<Result.Appended> found = journal.find(id(value));
    if (found.isPresent()) {
      landed(value, found.get().position());
    } else {
      me.account().acknowledge("!never " + value);
    }
    return found.isPresent();
  }

  /// Ends a token, and accounts for what it took until then: values that begin with its lock's
  /// name.
  void end(String lock, long token) {
    me.account().attempt("!ended " + lock + " " + token);
    journal.end(lock, token);
    me.account().acknowledge("!ended " + lock + " " + token);
    String under = under(lock, token, values());
    me.account().attempt(under);
    me.account().acknowledge(under);
  }

  private static String under(String lock, long token, List<String> values) {
    return "!under "
        + lock
        + " "
        + token
        + ": "
        + values.stream().filter(value -> value.startsWith(lock)).toList();
  }

  /// Lets all but the last `keep` records go; the state has their values, a line each.
  boolean checkpoint(int keep) {
    List<String> values = values();
    int upTo = values.size() - keep;
    return upTo > 0
        && journal.checkpoint(
            upTo, State.of(String.join("\n", values.subList(0, upTo)).getBytes(UTF_8)));
  }

  /// Lets all records go; after each of so many parts of the state it rests.
  boolean checkpointSlowly(Duration rest, int parts) {
    List<String> values = values();
    ByteBuffer state = ByteBuffer.wrap(String.join("\n", values).getBytes(UTF_8));
    return journal.checkpoint(
        values.size(),
        sink -> {
          for (int part = 1; part <= parts; part++) {
            sink.write(
                state
                    .slice(0, state.capacity() * part / parts)
                    .position(state.capacity() * (part - 1) / parts));
            JournalWorkload.rest(me, rest);
          }
        });
  }

  /// Waits until nobody appends any more, and marks the end.
  void rest() {
    journal.rest();
  }

  // ---- looking

  /// All values that ever landed, in order.
  List<String> values() {
    for (; ; ) {
      List<String> values = new ArrayList<>();
      if (journal.read(1, 1) instanceof Page.TooOld(long floor)) {
        values.addAll(words.letGo(journal.checkpoint().orElseThrow()));
        if (values.size() != floor - 1) {
          continue; // a newer checkpoint came in between
        }
      }
      if (journal.read(values.size() + 1, 1000) instanceof Page.Records(List<Entry> entries)) {
        for (Entry entry : entries) {
          assertThat(entry.position()).isEqualTo(values.size() + 1);
          String value = words.value(entry);
          assertThat(entry.commitId()).isEqualTo(id(value));
          values.add(value);
        }
        return values;
      }
    }
  }

  /// What is there, in the words of the account: the values, and before each the facts that were
  /// stated earlier and are true.
  List<String> found() {
    List<String> values = values();
    List<String> stated = me.account().attempted();
    List<String> found = new ArrayList<>();
    int told = 0;
    for (String value : values) {
      int before = Math.max(told, stated.indexOf(value));
      stated.subList(told, before).stream().filter(f -> isTrue(f, values)).forEach(found::add);
      told = before;
      found.add(value);
    }
    stated.subList(told, stated.size()).stream()
        .filter(fact -> isTrue(fact, values))
        .forEach(found::add);
    return found;
  }

  private boolean isTrue(String fact, List<String> values) {
    if (!fact.startsWith("!")) {
      return false;
    }
    String[] words = WORDS.split(fact.substring(1), -1);
    return switch (words[0]) {
      case "never" -> !values.contains(words[1]) && journal.find(id(words[1])).isEmpty();
      case "ended" -> isEnded(words[1], Long.parseLong(words[2]));
      case "under" -> fact.equals(under(words[1], Long.parseLong(words[2]), values));
      default -> values.indexOf(words[0]) + 1 == Long.parseLong(words[2]);
    };
  }

  private boolean isEnded(String lock, long token) {
    Journal.Unit probe =
        new Journal.Unit(id("probe"), Fence.of(lock, token), _ -> Optional.empty());
    return journal.append(List.of(probe)).getFirst() instanceof Result.Refused(_, Fence fenced)
        && fenced != null;
  }

  /// After all others have died: [settles][#settle()], and goes on working.
  static void recover(SimulatedMachine<String>.Worker me) throws Exception {
    try (SimulatedJournal journal = new SimulatedJournal(me)) {
      journal.settle();
      journal.append("after" + me.account().attempted().size());
      me.account().check(journal.found());
    }
  }

  /// Finishes what others began to end, settles what became of every value, and holds it all to the
  /// account.
  void settle() throws InterruptedException {
    List<String> stated = me.account().attempted();
    for (String fact : stated) {
      if (fact.startsWith("!ended ")) {
        String[] words = fact.split(" ", -1);
        journal.end(words[1], Long.parseLong(words[2]));
      }
    }
    List<String> values = values();
    for (String value : stated) {
      if (!value.startsWith("!") && !values.contains(value)) {
        assertThat(journal.find(id(value))).as("%s, which was not there", value).isEmpty();
      }
    }
    assertThat(journal.awaitDurable(values.size(), LONG)).isTrue();
    me.account().settle(found());
  }

  @Override
  public void close() {
    journal.close();
    locks.close();
  }
}
