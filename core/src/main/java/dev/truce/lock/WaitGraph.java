package dev.truce.lock;

import dev.truce.lock.LockMachine.Rules;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.LockState.Hold;
import dev.truce.lock.LockState.Phase;
import dev.truce.lock.LockState.Wait;
import dev.truce.lock.NamedLock.Mode;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Who waits for whom, as far as it can be seen from one wait: a pure function of what the cells
/// said when they were looked at.
///
/// A wait for a lock needs *all* of those in its way to leave: who holds the lock in a mode that it
/// cannot stand beside, or that somebody ahead of it cannot. A wait for one of several permits
/// needs *any* holder to give one back. Whoever waits for nothing is taken to give back what it
/// holds, some time. What is left when everything that can come free this way has come free is a
/// *knot*: none of its waits ever ends by itself.
///
/// Cells are looked at one after the other, so one picture may show what never was at any one
/// moment. A knot that is the same in two pictures, one after the other, was there between them: no
/// wait's id and no token is ever used again, so each of its waits stood and each of its grants was
/// held all that time.
///
/// Source: the AND-OR model of Knapp, *Deadlock Detection in Distributed Databases* (ACM Computing
/// Surveys 19, 1987); two passes instead of a snapshot.
final class WaitGraph {
  /// What can be seen.
  interface View {
    LockState lock(String name);

    /// The waits of those that hold this grant, none if nobody of them waits.
    List<Waiting> of(String lock, Claim claim, long token);

    /// Whether somebody who waits under this claim was told to give way, and will leave.
    boolean leaves(Claim run);
  }

  /// A grant in the way of a wait, and who, waiting, does not give it back.
  private record Edge(long from, String lock, Claim claim, long token, long to) {}

  /// Waits that never end unless one of them gives way.
  static final class Knot {
    private final Map<Long, Waiting> waits;
    private final Set<Edge> edges;
    private final Waiting start;

    private Knot(Waiting start, Map<Long, Waiting> waits, Set<Edge> edges) {
      this.start = start;
      this.waits = waits;
      this.edges = edges;
    }

    /// Whether the other picture shows the very same waits and grants.
    boolean sameAs(Knot other) {
      return waits.keySet().equals(other.waits.keySet()) && edges.equals(other.edges);
    }

    /// Who gives way: the last by `order` of those that wait in a ring with the start. Whoever of
    /// them looks chooses the same.
    Waiting victim(Comparator<Waiting> order) {
      return ring().stream().max(order).orElseThrow();
    }

    /// Those that the start waits for and that wait for the start.
    private List<Waiting> ring() {
      Set<Long> before = reach(start.id(), true);
      Set<Long> after = reach(start.id(), false);
      return waits.values().stream()
          .filter(wait -> before.contains(wait.id()) && after.contains(wait.id()))
          .toList();
    }

    private Set<Long> reach(long from, boolean backwards) {
      Set<Long> seen = new HashSet<>();
      ArrayDeque<Long> next = new ArrayDeque<>(List.of(from));
      while (!next.isEmpty()) {
        long at = next.poll();
        for (Edge edge : edges) {
          if ((backwards ? edge.to() : edge.from()) == at) {
            long other = backwards ? edge.from() : edge.to();
            if (seen.add(other)) {
              next.add(other);
            }
          }
        }
      }
      return seen;
    }

    /// A shortest way from this wait back to it: who waits, and in that one's way who.
    List<Waiting> ring(Waiting from) {
      Map<Long, Edge> into = new HashMap<>();
      ArrayDeque<Long> next = new ArrayDeque<>(List.of(from.id()));
      while (!into.containsKey(from.id())) {
        long at = next.remove();
        edges.stream()
            .filter(edge -> edge.from() == at)
            .sorted(Comparator.comparingLong(Edge::to))
            .filter(edge -> into.putIfAbsent(edge.to(), edge) == null)
            .forEach(edge -> next.add(edge.to()));
      }
      ArrayDeque<Waiting> ring = new ArrayDeque<>();
      Edge edge = into.get(from.id());
      while (edge != null && edge.from() != from.id()) {
        ring.addFirst(Objects.requireNonNull(waits.get(edge.from())));
        edge = into.get(edge.from());
      }
      ring.addFirst(from);
      return List.copyOf(ring);
    }
  }

