package dev.truce.index;

import dev.truce.Fence;
import dev.truce.Truce;
import dev.truce.index.Upsert.Refuse;
import dev.truce.index.Upsert.Same;
import dev.truce.index.Upsert.Write;
import dev.truce.jackson.JacksonCodec;
import dev.truce.store.Commit;
import dev.truce.store.Draft;
import dev.truce.store.Entry;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// The index in its store: entries by `ID/VERSION`.
///
/// What changes it is one commit, so all of it or nothing of it is there; where others have changed
/// the same entries meanwhile, it is decided again on what they wrote.
final class Catalog {
  private static final String STORE = "index";

  private final Store<Artifact> store;
  private final Tree tree;

  Catalog(Truce truce, Tree tree) {
    this(truce, tree, List.of());
  }

  /// @param tokens that what it writes rests on, `TOKEN:LOCK` each
  Catalog(Truce truce, Tree tree, Collection<String> tokens) {
    Store<Artifact> all =
        truce.store(STORE, JacksonCodec.of(Json.MAPPER, Json.MAPPER.constructType(Artifact.class)));
    this.store = tokens.isEmpty() ? all : all.withFence(fence(tokens));
    this.tree = tree;
  }

  static Fence fence(Collection<String> tokens) {
    SortedMap<String, Long> fence = new TreeMap<>();
    for (String token : tokens) {
      String[] parts = token.split(":", 2);
      fence.put(parts[1], Long.valueOf(parts[0]));
    }
    return new Fence(fence);
  }

  /// What became of some entries.
  ///
  /// @param refused why, for each that was not put
  /// @param edited those of the edited files that were not refused
  record Put(int written, int same, List<String> refused, List<Artifact> edited, long revision) {
    private Put at(long revision) {
      return new Put(written, same, refused, edited, revision);
    }
  }

  /// Puts those of them that may be put.
  ///
  /// @param replace whether a version may change its content
  Put put(Collection<Artifact> artifacts, boolean replace) {
    return put(artifacts, Set.of(), replace);
  }

  /// Puts those of them that may be put.
  ///
  /// @param edited files whose sidecars are of other content
  /// @param replace whether a version may change its content
  Put put(Collection<Artifact> artifacts, Set<String> edited, boolean replace) {
    return committed(draft -> put(draft, artifacts, edited, replace)::at);
  }

  /// Puts all of them.
  ///
  /// @throws Refused if one of them may not be put, and then none is
  Put putAll(Collection<Artifact> artifacts, boolean replace) {
    return committed(draft -> {
      Put put = put(draft, artifacts, Set.of(), replace);
      if (!put.refused.isEmpty()) {
        throw new Refused(put.refused);
      }
      return put::at;
    });
  }

  private Put put(
      Draft<Artifact> draft, Collection<Artifact> artifacts, Set<String> edited, boolean replace) {
    Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    List<String> refused = new ArrayList<>();
    List<Artifact> taken = new ArrayList<>();
    int written = 0;
    for (Artifact mine : artifacts) {
      Artifact there = draft.get(mine.key()).orElse(null);
      boolean stands = hasItsFile(there);
      boolean isEdited = mine.path() != null && edited.contains(mine.path());
      Upsert upsert =
          isEdited && !replace
              ? Upsert.ofEdited(there, highest(draft, mine.id()), mine, stands, now)
              : Upsert.of(there, mine, replace, stands, now);
      if (isEdited && !(upsert instanceof Refuse)) {
        taken.add(mine);
      }
      switch (upsert) {
        case Same() -> {}
        case Write(Artifact artifact) -> {
          draft.put(artifact.key(), artifact);
          written++;
        }
        case Refuse(String why) -> refused.add(why);
      }
    }
    return new Put(written, artifacts.size() - written - refused.size(), refused, taken, 0);
  }

  private static @Nullable Version highest(Draft<Artifact> draft, String id) {
    return draft
        .prefix(id + "/")
        .map(entry -> Version.of(entry.value().version()))
        .max(Comparator.naturalOrder())
        .orElse(null);
  }

  private boolean hasItsFile(@Nullable Artifact there) {
    String path = there == null ? null : there.path();
    return path != null && Files.exists(tree.file(path), LinkOption.NOFOLLOW_LINKS);
  }

  /// What was removed.
  record Removed(List<String> keys, long revision) {}

  /// Removes those that are as this says, at the moment of the commit.
  ///
  /// @param keys that are to be looked at
  Removed remove(Collection<String> keys, Predicate<Artifact> condition) {
    return committed(draft -> {
      List<String> removed = new ArrayList<>();
      for (String key : keys) {
        if (draft.get(key).filter(condition).isPresent()) {
          draft.remove(key);
          removed.add(key);
        }
      }
      return revision -> new Removed(removed, revision);
    });
  }

  /// What the index says at one moment.
  record Moment(List<Artifact> artifacts, long revision) {}

  /// All entries whose id begins with this.
  Moment all(String prefix) {
    try (Snapshot<Artifact> now = store.snapshot()) {
      return new Moment(now.prefix(prefix).map(Entry::value).toList(), now.revision());
    }
  }

  /// The versions of an id, the highest first.
  Moment versions(String id) {
    Moment found = all(id + "/");
    List<Artifact> sorted =
        found.artifacts().stream()
            .sorted(
                Comparator.comparing((Artifact artifact) -> Version.of(artifact.version()))
                    .reversed())
            .toList();
    return new Moment(sorted, found.revision());
  }

  private <T> T committed(Function<Draft<Artifact>, LongFunction<T>> body) {
    AtomicReference<@Nullable LongFunction<T>> last = new AtomicReference<>();
    Commit commit = store.commit(draft -> last.set(body.apply(draft)));
    return Objects.requireNonNull(last.get()).apply(commit.revision());
  }
}
