package dev.truce.index;

import dev.truce.index.Tree.Content;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BinaryOperator;

/// Whether the files are what the index says they are: each is read and hashed again.
///
/// @param checked how many entries have a file
/// @param without how many have none, so that nothing can be said of them
/// @param missing files that are gone
/// @param changed files with other content
/// @param superseded entries whose files are newer versions by now, so that nothing can be said of
///   their content
/// @param unread files that cannot be read, and why
/// @param extra files that the index does not know, of those it was shown
record Check(
    int checked,
    int without,
    SortedSet<String> missing,
    SortedSet<String> changed,
    SortedSet<String> superseded,
    SortedMap<String, String> unread,
    SortedSet<String> extra) {

  /// Whether nothing differs.
  boolean isClean() {
    return missing.isEmpty() && changed.isEmpty() && unread.isEmpty() && extra.isEmpty();
  }

  /// What is so of one file.
  private sealed interface State {
    record Whole() implements State {}

    record Missing() implements State {}

    record Changed() implements State {}

    record Superseded() implements State {}

    record Unread(String why) implements State {}
  }

  /// @param shown files that the index should know
  static Check of(List<Artifact> artifacts, Tree tree, Collection<String> shown, Progress progress)
      throws InterruptedException {
    Check check =
        new Check(
            (int) artifacts.stream().filter(artifact -> artifact.path() != null).count(),
            (int) artifacts.stream().filter(artifact -> artifact.path() == null).count(),
            new TreeSet<>(),
            new TreeSet<>(),
            new TreeSet<>(),
            new TreeMap<>(),
            new TreeSet<>(shown));
    check.look(artifacts, tree, progress);
    return check;
  }

  private void look(List<Artifact> artifacts, Tree tree, Progress progress)
      throws InterruptedException {
    AtomicInteger done = new AtomicInteger();
    Map<String, Version> newest = newest(artifacts);
    SortedMap<String, Future<State>> states = new TreeMap<>();
    try (ExecutorService threads =
        Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors())) {
      for (Artifact artifact : artifacts) {
        String path = artifact.path();
        if (path != null) {
          extra.remove(path);
          Version highest = Objects.requireNonNull(newest.get(place(artifact)));
          boolean newer = Version.of(artifact.version()).compareTo(highest) < 0;
          states.put(
              artifact.key(),
              threads.submit(() -> {
                State state = state(tree, path, artifact, newer);
                progress.at(done.incrementAndGet());
                return state;
              }));
        }
      }
      for (Artifact artifact : artifacts) {
        Future<State> state = states.get(artifact.key());
        if (artifact.path() != null && state != null) {
          add(artifact.key(), artifact.path(), result(state));
        }
      }
    }
  }

  /// The highest version of each artifact at each path.
  private static Map<String, Version> newest(List<Artifact> artifacts) {
    Map<String, Version> newest = new HashMap<>();
    for (Artifact artifact : artifacts) {
      if (artifact.path() != null) {
        newest.merge(
            place(artifact),
            Version.of(artifact.version()),
            BinaryOperator.maxBy(Comparator.naturalOrder()));
      }
    }
    return newest;
  }

  private static String place(Artifact artifact) {
    return artifact.id() + "/" + artifact.path();
  }

  private void add(String key, String path, State state) {
    switch (state) {
      case State.Whole() -> {}
      case State.Missing() -> missing.add(path);
      case State.Changed() -> changed.add(path);
      case State.Superseded() -> superseded.add(key);
      case State.Unread(String why) -> unread.put(path, why);
    }
  }

  /// @param newer whether the index has a newer version at this path
  private static State state(Tree tree, String path, Artifact artifact, boolean newer) {
    if (newer && Files.exists(tree.file(path), LinkOption.NOFOLLOW_LINKS)) {
      return new State.Superseded();
    }
    try {
      return Content.of(tree.file(path)).isOf(artifact) ? new State.Whole() : new State.Changed();
    } catch (NoSuchFileException gone) {
      return new State.Missing();
    } catch (IOException failure) {
      return new State.Unread(Tree.reason(failure));
    }
  }

  private static State result(Future<State> state) throws InterruptedException {
    try {
      return state.get();
    } catch (ExecutionException defect) {
      throw new IllegalStateException(defect.getCause());
    }
  }
}
