package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Truce;
import dev.truce.store.Codec;
import dev.truce.store.Entry;
import dev.truce.store.Isolation;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import dev.truce.testkit.ListAppends;
import dev.truce.testkit.ListAppends.Fate;
import dev.truce.testkit.ListAppends.Transaction;
import dev.truce.testkit.LostUpdates;
import dev.truce.testkit.RegisterChecker;
import dev.truce.testkit.RegisterChecker.Op;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// What [StoreClient]s wrote down, held to what there is when all have ended.
final class StoreHistory {
  /// What became of a call, `null` where nobody wrote that down.
  private record End(long nanos, String fate, long revision, List<String> seen) {}

  private record Call(
      String process, long number, long nanos, List<String> what, @Nullable End end) {
    boolean is(String kind) {
      return what.getFirst().equals(kind);
    }

    boolean ended(String fate) {
      return end != null && end.fate.equals(fate);
    }

    long returned() {
      return end == null || end.fate.equals("U") ? RegisterChecker.NEVER : end.nanos;
    }
  }

  private final List<Call> calls;

  private StoreHistory(List<Call> calls) {
    this.calls = calls;
  }

  /// Who was killed may have left half a line, or no file.
  static StoreHistory of(List<Path> logs) throws IOException {
    List<Call> calls = new ArrayList<>();
    for (Path log : logs) {
      Map<Long, String[]> begun = new LinkedHashMap<>();
      Map<Long, End> ended = new HashMap<>();
      String text = Files.exists(log) ? Files.readString(log) : "";
      text.substring(0, text.lastIndexOf('\n') + 1)
          .lines()
          .map(line -> line.split(" ", -1))
          .forEach(words -> {
            if (words[0].equals("B")) {
              begun.put(Long.valueOf(words[1]), words);
            } else {
              ended.put(Long.valueOf(words[1]), end(words));
            }
          });
      begun.forEach((number, words) ->
          calls.add(
              new Call(
                  log.getFileName().toString(),
                  number,
                  Long.parseLong(words[2]),
                  List.of(words).subList(3, words.length),
                  ended.get(number))));
    }
    return new StoreHistory(calls);
  }

  private static End end(String[] words) {
    return new End(
        Long.parseLong(words[2]),
        words[3],
        Long.parseLong(words[4]),
        List.of(words).subList(5, words.length));
  }

  private Stream<Call> calls(String kind) {
    return calls.stream().filter(call -> call.is(kind));
  }

  /// The commits under an id of which nobody knows what became of them.
  Set<UUID> begunUnderAnId() {
    Set<UUID> begun = ids(_ -> true);
    begun.removeAll(ids(call -> call.ended("L") || call.ended("R")));
    return begun;
  }

  private Set<UUID> ids(Predicate<Call> which) {
    return calls("once")
        .filter(which)
        .map(call -> UUID.fromString(call.what.get(1)))
        .collect(Collectors.toCollection(HashSet::new));
  }

  /// The root is whole, and what is in it is what all of them saw and were told.
  ///
  /// @param logs all of one folder
  static String check(Path root, List<Path> logs) throws IOException {
    StoreHistory history = of(logs);
    assertThat(FileEngine.verify(root)).matches(FileEngine.Verification::sound);
    try (FileEngine engine = FileEngine.existing(root)) {
      assertThat(engine.notes()).isEmpty();
    }
    try (Truce truce = Truce.open(root)) {
      history.checkCounters(truce.store(StoreClient.counters(logs.getFirst()), Codec.longs()));
      history.checkRegisters(truce.store(StoreClient.REGISTERS, Codec.longs()));
      history.checkLists(truce.store(StoreClient.LISTS, Codec.utf8()));
    }
    history.checkRevisions();
    assertThat(FileEngine.verify(root)).matches(FileEngine.Verification::sound);
    return history.toString();
  }

  // ---- counters

  private void checkCounters(Store<Long> counters) {
    for (UUID id : begunUnderAnId()) {
      counters.withId(id).update(StoreClient.ONCE, count -> count.orElse(0L) + 1);
    }
    Map<String, Long> present = new HashMap<>();
    try (Snapshot<Long> now = counters.snapshot()) {
      now.all().forEach(entry -> present.put(entry.key(), entry.value()));
    }
    int once = ids(_ -> true).size() - ids(call -> call.ended("R")).size();
    assertThat(present.getOrDefault(StoreClient.ONCE, 0L)).isEqualTo((long) once);
    calls("count")
        .collect(Collectors.groupingBy(call -> call.what.get(1)))
        .forEach((key, of) -> {
          long landed = of.stream().filter(call -> call.ended("L")).count();
          long refused = of.stream().filter(call -> call.ended("R")).count();
          assertThat(
                  LostUpdates.ofCounter(landed, of.size() - refused, present.getOrDefault(key, 0L)))
              .as("%s counts %s", key, present.get(key))
              .matches(LostUpdates.Count::clean);
        });
  }

