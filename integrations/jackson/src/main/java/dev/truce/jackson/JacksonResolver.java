package dev.truce.jackson;

import dev.truce.store.Conflict;
import dev.truce.store.Resolution;
import dev.truce.store.Resolver;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Merges what two have made of one value, field by field, as its JSON has them.
public final class JacksonResolver {
  private JacksonResolver() {}

  /// Of each field the side that has changed it, also of fields of fields. Lists count as one
  /// field. Where both have changed one, and not alike, or one side has removed the key, the commit
  /// is refused.
  public static <T> Resolver<T> fields(Class<T> type) {
    return fields(JacksonCodec.of(type), Resolver.refuse());
  }

  /// The same, where `otherwise` is asked about the whole conflict in place of a refusal. So it is
  /// where what both have made is no value of the type together.
  ///
  /// @param codec of the store
  public static <T> Resolver<T> fields(JacksonCodec<T> codec, Resolver<T> otherwise) {
    return conflict -> {
      if (conflict.ours().isEmpty() && conflict.theirs().isEmpty()) {
        return Resolution.keepTheirs();
      }
      return merged(codec, conflict)
          .map(Resolution::use)
          .orElseGet(() -> otherwise.resolve(conflict));
    };
  }

  private static <T> Optional<T> merged(JacksonCodec<T> codec, Conflict<T> conflict) {
    if (conflict.ours().isEmpty() || conflict.theirs().isEmpty()) {
      return Optional.empty();
    }
    JsonNode base = conflict.base().map(codec::tree).orElse(null);
    JsonNode ours = codec.tree(conflict.ours().get());
    JsonNode theirs = codec.tree(conflict.theirs().get());
    Merge merge = new Merge();
    JsonNode all = merge.of(base, ours, theirs);
    if (all == null || merge.clashes) {
      return Optional.empty();
    }
    try {
      return Optional.of(codec.value(all));
    } catch (JacksonException noneTogether) {
      return Optional.empty();
    }
  }

  /// Of a field, `null` stands for its not being there.
  private static final class Merge {
    private boolean clashes;

    @Nullable JsonNode of(
        @Nullable JsonNode base, @Nullable JsonNode ours, @Nullable JsonNode theirs) {
      if (isSame(ours, theirs) || isSame(theirs, base)) {
        return ours;
      }
      if (isSame(ours, base)) {
        return theirs;
      }
      if (ours instanceof ObjectNode ourFields && theirs instanceof ObjectNode theirFields) {
        return fields(base, ourFields, theirFields);
      }
      clashes = true;
      return theirs;
    }

    private JsonNode fields(@Nullable JsonNode base, ObjectNode ours, ObjectNode theirs) {
      ObjectNode merged = theirs.objectNode();
      Set<String> names = new LinkedHashSet<>(theirs.propertyNames());
      names.addAll(ours.propertyNames());
      for (String name : names) {
        JsonNode before = base == null ? null : base.get(name);
        JsonNode field = of(before, ours.get(name), theirs.get(name));
        if (field != null) {
          merged.set(name, field);
        }
      }
      return merged;
    }

    private static boolean isSame(@Nullable JsonNode one, @Nullable JsonNode other) {
      return one == null ? other == null : one.equals(other);
    }
  }
}
