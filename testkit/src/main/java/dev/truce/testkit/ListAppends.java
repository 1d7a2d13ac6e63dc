package dev.truce.testkit;

import dev.truce.store.Isolation;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// Judges whether what transactions saw of lists, to which they appended, is what their isolation
/// promises: a pure function of the history.
///
/// Each element is appended once, so that a list tells its own versions: who made each, in which
/// order, and which of them somebody has seen. From that follow the edges between transactions:
///
/// | edge | |
/// |---|---|
/// | ww | the other's version of a key follows on this one's |
/// | wr | the other saw this one's version |
/// | rw | the other made the version that follows on what this one saw |
/// | order | this one had returned before the other was called, in its own process or elsewhere |
///
/// A cycle is what no order explains. [Isolation#SERIALIZABLE] forbids every cycle,
/// [Isolation#SNAPSHOT] those in which no two edges rw follow each other: a write skew has two that
/// do.
public final class ListAppends {
  /*
   * Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations", VLDB
   * 2020; the names of anomalies are Adya's ("Weak Consistency", 1999). That snapshot isolation is
   * the absence of cycles without two adjacent rw: Cerone and Gotsman, "Analysing Snapshot
   * Isolation", PODC 2016. Components are Tarjan's (1972).
   */

  /// How long a transaction of unknown outcome may take: for ever.
  public static final long NEVER = Long.MAX_VALUE;

  /// From so many transactions on the shortest cycle is looked for.
  private static final int TRIED = 1_000;

  /// What a transaction did to one list.
  public sealed interface Op {
    String key();

    record Append(String key, long element) implements Op {}

    /// Saw the whole list: what it has itself appended until then is at its end.
    record Read(String key, List<Long> seen) implements Op {}
  }

  /// What became of it.
  public enum Fate {
    LANDED,
    REFUSED,
    UNKNOWN
  }

  /// One transaction.
  ///
  /// @param process whose it is; a process does one after the other
  /// @param called when it began and
  /// @param returned when its outcome was told, on one clock for all; [#NEVER] if it never was
  /// @param ops what it did, in this order; of one of unknown outcome the reads do not count
  public record Transaction(String process, long called, long returned, Fate fate, List<Op> ops) {
    @Override
    public String toString() {
      return process + " [" + called + ", " + (returned == NEVER ? "" : returned) + "] " + ops;
    }
  }

  private enum Kind {
    WW,
    WR,
    RW,
    ORDER
  }

  /// @param key through which list; empty for order
  private record Edge(int from, int to, Kind kind, String key) {}

  /// Something is wrong before any order is looked for.
  private static final class Anomaly extends Exception {
    private static final long serialVersionUID = 1L;

    Anomaly(String what) {
      super(what, null, false, false);
    }
  }

  private final List<Transaction> history;

  /// Who appended an element, by key.
  private final Map<String, Map<Long, Integer>> writers = new HashMap<>();

  /// The longest version of each key that anybody saw.
  private final Map<String, List<Long>> versions = new TreeMap<>();

  /// Moments between the transactions, so that order needs few edges: nodes behind theirs.
  private int moments;

  private final List<List<Edge>> edges = new ArrayList<>();

  private ListAppends(List<Transaction> history) {
    this.history = history;
  }

  /// Empty when the history, which began with empty lists, is what `isolation` promises; otherwise
  /// what it breaks, and by which transactions.
  ///
  /// @throws IllegalArgumentException if an element is appended twice to a list: no history tells
  ///   its versions then
  public static Optional<String> refute(List<Transaction> history, Isolation isolation) {
    try {
      return new ListAppends(List.copyOf(history)).cycle(isolation);
    } catch (Anomaly anomaly) {
      return Optional.of(String.valueOf(anomaly.getMessage()));
    }
  }