  private static final int ALL = -1;

  private final View view;
  private final Rules rules;
  private final Map<Long, Waiting> waits = new HashMap<>();
  private final Map<Long, List<Edge>> edges = new HashMap<>();

  /// How many of those in its way a wait needs to leave.
  private final Map<Long, Integer> needs = new HashMap<>();

  /// How many of those in its way wait for nothing.
  private final Map<Long, Integer> leaves = new HashMap<>();

  private WaitGraph(View view, Rules rules) {
    this.view = view;
    this.rules = rules;
  }

  /// How often two pictures in a row are compared before it is left to the next look.
  private static final int PICTURES = 4;

  /// The knot in which this wait is tied up with itself, if two pictures in a row show it.
  ///
  /// @param pictures takes a new one each time
  static Optional<Knot> seenTwice(Waiting start, Supplier<View> pictures, Rules rules) {
    Optional<Knot> first = knot(start, pictures.get(), rules);
    for (int i = 1; i < PICTURES && first.isPresent(); i++) {
      Optional<Knot> second = knot(start, pictures.get(), rules);
      if (second.isPresent() && second.get().sameAs(first.get())) {
        return second;
      }
      first = second;
    }
    return Optional.empty();
  }

  /// The knot in which this wait is tied up with itself, if one picture shows it.
  static Optional<Knot> knot(Waiting start, View view, Rules rules) {
    WaitGraph graph = new WaitGraph(view, rules);
    graph.explore(start);
    Set<Long> tied = graph.tied();
    if (!tied.contains(start.id())) {
      return Optional.empty();
    }
    Knot knot = graph.among(tied, start);
    return knot.ring().isEmpty() ? Optional.empty() : Optional.of(knot);
  }

  /// Looks at everything that this wait waits for.
  private void explore(Waiting start) {
    ArrayDeque<Waiting> next = new ArrayDeque<>(List.of(start));
    waits.put(start.id(), start);
    while (!next.isEmpty()) {
      Waiting wait = next.poll();
      LockState state = view.lock(wait.lock());
      List<Hold> inTheWay = wait.isStruck() ? null : inTheWay(wait, state);
      List<Edge> out = new ArrayList<>();
      int leave = 0;
      for (Hold hold : inTheWay == null ? List.<Hold>of() : inTheWay) {
        for (long token : grants(hold)) {
          List<Waiting> holders = view.of(wait.lock(), hold.claim(), token);
          leave += holders.isEmpty() ? 1 : 0;
          for (Waiting holder : holders) {
            out.add(new Edge(wait.id(), wait.lock(), hold.claim(), token, holder.id()));
            if (waits.putIfAbsent(holder.id(), holder) == null) {
              next.add(holder);
            }
          }
        }
      }
      edges.put(wait.id(), out);
      needs.put(wait.id(), needed(wait, state, inTheWay));
      leaves.put(wait.id(), leave);
    }
  }

  /// How many of those in its way have to leave. A permit that is offered to somebody ahead is on
  /// its way as well.
  private static int needed(Waiting wait, LockState state, @Nullable List<Hold> inTheWay) {
    if (inTheWay == null || inTheWay.size() < state.limit()) {
      return 0;
    }
    return state.limit() == 1 || wait.upgrade() ? ALL : inTheWay.size() - state.limit() + 1;
  }

  /// The tokens under which a row is held, each by somebody of its own.
  private static List<Long> grants(Hold hold) {
    return hold.count() == 1 ? List.of(hold.token()) : hold.tokens();
  }

