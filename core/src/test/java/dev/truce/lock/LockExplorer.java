package dev.truce.lock;

import dev.truce.lock.LockWorld.Option;
import dev.truce.lock.LockWorld.Stepper;
import dev.truce.lock.LockWorld.Violation;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Goes through every state that a small [LockWorld] can reach, the nearest first, so that the path
/// to a violation is a shortest one.
final class LockExplorer {
  /// What was found.
  ///
  /// @param exhausted whether every state was reached that can be
  /// @param violation the first violation and the way to it, if there is one
  record Report(
      String plan, int states, long transitions, boolean exhausted, @Nullable String violation) {}

  private record Node(@Nullable Node before, @Nullable Option happened) {
    List<String> path() {
      List<String> path = new ArrayList<>();
      for (Node node = this; node.before() != null; node = node.before()) {
        path.add(node.happened().name());
      }
      Collections.reverse(path);
      return path;
    }
  }

  private record Reached(Node node, LockWorld world) {}

  /// How often a state is asked whether it comes to rest.
  private static final int REST_EVERY = 10;

  private static final int REST_ROUNDS = 60;

  private LockExplorer() {}

  static Report explore(LockPlan plan, Stepper stepper, int maxStates) {
    Set<String> seen = new HashSet<>();
    ArrayDeque<Reached> frontier = new ArrayDeque<>();
    LockWorld start = new LockWorld(plan, stepper);
    seen.add(start.key());
    frontier.add(new Reached(new Node(null, null), start));
    long transitions = 0;
    long looked = 0;
    while (!frontier.isEmpty()) {
      Reached here = frontier.poll();
      if (looked++ % REST_EVERY == 0 && !rests(here.world())) {
        return report(plan, seen, transitions, here.node().path(), "does not come to rest");
      }
      for (Option option : here.world().options()) {
        Node node = new Node(here.node(), option);
        LockWorld next = here.world().copy();
        try {
          option.happens().accept(next);
        } catch (Violation | IllegalArgumentException violation) {
          return report(plan, seen, transitions, node.path(), violation.getMessage());
        }
        transitions++;
        if (seen.size() < maxStates && seen.add(next.key())) {
          frontier.add(new Reached(node, next));
        }
      }
    }
    return new Report(plan.name(), seen.size(), transitions, seen.size() < maxStates, null);
  }

  private static boolean rests(LockWorld world) {
    return world.copy().comesToRest(REST_ROUNDS);
  }

  private static Report report(
      LockPlan plan, Set<String> seen, long transitions, List<String> path, String what) {
    return new Report(
        plan.name(),
        seen.size(),
        transitions,
        false,
        what + "\n  after\n    " + String.join("\n    ", path));
  }
}