  private Optional<String> cycle(Isolation isolation) throws Anomaly {
    collectWriters();
    for (Transaction each : history) {
      if (each.fate() == Fate.LANDED) {
        checkInside(each);
      }
    }
    collectVersions();
    checkReads();
    checkLost();
    addOrder();
    addDependencies();
    return told(shortest(edge -> edge.kind == Kind.WW || edge.kind == Kind.ORDER, false))
        .or(() -> told(shortest(edge -> edge.kind != Kind.RW, false)))
        .or(() -> told(shortest(_ -> true, true)))
        .or(() ->
            isolation == Isolation.SERIALIZABLE
                ? told(shortest(_ -> true, false))
                : Optional.empty());
  }

  // ---- what the lists say

  private void collectWriters() {
    for (int i = 0; i < history.size(); i++) {
      for (Op op : history.get(i).ops()) {
        if (op instanceof Op.Append(String key, long element)) {
          Integer other =
              writers.computeIfAbsent(key, _ -> new HashMap<>()).putIfAbsent(element, i);
          if (other != null) {
            throw new IllegalArgumentException(element + " is appended twice to " + key);
          }
        }
      }
    }
  }

  /// Within one transaction each read goes on from the one before it and from its own appends.
  private static void checkInside(Transaction one) throws Anomaly {
    Map<String, List<Long>> expected = new HashMap<>();
    Map<String, List<Long>> own = new HashMap<>();
    for (Op op : one.ops()) {
      switch (op) {
        case Op.Append(String key, long element) -> {
          own.computeIfAbsent(key, _ -> new ArrayList<>()).add(element);
          expected.computeIfPresent(key, (_, seen) -> with(seen, element));
        }
        case Op.Read(String key, List<Long> seen) -> {
          List<Long> mine = own.getOrDefault(key, List.of());
          boolean goesOn =
              expected.containsKey(key) ? seen.equals(expected.get(key)) : endsWith(seen, mine);
          if (!goesOn) {
            throw new Anomaly("internal: its reads of " + key + " do not agree: " + one);
          }
          expected.put(key, seen);
        }
      }
    }
  }

  private static List<Long> with(List<Long> list, long element) {
    List<Long> longer = new ArrayList<>(list);
    longer.add(element);
    return longer;
  }

  private static boolean endsWith(List<Long> list, List<Long> end) {
    return list.size() >= end.size()
        && list.subList(list.size() - end.size(), list.size()).equals(end);
  }

  private void collectVersions() throws Anomaly {
    for (Transaction one : history) {
      for (Op.Read read : reads(one)) {
        List<Long> longest = versions.getOrDefault(read.key(), List.of());
        List<Long> longer = read.seen().size() > longest.size() ? read.seen() : longest;
        List<Long> shorter = longer.equals(longest) ? read.seen() : longest;
        if (!longer.subList(0, shorter.size()).equals(shorter)) {
          throw new Anomaly(
              "incompatible order of "
                  + read.key()
                  + ": "
                  + longest
                  + " was seen, and "
                  + read.seen()
                  + " by "
                  + one);
        }
        versions.put(read.key(), longer);
      }
    }
    for (Map.Entry<String, List<Long>> version : versions.entrySet()) {
      Set<Long> once = new HashSet<>();
      for (Long element : version.getValue()) {
        if (!once.add(element)) {
          throw new Anomaly("duplicate: " + element + " is twice in " + version);
        }
      }
    }
  }

  private static List<Op.Read> reads(Transaction one) {
    return one.fate() != Fate.LANDED
        ? List.of()
        : one.ops().stream().filter(Op.Read.class::isInstance).map(Op.Read.class::cast).toList();
  }

  private void checkReads() throws Anomaly {
    for (int i = 0; i < history.size(); i++) {
      Transaction one = history.get(i);
      for (Op.Read read : reads(one)) {
        List<Long> seen = others(read, i);
        for (Long element : seen) {
          Integer writer = writer(read.key(), element);
          if (writer == null) {
            throw new Anomaly("garbage: nobody appended " + element + ", seen by " + one);
          }
          if (history.get(writer).fate() == Fate.REFUSED) {
            throw new Anomaly(
                "G1a, a dirty read: " + one + " saw what was refused: " + history.get(writer));
          }
        }
        if (!seen.isEmpty() && !isLast(read.key(), seen.getLast())) {
          Integer writer = writer(read.key(), seen.getLast());
          throw new Anomaly(
              "G1b, an intermediate read: "
                  + one
                  + " saw a part of "
                  + (writer == null ? "nobody" : history.get(writer)));
        }
      }
    }
  }