  /// The waits that stay when everything that can come free has come free.
  private Set<Long> tied() {
    Set<Long> tied = new HashSet<>(waits.keySet());
    while (tied.removeIf(wait -> comesFree(wait, tied))) {
      // until nothing more comes free
    }
    return tied;
  }

  private boolean comesFree(long wait, Set<Long> tied) {
    Predicate<Edge> stuck = edge -> tied.contains(edge.to());
    List<Edge> out = edges.getOrDefault(wait, List.of());
    int need = needs.getOrDefault(wait, 0);
    if (need == ALL) {
      return out.stream().noneMatch(stuck);
    }
    // Whoever has several waits for one grant has it as long as one of them stands.
    Map<List<Object>, List<Edge>> byGrant =
        out.stream().collect(Collectors.groupingBy(edge -> List.of(edge.claim(), edge.token())));
    long freed = byGrant.values().stream().filter(of -> of.stream().noneMatch(stuck)).count();
    return leaves.getOrDefault(wait, 0) + freed >= need;
  }

  private Knot among(Set<Long> tied, Waiting start) {
    Map<Long, Waiting> rest = new HashMap<>();
    Set<Edge> between = new HashSet<>();
    ArrayDeque<Long> next = new ArrayDeque<>(List.of(start.id()));
    rest.put(start.id(), start);
    while (!next.isEmpty()) {
      for (Edge edge : edges.getOrDefault(next.poll(), List.of())) {
        Waiting to = waits.get(edge.to());
        if (to != null && tied.contains(edge.to())) {
          between.add(edge);
          if (rest.putIfAbsent(edge.to(), to) == null) {
            next.add(edge.to());
          }
        }
      }
    }
    return new Knot(start, rest, between);
  }

  // ---- one lock

  /// The holds that have to go before this wait is served, all of them or, of permits, any; `null`
  /// when it does not wait any more, or is about to be served.
  private @Nullable List<Hold> inTheWay(Waiting wait, LockState state) {
    if (wait.upgrade()) {
      boolean stands =
          state.holds().stream()
              .anyMatch(hold -> isOwn(hold, wait) && hold.phase() == Phase.UPGRADING);
      return stands ? living(state).filter(hold -> !isOwn(hold, wait)).toList() : null;
    }
    Wait place = state.waitOf(wait.claim());
    if (place == null || place.offered() != 0 || place.absent()) {
      return null;
    }
    if (state.stands(place.parent())) {
      return living(state).filter(hold -> hold.parent().equals(place.parent())).toList();
    }
    Set<Mode> modes = modesAhead(state, place);
    return living(state)
        .filter(hold -> !state.stands(hold.parent()))
        .filter(hold ->
            hold.phase() == Phase.UPGRADING
                || hold.mode() == Mode.WRITE
                || modes.contains(Mode.WRITE))
        .toList();
  }

  /// Whether this row is that of the reader that upgrades: by its token, for it gets a claim of its
  /// own when it leaves a row that it shared.
  private static boolean isOwn(Hold hold, Waiting wait) {
    return hold.claim().member() == wait.member()
        && hold.count() == 1
        && wait.held().contains(new Waiting.Token(wait.lock(), hold.token()));
  }

  private static Stream<Hold> living(LockState state) {
    return state.holds().stream().filter(hold -> hold.phase() != Phase.ENDING);
  }

  /// How those want the lock that are served before this place, and itself.
  private Set<Mode> modesAhead(LockState state, Wait place) {
    Set<Mode> modes = new HashSet<>();
    for (Wait wait : LockMachine.inOrder(state, rules)) {
      if (wait.claim().equals(place.claim())) {
        break;
      }
      boolean stays = wait.count() > 1 || !view.leaves(wait.claim());
      if (wait.present() && stays && !state.stands(wait.parent())) {
        modes.add(wait.mode());
      }
    }
    modes.add(place.mode());
    return modes;
  }
}