  // ---- registers

  private void checkRegisters(Store<Long> registers) {
    Map<String, List<Call>> byKey = new TreeMap<>();
    Stream.concat(calls("read"), calls("swap"))
        .sorted((one, other) -> Long.compare(one.nanos, other.nanos))
        .forEach(call -> byKey.computeIfAbsent(call.what.get(1), _ -> new ArrayList<>()).add(call));
    try (Snapshot<Long> now = registers.snapshot()) {
      byKey.forEach((key, of) -> {
        List<Op> ops = ops(of);
        long called = System.nanoTime();
        ops.add(new Op.Read(called, called + 1, now.get(key).orElse(RegisterChecker.ABSENT)));
        assertThat(RegisterChecker.refute(ops)).as(key).isEmpty();
      });
    }
  }

  private static List<Op> ops(List<Call> of) {
    List<Op> ops = new ArrayList<>();
    Map<Long, Integer> reads = new HashMap<>();
    for (Call call : of) {
      if (call.is("read")) {
        if (call.end != null) {
          reads.put(call.number, ops.size());
          ops.add(
              new Op.Read(call.nanos, call.end.nanos, Long.parseLong(call.end.seen.getFirst())));
        }
      } else if (!call.ended("R")) { // which changed nothing
        int from = reads.get(Long.valueOf(call.what.get(2)));
        ops.add(
            call.ended("L")
                ? new Op.Won(call.nanos, call.returned(), from, call.number)
                : new Op.Unknown(call.nanos, from, call.number));
      }
    }
    return ops;
  }

  // ---- lists

  private void checkLists(Store<String> lists) {
    List<Transaction> history = new ArrayList<>();
    calls("list").map(StoreHistory::transaction).forEach(history::add);
    List<ListAppends.Op> all = new ArrayList<>();
    long called = System.nanoTime();
    try (Snapshot<String> now = lists.snapshot()) {
      now.all().forEach(entry -> all.add(read(entry)));
    }
    history.add(new Transaction("judge", called, System.nanoTime(), Fate.LANDED, all));
    for (String key : keys(history)) {
      if (all.stream().noneMatch(op -> op.key().equals(key))) {
        all.add(new ListAppends.Op.Read(key, List.of()));
      }
    }
    assertThat(ListAppends.refute(history, Isolation.SNAPSHOT)).isEmpty();
  }

  private static Set<String> keys(List<Transaction> history) {
    return history.stream()
        .flatMap(one -> one.ops().stream())
        .map(ListAppends.Op::key)
        .collect(Collectors.toSet());
  }

  private static ListAppends.Op read(Entry<String> entry) {
    return new ListAppends.Op.Read(entry.key(), elements(entry.value()));
  }

  private static List<Long> elements(String list) {
    return list.isEmpty() ? List.of() : Arrays.stream(list.split(",")).map(Long::valueOf).toList();
  }

  private static Transaction transaction(Call call) {
    List<String> ops = call.end == null ? call.what.subList(1, call.what.size()) : call.end.seen;
    return new Transaction(
        call.process,
        call.nanos,
        call.returned(),
        call.ended("L") ? Fate.LANDED : call.ended("R") ? Fate.REFUSED : Fate.UNKNOWN,
        ops.stream().map(op -> op.split(":", -1)).map(StoreHistory::op).toList());
  }

  /// A read that is only planned has seen nothing, and does not count.
  private static ListAppends.Op op(String[] words) {
    return words[0].equals("a")
        ? new ListAppends.Op.Append(words[1], Long.parseLong(words[2]))
        : new ListAppends.Op.Read(words[1], elements(words.length > 2 ? words[2] : ""));
  }

  // ---- all of them

  /// No two commits have landed in the same place; who began when another had returned landed
  /// behind it.
  private void checkRevisions() {
    Map<Long, Call> landed = new TreeMap<>();
    calls.stream()
        .filter(call -> call.ended("L") && !call.is("read") && !isReadAlone(call))
        .forEach(call -> {
          Call other = landed.put(revision(call), call);
          assertThat(other == null || other.what.equals(call.what))
              .as("%s and %s are at the same revision", call, other)
              .isTrue();
        });
    long began = 0;
    for (Call call : landed.values()) {
      assertThat(call.returned()).as("%s", call).isGreaterThan(began);
      began = call.is("once") ? began : Math.max(began, call.nanos);
    }
  }

  private static boolean isReadAlone(Call call) {
    return call.is("list") && call.what.stream().noneMatch(part -> part.startsWith("a:"));
  }

  private static long revision(Call call) {
    return call.end == null ? 0 : call.end.revision;
  }

  @Override
  public String toString() {
    long landed = calls.stream().filter(call -> call.ended("L")).count();
    long refused = calls.stream().filter(call -> call.ended("R")).count();
    return calls.size() + " calls, " + landed + " landed, " + refused + " refused";
  }
}