  private @Nullable Integer writer(String key, Long element) {
    return writers.getOrDefault(key, Map.of()).get(element);
  }

  /// Whether this is the last element that its transaction appended to this list.
  private boolean isLast(String key, Long element) {
    Integer writer = writer(key, element);
    return writer == null
        || history.get(writer).ops().stream()
            .filter(op -> op instanceof Op.Append && op.key().equals(key))
            .reduce((_, later) -> later)
            .filter(op -> op instanceof Op.Append append && append.element() == element)
            .isPresent();
  }

  /// What of a read was there before the reader's own appends.
  private List<Long> others(Op.Read read, int reader) {
    int end = read.seen().size();
    while (end > 0) {
      Integer writer = writer(read.key(), read.seen().get(end - 1));
      if (writer == null || writer != reader) {
        break;
      }
      end--;
    }
    return read.seen().subList(0, end);
  }

  /// What landed is in every list that was read later.
  private void checkLost() throws Anomaly {
    Map<String, Map<Long, Long>> returned = new HashMap<>();
    for (Transaction one : history) {
      for (Op op : one.ops()) {
        if (one.fate() == Fate.LANDED
            && op instanceof Op.Append(String key, long element)
            && !versions.getOrDefault(key, List.of()).contains(element)) {
          returned.computeIfAbsent(key, _ -> new HashMap<>()).put(element, one.returned());
        }
      }
    }
    for (Transaction one : history) {
      for (Op.Read read : reads(one)) {
        for (Map.Entry<Long, Long> missing :
            returned.getOrDefault(read.key(), Map.of()).entrySet()) {
          if (missing.getValue() < one.called()) {
            throw new Anomaly(
                "lost append: "
                    + missing.getKey()
                    + " landed in "
                    + read.key()
                    + " and is in no version of it, nor in what was read later by "
                    + one);
          }
        }
      }
    }
  }

  // ---- the edges

  private void add(int from, int to, Kind kind, String key) {
    if (from != to) {
      edges.get(from).add(new Edge(from, to, kind, key));
    }
  }

  /// One node for each return, in the order of time: whoever was called later comes behind it.
  private void addOrder() {
    Integer[] byReturn = indices();
    Arrays.sort(byReturn, Comparator.comparingLong(i -> history.get(i).returned()));
    Integer[] byCall = indices();
    Arrays.sort(byCall, Comparator.comparingLong(i -> history.get(i).called()));
    for (int i = 0; i < history.size() * 2; i++) {
      edges.add(new ArrayList<>());
    }
    int passed = 0;
    for (int next : byCall) {
      while (passed < byReturn.length
          && history.get(byReturn[passed]).returned() < history.get(next).called()) {
        int moment = history.size() + passed;
        add(byReturn[passed], moment, Kind.ORDER, "");
        if (passed > 0) {
          add(moment - 1, moment, Kind.ORDER, "");
        }
        passed++;
      }
      if (passed > 0) {
        add(history.size() + passed - 1, next, Kind.ORDER, "");
      }
    }
    moments = passed;
  }

  private Integer[] indices() {
    Integer[] indices = new Integer[history.size()];
    Arrays.setAll(indices, i -> i);
    return indices;
  }

  private void addDependencies() {
    Map<String, Set<Integer>> unseen = unseenWriters();
    versions.forEach((key, version) -> {
      for (int i = 1; i < version.size(); i++) {
        follow(key, version.get(i - 1), version.get(i));
      }
      if (!version.isEmpty()) {
        Integer last = writer(key, version.getLast());
        unseen.getOrDefault(key, Set.of()).forEach(later -> add(node(last), later, Kind.WW, key));
      }
    });
    for (int i = 0; i < history.size(); i++) {
      for (Op.Read read : reads(history.get(i))) {
        addRead(i, read.key(), others(read, i), unseen.getOrDefault(read.key(), Set.of()));
      }
    }
  }

  private static int node(@Nullable Integer writer) {
    if (writer == null) {
      throw new IllegalStateException("an element that nobody appended was not found");
    }
    return writer;
  }

  private void follow(String key, Long earlier, Long later) {
    add(node(writer(key, earlier)), node(writer(key, later)), Kind.WW, key);
  }

  private void addRead(int reader, String key, List<Long> seen, Set<Integer> unseen) {
    if (!seen.isEmpty()) {
      add(node(writer(key, seen.getLast())), reader, Kind.WR, key);
    }
    List<Long> version = versions.getOrDefault(key, List.of());
    if (seen.size() < version.size()) {
      add(reader, node(writer(key, version.get(seen.size()))), Kind.RW, key);
    } else {
      unseen.forEach(later -> add(reader, later, Kind.RW, key));
    }
  }

  /// Who landed an append that nobody saw: behind all versions that somebody saw.
  private Map<String, Set<Integer>> unseenWriters() {
    Map<String, Set<Integer>> unseen = new HashMap<>();
    writers.forEach((key, byElement) -> {
      Set<Long> seen = new HashSet<>(versions.getOrDefault(key, List.of()));
      byElement.forEach((element, writer) -> {
        if (!seen.contains(element) && history.get(writer).fate() == Fate.LANDED) {
          unseen.computeIfAbsent(key, _ -> new HashSet<>()).add(writer);
        }
      });
    });
    return unseen;
  }

  // ---- cycles

  /// A node of the graph in which cycles are looked for: where edges rw must not follow each other,
  /// each transaction is there twice, the second time as one that was reached by rw.
  private record Step(int node, @Nullable Edge by) {}

  /// The shortest cycle of the edges that count, in one of the components that have one; empty if
  /// there is none.
  private List<Edge> shortest(Predicate<Edge> counts, boolean noAdjacentRw) {
    List<List<Step>> graph = graph(counts, noAdjacentRw);
    List<Edge> shortest = List.of();
    for (List<Integer> component : new Components(graph).cyclic()) {
      Set<Integer> inside = new HashSet<>(component);
      for (int from : component.subList(0, Math.min(TRIED, component.size()))) {
        if (from % (2 * history.size()) < history.size()) { // a cycle goes through a transaction
          List<Edge> cycle = shortest(graph, from, inside);
          if (!cycle.isEmpty() && (shortest.isEmpty() || length(cycle) < length(shortest))) {
            shortest = cycle;
          }
        }
      }
      if (!shortest.isEmpty()) {
        break;
      }
    }
    return shortest;
  }

  private long length(List<Edge> cycle) {
    return cycle.stream().filter(edge -> edge.to < history.size()).count();
  }

  private List<List<Step>> graph(Predicate<Edge> counts, boolean noAdjacentRw) {
    int size = history.size() + moments;
    int second = 2 * history.size();
    List<List<Step>> graph = new ArrayList<>();
    for (int i = 0; i < 2 * second; i++) {
      graph.add(new ArrayList<>());
    }
    for (int i = 0; i < size; i++) {
      for (Edge edge : edges.get(i)) {
        if (!counts.test(edge)) {
          continue;
        }
        if (!noAdjacentRw) {
          graph.get(i).add(new Step(edge.to, edge));
        } else if (edge.kind == Kind.RW) {
          graph.get(i).add(new Step(second + edge.to, edge));
        } else {
          graph.get(i).add(new Step(edge.to, edge));
          graph.get(second + i).add(new Step(edge.to, edge));
        }
      }
    }
    return graph;
  }

  /// The shortest way from a node to itself, empty if there is none.
  private static List<Edge> shortest(List<List<Step>> graph, int from, Set<Integer> inside) {
    Map<Integer, Step> cameBy = new HashMap<>(); // the node before, and the edge from there
    Deque<Integer> open = new ArrayDeque<>(List.of(from));
    while (!open.isEmpty()) {
      int node = open.remove();
      for (Step step : graph.get(node)) {
        if (inside.contains(step.node) && !cameBy.containsKey(step.node)) {
          cameBy.put(step.node, new Step(node, step.by));
          if (step.node == from) {
            return way(cameBy, from);
          }
          open.add(step.node);
        }
      }
    }
    return List.of();
  }

  private static List<Edge> way(Map<Integer, Step> cameBy, int from) {
    List<Edge> way = new ArrayList<>();
    int node = from;
    do {
      Step step = cameBy.get(node);
      if (step == null || step.by == null) {
        throw new IllegalStateException("a way without a beginning");
      }
      way.add(step.by);
      node = step.node;
    } while (node != from);
    return way.reversed();
  }

  /// The strongly connected components of a graph, in which no call goes deeper than one.
  private static final class Components {
    private final List<List<Step>> graph;
    private final int[] index;
    private final int[] low;
    private final int[] tried;
    private final boolean[] onStack;
    private final Deque<Integer> stack = new ArrayDeque<>();
    private final Deque<Integer> path = new ArrayDeque<>();
    private final List<List<Integer>> cyclic = new ArrayList<>();
    private int count;

    Components(List<List<Step>> graph) {
      this.graph = graph;
      index = new int[graph.size()];
      low = new int[graph.size()];
      tried = new int[graph.size()];
      onStack = new boolean[graph.size()];
    }

    /// Those of more than one node; no node has an edge to itself.
    List<List<Integer>> cyclic() {
      for (int node = 0; node < graph.size(); node++) {
        if (index[node] == 0) {
          enter(node);
          while (!path.isEmpty()) {
            goOn(path.element());
          }
        }
      }
      return cyclic;
    }

    private void enter(int node) {
      index[node] = ++count;
      low[node] = count;
      onStack[node] = true;
      stack.push(node);
      path.push(node);
    }

    private void goOn(int node) {
      while (tried[node] < graph.get(node).size()) {
        int next = graph.get(node).get(tried[node]++).node;
        if (index[next] == 0) {
          enter(next);
          return;
        }
        if (onStack[next]) {
          low[node] = Math.min(low[node], index[next]);
        }
      }
      path.pop();
      if (!path.isEmpty()) {
        int above = path.element();
        low[above] = Math.min(low[above], low[node]);
      }
      if (low[node] == index[node]) {
        leave(node);
      }
    }

    private void leave(int root) {
      List<Integer> component = new ArrayList<>();
      int node;
      do {
        node = stack.pop();
        onStack[node] = false;
        component.add(node);
      } while (node != root);
      if (component.size() > 1) {
        cyclic.add(component);
      }
    }
  }

  // ---- telling

  private Optional<String> told(List<Edge> cycle) {
    if (cycle.isEmpty()) {
      return Optional.empty();
    }
    StringBuilder told = new StringBuilder(name(cycle)).append(", a cycle:");
    int first = 0;
    while (cycle.get(first).from >= history.size()) {
      first++; // in the middle of an order
    }
    for (int i = 0; i < cycle.size(); i++) {
      Edge edge = cycle.get((first + i) % cycle.size());
      if (edge.from < history.size()) {
        told.append("\n  ").append(history.get(edge.from)).append("\n    ").append(reason(edge));
      }
    }
    return Optional.of(told + "\n  the first one");
  }

  private static String name(List<Edge> cycle) {
    long rw = cycle.stream().filter(edge -> edge.kind == Kind.RW).count();
    if (rw == 0) {
      return cycle.stream().anyMatch(edge -> edge.kind == Kind.WR) ? "G1c" : "G0";
    }
    return rw == 1 ? "G-single" : "G2";
  }

  private static String reason(Edge edge) {
    return switch (edge.kind) {
      case WW -> "ww: in " + edge.key + " right before what was appended by";
      case WR -> "wr: its version of " + edge.key + " was seen by";
      case RW -> "rw: the version of " + edge.key + " that it saw was followed by that of";
      case ORDER -> "order: it had returned before the call of";
    };
  }
}
